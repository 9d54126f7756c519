/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * AF_BUS: message-oriented local IPC over a bus with a master.
 *
 * A bus is made by the process that binds an AF_BUS socket to a path: the
 * bus master. The master decides (who joins, who has which address or name,
 * who wants what) and writes that into tables; the kernel moves the messages:
 * reliably, in one order for everybody, to all receivers of a message or to
 * none.
 *
 * Native buses (BUS_PROTO_NONE)
 *
 *	master					client
 *	fd = socket(AF_BUS, SOCK_SEQPACKET, 0)	fd = socket(the same)
 *	bind(fd, path); listen(fd, n);		connect(fd, path)
 *	end = accept(fd, ...)			send(fd, ...): to the master
 *	setsockopt(end, SOL_BUS, BUS_JOIN_BUS)	sendto(fd, ..., any address)
 *
 *  - The path is a file, made by bind() as AF_UNIX makes one and opened to
 *    those who may write it, or with a leading NUL a name in the network
 *    namespace ("abstract"). connect() fails with EPROTOTYPE when type or
 *    protocol are not the bus's, ECONNREFUSED when nobody listens.
 *  - Each client has one address of prefix 0, unique in the life of the bus
 *    and never used again: getsockname() of the client, getpeername() of the
 *    master's end and accept() tell it. The master's address is 0.
 *  - send() without an address, or to BUS_MASTER_ADDR, arrives at the
 *    master's end (the accepted socket), and send() on that end arrives at
 *    the client. Any other destination gives EHOSTUNREACH until the master
 *    has called BUS_JOIN_BUS on its end; a destination whose path is filled
 *    in and is not this bus's gives EHOSTUNREACH always.
 *  - A destination that nobody has, or a client that has not joined, is
 *    routed to the sender's end at the master; what the master sends there
 *    comes back to it. struct bus_info tells where a message was going.
 *  - BUS_ADD_ADDR gives a client more addresses, of prefixes other than 0.
 *    The client bits all ones address everybody who has an address of the
 *    prefix; with prefix 0, everybody who joined, the sender included. Each
 *    receiver gets one copy. Nobody there is no error.
 *  - SO_PEERCRED tells the master who connected, and the client who listens.
 *  - recvmsg() yields one message a call; msg_name is the sender's address
 *    of prefix 0. SCM_RIGHTS and SCM_CREDENTIALS (with SO_PASSCRED) reach
 *    every receiver; more files than limits.message_fds give E2BIG, more on
 *    their way than a user may have open ETOOMANYREFS. A socket filter
 *    (SO_ATTACH_FILTER, SO_ATTACH_BPF) on a receiver, or one that the master
 *    puts on it (BUS_FILTER, BUS_FILTER_BPF), shortens or drops its copy; it
 *    sees the data, and as mark the low 32 bits of the sender's address.
 *  - A receiver is full when more than BUS_SET_MAXQLEN messages wait for it,
 *    or limits.queue_bytes of memory, or SO_RCVBUF if it set that. It makes its
 *    senders wait (EAGAIN for MSG_DONTWAIT), in turn and each uid by itself;
 *    and a client whose own queue is full cannot send until it has read.
 *    poll() says writable when the socket itself can send; an edge follows
 *    when a receiver that gave EAGAIN has room again. A uid other than the
 *    receiver's own may use up to half of what others leave of its queue.
 *  - Who has kept a sender waiting for limits.stall_ms (by its full queue, or
 *    by not reading what fills the sender's buffer), or has not read a message
 *    with sockets in it for as long, is removed. Its reads yield
 *    what was committed, then fail with the cause (ETIMEDOUT: stalled,
 *    EDQUOT, ENOMEM; BUS_REASON tells more), its sends with EPIPE. The
 *    master's end yields what was committed, then 0, with a struct bus_info
 *    (BUS_PASS_INFO) of kind BUS_KIND_CLOSED and the reason.
 *  - SO_PRIORITY, 0 to 7, goes with what a socket sends. A receiver is given
 *    higher priorities first, order is kept within each, and after
 *    BUS_PRIO_BURST messages in a row the oldest of the others. Lower
 *    priorities take no room from higher ones.
 *  - A message longer than the send buffer gives EMSGSIZE (BUS_SET_SENDBUF,
 *    SO_SNDBUF); the buffer is looked at before a message is charged to it,
 *    so any message fits when it is not full.
 *  - BUS_SET_EAVESDROP gives a client a copy of everything on the bus, in the
 *    common order.
 *  - Closing the listening socket ends the bus; closing an accepted one
 *    removes its client; unless BUS_PERSIST is on ("The master may die").
 *
 * Open buses (SOCK_DGRAM, BUS_PROTO_NONE): bind() makes the bus and is its
 * first member, connect() joins it; there is no master, no accept(), and
 * BUS_ADD_ADDR and BUS_DEL_ADDR are each member's own. An address nobody has
 * gives EHOSTUNREACH, send() without one EDESTADDRREQ. All else is as above.
 * The bus ends with its last member.
 *
 * D-Bus (BUS_PROTO_DBUS)
 *
 *	fd = socket(AF_BUS, SOCK_SEQPACKET | SOCK_CLOEXEC, BUS_PROTO_DBUS);
 *	bind(fd, (struct sockaddr *)&sbus, sizeof(sbus));
 *	getsockopt(fd, SOL_BUS, BUS_VERSION, ...);
 *	setsockopt(fd, SOL_BUS, BUS_LIMITS, ...);
 *
 * Peers of such a bus are *adopted*, or *native*. Adopted are connected
 * AF_UNIX stream sockets whose other ends belong to ordinary D-Bus programs.
 * The master accepts and authenticates them as any D-Bus daemon does, then
 * hands its end over:
 *
 *	struct bus_attach at = { .fd = conn, .flags = BUS_ATTACH_FDS, ... };
 *	getsockopt(fd, SOL_BUS, BUS_ATTACH, &at, &len);	(at.addr is filled in)
 *
 * From then on what the program writes is framed, checked, stamped with its
 * sender and routed in the kernel, in the context of the writing process.
 * What only the master can decide comes to the master's socket:
 *
 *  - recvmsg() on it yields one message a call: msg_name is the sender's
 *    struct sockaddr_bus, the data is the D-Bus message with its SENDER
 *    stamped, ancillary data are SCM_RIGHTS (if the message has fds) and
 *    always a struct bus_info (SOL_BUS, BUS_INFO). Events are data of length
 *    zero whose bus_info says what happened.
 *  - A port whose message went to the master is *held*: nothing more of it is
 *    read until the master applies BUS_REC_RESUME to it. So a name or a match
 *    rule that the master sets because of a message takes effect before
 *    anything that the same sender wrote after it. A new port starts held,
 *    with BUS_REC_ACTIVATE and BUS_REC_RESUME still to come; until it is
 *    active all its messages go to the master, one at a time.
 *  - sendto() on it sends a D-Bus message, with SENDER already set by the
 *    master, to a client address, or with BUS_CLIENT_MASK as address to every
 *    port with a matching rule. It never blocks: a receiver whose queue is
 *    above twice its limit is removed, with an event.
 *  - setsockopt(BUS_UPDATE) applies a batch of table changes, all or none.
 *
 * Native clients are sockets of the family, if the master has called listen():
 *
 *	fd = socket(AF_BUS, SOCK_SEQPACKET, BUS_PROTO_DBUS);
 *	connect(fd, path);	(before listen(): ECONNREFUSED)
 *	send(fd, message, ...);	Hello, as with any bus
 *
 *  - The master's poll() says POLLPRI when one waits, and accept() brings a
 *    *card*: SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD of it tell who has
 *    connected, getpeername() which port it has. It is good for nothing else,
 *    and closing it ends nothing. The port starts held as an adopted one does,
 *    and all that is said of ports holds: one table, one policy, one order.
 *  - There is no handshake: who it is says the socket, files it takes, and the
 *    id of the bus it may ask for (org.freedesktop.DBus.GetId).
 *  - A datagram is a message, with its files as SCM_RIGHTS. sendmsg() copies,
 *    checks and stamps it: EBADMSG when it is malformed or has not the files
 *    that it says, and then the connection ends behind what was sent before;
 *    EMSGSIZE: longer than limits.message_bytes, E2BIG: more files than
 *    limits.message_fds, ENOBUFS: limits.user_bytes, EISCONN: with an address.
 *    None of these four ends anything.
 *  - What is sent while the port is held, or its message waits for room, is
 *    kept up to SO_SNDBUF; then sendmsg() waits, or gives EAGAIN, and poll()
 *    does not say writable. So a sender is told nothing of a full receiver.
 *  - recvmsg() yields a message a call. One that is longer than the buffer
 *    stays, with EMSGSIZE; with MSG_TRUNC in its flags it is cut off, and the
 *    length is what it was. SIOCINQ tells the length too. There are no
 *    credentials and no BUS_INFO with it: SENDER says whom to ask about.
 *  - shutdown() in any direction is the end of the connection. After what was
 *    committed reads yield 0, or fail with the cause (EBADMSG: a malformed
 *    message; ETIMEDOUT, EDQUOT, ENOMEM; BUS_REASON); sends fail with EPIPE.
 *  - Files that may hold others, if not read for limits.stall_ms, are reason to
 *    remove the client, as on native buses.
 *
 * A port may have a policy (BUS_POLICY, BUS_REC_POLICY): what it may not send
 * a peer, or the peer not receive, is held and comes to the master with the
 * reason in struct bus_info, who tells the sender; or the sender is told at once,
 * if the master has said of both who they are (BUS_REC_ABOUT). A broadcast passes
 * over those who may not have it. Only the peer that was called may answer a call,
 * once: that is a requested reply. Who called somebody that ends, or waits for
 * limits.reply_ms, is sent org.freedesktop.DBus.Error.NoReply by the kernel.
 *
 * Who sees what is not for them
 *
 *  - BUS_REC_MONITOR makes a port a *monitor*, for good and at one point of the
 *    bus's order. It is no peer any more: nothing that peers send to its address
 *    arrives there, its rules are gone, and what it sends goes to the master as
 *    that of a port which is not active, seen by no monitor. The rules that it
 *    is given from then on are asked about every message: between peers,
 *    whether it arrives or not; handed to the master, by ports that are not yet
 *    active too; sent by the master. It is given one copy of what matches any
 *    of them, in front of the copies of those whom it is for, and before the
 *    master is given it. Messages with files are for monitors that take files.
 *    No policy is asked.
 *  - A rule with eavesdrop='true' of any other active port is asked about
 *    messages between two peers too, and about those to the driver; not about
 *    what the driver sends to one, or what nobody gets. Such a copy is subject to
 *    the policies of both as one that is sent to it is, but for replies: none
 *    was promised.
 *  - destination= in such rules is compared with the message's DESTINATION, and
 *    is right also if the receiver has that name.
 *  - Both are receivers like all others: while one has no room the sender waits,
 *    and after stall_ms it is removed.
 *  - What the master sends is seen by monitors, unless it is sent in the place
 *    of a port, or with BUS_SEND_UNSEEN: they saw it as it was handed up. To the
 *    address BUS_MONITORS it sends what monitors alone are to see. For each who
 *    would have had a broadcast but for a policy they are shown an error.
 *  - Whoever learns that it is a monitor must miss nothing from then on: what is
 *    sent to a port after BUS_REC_CORK is given to its client after
 *    BUS_REC_UNCORK. So the master says CORK, sends its answer, says MONITOR and
 *    MATCH_ADD, then UNCORK.
 *
 * Only holders of the bus's socket can do these things; there is no other
 * authority and no capability that replaces it. Closing the last descriptor
 * of it ends the bus: every port is shut down; unless
 *
 * The master may die
 *
 *  - With BUS_PERSIST the bus of a master that closes its socket (or exits, or is
 *    killed) lives on for that time, without him: peers send each other what
 *    they like, calls that wait too long are told so, and what is for the
 *    master waits, one message a sender (on a native bus as many as there is
 *    room for at its end), as do ends of ports, and new native clients in the
 *    backlog. Then the bus ends, if nobody has come.
 *  - Who binds the same name meanwhile becomes its master, if he has the
 *    effective uid that the last one had, or CAP_SYS_ADMIN over his user
 *    namespace; otherwise EPERM (also from another network namespace), and
 *    EADDRINUSE while there is a master. A path must still lead to the bus's
 *    own file. All that was set is as it was.
 *  - What the last master had read and was not done with comes again, in the
 *    old order and before all else, with BUS_INFO_AGAIN: a message until
 *    BUS_REC_RESUME, an event until BUS_REC_CLOSE. BUS_KIND_LOGGED does not.
 *
 * The same on native buses (BUS_FEATURE_RETURN)
 *
 *  - While BUS_PERSIST is on, an end whose last descriptor is closed is
 *    *returned*, and its client notices nothing: the end comes out of accept()
 *    again, before clients that nobody has accepted, and has all that it had:
 *    addresses, whether it joined or eavesdrops, its filters, the messages that
 *    wait in it, whose credentials SO_PEERCRED tells, its options. That is so
 *    for a successor and for the same master, whichever of his sockets is
 *    closed first. It takes no place of the backlog.
 *  - Who wants a client gone says shutdown() of the end first, in any
 *    direction. Not returned either is an end whose client has closed its
 *    socket, or shut down both directions. Of one whose client closes it while
 *    nobody has the end, accept() brings what it had said, then its end.
 *  - getsockopt() of an end tells what it is: BUS_TAKEOVER how often it was
 *    returned, 0 for a new client, and how many messages wait in it;
 *    BUS_JOIN_BUS, BUS_ADD_ADDR and BUS_SET_EAVESDROP what was set. ENOTCONN:
 *    its client has gone.
 *  - What a master had read of an end comes only once, and is gone with him.
 *  - A client that waits for room at its full end does not read meanwhile, and
 *    is removed as ever if it so makes others wait for limits.stall_ms. Files
 *    that may hold others, in messages to the master, may wait for that long
 *    since there is one; without one, as long as the bus lives.
 *  - SO_PEERCRED of a client tells of the master who was there when it came.
 *
 * Errors: each option says its own; all fail with EFAULT for a bad pointer,
 * EINVAL for a bad length or unknown flag, ENOTCONN before bind().
 */
#ifndef _UAPI_LINUX_BUS_H
#define _UAPI_LINUX_BUS_H

#include <linux/socket.h>
#include <linux/types.h>

/* AF_ASH's number, which never had an implementation; the module's parameter
 * family= overrides it (/sys/module/af_bus/parameters/family tells). */
#define AF_BUS_DEFAULT	18
#ifndef AF_BUS
#define AF_BUS		AF_BUS_DEFAULT
#endif

#define BUS_PROTO_NONE	0
#define BUS_PROTO_DBUS	1

#define BUS_MASTER_ADDR	0ULL
#define BUS_PREFIX_MASK	0xffff000000000000ULL
#define BUS_CLIENT_MASK	0x0000ffffffffffffULL
/* Of BUS_PROTO_DBUS, from the master: to monitors alone. */
#define BUS_MONITORS	0x0001ffffffffffffULL

struct bus_addr {
	__aligned_u64 s_addr;	/* 16-bit prefix, 48-bit client address;
				 * aligned so that the kernel has one layout for
				 * programs of any width */
};

#define BUS_PATH_MAX	108

struct sockaddr_bus {
	__kernel_sa_family_t sbus_family;
	struct bus_addr sbus_addr;
	char sbus_path[BUS_PATH_MAX];	/* or, abstract, "\0..." */
};

#define SOL_BUS 280

/*
 * Socket options, and types of ancillary data, at level SOL_BUS. 1 to 8 are
 * those of 2012. "end" is the accepted socket, "bus" the one that was bound.
 * What is asked of the wrong kind of socket gives EOPNOTSUPP, or EPERM when a
 * client asks for what is the master's.
 */
#define BUS_ADD_ADDR	1	/* end: set: struct bus_addr. EINVAL: prefix 0
				 * or client bits all ones; EADDRINUSE; E2BIG:
				 * over BUS_MAX_ADDRS. get: struct bus_addr[],
				 * those that were added; as many as there is
				 * room for, optlen tells. ENOTCONN */
#define BUS_JOIN_BUS	2	/* end: set: no value. EISCONN: it has. get: int,
				 * 1: it has. ENOTCONN */
#define BUS_DEL_ADDR	3	/* end: set: struct bus_addr. EADDRNOTAVAIL */
#define BUS_SET_EAVESDROP 4	/* end: set: no value. get: int, 1: it does.
				 * ENOTCONN */
#define BUS_UNSET_EAVESDROP 5	/* end: set: no value */
#define BUS_SET_SENDBUF	6	/* bus: set, get: int, bytes; the send buffer
				 * of clients that connect later; 2048 up to
				 * limits.message_bytes. EINVAL */
#define BUS_SET_MAXQLEN	7	/* bus: set, get: int, messages; 0 to 65535;
				 * for clients that connect later. Default 10 */
#define BUS_GET_QLENFULL 8	/* bus, end: get: __u64[], the addresses of
				 * clients that are full; as many as there is
				 * room for, optlen tells */

#define BUS_VERSION	16	/* get: __u32, BUS_ABI_VERSION of the module */
#define BUS_LIMITS	17	/* get, set: struct bus_limits */
#define BUS_ATTACH	18	/* get: struct bus_attach, in and out */
#define BUS_UPDATE	19	/* set: struct bus_rec, any number */
#define BUS_PORT_STATS	20	/* get: struct bus_port_stats, in and out */
#define BUS_STATS	21	/* get: struct bus_stats */
#define BUS_INFO	22	/* ancillary data: struct bus_info */
#define BUS_PASS_INFO	23	/* set, get: int: recvmsg() brings BUS_INFO */
#define BUS_REASON	24	/* get: __u32, enum bus_reason: why it ended */
#define BUS_FILTER	25	/* end: set: struct sock_fprog, on what the
				 * client receives; no value removes it */
#define BUS_FILTER_BPF	26	/* end: set: int, a BPF_PROG_TYPE_SOCKET_FILTER
				 * program; -1 removes it */

#define BUS_POLICY	27	/* set: struct bus_policy */
#define BUS_SEND	28	/* ancillary data of sendmsg(): struct bus_send */
#define BUS_RULING	29	/* get: struct bus_info: why the last sendmsg()
				 * of the master failed with EACCES */
#define BUS_FEATURES	30	/* get: __u32, BUS_FEATURE_*; a module that has
				 * none of them gives ENOPROTOOPT */
#define BUS_PORT_QUEUES	31	/* get: struct bus_port_queues, in and out; of a
				 * D-Bus bus. ENOENT: no such port */
#define BUS_PERSIST	32	/* set, get: __u32, milliseconds that the bus
				 * outlives its master; 0 as at first: it ends
				 * with him. EINVAL: more than an hour;
				 * EOPNOTSUPP: an open bus has no master */
#define BUS_TAKEOVER	33	/* set: no value: the master begins anew, with
				 * what he has read and is not done with; for
				 * one who was given the socket itself. get:
				 * struct bus_outage; of an end, too */
#define BUS_KEEP	34	/* set, get: struct bus_keep, in and out */
#define BUS_PORT_FILE	35	/* get: struct bus_port_file, in and out */
#define BUS_DUMP	36	/* get: struct bus_dump, in and out */

#define BUS_FEATURE_QUEUES 0x1	/* BUS_PORT_QUEUES */
#define BUS_FEATURE_WATCH 0x2	/* monitors: BUS_REC_MONITOR, BUS_REC_CORK,
				 * BUS_SEND_UNSEEN, BUS_MONITORS; and rules
				 * with eavesdrop='true' */
#define BUS_FEATURE_MEMBERS 0x4	/* sockets of the family as clients of a D-Bus
				 * bus: listen(), accept(), connect() */
#define BUS_FEATURE_PERSIST 0x8	/* a D-Bus bus can outlive its master:
				 * BUS_PERSIST, BUS_TAKEOVER, BUS_KEEP,
				 * BUS_PORT_FILE, BUS_DUMP; records from SEND
				 * on */
#define BUS_FEATURE_ABOUT 0x10	/* BUS_REC_ABOUT: who is denied something is
				 * told by the module */

#define BUS_FEATURE_SLOW 0x20	/* limits.slow_ms; without it, it has to be 0 */
#define BUS_FEATURE_RETURN 0x40	/* a native bus can outlive its master, whose
				 * ends come again: BUS_PERSIST, BUS_TAKEOVER,
				 * BUS_KEEP there; get: BUS_ADD_ADDR,
				 * BUS_JOIN_BUS, BUS_SET_EAVESDROP */

#define BUS_MAX_ADDRS	4096	/* of one client */
#define BUS_PRIO_MAX	7
#define BUS_PRIO_BURST	16

#define BUS_ABI_VERSION	2

/*
 * Limits of a bus. Zero in a field on set keeps the present value; a value
 * above the range gives EINVAL and changes nothing.
 */
struct bus_limits {
	__u64 queue_bytes;	/* a port's receive queue; default 16 MiB,
				 * 64 KiB to 256 MiB. A uid other than the
				 * port's may fill half of what others leave */
	__u64 user_bytes;	/* incomplete messages of one uid, and what
				 * waits for its receivers in the module;
				 * default 512 MiB */
	__u32 message_bytes;	/* one message; default and at most 128 MiB */
	__u32 message_fds;	/* fds in one message, at most 253; default 16
				 * for BUS_PROTO_DBUS, else 253 */
	__u32 queue_fds;	/* fds waiting for one port, shared likewise;
				 * default 1024, at most 2^20 */
	__u32 stall_ms;		/* how long a full receiver may make a sender
				 * wait before it is removed; default 10000 */
	__u32 replies;		/* calls of one D-Bus port that wait for their
				 * answer; default 65536, at most 2^20 */
	__u32 reply_ms;		/* how long they do; default BUS_NEVER */
	__u32 fd_ms;		/* how long fds of a D-Bus client may wait for
				 * the rest of their message; and for a master,
				 * if for as long nobody has used his socket or
				 * waits at it. Default 10000 */
	__u32 slow_ms;		/* of a D-Bus bus: how long, before the master
				 * is told (BUS_KIND_SLOW); default BUS_NEVER.
				 * BUS_FEATURE_SLOW */
};

#define BUS_NEVER	0xffffffffU

#define BUS_ATTACH_FDS	0x1	/* the client negotiated fd passing */

/*
 * Hands over a connected AF_UNIX stream socket. The master must have read
 * exactly the handshake and nothing behind it (it peeks, then reads what it
 * understood): what is still in the socket, with its fds, is the client's
 * first message. The master closes its own descriptor afterwards; the port
 * keeps the connection.
 * Errors: EBADF, ENOTSOCK; EPROTOTYPE: not an AF_UNIX stream; ENOTCONN: not
 * connected; EBUSY: already adopted, or used by something that owns the
 * socket's callbacks (sockmap); ELOOP: the peer is itself adopted; ENOMEM.
 */
struct bus_attach {
	__s32 fd;
	__u32 flags;
	__u64 addr;		/* out: the port's address, never reused */
};

/*
 * A record of BUS_UPDATE: @len bytes with this head, the payload behind it;
 * the next record starts at the next multiple of 8. Either all records are
 * applied, at one point in the bus's order, or none: ENOENT for an unknown
 * port or rule, EINVAL for a malformed record, E2BIG above 16 MiB, ENOMEM.
 */
struct bus_rec {
	__u32 len;
	__u32 type;		/* enum below */
	__u64 addr;		/* port */
	__u64 cookie;		/* MATCH_*: the master's number for the rule,
				 * unique within the port */
	__u8 data[];
};

enum bus_rec_type {
	BUS_REC_ACTIVATE = 1,	/* the port may send to and receive from peers */
	BUS_REC_RESUME,		/* the master is done with the port's message */
	BUS_REC_CLOSE,		/* shut down and free the port; what is queued
				 * for the client can still be read by it.
				 * Whoever waits for its answers is told so;
				 * with cookie 1, not before ORPHANS */
	BUS_REC_NAME,		/* data: well-known name; addr 0 removes it */
	BUS_REC_MATCH_ADD,	/* data: text of a match rule */
	BUS_REC_MATCH_DEL,
	BUS_REC_POLICY,		/* cookie: number of a policy, which may be
				 * forgotten afterwards; 0: all is allowed */
	BUS_REC_CLAIM,		/* data: a well-known name; the port is among
				 * its owners, primary or waiting (cookie 1),
				 * or is not any more (0). For policies */
	BUS_REC_ORPHANS,	/* addr 0: now those are told who wait for
				 * answers of ports that were closed */
	BUS_REC_MONITOR,	/* the port sees everything, and is no peer any
				 * more: ACTIVATE gives EINVAL then */
	BUS_REC_CORK,		/* what is sent to the port waits */
	BUS_REC_UNCORK,		/* it does no longer; nor after CLOSE */
	BUS_REC_SEND,		/* addr: a port, BUS_CLIENT_MASK or
				 * BUS_MONITORS; data: struct bus_send, then the
				 * message: as if sent. Who cannot take it, or
				 * has gone, does not get it, or is removed */
	BUS_REC_NOTE,		/* addr: a port, or 0: the bus; data: up to
				 * BUS_NOTE_MAX bytes to be kept under the
				 * cookie, none: no longer. Those of a port go
				 * with CLOSE. ENOSPC: more than 64 MiB */
	BUS_REC_PARK,		/* the message that the port is held with, and
				 * that was read, is kept under the cookie, which
				 * is not 0, until UNPARK, FORWARD, or the port's
				 * CLOSE; a successor gets it as BUS_KIND_PARKED.
				 * The port may be resumed. ENODATA: there is
				 * none (it must be read while BUS_PERSIST is
				 * on); EEXIST; ENOSPC: more than 65536 */
	BUS_REC_UNPARK,		/* addr 0, cookie */
	BUS_REC_FORWARD,	/* the parked message goes to the port, with its
				 * files, as BUS_SEND's @from has it, and is
				 * parked no more. With cookie 0 and as data the
				 * __u64 address of a port: the message that it
				 * is held with, and is not any more, though it
				 * remains to be resumed. The first record of its
				 * batch, or EINVAL. EACCES, ENOTUNIQ, ENOBUFS,
				 * ENOENT: it cannot (BUS_RULING), and nothing
				 * of the batch is applied */
	/* in BUS_DUMP only: */
	BUS_REC_PORT,		/* cookie: BUS_PORT_*; data: struct
				 * bus_dump_port */
	BUS_REC_KEPT,		/* cookie: a file's number, BUS_KEEP */
	/* BUS_FEATURE_ABOUT: */
	BUS_REC_ABOUT,		/* data: who the port's client is, in valid
				 * UTF-8 of at most BUS_ABOUT_MAX bytes; for the
				 * text of errors. Once, before ACTIVATE:
				 * EINVAL */
};

#define BUS_NOTE_MAX	65536U

/*
 * Keeps a file with the bus, under a number and in place of the one that had it,
 * as long as the bus lives; @fd -1: no longer. get: a new descriptor of it,
 * close-on-exec. EBADF; EINVAL: nothing but regular files, directories, pipes
 * and sockets, and none of this family; ENOSPC: more than 1024; ENOENT: there is
 * none.
 */
struct bus_keep {
	__u64 id;
	__s32 fd;
	__u32 pad;
};

/*
 * A new descriptor that leads to a port's client: the adopted socket, good for
 * SO_PEERCRED and its like (who reads it takes what is the kernel's); of a native
 * client a new card. ENOENT: no such port, or its connection is no more.
 */
struct bus_port_file {
	__u64 addr;		/* in */
	__s32 fd;		/* out */
	__u32 pad;
};

/*
 * What is on the bus, as records that would make it so: KEPT; POLICY of addr 0
 * for each that is put down; NOTE of addr 0; PORT; NOTE of ports; MATCH_ADD;
 * CLAIM; NAME; PARK. All of a kind come together, in this order; those of ports
 * by address.
 * Whole records, as many as fit: the caller comes again with @cursor and @gen as
 * they were given, until @cursor is 0. ESTALE: something has changed meanwhile,
 * and the caller starts again with 0; EMSGSIZE: not even one fits.
 */
struct bus_dump {
	__u64 cursor;		/* in, out; 0 at first, and at the end */
	__u64 gen;		/* in, out */
	__u32 len;		/* out: bytes of @data */
	__u32 pad;
	__u8 data[];		/* struct bus_rec, each at a multiple of 8 */
};

struct bus_dump_port {
	__u32 reason;		/* why it ended */
	__u32 uid;		/* of its client, when it connected */
	__u64 policy;		/* BUS_REC_POLICY; 0: none */
};

#define BUS_ABOUT_MAX	511

/*
 * A compiled policy (core/policy.h: policy_compile()) under a number other
 * than 0, in place of the one that had it; without data the number is
 * forgotten. What a port has got, it keeps. EINVAL: not one; ENOENT: there is
 * none to forget; ENOSPC: more than 64 MiB of them; E2BIG.
 */
struct bus_policy {
	__u64 id;
	__u8 data[];
};

/* Why a port ended. */
enum bus_reason {
	BUS_REASON_NONE,
	BUS_REASON_HANGUP,	/* the client closed or shut down its end */
	BUS_REASON_PROTOCOL,	/* malformed message, or without its fds */
	BUS_REASON_STALLED,	/* did not read for stall_ms while others waited */
	BUS_REASON_QUOTA,	/* over user_bytes or queue limits */
	BUS_REASON_NOMEM,
	BUS_REASON_MASTER,	/* the master closed its end */
	BUS_REASON_ENDED,	/* the bus ended */
	BUS_REASON_TOO_LONG,	/* a message longer than message_bytes */
	BUS_REASON_FDS,		/* more fds than message_fds, more without a
				 * message than may be, or for longer than
				 * fd_ms, or some that no master comes for */
};

enum bus_kind {
	BUS_KIND_MESSAGE,
	BUS_KIND_CLOSED,	/* port addr ended, for reason; it is out of
				 * routing, its names and rules await CLOSE */
	BUS_KIND_LOGGED,	/* a message has gone its way, and refusal says
				 * what there is to be said of it; or its sender
				 * has been told that it did not. The data is
				 * its header. The port is not held */
	BUS_KIND_PARKED,	/* a message that a master before this one held
				 * on to (BUS_REC_PARK), @to is its number. The
				 * port is not held */
	BUS_KIND_SLOW,		/* port addr makes others wait, and has not made
				 * room for slow_ms; it will be removed after
				 * stall_ms. Told once, until nobody waits for
				 * it any more */
};

/* Why a message did not go where it was sent. */
enum bus_refusal {
	BUS_ROUTED,		/* it is for the master */
	BUS_DENIED_SEND,	/* by the sender's policy. If it is known who
				 * both are (BUS_REC_ABOUT) the sender is told;
				 * for the master it is logged */
	BUS_DENIED_RECEIVE,	/* by the receiver's; likewise */
	BUS_SAME_SERIAL,	/* the receiver owes the sender an answer to
				 * the same serial. The sender is told, the
				 * master is not */
	BUS_TOO_MANY_CALLS,	/* of the sender wait for an answer. The sender
				 * is told; for the master it is logged */
	BUS_LOGGED,		/* BUS_KIND_LOGGED: a rule wants it logged */
};

#define BUS_INFO_REQUESTED	0x1	/* a reply that was waited for */
#define BUS_INFO_UNSEEN		0x2	/* there are monitors, and the master is to
					 * show it to them: it may want to show
					 * something else first */
#define BUS_INFO_AGAIN		0x4	/* it was read before, and not done
					 * with: by a master before this one */

struct bus_info {
	__u32 kind;		/* enum bus_kind */
	__u32 reason;		/* enum bus_reason */
	__u64 seq;		/* the message's place in the bus's order */
	__u64 addr;		/* the sender, or the port that ended */
	__u64 to;		/* the address it was sent to */
	__u32 refusal;		/* enum bus_refusal */
	__u32 flags;		/* BUS_INFO_REQUESTED */
	__u32 matched;		/* rules of the policy that refused it */
	__u32 pad;
};

/*
 * How the master sends. With @from a message goes to its receiver as if that
 * port had sent it: the policies of both are asked and a call is waited for.
 * EACCES: it is refused, and BUS_RULING tells why; ENOENT: one of both is
 * gone; EBADMSG: it is no D-Bus message. EINVAL: it is empty.
 */
struct bus_send {
	__u64 from;		/* 0: the master itself */
	__u32 flags;		/* BUS_SEND_* */
	__u32 pad;
};

#define BUS_SEND_UNSEEN	0x1	/* not for monitors; EINVAL: to BUS_MONITORS */
#define BUS_SEND_FILES	0x2	/* of BUS_REC_SEND: it has the files of the
				 * message that port @from is held with (ENODATA:
				 * none that was read), and @from means nothing
				 * else */

struct bus_port_stats {
	__u64 addr;		/* in */
	__u64 sent_msgs;	/* to peers, switched in the kernel */
	__u64 sent_bytes;
	__u64 received_msgs;	/* from peers */
	__u64 received_bytes;
	__u64 master_msgs;	/* handed to the master */
	__u64 master_bytes;
	__u64 held;		/* times a message had to wait: for room at a
				 * receiver */
	__u64 refused;		/* messages dropped by a rule of the protocol
				 * or a limit */
	__u64 queue_bytes;	/* waiting for the client to read, now */
	__u64 queue_fds;
	__u64 matches;		/* match rules */
	__u32 flags;		/* BUS_PORT_* */
	__u32 reason;
};

#define BUS_PORT_ACTIVE	0x1
#define BUS_PORT_HELD	0x2	/* the master has a message of it */
#define BUS_PORT_ENDED	0x4
#define BUS_PORT_FDS	0x8
#define BUS_PORT_NATIVE 0x20	/* of a D-Bus bus: not adopted */
#define BUS_PORT_WAITING 0x10	/* its message waits for room at a receiver */
#define BUS_PORT_MONITOR 0x40	/* in BUS_DUMP */
#define BUS_PORT_CORKED	0x80	/* likewise */
#define BUS_PORT_ASKED	0x100	/* likewise: what it is held for is still to be
				 * read, or will be read again */

/* What waits now, and the most that ever waited at once. */
struct bus_queue {
	__u64 msgs;
	__u64 bytes;
	__u64 fds;
	__u64 peak_bytes;
	__u64 peak_fds;
};

struct bus_port_queues {
	__u64 addr;		/* in */
	struct bus_queue in;	/* of the client: an incomplete message, or one
				 * that waits for room, and fds without one */
	struct bus_queue out;	/* for the client to read, in bytes of memory;
				 * msgs: since nothing waited last */
};

struct bus_stats {
	__u64 seq;		/* messages so far, in the bus's order */
	__u64 ports;
	__u64 names;
	__u64 matches;
	__u64 unicast_msgs;	/* peer to peer */
	__u64 unicast_bytes;
	__u64 broadcast_msgs;	/* from peers */
	__u64 broadcast_copies;	/* deliveries made of them */
	__u64 master_driver;	/* handed to the master: for the driver */
	__u64 master_unknown;	/* handed to the master: nobody known */
	__u64 master_inactive;	/* handed to the master: before ACTIVATE */
	__u64 held;
	__u64 refused;
	__u64 evicted;		/* ports ended for another reason than HANGUP */
	__u64 from_master;	/* messages the master sent */
};

/*
 * Of a bus that outlives its masters. On a native bus what waits for the master
 * is clients to be accepted, and handed are those of them that were accepted
 * before. Of an end: how often it was returned, how long nobody had it the last
 * time, the messages that wait in it; and 0.
 */
struct bus_outage {
	__u64 takeovers;	/* masters after the first */
	__u64 last_us;		/* microseconds without one before the last;
				 * 0: it was given the socket */
	__u64 waiting;		/* for the master to read, now */
	__u64 handed;		/* to the master, who is not done with it */
	__u64 parked;		/* messages, BUS_REC_PARK */
	__u64 kept;		/* files, BUS_KEEP */
};

#endif
