/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a bus does, in so little code that it can be seen to be right: names
 * and their queues, match rules, calls and who may answer them. For every
 * client it keeps the messages that must arrive, one line of text each, in the
 * order in which they must.
 *
 * Clients, names and rules are numbers. A message is told by struct said.
 */
#ifndef AFBUS_TESTS_MODEL_H
#define AFBUS_TESTS_MODEL_H

#include "raw.h"

#define MODEL_CLIENTS	6
#define MODEL_NAMES	4
#define MODEL_DRIVER	(-1)
#define MODEL_CALLS	64	/* waiting for an answer */

extern const char *const model_names[MODEL_NAMES];

struct said {
	uint8_t type;
	uint8_t flags;
	int from;		/* client, or MODEL_DRIVER */
	uint32_t serial, reply_serial;
	const char *path, *interface, *member, *error, *destination;
	const char *args[MODEL_CLIENTS];
	bool has_u;
	uint32_t u;
};

/* One message, as text. Lines of the same group may come in any order. */
struct line {
	struct line *next;
	unsigned int group;	/* 0: none */
	uint32_t u;		/* the number in it */
	char from[32];
	char text[500];
};

struct lines {
	struct line *first, **end;
};

void lines_init(struct lines *l);
struct line *lines_add(struct lines *l);
void lines_free(struct lines *l);
/*
 * Takes all lines out of both; true when they are not the same in the same
 * order, with the difference in @why. If @any_sender only those from the same
 * sender must be in order.
 */
bool lines_differ(struct lines *expected, struct lines *got, bool any_sender,
		  char *why, size_t size);
/* @m in the words in which the model says what it expects. */
void line_of_msg(struct line *line, const struct msg *m);

struct model_call {
	int caller, callee;
	uint32_t serial;
};

struct model_owner {
	int client;
	uint32_t flags;
};

struct model {
	struct {
		bool live;
		char name[32];
		unsigned int *rules;	/* how often each was added */
		struct lines expected;
	} clients[MODEL_CLIENTS];
	struct {
		struct model_owner queue[MODEL_CLIENTS];
		unsigned int n;
	} names[MODEL_NAMES];
	struct model_call calls[MODEL_CALLS];
	unsigned int n_calls;
	unsigned int group;		/* of what is told now */
	unsigned int groups;
	bool strict;			/* only answers that are waited for */
};

unsigned int model_n_rules(void);
const char *model_rule_text(unsigned int rule);

void model_init(struct model *m);
void model_connect(struct model *m, int client, const char *name);
/* Returns after all that the others hear of it has been noted. */
void model_disconnect(struct model *m, int client);

/* Calls of the driver; @serial is the call's. */
void model_request_name(struct model *m, int client, uint32_t serial, int name,
			uint32_t flags);
void model_release_name(struct model *m, int client, uint32_t serial, int name);
void model_add_match(struct model *m, int client, uint32_t serial,
		     unsigned int rule);
void model_remove_match(struct model *m, int client, uint32_t serial,
			unsigned int rule);
void model_get_owner(struct model *m, int client, uint32_t serial, int name);
void model_list_queue(struct model *m, int client, uint32_t serial, int name);
void model_has_owner(struct model *m, int client, uint32_t serial, int name);

/* A message of a client to somebody else, or to all. */
void model_say(struct model *m, const struct said *s);

/* Who has the name @to, unique or not; -1: nobody. */
int model_find(const struct model *m, const char *to);

#endif
