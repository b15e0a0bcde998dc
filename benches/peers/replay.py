"""Replays the same trades with tapescan and its peers in Python, and prints a table.

    python benches/peers/replay.py TAPESCAN FOLDER [--sizes 1,20,500] [--trades N] [--rounds N]

Each contender works in a process of its own, on one thread. All take turns in every round, and what
counts is the median of the rounds. Reading the trades is not counted for the peers; for tapescan,
it is.
"""

import argparse
import csv
import gc
import json
import pathlib
import statistics
import subprocess
import sys
import time
from decimal import Decimal

import market
import work

MINUTES = 120
# Seconds after which a contender has lost.
PATIENCE = 180


def with_loop(trades):
    """Candles by a loop in Python, with whole numbers."""
    fold = work.Fold()
    begin = time.perf_counter()
    for trade in trades:
        fold.take(trade.symbol, trade.time, trade.price, trade.quantity)
    seconds = time.perf_counter() - begin
    names = dict(zip(work.LENGTHS_MS, work.INTERVALS))
    # Nothing closes the candles that no trade follows.
    last = [
        (symbol, length, candle)
        for symbol, candles in fold.forming.items()
        for length, candle in zip(work.LENGTHS_MS, candles)
    ]
    return seconds, [
        (symbol, names[length], *candle) for symbol, length, candle in fold.closed + last
    ]


def with_ccxt(trades):
    """Candles by ccxt's `build_ohlcvc`, a call for each symbol and interval."""
    import ccxt

    exchange = ccxt.binance()
    by_symbol = {}
    for trade in trades:
        by_symbol.setdefault(trade.symbol, []).append({
            "timestamp": trade.time,
            "price": trade.price / 10**market.PRICE_DIGITS,
            "amount": trade.quantity / 10**market.QUANTITY_DIGITS,
        })
    gc.freeze()
    begin = time.perf_counter()
    built = [
        (symbol, name, exchange.build_ohlcvc(own, name))
        for symbol, own in by_symbol.items() for name in work.INTERVALS
    ]
    seconds = time.perf_counter() - begin
    units = [10**market.PRICE_DIGITS] * 4 + [10**market.QUANTITY_DIGITS]
    return seconds, [
        (symbol, name, opened, *(round(number * unit) for number, unit in zip(numbers, units)))
        for symbol, name, candles in built for opened, *numbers, _ in candles
    ]


def instruments(symbols):
    """nautilus_trader's instruments of these names, by name."""
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.enums import CurrencyType
    from nautilus_trader.model.identifiers import InstrumentId, Symbol
    from nautilus_trader.model.instruments import CurrencyPair
    from nautilus_trader.model.objects import Currency, Price, Quantity

    def one(symbol):
        base = symbol.removesuffix("USDT")
        return CurrencyPair(
            instrument_id=InstrumentId.from_str(f"{symbol}.BINANCE"),
            raw_symbol=Symbol(symbol),
            base_currency=Currency(base, 8, 0, base, CurrencyType.CRYPTO),
            quote_currency=USDT,
            price_precision=market.PRICE_DIGITS,
            size_precision=market.QUANTITY_DIGITS,
            price_increment=Price.from_str(market.decimal(1, market.PRICE_DIGITS)),
            size_increment=Quantity.from_str(market.decimal(1, market.QUANTITY_DIGITS)),
            ts_event=0,
            ts_init=0,
        )

    return {symbol: one(symbol) for symbol in symbols}


def ticks(trades, known, later_ns=0):
    """The trades as nautilus_trader wants them, all stamped so much later."""
    from nautilus_trader.model.data import TradeTick
    from nautilus_trader.model.enums import AggressorSide
    from nautilus_trader.model.identifiers import TradeId
    from nautilus_trader.model.objects import Price, Quantity

    sides = (AggressorSide.BUYER, AggressorSide.SELLER)
    return [
        TradeTick(
            known[trade.symbol].id,
            Price.from_str(market.decimal(trade.price, market.PRICE_DIGITS)),
            Quantity.from_str(market.decimal(trade.quantity, market.QUANTITY_DIGITS)),
            sides[trade.buyer_is_maker],
            TradeId(str(trade.id)),
            trade.time * 1_000_000 + later_ns,
            trade.time * 1_000_000 + later_ns,
        )
        for trade in trades
    ]


def candles_of(bars):
    """nautilus_trader's bars as everyone's candles; one says when it ended in `ts_init`."""
    names = {minutes: name for name, minutes in work.INTERVALS.items()}
    for bar in bars:
        minutes = bar.bar_type.spec.step
        opened = bar.ts_init // 1_000_000 - minutes * 60_000
        prices = [bar.open, bar.high, bar.low, bar.close]
        yield (
            bar.bar_type.instrument_id.symbol.value, names[minutes], opened,
            *(int(price.as_decimal().scaleb(market.PRICE_DIGITS)) for price in prices),
            int(bar.volume.as_decimal().scaleb(market.QUANTITY_DIGITS)),
        )


def with_engine(trades):
    """nautilus_trader's BacktestEngine: bars and indicators of an actor, and no orders."""
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import Money

    engine = BacktestEngine(BacktestEngineConfig(
        logging=LoggingConfig(bypass_logging=True),
        run_analysis=False,
    ))
    engine.add_venue(
        Venue("BINANCE"), OmsType.NETTING, AccountType.CASH, [Money(1, USDT)],
        bar_execution=False, trade_execution=False,
    )
    known = instruments({trade.symbol for trade in trades})
    for instrument in known.values():
        engine.add_instrument(instrument)
    actor = work.scanner([instrument.id for instrument in known.values()])
    engine.add_actor(actor)
    # It folds a trade stamped with the very end of a candle into that one, unlike the exchange,
    # whatever its `time_bars_interval_type`. A nanosecond later, it is in the next.
    engine.add_data(ticks(trades, known, later_ns=1))
    gc.freeze()
    begin = time.perf_counter()
    engine.run()
    return time.perf_counter() - begin, list(candles_of(actor.bars))


def with_aggregators(trades):
    """nautilus_trader's bar aggregators and indicators alone, driven by hand."""
    from nautilus_trader.common.component import TestClock
    from nautilus_trader.data.aggregation import TimeBarAggregator
    from nautilus_trader.model.data import BarType

    known, bars, clock = instruments({trade.symbol for trade in trades}), [], TestClock()
    clock.set_time(market.START_MS * 1_000_000)

    def aggregator(instrument, minutes):
        own = work.indicators()

        def closed(bar):
            bars.append(bar)
            for indicator in own:
                indicator.handle_bar(bar)

        bar_type = BarType.from_str(f"{instrument.id}-{minutes}-MINUTE-LAST-INTERNAL")
        one = TimeBarAggregator(instrument, bar_type, closed, clock)
        one.start_timer()
        return one

    rows = {
        instrument.id: [
            aggregator(instrument, minutes).handle_trade_tick
            for minutes in work.INTERVALS.values()
        ]
        for instrument in known.values()
    }
    given = ticks(trades, known)
    due, minute = 0, 60_000_000_000
    gc.freeze()
    begin = time.perf_counter()
    for tick in given:
        at = tick.ts_event
        if at >= due:
            for event in clock.advance_time(at):
                event.handle()
            due = at - at % minute + minute
        for handle in rows[tick.instrument_id]:
            handle(tick)
    return time.perf_counter() - begin, list(candles_of(bars))


# Each with what it does not do of the work.
CONTENDERS = {
    "nautilus_trader, aggregators alone": (with_aggregators, "no engine around them"),
    "nautilus_trader, BacktestEngine": (with_engine, ""),
    "ccxt, build_ohlcvc": (with_ccxt, "candles alone, none of quiet time"),
    "loop in Python": (with_loop, "candles alone, none of quiet time"),
}


def contend(name, folder, out):
    """Carries out one contender, and writes its candles to a file."""
    seconds, candles = CONTENDERS[name][0](market.read(folder))
    with open(out, "w", newline="", encoding="ascii") as file:
        csv.writer(file).writerows(candles)
    print(json.dumps({"seconds": seconds}))


def read_candles(path):
    """A contender's candles: numbers by symbol, interval and open time in ms."""
    with open(path, newline="", encoding="ascii") as file:
        return {
            (symbol, name, int(opened)): tuple(map(int, numbers))
            for symbol, name, opened, *numbers in csv.reader(file)
        }


def read_ours(path):
    """The same of a file of `tapescan replay --candles`, and the keys of those with trades."""
    digits = [market.PRICE_DIGITS] * 4 + [market.QUANTITY_DIGITS]
    found, traded = {}, set()
    with open(path, newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            if not row["open"]:
                continue
            key = row["symbol"], row["interval"], int(row["open_time_ms"])
            texts = [row[name] for name in ("open", "high", "low", "close", "volume")]
            found[key] = tuple(int(Decimal(t).scaleb(d)) for t, d in zip(texts, digits))
            if int(row["trades"]):
                traded.add(key)
    return found, traded


def run(command):
    """The last line of what a command prints, as JSON."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, timeout=PATIENCE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


class Market:
    """One market, and what came out of it."""

    def __init__(self, given, symbols):
        self.tapescan, self.folder = given.tapescan, given.folder / f"market-{symbols}"
        files = market.write(self.folder, symbols, given.trades, MINUTES, seed=7)
        self.tape = self.folder / "market.tape"
        self.tape.unlink(missing_ok=True)
        subprocess.run(
            [self.tapescan, "import", "--format", "binance-csv", "--venue", "binance",
             *files, "--out", self.tape],
            check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE,
        )
        ours = self.folder / "tapescan.csv"
        ours.unlink(missing_ok=True)
        summary = run([self.tapescan, "replay", self.tape, "--json", "--candles", ours])
        self.symbols, self.trades = symbols, summary["trades"]
        self.ours, self.traded = read_ours(ours)
        self.seconds = {}

    def round(self):
        """Lets everyone have a turn; ours is short, and has three."""
        for _ in range(3):
            summary = run([self.tapescan, "replay", self.tape, "--json"])
            self.seconds.setdefault("tapescan", []).append(summary["elapsed_s"])
        for name in CONTENDERS:
            out = self.folder / f"{name.replace(' ', '-')}.csv"
            command = [sys.executable, __file__, "--contender", name, self.folder, out]
            self.seconds.setdefault(name, []).append(run(command)["seconds"])

    def compare(self, name):
        """How many candles both have, and how many of these have the same five numbers."""
        theirs = read_candles(self.folder / f"{name.replace(' ', '-')}.csv")
        # Who makes none of quiet time is asked only for the others, and so for all we have.
        due = self.traded if "quiet" in CONTENDERS[name][1] else self.ours.keys()
        same = sum(theirs.get(key) == self.ours[key] for key in due)
        return same, len(due)

    def lines(self):
        """The rows of the table."""
        median = {name: statistics.median(all_) for name, all_ in self.seconds.items()}
        ours = median.pop("tapescan")
        many = f"{self.symbols:,} symbol{'s' * (self.symbols > 1)}, {self.trades:,} trades"
        yield (f"| {many} | tapescan "
               f"| {self.trades / ours:,.0f} | | {len(self.ours):,} |  |")
        for name, seconds in median.items():
            same, due = self.compare(name)
            yield (f"|  | {name} | {self.trades / seconds:,.0f} | {ours / seconds:.4f} "
                   f"| {same:,} of {due:,} | {CONTENDERS[name][1]} |")


def main():
    if sys.argv[1:2] == ["--contender"]:
        contend(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tapescan", type=pathlib.Path, help="the program")
    parser.add_argument("folder", type=pathlib.Path, help="where trades and candles are put")
    parser.add_argument("--sizes", default="1,20,500", help="numbers of symbols")
    parser.add_argument("--trades", type=int, default=1_000_000, help="trades of each market")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("| market | who | trades a second | our time over theirs | candles equal to ours "
          "| what is not done |\n|---|---|---|---|---|---|")
    for symbols in map(int, given.sizes.split(",")):
        one = Market(given, symbols)
        for _ in range(given.rounds):
            one.round()
        for line in one.lines():
            print(line, flush=True)


if __name__ == "__main__":
    main()
