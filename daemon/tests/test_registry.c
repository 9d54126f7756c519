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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(replacing, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
