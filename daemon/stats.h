/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures of names and match rules, and the interface that tells them,
 * org.freedesktop.DBus.Debug.Stats. What is counted elsewhere (the registry,
 * the tables of peers, the switch) is not counted here again; only what would
 * be lost is: how high it once was.
 */
#ifndef AFBUS_DAEMON_STATS_H
#define AFBUS_DAEMON_STATS_H

#include <stddef.h>

struct bus;
struct peer;

struct bus_figures {
	size_t matches;			/* of all peers */
	size_t peak_matches;
	size_t peak_matches_of_one;
	size_t names;			/* unique ones, owned, waited for */
	size_t peak_names;
	size_t peak_names_of_one;
};

/* Of a peer; the present ones are in its tables. */
struct peer_figures {
	size_t seen_names;		/* in bus_figures.names now */
	size_t peak_matches;
	size_t peak_names;
};

/* A rule was added to, or @n were taken from @peer. */
void stats_match_added(struct peer *peer);
void stats_matches_gone(struct peer *peer, size_t n);
/* @peer may have more or fewer names than before. */
void stats_names_changed(struct peer *peer);
/* It has none, and is no peer any more. */
void stats_names_gone(struct peer *peer);

#endif
