// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/bus: a line for every bus of the network namespace, and after it
 * one for each of its ports (kind port), and, native, for the master's socket
 * of each (kind end). Columns are stable; new ones come at the end of the
 * line but before the name, which is the bus's, for a port of D-Bus its unique
 * name, for a native one whether it has joined.
 */
#include "bus.h"

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/string_helpers.h>
#include <net/net_namespace.h>

static void show_bus(struct seq_file *m, struct bus *bus)
{
	struct bus_stats st;

	bus_stats(bus, &st);
	seq_printf(m, "bus %llu %u %d 0 0 %llu %llu %llu %llu %llu %llu %llu %s %c",
		   st.ports, from_kuid_munged(seq_user_ns(m), bus->uid),
		   bus->pid, st.unicast_msgs + st.broadcast_msgs,
		   st.unicast_bytes, st.broadcast_copies,
		   st.master_driver + st.master_unknown + st.master_inactive,
		   st.held, st.refused, st.evicted,
		   bus->type == SOCK_DGRAM ? "open" : bus->proto->name,
		   bus->name.abstract ? '@' : bus->name.name[0]);
	seq_escape_mem(m, bus->name.name + !bus->name.abstract,
		       bus->name.len - !bus->name.abstract,
		       ESCAPE_OCTAL | ESCAPE_NP | ESCAPE_APPEND, " \\");
	seq_putc(m, '\n');
}

void bus_port_show(struct seq_file *m, const char *kind, struct bus_port *p)
{
	struct bus_port_stats st;

	bus_port_stats(p, &st);
	seq_printf(m, "%s %llu %u %d %#x %llu %llu %llu %llu %llu %llu %llu %u %s ",
		   kind, p->addr,
		   from_kuid_munged(seq_user_ns(m), p->user->uid), p->pid,
		   st.flags, st.queue_bytes, st.sent_msgs, st.sent_bytes,
		   st.received_msgs, st.master_msgs, st.held, st.refused,
		   st.reason, p->bus->proto->name);
}
EXPORT_SYMBOL_GPL(bus_port_show);

static void show_ports(struct seq_file *m, struct bus *bus)
{
	struct bus_port *p;

	/* seq_printf() does not sleep; a full buffer makes seq_file retry
	 * with a larger one. */
	read_lock(&bus->lock);
	list_for_each_entry(p, &bus->port_list, link) {
		if (seq_has_overflowed(m))
			break;
		bus->proto->show(m, p);
	}
	read_unlock(&bus->lock);
}

static int bus_proc_show(struct seq_file *m, void *v)
{
	struct net *net = seq_file_single_net(m);
	struct bus *bus;

	seq_puts(m, "kind addr uid pid flags queue sent sent_bytes received master held refused ended proto name\n");
	mutex_lock(&bus_list_mutex);
	list_for_each_entry(bus, &bus_list, link) {
		if (!net_eq(read_pnet(&bus->net), net))
			continue;
		show_bus(m, bus);
		show_ports(m, bus);
	}
	mutex_unlock(&bus_list_mutex);
	return 0;
}

static int __net_init bus_net_init(struct net *net)
{
	if (!proc_create_net_single("bus", 0444, net->proc_net, bus_proc_show,
				    NULL))
		return -ENOMEM;
	return 0;
}

static void __net_exit bus_net_exit(struct net *net)
{
	remove_proc_entry("bus", net->proc_net);
}

static struct pernet_operations bus_net_ops = {
	.init = bus_net_init,
	.exit = bus_net_exit,
};

int bus_proc_init(void)
{
	return register_pernet_subsys(&bus_net_ops);
}

void bus_proc_exit(void)
{
	unregister_pernet_subsys(&bus_net_ops);
}
