// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on their way: lists of skbs.
 */
#include "bus.h"

#include <net/af_unix.h>

size_t bus_skb_skip(const struct sk_buff *skb)
{
	return UNIXCB(skb).consumed;
}
EXPORT_SYMBOL_GPL(bus_skb_skip);

void bus_msg_purge(struct bus_msg *m)
{
	__skb_queue_purge(&m->skbs);
	bus_files_put(m->files);
	bus_msg_init(m);
}
EXPORT_SYMBOL_GPL(bus_msg_purge);

void bus_msg_add(struct bus_msg *m, struct sk_buff *skb, size_t len)
{
	__skb_queue_tail(&m->skbs, skb);
	m->len += len;
	m->truesize += skb->truesize;
}
EXPORT_SYMBOL_GPL(bus_msg_add);

void bus_msg_move(struct bus_msg *to, struct bus_msg *from)
{
	bus_msg_init(to);
	skb_queue_splice_init(&from->skbs, &to->skbs);
	to->files = from->files;
	to->len = from->len;
	to->truesize = from->truesize;
	to->share = from->share;
	bus_msg_init(from);
}
EXPORT_SYMBOL_GPL(bus_msg_move);

/* Shares the data; only the small heads are new. */
int bus_msg_clone(struct bus_msg *to, const struct bus_msg *from, gfp_t gfp)
{
	struct sk_buff *skb, *copy;

	bus_msg_init(to);
	skb_queue_walk(&from->skbs, skb) {
		copy = skb_clone(skb, gfp);
		if (!copy) {
			bus_msg_purge(to);
			return -ENOMEM;
		}
		__skb_queue_tail(&to->skbs, copy);
	}
	if (from->files)
		to->files = bus_files_get(from->files);
	to->len = from->len;
	to->truesize = from->truesize;
	to->share = from->share;
	return 0;
}
EXPORT_SYMBOL_GPL(bus_msg_clone);
