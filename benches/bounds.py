#!/usr/bin/env python3
"""What a session bears, as Markdown: the ends of minutes at many symbols, and a burst.

    benches/bounds.py [minutes | burst]    both take some twelve minutes; a quiet machine

The program is target/release/tapescan, or $TAPESCAN. Nothing leaves the machine.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

TAPESCAN = os.environ.get("TAPESCAN", "target/release/tapescan")

SYMBOLS = [500, 2_000, 10_000]
RATE = 20_000
# The end of a minute, some time before it for the warm-up, and calm seconds around it; 15m candles
# end with it.
SECONDS = 70
START = 1_723_161_600 + 15 * 60 - 40


def tapescan(*words):
    done = subprocess.run([TAPESCAN, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"tapescan {' '.join(words)}: {done.stderr}")
    return done.stdout


def time_of(ns):
    for limit, scale, unit in [(1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")]:
        if ns < limit:
            break
    return f"{ns / scale:.3g} {unit}"


def minutes(folder):
    """Profiles at the recorded pace, over a WebSocket on loopback, of tapes whose minutes end."""
    print("| symbols x 3 intervals | threads | response p50 / p99 / p99.9 / most, calm | "
          "within a second of the end | p99.9 over calm | the step that closes |")
    print("|---|---|---|---|---|---|")
    for symbols in SYMBOLS:
        tape = folder / f"{symbols}.tape"
        spec = f"symbols={symbols},rate={RATE},seed=5,duration={SECONDS}s,start={START},quiet=0"
        tapescan("tape", "generate", spec, "--out", str(tape))
        for threads in (1, 2):
            out = folder / "profile"
            tapescan("profile", str(tape), "--rate", "recorded", "--repeat", "1",
                     "--threads", str(threads), "--out", str(out))
            cells = json.loads((out / "profile.json").read_text())["cells"]
            of = {(it["stage"], it["kind"], it["phase"]): it for it in cells}
            both = [of["response", "trade", phase] for phase in ("calm", "boundary")]
            told = [" / ".join(time_of(value) for value in [
                *(it["percentiles"][name] for name in ("p50", "p99", "p99.9")), it["max"]
            ]) for it in both]
            ratio = both[1]["percentiles"]["p99.9"] / both[0]["percentiles"]["p99.9"]
            longest = of["step-length", "all", "boundary"]["max"]
            print(f"| {symbols:,} | {threads} | {told[0]} | {told[1]} | {ratio:.2f} | "
                  f"{time_of(longest)} |", flush=True)
        tape.unlink()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def burst(folder):
    """A live session beside a market that trades ten times its calm rate for some seconds."""
    at = f"127.0.0.1:{free_port()}"
    market = "symbols=500,rate=20000,seed=4,burst=10,boundary=1"
    sim = subprocess.Popen([TAPESCAN, "sim", "--listen", at, "--synthetic", market,
                            "--keep", "12000000"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(5)
        lines = tapescan("live", "--exchange", "binance", "--symbols", "all", "--json",
                         "--requests", f"http://{at}", "--streams", f"ws://{at}",
                         "--for", "300s").splitlines()
    finally:
        sim.send_signal(signal.SIGINT)
        sim.wait(30)
    seconds = [it for it in map(json.loads, lines) if "trades_per_s" in it and "inbox_max" in it]
    seconds = [it for it in seconds[60:] if it.get("lag_ms_p99") is not None]
    rates = sorted(it["trades_per_s"] for it in seconds)
    calm = rates[len(rates) // 2]
    runs, run = [], []
    for it in seconds:
        if it["trades_per_s"] > 4 * calm:
            run.append(it)
        elif run:
            # How long until the lag was that of calm seconds again.
            runs.append((run, it))
            run = []
    usual = sorted(it["lag_ms_p99"] for it in seconds)[len(seconds) // 2]
    print("| | trades a second | lag at p99 |\n|---|---|---|")
    print(f"| calm, the median second | {calm:,.0f} | {usual:.1f} ms |")
    for run, after in runs:
        print(f"| {len(run)} s of a burst | {max(it['trades_per_s'] for it in run):,.0f} | "
              f"{max(it['lag_ms_p99'] for it in run):.1f} ms; the second after it "
              f"{after['lag_ms_p99']:.1f} ms |")
    last = seconds[-1]
    print(f"\nThe inbox held at most {last['inbox_max']:,} of 16,384; {last['links_lost']} connections "
          f"lost, {last['gaps']} gaps, response p99 {last['response_us_p99']:.0f} µs, at most "
          f"{last['response_us_max'] / 1e3:.1f} ms.")


def main():
    what = sys.argv[1:] or ["minutes", "burst"]
    with tempfile.TemporaryDirectory() as folder:
        for one in what:
            {"minutes": minutes, "burst": burst}[one](pathlib.Path(folder))


main()
