//! Alerts of symbols that the venue lists while nothing can be handed over, or that nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tapescan::sinks::Telling;

use super::*;

/// An alert of a symbol.
fn of(symbol: u16) -> Vec<Handed> {
    let mut handed = alert(1);
    let Said::Alert(told) = &mut handed.said else { panic!() };
    told.alert.symbol = SymbolId(symbol);
    vec![handed]
}

/// Looks until an alert of a symbol was shown, after `tell` each time.
fn shown(window: &Window, symbol: &str, tell: impl Fn()) -> Telling {
    let (watch, text) = (Stopwatch::start(), format!("\"symbol\":{symbol:?}"));
    loop {
        tell();
        let telling = window.look();
        if telling.alerts.iter().any(|alert| alert.json.contains(&text)) {
            return telling;
        }
        assert!(watch.elapsed() < LONG, "{symbol}: {telling:?}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

#[test]
fn symbols_that_are_listed_while_there_is_no_room_have_their_names_later() {
    let dir = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicBool::new(false));
    let on_tape = free.clone();
    let (teller, window) = start(&config(dir.path(), ""), move |_| on_tape.load(Ordering::Relaxed));
    // More than are held between the threads.
    for _ in 0..=tapescan::sinks::limits::HANDED {
        teller.tell(Vec::new(), START, 1);
    }
    teller.listed(&[spec("NEWUSDT")]);
    teller.tell(of(1), START, 1);
    teller.listed(&[spec("NEWERUSDT")]);
    free.store(true, Ordering::Relaxed);
    // Until there is room again.
    shown(&window, "NEWERUSDT", || teller.tell(of(2), START, 0));
    shown(&window, "NEWUSDT", || teller.tell(of(1), START, 0));
}

#[test]
fn an_alert_of_a_symbol_that_nobody_knows_is_lost_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (teller, window) = open(&config(dir.path(), ""));
    teller.tell(of(7), START, 0);
    teller.tell(of(0), START, 0);
    let telling = shown(&window, "A币USDT", || ());
    assert_eq!((telling.alerts.len(), telling.dropped), (1, 1));
}
