// SPDX-License-Identifier: LGPL-2.1-or-later
/* Why a connection ended. */
#include "lib/internal.h"

static const char *const texts[] = {
	[BUS_REASON_NONE] = "not ended",
	[BUS_REASON_HANGUP] = "the client closed",
	[BUS_REASON_PROTOCOL] = "a malformed message",
	[BUS_REASON_STALLED] = "it did not read while others waited",
	[BUS_REASON_QUOTA] = "over a limit",
	[BUS_REASON_NOMEM] = "out of memory",
	[BUS_REASON_MASTER] = "the master removed it",
	[BUS_REASON_ENDED] = "the bus ended",
	[BUS_REASON_TOO_LONG] = "a message longer than allowed",
	[BUS_REASON_FDS] = "more files than allowed, or without their message",
};

int afbus_reason(int fd)
{
	uint32_t reason = 0;
	socklen_t len = sizeof(reason);
	int err = option_get(fd, BUS_REASON, &reason, &len);

	return err ? err : (int)reason;
}

const char *afbus_reason_text(unsigned int reason)
{
	return reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason] :
							   "unknown";
}
