// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * "afbusd --replace", from both sides, and org.afbus.Restart1:
 *
 *	HandOver(h)	the descriptor is one end of a pair of sockets: the
 *			*channel*. Only for the daemon's user and root.
 *
 * On the channel go, a byte each: ASK of the new daemon, which has left the
 * bus as a client by then; HERE of the old one, with memfd and box, and from
 * then on it does nothing; READY of the new one, when it has everything up; GO
 * of the old one, which ends, or NO if it was tired of waiting and has gone on.
 * When the old one ends without a word the new one goes on as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "daemon/driver.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/rights.h"

enum word {
	ASK = 'a',
	HERE = 'h',
	HERE_KERNEL = 'k',	/* there is no memfd */
	READY = 'r',
	GO = 'g',
	NO = 'n',
};

/* For taking over, with everybody waiting. */
#define PATIENCE_MS 30000

static int say(int fd, enum word word, const int *fds, size_t n)
{
	union {
		char buf[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = (char)word;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n)
		rights_put(&mh, control.buf, fds, n);
	return sendmsg(fd, &mh, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The word, -ECONNRESET if there will be none, -ETIMEDOUT. */
static int hear(int fd, int *fds, size_t n_max, size_t *n)
{
	union {
		char buf[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(n_max * sizeof(int)),
	};
	struct cmsghdr *c;
	ssize_t got;

	if (!n_max) {
		mh.msg_control = NULL;
		mh.msg_controllen = 0;
	}
	if (poll(&p, 1, PATIENCE_MS) != 1)
		return -ETIMEDOUT;
	got = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got != 1)
		return got < 0 ? -errno : -ECONNRESET;
	c = n_max ? CMSG_FIRSTHDR(&mh) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		*n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *n * sizeof(int));
	}
	return byte;
}

/* ---- the old one ---- */

struct channel {
	struct bus *bus;
	int fd;
	sd_event_source *io;
};

static int give(struct channel *c, struct handover *h)
{
	int fds[2] = { h->box, h->memfd };
	int word, err;

	err = say(c->fd, h->memfd < 0 ? HERE_KERNEL : HERE, fds,
		  1 + (h->memfd >= 0));
	if (err)
		return err;
	word = hear(c->fd, NULL, 0, NULL);
	if (word == READY)
		return 0;
	return word < 0 ? word : -EPROTO;
}

static void hand_over(struct channel *c)
{
	struct bus *bus = c->bus;
	struct handover h;
	int err = handover_pack(bus, &h);

	if (!err) {
		err = give(c, &h);
		handover_done(&h);
		if (err)
			handover_off(bus);
	}
	if (err) {
		say(c->fd, NO, NULL, 0);
		log_errno(err, "the bus was not handed over, and goes on");
		return;
	}
	bus->handed_over = true;
	say(c->fd, GO, NULL, 0);
	log_info("The bus was handed over");
	sd_event_exit(bus->event, 0);
}

static void channel_free(struct channel *c)
{
	sd_event_source_disable_unref(c->io);
	close(c->fd);
	free(c);
}

static int on_channel(sd_event_source *s, int fd, uint32_t events, void *ctx)
{
	struct channel *c = ctx;

	if (hear(fd, NULL, 0, NULL) == ASK)
		hand_over(c);
	channel_free(c);
	return 0;
}

static int open_channel(struct bus *bus, int fd)
{
	struct channel *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->bus = bus;
	c->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (c->fd < 0) {
		err = -errno;
		free(c);
		return err;
	}
	err = sd_event_add_io(bus->event, &c->io, c->fd, EPOLLIN, on_channel,
			      c);
	if (err < 0)
		channel_free(c);
	return err < 0 ? err : 0;
}

/* Whoever made the channel must be who asks, or one of them. */
static bool may_have_it(const struct bus *bus, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
	       (!cred.uid || cred.uid == bus->self.uid);
}

static int method_hand_over(struct call *c)
{
	int err;

	if (wire_u32(&c->args) >= c->m->n_fds)
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "There is no such descriptor");
	if (!may_have_it(c->bus, c->m->fds[0]))
		return call_error(c, DBUS_ERROR("AccessDenied"),
				  "The socket is another user's");
	err = open_channel(c->bus, c->m->fds[0]);
	return err ? call_failed(c, err) : call_empty(c);
}

static const struct method restart_methods[] = {
	{ "HandOver", "h", "", method_hand_over,
	  METHOD_CANONICAL | METHOD_OWNER },
	{ NULL },
};

const struct interface restart_interface = {
	.name = "org.afbus.Restart1",
	.canonical = true,
	.listed = true,
	.methods = restart_methods,
};

/* ---- the new one ---- */

static int call_old(const char *address, int fd)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, 1);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_call_method(bus, DBUS_DRIVER_NAME, DBUS_DRIVER_PATH,
				       "org.afbus.Restart1", "HandOver",
				       &error, NULL, "h", fd);
	if (r < 0 && error.message)
		log_error("the bus at \"%s\" does not hand itself over: %s",
			  address, error.message);
	else if (r < 0)
		log_errno(r, "cannot ask the bus at \"%s\"", address);
	sd_bus_error_free(&error);
	sd_bus_flush_close_unref(bus);
	return r < 0 ? r : 0;
}

static int take(int fd, struct handover *h)
{
	int fds[2] = { -1, -1 }, word;
	size_t n = 0;

	word = say(fd, ASK, NULL, 0);
	if (!word)
		word = hear(fd, fds, 2, &n);
	*h = (struct handover){ .box = fds[0], .memfd = fds[1] };
	if ((word == HERE && n == 2) || (word == HERE_KERNEL && n == 1))
		return 0;
	handover_done(h);
	return word < 0 ? word : -EPROTO;
}

int handover_ask(struct handover *h, const char *address, int *channel)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return log_errno(-errno, "cannot make a socket");
	err = call_old(address, pair[1]);
	close(pair[1]);
	if (!err) {
		err = take(pair[0], h);
		if (err)
			log_errno(err, "the bus was not handed over");
	}
	if (err)
		close(pair[0]);
	else
		*channel = pair[0];
	return err;
}

int handover_commit(int *channel)
{
	int word = say(*channel, READY, NULL, 0);

	if (!word)
		word = hear(*channel, NULL, 0, NULL);
	close(*channel);
	*channel = -1;
	/* One that was killed meanwhile says nothing, and is gone as well. */
	if (word == GO || word == -ECONNRESET || word == -EPIPE)
		return 0;
	log_error("the old daemon serves the bus: it has waited too long for us");
	return -ETIMEDOUT;
}
