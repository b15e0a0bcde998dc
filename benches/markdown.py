"""Figures as Markdown: how times are written, and where tables go in README.md.

    python3 benches/markdown.py NAME TABLES.md    puts the tables between the marks of that name
"""

import sys


def duration(ns):
    if ns is None:
        return "not within the run"
    units = [(1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms"), (float("inf"), 1e9, "s")]
    for limit, scale, unit in units:
        if ns < limit:
            break
    return f"{ns / scale:.{max(3 - len(str(int(ns / scale))), 0)}f} {unit}"


def put(name, tables):
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    text = open("README.md", encoding="utf-8").read()
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        sys.exit(f"README.md has no place for {name}")
    tables = open(tables, encoding="utf-8").read()
    before, after = text.split(begin)[0], text.split(end)[1]
    open("README.md", "w", encoding="utf-8").write(before + begin + tables + end + after)


if __name__ == "__main__":
    put(*sys.argv[1:])
