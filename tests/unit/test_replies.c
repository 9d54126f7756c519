/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/replies.h"

#include "table.h"

#define N_PORTS 3

struct fixture {
	struct replies t;
	struct replies_link buckets[4];
	struct replies_port port[N_PORTS];
};

static struct fixture *set_up(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	u64 i;

	assert_non_null(f);
	replies_init(&f->t, f->buckets, 4, 42);
	for (i = 0; i < N_PORTS; i++)
		replies_port_init(&f->port[i], i + 1);
	return f;
}

static struct reply *add(struct fixture *f, int caller, int callee, u32 serial,
			 u64 since)
{
	struct reply *r = malloc(sizeof(*r));

	assert_non_null(r);
	assert_null(replies_find(&f->t, &f->port[caller], &f->port[callee],
				 serial));
	replies_add(&f->t, r, &f->port[caller], &f->port[callee], serial,
		    since);
	assert_ptr_equal(replies_find(&f->t, &f->port[caller],
				      &f->port[callee], serial), r);
	return r;
}

static void only_the_called_answers_once(void **state)
{
	struct fixture *f = set_up();
	struct reply *r = add(f, 0, 1, 7, 0);

	assert_null(replies_find(&f->t, &f->port[0], &f->port[2], 7));
	assert_null(replies_find(&f->t, &f->port[1], &f->port[0], 7));
	assert_null(replies_find(&f->t, &f->port[0], &f->port[1], 8));
	assert_int_equal(f->port[0].n_calls, 1);
	replies_del(&f->t, r);
	assert_null(replies_find(&f->t, &f->port[0], &f->port[1], 7));
	assert_int_equal(f->port[0].n_calls, 0);
	assert_int_equal(f->t.n, 0);
	free(r);
	free(f);
}

static void who_goes_forgets_his_calls(void **state)
{
	struct fixture *f = set_up();
	struct reply *a = add(f, 0, 1, 1, 0), *b = add(f, 0, 2, 1, 0);
	struct reply *other = add(f, 1, 2, 1, 0);

	assert_ptr_equal(replies_forget(&f->t, &f->port[0]), a);
	assert_ptr_equal(replies_forget(&f->t, &f->port[0]), b);
	assert_null(replies_forget(&f->t, &f->port[0]));
	assert_ptr_equal(replies_oldest(&f->t), other);
	replies_del(&f->t, other);
	free(a);
	free(b);
	free(other);
	free(f);
}

static void what_he_owed_is_orphaned_in_order(void **state)
{
	struct fixture *f = set_up();
	struct reply *a = add(f, 0, 1, 1, 0), *b = add(f, 2, 1, 1, 0);
	struct reply *self = add(f, 1, 1, 1, 0);

	assert_false(replies_have_orphans(&f->t));
	assert_ptr_equal(replies_forget(&f->t, &f->port[1]), self);
	replies_orphan(&f->t, &f->port[1]);
	assert_true(replies_have_orphans(&f->t));
	assert_int_equal(f->t.n, 0);
	/* It is nobody's to answer any more. */
	assert_null(replies_find(&f->t, &f->port[0], &f->port[1], 1));
	assert_null(replies_oldest(&f->t));
	assert_ptr_equal(replies_next_orphan(&f->t), a);
	assert_ptr_equal(a->caller, &f->port[0]);
	assert_null(a->callee);
	assert_ptr_equal(replies_next_orphan(&f->t), b);
	assert_null(replies_next_orphan(&f->t));
	assert_int_equal(f->port[0].n_calls + f->port[2].n_calls, 0);
	free(a);
	free(b);
	free(self);
	free(f);
}

static void an_orphan_s_caller_may_go_too(void **state)
{
	struct fixture *f = set_up();
	struct reply *a = add(f, 0, 1, 1, 0);

	replies_orphan(&f->t, &f->port[1]);
	assert_ptr_equal(replies_forget(&f->t, &f->port[0]), a);
	assert_null(replies_next_orphan(&f->t));
	assert_int_equal(f->t.n, 0);
	free(a);
	free(f);
}

static void the_oldest_expire_first(void **state)
{
	struct fixture *f = set_up();
	struct reply *a = add(f, 0, 1, 1, 10), *b = add(f, 1, 2, 1, 20);

	assert_null(replies_next_expired(&f->t, 9));
	assert_ptr_equal(replies_next_expired(&f->t, 10), a);
	assert_null(replies_next_expired(&f->t, 19));
	assert_ptr_equal(replies_next_expired(&f->t, 30), b);
	assert_null(replies_next_expired(&f->t, 30));
	assert_null(replies_find(&f->t, &f->port[1], &f->port[2], 1));
	free(a);
	free(b);
	free(f);
}

static void all_are_found_after_resizing(void **state)
{
	struct fixture *f = set_up();
	struct replies_link more[64];
	struct reply *v[100];
	u32 i;

	for (i = 0; i < 100; i++)
		v[i] = add(f, i % 2, 2, i + 1, i);
	assert_ptr_equal(replies_resize(&f->t, more, 64), f->buckets);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(replies_find(&f->t, &f->port[i % 2],
					      &f->port[2], i + 1), v[i]);
	for (i = 0; i < 100; i++) {
		assert_ptr_equal(replies_next_expired(&f->t, 1000), v[i]);
		free(v[i]);
	}
	assert_int_equal(f->t.n, 0);
	free(f);
}

int main(void)
{
	ADD_TEST(only_the_called_answers_once);
	ADD_TEST(who_goes_forgets_his_calls);
	ADD_TEST(what_he_owed_is_orphaned_in_order);
	ADD_TEST(an_orphan_s_caller_may_go_too);
	ADD_TEST(the_oldest_expire_first);
	ADD_TEST(all_are_found_after_resizing);
	return run_tables("replies");
}
