"""Follows a simulated exchange with tapescan and its peers in Python, and prints a table.

    python benches/peers/live.py TAPESCAN FOLDER [--rates 1000,5000,20000,60000]
        [--clients tapescan,nautilus_trader,cryptofeed,ccxt.pro] [--symbols N] [--seconds N]

Every client has an exchange of its own on loopback, one after the other at each rate, and begins
at the same second of a minute, so that the end of the next is measured with each. All follow the
aggregate trades of all symbols and fold them into candles of three intervals.

Ages count from the exchange's stamp of the trade, by its clock, until it is folded: medians over
the seconds of what each second's median and 99th percentile were.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

# The second of a minute at which a client is started, and that from which it is measured: by then
# tapescan has fetched what was traded in this minute before.
BEGIN, FROM = 10, 34
# It keeps up if it is not further behind than this, in ms, and misses nothing.
BEHIND_MS = 1_000

# Without what no other has: candles of the past, repair, rules, tables.
CONFIG = '[reconcile]\nscope = "off"\n'

# What each does of the work beside the candles.
CLIENTS = {
    "tapescan": "7 indicators, marks",
    "nautilus_trader": "7 indicators",
    "cryptofeed": "",
    "ccxt.pro": "",
}
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """What a process has used so far, its threads included."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def address(exchange):
    """Where the exchange listens: it says so in its first line."""
    for line in exchange.stdout:
        if line.startswith("requests"):
            return line.split("http://")[1].strip()
    raise SystemExit("the exchange does not start")


def command(name, given, host, seconds):
    """How a client is started; it ends by itself after so many seconds."""
    if name == "tapescan":
        config = given.folder / "live.toml"
        config.write_text(CONFIG)
        return [given.tapescan, "live", "--config", config, "--exchange", "binance",
                "--symbols", "all", "--requests", f"http://{host}", "--streams", f"ws://{host}",
                "--for", f"{seconds}s", "--json", "--log-level", "error"]
    script = pathlib.Path(__file__).with_name("follow.py")
    return [sys.executable, script, name, host, str(seconds)]


class Reading:
    """A line of a client, and when it came."""

    def __init__(self, line, pid):
        self.at, self.cpu, self.line = time.monotonic(), cpu_seconds(pid), line
        self.lost = line.get("missing", 0) + line.get("gaps", 0) + line.get("links_lost", 0)

    def lag_ms(self, share):
        """How old trades were when the client had them, or `None`."""
        lag = self.line[f"lag_ms_{share}"]
        # tapescan's ends at the receipt; from there to the end of its work is another number.
        return lag and lag + self.line.get(f"response_us_{share}", 0) / 1e3


def readings(client, begin, end):
    """The readings between two instants of this machine, in seconds since 1970."""
    found = []
    for text in client.stdout:
        line = json.loads(text)
        # Alerts have lines of their own, and so has the summary.
        if "lag_ms_p50" in line and time.time() >= begin:
            found.append(Reading(line, client.pid))
        if time.time() >= end:
            break
    return found


def measure(name, rate, given):
    """One client at one rate: its readings."""
    limit = FROM - BEGIN + given.seconds + 5
    spec = f"symbols={given.symbols},rate={rate},burst=1,boundary=1,quiet=0,seed=11"
    log = (given.folder / f"{name}-{rate}.log").open("w")
    exchange = client = None
    # The exchange trades before, so that it has something behind it.
    time.sleep((BEGIN - 3 - time.time()) % 60)
    begin = time.time() + 3 + FROM - BEGIN
    try:
        exchange = subprocess.Popen(
            [given.tapescan, "sim", "--listen", "127.0.0.1:0", "--synthetic", spec,
             "--for", f"{limit + 20}s"],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )
        host = address(exchange)
        time.sleep(max(begin - FROM + BEGIN - time.time(), 0))
        client = subprocess.Popen(
            command(name, given, host, limit), stdout=subprocess.PIPE, stderr=log,
            text=True, cwd=given.folder,
        )
        patience = threading.Timer(limit + 10, client.kill)
        patience.start()
        try:
            return readings(client, begin, begin + given.seconds)
        finally:
            patience.cancel()
    finally:
        for process in (client, exchange):
            if process:
                process.kill()
                process.wait()
        log.close()


def row(name, rate, found):
    """A row of the table, and the CPU time of 1,000 trades in ms."""
    if len(found) < 3 or found[-1].line["trades"] == found[0].line["trades"]:
        return f"| {rate:,} | {name} | ended, or brought nothing |  |  |  |  |  |  |", None
    first, last = found[0], found[-1]
    trades = last.line["trades"] - first.line["trades"]
    cpu = (last.cpu - first.cpu) / trades * 1e6
    lags = {
        share: [lag for one in found if (lag := one.lag_ms(share)) is not None]
        for share in ("p50", "p99")
    }
    p50, p99 = (statistics.median(lags[share]) for share in ("p50", "p99"))
    closed = last.line["candles"] - first.line["candles"]
    behind, lost = lags["p50"][-1], max(last.lost - first.lost, 0)
    well = behind < BEHIND_MS and lost == 0
    verdict = "yes" if well else f"no: {behind:,.0f} ms behind, {lost:,} missing"
    return (
        f"| {rate:,} | {name} | {trades / (last.at - first.at):,.0f} | {cpu:.1f} ms | RATIO "
        f"| {p50:,.1f} / {p99:,.1f} ms | {verdict} | {closed:,} | {CLIENTS[name]} |"
    ), cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tapescan", type=pathlib.Path, help="the program")
    parser.add_argument("folder", type=pathlib.Path, help="where logs are put")
    parser.add_argument("--rates", default="1000,5000,20000,60000", help="trades a second")
    parser.add_argument("--clients", default=",".join(CLIENTS), help="ours first")
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=30, help="how long each is measured")
    given = parser.parse_args()
    given.tapescan, given.folder = given.tapescan.resolve(), given.folder.resolve()
    given.folder.mkdir(parents=True, exist_ok=True)
    print("| trades a second | who | aggregates it got | CPU time of 1,000 | our CPU over theirs "
          "| age when folded, p50 / p99 | keeps up | candles | beside them |\n"
          "|---|---|---|---|---|---|---|---|---|")
    for rate in map(int, given.rates.split(",")):
        ours = None
        for name in given.clients.split(","):
            line, cpu = row(name, rate, measure(name, rate, given))
            ours = cpu if name == "tapescan" else ours
            ratio = f"{ours / cpu:.3f}" if name != "tapescan" and ours and cpu else ""
            print(line.replace("RATIO", ratio), flush=True)


if __name__ == "__main__":
    main()
