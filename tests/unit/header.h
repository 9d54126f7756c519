/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Message headers from text; see build.h. */
#ifndef AFBUS_TESTS_HEADER_H
#define AFBUS_TESTS_HEADER_H

#include "core/dbus_header.h"

#include "build.h"

#define F_PATH "|8 y1 go s/a/b "
#define F_INTERFACE "|8 y2 gs si.f "
#define F_MEMBER "|8 y3 gs sMember "
#define F_ERROR "|8 y4 gs se.n "
#define F_SERIAL "|8 y5 gu u7 "
#define F_DESTINATION "|8 y6 gs s:1.5 "
#define F_SENDER "|8 y7 gs s:1.9 "
#define F_SIGNATURE "|8 y8 gg gs "
#define F_FDS "|8 y9 gu u2 "

/* A header of @type whose field array holds @fields. */
static inline void build_header(struct build *b, bool big, u8 type, u8 flags,
				u32 body_len, const char *fields)
{
	build_init(b, big);
	build_int(b, big ? 'B' : 'l', 1);
	build_int(b, type, 1);
	build_int(b, flags, 1);
	build_int(b, 1, 1);
	build_int(b, body_len, 4);
	build_int(b, 0x01020304, 4);
	build(b, "[8");
	build(b, fields);
	build(b, "]");
	build_align(b, 8);
}

#endif
