/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cmocka wants to have included before itself. */
#ifndef AFBUS_DAEMON_TESTS_UNIT_H
#define AFBUS_DAEMON_TESTS_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
