#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# verdict.py KIND JSON: from `afbus status --json`, did messages between
# programs stay out of the daemon? The scenario calls a name that nobody has a
# few times on purpose; those are the daemon's to answer.
import json
import sys

ON_PURPOSE = 4

kind, path = sys.argv[1:]
with open(path, encoding="utf-8") as f:
    bus = json.load(f)["bus"]
unknown = bus["master_unknown"]
print(f"switch: {bus['Switch']}; between programs: {bus['unicast_msgs']} "
      f"messages of {bus['unicast_bytes']} bytes, {bus['broadcast_msgs']} "
      f"broadcasts in {bus['broadcast_copies']} copies")
print(f"to the daemon: {bus['master_driver'] + bus['master_inactive']} calls "
      f"of the driver, {unknown} for names that nobody had")
if bus["Switch"] != kind:
    sys.exit(f"the switch is {bus['Switch']}, not {kind}")
if bus["unicast_msgs"] < 20 or bus["unicast_bytes"] < 20 << 20:
    sys.exit("too few messages between programs: they went elsewhere")
if unknown > ON_PURPOSE:
    sys.exit(f"{unknown} messages visited the daemon, {ON_PURPOSE} at most "
             "should have")
