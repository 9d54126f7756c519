#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sites.py START END < TRACE

From a trace of events with their stacks (options stacktrace, sym-offset and
sym-addr): where the innermost frame in [START, END) returns to, a line each:
the address, how often, and its name. KASAN keeps stacks, of what is freed too, and
now and then needs a page for them: no allocation of those who are in the stack.
"""
import collections
import re
import sys

start, end = (int(arg, 0) for arg in sys.argv[1:3])
frame = re.compile(r"^ => (.*?) <([0-9a-f]+)>")
count, names = collections.Counter(), {}
inside = False
for line in sys.stdin:
    found = frame.match(line)
    if not found:
        inside = "<stack trace>" in line
        continue
    address = int(found[2], 16)
    if inside and start <= address < end:
        count[address] += 1
        names[address] = found[1].split("/")[0].replace(" ", "_")
        inside = False
    elif "stack_depot" in found[1]:
        inside = False
for address in sorted(count):
    print(f"{address:#x} {count[address]} {names[address]}")
