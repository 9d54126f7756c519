# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced after lib.sh by tests that load profiles of AppArmor: its programs, in
# PATH, and what makes a kernel have it.
unpacked=$(scripts/unpack apparmor) || { echo "there is no AppArmor"; exit 77; }
PATH=$unpacked/sbin:$unpacked/usr/bin:$PATH
# shellcheck disable=SC2034
apparmor="apparmor=1 security=apparmor"
