// SPDX-License-Identifier: LGPL-2.1-or-later
/* Addresses, as text and on sockets. */
#include "lib/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_MAX 0xffff

static int digit(char c, int base)
{
	int v = -1;

	if (c >= '0' && c <= '9')
		v = c - '0';
	else if (c >= 'a' && c <= 'f')
		v = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		v = c - 'A' + 10;
	return v < base ? v : -1;
}

/* A number up to @max at *@s, which moves behind it. strtoull() would take
 * blanks, signs and octal. */
static int number(const char **s, uint64_t max, uint64_t *ret)
{
	const char *p = *s;
	int base = 10;
	uint64_t v = 0;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	if (digit(*p, base) < 0)
		return -EINVAL;
	for (; digit(*p, base) >= 0; p++) {
		if (v > (max - digit(*p, base)) / base)
			return -ERANGE;
		v = v * base + digit(*p, base);
	}
	*s = p;
	*ret = v;
	return 0;
}

int afbus_addr_parse(const char *text, uint64_t *addr)
{
	uint64_t v, prefix = 0;
	int err;

	if (!strcmp(text, "all")) {
		*addr = AFBUS_ALL;
		return 0;
	}
	if (!strcmp(text, "master")) {
		*addr = BUS_MASTER_ADDR;
		return 0;
	}
	err = number(&text, BUS_CLIENT_MASK, &v);
	if (!err && *text == '.') {
		if (v > PREFIX_MAX)
			return -ERANGE;
		prefix = v;
		text++;
		if (!strcmp(text, "*")) {
			*addr = AFBUS_GROUP(prefix);
			return 0;
		}
		err = number(&text, BUS_CLIENT_MASK, &v);
	}
	if (err)
		return err;
	if (*text)
		return -EINVAL;
	*addr = AFBUS_ADDR(prefix, v);
	return 0;
}

int afbus_addr_format(uint64_t addr, char *buf, size_t size)
{
	unsigned int prefix = AFBUS_ADDR_PREFIX(addr);
	uint64_t client = AFBUS_ADDR_CLIENT(addr);
	int n;

	if (addr == BUS_MASTER_ADDR)
		n = snprintf(buf, size, "master");
	else if (addr == AFBUS_ALL)
		n = snprintf(buf, size, "all");
	else if (client == BUS_CLIENT_MASK)
		n = snprintf(buf, size, "%u.*", prefix);
	else if (prefix)
		n = snprintf(buf, size, "%u.%" PRIu64, prefix, client);
	else
		n = snprintf(buf, size, "%" PRIu64, client);
	return n >= 0 && (size_t)n < size ? 0 : -ENOSPC;
}

int afbus_sockaddr_set(struct sockaddr_bus *sa, const char *path,
		       uint64_t addr)
{
	size_t n;

	memset(sa, 0, sizeof(*sa));
	sa->sbus_family = afbus_family();
	sa->sbus_addr.s_addr = addr;
	if (!path)
		return 0;
	n = strlen(path);
	if (n < 1 || (*path == '@' && n < 2))
		return -EINVAL;
	if (n >= sizeof(sa->sbus_path))
		return -ENAMETOOLONG;
	memcpy(sa->sbus_path, path, n);
	if (*path == '@')
		sa->sbus_path[0] = 0;
	return 0;
}

int afbus_addr_add(int fd, uint64_t addr)
{
	struct bus_addr a = { .s_addr = addr };

	return option_set(fd, BUS_ADD_ADDR, &a, sizeof(a));
}

int afbus_addr_del(int fd, uint64_t addr)
{
	struct bus_addr a = { .s_addr = addr };

	return option_set(fd, BUS_DEL_ADDR, &a, sizeof(a));
}

int address_get(int fd, int (*name)(int, struct sockaddr *, socklen_t *),
		uint64_t *addr)
{
	struct sockaddr_bus sa = { 0 };
	socklen_t len = sizeof(sa);

	if (name(fd, (struct sockaddr *)&sa, &len))
		return -errno;
	if (sa.sbus_family != afbus_family())
		return -EOPNOTSUPP;
	*addr = sa.sbus_addr.s_addr;
	return 0;
}
