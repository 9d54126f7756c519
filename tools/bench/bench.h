/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * afbus bench: the same raw client on every contestant.
 *
 * A *pair* is two connected ends that exchange ready-made messages; a
 * contestant makes pairs. broadcast.c has a *crowd* instead: one sender and many
 * subscribers. All functions return 0 or -errno.
 */
#ifndef AFBUS_TOOLS_BENCH_H
#define AFBUS_TOOLS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct bench_end {
	int fd;
	int peer;		/* the other end, if it is ours to keep; or 0 */
	char name[32];		/* unique name on its bus */
};

struct contestant {
	const char *name;
	const char *title;
	int (*start)(struct contestant *c);
	const char *(*program)(const struct contestant *c);
	bool native;		/* clients are sockets of AF_BUS */
	bool on;		/* asked for, and started */
	char why[96];		/* why it is missing, or what of it */
	char version[48];	/* what its program says */
	/* the contestant's own */
	pid_t pid;
	char dir[64];
	char address[128];	/* a path, after CLIENT_NATIVE a native one */
	void *controller;
};

extern struct contestant contestants[];
extern const size_t n_contestants;

int contestant_start(struct contestant *c);
void contestant_stop(struct contestant *c);
int contestant_pair(struct contestant *c, struct bench_end pair[2]);
/* One client; without a bus, a socket pair. contestant_leave() closes it, and
 * one of zeros. */
int contestant_client(struct contestant *c, struct bench_end *e);
void contestant_leave(struct bench_end *e);
/* What its process has used so far, 0 without one. */
struct bench_cost {
	double cpu_us, switches;
};
struct bench_cost contestant_cost(const struct contestant *c);
/* ... and memory of its own, in bytes; NAN when it cannot be known. */
double contestant_memory(const struct contestant *c);
/* What the kernel uses, in bytes, all in all, NAN where others use it, too:
 * only in the VM. */
double bench_kernel_memory(void);
/* The kernel gives free what its caches keep of others that are gone, or what
 * comes next would find room there and seem to need none. */
void bench_kernel_settle(void);
bool contestant_is_bus(const struct contestant *c);
/* A receive on @fd that takes too long fails. */
int bench_impatient(int fd);

/* Connects to the socket at @path as an ordinary client; Hello included. After
 * CLIENT_NATIVE it is a socket of AF_BUS. */
#define CLIENT_NATIVE "afbus:"
int client_connect(struct bench_end *e, const char *path);
/* A method call, one that wants no reply (or a bus would keep count of the
 * calls not answered), a reply, or a signal (@to is NULL), with @body bytes in
 * the body. malloc()ed. */
enum client_kind { CLIENT_CALL, CLIENT_ONE_WAY, CLIENT_REPLY, CLIENT_SIGNAL };
#define CLIENT_PATH		"/org/example/Object"
#define CLIENT_INTERFACE	"org.example.Iface"
#define CLIENT_MEMBER		"Method"
uint8_t *client_message(const char *to, enum client_kind kind, size_t body,
			size_t *len);
/* A call of the driver, with a string if @arg is not NULL; a reply comes. */
int client_driver(int fd, const char *member, const char *arg);
int client_write(int fd, const uint8_t *data, size_t len);
/* Reads one message, or @n of them as they come. */
int client_read(int fd, unsigned int n);

/* dbus-broker needs somebody who tells it its listeners and policy. Its program
 * is in $DBUS_BROKER; a newer one to stand beside it in $DBUS_BROKER_NEW. */
int broker_start(struct contestant *c);
const char *broker_program(const struct contestant *c);
void broker_stop(struct contestant *c);

#endif
