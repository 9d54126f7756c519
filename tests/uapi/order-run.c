// SPDX-License-Identifier: LGPL-2.1-or-later
#include "order-test.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAD 600
#define ONE 1	/* prefixes */
#define EVEN 2

static int bus;
static struct peer peers[ORDER_READERS];
static struct record records[ORDER_READERS];
static struct order_sent sent[ORDER_SENDERS];
static volatile uint64_t seen[ORDER_READERS];
static struct record *visits;		/* below lock */
static size_t n_visits;
static long each;
static volatile bool stop;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void record_add(struct record *r, const struct entry *e)
{
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 256;
		r->e = realloc(r->e, r->room * sizeof(*r->e));
		check(r->e);
	}
	r->e[r->n++] = *e;
}

static void note(struct order_sent *s, uint32_t to)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->to = realloc(s->to, s->room * sizeof(*s->to));
		check(s->to);
	}
	s->to[s->n++] = to;
}

int order_recv(int fd, struct entry *e, uint64_t *from, int flags)
{
	union { char b[CMSG_SPACE(sizeof(struct bus_info))]; size_t a; } u;
	char pad[PAD];
	struct iovec iov[] = { { &e->s, sizeof(e->s) }, { pad, sizeof(pad) } };
	struct sockaddr_bus sa;
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = iov, .msg_iovlen = 2,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	struct cmsghdr *c;
	struct bus_info info;
	ssize_t n = recvmsg(fd, &mh, flags);

	if (n <= 0)
		return n;
	c = CMSG_FIRSTHDR(&mh);
	check(c && c->cmsg_level == SOL_BUS && c->cmsg_type == BUS_INFO);
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	e->seq = info.seq;
	*from = sa.sbus_addr.s_addr;
	if (*from != BUS_MASTER_ADDR)
		is(n, sizeof(e->s) + e->s.pad);
	return n;
}

static uint64_t address(uint32_t to)
{
	switch (to) {
	case TO_ALL: return EVERYBODY;
	case TO_ONE: return GROUP(ONE);
	case TO_EVEN: return GROUP(EVEN);
	default: return peers[to].addr;
	}
}

static ssize_t send_one(int fd, struct stamp *s, int flags)
{
	static const char pad[PAD];
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = address(s->to),
	};
	struct iovec iov[] = { { s, sizeof(*s) }, { (void *)pad, s->pad } };
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = iov, .msg_iovlen = 2,
	};

	return sendmsg(fd, &mh, flags | MSG_NOSIGNAL);
}

static void pause_at_times(unsigned int *seed)
{
	if (rand_r(seed) % 200 == 0)
		usleep(rand_r(seed) % 3000);
}

static uint32_t somewhere(unsigned int *seed)
{
	unsigned int r = rand_r(seed) % 100;

	return r < 60 ? r % ORDER_PEERS : r < 80 ? TO_EVEN :
	       r < 90 ? TO_ONE : TO_ALL;
}

static void *sender(void *arg)
{
	unsigned int me = (uintptr_t)arg, seed = me;
	struct stamp s = { .sender = me };

	for (s.serial = 0; s.serial < each; s.serial++) {
		s.to = somewhere(&seed);
		s.pad = rand_r(&seed) % PAD;
		s.seen = seen[me];
		/* Some wait in the call, some try again. */
		while (send_one(peers[me].fd, &s, me % 2 ? MSG_DONTWAIT : 0) < 0) {
			is(errno, EAGAIN);
			check(me % 2);
			usleep(100);
		}
		note(&sent[me], s.to);
		pause_at_times(&seed);
	}
	return NULL;
}

static void *reader(void *arg)
{
	unsigned int me = (uintptr_t)arg, seed = me + 100;
	struct entry e;
	uint64_t from;

	for (;;) {
		if (order_recv(peers[me].fd, &e, &from, 0) <= 0)
			fail("reader %u", me);
		if (from == BUS_MASTER_ADDR)
			return NULL;	/* its last word */
		record_add(&records[me], &e);
		seen[me] = e.seq;
		pause_at_times(&seed);
	}
}

static struct peer joined(bool one, bool even)
{
	static uint64_t count;
	struct peer p;

	/* accept() yields whoever is next. */
	pthread_mutex_lock(&lock);
	p = nt_guest(bus);
	count++;
	if (one)
		ok(nt_add(p.end, PREFIX(ONE) | count));
	if (even)
		ok(nt_add(p.end, PREFIX(EVEN) | count));
	nt_set(p.fd, BUS_PASS_INFO, 1);
	ok(nt_join(p.end));
	pthread_mutex_unlock(&lock);
	return p;
}

/* What a visitor can read now goes to @r. */
static void read_some(int fd, struct record *r)
{
	struct entry e;
	uint64_t from;

	while (order_recv(fd, &e, &from, MSG_DONTWAIT) > 0)
		if (from != BUS_MASTER_ADDR)
			record_add(r, &e);
	is(errno, EAGAIN);
}

/* Comes, hears and says a little, and goes without a word. */
static void visit(unsigned int me, unsigned int *seed, struct record *r)
{
	struct peer p = joined(true, false);
	struct stamp s = { .sender = me, .to = TO_ONE };
	int n = rand_r(seed) % 200;

	while (n-- && !stop) {
		nt_poll(p.fd, POLLIN, 10);
		read_some(p.fd, r);
		if (rand_r(seed) % 8)
			continue;
		s.serial = sent[me].n;
		s.seen = r->n ? r->e[r->n - 1].seq : 0;
		s.pad = rand_r(seed) % PAD;
		if (send_one(p.fd, &s, MSG_DONTWAIT) > 0)
			note(&sent[me], s.to);
		else
			is(errno, EAGAIN);
	}
	nt_close(&p);
}

static void *guest(void *arg)
{
	unsigned int me = (uintptr_t)arg, seed = me;
	struct record r;

	while (!stop) {
		r = (struct record){ 0 };
		visit(me, &seed, &r);
		pthread_mutex_lock(&lock);
		visits = realloc(visits, (n_visits + 1) * sizeof(*visits));
		check(visits);
		visits[n_visits++] = r;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* ---- the one that stops reading ---- */

static struct sleeper {
	struct peer p;
	pid_t pid;
	struct {
		volatile size_t n;
		struct entry e[];
	} *log;			/* shared with it */
} sleeper;

static void sleep_in(long messages)
{
	struct entry e;
	uint64_t from;

	sleeper.log = mmap(NULL, sizeof(*sleeper.log) + 2 * messages *
			   sizeof(e), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check((void *)sleeper.log != MAP_FAILED);
	sleeper.p = joined(true, false);
	sleeper.pid = nt_fork();
	if (sleeper.pid)
		return;
	while (order_recv(sleeper.p.fd, &e, &from, 0) > 0)
		sleeper.log->e[sleeper.log->n++] = e;
	is(errno, ETIMEDOUT);
	is(nt_reason(sleeper.p.fd), BUS_REASON_STALLED);
	_exit(0);
}

static void fall_asleep(void)
{
	struct record r = { 0 };
	size_t n;

	while (sleeper.log->n < (size_t)each / 10)
		usleep(1000);
	ok(kill(sleeper.pid, SIGSTOP));
	ok(waitpid(sleeper.pid, NULL, WUNTRACED));
	n = sleeper.log->n;
	/* While it sleeps nobody gets on, until it is none of them. */
	while (!(nt_poll(sleeper.p.end, POLLRDHUP, -1) & POLLRDHUP))
		;
	ok(kill(sleeper.pid, SIGCONT));
	reap(sleeper.pid);
	/* What had been committed it had; at least its queue. */
	check(sleeper.log->n > n);
	told_closed(&sleeper.p, BUS_REASON_STALLED);
	r.e = sleeper.log->e;
	r.n = sleeper.log->n;
	pthread_mutex_lock(&lock);
	visits = realloc(visits, (n_visits + 1) * sizeof(*visits));
	check(visits);
	visits[n_visits++] = r;
	pthread_mutex_unlock(&lock);
}

static void start(pthread_t *t, void *(*fn)(void *), uintptr_t i)
{
	if (pthread_create(t, NULL, fn, (void *)i))
		fail("pthread_create");
}

static void run_all(bool stalled)
{
	pthread_t s[ORDER_PEERS], r[ORDER_READERS], g[ORDER_GUESTS];
	uintptr_t i;

	for (i = 0; i < ORDER_READERS; i++)
		start(&r[i], reader, i);
	for (i = 0; i < ORDER_GUESTS; i++)
		start(&g[i], guest, ORDER_PEERS + i);
	for (i = 0; i < ORDER_PEERS; i++)
		start(&s[i], sender, i);
	if (stalled)
		fall_asleep();
	for (i = 0; i < ORDER_PEERS; i++)
		pthread_join(s[i], NULL);
	stop = true;
	for (i = 0; i < ORDER_GUESTS; i++)
		pthread_join(g[i], NULL);
	say(peers[0].end, EVERYBODY, "end");
	for (i = 0; i < ORDER_READERS; i++)
		pthread_join(r[i], NULL);
}

void order_run(long messages, bool stalled)
{
	struct bus_limits l = { .stall_ms = stalled ? 3000 : 30000 };
	size_t i;

	each = messages / ORDER_PEERS;
	bus = nt_bus();
	nt_set_limits(bus, l);
	nt_set(bus, BUS_SET_MAXQLEN, 50);
	for (i = 0; i < ORDER_PEERS; i++)
		peers[i] = joined(true, i % 2 == 0);
	peers[ORDER_EAR] = joined(false, false);
	ok(setsockopt(peers[ORDER_EAR].end, SOL_BUS, BUS_SET_EAVESDROP, NULL,
		      0));
	if (stalled)
		sleep_in(messages);
	run_all(stalled);
	order_check(records, sent);
	for (i = 0; i < n_visits; i++)
		order_check_visit(&records[0], &visits[i]);
	check(n_visits > 0);
	close(bus);
}
