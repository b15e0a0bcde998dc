//! Seeking finds what reading from the start finds.

use std::io::Cursor;

use proptest::prelude::*;
use systems::units::Nanos;
use tapescan::tape::Reader;

use super::{Owned, finished, session};

/// Entries received at or after an instant, by seeking.
fn from(bytes: &[u8], at: Nanos) -> (Vec<Owned>, usize) {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    // Wherever the reader was before must not matter.
    reader.next_block().unwrap();
    reader.seek(at).unwrap();
    let (mut entries, mut before) = (Vec::new(), 0);
    while let Some(block) = reader.next_block().unwrap() {
        before += block.entries().filter(|entry| entry.received < at).count();
        entries.extend(block.entries().filter(|entry| at <= entry.received).map(Owned::of));
    }
    assert_eq!(reader.end().unwrap().damage, None);
    (entries, before)
}

fn check(entries: &[Owned], block: usize, at: Nanos, in_order: bool) {
    let bytes = finished(entries, block);
    let want: Vec<_> = entries.iter().filter(|entry| at <= entry.received).cloned().collect();
    // With its index, and without trailer and index as after a crash.
    for tape in [&bytes[..], &bytes[..bytes.len() - 24]] {
        let (got, before) = from(tape, at);
        assert_eq!(got, want, "from {at:?}");
        assert!(!in_order || before < block, "{before} entries too many were read");
    }
}

#[test]
fn seeking_finds_the_block_and_not_one_too_many() {
    let entries = session(500);
    let (first, last) = (entries[0].received, entries[499].received);
    for at in [Nanos(0), first.minus(1), first, last, last.plus(1), Nanos(u64::MAX)] {
        check(&entries, 30, at, true);
    }
    for place in (0..500).step_by(13) {
        check(&entries, 30, entries[place].received, true);
        check(&entries, 30, entries[place].received.plus(1), true);
    }
    check(&[], 1, Nanos(7), true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn seeking_loses_nothing_when_the_clock_was_set_back(
        shuffled in Just(session(200)).prop_shuffle(), block in 1usize..60, place in 0usize..200,
    ) {
        check(&shuffled, block, session(200)[place].received, false);
    }
}

#[test]
fn seeking_beyond_damage_needs_an_intact_index() {
    let entries = session(100);
    let mut bytes = finished(&entries, 20);
    let mut reader = Reader::new(Cursor::new(&bytes)).unwrap();
    reader.next_block().unwrap();
    let second = reader.next_block().unwrap().unwrap().at_byte() as usize;
    // The head of the second block: a scan stops there.
    bytes[second + 20] ^= 1;
    let at = entries[80].received;
    assert_eq!(from(&bytes, at).0, entries[80..]);

    let mut reader = Reader::new(Cursor::new(&bytes[..bytes.len() - 1])).unwrap();
    reader.seek(at).unwrap();
    assert!(reader.next_block().unwrap().is_none());
    assert_eq!(reader.end().unwrap().damage.unwrap().at_byte, second as u64);
}
