// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Of a bus that may outlive its master an end that is closed comes out of
 * accept() again, before new clients and beside the backlog; unless the master
 * has shut it down, or its client has gone.
 */
#include "native-test.h"

#include <fcntl.h>
#include <poll.h>

static int bus;

static void nobody_waits(void)
{
	int flags = ok(fcntl(bus, F_GETFL));

	check(!(nt_poll(bus, POLLIN, 0) & POLLIN));
	ok(fcntl(bus, F_SETFL, flags | O_NONBLOCK));
	refused(accept(bus, NULL, NULL), EAGAIN);
	ok(fcntl(bus, F_SETFL, flags));
}

static void again(struct peer *p, uint64_t times)
{
	struct peer q = nt_accept(bus, p->fd);

	is(q.addr, p->addr);
	p->end = q.end;
	is(nt_outage(p->end).takeovers, times);
}

static void finish(struct peer *p)
{
	ok(shutdown(p->end, SHUT_RDWR));
	nt_close(p);
	nobody_waits();
}

/* ---- it comes again ---- */

static void comes_again(void)
{
	struct peer p = nt_peer(bus);
	int copy = dup(p.end);

	tell(p.fd, "hello");
	close(copy);
	nobody_waits();		/* there is another descriptor */
	close(p.end);
	check(nt_poll(bus, POLLIN, 0) & POLLIN);
	tell(p.fd, "are you there?");
	is(nt_poll(p.fd, POLLIN | POLLRDHUP, 0), 0);
	again(&p, 1);
	heard(p.end, p.addr, "hello");
	close(p.end);
	again(&p, 2);
	heard(p.end, p.addr, "are you there?");
	tell(p.end, "yes");
	heard(p.fd, BUS_MASTER_ADDR, "yes");
	finish(&p);
}

static long take_one(void *arg)
{
	(void)arg;
	return accept(bus, NULL, NULL);
}

static void wakes_who_accepts(void)
{
	struct peer p = nt_peer(bus);
	struct bg t;

	bg_start(&t, take_one, NULL);
	bg_asleep(&t);
	close(p.end);
	p.end = bg_end(&t);
	ok(p.end);
	is(nt_outage(p.end).takeovers, 1);
	finish(&p);
}

/* Its reader and its poll() are those of the new descriptor. */
static long read_one(void *arg)
{
	struct got g;

	return nt_take(*(int *)arg, &g, 0);
}

static void wakes_who_reads(void)
{
	struct peer p = nt_peer(bus);
	struct bg t;

	close(p.end);
	again(&p, 1);
	bg_start(&t, read_one, &p.end);
	bg_asleep(&t);
	tell(p.fd, "wake up");
	is(bg_end(&t), 7);
	check(nt_poll(p.end, POLLOUT, 0) & POLLOUT);
	finish(&p);
}

/* ---- before others, beside the backlog ---- */

static int try_connect(void)
{
	struct sockaddr_bus sa = nt_getsockname(bus);
	int fd = nt_socket(), err;

	ok(fcntl(fd, F_SETFL, O_NONBLOCK));
	if (!connect(fd, NT_SA(&sa), sizeof(sa)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static void beside_the_backlog(void)
{
	struct peer p[5], q;
	int first, i;

	ok(listen(bus, 0));
	for (i = 0; i < 5; i++)
		p[i] = nt_peer(bus);
	first = ok(try_connect());
	refused(try_connect(), EAGAIN);
	for (i = 0; i < 5; i++)
		close(p[i].end);
	refused(try_connect(), EAGAIN);
	again(&p[0], 1);
	refused(try_connect(), EAGAIN);	/* the place is still taken */
	for (i = 1; i < 5; i++)
		again(&p[i], 1);
	q = nt_accept(bus, first);
	check(q.addr > p[4].addr);
	for (i = 0; i < 5; i++)
		close(p[i].end);
	/* Five wait, none of them in the way. */
	first = ok(try_connect());
	for (i = 0; i < 5; i++)
		again(&p[i], 2);
	ok(shutdown(q.end, SHUT_RDWR));
	nt_close(&q);
	q = nt_accept(bus, first);
	is(nt_outage(q.end).takeovers, 0);
	finish(&q);
	for (i = 0; i < 5; i++)
		finish(&p[i]);
	ok(listen(bus, 10));
}

/* ---- it does not ---- */

static void shut_down_first(void)
{
	static const int how[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };
	int before = nt_proc_lines();
	struct peer p;
	size_t i;

	for (i = 0; i < 3; i++) {
		p = nt_peer(bus);
		ok(shutdown(p.end, how[i]));
		close(p.end);
		nobody_waits();
		is(nt_reason(p.fd), BUS_REASON_MASTER);
		check(nt_poll(p.fd, POLLHUP, 0) & POLLHUP);
		close(p.fd);
		is(nt_proc_lines(), before);
	}
}

static void client_has_gone(void)
{
	int before = nt_proc_lines();
	struct peer p = nt_peer(bus);

	tell(p.fd, "bye");
	close(p.fd);
	close(p.end);
	nobody_waits();
	/* The same while nobody has the end: somebody is to be told. */
	p = nt_peer(bus);
	close(p.end);
	tell(p.fd, "last words");
	close(p.fd);
	again(&p, 1);
	heard(p.end, p.addr, "last words");
	told_closed(&p, BUS_REASON_HANGUP);
	refused(getsockopt(p.end, SOL_BUS, BUS_JOIN_BUS, &(int){ 0 },
			   &(socklen_t){ sizeof(int) }), ENOTCONN);
	refused(getsockopt(p.end, SOL_BUS, BUS_ADD_ADDR, &(int){ 0 },
			   &(socklen_t){ 0 }), ENOTCONN);
	close(p.end);
	nobody_waits();
	is(nt_proc_lines(), before);
}

/* One that says no more listens still; one that does neither is done with. */
static void half_a_client(void)
{
	struct peer p = nt_peer(bus);
	struct got g;

	ok(shutdown(p.fd, SHUT_WR));
	close(p.end);
	again(&p, 1);
	is(nt_take(p.end, &g, 0), 0);
	tell(p.end, "listen");
	heard(p.fd, BUS_MASTER_ADDR, "listen");
	ok(shutdown(p.fd, SHUT_RD));
	close(p.end);
	nobody_waits();
	is(nt_reason(p.fd), BUS_REASON_MASTER);
	close(p.fd);
}

static void without_persistence(void)
{
	struct peer p = nt_peer(bus), q = nt_peer(bus);

	close(q.end);
	nt_set(bus, BUS_PERSIST, 0);
	close(p.end);
	is(nt_reason(p.fd), BUS_REASON_MASTER);
	/* What was returned before stays so. */
	again(&q, 1);
	nobody_waits();
	close(q.end);
	is(nt_reason(q.fd), BUS_REASON_MASTER);
	close(p.fd);
	close(q.fd);
	nt_set(bus, BUS_PERSIST, NT_LASTING);
}

int main(void)
{
	bus = nt_bus();
	nt_set(bus, BUS_PERSIST, NT_LASTING);
	comes_again();
	wakes_who_accepts();
	wakes_who_reads();
	beside_the_backlog();
	shut_down_first();
	client_has_gone();
	half_a_client();
	without_persistence();
	nt_set(bus, BUS_PERSIST, 0);
	return 0;
}
