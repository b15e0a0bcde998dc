//! Sharing out symbols over connections, and refusing what would break a limit.

use systems::interval::Interval;
use systems::trade::SymbolId;
use tapescan::link::{Plan, PlanError};
use tapescan::symbols::Symbols;
use tapescan::venue::link::Streams;
use tapescan::venue::{Channel, Venue};

use super::super::support::symbols;
use super::plan;

fn with_candles(venue: Venue, count: usize, candles: &[&str]) -> Result<Plan, PlanError> {
    let all = Symbols::new(symbols(count)).unwrap();
    let chosen: Vec<SymbolId> = (0..count as u16).map(SymbolId).collect();
    let candles = candles.iter().map(|text| Interval::parse(text).unwrap()).collect();
    Plan::new(venue, Streams { prints: Channel::AggregateTrades, candles }, &all, &chosen, &[])
}

#[test]
fn symbols_fill_as_few_connections_as_the_venue_allows() {
    for (venue, count, candles, links) in [
        (Venue::BinanceSpot, 1, &[][..], 1),
        (Venue::BinanceSpot, 1_024, &[], 1),
        (Venue::BinanceSpot, 1_025, &[], 2),
        (Venue::BinanceSpot, 1_024, &["1m", "3m"], 4),
        (Venue::BinanceUsdm, 200, &[], 1),
        (Venue::BinanceUsdm, 201, &[], 2),
        (Venue::BinanceUsdm, 600, &["1m"], 6),
    ] {
        let plan = with_candles(venue, count, candles).unwrap();
        assert_eq!(plan.links(), links, "{count} symbols, {candles:?}");
        let most = venue.link_facts().streams_max;
        assert!(plan.rows().all(|row| row.streams <= most && row.symbols > 0));
        assert_eq!(plan.rows().map(|row| row.symbols).sum::<usize>(), count);
    }
}

#[test]
fn every_symbol_is_in_one_share_and_activity_is_spread() {
    // A few symbols make nearly all prints, as in any market.
    let rates: Vec<f64> = (0..700).map(|n| 400.0 / f64::from(n + 1)).collect();
    let plan = plan(Venue::BinanceUsdm, 700, &rates);
    let mut ids: Vec<u16> = (0..4).flat_map(|row| plan.symbols_of(row)).map(|id| id.0).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..700).collect::<Vec<u16>>());
    let total: f64 = rates.iter().sum();
    for row in plan.rows() {
        assert!(row.rate / total < 0.3, "{row:?}");
    }
    let again = super::plan(Venue::BinanceUsdm, 700, &rates);
    assert!(plan.symbols_of(2).eq(again.symbols_of(2)));
}

#[test]
fn what_would_break_a_limit_is_refused_with_a_way_out() {
    let refused = with_candles(Venue::BinanceUsdm, 7_401, &[]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "7401 symbols need 38 connections, but with 150 attempts to connect in 300 s no more than \
         37 can be kept up: follow at most 7400 symbols, or fewer streams of each"
    );
    assert!(with_candles(Venue::BinanceUsdm, 7_400, &[]).is_ok());
    let no_candles = with_candles(Venue::BinanceUsdm, 1, &["1s"]).unwrap_err();
    assert_eq!(no_candles.to_string(), "binance-usdm publishes no candles of 1s");
    assert_eq!(with_candles(Venue::BinanceSpot, 0, &[]).unwrap_err(), PlanError::NoSymbols);
    let all = Symbols::new(symbols(2)).unwrap();
    let twice = [SymbolId(1), SymbolId(1)];
    let streams = Streams::prints(Channel::Trades);
    let refused = Plan::new(Venue::BinanceSpot, streams, &all, &twice, &[]).unwrap_err();
    assert_eq!(refused, PlanError::Twice("SYM1USDT".into()));
}

#[test]
fn a_plan_shows_what_would_happen() {
    let text = plan(Venue::BinanceUsdm, 250, &[5.0; 250]).to_string();
    assert_eq!(
        text,
        "binance-usdm: 250 symbols, 1 stream each, over 2 connections\n\
         link  symbols  streams  commands  sent within  prints/s\n\
         \u{20}  0      125      125         1        0.0 s     625.0\n\
         \u{20}  2      125      125         1        0.0 s     625.0\n\
         limits: 200 streams per connection, 150 of 300 attempts to connect in 300 s, 9 messages \
         per second; replaced at an age of 22 to 23 h\n"
    );
    let wide = plan(Venue::BinanceSpot, 1_000, &[]);
    let row = wide.rows().next().unwrap();
    assert_eq!((row.commands, row.subscribe_ns / 1_000_000), (5, 1_200));
}
