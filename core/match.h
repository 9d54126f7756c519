/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Match rules (specification, "Match Rules"; quoting and corner cases as the
 * reference implementation has them).
 *
 * A compiled rule is one flat block without pointers: offsets from its
 * start. Both switches hold the same blocks. The caller owns the memory; a
 * rule never changes after match_rule_parse().
 */
#ifndef AFBUS_CORE_MATCH_H
#define AFBUS_CORE_MATCH_H

#include "core/dbus_header.h"

#define MATCH_MAX_TEXT	1024U	/* longer rules are refused */
#define MATCH_MAX_ARG	63U
/* Enough for the compiled form of any rule of @text_len bytes. */
#define MATCH_RULE_MEM(text_len) (sizeof(struct match_rule) + \
	((text_len) / 6 + 1) * sizeof(struct match_arg) + (text_len) + 8)

enum match_arg_kind { MATCH_ARG_STRING, MATCH_ARG_PATH, MATCH_ARG_NAMESPACE };

struct match_arg {
	u8 index;
	u8 kind;
	u16 off;
	u16 len;
};

/* Which keys a rule has. */
#define MATCH_TYPE		0x001
#define MATCH_SENDER		0x002
#define MATCH_INTERFACE		0x004
#define MATCH_MEMBER		0x008
#define MATCH_PATH		0x010
#define MATCH_PATH_NAMESPACE	0x020
#define MATCH_DESTINATION	0x040
#define MATCH_EAVESDROP		0x080	/* eavesdrop='true' */

struct match_span { u16 off, len; };

struct match_rule {
	u32 size;		/* of the whole block, bytes */
	u16 keys;
	u8 type;		/* enum dbus_type, with MATCH_TYPE */
	u8 n_args;		/* sorted by index, then kind */
	struct match_span sender, interface, member, path, destination;
	struct match_arg args[];
	/* the strings follow */
};

/*
 * Compiles @text into @mem (of @size bytes, 8-aligned). Returns 0; -EINVAL
 * for what the grammar refuses (unknown or duplicate key, bad quoting, bad
 * name, path with path_namespace ...) with *@why set to a constant sentence
 * when @why is not NULL; -ENOSPC when @mem is too small; -EMSGSIZE for more
 * than MATCH_MAX_TEXT bytes.
 */
int match_rule_parse(struct match_rule *mem, size_t size,
		     const char *text, size_t len, const char **why);

/* Same keys and values: what RemoveMatch compares. */
bool match_rule_equal(const struct match_rule *a, const struct match_rule *b);

/* Canonical text: fixed key order; quotes only around pieces with a comma or
 * a backslash. Returns the length, which may exceed @size (then the output is
 * cut) and, by such quotes, MATCH_MAX_TEXT; NUL-terminates if @size > 0. */
size_t match_rule_text(const struct match_rule *r, char *out, size_t size);

/*
 * A message as rules see it. @owns answers whether the sender is the primary
 * owner of a well-known name (not called for unique names, which are compared
 * with @sender). Body arguments are read only when a rule asks; @body may be
 * NULL when the caller knows that no rule looks at arguments.
 *
 * @names goes through the well-known names that @owns says yes to, without
 * @sender: it sets @name to the one behind *@at, which is NULL at first and its
 * own to change, or returns false. Only match_index_visit() asks it; NULL: there
 * are none.
 *
 * @receives answers whether the message's receiver is the primary owner of a
 * name that it was not addressed by; NULL where only DESTINATION counts.
 */
struct match_msg {
	const struct dbus_header *h;
	struct dbus_str sender;		/* the stamped sender */
	bool (*owns)(void *ctx, const char *name, size_t len);
	void *ctx;
	const void *body;
	size_t body_len;
	bool (*receives)(void *ctx, const char *name, size_t len);
	bool (*names)(void *ctx, void **at, struct dbus_str *name);
};

bool match_rule_eval(const struct match_rule *r, const struct match_msg *m);

/* The first @n arguments, as far as they are strings (type 's'); the others
 * have no .s. */
void match_msg_strings(const struct match_msg *m, struct dbus_str *out, u8 n);

#endif
