/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Service files for the bus at hand: with-bus has made a directory for them,
 * $BUS_SERVICES. Services are run by the program "activated".
 */
#ifndef AFBUS_TESTS_SERVICES_H
#define AFBUS_TESTS_SERVICES_H

#include "raw.h"

/* NAME.service for a service that does @steps of "activated". */
void service_add(const char *name, const char *steps);
/* The same with all of the file's lines behind Name. */
void service_add_lines(const char *name, const char *lines);
void service_remove(const char *name);
/* The path of "activated". */
const char *service_program(void);
/* A file that "count=" may write to. */
const char *service_log(const char *name);
unsigned int service_starts(const char *name);

/* Calls @member of @name with @arg or without; @m is the reply. */
void service_call(struct raw *c, struct msg *m, const char *name,
		  const char *member, const char *arg);
/* The reply is a string; the same must be in it. */
void service_expect(struct raw *c, const char *name, const char *member,
		    const char *arg, const char *reply);
void service_expect_error(struct raw *c, const char *name, const char *error,
			  const char *text);
/* StartServiceByName: its result, or an error that is expected. */
uint32_t service_start(struct raw *c, const char *name);
uint32_t service_send_start(struct raw *c, const char *name);
void service_quit(struct raw *c, const char *name);

#endif
