// SPDX-License-Identifier: LGPL-2.1-or-later
#include "activation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/activation_impl.h"
#include "daemon/log.h"
#include "daemon/names.h"

/* The defaults of the switch, since the owner will get it all at once. */
#define HELD_BYTES (16U << 20)
#define HELD_FDS 1024U

void failure_set(struct failure *f, const char *name, const char *format, ...)
{
	va_list ap;

	f->name = name;
	va_start(ap, format);
	vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
}

static bool no_memory(struct failure *f)
{
	failure_set(f, DBUS_ERROR("NoMemory"), "Not enough memory");
	return false;
}

/* ---- a message that is held ---- */

static int *dup_fds(const int *fds, unsigned int n)
{
	int *copy = calloc(n, sizeof(*copy));
	unsigned int i;

	for (i = 0; copy && i < n; i++) {
		copy[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (copy[i] >= 0)
			continue;
		while (i)
			close(copy[--i]);
		free(copy);
		return NULL;
	}
	return copy;
}

struct held *held_new(const struct sw_message *m)
{
	struct held *h = calloc(1, sizeof(*h) + m->len);

	if (!h)
		return NULL;
	if (m->n_fds) {
		h->fds = dup_fds(m->fds, m->n_fds);
		if (!h->fds) {
			free(h);
			return NULL;
		}
		h->n_fds = m->n_fds;
	}
	h->sender = m->sender;
	h->len = m->len;
	memcpy(h->data, m->data, m->len);
	h->m = (struct sw_message){
		.sender = h->sender, .data = h->data, .len = h->len,
		.h = &h->h, .fds = h->fds, .n_fds = h->n_fds,
	};
	return h;
}

void held_free(struct held *h)
{
	unsigned int i;

	held_forget(h);
	for (i = 0; i < h->n_fds; i++)
		close(h->fds[i]);
	free(h->fds);
	free(h);
}

/*
 * As if it had just come, for @act to answer or to pass on. Who has gone
 * meanwhile does not care.
 */
static void held_act(struct activation *a, struct held *h,
		     void (*act)(struct call *c, struct held *h, void *ctx),
		     void *ctx)
{
	struct dbus_header header;
	struct sw_message m = {
		.sender = h->sender, .data = h->data, .len = h->len,
		.h = &header, .fds = h->fds, .n_fds = h->n_fds,
	};
	struct call c = {
		.bus = a->bus, .peer = bus_find_addr(a->bus, h->sender),
		.m = &m, .fd = -1,
	};

	if (h->sender && !c.peer)
		return;
	/* It has been parsed before. */
	if (dbus_frame_parse(&header.f, h->data, DBUS_MAX_MESSAGE) ||
	    dbus_header_parse(&header, h->data, header.f.header_len,
			      DBUS_MAX_MESSAGE))
		return;
	act(&c, h, ctx);
	if (c.peer)
		call_send(&c);
	msg_done(&c.reply);
}

/* ---- pending names ---- */

struct pending *pending_find(const struct activation *a, const char *name,
			     size_t len)
{
	struct hnode *node;

	hmap_for_hash(node, &a->pending, hash_bytes(name, len)) {
		struct pending *p = container_of(node, struct pending, node);

		if (p->name_len == len && !memcmp(p->name, name, len))
			return p;
	}
	return NULL;
}

bool activation_is_pending(const struct activation *a, const char *name)
{
	return pending_find(a, name, strlen(name));
}

void pending_free(struct pending *p)
{
	struct held *h;

	if (!p)
		return;
	pending_forget(p);
	while (!list_empty(&p->held)) {
		h = container_of(p->held.next, struct held, link);
		list_del(&h->link);
		p->a->n_held--;
		held_free(h);
	}
	if (p->process)
		p->process->pending = NULL;
	sd_event_source_disable_unref(p->timer);
	free(p->name);
	free(p->exec);
	free(p->unit);
	free(p);
}

/* It can be found no more, but those who wait are still in it. */
static void pending_take(struct pending *p)
{
	hmap_del(&p->a->pending, &p->node);
	p->timer = sd_event_source_disable_unref(p->timer);
}

static void answer_failure(struct call *c, struct held *h, void *ctx)
{
	const struct failure *f = ctx;

	if (c->peer)
		call_error(c, f->name, "%s", f->text);
}

static void for_all_held(struct pending *p,
			 void (*act)(struct call *c, struct held *h,
				     void *ctx), void *ctx)
{
	struct list *l;

	for (l = p->held.next; l != &p->held; l = l->next)
		held_act(p->a, container_of(l, struct held, link), act, ctx);
}

void pending_fail(struct pending *p, const struct failure *f)
{
	pending_take(p);
	for_all_held(p, answer_failure, (void *)f);
	pending_free(p);
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct pending *p = ctx;
	struct bus *bus = p->a->bus;
	struct failure f;

	bus_enter(bus);
	if (p->process)
		process_kill(p->process);
	failure_set(&f, DBUS_ERROR("TimedOut"),
		    "Failed to activate service '%s': timed out (service_start_timeout=%llums)",
		    p->name, (unsigned long long)(p->a->timeout / 1000));
	log_warning("%s", f.text);
	pending_fail(p, &f);
	bus_leave(bus);
	return 0;
}

static int copy_text(char **to, const char *from)
{
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

static int start_timer(struct pending *p, uint64_t deadline)
{
	p->deadline = deadline;
	if (deadline == UINT64_MAX)
		return 0;
	return sd_event_add_time(p->a->bus->event, &p->timer, CLOCK_MONOTONIC,
				 deadline, 0, on_timeout, p);
}

struct pending *pending_make(struct activation *a, const char *name,
			     size_t len, const char *exec, const char *unit,
			     uint64_t deadline)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->a = a;
	list_init(&p->held);
	p->name = strndup(name, len);
	p->name_len = len;
	if (!p->name || copy_text(&p->exec, exec) < 0 ||
	    copy_text(&p->unit, unit) < 0 || start_timer(p, deadline) < 0 ||
	    hmap_put(&a->pending, &p->node, hash_bytes(name, len)) < 0) {
		pending_free(p);
		return NULL;
	}
	return p;
}

static uint64_t deadline_of(const struct activation *a)
{
	uint64_t now;

	if (a->timeout == UINT64_MAX ||
	    sd_event_now(a->bus->event, CLOCK_MONOTONIC, &now) < 0)
		return UINT64_MAX;
	return now + a->timeout;
}

/* @svc is NULL for systemd itself. */
static struct pending *pending_new(struct activation *a, struct dbus_str name,
				   const struct service *svc)
{
	return pending_make(a, name.s, name.len, svc ? svc->file.exec : NULL,
			    svc ? svc->file.unit : NULL, deadline_of(a));
}

/* ---- holding ---- */

static size_t bytes_of(const struct pending *p, uid_t uid)
{
	const struct list *l;
	size_t n = 0;

	for (l = p->held.next; l != &p->held; l = l->next) {
		const struct held *h = container_of(l, struct held, link);

		n += h->uid == uid ? h->len : 0;
	}
	return n;
}

/* Nobody may take it all: half of it is for the other users. But a message of
 * any length may be the first, as in any queue. */
static bool has_room(const struct pending *p, const struct sw_message *m,
		     uid_t uid)
{
	if (!p->held_bytes)
		return true;
	if (p->held_fds + m->n_fds > HELD_FDS ||
	    p->held_bytes + m->len > HELD_BYTES)
		return false;
	return m->len <= HELD_BYTES / 2 &&
	       bytes_of(p, uid) <= HELD_BYTES / 2 - m->len;
}

void pending_add(struct pending *p, struct held *h)
{
	list_add_tail(&p->held, &h->link);
	p->held_bytes += h->len;
	p->held_fds += h->n_fds;
	p->a->n_held++;
}

static bool hold(struct pending *p, const struct sw_message *m, uid_t uid,
		 bool automatic, struct failure *f)
{
	struct held *h;

	if (!has_room(p, m, uid)) {
		failure_set(f, DBUS_ERROR("LimitsExceeded"),
			    "Too much is waiting for the service %s to start",
			    p->name);
		return false;
	}
	h = held_new(m);
	if (!h)
		return no_memory(f);
	h->uid = uid;
	h->automatic = automatic;
	pending_add(p, h);
	held_note(p, h);
	return true;
}

/* ---- wanting ---- */

static bool is_systemd(const struct activation *a, struct dbus_str name)
{
	return a->systemd && dbus_str_eq(name, SYSTEMD_NAME,
					 strlen(SYSTEMD_NAME));
}

static bool start(struct pending *p, const struct service *svc,
		  struct call *c, struct failure *f)
{
	char by[DBUS_UNIQUE_MAX + PEER_INFO_MAX + 8], info[PEER_INFO_MAX];

	/* It comes by itself: that is early in the boot. */
	if (!svc)
		return true;
	if (c) {
		peer_info(c->peer, info);
		snprintf(by, sizeof(by), "'%s' (%s)", c->peer->unique, info);
	} else {
		snprintf(by, sizeof(by), "the bus");
	}
	if (p->a->systemd && p->unit)
		return systemd_request(p, by, f);
	log_info("Activating service name='%s' requested by %s%s", p->name, by,
		 p->a->helper ? " (using servicehelper)" : "");
	return process_start(p, svc, f);
}

static bool want_new(struct activation *a, struct call *c,
		     const struct sw_message *m, struct dbus_str name,
		     const struct service *svc, bool automatic,
		     struct failure *f)
{
	struct pending *p = pending_new(a, name, svc);

	if (!p)
		return no_memory(f);
	if (hold(p, m, c ? c->peer->creds.uid : a->bus->self.uid, automatic,
		 f) && start(p, svc, c, f)) {
		/* With the process, if it has one. */
		pending_note(p);
		return true;
	}
	/* Nobody else can wait for it yet. */
	pending_take(p);
	pending_free(p);
	return false;
}

/* A unique name is nobody's who has not been given it. */
static const struct service *service_of(struct activation *a,
					struct dbus_str name)
{
	if (!name.len || name.s[0] == ':')
		return NULL;
	return services_find(&a->services, name.s, name.len);
}

bool activation_knows(struct activation *a, struct dbus_str name)
{
	return is_systemd(a, name) || service_of(a, name);
}

const char *activation_label(struct activation *a, struct dbus_str name)
{
	const struct service *svc = service_of(a, name);

	return svc ? svc->file.label : NULL;
}

static bool find_service(struct activation *a, struct dbus_str name,
			 const struct service **svc, struct failure *f)
{
	*svc = NULL;
	if (is_systemd(a, name))
		return true;
	*svc = service_of(a, name);
	if (!*svc)
		failure_set(f, DBUS_ERROR("ServiceUnknown"),
			    "The name %.*s was not provided by any .service files",
			    STR(name));
	return *svc;
}

bool activation_want(struct activation *a, struct call *c,
		     const struct sw_message *m, struct dbus_str name,
		     bool automatic, struct failure *f)
{
	const struct service *svc;
	struct pending *p;

	if (a->n_held >= a->max_pending) {
		failure_set(f, DBUS_ERROR("LimitsExceeded"),
			    "The maximum number of pending activations has been reached, activation of %.*s failed (max_pending_service_starts=%zu)",
			    STR(name), a->max_pending);
		return false;
	}
	p = pending_find(a, name.s, name.len);
	if (p)
		return hold(p, m, c ? c->peer->creds.uid : a->bus->self.uid,
			    automatic, f);
	return find_service(a, name, &svc, f) &&
	       want_new(a, c, m, name, svc, automatic, f);
}

/* ---- it is there ---- */

struct arrival {
	struct peer *owner;
};

static void let_go(struct call *c, struct held *h, void *ctx)
{
	struct arrival *arrival = ctx;
	struct peer *owner = arrival->owner;

	if (owner->doomed)
		return;
	if (!h->automatic)
		call_u32(c, 1);
	else if (c->peer)
		driver_forward_held(c, owner, h->number);
	else
		sw_forward(c->bus->sw, 0, owner->addr, h->data, h->len, NULL,
			   0, NULL);
}

void activation_owned(struct activation *a, const char *name,
		      struct peer *owner)
{
	struct pending *p = pending_find(a, name, strlen(name));
	struct arrival arrival = { owner };

	if (!p)
		return;
	log_info("Successfully activated service '%s'", name);
	pending_take(p);
	for_all_held(p, let_go, &arrival);
	pending_free(p);
	names_route(owner, name);
}

/* ---- begin and end ---- */

static void tell_changed(struct bus *bus)
{
	struct msg_to to = { .serial = bus_next_serial(bus) };
	struct msg m;
	int err;

	msg_signal(&m, &to, DBUS_DRIVER_PATH, DBUS_DRIVER_NAME,
		   "ActivatableServicesChanged", "");
	err = msg_finish(&m);
	if (!err)
		err = sw_broadcast(bus->sw, m.data, m.len);
	if (err)
		log_errno(err, "cannot tell of changed services");
	msg_done(&m);
}

static void on_changed(void *ctx)
{
	struct activation *a = ctx;

	bus_enter(a->bus);
	tell_changed(a->bus);
	bus_leave(a->bus);
}

static void block_sigchld(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int activation_new(struct activation **ret, struct bus *bus)
{
	struct activation *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return log_errno(-ENOMEM, "cannot start services");
	a->bus = bus;
	list_init(&a->processes);
	block_sigchld();
	err = services_init(&a->services, bus->event, on_changed, a);
	if (!err)
		err = environment_init(&a->env);
	if (!err)
		err = process_environment(a);
	if (err) {
		activation_free(a);
		return log_errno(err, "cannot start services");
	}
	*ret = a;
	return 0;
}

int activation_configure(struct activation *a,
			 const struct activation_config *c)
{
	char *helper = NULL;

	if (copy_text(&helper, c->helper) < 0)
		return -ENOMEM;
	if (services_set_dirs(&a->services, &c->dirs, c->helper) < 0) {
		free(helper);
		return -ENOMEM;
	}
	free(a->helper);
	a->helper = helper;
	a->timeout = c->timeout;
	a->max_pending = c->max_pending;
	a->systemd = c->systemd;
	if (a->configured)
		on_changed(a);
	a->configured = true;
	return 0;
}

bool activation_uses_systemd(const struct activation *a)
{
	return a->systemd;
}

struct activation *activation_free(struct activation *a)
{
	struct hnode *node, *next;
	size_t i;

	if (!a)
		return NULL;
	for (i = 0; i < a->pending.n_slots; i++) {
		for (node = a->pending.slots[i]; node; node = next) {
			next = node->next;
			pending_free(container_of(node, struct pending, node));
		}
	}
	hmap_clear(&a->pending);
	while (!list_empty(&a->processes))
		process_free(container_of(a->processes.next, struct process,
					  link));
	if (a->services.event)
		services_done(&a->services);
	environment_done(&a->env);
	environment_done(&a->noted);
	free(a->helper);
	free(a);
	return NULL;
}
