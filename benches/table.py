"""What `table.sh` measured, as a Markdown table: medians, and ratios of medians."""

import json
import pathlib
import re
import subprocess
import sys

from markdown import duration

PEERS = ["hand_written", "serde_json", "sonic-rs", "yata", "ta", "evalexpr", "rhai", "cel"]
SEVEN = ["vwap", "atr(14)", "ema(12)", "ema(26)", "rsi(14)", "macd(12,26,9)", "bbands(20,2)"]


def figures(folder):
    """Median nanoseconds per element (or per iteration) by group and function."""
    found = {}
    for path in sorted(folder.glob("**/new/estimates.json")):
        about = json.loads(path.with_name("benchmark.json").read_text())
        median = json.loads(path.read_text())["median"]["point_estimate"]
        elements = (about.get("throughput") or {}).get("Elements", 1)
        function = "/".join(filter(None, [about["function_id"], about["value_str"]]))
        found.setdefault(about["group_id"], {})[function] = median / elements
    return found


def rate(ns):
    return f"{1e3 / ns:.2f} M/s"


def printed(folder, name):
    """The words of the lines that a plain program printed, less its name."""
    path = folder / f"{name}.txt"
    return [line.split()[1:] for line in path.read_text().splitlines()] if path.exists() else []


AXES = {"symbols": "symbols, 20k prints a second", "intervals": "intervals, 1m to 4h",
        "indicators": "indicators on each interval", "lookback": "candles of lookback"}


def scaling(folder):
    """How the cost of a print grows, each cost also as a ratio to the first of its kind."""
    firsts = {}
    for axis, count, beside, one, two in printed(folder, "scaling"):
        if axis not in firsts:
            firsts[axis] = float(one)
            yield f"| **{AXES[axis]}** | | | | |"
        loop = "" if beside == "NaN" else f"{float(beside):.1f} ns"
        yield (f"| {int(count):,} | {float(one):.1f} ns | {float(one) / firsts[axis]:.2f} | "
               f"{float(two):.1f} ns | {loop} |")


def rows(found, folder):
    memory = {name: float(value) for name, value in printed(folder, "memory")}

    def row(what, ours, peer=None, ratio=None, budget=""):
        peer, ratio = peer or "", ratio or ""
        return f"| {what} | {ours} | {peer} | {ratio} | {budget} |"

    def beside(what, group, ours="ours", budget="", show=duration):
        values = found.get(group, {})
        if ours not in values:
            return
        own = values[ours]
        peers = [name for name in PEERS if name in values] or [None]
        for index, name in enumerate(peers):
            peer = f"{name} {show(values[name])}" if name else ""
            ratio = f"{own / values[name]:.2f}" if name else ""
            first = index == 0
            yield row(what if first else "", show(own) if first else "", peer, ratio,
                      budget if first else "")

    def size(group):
        return [int(part) for part in group.split("/")[1:]]

    for group in sorted((g for g in found if g.startswith("replay/")), key=size):
        for threads in (1, 2):
            symbols, per_second = size(group)
            what = (f"replay, {symbols:,} symbols, {per_second // 1000}k prints a second, "
                    f"{threads} thread{'s' * (threads > 1)}: a print")
            # Of the loop's rate: 1.0 and 1.6 times up to 500 symbols, 1.5 and 2.4 times above.
            budget = {(True, 1): "1.00", (True, 2): "0.63", (False, 1): "0.67", (False, 2): "0.42"}
            yield from beside(what, group, f"engine/{threads}", budget[symbols <= 500, threads])
    yield from beside("decode a trade message", "decode", budget="200 ns")
    for name, budget in [("raw tape to values", "2 M/s"), ("decoded tape to values", ""),
                         ("raw tape read", ""), ("decoded tape read", "")]:
        if name in found.get("session", {}):
            yield row(f"{name}, 1 thread", rate(found["session"][name]), budget=budget)
    yield from beside("all seven indicators, a closed candle (yata: without VWAP)",
                      "indicators/all seven", budget="40 ns")
    names = [g.removeprefix("indicators/") for g in found if g.startswith("indicators/")]
    others = [name for name in sorted(names) if name not in [*SEVEN, "all seven"]]
    for name in [*SEVEN, *others]:
        yield from beside(f"`{name}`, a closed candle", f"indicators/{name}")
    for depth, budget in [(1, "1 µs"), (32, ""), (300, "")]:
        yield from beside(f"restate a row's candle {depth} from the end, seven indicators",
                          "restate", f"ours/{depth}", budget)
    yield from beside("a condition of three comparisons, for one of eight symbols judged at once",
                      "rules/condition", budget="0.10")
    yield from beside("the same, judged alone", "rules/condition", "one by one")
    minute = "a minute's end of 2,000 symbols with 200 rules on 1m, 3m and 15m"
    for group, what, budget in [("rules/close", f"{minute}: 1m alone closes", "5 ms"),
                                ("rules/close of all", "the same, all three close", "5 ms"),
                                ("rules/heartbeat", "the same, a heartbeat without a close", ""),
                                ("rules/forming", "the same on candles that form: a heartbeat", "")]:
        values = found.get(group, {})
        for threads in (1, 2):
            if f"ours/{threads}" in values:
                ours, without = values[f"ours/{threads}"], values.get(f"without/{threads}")
                where = f"{what}, {threads} thread{'s' * (threads > 1)}"
                yield row(where, duration(ours), without and f"without rules {duration(without)}",
                          without and f"{ours / without:.2f}", budget)
    if "resident_mb" in memory:
        yield row("resident, 2,000 symbols x 3 intervals x 300 candles",
                  f"{memory['resident_mb']:.0f} MB", budget="250 MB")
    if "candle_bytes" in memory:
        yield row("a closed candle", f"{memory['candle_bytes']:.0f} bytes", budget="64 bytes")
    for size, per_event, median, least, most in printed(folder, "recording"):
        yield row(f"measuring a live step of {size} event{'s' * (size != '1')}",
                  f"{median} % ({least} to {most})", f"unmeasured {per_event} ns an event",
                  budget="2 %")


def bounds(found, folder):
    """What this machine allows at most, beside ours."""
    most = {name: float(value) for name, value in printed(folder, "machine")}
    if not most:
        return

    def ours(group, name):
        values = found.get(group, {})
        return duration(values[name]) if name in values else ""

    def gain(group, name):
        values = found.get(group, {})
        both = [values.get(f"{name}/{threads}") for threads in (1, 2)]
        return f"{both[0] / both[1]:.2f} times" if all(both) else ""

    yield ("memory is read, one thread", f"{most['read_gb_s']:.1f} GB/s", "")
    yield ("memory is read and written, one thread", f"{most['update_gb_s']:.1f} GB/s", "")
    size = most["trade_bytes"]
    yield (f"a decoded print of {size:.0f} bytes is read from memory",
           duration(size / most["read_gb_s"]), ours("replay/500/20000", "engine/1"))
    size = most["candle_bytes"]
    yield (f"{size:.0f} bytes of a row are read and written to close a candle (ours: in the "
           "cache)", duration(size / most["update_gb_s"]),
           ours("indicators/all seven", "ours"))
    yield ("a read from a socket brings one frame", f"{most['socket_ns']:.0f} ns", "")
    yield ("a second thread, on arithmetic in registers (ours: a minute's end with rules)",
           f"{most['gain_arithmetic']:.2f} times", gain("rules/close", "ours"))
    yield ("a second thread, on reading memory (ours: a replay of 10,000 symbols)",
           f"{most['gain_reading']:.2f} times", gain("replay/10000/100000", "engine"))


def machine():
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpus)
    count = subprocess.check_output(["nproc"], text=True).strip()
    rustc = subprocess.check_output(["rustc", "--version"], text=True).strip()
    return f"{count} x {model[1] if model else 'unknown processor'}, {rustc}"


def main():
    folder = pathlib.Path(sys.argv[1])
    print("Medians of one run. The ratio is our time over theirs: below 1 we are faster; the budget "
          "of a\nreplay is such a ratio. `all seven` has the ring, the saved states to roll back to "
          "and the values in\nit, the rows below it the arithmetic alone.\n")
    print("| what | ours | beside | ratio | budget |\n|---|---|---|---|---|")
    for line in rows(figures(folder), folder):
        print(line)
    curves = list(scaling(folder))
    if curves:
        print("\nA print, as one thing grows around 500 symbols, 3 intervals, 7 indicators and 300 "
              "candles of\nlookback; 500 prints a second of all symbols, so that candles close "
              "often, unless it says otherwise.\n")
        print("| what grows | 1 thread | of the first | 2 threads | hand-written loop |")
        print("|---|---|---|---|---|")
        for line in curves:
            print(line)
    most = list(bounds(figures(folder), folder))
    if most:
        print("\nWhat this machine does at most, and what we do of it:\n")
        print("| bound | at most | ours |\n|---|---|---|")
        for what, limit, own in most:
            print(f"| {what} | {limit} | {own} |")
    print(f"\n{machine()}")


main()
