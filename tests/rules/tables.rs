//! Ranked tables, on hand-made candles: who comes, goes and moves, and what corrections do to it.

use systems::dispatch::Outbox;
use systems::interval::Interval;
use systems::rule::Moves;
use systems::settings::Settings;
use systems::trade::{Control, SymbolId};
use systems::units::Nanos;
use tapescan::rules::{Ranking, Table, compile_set};
use tapescan::symbols::Symbols;

use super::alerts::{MINUTE, beat, market, print};
use super::{drive, told};
use crate::support::{Event, START, Seed, symbols};

pub(crate) fn table(by: &str, top: usize) -> Table {
    Table {
        name: "test".to_owned(),
        interval: Interval::parse("1m").unwrap(),
        by: by.to_owned(),
        ascending: false,
        top,
        tell: Moves::All,
        columns: vec![],
    }
}

/// Settings with these tables, and the indicators that they name.
pub(crate) fn settings(intervals: &[&str], tables: &[Table]) -> Settings {
    let plain = crate::support::settings(intervals);
    let rows: Vec<(Interval, usize)> =
        plain.intervals.iter().copied().zip(plain.lookback.iter().copied()).collect();
    let none = vec![Vec::new(); rows.len()];
    let set = compile_set((&[], tables), &rows, &none, None).unwrap();
    told(plain, set)
}

/// A move in short: minute, table if not the first, symbol, place before and now, label.
fn short(outbox: &Outbox) -> Vec<String> {
    let place = |place: Option<u16>| place.map_or("-".to_owned(), |place| place.to_string());
    let moves = outbox.moves.iter().map(|one| {
        let minute = (one.open_time.0 - START.0) / MINUTE;
        let table = if one.table > 0 { format!(" table {}", one.table) } else { String::new() };
        let late = if one.late { " late" } else { "" };
        let (from, to) = (place(one.from), place(one.to));
        format!("{minute}{table} {} {from}>{to}{late}", one.symbol.0)
    });
    moves.collect()
}

fn run(
    settings: &Settings,
    count: usize,
    events: &[Event],
    shape: (usize, usize),
) -> (Vec<String>, Vec<Ranking>) {
    let names = Symbols::new(symbols(count)).unwrap();
    let (all, engine) = drive(settings, count, events, shape, short);
    (all, engine.rankings(&names))
}

fn moves(table: Table, prices: &[&[i64]]) -> Vec<String> {
    run(&settings(&["1m"], &[table]), prices.len(), &market(prices), (1, usize::MAX)).0
}

#[test]
fn who_comes_goes_and_moves_is_told() {
    let prices: &[&[i64]] =
        &[&[100, 100, 130, 130], &[120, 120, 120, 120], &[110, 110, 110, 140], &[90, 90, 90, 90]];
    assert_eq!(
        moves(table("close", 2), prices),
        ["0 1 ->1", "0 2 ->2", "2 2 2>-", "2 0 ->1", "2 1 1>2", "3 1 2>-", "3 2 ->1", "3 0 1>2"]
    );
    let members = Table { tell: Moves::Members, ..table("close", 2) };
    assert_eq!(
        moves(members, prices),
        ["0 1 ->1", "0 2 ->2", "2 2 2>-", "2 0 ->1", "3 1 2>-", "3 2 ->1"]
    );
    assert_eq!(moves(Table { tell: Moves::Off, ..table("close", 2) }, prices), [""; 0]);
    let lowest = Table { ascending: true, ..table("close", 1) };
    assert_eq!(moves(lowest, prices), ["0 3 ->1"]);
}

#[test]
fn equals_stand_in_the_order_of_their_numbers() {
    let prices: &[&[i64]] = &[&[100, 99], &[100, 100], &[100, 100], &[100, 100]];
    assert_eq!(
        moves(table("close", 2), prices),
        ["0 0 ->1", "0 1 ->2", "1 0 1>-", "1 1 2>1", "1 2 ->2"]
    );
}

#[test]
fn what_is_not_known_has_no_place() {
    // A change over a minute takes two candles.
    let prices: &[&[i64]] = &[&[100, 101, 103], &[100, 102, 103]];
    assert_eq!(moves(table("change(1m)", 2), prices), ["1 1 ->1", "1 0 ->2", "2 0 2>1", "2 1 1>2"]);
}

#[test]
fn a_late_print_moves_the_symbol_that_it_is_about() {
    let mut events = market(&[&[100, 100], &[110, 110]]);
    // It traded in the minute that was ranked last, and came a second after.
    let late = systems::trade::Trade {
        id: 3,
        first_id: 3,
        time: START.plus(MINUTE + 50 * Nanos::PER_SECOND),
        ..print(0, 1, 120)
    };
    events.push(Event::Print(late));
    events.push(beat(2, 3));
    let settings = settings(&["1m"], &[table("close", 1)]);
    let (moves, tables) = run(&settings, 2, &events, (1, usize::MAX));
    assert_eq!(moves, ["0 1 ->1", "1 1 1>- late", "1 0 ->1 late"]);
    assert_eq!(tables[0].places.len(), 1);
    assert_eq!((tables[0].places[0].score, tables[0].open_time), (1.2, START.plus(MINUTE)));
}

#[test]
fn a_symbol_that_trades_no_more_leaves() {
    let mut events = market(&[&[100, 100], &[110, 110]]);
    let halted = Control::Halt { symbol: SymbolId(1), halted: true };
    events.push(Event::Control(halted));
    events.extend([beat(3, 1), beat(4, 1)]);
    let settings = settings(&["1m"], &[table("close", 1)]);
    let (moves, _) = run(&settings, 2, &events, (1, usize::MAX));
    assert_eq!(moves, ["0 1 ->1", "2 1 1>-", "2 0 ->1"]);
}

/// On random prices with quiet minutes, tables are what sorting every minute's candles gives, on
/// any threads, for any size of steps, and with several intervals and ranks in them.
#[test]
fn tables_are_what_sorting_gives_on_any_threads_and_batches() {
    let (count, minutes) = (12, 40);
    let mut seed = Seed(7);
    let mut prices = vec![vec![0; minutes]; count];
    for row in &mut prices {
        for (minute, price) in row.iter_mut().enumerate() {
            let quiet = minute > 0 && seed.one_in(4);
            *price = if quiet { 0 } else { 100 + seed.below(6) as i64 };
        }
    }
    let rows: Vec<&[i64]> = prices.iter().map(Vec::as_slice).collect();
    let events = market(&rows);
    let five = Interval::parse("5m").unwrap();
    let ranked = "rank(close) + rank(volume)";
    let tables = [
        table("close", 4),
        Table {
            ascending: true,
            interval: five,
            columns: vec!["quiet".to_owned()],
            ..table("high", 3)
        },
        Table { ascending: true, ..table(ranked, 5) },
        table("close - close@5m", 3),
    ];
    let settings = settings(&["1m", "5m"], &tables);
    let (told, stand) = run(&settings, count, &events, (1, usize::MAX));
    for way in [(1, 1), (1, 7), (2, 3), (2, 64)] {
        assert_eq!(run(&settings, count, &events, way), (told.clone(), stand.clone()), "{way:?}");
    }
    assert!(told.iter().any(|one| one.contains("table 1")), "{told:?}");
    assert!(told.iter().any(|one| one.contains("table 3")), "{told:?}");
    // The last minute by hand: a quiet one goes on at the close before it.
    let last = |row: &Vec<i64>| *row.iter().rev().find(|price| **price > 0).unwrap();
    let mut by_hand: Vec<(i64, usize)> = prices.iter().map(last).zip(0..).collect();
    by_hand.sort_by_key(|&(price, symbol)| (-price, symbol));
    let names: Vec<_> = symbols(count).iter().map(|spec| spec.name.to_string()).collect();
    let want: Vec<_> = by_hand.iter().take(4).map(|(_, symbol)| names[*symbol].clone()).collect();
    let got: Vec<_> = stand[0].places.iter().map(|place| place.symbol.to_string()).collect();
    assert_eq!(got, want);
    assert_eq!(stand[1].places[0].columns.len(), 1);
}
