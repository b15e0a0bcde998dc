"""A seeded market for everyone alike: trades as files of Binance's public archive.

`write` makes one file per symbol, `read` gives the trades back in the order of time. The files are
what `tapescan import --format binance-csv` reads, so all sides are given the same trades.
"""

import pathlib
import random
import typing

# 2024-08-09 00:00 UTC, in milliseconds: every interval that is measured begins there.
START_MS = 1_723_161_600_000
PRICE_DIGITS, QUANTITY_DIGITS = 2, 5


class Trade(typing.NamedTuple):
    """One trade: `time` in ms since 1970, `price` and `quantity` in units of their last digit."""

    time: int
    symbol: str
    id: int
    price: int
    quantity: int
    buyer_is_maker: bool


def decimal(units, digits):
    """Such a number as the exchange writes it."""
    whole, rest = divmod(units, 10**digits)
    return f"{whole}.{rest:0{digits}d}"


def write(folder, symbols, trades, minutes, seed):
    """Writes about `trades` trades of `symbols` symbols over `minutes`, and gives the files.

    The n-th symbol trades in proportion to 1 / (n + 2), and at least once right at the start, so
    that its first candle is whole. Prices walk by at most five ticks a trade.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    weights = [1 / (place + 2) for place in range(symbols)]
    paths = []
    for place, weight in enumerate(weights):
        count = max(round(trades * weight / sum(weights)), 1)
        span = minutes * 60_000
        times = [0] + sorted(source.randrange(span) for _ in range(count - 1))
        price = source.randrange(1_000, 5_000_000)
        path = folder / f"P{place:03}USDT-trades-2024-08-09.csv"
        with path.open("w", encoding="ascii") as out:
            for number, time in enumerate(times, 1):
                price = max(price + source.randint(-5, 5), 100)
                quantity = source.randrange(1, 500_000)
                out.write(
                    f"{number},{decimal(price, PRICE_DIGITS)},{decimal(quantity, QUANTITY_DIGITS)},"
                    f"{decimal(price * quantity, PRICE_DIGITS + QUANTITY_DIGITS)},"
                    f"{START_MS + time},{source.choice(('True', 'False'))},True\n"
                )
        paths.append(path)
    return paths


def read(folder):
    """All trades of the files in a folder, in the order of time."""
    trades = []
    for path in sorted(pathlib.Path(folder).glob("*-trades-*.csv")):
        symbol = path.name.split("-")[0]
        with path.open(encoding="ascii") as lines:
            for line in lines:
                number, price, quantity, _, time, maker, _ = line.split(",")
                trades.append(
                    Trade(int(time), symbol, int(number), int(price.replace(".", "")),
                          int(quantity.replace(".", "")), maker == "True")
                )
    trades.sort(key=lambda trade: trade.time)
    return trades
