// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/switch_ops.h"

#include <errno.h>

int sw_kernel_new(struct sw **ret, const struct sw *common, const char *path)
{
	return -EAFNOSUPPORT;
}
