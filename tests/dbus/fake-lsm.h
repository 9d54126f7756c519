/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between fake-lsm.c, which a bus has loaded, and tests, whose clients have
 * the labels they want. Tests skip when the bus has not loaded it. */
#ifndef AFBUS_TESTS_FAKE_LSM_H
#define AFBUS_TESTS_FAKE_LSM_H

#include "conf.h"

#define FAKE_LSM_PREFIX "fake-lsm/"

/* Is this the module that the bus has? Or skip. */
void lsm_need(const char *name);
/* Connected, with the label, nothing sent. */
int lsm_dial(const char *label);
struct raw *lsm_open(const char *label);
/* The policy from now on: lines. The log is empty again. */
void lsm_policy(const char *lines);
/* The log is these lines; in them "%d" is any number, "%A" what is in front of
 * a decision where this bus writes them. */
void lsm_expect_log(const char *lines);
/* The kernel has loaded a policy. */
void lsm_tell_load(void);

#endif
