// SPDX-License-Identifier: GPL-2.0-only
/* Bugs made to order, one a load, to see that they are noticed. Never stays. */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

static char *bug = "";
module_param(bug, charp, 0);

static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static int __rcu *pointer;
static volatile int seven = 7;
/* The compiler must not see through it. */
static void *volatile hidden;

static void after_free(void)
{
	hidden = kmalloc(64, GFP_KERNEL);
	kfree(hidden);
	pr_info("%d\n", *(volatile int *)hidden);
}

static void out_of_bounds(void)
{
	hidden = kmalloc(64, GFP_KERNEL);
	pr_info("%d\n", ((volatile char *)hidden)[64 + seven]);
	kfree(hidden);
}

static void leak(void)
{
	hidden = kmalloc(192, GFP_KERNEL);
	hidden = NULL;
}

static void deadlock(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep(void)
{
	spin_lock(&lock);
	msleep(1);
	spin_unlock(&lock);
}

static void rcu(void)
{
	if (rcu_dereference(pointer))
		pr_info("there\n");
}

static void list(void)
{
	LIST_HEAD(head);
	struct list_head one;

	list_add(&one, &head);
	list_del(&one);
	list_del(&one);
}

static void refcount(void)
{
	refcount_t r = REFCOUNT_INIT(1);

	if (refcount_dec_and_test(&r))
		refcount_inc(&r);
}

static void shift(void)
{
	pr_info("%d\n", 1 << (seven * seven));
}

static void nothing(struct work_struct *work)
{
}

static void object(void)
{
	struct delayed_work *work = kmalloc(sizeof(*work), GFP_KERNEL);

	if (!work)
		return;
	INIT_DELAYED_WORK(work, nothing);
	queue_delayed_work(system_wq, work, 100 * HZ);
	/* Noticed here, and made good. */
	kfree(work);
}

static int racing(void *counter)
{
	while (!kthread_should_stop())
		++*(int *)counter;
	return 0;
}

static void race(void)
{
	static int counter;
	struct task_struct *task = kthread_run(racing, &counter, "racing");
	unsigned long until = jiffies + 10 * HZ;

	if (IS_ERR(task))
		return;
	while (time_before(jiffies, until)) {
		++counter;
		cond_resched();
	}
	kthread_stop(task);
}

static const struct {
	const char *name;
	void (*run)(void);
} bugs[] = {
	{ "after-free", after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "leak", leak },
	{ "deadlock", deadlock },
	{ "sleep", sleep },
	{ "rcu", rcu },
	{ "list", list },
	{ "refcount", refcount },
	{ "shift", shift },
	{ "object", object },
	{ "race", race },
};

static int __init bugs_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!strcmp(bug, bugs[i].name)) {
			bugs[i].run();
			return -ENODEV;
		}
	}
	return -EINVAL;
}
module_init(bugs_init);
MODULE_DESCRIPTION("Bugs made to order");
MODULE_LICENSE("GPL");
