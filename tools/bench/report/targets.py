# SPDX-License-Identifier: LGPL-2.1-or-later
"""What AF_BUS is to reach, and whether a document shows it."""

RT, OW, TO100 = "round trip 200 B", "one way 200 B", "to 100"


def ratio(suite, case, row, base, key="us", base_case=None):
    """How many times @base's @row's figure is; None when one is not known."""
    def find(doc):
        a = doc.median(suite, key, row, case)
        b = doc.median(suite, key, base, base_case or case)
        return a / b if a is not None and b else None
    return find


def footprint(row):
    """An idle connection's memory, the bus's and the kernel's, together."""
    def total(doc, who):
        parts = [doc.median("connections", key, who, "a connection")
                 for key in ("bus_bytes", "kernel_bytes")]
        if parts[0] is None or (doc.in_vm and parts[1] is None):
            return None
        return sum(part or 0 for part in parts)

    def find(doc):
        a, b = total(doc, row), total(doc, "dbus-broker")
        return a / b if a is not None and b else None
    return find


class Target:
    """@find gives a number that is to be at most, or at least, @limit."""

    def __init__(self, group, text, find, sign, limit, where="any"):
        self.group, self.text, self.find = group, text, find
        self.sign, self.limit, self.where = sign, limit, where

    def applies(self, doc):
        return self.where == "any" or doc.in_vm == (self.where == "vm")

    def measured(self, doc):
        """(number, reached) or None."""
        number = self.find(doc) if self.applies(doc) else None
        if number is None:
            return None
        return number, (number <= self.limit if self.sign == "<="
                        else number >= self.limit)

    @property
    def words(self):
        sign = {"<=": "at most", ">=": "at least"}[self.sign]
        return f"{sign} {self.limit:.3g}"


KERNEL, USER, NATIVE = ("kernel switch, adopted clients", "user switch",
                        "native family")


def flat(group, row):
    out = []
    for way in "round trip", "one way":
        out.append(Target(
            group, f"{way}, 1000 idle connections : 10",
            ratio("idle", f"{way}, 1000 idle", row, row,
                  base_case=f"{way}, 10 idle"), "<=", 1.1))
    out.append(Target(
        group, "broadcast, 10,000 foreign rules : 0",
        ratio("broadcast", "1, 10000 rules", row, row, base_case="to 1"),
        "<=", 1.1))
    out.append(Target(group, "memory of an idle connection : dbus-broker's",
                      footprint(row), "<=", 1.0))
    return out


def beside_broker(group, row, trip, rate, cast):
    return [
        Target(group, "round trip : dbus-broker's",
               ratio("between", RT, row, "dbus-broker"), "<=", trip),
        Target(group, "rate one way : dbus-broker's",
               ratio("between", OW, "dbus-broker", row), ">=", rate),
        Target(group, "rate of broadcasts to 100 : dbus-broker's",
               ratio("broadcast", TO100, "dbus-broker", row), ">=", cast),
    ]


TARGETS = [
    Target(KERNEL, "round trip : direct pair's",
           ratio("between", RT, "kernel", "direct"), "<=", 1.5),
    *beside_broker(KERNEL, "kernel", 0.25, 3, 3),
    Target(KERNEL, "rate one way, 8 KiB : direct pair's",
           ratio("between", "one way 8 KiB", "direct", "kernel"), ">=", 1),
    *flat(KERNEL, "kernel"),
    Target(USER, "round trip : dumb relay's",
           ratio("between", RT, "user", "relay"), "<=", 1.3),
    *beside_broker(USER, "user", 0.5, 2, 2),
    *flat(USER, "user"),
    Target(NATIVE, "round trip : AF_UNIX SEQPACKET's",
           ratio("native", "round trip 200 B, 1", "bus", "unix"), "<=", 1.1),
    Target(NATIVE, "multicast to 100 : 100 unicasts of AF_UNIX",
           ratio("native", "one way 200 B, 100", "bus", "unix"), "<=", 1 / 3),
    Target(NATIVE, "multicast to 100 : 100 unicasts of its own",
           ratio("native", "one way 200 B, 100", "bus", "unicast"),
           "<=", 1 / 3),
]


def table(docs):
    """Rows of (group, text, words, [(number, reached) or None for each of
    @docs])."""
    return [(t.group, t.text, t.words, [t.measured(doc) for doc in docs])
            for t in TARGETS]


def markdown(docs):
    head = ["", "target"] + [doc.label for doc in docs]
    lines = ["| " + " | ".join(head) + " |",
             "|" + "|".join("---" for _ in head) + "|"]
    last = None
    for group, text, words, cells in table(docs):
        shown = ["-" if c is None else
                 f"{c[0]:.2f}, {'reached' if c[1] else 'not reached'}"
                 for c in cells]
        if group != last:
            lines.append(f"| **{group}** |" + " |" * (len(head) - 1))
        last = group
        lines.append("| " + " | ".join([text, words] + shown) + " |")
    return "\n".join(lines)
