// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handshake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/cookies.h"
#include "daemon/enforce.h"
#include "daemon/notes.h"
#include "daemon/sasl.h"

struct handshake {
	struct peer *peer;
	int fd;
	sd_event_source *io;
	const uint8_t *nonce;		/* still to come */
	uint8_t own_nonce[HANDSHAKE_NONCE];	/* when no listener has it */
	uint64_t number;		/* kept under it; 0: not kept */
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

/* ---- from one daemon to the next ---- */

int handshake_keep(struct handshake *h)
{
	struct bus *bus = h->peer->bus;
	const struct sasl *s = &h->sasl;
	struct note_handshake n = {
		.since = h->peer->since,
		.state = s->state,
		.mechanism = sasl_under_way(s),
		.failed = s->failed,
		.used = s->used,
		.pass_fds = s->pass_fds,
		.cookie_id = s->offered.id,
		.total = s->total,
		.cookie_secret = note_text(s->offered.secret),
		.challenge = note_text(s->challenge),
		.line = { s->line, s->line_len },
		.nonce = { h->nonce, h->nonce ? HANDSHAKE_NONCE : 0 },
	};
	int err;

	if (!h->number)
		h->number = notes_number(bus);
	err = sw_keep(bus->sw, h->number, h->fd);
	if (!err)
		notes_write(bus, 0, NOTE_HANDSHAKE, h->number, &n);
	return err;
}

void handshake_keep_off(struct handshake *h)
{
	struct bus *bus = h->peer->bus;

	if (!h->number || bus->ending)
		return;
	sw_keep(bus->sw, h->number, -1);
	notes_remove(bus, 0, NOTE_HANDSHAKE, h->number);
	h->number = 0;
}

static int copy_blob(const struct rst_blob *b, char *to, size_t size)
{
	if (b->len >= size)
		return -EBADMSG;
	memcpy(to, b->data, b->len);
	to[b->len] = 0;
	return 0;
}

static int restore_sasl(struct sasl *s, const struct note_handshake *n)
{
	if (n->state >= SASL_DONE || n->line.len > sizeof(s->line) ||
	    sasl_set_under_way(s, n->mechanism) < 0 ||
	    (n->state == SASL_DATA && !n->mechanism) ||
	    (n->state == SASL_BEGIN && !(n->used & s->mechanisms)) ||
	    copy_blob(&n->cookie_secret, s->offered.secret,
		      sizeof(s->offered.secret)) ||
	    copy_blob(&n->challenge, s->challenge, sizeof(s->challenge)))
		return -EBADMSG;
	s->state = (enum sasl_state)n->state;
	s->failed = n->failed;
	s->used = n->used;
	s->pass_fds = n->pass_fds && s->may_pass_fds;
	s->offered.id = n->cookie_id;
	s->total = n->total;
	s->line_len = n->line.len;
	memcpy(s->line, n->line.data, n->line.len);
	return 0;
}

int handshake_restore(struct bus *bus, int fd, const struct note_handshake *n)
{
	struct peer *peer = peer_new_restored(bus, fd, n->since);
	struct handshake *h;
	int err;

	if (!peer) {
		close(fd);
		return -ENOMEM;
	}
	err = handshake_new(&peer->handshake, peer, fd, NULL);
	if (err < 0) {
		peer_free(peer);
		return err;
	}
	h = peer->handshake;
	err = restore_sasl(&h->sasl, n);
	if (!err && n->nonce.len) {
		err = n->nonce.len == HANDSHAKE_NONCE ? 0 : -EBADMSG;
		if (!err)
			h->nonce = memcpy(h->own_nonce, n->nonce.data,
					  HANDSHAKE_NONCE);
	}
	if (err)
		peer_free(peer);
	return err;
}

struct handshake *handshake_free(struct handshake *h)
{
	if (!h)
		return NULL;
	handshake_keep_off(h);
	sd_event_source_disable_unref(h->io);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
	return NULL;
}
