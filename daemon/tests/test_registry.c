// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include "daemon/registry.h"

#define N 6

static struct registry r;
static struct claimant who[N];
static struct name_change change;
static int refuse;		/* what move() says */
static unsigned int moves;

static int on_move(void *ctx, const char *name, struct claimant *from,
		   struct claimant *to)
{
	assert_ptr_equal(ctx, &r);
	assert_true(from || to);
	moves++;
	return refuse;
}

static int setup(void **state)
{
	int i;

	memset(&r, 0, sizeof(r));
	r.move = on_move;
	r.ctx = &r;
	refuse = 0;
	for (i = 0; i < N; i++)
		claimant_init(&who[i]);
	return 0;
}

static int teardown(void **state)
{
	int i;

	for (i = 0; i < N; i++)
		while (!list_empty(&who[i].claims))
			registry_forget(&r, container_of(who[i].claims.prev,
							 struct claim,
							 by_claimant),
					&change);
	assert_int_equal(r.names.n, 0);
	registry_clear(&r);
	return 0;
}

static int request(int i, uint32_t flags)
{
	return registry_request(&r, &who[i], "a.b", 3, flags, &change);
}

static int release(int i)
{
	return registry_release(&r, &who[i], "a.b", 3, &change);
}

/* The queue, first to last, as digits. */
static void assert_queue(const char *want)
{
	struct name *n = registry_find(&r, "a.b", 3);
	char got[N + 1] = "";
	struct list *l;
	size_t i = 0;

	for (l = n ? n->queue.next : NULL; l && l != &n->queue; l = l->next)
		got[i++] = (char)('0' + (container_of(l, struct claim,
						      by_name)->claimant -
					 who));
	assert_string_equal(got, want);
}

static void assert_change(int from, int to)
{
	assert_true(change.happened);
	assert_ptr_equal(change.from, from < 0 ? NULL : &who[from]);
	assert_ptr_equal(change.to, to < 0 ? NULL : &who[to]);
}

static void one_owner(void **state)
{
	assert_null(registry_owner(&r, "a.b", 3));
	assert_int_equal(request(0, 0), REQUEST_PRIMARY_OWNER);
	assert_change(-1, 0);
	assert_ptr_equal(registry_owner(&r, "a.b", 3), &who[0]);
	assert_null(registry_owner(&r, "a.bc", 4));
	assert_int_equal(request(0, NAME_DO_NOT_QUEUE), REQUEST_ALREADY_OWNER);
	assert_false(change.happened);
	assert_int_equal(release(1), RELEASE_NOT_OWNER);
	assert_int_equal(release(0), RELEASE_RELEASED);
	assert_change(0, -1);
	assert_int_equal(release(0), RELEASE_NON_EXISTENT);
	assert_int_equal(who[0].n_claims, 0);
}

static void waiting(void **state)
{
	request(0, 0);
	assert_int_equal(request(1, 0), REQUEST_IN_QUEUE);
	assert_int_equal(request(2, NAME_REPLACE_EXISTING), REQUEST_IN_QUEUE);
	assert_int_equal(request(3, NAME_DO_NOT_QUEUE), REQUEST_EXISTS);
	assert_queue("021");
	assert_int_equal(request(1, NAME_DO_NOT_QUEUE), REQUEST_EXISTS);
	assert_queue("02");
	request(1, 0);
	assert_int_equal(release(2), RELEASE_RELEASED);
	assert_false(change.happened);
	release(0);
	assert_change(0, 1);
	assert_queue("1");
}

static void replacing(void **state)
{
	request(0, NAME_ALLOW_REPLACEMENT);
	request(1, 0);
	assert_int_equal(request(2, NAME_REPLACE_EXISTING),
			 REQUEST_PRIMARY_OWNER);
	assert_change(0, 2);
	assert_queue("201");
	assert_int_equal(request(0, NAME_REPLACE_EXISTING), REQUEST_IN_QUEUE);
	request(2, NAME_ALLOW_REPLACEMENT | NAME_DO_NOT_QUEUE);
	assert_int_equal(request(1, NAME_REPLACE_EXISTING),
			 REQUEST_PRIMARY_OWNER);
	assert_change(2, 1);
	assert_queue("10");
}

/* What the switch refuses has not happened. */
static void refused(void **state)
{
	refuse = -ENOMEM;
	assert_int_equal(request(0, 0), -ENOMEM);
	assert_false(change.happened);
	assert_queue("");
	assert_int_equal(who[0].n_claims, 0);
	refuse = 0;
	request(0, NAME_ALLOW_REPLACEMENT);
	request(1, 0);
	refuse = -ENOMEM;
	assert_int_equal(request(2, NAME_REPLACE_EXISTING), -ENOMEM);
	assert_int_equal(request(1, NAME_REPLACE_EXISTING), -ENOMEM);
	assert_int_equal(release(0), -ENOMEM);
	assert_false(change.happened);
	assert_queue("01");
	assert_int_equal(who[2].n_claims, 0);
	/* But nobody who leaves can be kept. */
	registry_forget(&r, name_first(registry_find(&r, "a.b", 3)), &change);
	assert_change(0, 1);
	assert_queue("1");
}

static void many(void **state)
{
	char name[32];
	int i, len;

	for (i = 0; i < 20000; i++) {
		len = snprintf(name, sizeof(name), "a.n%d", i);
		assert_int_equal(registry_request(&r, &who[i % N], name,
						  (size_t)len, 0, &change), 1);
	}
	assert_int_equal(r.names.n, 20000);
	assert_ptr_equal(registry_owner(&r, "a.n1234", 7), &who[1234 % N]);
	/* The latest goes first. */
	assert_string_equal(container_of(who[0].claims.prev, struct claim,
					 by_claimant)->name->text, "a.n19998");
}

/* ---- from one registry to the next ---- */

#define N_NOTES 64

static struct note {
	int who;		/* -1: removed */
	char name[16];
	uint32_t flags;
	int64_t place;
	uint64_t number;
} notes[N_NOTES];
static size_t n_notes;

static void on_note(void *ctx, const struct claim *claim, bool on)
{
	struct note *n;
	size_t i;

	for (i = 0; i < n_notes; i++)
		if (notes[i].number == claim->number)
			break;
	assert_true(i < N_NOTES && (on || i < n_notes));
	n_notes += i == n_notes;
	n = &notes[i];
	n->who = on ? (int)(claim->claimant - who) : -1;
	strcpy(n->name, claim->name->text);
	n->flags = claim->flags;
	n->place = claim->place;
	n->number = claim->number;
}

/* Who is in the queue of @name, as digits. */
static void queue_of(const struct registry *of, const struct claimant *first,
		     const char *name, char *text)
{
	struct name *n = registry_find(of, name, strlen(name));
	struct list *l;

	for (l = n ? n->queue.next : NULL; l && l != &n->queue; l = l->next)
		*text++ = (char)('0' + (container_of(l, struct claim, by_name)
					->claimant - first));
	*text = 0;
}

static void ask(int who_asks, const char *name, uint32_t flags)
{
	registry_request(&r, &who[who_asks], name, strlen(name), flags,
			 &change);
}

/* All that is known of it is what was noted, in no order. */
static void noted(void **state)
{
	static const char *const names[] = { "a.b", "a.c", "a.d" };
	struct claimant again[N];
	struct registry next = { 0 };
	char was[N + 1], is[N + 1];
	size_t i;

	n_notes = 0;
	r.note = on_note;
	ask(0, "a.b", NAME_ALLOW_REPLACEMENT);
	ask(1, "a.b", 0);
	ask(2, "a.b", 0);
	ask(3, "a.b", NAME_REPLACE_EXISTING);	/* 3 0 1 2 */
	ask(4, "a.b", NAME_REPLACE_EXISTING);	/* 3 4 0 1 2 */
	ask(2, "a.b", NAME_REPLACE_EXISTING);	/* 3 2 4 0 1 */
	ask(0, "a.b", NAME_DO_NOT_QUEUE);	/* 3 2 4 1 */
	ask(0, "a.c", 0);
	ask(1, "a.d", NAME_ALLOW_REPLACEMENT | NAME_DO_NOT_QUEUE);
	ask(5, "a.d", NAME_REPLACE_EXISTING);
	queue_of(&r, who, "a.b", was);
	assert_string_equal(was, "3241");
	for (i = 0; i < N; i++)
		claimant_init(&again[i]);
	for (i = n_notes; i--;)
		if (notes[i].who >= 0)
			assert_int_equal(registry_restore(&next,
				&again[notes[i].who], notes[i].name,
				strlen(notes[i].name), notes[i].flags,
				notes[i].place, notes[i].number), 0);
	for (i = 0; i < 3; i++) {
		queue_of(&r, who, names[i], was);
		queue_of(&next, again, names[i], is);
		assert_string_equal(was, is);
	}
	assert_true(next.last_number <= r.last_number);
	assert_int_equal(name_first(registry_find(&next, "a.d", 3))->flags,
			 NAME_REPLACE_EXISTING);
	/* Nobody is in a queue twice, and no two at one place. */
	assert_int_equal(registry_restore(&next, &again[3], "a.b", 3, 0, 99,
					  99), -EEXIST);
	assert_int_equal(registry_restore(&next, &again[0], "a.c", 3, 0, 0,
					  99), -EEXIST);
	for (i = 0; i < N; i++)
		while (!list_empty(&again[i].claims))
			registry_forget(&next,
				container_of(again[i].claims.prev,
					     struct claim, by_claimant),
				&change);
	registry_clear(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(replacing, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(noted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
