// SPDX-License-Identifier: GPL-2.0-only
/*
 * af_bus_dbus.ko comes and goes: the D-Bus protocol of AF_BUS.
 */
#include "dbus_batch.h"

#include <linux/init.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

static struct bus *dbus_bus_new(void)
{
	struct dbus_bus *db = kvzalloc(sizeof(*db), GFP_KERNEL_ACCOUNT);

	if (!db)
		return NULL;
	if (dbus_replies_init(db)) {
		kvfree(db);
		return NULL;
	}
	hash_init(db->names);
	hash_init(db->owned);
	dbus_rules_init(db);
	INIT_LIST_HEAD(&db->monitors);
	INIT_LIST_HEAD(&db->policies);
	hash_init(db->notes);
	INIT_LIST_HEAD(&db->bus_notes);
	return &db->bus;
}

static void dbus_bus_free(struct bus *bus)
{
	dbus_recips_free(to_dbus_bus(bus));
	dbus_replies_free(to_dbus_bus(bus));
	kvfree(to_dbus_bus(bus));
}

static void dbus_bus_end(struct bus *bus)
{
	struct dbus_bus *db = to_dbus_bus(bus);

	bus_pending_drop(bus);
	dbus_tables_drop(db);
	dbus_policies_drop(db);
	dbus_notes_drop(db);
	dbus_replies_end(db);
}

static int dbus_ruling(struct bus *bus, struct bus_info *info)
{
	*info = to_dbus_bus(bus)->ruling;
	return 0;
}

static void dbus_stats(struct bus *bus, struct bus_stats *st)
{
	struct dbus_bus *db = to_dbus_bus(bus);

	st->names = READ_ONCE(db->n_names);
	st->matches = READ_ONCE(db->n_matches);
}

static void dbus_show(struct seq_file *m, struct bus_port *p)
{
	bus_port_show(m, "port", p);
	seq_printf(m, ":1.%llu\n", p->addr);
}

static const struct bus_proto dbus_proto = {
	.owner = THIS_MODULE,
	.name = "dbus",
	.nr = BUS_PROTO_DBUS,
	.message_fds = 16,
	.persists = true,
	.member = &dbus_member_ops,
	.bus_new = dbus_bus_new,
	.bus_free = dbus_bus_free,
	.bus_end = dbus_bus_end,
	.attach = dbus_attach,
	.update = dbus_update,
	.policy = dbus_policy_set,
	.ruling = dbus_ruling,
	.dump = dbus_dump,
	.port_file = dbus_port_file,
	.send = dbus_master_send,
	.stats = dbus_stats,
	.show = dbus_show,
};

static int __init af_bus_dbus_init(void)
{
	int err = dbus_ports_init();

	if (err)
		return err;
	err = bus_proto_register(BUS_PROTO_DBUS, &dbus_proto);
	if (err)
		dbus_ports_exit();
	return err;
}

/*
 * No bus is left, so no port and no hooked socket. But somebody may still be
 * on the last instructions of a work item, of a hook, or before the first of
 * one: AF_UNIX reads sk_data_ready and calls it without a lock. Such a task
 * has not slept since; waiting for all tasks to have slept once is what the
 * kernel's own trampolines do.
 */
static void __exit af_bus_dbus_exit(void)
{
	bus_proto_unregister(BUS_PROTO_DBUS, &dbus_proto);
	flush_workqueue(bus_wq);
	synchronize_rcu_tasks();
	rcu_barrier();
	dbus_ports_exit();
}

module_init(af_bus_dbus_init);
module_exit(af_bus_dbus_exit);
MODULE_DESCRIPTION("D-Bus on AF_BUS");
MODULE_AUTHOR("The AF_BUS developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_ALIAS("net-pf-18-proto-1");
