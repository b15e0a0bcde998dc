//! Symbols that the exchange lists and delists while a session runs.

use systems::trade::SymbolId;

use super::*;

/// How much later than it happens the session may know of it, beside the time between two looks at
/// the list: the request itself, on a busy machine.
const KNOWN_NS: u64 = 4 * Nanos::PER_SECOND;

fn market(speed: f64) -> SimConfig {
    let spec = Spec { symbols: 4, rate: 40.0, duration: 86_400, ..Spec::default() };
    SimConfig { feed: Feed::Synthetic(spec), speed, ..SimConfig::default() }
}

/// The market with one symbol that is listed and one that is delisted, so many seconds after its
/// start; the two, and when that is.
fn listing(speed: f64, list: u64, delist: u64) -> (Exchange, [String; 2], [Nanos; 2]) {
    let name = |exchange: &Exchange, place: usize| exchange.symbols()[place].name.to_string();
    let any = Exchange::start(market(speed)).unwrap();
    let names = [name(&any, 1), name(&any, 2)];
    drop(any);
    let start = tapescan::clock::now();
    let texts = [
        format!("list:symbol={},at={list}s", names[0]),
        format!("delist:symbol={},at={delist}s", names[1]),
    ];
    let faults = texts.iter().map(|text| Fault::parse(text).unwrap()).collect();
    let config = SimConfig { faults, start: Some(start), ..market(speed) };
    let at = |seconds| start.plus(seconds * Nanos::PER_SECOND);
    (Exchange::start(config).unwrap(), names, [at(list), at(delist)])
}

/// The candles of a second of one symbol.
fn candles(ended: &Ended, name: &str) -> BTreeMap<Nanos, Candle> {
    let symbol = ended.symbols.id(name).unwrap();
    let all = ended.outputs.candles().unwrap().iter();
    all.filter(|((of, interval, _), latest)| *of == symbol && *interval == 0 && !latest.absent)
        .map(|((.., open_time), latest)| (*open_time, latest.candle))
        .collect()
}

/// Every second of `[from, to)` in which the exchange traded has its candle, whole; how many.
fn assert_whole(exchange: &Exchange, ended: &Ended, name: &str, from: Nanos, to: Nanos) -> usize {
    let (ours, truth) = (candles(ended, name), truth(&exchange.trades(name)));
    for (open_time, known) in truth.range(from..to) {
        let candle = ours.get(open_time);
        let whole = candle.is_some_and(|candle| {
            candle.same_numbers(known)
                && matches!(candle.mark, Mark::Complete | Mark::Amended | Mark::Reconciled)
        });
        assert!(whole, "{name}: {candle:?}\nis in truth {known:?}");
    }
    truth.range(from..to).count()
}

#[test]
fn a_new_symbol_is_whole_from_its_listing_on_and_a_retired_one_until_its_end() {
    let speed = 10.0;
    let (exchange, [new, gone], [listed, delisted]) = listing(speed, 20, 30);
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    config.refresh_ns = 10 * Nanos::PER_SECOND;
    config.record.every_ns = 15 * Nanos::PER_SECOND;
    let run_for = Some(Duration::from_secs_f64(70.0 / speed));
    let options = Options { run_for, speed, ..options(&exchange, 0, dir.path()) };
    let ended = live::run(&options, &config, &mut |_| {}).unwrap();
    let status = &ended.shown.status;
    assert_eq!((status.symbols, status.listed, status.retired), (3, 1, 1));
    assert_eq!(ended.symbols.id(&new), Some(SymbolId(3)), "numbers are given in a row");
    let settled = Nanos(ended.summary.ended_at.0 - 12 * Nanos::PER_SECOND);
    let seconds = assert_whole(&exchange, &ended, &new, listed, settled);
    assert!(seconds > 10, "{seconds} seconds of {new}");
    let first = *candles(&ended, &gone).keys().next().unwrap();
    let seconds = assert_whole(&exchange, &ended, &gone, first, delisted);
    assert!(seconds > 10, "{seconds} seconds of {gone}");
    // Then there are no candles, not even quiet ones, once that is known.
    let last = *candles(&ended, &gone).keys().next_back().unwrap();
    assert!(last < delisted.plus(config.refresh_ns + KNOWN_NS), "{last:?}, {delisted:?}");
    let again = replayed(&ended);
    assert_eq!((&again.digest, again.trades), (&ended.summary.digest, ended.summary.trades));
    assert_eq!(again.symbols, ended.summary.symbols);
    // Every tape names the symbols of its entries, and one says when the new one came.
    let infos: Vec<_> = tapes(&ended).iter().map(|file| tape::info(file).unwrap()).collect();
    let named: Vec<usize> = infos.iter().map(|info| info.header.symbols.len()).collect();
    assert!(named.is_sorted() && named[0] == 3 && named.ends_with(&[4]), "{named:?}");
    assert_eq!(infos.iter().map(|info| info.counts.listed).sum::<u64>(), 1);
}

#[test]
fn a_symbol_that_trades_again_goes_on_under_its_number() {
    let (speed, second) = (10.0, Nanos::PER_SECOND);
    let name = Exchange::start(market(speed)).unwrap().symbols()[2].name.to_string();
    let start = tapescan::clock::now();
    let texts = [format!("delist:symbol={name},at=15s"), format!("relist:symbol={name},at=45s")];
    let faults = texts.iter().map(|text| Fault::parse(text).unwrap()).collect();
    let exchange = SimConfig { faults, start: Some(start), ..market(speed) };
    let exchange = Exchange::start(exchange).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    config.refresh_ns = 10 * second;
    let run_for = Some(Duration::from_secs_f64(90.0 / speed));
    let options = Options { run_for, speed, ..options(&exchange, 0, dir.path()) };
    let ended = live::run(&options, &config, &mut |_| {}).unwrap();
    let status = &ended.shown.status;
    // No new symbol, and nobody is retired any more.
    assert_eq!((status.symbols, status.listed, status.retired), (4, 0, 0));
    assert_eq!((ended.symbols.specs().len(), ended.summary.unrecoverable), (4, 0));
    // Its ids went on, so what traded before anybody looked at the list was fetched by them.
    let again = start.plus(45 * second);
    let settled = Nanos(ended.summary.ended_at.0 - 12 * second);
    let seconds = assert_whole(&exchange, &ended, &name, again, settled);
    assert!(seconds > 10, "{seconds} seconds of {name}");
    // The second in which it trades again may have begun before.
    let away = start.plus(15 * second + config.refresh_ns + KNOWN_NS)..again.minus(second);
    let traded = |(at, candle): (&Nanos, &Candle)| away.contains(at) && candle.trades > 0;
    assert!(!candles(&ended, &name).iter().any(traded));
    let replay = replayed(&ended);
    assert_eq!((&replay.digest, replay.trades), (&ended.summary.digest, ended.summary.trades));
}

#[test]
fn a_session_goes_on_with_the_symbols_that_were_listed_and_without_those_that_are_gone() {
    let (exchange, [new, gone], [_, delisted]) = listing(1.0, 3, 4);
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    config.refresh_ns = 10 * Nanos::PER_SECOND;
    let run = |seconds| live::run(&options(&exchange, seconds, dir.path()), &config, &mut |_| {});
    let first = run(16).unwrap();
    assert_eq!((first.shown.status.listed, first.shown.status.retired), (1, 1));
    let second = run(6).unwrap();
    let status = &second.shown.status;
    assert_eq!((status.symbols, status.listed, status.retired), (3, 0, 1));
    assert_eq!(second.record.as_ref().unwrap().earlier, tapes(&first));
    assert_eq!(second.symbols, first.symbols);
    let last = *candles(&second, &gone).keys().next_back().unwrap();
    assert!(last < delisted.plus(config.refresh_ns + KNOWN_NS), "{last:?}, {delisted:?}");
    let settled = Nanos(second.summary.ended_at.0 - 2 * Nanos::PER_SECOND);
    let begun = *candles(&second, &new).keys().next().unwrap();
    assert!(assert_whole(&exchange, &second, &new, begun, settled) > 5);
    let again = replayed(&second);
    assert_eq!((&again.digest, again.trades), (&second.summary.digest, second.summary.trades));
}
