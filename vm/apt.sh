# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by vm/fetch, vm/build-kernel and scripts/unpack, after lib.sh:
#
# private_apt NAME SUITE...: a private copy of apt's world with the packages of
# these suites: own sources, lists and cache; the machine's own mirror, proxies,
# credentials and keys. Sets apt_dir, and apt_opts to give to apt's programs.
private_apt()
{
	apt_dir=$cache/apt/$1
	mkdir -p "$apt_dir"/{lists/partial,archives/partial,empty}
	: > "$apt_dir/status"
	apt_opts=(
		-o Dir::Etc::sourcelist="$apt_dir/sources.list"
		-o Dir::Etc::sourceparts="$apt_dir/empty"
		-o Dir::Etc::preferences=/dev/null
		-o Dir::Etc::preferencesparts="$apt_dir/empty"
		-o Dir::State="$apt_dir"
		-o Dir::State::lists="$apt_dir/lists"
		-o Dir::State::status="$apt_dir/status"
		-o Dir::Cache="$apt_dir"
		-o Dir::Cache::archives="$apt_dir/archives"
		-o APT::Architecture=amd64
		-o APT::Architectures::=amd64
		-o APT::Sandbox::User="$(id -un)"
		-o Acquire::Languages=none
		-o Acquire::Check-Valid-Until=false
	)
	say "$1: reading the package lists of" "${@:2}"
	apt_sources "${@:2}" > "$apt_dir/sources.list"
	apt-get "${apt_opts[@]}" -qq update >&2 || die "apt-get update failed"
}

# Prints the address this machine gets Debian from. $1: "-security" or "".
apt_mirror()
{
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' |
	awk -v kind="$1" '
		{ sub(/\/updates$/, "-security", $2) }
		kind == "" && $2 ~ /^(bookworm|trixie|forky|sid|stable|oldstable|testing|unstable)$/ { print $1; exit }
		kind != "" && $2 ~ kind "$" { print $1; exit }'
}

apt_sources()
{
	local suite uri opts=arch=amd64
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg

	[ ! -r $keys ] || opts="$opts signed-by=$keys"
	for suite; do
		case $suite in
		*-security) uri=$(apt_mirror -security) ;;
		*) uri=$(apt_mirror "") ;;
		esac
		if [ -z "$uri" ]; then
			case $suite in
			# Without a mirror of these an older kernel will do.
			*-security|*-updates) continue ;;
			*) die "apt's configuration names no Debian mirror" ;;
			esac
		fi
		echo "deb [$opts] $uri $suite main"
	done
}
