// SPDX-License-Identifier: LGPL-2.1-or-later
/* 64 MiB in one message, to several: whole, and in the memory of one. */
#include "native-test.h"

#define SIZE (64UL << 20)
#define PART (SIZE / 8 + 123)
#define N 3

/* Of the lines of a file that look like @format: what they say, added up. */
static long sum_of(const char *path, const char *format)
{
	char line[256];
	long sum = 0, n;
	FILE *f = fopen(path, "r");

	check(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, format, &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

/* KiB; what processors keep of free pages, tens of MiB from 6.7 on, is free. */
static long available(void)
{
	long kib = sum_of("/proc/meminfo", "MemAvailable: %ld");

	check(kib > 0);
	return kib + sum_of("/proc/zoneinfo", " count: %ld") *
		     (sysconf(_SC_PAGESIZE) / 1024);
}

/* Every page of it another, and another than its neighbours. */
static uint32_t *pattern(void)
{
	uint32_t *p = malloc(SIZE);
	size_t i;

	check(p);
	for (i = 0; i < 1024; i++)
		p[i] = i * 0x9e3779b9;
	for (i = 4096; i < SIZE; i += 4096) {
		memcpy((char *)p + i, p, 4096);
		p[i / 4 + i / 4096 % 1024] = i;
	}
	return p;
}

static void reads(int fd, const void *want, void *buf, size_t size)
{
	memset(buf, 0, 4096);
	is(recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC), size);
	is(recv(fd, buf, SIZE, MSG_DONTWAIT), size);
	check(!memcmp(buf, want, size));
}

int main(void)
{
	int bus = nt_bus(), i;
	struct peer p[N];
	uint32_t *data, *buf;
	long before, after;

	nt_set(bus, BUS_SET_SENDBUF, SIZE);
	for (i = 0; i < N; i++)
		p[i] = nt_peer(bus);
	data = pattern();
	buf = malloc(SIZE);
	check(buf);
	memset(buf, 1, SIZE);
	before = available();
	is(nt_to(p[0].fd, EVERYBODY, data, SIZE, MSG_DONTWAIT), SIZE);
	after = available();
	/* One copy is there and not two; N would be N - 1 more. */
	if (before - after > (long)(SIZE + SIZE / 2) / 1024)
		fail("%ld KiB for one message of %lu KiB", before - after,
		     SIZE / 1024);
	/* More than queue_bytes waits: full. */
	refused(try_say(p[1].fd, p[2].addr, "x"), EAGAIN);
	for (i = 0; i < N; i++) {
		reads(p[i].fd, data, buf, SIZE);
		silent(p[i].fd);
	}
	/* With the master in both directions. */
	is(nt_to(p[0].fd, BUS_MASTER_ADDR, data, PART, 0), PART);
	reads(p[0].end, data, buf, PART);
	is(send(p[0].end, data, PART, MSG_NOSIGNAL), PART);
	reads(p[0].fd, data, buf, PART);
	/* The beginning of it. */
	is(nt_to(p[0].fd, p[1].addr, data, PART, 0), PART);
	memset(buf, 0, 8192);
	is(recv(p[1].fd, buf, 5000, MSG_TRUNC), PART);
	check(!memcmp(buf, data, 5000));
	is(((char *)buf)[5000], 0);
	refused(nt_to(p[0].fd, p[1].addr, data, SIZE + 1, 0), EMSGSIZE);
	/* Never read: it goes with its receiver. */
	is(nt_to(p[0].fd, EVERYBODY, data, SIZE, 0), SIZE);
	for (i = 0; i < N; i++)
		nt_close(&p[i]);
	/* The kernel may take its time with pages. */
	for (i = 0; before - available() > (long)SIZE / 2 / 1024; i++) {
		if (i > 1000)
			fail("%ld KiB are gone", before - available());
		usleep(20000);
	}
	close(bus);
	return 0;
}
