// SPDX-License-Identifier: GPL-2.0-only
/*
 * af_bus.ko comes and goes: the family, and the table of protocols.
 */
#include "native.h"

#include <linux/init.h>
#include <linux/kmod.h>
#include <linux/net.h>
#include <linux/rcupdate.h>

static int family = AF_BUS_DEFAULT;
module_param(family, int, 0444);
MODULE_PARM_DESC(family, "number of the address family (default 18)");

struct workqueue_struct *bus_wq;
EXPORT_SYMBOL_GPL(bus_wq);

static DEFINE_MUTEX(proto_mutex);
static const struct bus_proto *protos[2] = {
	[BUS_PROTO_NONE] = &native_proto,
};

int bus_proto_register(unsigned int nr, const struct bus_proto *proto)
{
	int err = 0;

	if (nr >= ARRAY_SIZE(protos))
		return -EINVAL;
	mutex_lock(&proto_mutex);
	if (protos[nr])
		err = -EEXIST;
	else
		protos[nr] = proto;
	mutex_unlock(&proto_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(bus_proto_register);

void bus_proto_unregister(unsigned int nr, const struct bus_proto *proto)
{
	mutex_lock(&proto_mutex);
	if (protos[nr] == proto)
		protos[nr] = NULL;
	mutex_unlock(&proto_mutex);
}
EXPORT_SYMBOL_GPL(bus_proto_unregister);

static const struct bus_proto *proto_try(unsigned int nr)
{
	const struct bus_proto *proto;

	mutex_lock(&proto_mutex);
	proto = protos[nr];
	if (proto && !try_module_get(proto->owner))
		proto = NULL;
	mutex_unlock(&proto_mutex);
	return proto;
}

const struct bus_proto *bus_proto_get(unsigned int nr)
{
	const struct bus_proto *proto;

	if (nr >= ARRAY_SIZE(protos))
		return NULL;
	proto = proto_try(nr);
	if (!proto) {
		request_module("net-pf-%d-proto-%u", family, nr);
		proto = proto_try(nr);
	}
	return proto;
}

static int __init af_bus_init(void)
{
	int err;

	if (family <= AF_UNSPEC || family >= AF_MAX)
		return -EINVAL;
	bus_wq = alloc_workqueue("af_bus", WQ_UNBOUND, 0);
	if (!bus_wq)
		return -ENOMEM;
	bus_sk_proto.owner = THIS_MODULE;
	err = proto_register(&bus_sk_proto, 0);
	if (err)
		goto free_wq;
	err = bus_proc_init();
	if (err)
		goto unregister_proto;
	bus_family.family = family;
	err = sock_register(&bus_family);
	if (err)
		goto exit_proc;
	return 0;

exit_proc:
	bus_proc_exit();
unregister_proto:
	proto_unregister(&bus_sk_proto);
free_wq:
	destroy_workqueue(bus_wq);
	return err;
}

static void __exit af_bus_exit(void)
{
	sock_unregister(family);
	bus_proc_exit();
	proto_unregister(&bus_sk_proto);
	destroy_workqueue(bus_wq);
	rcu_barrier();
}

module_init(af_bus_init);
module_exit(af_bus_exit);
MODULE_DESCRIPTION("AF_BUS: message-oriented multicast IPC with a bus master");
MODULE_AUTHOR("The AF_BUS developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_NETPROTO(AF_BUS_DEFAULT);
