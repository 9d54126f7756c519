# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the tests of vm/run: a scratch folder, and what must hold.
set -u
cd "$(dirname "$0")/../.." || exit
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# vm OPTION... -- COMMAND...: output in $tmp/out and $tmp/err, status in $status.
vm()
{
	status=0
	vm/run --kernel "${KERNEL:-6.1}" --no-modules --timeout 60 "$@" \
		> "$tmp/out" 2> "$tmp/err" || status=$?
}

must()
{
	if ! "$@"; then
		echo "does not hold: $*"
		echo "status $status; standard output:"
		tail -n 20 "$tmp/out"
		echo "standard error:"
		tail -n 20 "$tmp/err"
		exit 1
	fi
}
