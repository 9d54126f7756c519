#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""report.py OUT.html IN.json... makes one page of what `afbus bench --json`
wrote: no scripts, nothing from elsewhere. Parts that were measured one by
one on one machine are put together. report.py --targets IN.json... prints
the table of docs/performance.md."""
import os
import re
import sys
from html import escape

import charts
import document
import targets

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; color: CanvasText;
       background: Canvas; max-width: 1340px; margin: 2em auto;
       padding: 0 1.2em; }
h1 { margin-bottom: 0; }
h2 { margin: 2.2em 0 0; }
h3 { margin: .9em 0 .2em; font-size: .95em; font-weight: 600; opacity: .75; }
p { max-width: 50em; margin: .5em 0; }
.charts { display: grid; gap: 0 2em;
          grid-template-columns: repeat(auto-fit, minmax(min(36em, 100%), 1fr)); }
.charts > div { max-width: 44em; }
svg { width: 100%; height: auto; font-family: system-ui, sans-serif; }
table { border-collapse: collapse; font-size: .88em; margin: .6em 0; }
th, td { padding: .2em .7em; border-bottom: 1px solid #8886;
         text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
td small { opacity: .7; display: block; }
.wide { overflow-x: auto; }
.reached { color: #2fa37c; font-weight: 600; }
.missed { color: #cf5b52; font-weight: 600; }
summary { cursor: pointer; font-size: .88em; opacity: .8; }
"""

HOW = (
    "Every bus is started in a folder of its own and stays up for all rounds "
    "(where memory is measured it is started anew for each). The same client, which does no more than a message needs, talks to "
    "all of them; they take turns in every round, so that what disturbs the "
    "machine disturbs all. A figure is the median of all rounds; whiskers, and "
    "± in the tables (half of the way between them), reach from the lowest to "
    "the highest. The floor is a direct pair of AF_UNIX sockets with nothing "
    "between. A dumb relay is a process that copies from one socket to another "
    "and looks at nothing.",
    "Where time counts instructions (QEMU's -icount, one processor), a "
    "microsecond is a thousand instructions of all processes and of the kernel "
    "together: that repeats to the digit on any machine under any load, but "
    "knows no caches and no second processor, and an instruction that copies "
    "many bytes counts for each of them. Where it is time by the clock, look at "
    "ratios; what else the machine was doing is in the figures.",
)


def machine(doc):
    data = doc.data
    processors = "1 processor" if data["processors"] == 1 else \
        f"{data['processors']} processors"
    return (f"<li><b>{escape(doc.label)}</b>: {escape(data['cpu'])}, "
            f"{processors}; Linux {escape(data['kernel'])}; "
            f"afbus {escape(data['afbus'])}, {escape(doc.commit)}; "
            f"{escape(data['date'])}</li>")


def head(docs):
    with_missing = [(doc, doc.missing()) for doc in docs]
    out = ["<h1>AF_BUS: what a message costs</h1>",
           "<p>Beside a direct socket pair, a process that only copies, "
           "dbus-daemon and dbus-broker.</p>", "<ul>"]
    out += [machine(doc) for doc in docs]
    out.append("</ul>")
    out += [f"<p>{escape(words)}</p>" for words in HOW]
    if any(missing for _, missing in with_missing):
        out.append("<details><summary>What is missing</summary><ul>")
        for doc, missing in with_missing:
            out += [f"<li>{escape(doc.label)}, {escape(suite)}: "
                    f"{escape(title)}: {escape(why)}</li>"
                    for suite, title, why in missing]
        out.append("</ul></details>")
    return out


def target_cell(cell):
    if cell is None:
        return "<td>-</td>"
    kind, words = ("reached", "reached") if cell[1] else \
        ("missed", "not reached")
    return f'<td>{cell[0]:.2f} <span class="{kind}">{words}</span></td>'


def target_table(docs):
    out = ["<h2>What was to be reached</h2>", '<div class="wide"><table>',
           "<tr><th></th><th>target</th>" +
           "".join(f"<th>{escape(d.label)}</th>" for d in docs) + "</tr>"]
    last = None
    for group, text, words, cells in targets.table(docs):
        if all(cell is None for cell in cells):
            continue
        if group != last:
            out.append(f'<tr><th colspan="{2 + len(docs)}">'
                       f"{escape(group)}</th></tr>")
        last = group
        out.append(f"<tr><td>{escape(text)}</td><td>{escape(words)}</td>" +
                   "".join(target_cell(cell) for cell in cells) + "</tr>")
    out.append("</table></div>")
    return out


def question(chart, docs):
    drawn = [(doc, chart.draw(doc)) for doc in docs]
    drawn = [(doc, picture) for doc, picture in drawn if picture]
    if not drawn:
        return []
    out = [f"<h2>{escape(chart.question)}</h2>",
           f"<p>{escape(chart.words)}</p>", '<div class="charts">']
    for doc, picture in drawn:
        out += [f"<div><h3>{escape(doc.label)}</h3>", picture,
                "<details><summary>The numbers</summary>",
                charts.numbers(chart, doc), "</details></div>"]
    out.append("</div>")
    return out


def page(docs):
    out = ["<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->",
           "<!DOCTYPE html>", '<html lang="en">', "<head>",
           '<meta charset="utf-8"/>',
           '<meta name="viewport" content="width=device-width"/>',
           "<title>AF_BUS: what a message costs</title>",
           f"<style>{STYLE}</style>", "</head>", "<body>"]
    out += head(docs)
    out += target_table(docs)
    for chart in charts.CHARTS:
        out += question(chart, docs)
    return "\n".join(out + ["</body>", "</html>"]) + "\n"


def write(path, words):
    tmp = f"{path}.new"
    with open(tmp, "w", encoding="utf-8") as f:
        f.write(words)
    os.replace(tmp, path)


def main(args):
    if len(args) < 2 or not re.fullmatch(r"--targets|.+\.html", args[0]):
        print("usage: report.py OUT.html|--targets IN.json...",
              file=sys.stderr)
        return 2
    try:
        docs = document.load(args[1:])
        if args[0] == "--targets":
            print(targets.markdown(docs))
        else:
            write(args[0], page(docs))
    except (OSError, ValueError, KeyError) as err:
        print(f"report.py: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main(sys.argv[1:]))
