# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests of what runs on native buses; sourced, not run.
cd "$(dirname "$0")/../.." || exit
afbus=$PWD/build/tools/afbus
dir=$(mktemp -d)
pids=()

stop_all()
{
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2> /dev/null
	rm -rf "$dir"
}
trap stop_all EXIT

fail()
{
	echo "line ${BASH_LINENO[${2:-0}]}: $1" >&2
	exit 1
}

# start NAME COMMAND...: in the background; output in $dir/NAME, errors in
# $dir/NAME.err.
start()
{
	local name=$1
	shift
	: > "$dir/$name"
	: > "$dir/$name.err"
	"$@" <&0 > "$dir/$name" 2> "$dir/$name.err" &
	pids+=($!)
	pid=$!
}

# until_line FILE TEXT: FILE has a line with TEXT, sooner or later; who waits
# in vain is ended from outside, so say what for.
until_line()
{
	local i

	for ((i = 0; i < 600; i++)); do
		! grep -qF -- "$2" "$dir/$1" || return 0
		sleep 0.1
	done
	fail "no '$2' in $1: $(cat "$dir/$1" "$dir/$1.err" 2> /dev/null)" 1
}

# same FILE TEXT: FILE holds exactly TEXT and a newline.
same()
{
	diff <(printf '%s\n' "$2") "$dir/$1" >&2 || fail "$1 differs" 1
}

# refused TEXT COMMAND...: exits with 1 and has TEXT on stderr.
refused()
{
	local text=$1 err status
	shift
	err=$(timeout 60 "$@" 2>&1 > /dev/null)
	status=$?
	[ $status = 1 ] && [[ $err == *"$text"* ]] ||
		fail "$*: status $status: $err" 1
}
