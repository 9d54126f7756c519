// SPDX-License-Identifier: LGPL-2.1-or-later
/* Alone in its file: tests build daemons of other versions. */
#include "daemon/restart_format.h"

#ifndef RST_MAJOR
#define RST_MAJOR 1
#endif
#ifndef RST_MINOR
#define RST_MINOR 1
#endif

const struct rst_version rst_version = { RST_MAJOR, RST_MINOR };
