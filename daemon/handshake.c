// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handshake.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/cookies.h"
#include "daemon/enforce.h"
#include "daemon/sasl.h"

struct handshake {
	struct peer *peer;
	int fd;
	sd_event_source *io;
	const uint8_t *nonce;		/* still to come */
	struct sasl sasl;
};

/* Reads exactly @len bytes, which are known to be there. */
static int consume(int fd, char *buf, size_t len)
{
	while (len) {
		struct iovec v = { buf, len };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		if (m.msg_flags & MSG_CTRUNC)
			return -EPROTO;
		len -= (size_t)n;
	}
	return 0;
}

/* The answers are few and short: who has no room for them does not read. */
static int flush(struct handshake *h)
{
	size_t len = h->sasl.out_len;
	ssize_t n;

	if (!len)
		return 0;
	h->sasl.out_len = 0;
	n = send(h->fd, h->sasl.out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOBUFS;
}

/* It comes as a whole, or not yet. */
static int check_nonce(struct handshake *h)
{
	uint8_t buf[HANDSHAKE_NONCE], differ = 0;
	ssize_t n = recv(h->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	size_t i;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	if (n < (ssize_t)sizeof(buf))
		return 0;
	for (i = 0; i < sizeof(buf); i++)
		differ |= buf[i] ^ h->nonce[i];
	if (differ)
		return -EACCES;
	h->nonce = NULL;
	return consume(h->fd, (char *)buf, sizeof(buf));
}

/* Returns what sasl_feed() does; 0 also when there is nothing to read. */
static int step(struct handshake *h)
{
	char buf[2048];
	size_t used;
	ssize_t n = recv(h->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	int result, err;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	result = sasl_feed(&h->sasl, buf, (size_t)n, &used);
	/* Who is turned away shall still hear why. */
	err = consume(h->fd, buf, used);
	if (!err)
		err = flush(h);
	return result < 0 ? result : err ? err : result;
}

static void finish(struct handshake *h)
{
	struct peer *peer = h->peer;
	int fd = h->fd;

	peer->anonymous = h->sasl.used == SASL_ANONYMOUS;
	peer->pass_fds = h->sasl.pass_fds;
	if (h->sasl.used == SASL_COOKIE)
		creds_set_user(&peer->creds, h->sasl.owner);
	h->fd = -1;
	/* The switch will want to wait for the same descriptor. */
	h->io = sd_event_source_disable_unref(h->io);
	if (!enforce_connect(peer)) {
		close(fd);
		peer_doom(peer);
	} else if (peer_attach(peer, fd) < 0) {
		peer_doom(peer);
	}
}

static int on_input(sd_event_source *s, int fd, uint32_t events, void *ctx)
{
	struct handshake *h = ctx;
	struct bus *bus = h->peer->bus;
	int result;

	bus_enter(bus);
	result = h->nonce ? check_nonce(h) : step(h);
	if (result < 0)
		peer_doom(h->peer);
	else if (result)
		finish(h);
	bus_leave(bus);
	return 0;
}

static unsigned int mechanisms(const struct peer *peer)
{
	const struct bus_config *config = &peer->bus->config;
	unsigned int m = config->mechanisms;

	if (!config->allow_anonymous)
		m &= ~SASL_ANONYMOUS;
	if (creds_unknown(&peer->creds))
		m &= ~SASL_EXTERNAL;
	return m;
}

static void prepare(struct sasl *s, const struct peer *peer)
{
	const struct bus *bus = peer->bus;

	s->guid = bus->config.guid;
	s->uid = peer->creds.uid;
	s->mechanisms = mechanisms(peer);
	s->may_pass_fds = !creds_unknown(&peer->creds);
	s->owner = bus->self.uid;
	s->owner_name = bus->config.user_name;
	s->cookie = cookies_of_self;
}

int handshake_new(struct handshake **ret, struct peer *peer, int fd,
		  const uint8_t *nonce)
{
	struct handshake *h = calloc(1, sizeof(*h));
	int err;

	if (!h) {
		close(fd);
		return -ENOMEM;
	}
	h->peer = peer;
	h->fd = fd;
	h->nonce = nonce;
	prepare(&h->sasl, peer);
	err = sd_event_add_io(peer->bus->event, &h->io, fd, EPOLLIN, on_input,
			      h);
	if (err < 0) {
		handshake_free(h);
		return err;
	}
	*ret = h;
	return 0;
}

struct handshake *handshake_free(struct handshake *h)
{
	if (!h)
		return NULL;
	sd_event_source_disable_unref(h->io);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
	return NULL;
}
