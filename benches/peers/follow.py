"""A peer in Python that follows the simulated exchange: trades into candles.

    python benches/peers/follow.py ccxt.pro|cryptofeed|nautilus_trader HOST:PORT SECONDS

Prints a JSON object a second, with the names that `tapescan live --json` uses, and ends by itself.
"""

import asyncio
import json
import os
import sys
import threading
import time
import urllib.request

import work


class Ear:
    """Where every trade ends up: in candles, with its id and its age looked at."""

    def __init__(self, fold, ahead_ms):
        self.fold, self.ahead_ms = fold, ahead_ms
        self.candles = fold.closed if fold else []
        self.ids = {}
        self.ages_ms = []
        self.trades = self.missing = self.repeated = 0

    def hear(self, symbol, number, at_ms, price, quantity):
        """One trade stamped `at_ms`."""
        last = self.ids.get(symbol)
        if last is not None and number != last + 1:
            if number <= last:
                self.repeated += 1
                return
            self.missing += number - last - 1
        self.ids[symbol] = number
        if self.fold:
            self.fold.take(symbol, at_ms, price, quantity)
        self.trades += 1
        self.ages_ms.append(time.time() * 1e3 + self.ahead_ms - at_ms)

    def report(self, seconds):
        """Says once a second how it stands, and ends the process after so many."""
        for _ in range(seconds):
            time.sleep(1)
            ages, self.ages_ms = sorted(self.ages_ms), []
            line = {
                "trades": self.trades, "symbols": len(self.ids), "missing": self.missing,
                "repeated": self.repeated, "candles": len(self.candles),
                "lag_ms_p50": None, "lag_ms_p99": None,
            }
            if ages:
                line["lag_ms_p50"] = ages[len(ages) // 2]
                line["lag_ms_p99"] = ages[len(ages) * 99 // 100]
            print(json.dumps(line), flush=True)
        os._exit(0)


def ahead_ms(host):
    """How far the exchange's clock is ahead of ours, by the quickest of some answers."""
    url, found = f"http://{host}/api/v3/time", []
    for _ in range(20):
        asked = urllib.request.Request(url, headers={"X-MBX-TIME-UNIT": "MICROSECOND"})
        sent = time.time() * 1e3
        with urllib.request.urlopen(asked, timeout=10) as answer:
            stamp = json.load(answer)["serverTime"] / 1e3
        came = time.time() * 1e3
        found.append((came - sent, stamp - (sent + came) / 2))
    return min(found)[1]


def names(host):
    """The symbols that trade there."""
    with urllib.request.urlopen(f"http://{host}/api/v3/exchangeInfo", timeout=10) as answer:
        return sorted(one["symbol"] for one in json.load(answer)["symbols"])


def with_ccxt(host, ear):
    """ccxt.pro: one subscription of all symbols. Each call gives the trades of one of them."""
    import ccxt.pro

    async def follow():
        exchange = ccxt.pro.binance({
            # Otherwise each call gives the last thousand once more.
            "newUpdates": True,
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False,
                        "tradesLimit": 100_000},
        })
        exchange.urls["api"].update(public=f"http://{host}/api/v3", v1=f"http://{host}/api/v1")
        exchange.urls["api"]["ws"]["spot"] = f"ws://{host}/ws"
        symbols = sorted(await exchange.load_markets())
        while True:
            try:
                trades = await exchange.watch_trades_for_symbols(
                    symbols, params={"name": "aggTrade"}
                )
            except ccxt.pro.NetworkError:
                # Who is too far behind is cut off; the next call connects anew.
                continue
            for trade in trades:
                ear.hear(trade["symbol"], int(trade["id"]), trade["timestamp"], trade["price"],
                         trade["amount"])

    asyncio.run(follow())


def with_cryptofeed(host, ear):
    """cryptofeed: its Binance feed, redirected.

    It takes no address but `wss://`, and no certificate that the machine does not trust. So the
    connection alone is made without TLS, as everyone else's here.
    """
    from cryptofeed import FeedHandler, connection
    from cryptofeed.defines import TRADES
    from cryptofeed.exchanges import Binance

    connect = connection.connect
    connection.connect = lambda address, **more: connect(
        address.replace("wss://", "ws://", 1), **more
    )
    routes = connection.Routes("/api/v3/exchangeInfo")
    Binance.websocket_endpoints = [connection.WebsocketEndpoint(f"wss://{host}")]
    Binance.rest_endpoints = [connection.RestEndpoint(f"http://{host}", routes=routes)]

    async def trade(one, _received):
        ear.hear(one.symbol, int(one.id), round(one.timestamp * 1e3), one.price, one.amount)

    handler = FeedHandler(config={"log": {"disabled": True}})
    callbacks = {TRADES: trade}
    handler.add_feed(Binance(symbols=Binance.symbols(), channels=[TRADES], callbacks=callbacks))
    handler.run()


def with_nautilus(host, ear):
    """nautilus_trader: a node with its Binance client, and the actor of the replay."""
    from nautilus_trader.adapters.binance import (
        BINANCE, BinanceDataClientConfig, BinanceLiveDataClientFactory
    )
    from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
    from nautilus_trader.config import (
        InstrumentProviderConfig, LoggingConfig, TradingNodeConfig
    )
    from nautilus_trader.live.node import TradingNode
    from nautilus_trader.model.identifiers import InstrumentId

    client = BinanceDataClientConfig(
        api_key="none", api_secret="none",
        base_url_http=f"http://{host}", base_url_ws=f"ws://{host}",
        # Otherwise it asks for an account's fees.
        environment=BinanceEnvironment.TESTNET,
        use_agg_trade_ticks=True,
        instrument_provider=InstrumentProviderConfig(load_all=True),
    )
    node = TradingNode(TradingNodeConfig(
        logging=LoggingConfig(log_level="ERROR"), data_clients={BINANCE: client},
    ))

    def heard(tick):
        ear.hear(tick.instrument_id, int(tick.trade_id.value), tick.ts_event // 1_000_000, 0, 0)

    instruments = [InstrumentId.from_str(f"{name}.BINANCE") for name in names(host)]
    actor = work.scanner(instruments, heard)
    ear.candles = actor.bars
    node.trader.add_actor(actor)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.build()
    node.run()


def main():
    peer, host, seconds = sys.argv[1:]
    # nautilus_trader makes its candles itself.
    ear = Ear(None if peer == "nautilus_trader" else work.Fold(), ahead_ms(host))
    threading.Thread(target=ear.report, args=(int(seconds),), daemon=True).start()
    peers = {
        "ccxt.pro": with_ccxt, "cryptofeed": with_cryptofeed, "nautilus_trader": with_nautilus
    }
    peers[peer](host, ear)


if __name__ == "__main__":
    main()
