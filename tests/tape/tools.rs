//! `info`, `verify` and `cut` on files.

use std::fs;
use std::path::{Path, PathBuf};

use systems::trade::SymbolId;
use systems::units::Nanos;
use tapescan::tape::{
    Body, Counts, Cut, CutError, Problem, Reason, Span, cut, info, verify, verify_all,
};
use tempfile::TempDir;

use super::{Owned, OwnedBody, finished, header, read, session, trade, written};

fn file(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("a.tape");
    fs::write(&path, bytes).unwrap();
    path
}

fn trades(ids: &[u64]) -> Vec<Owned> {
    let at = |id| Nanos::from_ms(1_000 + id);
    let plain = |id| OwnedBody::Plain(Body::Trade(trade(0, id, at(id))));
    ids.iter().zip(0u64..).map(|(&id, n)| Owned { received: at(n), body: plain(id) }).collect()
}

fn problems(entries: &[Owned]) -> Vec<Problem> {
    let folder = TempDir::new().unwrap();
    let found = verify(file(&folder, &finished(entries, 4))).unwrap();
    assert_eq!(found.problem_count, found.problems.len() as u64);
    assert_eq!(found.is_ok(), found.problems.is_empty());
    found.problems
}

#[test]
fn info_counts_what_is_there() {
    let folder = TempDir::new().unwrap();
    let entries = session(100);
    let bytes = finished(&entries, 30);
    let info = info(file(&folder, &bytes)).unwrap();
    let counts = Counts { frames: 10, trades: 80, heartbeats: 10, ..Counts::default() };
    assert_eq!((info.counts, info.counts.total(), info.blocks), (counts, 100, 4));
    let per_symbol: Vec<_> = info.symbols.iter().map(|symbol| symbol.trades).collect();
    assert_eq!(per_symbol, [40, 40]);
    let (first, last) = (entries[0].received, entries[99].received);
    assert_eq!(info.received, Some(Span { first, last }));
    let (first, last) = (first.minus(1), last.minus(3_000_000));
    assert_eq!(info.venue_time, Some(Span { first, last }));
    assert_eq!((info.version, info.end.sealed), (1, true));
    assert_eq!(info.end.intact_bytes, bytes.len() as u64);
}

#[test]
fn info_of_a_torn_tape_counts_its_intact_part() {
    let folder = TempDir::new().unwrap();
    let bytes = finished(&session(100), 50);
    let info = info(file(&folder, &bytes[..bytes.len() / 2])).unwrap();
    assert!(!info.end.sealed);
    assert!(info.end.damage.is_some());
    assert_eq!(info.counts.total() % 50, 0);
}

#[test]
fn a_good_tape_verifies() {
    assert_eq!(problems(&session(0)), []);
    assert_eq!(problems(&trades(&[5, 6, 7, 8, 9])), []);
    assert_eq!(problems(&trades(&[5, 6, 9, 7, 8])), [], "a repaired gap is none");
}

#[test]
fn missing_ids_are_listed_and_repeated_ones_counted() {
    let symbol = SymbolId(0);
    let missing = |from_id, to_id| Problem::MissingIds { symbol, from_id, to_id };
    assert_eq!(problems(&trades(&[5, 9, 7])), [missing(6, 6), missing(8, 8)]);
    // A wire repeats itself and a replay counts it: nothing is wrong with the tape.
    assert_eq!(problems(&trades(&[5, 6, 5, 6, 7])), []);
    let folder = TempDir::new().unwrap();
    let found = verify(file(&folder, &finished(&trades(&[5, 6, 5, 6, 9]), 4))).unwrap();
    assert_eq!((found.repeated_ids, found.missing_ids), (2, 2));
    let name = &found.symbols[0].name;
    let said = found.problems[0].describe(&found.symbols).to_string();
    assert_eq!(said, format!("{name}: ids 7 to 8 are missing"));
    let mut given_up = trades(&[5, 9, 7]);
    let body = OwnedBody::Plain(Body::Unrecoverable { symbol, from_id: 6, to_id: 6 });
    given_up.push(Owned { received: Nanos::from_ms(9_000), body });
    assert_eq!(problems(&given_up), [missing(8, 8)]);
}

#[test]
fn ids_missing_between_tapes_are_found_and_those_that_a_later_one_brings_are_not_missing() {
    let folder = TempDir::new().unwrap();
    let named = |name: &str, from: u64, ids: &[u64]| {
        let mut entries = trades(ids);
        entries.iter_mut().for_each(|entry| entry.received = entry.received.plus(from));
        let path = folder.path().join(name);
        fs::write(&path, finished(&entries, 4)).unwrap();
        path
    };
    let second = Nanos::PER_SECOND;
    let first = named("b.tape", 0, &[5, 6, 9]);
    let then = named("a.tape", second, &[7, 10, 11]);
    let last = named("c.tape", 2 * second, &[14]);
    // In whatever order they are named.
    let found = verify_all(&[last.clone(), then.clone(), first.clone()]).unwrap();
    let order: Vec<_> = found.tapes.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(order, [first.clone(), then, last]);
    let missing: Vec<_> = found.missing.iter().map(|one| (one.from_id, one.to_id)).collect();
    assert_eq!(missing, [(8, 8), (12, 13)]);
    assert_eq!((found.missing_ids, found.missing_ranges, found.problem_count()), (3, 2, 2));
    assert!(found.tapes.iter().all(|(_, own)| own.is_ok()));
    // Alone, the first lacks what a later one brings.
    assert_eq!(verify(&first).unwrap().missing_ids, 2);
    let overlaps = named("d.tape", second / 1_000_000, &[12]);
    let found = verify_all(&[first, overlaps]).unwrap();
    assert!(matches!(found.tapes[1].1.problems[..], [Problem::Backwards { .. }]), "{found:?}");
}

/// Entries as raw as a connection gives them: aggregates of frames, and answers of REST.
fn raw(words: &[(&str, &str, u64)]) -> Vec<Owned> {
    let rest = r#""p":"1.5","q":"2","T":1723161600000,"m":true"#;
    let head =
        |event: &str, symbol: &str| format!(r#""e":"{event}","E":1723161600000,"s":"{symbol}""#);
    let body = |&(kind, symbol, id): &(&str, &str, u64)| match kind {
        "aggregate" => {
            let head = head("aggTrade", symbol);
            let text = format!(r#"{{{head},"a":{id},"f":{id},"l":{id},{rest}}}"#);
            OwnedBody::Frame(1, text.into())
        }
        "trade" => {
            let head = head("trade", symbol);
            OwnedBody::Frame(1, format!(r#"{{{head},"t":{id},{rest},"M":true}}"#).into())
        }
        "answer" => {
            let text = format!(r#"[{{"a":{id},"f":{id},"l":{id},{rest}}}]"#);
            OwnedBody::Answer(format!("/api/v3/aggTrades?symbol={symbol}"), text.into())
        }
        other => OwnedBody::Frame(1, other.into()),
    };
    let at = |n| Nanos::from_ms(1_723_161_600_000 + n);
    words.iter().zip(0u64..).map(|(word, n)| Owned { received: at(n), body: body(word) }).collect()
}

#[test]
fn ids_missing_between_raw_frames_are_found_and_answers_fill_them() {
    let (a, b) = ("BTCUSDT", "ETHUSDT");
    let missing =
        |symbol, from_id, to_id| Problem::MissingIds { symbol: SymbolId(symbol), from_id, to_id };
    let frame = |symbol, id| ("aggregate", symbol, id);
    let torn = [frame(a, 5), frame(b, 900), frame(a, 6), frame(a, 9), frame(b, 902)];
    assert_eq!(problems(&raw(&torn)), [missing(0, 7, 8), missing(1, 901, 901)]);
    let answers = [("answer", a, 8), ("answer", b, 901), ("answer", a, 7)];
    assert_eq!(problems(&raw(&[&torn[..], &answers].concat())), []);
    assert_eq!(problems(&raw(&[&torn[..], &answers[..2]].concat())), [missing(0, 7, 7)]);
    // Another channel has other ids, and is not folded; what cannot be read has none.
    let noise = [frame(a, 5), ("trade", a, 80_000), frame(a, 6), ("{}", a, 0), ("x", a, 0)];
    assert_eq!(problems(&raw(&noise)), []);
    let wild = [frame(a, 5), frame(a, u64::MAX), frame(a, 6)];
    assert_eq!(problems(&raw(&wild)), [], "no session believes such an id");
    let folder = TempDir::new().unwrap();
    let again = [frame(a, 5), frame(a, 6), frame(a, 5), ("answer", a, 6), frame(a, 7)];
    let found = verify(file(&folder, &finished(&raw(&again), 4))).unwrap();
    assert_eq!((found.repeated_ids, found.missing_ids, found.unread), (2, 0, 0));
    let mut other = header(&["BTCUSDT"]);
    other.venue = "nowhere".into();
    let bytes = written(&other, &raw(&torn), 4).finish().unwrap();
    let found = verify(file(&folder, &bytes)).unwrap();
    assert_eq!((found.unread, found.problem_count), (5, 0));
}

#[test]
fn a_clock_set_back_is_listed() {
    let mut entries = trades(&[5, 6, 7, 8, 9]);
    entries.swap(1, 2);
    let found = problems(&entries);
    let [Problem::Backwards { before, after, .. }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((*before, *after), (Nanos::from_ms(1_002), Nanos::from_ms(1_001)));
}

#[test]
fn all_damage_is_listed_up_to_a_number() {
    let folder = TempDir::new().unwrap();
    let entries = session(900);
    let mut bytes = finished(&entries, 3);
    let markers: Vec<_> = memchr::memmem::find_iter(&bytes, b"TBLK").collect();
    assert_eq!(markers.len(), 301);
    // Every second block of entries.
    markers.iter().step_by(2).take(150).for_each(|&at| bytes[at + 66] ^= 4);
    let found = verify(file(&folder, &bytes)).unwrap();
    assert_eq!((found.counts.total(), found.blocks), (450, 150));
    let damaged = found.problems.iter().filter(|problem| matches!(problem, Problem::Damage(_)));
    assert_eq!(damaged.count(), 100);
    assert!(found.problem_count > 150, "missing ids come on top");
    let damage = found.end.damage.unwrap();
    assert_eq!((damage.at_byte, damage.reason), (markers[0] as u64, Reason::PayloadChecksum));
    assert_eq!(found.end.intact_bytes + found.end.dropped_bytes, bytes.len() as u64);
}

/// Cuts to a file beside the source; returns what is on it.
fn cut_to(source: &Path, cut_by: &Cut<'_>, keeps: bool) -> Vec<Owned> {
    let target = source.with_extension("cut");
    let report = cut(source, &target, cut_by, |_| keeps).unwrap();
    let bytes = fs::read(&target).unwrap();
    fs::remove_file(&target).unwrap();
    let (entries, end) = read(&bytes);
    assert_eq!((report.kept.total(), report.bytes), (entries.len() as u64, bytes.len() as u64));
    assert!(end.sealed);
    entries
}

#[test]
fn a_cut_keeps_its_time_and_its_symbols() {
    let folder = TempDir::new().unwrap();
    let entries = session(500);
    let source = file(&folder, &finished(&entries, 30));
    let (from, to) = (Some(entries[100].received), Some(entries[250].received));
    let all = Cut::default();
    assert_eq!(cut_to(&source, &all, false), entries);
    assert_eq!(cut_to(&source, &Cut { from, to, ..all }, false), entries[100..250]);
    assert_eq!(cut_to(&source, &Cut { from: to, to: from, ..all }, false), []);

    let symbols = Some([SymbolId(1), SymbolId(900)].as_slice());
    for keeps in [true, false] {
        let kept = |entry: &&Owned| match &entry.body {
            OwnedBody::Frame(..) => keeps,
            OwnedBody::Plain(Body::Trade(trade)) => trade.symbol == SymbolId(1),
            _ => true,
        };
        let want: Vec<_> = entries[100..250].iter().filter(kept).cloned().collect();
        assert_eq!(cut_to(&source, &Cut { from, to, symbols }, keeps), want);
    }
}

#[test]
fn a_cut_of_a_torn_tape_keeps_what_is_intact_and_says_so() {
    let folder = TempDir::new().unwrap();
    let entries = session(100);
    let bytes = finished(&entries, 30);
    let source = file(&folder, &bytes[..bytes.len() - 400]);
    let target = folder.path().join("b.tape");
    let report = cut(&source, &target, &Cut::default(), |_| true).unwrap();
    assert!(report.end.damage.is_some());
    let kept = report.kept.total() as usize;
    assert_eq!(read(&fs::read(&target).unwrap()).0, entries[..kept]);
}

#[test]
fn a_cut_never_overwrites() {
    let folder = TempDir::new().unwrap();
    let source = file(&folder, &finished(&session(10), 5));
    let before = fs::read(&source).unwrap();
    let got = cut(&source, &source, &Cut::default(), |_| true);
    assert!(matches!(got, Err(CutError::Make(_))));
    assert_eq!(fs::read(&source).unwrap(), before);
}
