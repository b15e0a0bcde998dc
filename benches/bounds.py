"""What `bounds.sh` measured, as Markdown tables."""

import json
import pathlib
import statistics
import sys

from markdown import duration

SYMBOLS = [500, 2_000, 10_000]
INBOX = 16_384


def profile(folder, name):
    path = folder / name / "profile.json"
    return json.loads(path.read_text()) if path.exists() else None


def cell(of, stage, phase, kind="trade"):
    for each in of["cells"]:
        if (each["stage"], each["kind"], each["phase"]) == (stage, kind, phase):
            return each
    return {"count": 0, "max": 0, "percentiles": {}}


def high_water(of):
    # Histograms keep three digits, rounded up.
    return f"{min(max(of['inbox_max']), INBOX):,}"


def several(of, stage, phase, names, kind="trade"):
    percentiles = cell(of, stage, phase, kind)["percentiles"]
    return " / ".join(duration(percentiles.get(name)) for name in names)


def live(folder):
    calm, flat_out = profile(folder, "minute-500"), profile(folder, "max")
    if not calm and not flat_out:
        return
    print("| live, 500 symbols, 7 indicators on each of 3 intervals, loopback | seen | budget |")
    print("|---|---|---|")
    if calm:
        for stage, what, budget in [
                ("updated", "read from the socket -> indicators updated", "30 µs / 150 µs"),
                ("inbox", "of it: waiting in the inbox", ""),
                ("service", "of it: decoding and the step", ""),
                ("response", "due -> end of the step, with the load's own lateness", ""),
                ("send", "that lateness", "")]:
            print(f"| 20,000 trades/s, {what}, p50 / p99 "
                  f"| {several(calm, stage, 'calm', ['p50', 'p99'])} | {budget} |")
    if flat_out:
        rates = sorted(flat_out["prints_per_s"])
        print(f"| sustained maximum, median of {len(rates)} runs, least and most | "
              f"{statistics.median(rates):,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f}) trades/s "
              "| 500,000 trades/s |")


def minute(folder):
    runs = [profile(folder, f"minute-{symbols}") for symbols in SYMBOLS]
    if not any(runs):
        return
    print("| end of a minute, 20,000 trades/s, 3 times that in its first second | 500 symbols "
          "| 2,000 symbols | 10,000 symbols | budget |\n|---|---|---|---|---|")

    def row(what, show, budget=""):
        print(f"| {what} | {' | '.join(show(run) if run else '' for run in runs)} | {budget} |")

    def ratio(stage):
        def of(run):
            ends, calm = (cell(run, stage, phase)["percentiles"]["p99.9"]
                          for phase in ("boundary", "calm"))
            return f"{ends / calm:.1f}"
        return of

    for stage, what, budget in [("response", "due -> end of the step", "2"),
                                ("updated", "read -> indicators updated", "2")]:
        names = ["p50", "p99", "p99.9"]
        row(f"{what}, calm seconds: p50 / p99 / p99.9",
            lambda run: several(run, stage, "calm", names))
        row("the same, ends of minutes", lambda run: several(run, stage, "boundary", names))
        row("p99.9 at ends of minutes over calm", ratio(stage), budget)
    row("candles that closed",
        lambda run: f"{cell(run, 'closing', 'boundary', 'all')['count']:,}")
    closing = "heartbeat read -> closes dispatched"
    row(f"{closing}, p50", lambda run: several(run, "closing", "boundary", ["p50"], "all"))
    row(f"{closing}, longest",
        lambda run: duration(cell(run, "closing", "boundary", "all")["max"]), "5 ms")
    for stage in ["aggregate", "indicate", "reconcile", "dispatch", "deliver"]:
        row(f"longest `{stage}` at an end of a minute",
            lambda run: duration(cell(run, stage, "boundary", "heartbeat")["max"]))
    row("inbox, high-water of 16,384", high_water)
    row("resident", lambda run: f"{run['resident_max_bytes'][0] / 1e6:,.0f} MB, the tape with it")


def surge(folder):
    runs = [profile(folder, f"surge-{symbols}") for symbols in SYMBOLS]
    if not any(runs):
        return
    print("| ten times 20,000 trades/s for 10 s | 500 symbols | 2,000 symbols | 10,000 symbols |")
    print("|---|---|---|---|")

    def row(what, show):
        print(f"| {what} | {' | '.join(show(run) if run else '' for run in runs)} |")

    def points(run, surging):
        drain, found = run["drains"][0], run["points"][0]
        # Points count from the beginning of the run; the measured part ends with the last one.
        start = found[-1]["at_s"] - run["elapsed_s"][0]
        ends = [(point, point["at_s"] - start) for point in found]
        if surging:
            return [point for point, end in ends
                    if drain["from_s"] <= end - point["length_s"] and end <= drain["to_s"]]
        return [point for point, end in ends if end < drain["from_s"]]

    def over(run, surging, name):
        return duration(statistics.median(point[name] for point in points(run, surging)))

    def rate(run):
        drain = run["drains"][0]
        return f"{drain['entries'] / (drain['to_s'] - drain['from_s']):,.0f}"

    row("entries a second in it", rate)
    for name in ["p50", "p99"]:
        row(f"due -> end of the step, {name}, middle second before it",
            lambda run: over(run, False, name))
        row("the same, middle second of it", lambda run: over(run, True, name))
    row("longest wait of any trade", lambda run: duration(run["drains"][0]["worst_ns"]))
    row("inbox, high-water of 16,384", high_water)
    row("after its last trade, waits are those of before again within",
        lambda run: duration(run["drains"][0]["drained_ns"]))
    row("such a wait, p99 of steps", lambda run: duration(run["drains"][0]["calm_ns"]))


def main():
    folder = pathlib.Path(sys.argv[1])
    for table in [live, minute, surge]:
        table(folder)
        print()


main()
