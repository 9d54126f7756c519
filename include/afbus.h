/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libafbus: native AF_BUS sockets in a few calls. See af_bus(7) for what they
 * are, and afbus_bus(3), afbus_client(3), afbus_msg(3), afbus_addr(3).
 *
 * Nothing is hidden: every object is a file descriptor that the caller owns,
 * polls in its own loop and closes with close(). The library keeps no state
 * for it, starts no thread, and takes nothing but what a call is given; any
 * call may be made from any thread.
 *
 * A call returns 0 (or a descriptor, or a number, where it says so) or a
 * negative error number of errno(3); errno itself means nothing afterwards.
 * No call raises SIGPIPE. Descriptors are close-on-exec.
 */
#ifndef AFBUS_H
#define AFBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <linux/bus.h>
#include <linux/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- addresses: 16 bits of prefix, 48 bits of client ---- */

/* Everybody who has an address of @prefix; prefix 0: everybody who joined. */
#define AFBUS_GROUP(prefix) (((uint64_t)(prefix) << 48) | BUS_CLIENT_MASK)
#define AFBUS_ALL AFBUS_GROUP(0)
#define AFBUS_ADDR(prefix, client) \
	(((uint64_t)(prefix) << 48) | ((uint64_t)(client) & BUS_CLIENT_MASK))
#define AFBUS_ADDR_PREFIX(addr) ((unsigned int)((uint64_t)(addr) >> 48))
#define AFBUS_ADDR_CLIENT(addr) ((uint64_t)(addr) & BUS_CLIENT_MASK)

/* Longest text of an address, with its NUL. */
#define AFBUS_ADDR_TEXT 24

/*
 * "CLIENT", "PREFIX.CLIENT", "PREFIX.*" (a group), "all", "master"; numbers
 * decimal or, after 0x, hexadecimal. -EINVAL: none of these; -ERANGE: a number
 * is too large.
 */
int afbus_addr_parse(const char *text, uint64_t *addr);

/* The same text; @size of AFBUS_ADDR_TEXT is enough. -ENOSPC. */
int afbus_addr_format(uint64_t addr, char *buf, size_t size);

/*
 * Fills in @sa for @path: a file, or with a leading '@' an abstract name.
 * NULL leaves the path empty: @addr on the bus of the socket it is used with.
 * -EINVAL: an empty path or name; -ENAMETOOLONG.
 */
int afbus_sockaddr_set(struct sockaddr_bus *sa, const char *path,
		       uint64_t addr);

/* Gives @fd, an end or a member of an open bus, the address @addr too, or
 * takes it away. Errors of BUS_ADD_ADDR and BUS_DEL_ADDR. */
int afbus_addr_add(int fd, uint64_t addr);
int afbus_addr_del(int fd, uint64_t addr);

/* ---- sockets ---- */

/* The family's number here: the module's, or AF_BUS_DEFAULT without one. */
int afbus_family(void);

#define AFBUS_NONBLOCK	0x1	/* calls on the new descriptor do not wait */
#define AFBUS_CREDS	0x2	/* messages to it bring their sender's
				 * credentials */
#define AFBUS_REPLACE	0x4	/* removes a file at the path that is a socket
				 * nobody listens to any more */

/* ---- the master ---- */

/* Makes a bus at @path and listens, @backlog clients waiting at most. Returns
 * its descriptor, readable when a client waits. */
int afbus_bus_create(const char *path, int backlog, unsigned int flags);

/* The next client; returns its end's descriptor, and its address in @addr
 * unless that is NULL. AFBUS_NONBLOCK and AFBUS_CREDS are for the end.
 * -EAGAIN: nobody waits. */
int afbus_bus_accept(int bus, uint64_t *addr, unsigned int flags);

int afbus_bus_get_limits(int bus, struct bus_limits *limits);
/* A field that is 0 keeps its value. */
int afbus_bus_set_limits(int bus, const struct bus_limits *limits);
/* For clients that connect later: the send buffer in bytes, the length of the
 * receive queue in messages. */
int afbus_bus_set_sendbuf(int bus, int bytes);
int afbus_bus_set_maxqlen(int bus, int messages);

/* Who is full: up to @n addresses into @addrs; returns how many. */
int afbus_bus_get_full(int bus, uint64_t *addrs, size_t n);

/* Lets the client talk to others and be talked to. -EISCONN: it may. */
int afbus_end_join(int end);
int afbus_end_get_addr(int end, uint64_t *addr);

/* Who connected, as it was then. */
struct afbus_creds {
	int32_t pid;
	uint32_t uid, gid;
};
int afbus_end_get_creds(int end, struct afbus_creds *creds);

/* A copy of everything on the bus for the client, or no more. */
int afbus_end_set_eavesdrop(int end, bool on);

/* A filter on what the client receives: @n instructions of classic BPF, or the
 * descriptor of a BPF program. 0, and -1, remove it. */
int afbus_end_set_filter(int end, const struct sock_filter *insns,
			 unsigned short n);
int afbus_end_set_filter_bpf(int end, int prog);

/* ---- clients, and members of open buses ---- */

/* Connects to the bus at @path; returns a descriptor. */
int afbus_client_connect(const char *path, unsigned int flags);

/* An open bus: makes it, joins it, or whichever is possible. */
int afbus_member_create(const char *path, unsigned int flags);
int afbus_member_join(const char *path, unsigned int flags);
int afbus_member_open(const char *path, unsigned int flags);

/* One's own address of prefix 0. */
int afbus_client_get_addr(int fd, uint64_t *addr);

/* 0 (the default) to BUS_PRIO_MAX: of what is sent from now on. */
int afbus_client_set_priority(int fd, int priority);

/* ---- clients of a D-Bus bus ---- */

/*
 * Connects to the first "afbus:path=" or "afbus:abstract=" in @address, a list
 * of D-Bus server addresses (the specification's "Server Addresses"; guid= is
 * not looked at), or if it is NULL in $DBUS_SESSION_BUS_ADDRESS. Returns a
 * descriptor on which whole D-Bus messages are sent and received, with
 * afbus_msg_send() and afbus_msg_recv(); to, from and seq are not used.
 * @flags: AFBUS_NONBLOCK. -EPROTONOSUPPORT: there is no such address in it;
 * -EINVAL: it is malformed; -ENOENT: NULL, and the variable is not set.
 */
int afbus_dbus_open(const char *address, unsigned int flags);
/*
 * Says Hello and waits for the answer, which must not have been done yet: the
 * bus's unique name for @fd into @name, AFBUS_DBUS_NAME is enough. -EPROTO: it
 * was refused or the answer is none; -ENOSPC. May wait though AFBUS_NONBLOCK
 * was given.
 */
#define AFBUS_DBUS_NAME 24
int afbus_dbus_hello(int fd, char *name, size_t size);

/* ---- messages ---- */

#define AFBUS_MSG_CREDS		0x1	/* pid, uid, gid are the sender's */
#define AFBUS_MSG_INFO		0x2	/* to and seq are known */
#define AFBUS_MSG_TRUNCATED	0x4	/* longer than its room; len is its
					 * full length, the rest is gone */
#define AFBUS_MSG_FDS_LOST	0x8	/* more fds than room; they are closed */

/*
 * The same for sending and receiving, so that what was received can be passed
 * on. Start with all of it zero.
 */
struct afbus_msg {
	void *data;		/* the bytes; receiving: room for them */
	size_t size;		/* the room; not used for sending */
	size_t len;		/* how many bytes */
	int *fds;		/* the fds; receiving: room for them, then the
				 * caller's to close */
	unsigned int fds_size;	/* that room; not used for sending */
	unsigned int n_fds;	/* how many; AFBUS_MSG_MAX_FDS at most */
	uint64_t to;		/* 0: the master, or at an end its client */
	/* Of a message received only: */
	uint64_t from;		/* the sender's address of prefix 0 */
	uint64_t seq;		/* its place in the bus's order */
	uint32_t flags;		/* AFBUS_MSG_* */
	uint32_t reason;	/* after -ENODATA, at an end: enum bus_reason */
	int32_t pid;
	uint32_t uid, gid;
	uint32_t reserved[11];	/* zero */
};

#define AFBUS_MSG_MAX_FDS 253

/* Sends one message; @flags: MSG_DONTWAIT. Either all receivers get it or
 * none, and an error is returned. */
int afbus_msg_send(int fd, const struct afbus_msg *m, int flags);

/*
 * Receives one; @flags: MSG_DONTWAIT, MSG_PEEK. -ENODATA: the other end closed
 * in good order and nothing more will come; -EAGAIN; the cause when the client
 * was removed, -ETIMEDOUT, -EDQUOT, -ENOMEM (afbus_reason() tells).
 */
int afbus_msg_recv(int fd, struct afbus_msg *m, int flags);

/* The length in bytes of the message that is next, which stays; the errors of
 * afbus_msg_recv(). @flags: MSG_DONTWAIT. */
ssize_t afbus_msg_next_len(int fd, int flags);

/* Closes the fds of a message. */
void afbus_msg_close_fds(struct afbus_msg *m);

/* Bytes alone. */
int afbus_send(int fd, uint64_t to, const void *data, size_t len, int flags);
/* To everybody who has an address of @prefix. */
int afbus_multicast(int fd, unsigned int prefix, const void *data, size_t len,
		    int flags);

/* Why the connection ended: enum bus_reason, BUS_REASON_NONE if it has not. */
int afbus_reason(int fd);
/* In words; for any number. */
const char *afbus_reason_text(unsigned int reason);

#ifdef __cplusplus
}
#endif

#endif
