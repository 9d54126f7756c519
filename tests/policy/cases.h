/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules, messages, and what becomes of them: the same rows for the compiled
 * policy alone, for afbusd, and for the reference implementation.
 *
 * The scene: A sends, B receives. A owns test.Sender. B owns test.Owner and
 * test.Owner.Below, and waits for test.Queued, which somebody else owns. B has
 * a match rule for every signal.
 */
#ifndef AFBUS_TESTS_POLICY_CASES_H
#define AFBUS_TESTS_POLICY_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "core/dbus_header.h"

enum outcome {
	DELIVERED,
	DENIED_SEND,		/* and A is told */
	DENIED_RECEIVE,
	SILENT,			/* not delivered, and nobody is told */
};

enum reply_kind { NO_REPLY, REQUESTED, UNREQUESTED };

struct message {
	uint8_t type;
	uint8_t fds;
	enum reply_kind reply;		/* to a call of B */
	const char *destination;	/* "B": its unique name; NULL: none */
	const char *path, *interface, *member, *error;
};

struct policy_case {
	const char *name;
	const char *rules;		/* XML in <policy context="default"> */
	const struct message *message;
	enum outcome outcome;
};

static const struct message call_b = {
	.type = DBUS_TYPE_CALL, .destination = "B", .path = "/test",
	.interface = "test.Iface", .member = "Do",
};
static const struct message call_owner = {
	.type = DBUS_TYPE_CALL, .destination = "test.Owner", .path = "/test",
	.interface = "test.Iface", .member = "Do",
};
static const struct message call_no_interface = {
	.type = DBUS_TYPE_CALL, .destination = "B", .path = "/test",
	.member = "Do",
};
static const struct message call_fd = {
	.type = DBUS_TYPE_CALL, .destination = "B", .path = "/test",
	.interface = "test.Iface", .member = "Do", .fds = 1,
};
static const struct message signal_all = {
	.type = DBUS_TYPE_SIGNAL, .path = "/test",
	.interface = "test.Iface", .member = "Happened",
};
static const struct message signal_b = {
	.type = DBUS_TYPE_SIGNAL, .destination = "B", .path = "/test",
	.interface = "test.Iface", .member = "Happened",
};
static const struct message reply_asked = {
	.type = DBUS_TYPE_RETURN, .destination = "B", .reply = REQUESTED,
};
static const struct message reply_unasked = {
	.type = DBUS_TYPE_RETURN, .destination = "B", .reply = UNREQUESTED,
};
static const struct message error_asked = {
	.type = DBUS_TYPE_ERROR, .destination = "B", .reply = REQUESTED,
	.error = "test.Error.Bad",
};
static const struct message error_unasked = {
	.type = DBUS_TYPE_ERROR, .destination = "B", .reply = UNREQUESTED,
	.error = "test.Error.Bad",
};
static const struct message reply_fd = {
	.type = DBUS_TYPE_RETURN, .destination = "B", .reply = REQUESTED,
	.fds = 2,
};

#define SEND "<allow send_destination='*' eavesdrop='true'/>"
#define RECEIVE "<allow eavesdrop='true'/>"
#define OPEN SEND RECEIVE
/* As on a system bus. */
#define SYSTEM \
	"<deny send_type='method_call'/>" \
	"<allow send_type='signal'/>" \
	"<allow send_requested_reply='true' send_type='method_return'/>" \
	"<allow send_requested_reply='true' send_type='error'/>" \
	"<allow receive_type='method_call'/>" \
	"<allow receive_type='method_return'/>" \
	"<allow receive_type='error'/>" \
	"<allow receive_type='signal'/>"

static const struct policy_case policy_cases[] = {
	/* Without a rule the answer is no. */
	{ "nothing: call", "", &call_b, DENIED_SEND },
	{ "nothing: signal", "", &signal_all, SILENT },
	{ "nothing: reply", "", &reply_asked, DENIED_SEND },
	{ "only sending", SEND, &call_b, DENIED_RECEIVE },
	{ "only sending: broadcast", SEND, &signal_all, SILENT },
	{ "only receiving", RECEIVE, &call_b, DENIED_SEND },
	{ "open: call", OPEN, &call_b, DELIVERED },
	{ "open: call by name", OPEN, &call_owner, DELIVERED },
	{ "open: broadcast", OPEN, &signal_all, DELIVERED },
	{ "open: signal", OPEN, &signal_b, DELIVERED },
	{ "open: reply", OPEN, &reply_asked, DELIVERED },
	{ "open: unrequested reply", OPEN, &reply_unasked, DELIVERED },
	{ "open: error", OPEN, &error_asked, DELIVERED },
	{ "open: unrequested error", OPEN, &error_unasked, DELIVERED },
	{ "open: fd", OPEN, &call_fd, DELIVERED },

	{ "system: call", SYSTEM, &call_b, DENIED_SEND },
	{ "system: signal", SYSTEM, &signal_b, DELIVERED },
	{ "system: broadcast", SYSTEM, &signal_all, DELIVERED },
	{ "system: reply", SYSTEM, &reply_asked, DELIVERED },
	{ "system: unrequested reply", SYSTEM, &reply_unasked, DENIED_SEND },
	{ "system: error", SYSTEM, &error_asked, DELIVERED },
	{ "system: unrequested error", SYSTEM, &error_unasked, DENIED_SEND },
	{ "system: hole", SYSTEM "<allow send_destination='test.Owner'/>",
	  &call_owner, DELIVERED },
	{ "system: hole by unique name",
	  SYSTEM "<allow send_destination='test.Owner'/>", &call_b,
	  DELIVERED },
	{ "system: hole, reply behind it",
	  SYSTEM "<allow send_destination='test.Owner'/>", &reply_unasked,
	  DENIED_SEND },

	/* The last one counts. */
	{ "last: deny", OPEN "<deny send_interface='test.Iface'/>", &call_b,
	  DENIED_SEND },
	{ "last: allow", OPEN "<deny send_interface='test.Iface'/>"
	  "<allow send_interface='test.Iface'/>", &call_b, DELIVERED },
	{ "last: another", OPEN "<deny send_interface='test.Iface'/>"
	  "<allow send_interface='test.Other'/>", &call_b, DENIED_SEND },

	/* Names of the receiver: all that it has or waits for. */
	{ "destination: owner", OPEN "<deny send_destination='test.Owner'/>",
	  &call_owner, DENIED_SEND },
	{ "destination: another name of the owner",
	  OPEN "<deny send_destination='test.Owner.Below'/>", &call_owner,
	  DENIED_SEND },
	{ "destination: the owner by unique name",
	  OPEN "<deny send_destination='test.Owner'/>", &call_b, DENIED_SEND },
	{ "destination: queued owner",
	  OPEN "<deny send_destination='test.Queued'/>", &call_b,
	  DENIED_SEND },
	{ "destination: not owner",
	  OPEN "<deny send_destination='test.Sender'/>", &call_b, DELIVERED },
	{ "destination: nobody's", OPEN "<deny send_destination='test.No'/>",
	  &call_b, DELIVERED },
	{ "destination: namespace is no prefix here",
	  OPEN "<deny send_destination='test'/>", &call_b, DELIVERED },
	{ "destination: driver's name is not a client's",
	  OPEN "<deny send_destination='org.freedesktop.DBus'/>", &call_b,
	  DELIVERED },
	{ "destination: broadcast", OPEN
	  "<deny send_destination='test.Owner'/>", &signal_all, SILENT },
	{ "destination: any", OPEN "<deny send_destination='*'/>", &call_b,
	  DENIED_SEND },
	{ "destination: any, broadcast", OPEN "<deny send_destination='*'/>",
	  &signal_all, SILENT },
	{ "destination: only this", RECEIVE
	  "<allow send_destination='test.Owner'/>", &call_b, DELIVERED },
	{ "destination: only another", RECEIVE
	  "<allow send_destination='test.Sender'/>", &call_b, DENIED_SEND },

	{ "prefix: itself", OPEN
	  "<deny send_destination_prefix='test.Owner'/>", &call_b,
	  DENIED_SEND },
	{ "prefix: below", OPEN "<deny send_destination_prefix='test'/>",
	  &call_b, DENIED_SEND },
	{ "prefix: queued", OPEN
	  "<deny send_destination_prefix='test.Queued'/>", &call_b,
	  DENIED_SEND },
	{ "prefix: part of a word", OPEN
	  "<deny send_destination_prefix='test.Own'/>", &call_b, DELIVERED },
	{ "prefix: deeper", OPEN
	  "<deny send_destination_prefix='test.Owner.Below.Far'/>", &call_b,
	  DELIVERED },
	{ "prefix: broadcast", OPEN "<deny send_destination_prefix='test'/>",
	  &signal_all, SILENT },

	/* Fields of the header. */
	{ "interface: same", OPEN "<deny send_interface='test.Iface'/>",
	  &call_b, DENIED_SEND },
	{ "interface: other", OPEN "<deny send_interface='test.Other'/>",
	  &call_b, DELIVERED },
	{ "interface: none, deny", OPEN "<deny send_interface='test.Other'/>",
	  &call_no_interface, DENIED_SEND },
	{ "interface: none, allow",
	  RECEIVE "<allow send_interface='test.Iface'/>", &call_no_interface,
	  DENIED_SEND },
	{ "interface: any, none",
	  RECEIVE "<allow send_interface='*'/>", &call_no_interface,
	  DELIVERED },
	{ "interface: reply has none", OPEN
	  "<deny send_interface='test.Other' send_requested_reply='true'/>",
	  &reply_asked, DENIED_SEND },
	{ "member: same", OPEN
	  "<deny send_interface='test.Iface' send_member='Do'/>", &call_b,
	  DENIED_SEND },
	{ "member: other", OPEN
	  "<deny send_interface='test.Iface' send_member='Undo'/>", &call_b,
	  DELIVERED },
	{ "member: reply has none", OPEN
	  "<deny send_path='/test' send_member='Do' send_requested_reply='true'/>",
	  &reply_asked, DENIED_SEND },
	{ "path: same", OPEN "<deny send_path='/test'/>", &call_b,
	  DENIED_SEND },
	{ "path: other", OPEN "<deny send_path='/other'/>", &call_b,
	  DELIVERED },
	{ "path: below", OPEN "<deny send_path='/'/>", &call_b, DELIVERED },
	{ "path: reply has none", OPEN
	  "<deny send_path='/other' send_requested_reply='true'/>",
	  &reply_asked, DENIED_SEND },
	{ "path and member: both", OPEN
	  "<deny send_path='/test' send_member='Do'/>", &call_b,
	  DENIED_SEND },
	{ "path and member: one", OPEN
	  "<deny send_path='/test' send_member='Undo'/>", &call_b,
	  DELIVERED },
	{ "error: same", OPEN
	  "<deny send_error='test.Error.Bad' send_requested_reply='true'/>",
	  &error_asked, DENIED_SEND },
	{ "error: other", OPEN
	  "<deny send_error='test.Error.Worse' send_requested_reply='true'/>",
	  &error_asked, DELIVERED },
	{ "error: call has none", OPEN "<deny send_error='test.Error.Bad'/>",
	  &call_b, DENIED_SEND },
	{ "type: call", OPEN "<deny send_type='method_call'/>", &call_b,
	  DENIED_SEND },
	{ "type: call, signal", OPEN "<deny send_type='method_call'/>",
	  &signal_all, DELIVERED },
	{ "type: signal", OPEN "<deny send_type='signal'/>", &signal_all,
	  SILENT },
	{ "type: signal to one", OPEN "<deny send_type='signal'/>", &signal_b,
	  DENIED_SEND },
	{ "type: any", OPEN "<deny send_type='*' send_path='/test'/>",
	  &signal_b, DENIED_SEND },

	/* Replies. */
	{ "reply: deny is for unrequested ones, requested",
	  OPEN "<deny send_type='method_return'/>", &reply_asked, DELIVERED },
	{ "reply: deny is for unrequested ones, unrequested",
	  OPEN "<deny send_type='method_return'/>", &reply_unasked,
	  DENIED_SEND },
	{ "reply: deny all, requested", OPEN
	  "<deny send_type='method_return' send_requested_reply='true'/>",
	  &reply_asked, DENIED_SEND },
	{ "reply: deny all, unrequested", OPEN
	  "<deny send_type='method_return' send_requested_reply='true'/>",
	  &reply_unasked, DENIED_SEND },
	{ "reply: allow is for requested ones, requested",
	  RECEIVE "<allow send_type='method_return'/>", &reply_asked,
	  DELIVERED },
	{ "reply: allow is for requested ones, unrequested",
	  RECEIVE "<allow send_type='method_return'/>", &reply_unasked,
	  DENIED_SEND },
	{ "reply: allow all, unrequested", RECEIVE
	  "<allow send_type='method_return' send_requested_reply='false'/>",
	  &reply_unasked, DELIVERED },
	{ "reply: allow with eavesdrop, unrequested", RECEIVE
	  "<allow send_type='method_return' eavesdrop='true'/>",
	  &reply_unasked, DELIVERED },
	{ "reply: means nothing to calls",
	  RECEIVE "<allow send_requested_reply='true'/>", &call_b,
	  DELIVERED },
	{ "reply: error, allow all", RECEIVE
	  "<allow send_type='error' send_requested_reply='false'/>",
	  &error_unasked, DELIVERED },
	{ "reply: receive deny is for unrequested ones, requested",
	  OPEN "<deny receive_type='method_return'/>", &reply_asked,
	  DELIVERED },
	{ "reply: receive deny is for unrequested ones, unrequested",
	  OPEN "<deny receive_type='method_return'/>", &reply_unasked,
	  DENIED_RECEIVE },
	{ "reply: receive deny all", OPEN
	  "<deny receive_type='method_return' receive_requested_reply='true'/>",
	  &reply_asked, DENIED_RECEIVE },
	{ "reply: receive allow, unrequested",
	  SEND "<allow receive_type='method_return'/>", &reply_unasked,
	  DENIED_RECEIVE },
	{ "reply: receive allow all, unrequested", SEND
	  "<allow receive_type='method_return' receive_requested_reply='false'/>",
	  &reply_unasked, DELIVERED },

	/* Broadcasts. */
	{ "broadcast: deny, broadcast", OPEN
	  "<deny send_broadcast='true' send_interface='test.Iface'/>",
	  &signal_all, SILENT },
	{ "broadcast: deny, signal to one", OPEN
	  "<deny send_broadcast='true' send_interface='test.Iface'/>",
	  &signal_b, DELIVERED },
	{ "broadcast: deny others, broadcast", OPEN
	  "<deny send_broadcast='false' send_interface='test.Iface'/>",
	  &signal_all, DELIVERED },
	{ "broadcast: deny others, signal to one", OPEN
	  "<deny send_broadcast='false' send_interface='test.Iface'/>",
	  &signal_b, DENIED_SEND },
	{ "broadcast: deny others, call", OPEN
	  "<deny send_broadcast='false' send_interface='test.Iface'/>",
	  &call_b, DENIED_SEND },
	{ "broadcast: not to one, any destination", OPEN
	  "<deny send_broadcast='false' send_destination='test.Owner'/>",
	  &signal_all, DELIVERED },
	{ "broadcast: allow only", RECEIVE
	  "<allow send_broadcast='true' send_type='signal'/>", &signal_all,
	  DELIVERED },
	{ "broadcast: allow only, signal to one", RECEIVE
	  "<allow send_broadcast='true' send_type='signal'/>", &signal_b,
	  DENIED_SEND },

	/* Descriptors. */
	{ "fds: min, with", OPEN "<deny send_destination='test.Owner' min_fds='1'/>",
	  &call_fd, DENIED_SEND },
	{ "fds: min, without",
	  OPEN "<deny send_destination='test.Owner' min_fds='1'/>", &call_b,
	  DELIVERED },
	{ "fds: max, with", RECEIVE
	  "<allow send_destination='test.Owner' max_fds='0'/>", &call_fd,
	  DENIED_SEND },
	{ "fds: max, without", RECEIVE
	  "<allow send_destination='test.Owner' max_fds='0'/>", &call_b,
	  DELIVERED },
	{ "fds: range, below", OPEN
	  "<deny send_type='method_call' min_fds='2' max_fds='3'/>", &call_fd,
	  DELIVERED },
	{ "fds: range, within", OPEN
	  "<deny send_type='method_return' send_requested_reply='true' min_fds='2' max_fds='3'/>",
	  &reply_fd, DENIED_SEND },
	{ "fds: receive min, with",
	  OPEN "<deny receive_type='method_call' min_fds='1'/>", &call_fd,
	  DENIED_RECEIVE },
	{ "fds: receive min, without",
	  OPEN "<deny receive_type='method_call' min_fds='1'/>", &call_b,
	  DELIVERED },
	{ "fds: receive max, with", SEND
	  "<allow receive_type='method_call' max_fds='0'/>", &call_fd,
	  DENIED_RECEIVE },

	/* Receiving. */
	{ "sender: owner", OPEN "<deny receive_sender='test.Sender'/>",
	  &call_b, DENIED_RECEIVE },
	{ "sender: not owner", OPEN "<deny receive_sender='test.Owner'/>",
	  &call_b, DELIVERED },
	{ "sender: nobody", OPEN "<deny receive_sender='test.No'/>", &call_b,
	  DELIVERED },
	{ "sender: any", OPEN "<deny receive_sender='*'/>", &call_b,
	  DENIED_RECEIVE },
	{ "sender: broadcast", OPEN "<deny receive_sender='test.Sender'/>",
	  &signal_all, SILENT },
	{ "sender: only this", SEND "<allow receive_sender='test.Sender'/>",
	  &call_b, DELIVERED },
	{ "receive interface: same",
	  OPEN "<deny receive_interface='test.Iface'/>", &call_b,
	  DENIED_RECEIVE },
	{ "receive interface: other",
	  OPEN "<deny receive_interface='test.Other'/>", &call_b,
	  DELIVERED },
	{ "receive interface: none, deny",
	  OPEN "<deny receive_interface='test.Other'/>", &call_no_interface,
	  DENIED_RECEIVE },
	{ "receive interface: none, allow",
	  SEND "<allow receive_interface='test.Iface'/>", &call_no_interface,
	  DENIED_RECEIVE },
	{ "receive member: same", OPEN
	  "<deny receive_interface='test.Iface' receive_member='Do'/>",
	  &call_b, DENIED_RECEIVE },
	{ "receive member: other", OPEN
	  "<deny receive_interface='test.Iface' receive_member='Undo'/>",
	  &call_b, DELIVERED },
	{ "receive path: same", OPEN "<deny receive_path='/test'/>", &call_b,
	  DENIED_RECEIVE },
	{ "receive path: other", OPEN "<deny receive_path='/other'/>",
	  &call_b, DELIVERED },
	{ "receive error: same", OPEN
	  "<deny receive_error='test.Error.Bad' receive_requested_reply='true'/>",
	  &error_asked, DENIED_RECEIVE },
	{ "receive type: signal", OPEN "<deny receive_type='signal'/>",
	  &signal_all, SILENT },
	{ "receive type: signal to one", OPEN "<deny receive_type='signal'/>",
	  &signal_b, DENIED_RECEIVE },
	{ "receive type: call, signal",
	  OPEN "<deny receive_type='method_call'/>", &signal_all, DELIVERED },

	/* Eavesdropping: only an eavesdropper minds. */
	{ "eavesdrop: allow without it", SEND "<allow receive_sender='*'/>",
	  &call_b, DELIVERED },
	{ "eavesdrop: allow without it, unrequested reply",
	  SEND "<allow receive_sender='*'/>", &reply_unasked,
	  DENIED_RECEIVE },
	{ "eavesdrop: deny", OPEN
	  "<deny receive_type='method_call' eavesdrop='true'/>", &call_b,
	  DELIVERED },
	{ "eavesdrop: deny to send", OPEN
	  "<deny send_type='method_call' eavesdrop='true'/>", &call_b,
	  DENIED_SEND },

	/* A rule without a name or field puts those before out of force,
	 * also where it does not match. */
	{ "blanket: narrow deny", OPEN "<deny send_destination='*' min_fds='1'/>",
	  &call_b, DENIED_SEND },
	{ "blanket: broadcasts", OPEN "<deny send_broadcast='true'/>", &call_b,
	  DENIED_SEND },
	{ "blanket: receiving", OPEN "<deny receive_sender='*' min_fds='1'/>",
	  &call_b, DENIED_RECEIVE },
	{ "blanket: requested replies only", OPEN
	  "<allow send_destination='*'/>", &reply_unasked, DENIED_SEND },
	{ "blanket: does not touch receiving",
	  OPEN "<allow send_destination='*'/>", &call_b, DELIVERED },
	{ "blanket: eavesdropping only", OPEN "<deny eavesdrop='true'/>",
	  &call_b, DENIED_RECEIVE },
	{ "blanket: with a type is none", OPEN
	  "<deny send_type='method_call' min_fds='1'/>", &call_b, DELIVERED },
	{ "blanket: with a prefix is none", OPEN
	  "<deny send_destination_prefix='test.No'/>", &call_b, DELIVERED },

	/* Wanted in the log, and delivered. */
	{ "log: allow", OPEN "<allow send_destination='test.Owner' log='true'/>",
	  &call_b, DELIVERED },
	{ "log: deny", OPEN "<deny send_destination='test.Owner' log='true'/>",
	  &call_b, DENIED_SEND },
	{ "log: broadcast", OPEN "<allow send_type='signal' log='true'/>",
	  &signal_all, DELIVERED },
};

#endif
