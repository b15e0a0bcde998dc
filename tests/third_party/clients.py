"""Points ccxt and python-binance at a simulated exchange: list symbols, fetch candles, stream trades.

    tapescan sim --synthetic symbols=20,rate=200 --for 60s &
    python tests/third_party/clients.py 127.0.0.1:9443

With --usdm the exchange must run with --venue binance-usdm. Needs `pip install ccxt python-binance`.
Exits with an error if anything that a client reads is not what the exchange serves.
"""

import argparse
import asyncio

import ccxt.pro
from binance import AsyncClient, BinanceSocketManager

TRADES = 25


def contiguous(ids):
    return all(b == a + 1 for a, b in zip(ids, ids[1:]))


async def with_ccxt(host, usdm):
    kind = "linear" if usdm else "spot"
    exchange = (ccxt.pro.binanceusdm if usdm else ccxt.pro.binance)(
        {"options": {"fetchMarkets": {"types": [kind]}, "fetchCurrencies": False}}
    )
    exchange.urls["api"].update(
        public=f"http://{host}/api/v3",
        v1=f"http://{host}/api/v1",
        fapiPublic=f"http://{host}/fapi/v1",
        fapiPublicV2=f"http://{host}/fapi/v2",
    )
    # ccxt itself puts USD-M's `/market` in front of what follows the host.
    exchange.urls["api"]["ws"][kind] = f"ws://{host}/ws"
    try:
        markets = await exchange.load_markets()
        symbol = sorted(markets)[0]
        candles = await exchange.fetch_ohlcv(symbol, "1m", limit=60)
        recent = await exchange.fetch_trades(symbol, limit=50)
        ticker = await exchange.fetch_ticker(symbol)
        # The busiest symbol, so that its trades do not take long.
        tickers = await exchange.fetch_tickers()
        busiest = max(tickers.values(), key=lambda one: one["quoteVolume"] or 0)["symbol"]
        streamed = []
        while len(streamed) < TRADES:
            streamed = (streamed + await exchange.watch_trades(busiest))[-1000:]
        live = await exchange.watch_ohlcv(busiest, "1m")
    finally:
        await exchange.close()
    assert len(candles) == 60 and all(low <= close <= high for _, _, high, low, close, _ in candles)
    assert all(b[0] - a[0] == 60_000 for a, b in zip(candles, candles[1:]))
    assert contiguous([int(trade["id"]) for trade in recent])
    ids = sorted({int(trade["id"]) for trade in streamed})
    assert contiguous(ids), ids
    assert ticker["last"] > 0 and live
    print(f"ccxt {ccxt.__version__}: {len(markets)} symbols, {len(candles)} candles of {symbol}, "
          f"{len(recent)} trades, {len(ids)} streamed of {busiest}")


async def with_python_binance(host, usdm):
    # The constructor asks nothing; `create` would ping the real exchange first.
    client = AsyncClient()
    client.API_URL = f"http://{host}/api"
    client.FUTURES_URL = f"http://{host}/fapi"
    sockets = BinanceSocketManager(client)
    sockets.STREAM_URL = f"ws://{host}/"
    # python-binance, too, names the category itself.
    sockets.FSTREAM_URL = f"ws://{host}/"
    try:
        info = await (client.futures_exchange_info() if usdm else client.get_exchange_info())
        names = [one["symbol"] for one in info["symbols"]]
        fetch = client.futures_klines if usdm else client.get_klines
        candles = await fetch(symbol=names[0], interval="15m", limit=100)
        streams = [f"{name.lower()}@aggTrade" for name in names]
        socket = (
            sockets.futures_multiplex_socket(streams) if usdm else sockets.multiplex_socket(streams)
        )
        heard = {}
        async with socket as stream:
            for _ in range(TRADES * 4):
                data = (await asyncio.wait_for(stream.recv(), 20))["data"]
                heard.setdefault(data["s"], []).append(data["a"])
    finally:
        await client.close_connection()
    assert len(candles) == 100 and all(len(row) == 12 for row in candles)
    assert all(contiguous(ids) for ids in heard.values()), heard
    print(f"python-binance: {len(names)} symbols, {len(candles)} candles of {names[0]}, "
          f"{sum(map(len, heard.values()))} aggregates of {len(heard)} symbols streamed")


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("host", help="HOST:PORT of the exchange")
    parser.add_argument("--usdm", action="store_true")
    given = parser.parse_args()
    await with_ccxt(given.host, given.usdm)
    await with_python_binance(given.host, given.usdm)


asyncio.run(main())
