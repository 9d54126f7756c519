/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between switch.c, which the daemon calls, and the two switches. Each has a
 * struct of its own that begins with struct sw.
 */
#ifndef AFBUS_DAEMON_SWITCH_OPS_H
#define AFBUS_DAEMON_SWITCH_OPS_H

#include "daemon/switch.h"

struct sw_ops {
	const char *kind;
	void (*free)(struct sw *sw);
	/* NULL: its event loop's own. */
	int (*loop)(struct sw *sw);
	int (*attach)(struct sw *sw, int fd, bool pass_fds, uint64_t *addr);
	int (*activate)(struct sw *sw, uint64_t addr);
	int (*detach)(struct sw *sw, uint64_t addr);
	int (*name)(struct sw *sw, const char *name, uint64_t addr);
	/* NULL: there are no monitors. */
	int (*monitor)(struct sw *sw, uint64_t addr);
	/* NULL: it can, if the above is there. */
	bool (*has_monitors)(const struct sw *sw);
	/* NULL: no client acts while the daemon does. */
	int (*cork)(struct sw *sw, uint64_t addr, bool on);
	bool (*watched)(const struct sw *sw);
	void (*show_first)(struct sw *sw, bool on);
	int (*show)(struct sw *sw, uint64_t to, const void *msg, size_t len);
	int (*match_add)(struct sw *sw, uint64_t addr, uint64_t cookie,
			 const char *rule);
	int (*match_del)(struct sw *sw, uint64_t addr, uint64_t cookie);
	int (*send)(struct sw *sw, uint64_t addr, const void *msg, size_t len,
		    const int *fds, unsigned int n_fds);
	int (*broadcast)(struct sw *sw, const void *msg, size_t len);
	/* NULL: there is no policy, and no replies are waited for. */
	int (*claim)(struct sw *sw, const char *name, uint64_t addr, bool on);
	/* NULL: the daemon is asked. */
	int (*about)(struct sw *sw, uint64_t addr, const char *text);
	int (*policy)(struct sw *sw, uint64_t addr, const struct policy *p);
	int (*limits)(struct sw *sw, const struct sw_limits *limits);
	int (*forward)(struct sw *sw, uint64_t from, uint64_t addr,
		       const void *msg, size_t len, const int *fds,
		       unsigned int n_fds, struct sw_ruling *ruling);
	int (*queues)(struct sw *sw, uint64_t addr, struct sw_queues *ret);
	int (*port_stats)(struct sw *sw, uint64_t addr,
			  struct bus_port_stats *ret);
	int (*stats)(struct sw *sw, struct bus_stats *ret);
	/* NULL: everything is done at once, and nobody is killed in between
	 * without taking it all with him. */
	void (*begin)(struct sw *sw);
	int (*commit)(struct sw *sw);
	/* NULL: it keeps nothing, -EOPNOTSUPP. */
	int (*note)(struct sw *sw, uint64_t addr, uint64_t cookie,
		    const void *data, size_t len);
	int (*keep)(struct sw *sw, uint64_t number, int fd);
	int (*park)(struct sw *sw, uint64_t number,
		    const struct sw_message *m);
	int (*unpark)(struct sw *sw, uint64_t number);
	/* NULL: by the two steps that it is made of. */
	int (*forward_parked)(struct sw *sw, uint64_t number, uint64_t addr,
			      const struct sw_message *m,
			      struct sw_ruling *ruling);
	int (*persist)(struct sw *sw, uint32_t ms);
	bool (*has_past)(const struct sw *sw);
	int (*restore)(struct sw *sw, const struct sw_restorer *restorer,
		       void *ctx);
	int (*save)(struct sw *sw, struct sw_state *to);
	uint64_t (*outage)(const struct sw *sw);
};

struct sw {
	const struct sw_ops *ops;
	struct sw_handler handler;
	void *ctx;
	sd_event *event;		/* a reference */
	struct bus_limits limits;	/* complete, within the ranges */
};

/* Puts defaults where @want has zeroes. -EINVAL: out of range. */
int sw_limits_fill(struct bus_limits *to, const struct bus_limits *want);

/* Makes a switch whose common part is @common, sw->ops left to be set. */
int sw_user_new(struct sw **ret, const struct sw *common,
		struct sw_state *from);
int sw_kernel_new(struct sw **ret, const struct sw *common, const char *path,
		  int bound, struct sw_state *from);

#endif
