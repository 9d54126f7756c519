# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# Sourced by vm/run and scripts/vm-tests: what a kernel says in its log when
# something is wrong, as one extended regular expression; and what is no such
# thing.
complaints=$(paste -sd'|' <<'END'
WARNING: CPU:
WARNING: [^ ]+:[0-9]+ at
WARNING: (possible|suspicious|inconsistent|bad|held|lock)
(BUG|KASAN|KCSAN|KMSAN|UBSAN):
kernel BUG at
Oops[: ]
general protection fault
unable to handle
Call Trace:
Kernel panic
blocked for more than
(self-)?detected stall
refcount_t:
(list|slab)[a-z_]* corruption
bad unlock balance
possible (recursive|circular|irq)
sleeping function called
scheduling while atomic
page allocation failure
Bad page
DEBUG_LOCKS_WARN
unreferenced object
unregister_netdevice: waiting
END
)

# A log, on the standard input, with nothing where it is about an allocation that
# was made to fail: vmalloc() shows who asked, as it does when memory is short.
without_forced()
{
	awk '
		/FAULT_INJECTION: forcing a failure/ { forced = NR }
		forced && NR - forced <= 10 && /: vmalloc error: / { skip = 1 }
		{ print skip ? "" : $0 }
		/<\/TASK>/ { skip = 0 }'
}
