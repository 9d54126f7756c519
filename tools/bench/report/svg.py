# SPDX-License-Identifier: LGPL-2.1-or-later
"""Charts as inline SVG: bars, and lines over numbers.

Colours are of middle lightness, text has the page's colour: both work on a
light page and on a dark one.
"""
import math
from xml.sax.saxutils import escape

WIDTH = 620
COLOURS = {
    "direct": "#8a8a8a", "relay": "#a9825a", "dbus-daemon": "#cf5b52",
    "dbus-broker": "#d9902f", "broker-new": "#b8a12a", "user": "#4a90d9",
    "kernel": "#2fa37c", "native": "#8b78d8",
    "unix": "#8a8a8a", "tipc": "#d9902f", "bus": "#2fa37c",
    "open": "#4a90d9", "unicast": "#8b78d8",
}
UNITS = {"us": "µs", "B": "bytes", "switches": ""}


def number(v):
    """As many digits as mean something."""
    if v == 0:
        return "0"
    if abs(v) < 10:
        return f"{v:.2f}"
    if abs(v) < 100:
        return f"{v:.1f}"
    return f"{v:,.0f}"


def tick(v):
    if v >= 1e6 and v % 1e6 == 0:
        return f"{v / 1e6:g}M"
    if v >= 1e3 and v % 1e3 == 0:
        return f"{v / 1e3:g}k"
    return f"{v:g}"


def text(x, y, words, anchor="start", size=12, weight="", extra=""):
    weight = f' font-weight="{weight}"' if weight else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
            f'text-anchor="{anchor}" fill="currentColor"{weight}{extra}>'
            f'{escape(words)}</text>')


def line(x1, y1, x2, y2, colour="currentColor", width=1, opacity=1.0):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}" '
            f'stroke-opacity="{opacity}"/>')


def svg(height, label, parts):
    return (f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
            f'aria-label="{escape(label, {chr(34): "&quot;"})}">\n'
            + "\n".join(parts) + "\n</svg>")


class Linear:
    """From 0 to a round number at or above @hi, on @start to @end."""

    def __init__(self, hi, start, end):
        hi = hi or 1
        step = 10 ** math.floor(math.log10(hi))
        step = next(s for s in (step / 5, step / 2, step, step * 2)
                    if hi / s <= 6)
        self.hi = math.ceil(hi / step - 1e-9) * step
        self.ticks = [i * step for i in range(round(self.hi / step) + 1)]
        self.start, self.end = start, end

    def at(self, v):
        return self.start + (self.end - self.start) * v / self.hi


class Log:
    """Whole decades around @lo and @hi."""

    def __init__(self, lo, hi, start, end):
        self.lo = math.floor(math.log10(lo) + 1e-9)
        self.hi = max(math.ceil(math.log10(hi) - 1e-9), self.lo + 1)
        self.ticks = [10.0 ** e for e in range(self.lo, self.hi + 1)]
        self.start, self.end = start, end

    def at(self, v):
        part = (math.log10(v) - self.lo) / (self.hi - self.lo)
        return self.start + (self.end - self.start) * part


class Places:
    """Some numbers, one beside the other, whatever they are."""

    def __init__(self, numbers, start, end):
        self.ticks = numbers
        step = (end - start) / max(len(numbers) - 1, 1)
        self.places = {n: start + i * step for i, n in enumerate(numbers)}

    def at(self, v):
        return self.places[v]


def whisker(value, scale, y):
    """From the lowest to the highest round."""
    a, b = scale.at(max(value["low"], 0)), scale.at(value["high"])
    if b - a < 1:
        return []
    return [line(a, y, b, y, width=1.5, opacity=0.7),
            line(a, y - 4, a, y + 4, width=1.5, opacity=0.7),
            line(b, y - 4, b, y + 4, width=1.5, opacity=0.7)]


def grid(scale, top, bottom):
    """Of a scale from left to right."""
    parts = []
    for t in scale.ticks:
        x = scale.at(t)
        parts += [line(x, top, x, bottom, opacity=0.15),
                  text(x, bottom + 15, tick(t), "middle", 11)]
    return parts


def bars(rows, unit, label):
    """@rows: (title, colour, [values], words). Several values stand one behind
    the other in a bar, the later ones paler."""
    left, right, top, step = 148, 200, 8, 27
    totals = [sum(v["median"] for v in values) for _, _, values, _ in rows]
    highest = max([v["high"] for r in rows for v in r[2]] + totals)
    scale = Linear(highest, left, WIDTH - right)
    bottom = top + step * len(rows)
    parts = grid(scale, top, bottom)
    for i, (title, colour, values, words) in enumerate(rows):
        y, x = top + i * step, left
        parts.append(text(left - 8, y + 17, title, "end"))
        for n, value in enumerate(values):
            width = max(scale.at(max(value["median"], 0)) - left, 0)
            parts.append(f'<rect x="{x:.1f}" y="{y + 4:.1f}" '
                         f'width="{width:.1f}" height="{step - 8}" '
                         f'fill="{colour}" fill-opacity="{1 - 0.5 * n}"/>')
            x += width
        if len(values) == 1:
            parts += whisker(values[0], scale, y + step / 2)
            x = max(x, scale.at(values[0]["high"]))
        parts.append(text(x + 6, y + 17, words, size=11.5))
    parts.append(text((left + WIDTH - right) / 2, bottom + 33, unit, "middle"))
    return svg(bottom + 40, label, parts)


def spans(rows, unit, label):
    """@rows: (title, colour, [three numbers in order], words), on a scale of
    decades: a dot, a ring and a stroke."""
    left, right, top, step = 165, 150, 8, 29
    values = [v for r in rows for v in r[2]]
    scale = Log(min(values), max(values), left, WIDTH - right)
    bottom = top + step * len(rows)
    parts = grid(scale, top, bottom)
    for i, (title, colour, (low, mid, high), words) in enumerate(rows):
        y = top + i * step + step / 2
        a, b, c = scale.at(low), scale.at(mid), scale.at(high)
        parts += [
            text(left - 8, y + 4, title, "end"),
            line(a, y, c, y, colour, 3, 0.5),
            f'<circle cx="{a:.1f}" cy="{y:.1f}" r="5.5" fill="{colour}"/>',
            f'<circle cx="{b:.1f}" cy="{y:.1f}" r="4.5" fill="none" '
            f'stroke="{colour}" stroke-width="2"/>',
            line(c, y - 7, c, y + 7, colour, 2.5),
            text(WIDTH - right + 10, y + 4, words, size=11),
        ]
    parts.append(text((left + WIDTH - right) / 2, bottom + 33, unit, "middle"))
    return svg(bottom + 40, label, parts)


def spread_out(wanted, least, lo, hi):
    """Heights for labels that want to be at @wanted, @least apart."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    at = {}
    last = lo - least
    for i in order:
        last = at[i] = max(wanted[i], last + least)
    over = last - hi
    for i in reversed(order):
        if over <= 0:
            break
        at[i] = min(at[i], hi)
        hi = at[i] - least
    return [at[i] for i in range(len(wanted))]


def lines(rows, xs, x_unit, unit, label, log=True, x_words=tick):
    """@rows: (title, colour, {x: value})."""
    left, right, top, bottom = 62, 175, 12, 290
    values = [v["median"] for _, _, points in rows for v in points.values()]
    highest = max(v["high"] for r in rows for v in r[2].values())
    x_scale = Places(xs, left + 14, WIDTH - right - 14)
    log = log and min(values) > 0
    scale = Log(min(values), highest, bottom, top) if log else \
        Linear(highest, bottom, top)
    parts = []
    for t in scale.ticks:
        y = scale.at(t)
        parts += [line(left, y, WIDTH - right, y, opacity=0.15),
                  text(left - 7, y + 4, tick(t), "end", 11)]
    for x in xs:
        parts += [line(x_scale.at(x), bottom, x_scale.at(x), bottom + 4,
                       opacity=0.5),
                  text(x_scale.at(x), bottom + 18, x_words(x), "middle", 11)]
    ends = []
    for _, colour, points in rows:
        at = [(x_scale.at(x), scale.at(points[x]["median"]))
              for x in xs if x in points]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        parts.append(f'<polyline points="{way}" fill="none" '
                     f'stroke="{colour}" stroke-width="2.2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.3" '
                  f'fill="{colour}"/>' for x, y in at]
        ends.append(at[-1])
    heights = spread_out([y for _, y in ends], 15, top + 4, bottom)
    for (title, colour, _), (x, y), to in zip(rows, ends, heights):
        parts += [line(x + 5, y, WIDTH - right + 12, to, colour, 1, 0.6),
                  f'<circle cx="{WIDTH - right + 16}" cy="{to:.1f}" r="4" '
                  f'fill="{colour}"/>',
                  text(WIDTH - right + 25, to + 4, title, size=11.5)]
    parts += [text((left + WIDTH - right) / 2, bottom + 38, x_unit, "middle"),
              text(14, (top + bottom) / 2, unit, "middle", extra=(
                  f' transform="rotate(-90 14 {(top + bottom) / 2:.0f})"'))]
    return svg(bottom + 46, label, parts)
