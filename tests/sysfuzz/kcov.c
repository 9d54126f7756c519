// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sysfuzz.h"

#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define WORDS (64U << 10)

bool kcov_open(struct kcov *k, int fd)
{
	int first = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *area;

	k->fd = -1;
	if (first < 0)
		return false;
	k->fd = dup2(first, fd);
	if (first != fd)
		close(first);
	if (ioctl(k->fd, KCOV_INIT_TRACE, WORDS))
		return false;
	area = mmap(NULL, WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		    MAP_SHARED, k->fd, 0);
	if (area == MAP_FAILED)
		return false;
	k->area = area;
	return true;
}

void kcov_start(struct kcov *k)
{
	if (k->fd < 0)
		return;
	__atomic_store_n(&k->area[0], 0, __ATOMIC_RELAXED);
	if (ioctl(k->fd, KCOV_ENABLE, KCOV_TRACE_PC))
		_exit(3);
}

void kcov_stop(struct kcov *k)
{
	if (k->fd >= 0)
		ioctl(k->fd, KCOV_DISABLE, 0);
}

/* From where to where, as one number. */
static uint32_t step(uint64_t from, uint64_t to)
{
	uint64_t x = (from * 3) ^ to;

	x *= 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(x >> 40) % MAP_BITS;
}

unsigned int kcov_collect(struct kcov *k, uint8_t *map)
{
	uint64_t n, i, from = 0;
	unsigned int new = 0;

	if (k->fd < 0)
		return 0;
	n = __atomic_load_n(&k->area[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < WORDS; i++) {
		uint32_t s = step(from, k->area[i]);
		uint8_t bit = (uint8_t)(1U << (s & 7));

		new += !(map[s >> 3] & bit);
		map[s >> 3] |= bit;
		from = k->area[i];
	}
	return new;
}
