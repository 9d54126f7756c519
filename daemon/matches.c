// SPDX-License-Identifier: LGPL-2.1-or-later
#include "matches.h"

#include <stdlib.h>

#include "core/match.h"
#include "daemon/log.h"

struct match_node {
	struct hnode node;	/* in peer->matches, by canonical text */
	uint64_t cookie;
	struct match_rule rule;	/* a flat block, longer than the struct */
};

/* Least quoting may still triple the text: every apostrophe takes four. */
#define MAX_CANONICAL	(4 * MATCH_MAX_TEXT + 256)

static uint64_t hash_rule(const struct match_rule *r)
{
	char text[MAX_CANONICAL];
	size_t len = match_rule_text(r, text, sizeof(text));

	return hash_bytes(text, len < sizeof(text) ? len : sizeof(text));
}

static int compile(struct match_node **ret, const char *text, size_t len,
		   const char **why)
{
	size_t size = MATCH_RULE_MEM(len);
	struct match_node *m;
	int err;

	if (len > MATCH_MAX_TEXT)
		return -EMSGSIZE;
	m = malloc(offsetof(struct match_node, rule) + size);
	if (!m)
		return -ENOMEM;
	err = match_rule_parse(&m->rule, size, text, len, why);
	if (err) {
		free(m);
		return err;
	}
	m->node.hash = hash_rule(&m->rule);
	*ret = m;
	return 0;
}

static struct match_node *find(struct peer *peer, const struct match_node *like)
{
	struct hnode *node;

	hmap_for_hash(node, &peer->matches, like->node.hash) {
		struct match_node *m = container_of(node, struct match_node,
						    node);

		if (match_rule_equal(&m->rule, &like->rule))
			return m;
	}
	return NULL;
}

/* The switch wants a string, and gets what the client wrote. */
static int tell_switch(struct peer *peer, uint64_t cookie, const char *text,
		       size_t len)
{
	char copy[MATCH_MAX_TEXT + 1];

	memcpy(copy, text, len);
	copy[len] = 0;
	return sw_match_add(peer->bus->sw, peer->addr, cookie, copy);
}

bool matches_eavesdrops(const char *text, size_t len)
{
	static const char word[] = "eavesdrop";
	struct match_node *m;
	bool result;

	/* Few do: most need not be read for this. */
	if (!memmem(text, len, word, sizeof(word) - 1) ||
	    compile(&m, text, len, NULL))
		return false;
	result = m->rule.keys & MATCH_EAVESDROP;
	free(m);
	return result;
}

/* Its author may look for what is wrong. */
static void note_eavesdropping(const struct peer *peer,
			       const struct match_rule *rule)
{
	if (rule->keys & MATCH_EAVESDROP && !sw_has_monitors(peer->bus->sw))
		log_info("\"%s\" (pid=%d comm=\"%s\") wants to eavesdrop: the module of the kernel is too old to show it more than broadcasts",
			 peer->unique, (int)peer->creds.pid,
			 peer->creds.program);
}

int matches_add(struct peer *peer, const char *text, size_t len,
		const char **why)
{
	struct match_node *m;
	int err;

	if (peer->matches.n >= peer->bus->config.limits.matches_per_connection)
		return -EDQUOT;
	err = compile(&m, text, len, why);
	if (err)
		return err;
	note_eavesdropping(peer, &m->rule);
	m->cookie = peer->next_cookie++;
	err = hmap_put(&peer->matches, &m->node, m->node.hash);
	if (err)
		goto free_match;
	err = tell_switch(peer, m->cookie, text, len);
	if (err)
		goto remove;
	stats_match_added(peer);
	return 0;

remove:
	hmap_del(&peer->matches, &m->node);
free_match:
	free(m);
	return err;
}

int matches_restore(struct peer *peer, uint64_t cookie, const char *text)
{
	struct match_node *m;
	int err = compile(&m, text, strlen(text), NULL);

	if (err)
		return err;
	m->cookie = cookie;
	err = hmap_put(&peer->matches, &m->node, m->node.hash);
	if (err) {
		free(m);
		return err;
	}
	if (cookie >= peer->next_cookie)
		peer->next_cookie = cookie + 1;
	stats_match_added(peer);
	return 0;
}

int matches_del(struct peer *peer, const char *text, size_t len,
		const char **why)
{
	struct match_node *like, *m;
	int err = compile(&like, text, len, why);

	if (err)
		return err;
	m = find(peer, like);
	free(like);
	if (!m)
		return -ENOENT;
	err = sw_match_del(peer->bus->sw, peer->addr, m->cookie);
	if (err && err != -ENOENT)
		return err;
	hmap_del(&peer->matches, &m->node);
	stats_matches_gone(peer, 1);
	free(m);
	return 0;
}

/* An apostrophe becomes four characters, and every value has two more. */
#define MAX_QUOTED	(4 * MAX_CANONICAL)

struct quoter {
	char *out;
	size_t len;
};

static void put(struct quoter *q, const char *s, size_t len)
{
	memcpy(q->out + q->len, s, len);
	q->len += len;
}

/* From the canonical @text, which quotes as little as it can. */
static size_t quote(char *out, const char *text, size_t len)
{
	struct quoter q = { .out = out };
	bool in_value = false, in_quotes = false;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (!in_value || (c == ',' && !in_quotes)) {
			if (in_value)
				put(&q, "'", 1);
			put(&q, &c, 1);
			if (c == '=')
				put(&q, "'", 1);
			in_value = c == '=';
		} else if (c == '\\' && !in_quotes) {
			put(&q, "'\\''", 4);
			i++;
		} else if (c == '\'') {
			in_quotes = !in_quotes;
		} else {
			put(&q, &c, 1);
		}
	}
	if (in_value)
		put(&q, "'", 1);
	return q.len;
}

void matches_each(struct peer *peer,
		  void (*each)(void *ctx, const char *text, size_t len),
		  void *ctx)
{
	struct hnode *node;
	char text[MAX_CANONICAL], quoted[MAX_QUOTED];
	size_t i;

	hmap_for_all(node, &peer->matches, i) {
		struct match_node *m = container_of(node, struct match_node,
						    node);
		size_t len = match_rule_text(&m->rule, text, sizeof(text));

		if (len < sizeof(text))
			each(ctx, quoted, quote(quoted, text, len));
	}
}

void matches_free(struct peer *peer)
{
	struct hnode *node, *next;
	size_t i;

	stats_matches_gone(peer, peer->matches.n);
	for (i = 0; i < peer->matches.n_slots; i++) {
		for (node = peer->matches.slots[i]; node; node = next) {
			next = node->next;
			free(container_of(node, struct match_node, node));
		}
	}
	hmap_clear(&peer->matches);
}
