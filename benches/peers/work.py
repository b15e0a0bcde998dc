"""What everyone is to do: candles of three intervals, and indicators where a library has any."""

# Lengths of candles by name, in minutes.
INTERVALS = {"1m": 1, "3m": 3, "15m": 15}
LENGTHS_MS = [minutes * 60_000 for minutes in INTERVALS.values()]


class Fold:
    """The loop that one writes by hand in Python: candles alone, and only of time with trades.

    A candle is `[open time in ms, open, high, low, close, volume]`.
    """

    def __init__(self):
        self.forming = {}
        self.closed = []

    def take(self, symbol, time, price, quantity):
        """Folds one trade; trades of a symbol come in the order of time."""
        candles = self.forming.get(symbol)
        if candles is None:
            self.forming[symbol] = [
                [time - time % length, price, price, price, price, quantity]
                for length in LENGTHS_MS
            ]
            return
        for place, length in enumerate(LENGTHS_MS):
            candle = candles[place]
            if time >= candle[0] + length:
                self.closed.append((symbol, length, candle))
                candles[place] = [time - time % length, price, price, price, price, quantity]
                continue
            if price > candle[2]:
                candle[2] = price
            elif price < candle[3]:
                candle[3] = price
            candle[4] = price
            candle[5] += quantity


def indicators():
    """nautilus_trader's own of the seven that tapescan has by default.

    Its MACD has no signal line, and it begins averages with the first value. Its RSI is told to
    average as Wilder does.
    """
    from nautilus_trader import indicators as theirs

    wilder = theirs.MovingAverageType.WILDER
    return [
        theirs.VolumeWeightedAveragePrice(),
        theirs.AverageTrueRange(14, wilder),
        theirs.ExponentialMovingAverage(12),
        theirs.ExponentialMovingAverage(26),
        theirs.RelativeStrengthIndex(14, wilder),
        theirs.MovingAverageConvergenceDivergence(12, 26),
        theirs.BollingerBands(20, 2.0),
    ]


def scanner(instruments, heard=None):
    """nautilus_trader's actor that asks for all bars of `instruments`, with the indicators.

    `heard`, if given, gets every trade.
    """
    from nautilus_trader.common.actor import Actor
    from nautilus_trader.model.data import BarType

    class Scanner(Actor):
        def __init__(self):
            super().__init__()
            self.bars = []

        def on_start(self):
            for instrument in instruments:
                if heard:
                    self.subscribe_trade_ticks(instrument)
                for minutes in INTERVALS.values():
                    bars = BarType.from_str(f"{instrument}-{minutes}-MINUTE-LAST-INTERNAL")
                    for indicator in indicators():
                        self.register_indicator_for_bars(bars, indicator)
                    self.subscribe_bars(bars)

        def on_bar(self, bar):
            self.bars.append(bar)

        def on_trade_tick(self, tick):
            heard(tick)

    return Scanner()
