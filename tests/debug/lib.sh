# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the tests of this folder, in the debug kernel: makes steps of the
# modules fail, one at a time. The kernel's fault injection can count what a
# task does (/proc/PID/fail-nth), and looks at the stack: only what happens
# below an address range fails. docs/testing.md tells more.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
debugfs=/sys/kernel/debug
tests=$top/build/tests

if [ ! -e $debugfs/failslab/require-start ]; then
	echo "no fault injection in this kernel"
	exit 77
fi
modprobe -a af_bus af_bus_dbus || exit 1

put()
{
	echo "$2" > "$debugfs/$1" || { echo "cannot set $1"; exit 1; }
}

# A function of the kernel: sets START and END.
function_range()
{
	# The kernel's own come first, by address.
	read -r START END < <(awk -v name="$1" '
		found { print at, $1; exit }
		$3 == name { found = 1; at = $1 }' /proc/kallsyms)
	[ -n "${END-}" ] || { echo "no function $1"; exit 1; }
	START=0x$START END=0x$END
}

# kmemleak's own notes about an allocation are none of the modules'.
function_range kmemleak_alloc
notes_start=$START notes_end=$END

faults="failslab fail_page_alloc fail_usercopy"
[ -e $debugfs/fail_usercopy ] || faults="failslab fail_page_alloc"

# Fail what happens below return addresses in [START, END), of these kinds;
# nothing of the others. PROBABILITY 0 leaves the choice to fail-nth.
# arm START END PROBABILITY INTERVAL KIND...
arm()
{
	local start=$1 end=$2 probability=$3 interval=$4 kind

	shift 4
	for kind in $faults; do
		put $kind/probability 0
		put $kind/stacktrace-depth 32
		put $kind/require-start 0x1
		put $kind/require-end 0x2
		put $kind/reject-start "$notes_start"
		put $kind/reject-end "$notes_end"
		put $kind/task-filter N
		put $kind/verbose 1
		put $kind/times 1
		put $kind/interval "$interval"
		[ ! -e $debugfs/$kind/ignore-gfp-wait ] ||
			put $kind/ignore-gfp-wait N
		[ ! -e $debugfs/$kind/ignore-gfp-highmem ] ||
			put $kind/ignore-gfp-highmem N
		[ ! -e $debugfs/$kind/min-order ] || put $kind/min-order 0
	done
	for kind; do
		put $kind/require-start "$start"
		put $kind/require-end "$end"
		put $kind/probability "$probability"
	done
}

disarm()
{
	local kind

	for kind in $faults; do
		put $kind/probability 0
		put $kind/require-start 0x1
		put $kind/require-end 0x2
	done
}

# Where the modules are: sets START and END.
module_range()
{
	local name size address rest

	START= END=0
	while read -r name size rest; do
		case $name in
		af_bus|af_bus_dbus) ;;
		*) continue ;;
		esac
		address=${rest##* 0x}
		address=0x${address%% *}
		[ -n "$START" ] && [ $((address)) -gt $((START)) ] ||
			START=$address
		[ $((address + size)) -lt $((END)) ] && [ $((END)) != 0 ] ||
			END=$(printf '0x%x' $((address + size)))
	done < /proc/modules
	[ -n "$START" ] || { echo "no modules"; exit 1; }
}

# The modules let go of everything, a little later.
idle()
{
	local tries dbus native

	[ -e /sys/module/af_bus_dbus ] || { echo "$* unloads the modules"; exit 1; }
	for tries in {1..100}; do
		read -r dbus < /sys/module/af_bus_dbus/refcnt
		read -r native < /sys/module/af_bus/refcnt
		# One of them is that of af_bus_dbus.
		[ "$dbus $native" != "0 1" ] || return 0
		sleep 0.1
	done
	echo "the modules are in use after $*: $dbus and $((native - 1)) times"
	return 1
}
