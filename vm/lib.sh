# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the scripts of vm/ and scripts/: where things are.
#
# A kernel is known by its series ("6.1"). Its folder in the cache holds
#   root/	the Debian packages, unpacked
#   packages	which ones, and their versions
#   release	what `uname -r` says
#   vmlinux	the kernel, uncompressed
#   initramfs	what the VM starts from
#   complete	present once all of the above is

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${AFBUS_CACHE:-$top/.cache}
# Debian keeps depmod, modprobe and others where a user's PATH may not look.
PATH=$PATH:/usr/sbin:/sbin

AFBUS_DEFAULT_KERNEL=6.1

die()
{
	echo "${0##*/}: $*" >&2
	exit "${die_status:-1}"
}

say()
{
	echo "${0##*/}: $*" >&2
}

kernel_dir()
{
	case $1 in
	[0-9]*.[0-9]*) ;;
	*) die "kernel '$1': expected a series such as 6.1 or 6.12" ;;
	esac
	case $1 in
	*[!0-9.]*) die "kernel '$1': expected a series such as 6.1 or 6.12" ;;
	esac
	echo "$cache/kernel/$1"
}

# The release of a fetched kernel, fetching it if needed.
kernel_release()
{
	local dir

	dir=$(kernel_dir "$1") || exit
	[ -e "$dir/complete" ] || "$top/vm/fetch" "$1" || exit
	cat "$dir/release"
}
