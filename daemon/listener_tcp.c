// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Listening on a network: for machines without anything better, for tests.
 * Who comes from there is known by DBUS_COOKIE_SHA1 alone, and nothing is
 * encrypted.
 */
#include "listener_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"

struct tcp {
	const char *host;	/* for clients */
	const char *bind;	/* where we listen */
	const char *family;	/* NULL: any */
	uint16_t port;		/* 0: any; the first socket has chosen one */
};

static int get_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > 65535) {
		log_error("\"%s\" is not a port", text);
		return -EINVAL;
	}
	*port = (uint16_t)n;
	return 0;
}

static int get_family(const char *text, int *family)
{
	if (!text)
		*family = AF_UNSPEC;
	else if (!strcmp(text, "ipv4"))
		*family = AF_INET;
	else if (!strcmp(text, "ipv6"))
		*family = AF_INET6;
	else {
		log_error("family= is ipv4 or ipv6, not \"%s\"", text);
		return -EINVAL;
	}
	return 0;
}

static uint16_t *port_of(struct sockaddr *sa)
{
	return sa->sa_family == AF_INET6 ?
	       &((struct sockaddr_in6 *)sa)->sin6_port :
	       &((struct sockaddr_in *)sa)->sin_port;
}

/* Returns the socket or -errno; *@port is then the one it has. */
static int listen_at(const struct addrinfo *ai, uint16_t *port)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
			SOCK_NONBLOCK, 0);
	int one = 1, err;

	if (fd < 0)
		return -errno;
	memset(&bound, 0, sizeof(bound));
	*port_of(ai->ai_addr) = htons(*port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*port = ntohs(*port_of((struct sockaddr *)&bound));
	return fd;
}

/* The first one that is made speaks for all. */
static int listen_all(struct listeners *all, struct tcp *t,
		      const struct addrinfo *ai, struct listener **first)
{
	struct listener *l;
	int fd, err = -EADDRNOTAVAIL;

	for (*first = NULL; ai; ai = ai->ai_next) {
		fd = listen_at(ai, &t->port);
		if (fd < 0) {
			err = fd;
			continue;
		}
		err = listener_add(all, fd, &l);
		if (err)
			return err;
		l->tcp = true;
		if (!*first)
			*first = l;
	}
	return *first ? 0 : err;
}

static int describe(struct listener *l, const struct tcp *t)
{
	char *host = address_escape(t->host, strlen(t->host));
	int n = -1;

	if (host)
		n = asprintf(&l->address, "%s:host=%s,port=%u%s%s",
			     l->has_nonce ? "nonce-tcp" : "tcp", host,
			     (unsigned int)t->port, t->family ? ",family=" : "",
			     t->family ? t->family : "");
	free(host);
	if (n < 0)
		l->address = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/* ---- the nonce ---- */

static int write_nonce(const char *path, const uint8_t *nonce)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, nonce, HANDSHAKE_NONCE) != HANDSHAKE_NONCE)
		err = -EIO;
	close(fd);
	return err;
}

static int make_nonce(struct listener *l)
{
	char dir[] = "/tmp/dbus_nonce-XXXXXX", path[64], *more;
	int err;

	if (getrandom(l->nonce, sizeof(l->nonce), 0) != sizeof(l->nonce))
		return -errno;
	if (!mkdtemp(dir))
		return -errno;
	snprintf(path, sizeof(path), "%s/nonce", dir);
	err = write_nonce(path, l->nonce);
	if (!err)
		err = listener_own_path(l, path);
	if (!err && asprintf(&more, "%s,noncefile=%s", l->address, path) < 0)
		err = -ENOMEM;
	if (err)
		return err;
	free(l->address);
	l->address = more;
	return 0;
}

/* All sockets of an address have the same. */
static void share_nonce(struct listeners *all, size_t first)
{
	size_t i;

	for (i = first + 1; i < all->n; i++) {
		all->v[i]->has_nonce = true;
		memcpy(all->v[i]->nonce, all->v[first]->nonce,
		       HANDSHAKE_NONCE);
	}
}

/* ---- */

static int resolve(const struct tcp *t, int family, struct addrinfo **ret)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
	};
	int result = getaddrinfo(strcmp(t->bind, "*") ? t->bind : NULL, "0",
				 &hints, ret);

	if (!result)
		return 0;
	log_error("cannot find the address of \"%s\": %s", t->bind,
		  gai_strerror(result));
	return -EADDRNOTAVAIL;
}

static int open_one(struct listeners *all, struct tcp *t, int family,
		    bool nonce)
{
	size_t before = all->n;
	struct addrinfo *ai;
	struct listener *first;
	int err = resolve(t, family, &ai);

	if (err)
		return err;
	err = listen_all(all, t, ai, &first);
	freeaddrinfo(ai);
	if (err)
		return err;
	first->has_nonce = nonce;
	err = describe(first, t);
	if (!err && nonce) {
		err = make_nonce(first);
		share_nonce(all, before);
	}
	return err;
}

static int open_tcp(struct listeners *all, const struct address *a, bool nonce)
{
	const char *port = address_get(a, "port");
	struct tcp t = {
		.host = address_get(a, "host"),
		.bind = address_get(a, "bind"),
		.family = address_get(a, "family"),
	};
	int family, err = port ? get_port(port, &t.port) : 0;

	if (!err)
		err = get_family(t.family, &family);
	if (err)
		return err;
	if (!t.host)
		t.host = "localhost";
	if (!t.bind)
		t.bind = t.host;
	return open_one(all, &t, family, nonce);
}

int listener_open_tcp(struct listeners *all, const struct address *a)
{
	return open_tcp(all, a, false);
}

int listener_open_nonce_tcp(struct listeners *all, const struct address *a)
{
	return open_tcp(all, a, true);
}
