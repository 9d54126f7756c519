// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Services that are being started while one daemon follows another. Names that
 * are pending and who waits for them are noted; the messages themselves are
 * parked with the switch.
 *
 * A process is the child of whoever has started it. After execve() that is
 * still us; otherwise nobody will tell how it ends, and what is left is the
 * time limit.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/activation_impl.h"
#include "daemon/log.h"
#include "daemon/notes.h"
#include "daemon/past.h"

/* ---- for a successor ---- */

/* The bus's own is in its note. */
static int park(struct bus *bus, struct held *h)
{
	return h->sender ? sw_park(bus->sw, h->number, &h->m) : 0;
}

void held_note(struct pending *p, struct held *h)
{
	struct bus *bus = p->a->bus;
	struct note_held n = {
		.name = { p->name, p->name_len },
		.sender = h->sender,
		.uid = h->uid,
		.automatic = h->automatic,
	};
	int err;

	if (!bus->keeps)
		return;
	if (!h->sender)
		n.data = (struct rst_blob){ h->data, h->len };
	h->bus = bus;
	h->number = notes_number(bus);
	err = park(bus, h);
	if (err) {
		h->number = 0;
		/* As when the bus is to end with us. */
		if (err != -EOPNOTSUPP)
			log_errno(err, "cannot leave a message for %s behind",
				  p->name);
		return;
	}
	notes_write(bus, 0, NOTE_HELD, h->number, &n);
}

void held_forget(struct held *h)
{
	if (!h->number || h->bus->ending)
		return;
	/* It may have been forwarded, which unparks it. */
	if (h->sender)
		sw_unpark(h->bus->sw, h->number);
	notes_remove(h->bus, 0, NOTE_HELD, h->number);
	h->number = 0;
}

void pending_note(struct pending *p)
{
	struct note_pending n = {
		.name = { p->name, p->name_len },
		.exec = note_text(p->exec),
		.unit = note_text(p->unit),
		.deadline = p->deadline,
		.pid = p->process ? (uint32_t)p->process->pid : 0,
	};

	if (!p->number)
		p->number = notes_number(p->a->bus);
	notes_write(p->a->bus, 0, NOTE_PENDING, p->number, &n);
}

void pending_forget(struct pending *p)
{
	if (p->number)
		notes_remove(p->a->bus, 0, NOTE_PENDING, p->number);
	p->number = 0;
}

/* Its number is its place among those that were set; see environment_set(). */
void variable_note(struct activation *a, const char *key, const char *value)
{
	struct note_variable n = { note_text(key), note_text(value) };
	size_t i, len = strlen(key);

	if (!a->bus->keeps || environment_set(&a->noted, key, "") < 0)
		return;
	for (i = 0; i < a->noted.n; i++)
		if (!strncmp(a->noted.v[i], key, len) &&
		    a->noted.v[i][len] == '=')
			break;
	notes_write(a->bus, 0, NOTE_VARIABLE, i + 1, &n);
}

/* ---- of a predecessor ---- */

static int restore_variable(struct bus *bus, uint64_t number, const void *note,
			    void *ctx)
{
	const struct note_variable *n = note;
	struct activation *a = ctx;
	char *key = strndup(n->key.data, n->key.len);
	char *value = strndup(n->value.data, n->value.len);
	int err = key && value ? environment_set(&a->env, key, value) :
				 -ENOMEM;

	/* In the order of their numbers: it gets the same one. */
	if (!err)
		variable_note(a, key, value);
	free(key);
	free(value);
	return err;
}

static char *text_of(const struct rst_blob *b)
{
	return b->len ? strndup(b->data, b->len) : NULL;
}

static void adopt(struct pending *p, pid_t pid)
{
	siginfo_t si;

	if (!pid || waitid(P_PID, (id_t)pid, &si,
			   WEXITED | WNOHANG | WNOWAIT) < 0)
		return;
	process_adopt(p, pid);
}

static int restore_pending(struct bus *bus, uint64_t number, const void *note,
			   void *ctx)
{
	const struct note_pending *n = note;
	struct activation *a = ctx;
	char *exec = text_of(&n->exec), *unit = text_of(&n->unit);
	struct pending *p = NULL;

	if (!pending_find(a, n->name.data, n->name.len))
		p = pending_make(a, n->name.data, n->name.len, exec, unit,
				 n->deadline);
	free(exec);
	free(unit);
	if (!p)
		return -ENOMEM;
	p->number = number;
	adopt(p, (pid_t)n->pid);
	return 0;
}

/* NULL: there is none like it, or no memory. */
static struct held *held_of(struct bus *bus, uint64_t number,
			    const struct note_held *n)
{
	struct sw_message m = { .data = n->data.data, .len = n->data.len };

	if (!n->sender)
		return held_new(&m);
	/* Who has gone does not wait any more. */
	return past_parked(bus, number) ? held_new(past_parked(bus, number)) :
					  NULL;
}

static int restore_held(struct bus *bus, uint64_t number, const void *note,
			void *ctx)
{
	const struct note_held *n = note;
	struct activation *a = ctx;
	struct pending *p = pending_find(a, n->name.data, n->name.len);
	struct held *h = p ? held_of(bus, number, n) : NULL;

	if (!h) {
		notes_remove(bus, 0, NOTE_HELD, number);
		return 0;
	}
	h->uid = n->uid;
	h->automatic = n->automatic;
	h->bus = bus;
	h->number = number;
	pending_add(p, h);
	return park(bus, h);
}

/* Nobody waits for it any more. */
static void drop_unwanted(struct activation *a)
{
	struct hnode *node;
	size_t i;

again:
	hmap_for_all(node, &a->pending, i) {
		struct pending *p = container_of(node, struct pending, node);

		if (!list_empty(&p->held))
			continue;
		hmap_del(&a->pending, &p->node);
		pending_free(p);
		goto again;
	}
}

int activation_restore(struct activation *a)
{
	struct bus *bus = a->bus;
	int err = past_each(bus, NOTE_VARIABLE, restore_variable, a);

	if (!err)
		err = past_each(bus, NOTE_PENDING, restore_pending, a);
	if (!err)
		err = past_each(bus, NOTE_HELD, restore_held, a);
	drop_unwanted(a);
	return err;
}
