// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sha1.h"

#include <string.h>

static uint32_t rotl(uint32_t x, unsigned int n)
{
	return x << n | x >> (32 - n);
}

static uint32_t load(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void store(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* f and K of FIPS 180-4, 4.1.1 and 4.2.1, for round @t. */
static uint32_t mixed(const uint32_t *s, int t)
{
	switch (t / 20) {
	case 0:
		return ((s[1] & s[2]) ^ (~s[1] & s[3])) + 0x5a827999;
	case 1:
		return (s[1] ^ s[2] ^ s[3]) + 0x6ed9eba1;
	case 2:
		return ((s[1] & s[2]) ^ (s[1] & s[3]) ^ (s[2] & s[3])) +
		       0x8f1bbcdc;
	default:
		return (s[1] ^ s[2] ^ s[3]) + 0xca62c1d6;
	}
}

static void block(uint32_t h[5], const uint8_t *data)
{
	uint32_t w[80], s[5], next;
	int t;

	for (t = 0; t < 16; t++)
		w[t] = load(data + 4 * t);
	for (; t < 80; t++)
		w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(s, h, sizeof(s));
	for (t = 0; t < 80; t++) {
		next = rotl(s[0], 5) + mixed(s, t) + s[4] + w[t];
		s[4] = s[3];
		s[3] = s[2];
		s[2] = rotl(s[1], 30);
		s[1] = s[0];
		s[0] = next;
	}
	for (t = 0; t < 5; t++)
		h[t] += s[t];
}

void sha1(const void *data, size_t len, uint8_t digest[SHA1_LEN])
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
			  0xc3d2e1f0 };
	const uint8_t *p = data;
	uint8_t last[128] = { 0 };
	size_t left = len % 64, end = left < 56 ? 64 : 128, i;

	for (; p + 64 <= (const uint8_t *)data + len; p += 64)
		block(h, p);
	memcpy(last, p, left);
	last[left] = 0x80;
	store(last + end - 8, (uint32_t)((uint64_t)len >> 29));
	store(last + end - 4, (uint32_t)(len << 3));
	for (i = 0; i < end; i += 64)
		block(h, last + i);
	for (i = 0; i < 5; i++)
		store(digest + 4 * i, h[i]);
}
