# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the scripts of vm/ and scripts/: where things are.
#
# A kernel is known by its series ("6.1"), or by the name of its configuration
# in vm/ ("debug"). Its folder in the cache holds
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

# "stock" for a series of Debian's, "built" for one of vm/build-kernel.
kernel_kind()
{
	case $1 in
	debug|debug-*)
		if [ -e "$top/vm/$1.config" ]; then
			echo built
			return
		fi ;;
	*[!0-9.]*) ;;
	[0-9]*.[0-9]*)
		echo stock
		return ;;
	esac
	die "kernel '$1': expected a series such as 6.1 or 6.12, or debug"
}

kernel_dir()
{
	kernel_kind "$1" > /dev/null || exit
	echo "$cache/kernel/$1"
}

# The release of a kernel, fetched or built if it is not there yet.
kernel_release()
{
	local dir get=fetch

	dir=$(kernel_dir "$1") || exit
	[ "$(kernel_kind "$1")" = stock ] || get=build-kernel
	[ -e "$dir/complete" ] || "$top/vm/$get" "$1" || exit
	cat "$dir/release"
}

# Where the modules for a release are built.
modules_dir()
{
	case ${AFBUS_COMPILER-} in
	""|gcc) echo "$top/build/modules/$1" ;;
	clang) echo "$top/build/modules/$1-clang" ;;
	*) die "AFBUS_COMPILER: expected gcc or clang" ;;
	esac
}
