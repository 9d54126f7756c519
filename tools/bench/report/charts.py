# SPDX-License-Identifier: LGPL-2.1-or-later
"""The questions, each with the chart that answers it."""
from html import escape

import svg

NATIVE_BASE = "unix"


def base_of(suite):
    return NATIVE_BASE if suite == "native" else "direct"


def unit_of(doc, suite, key):
    for figure in doc.suites[suite]["figures"]:
        if figure["key"] == key:
            return svg.UNITS.get(figure["unit"], figure["unit"])
    return ""


def times(doc, suite, key, row, case):
    """"1.1× floor, 0.29× dbus-broker", as far as it means something."""
    out = []
    value = doc.median(suite, key, row, case)
    for base, name in ((base_of(suite), "floor"),
                       ("dbus-broker", "dbus-broker")):
        other = doc.median(suite, key, base, case)
        if other and value is not None and base != row:
            out.append(f"{value / other:.2f}× {name}")
    return ", ".join(out)


class Chart:
    """@cases: None is every case of the suite."""

    def __init__(self, question, words, suite, keys, cases=None):
        self.question, self.words = question, words
        self.suite, self.keys, self.cases = suite, keys, cases

    def rows(self, doc, key):
        found = doc.figure(self.suite, key)
        return [row for row in doc.rows(self.suite) if row in found]

    def cases_of(self, doc):
        return self.cases or doc.suites.get(self.suite, {}).get("cases", ())


class Bars(Chart):
    """One case; several figures of it stand behind each other."""

    def draw(self, doc):
        case = self.cases_of(doc)[0] if self.cases_of(doc) else None
        rows = []
        for row in self.rows(doc, self.keys[0]):
            values = [doc.value(self.suite, key, row, case)
                      for key in self.keys]
            values = [v for v in values if v]
            if values:
                rows.append((doc.title(row), svg.COLOURS[row], values,
                             self.label(doc, row, case, values)))
        if not rows:
            return None
        return svg.bars(rows, self.unit(doc), self.question)

    def unit(self, doc):
        return unit_of(doc, self.suite, self.keys[0])

    def label(self, doc, row, case, values):
        short = times(doc, self.suite, self.keys[0], row, case)
        total = svg.number(sum(v["median"] for v in values))
        if len(self.keys) > 1:
            if len(values) > 1:
                total += " = " + " + ".join(svg.number(v["median"])
                                            for v in values)
            return total
        return f"{total} ({short.replace('dbus-', '')})" if short else total


class Lines(Chart):
    """Cases are numbers: @xs, {case: number}. @relative: how many times the
    floor."""

    def __init__(self, question, words, suite, keys, xs, x_unit, log=True,
                 x_words=svg.tick, relative=False):
        super().__init__(question, words, suite, keys, list(xs))
        self.xs, self.x_unit, self.log, self.x_words = xs, x_unit, log, x_words
        self.relative = relative

    def point(self, doc, row, case):
        value = doc.value(self.suite, self.keys[0], row, case)
        if not self.relative or not value:
            return value
        base = doc.median(self.suite, self.keys[0], base_of(self.suite), case)
        return {key: value[key] / base for key in ("median", "low", "high")} \
            if base else None

    def draw(self, doc):
        rows = []
        for row in self.rows(doc, self.keys[0]):
            points = {x: self.point(doc, row, case)
                      for case, x in self.xs.items()}
            points = {x: point for x, point in points.items() if point}
            if points:
                rows.append((doc.title(row), svg.COLOURS[row], points))
        xs = sorted({x for _, _, points in rows for x in points})
        if not xs:
            return None
        return svg.lines(rows, xs, self.x_unit, "times the floor"
                         if self.relative else
                         unit_of(doc, self.suite, self.keys[0]),
                         self.question, self.log, self.x_words)


class Spans(Chart):
    """Three figures of one case."""

    def draw(self, doc):
        case, rows = self.cases[0], []
        for row in self.rows(doc, self.keys[0]):
            values = [doc.median(self.suite, key, row, case)
                      for key in self.keys]
            if None not in values and min(values) > 0:
                rows.append((doc.title(row), svg.COLOURS[row], values,
                             " / ".join(svg.number(v) for v in values)))
        return svg.spans(rows, "µs: • half take less, ○ 99 of 100, | the "
                         "longest", self.question) if rows else None


def cell(doc, chart, key, row, case):
    value = doc.value(chart.suite, key, row, case)
    if not value:
        return "<td>-</td>"
    words = svg.number(value["median"])
    if value["n"] > 1 and value["median"]:
        half = 50 * (value["high"] - value["low"]) / value["median"]
        words += f" ±{half:.0f}%"
    small = times(doc, chart.suite, key, row, case)
    return f"<td>{words}<small>{escape(small)}</small></td>"


def numbers(chart, doc):
    """A table for each figure: the median, its spread, and how many times."""
    out = []
    for key in chart.keys:
        rows = chart.rows(doc, key)
        if not rows:
            continue
        cases = chart.cases_of(doc)
        out += [f"<p>{escape(doc.headline(chart.suite, key))}</p>",
                '<div class="wide"><table>',
                "<tr><th></th>" + "".join(f"<th>{escape(c)}</th>"
                                          for c in cases) + "</tr>"]
        for row in rows:
            out.append(f"<tr><td>{escape(doc.title(row))}</td>" +
                       "".join(cell(doc, chart, key, row, case)
                               for case in cases) + "</tr>")
        out.append("</table></div>")
    return "\n".join(out)


def sized(way):
    sizes = ((64, "64 B"), (200, "200 B"), (4096, "4 KiB"), (8192, "8 KiB"),
             (65536, "64 KiB"), (1048576, "1 MiB"))
    return {f"{way} {name}": size for size, name in sizes}


def size_words(x):
    return f"{x >> 20} MiB" if x >= 1 << 20 else f"{x >> 10} KiB" \
        if x >= 1 << 10 else f"{x} B"


def counted(form, counts):
    return {form.format(n): n for n in counts}


BODY = "bytes of the body"
TIMES = ("Behind a bar stands how many times the floor (the direct pair), and how "
         "many times dbus-broker's it is.")

CHARTS = [
    Bars("How long is a round trip of a small message?",
         "A method call of 200 bytes and its reply, between two processes. " +
         TIMES, "between", ["us"], ["round trip 200 B"]),
    Bars("How long does a small message take, one way?",
         "200 bytes, as fast as the receiver takes them. " + TIMES,
         "between", ["us"], ["one way 200 B"]),
    Lines("What becomes of a round trip when messages are longer?",
          "Both ways as many bytes; how many times the direct pair's.",
          "between", ["us"], sized("round trip"), BODY, log=False,
          x_words=size_words, relative=True),
    Lines("And of messages one way?", "As fast as the receiver takes them; "
          "how many times the direct pair's.", "between", ["us"],
          sized("one way"), BODY, log=False, x_words=size_words,
          relative=True),
    Lines("What do many pairs cost at once?", "Processor time a round trip of "
          "200 bytes, of all clients and of the bus's process.",
          "pairs", ["cpu_us"], counted("round trip, {}", (1, 8, 64)),
          "pairs that talk at the same time", log=False),
    Lines("And one way?", "Processor time a message of 200 bytes, of all "
          "clients and of the bus's process.",
          "pairs", ["cpu_us"], counted("one way, {}", (1, 8, 64)),
          "pairs that talk at the same time", log=False),
    Lines("How often does the processor change between processes?",
          "Context switches a round trip, of all clients and of the bus's "
          "process.", "pairs", ["switches"],
          counted("round trip, {}", (1, 8, 64)),
          "pairs that talk at the same time", log=False),
    Lines("How long does a signal to many take?", "200 bytes, until all "
          "subscribers have read it. Both axes grow by factors.", "broadcast", ["us"],
          counted("to {}", (1, 10, 100, 1000)), "subscribers"),
    Lines("What do match rules of others cost?", "A signal to one subscriber, "
          "beside rules for the same signal of other objects.", "broadcast",
          ["us"], {"to 1": 0, "1, 100 rules": 100, "1, 10000 rules": 10000},
          "match rules of others"),
    Lines("What do idle connections cost?", "A round trip of 200 bytes.",
          "idle", ["us"], counted("round trip, {} idle", (10, 100, 1000)),
          "connections that do nothing", log=False),
    Lines("What do they cost a message one way?", "200 bytes.",
          "idle", ["us"], counted("one way, {} idle", (10, 100, 1000)),
          "connections that do nothing", log=False),
    Bars("How long does it take to connect?", "From socket() to NameAcquired, "
         "one client after the other; the direct pair is a socketpair(). " +
         TIMES, "connections", ["us"], ["a connection"]),
    Bars("How much memory is an idle connection?", "Of the bus's process, and "
         "paler (where nobody else uses it: in the virtual machine) of the "
         "kernel, with the client's end.", "connections",
         ["bus_bytes", "kernel_bytes"], ["a connection"]),
    Bars("How much memory is a message of 200 bytes that waits?", "Of the "
         "bus's process, and paler (in the virtual machine) of the kernel.",
         "queued", ["bus_bytes", "kernel_bytes"], ["a message of 200 B"]),
    Spans("How long do two wait who are in a hurry, while eight pairs flood?",
          "Round trips of 200 bytes, of processes with SCHED_FIFO (where it "
          "was allowed) and SO_PRIORITY. The scale grows by factors.",
          "latency", ["p50", "p99", "max"], ["8 pairs flood"]),
    Spans("And alone?", "The same two without the floods.",
          "latency", ["p50", "p99", "max"], ["alone"]),
    Lines("Native buses: how long does a message to many take?", "200 bytes "
          "one way, until all have it; each receiver is a process.", "native",
          ["us"], counted("one way 200 B, {}", (1, 10, 100, 1000)),
          "receivers"),
    Lines("And of 8 KiB?", "One way, until all have it.", "native",
          ["us"], counted("one way 8 KiB, {}", (1, 10, 100, 1000)),
          "receivers"),
    Lines("And when all of them answer?", "200 bytes there, and 200 bytes back "
          "from everybody.", "native", ["us"],
          counted("round trip 200 B, {}", (1, 10, 100, 1000)), "receivers"),
]
