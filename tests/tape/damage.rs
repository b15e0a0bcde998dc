//! Torn, flipped and stale bytes: exactly the intact prefix is read, and the rest is reported.

use std::io::Cursor;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use tapescan::tape::{End, OpenError, Reader, Reason, Writer};

use super::{Owned, SEGMENT, finished, header, read, session};

/// Where each block begins, and where the tape without index ends.
fn block_starts(bytes: &[u8]) -> Vec<u64> {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    let mut starts = Vec::new();
    let mut end = 0;
    while let Some(block) = reader.next_block().unwrap() {
        starts.push(block.at_byte());
        end = block.at_byte() + block.bytes().1;
    }
    starts.push(end);
    starts
}

/// A tape of `entries` in blocks of `block`, cut to `cut` bytes, reads as its whole blocks.
fn check_cut(bytes: &[u8], starts: &[u64], entries: &[Owned], block: usize, cut: usize) {
    if cut < starts[0] as usize {
        match Reader::new(Cursor::new(&bytes[..cut])).err().unwrap() {
            OpenError::NotATape => assert!(cut < 8),
            OpenError::Torn { at_byte } => assert_eq!(at_byte, cut as u64),
            other => panic!("cut at {cut}: {other}"),
        }
        return;
    }
    let whole = starts.partition_point(|&start| start <= cut as u64) - 1;
    let (back, end) = read(&bytes[..cut]);
    assert_eq!(back, entries[..entries.len().min(whole * block)], "cut at {cut}");
    // The last start is the index, which ends before the trailer of 24 bytes.
    let index_end = bytes.len() - 24;
    let intact = if index_end <= cut { index_end as u64 } else { starts[whole] };
    assert_eq!(end.intact_bytes, intact, "cut at {cut}");
    assert_eq!(end.dropped_bytes, cut as u64 - intact);
    assert!(!end.sealed);
    let torn = end.damage.map(|damage| {
        assert!(matches!(damage.reason, Reason::Torn { missing } if missing > 0));
        damage.at_byte
    });
    assert_eq!(torn, (intact < cut as u64).then_some(intact), "cut at {cut}");
}

#[test]
fn a_small_tape_cut_at_every_byte() {
    let entries = session(60);
    let bytes = finished(&entries, 7);
    let starts = block_starts(&bytes);
    (0..bytes.len()).for_each(|cut| check_cut(&bytes, &starts, &entries, 7, cut));
}

#[test]
fn a_larger_tape_cut_at_random_bytes() {
    let entries = session(4_000);
    let bytes = finished(&entries, 90);
    let starts = block_starts(&bytes);
    let mut random = Pcg64::seed_from_u64(1);
    for _ in 0..1_000 {
        let cut = random.next_u64() as usize % bytes.len();
        check_cut(&bytes, &starts, &entries, 90, cut);
    }
}

/// One flipped bit stops reading before its block, and says where.
fn check_flip(bytes: &[u8], starts: &[u64], entries: &[Owned], block: usize, bit: usize) {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    let at = (bit / 8) as u64;
    if at < starts[0] {
        assert!(Reader::new(Cursor::new(&flipped)).is_err(), "bit {bit}");
        return;
    }
    let whole = starts.partition_point(|&start| start <= at) - 1;
    let (back, end) = read(&flipped);
    assert_eq!(back, entries[..entries.len().min(whole * block)], "bit {bit}");
    let trailer = bytes.len() as u64 - 24;
    let stops = if trailer <= at { trailer } else { starts[whole] };
    assert_eq!(end.damage.map(|damage| damage.at_byte), Some(stops), "bit {bit}");
    assert_eq!(end.sealed, at < trailer, "bit {bit}");
}

#[test]
fn every_flipped_bit_of_a_small_tape() {
    let entries = session(40);
    let bytes = finished(&entries, 9);
    let starts = block_starts(&bytes);
    (0..bytes.len() * 8).for_each(|bit| check_flip(&bytes, &starts, &entries, 9, bit));
}

#[test]
fn random_flipped_bits_of_a_larger_tape() {
    let entries = session(4_000);
    let bytes = finished(&entries, 90);
    let starts = block_starts(&bytes);
    let mut random = Pcg64::seed_from_u64(2);
    for _ in 0..1_000 {
        let bit = random.next_u64() as usize % (bytes.len() * 8);
        check_flip(&bytes, &starts, &entries, 90, bit);
    }
}

#[test]
fn old_blocks_behind_a_shorter_rewrite_are_not_taken_for_new_ones() {
    let old = finished(&session(600), 20);
    let starts = block_starts(&old);
    let new = session(100);
    for keep in [1, 2, 5] {
        let names = header(&["BTCUSDT", "ETHUSDT"]);
        let mut writer = Writer::create(Vec::new(), &names, SEGMENT + 1).unwrap();
        for entries in new.chunks(20).take(keep) {
            entries.iter().for_each(|entry| writer.write(&entry.entry()).unwrap());
            writer.flush().unwrap();
        }
        let mut file = writer.get_ref().clone();
        let written = file.len() as u64;
        // The old blocks of the same places follow as if the file had been reused.
        file.extend_from_slice(&old[starts[keep] as usize..]);
        let (back, end) = read(&file);
        assert_eq!(back, new[..keep * 20]);
        assert!(!end.sealed, "the old trailer is not ours");
        assert_eq!((end.intact_bytes, end.damage.unwrap().at_byte), (written, written));
        assert_eq!(end.damage.unwrap().reason, Reason::OtherRecording { segment: SEGMENT });
    }
}

#[test]
fn zeros_and_garbage_behind_the_tail_are_an_end() {
    let entries = session(60);
    let whole = finished(&entries, 20);
    let tape = &whole[..block_starts(&whole)[3] as usize];
    let mut random = Pcg64::seed_from_u64(3);
    for length in [1, 63, 64, 65, 5_000] {
        let mut garbage = vec![0; length];
        for fill in 0..2 {
            if fill == 1 {
                random.fill_bytes(&mut garbage);
            }
            let (back, end) = read(&[tape, &garbage].concat());
            assert_eq!(back, entries);
            let intact_bytes = tape.len() as u64;
            let want = End { intact_bytes, dropped_bytes: length as u64, ..end };
            assert_eq!((end, end.damage.unwrap().at_byte), (want, intact_bytes));
        }
        let (back, end) = read(&[&whole[..], &garbage].concat());
        assert_eq!((back, end.sealed), (entries.clone(), true));
        assert_eq!(end.damage.unwrap().reason, Reason::TrailingBytes);
    }
}

#[test]
fn blocks_in_the_wrong_place_are_seen() {
    let entries = session(60);
    let bytes = finished(&entries, 20);
    let starts = block_starts(&bytes);
    let part = |from: usize, to: usize| &bytes[starts[from] as usize..starts[to] as usize];
    let head = &bytes[..starts[0] as usize];
    for (order, found) in
        [([head, part(0, 1), part(2, 3)].concat(), 2), ([head, part(0, 1), part(0, 1)].concat(), 0)]
    {
        let (back, end) = read(&order);
        assert_eq!(back, entries[..20]);
        let reason = Reason::OutOfSequence { expected: 1, found };
        assert_eq!(end.damage.unwrap().reason, reason);
    }
}

#[test]
fn what_lies_behind_damage_can_be_had_on_request() {
    let entries = session(100);
    let mut bytes = finished(&entries, 20);
    let starts = block_starts(&bytes);
    bytes[starts[1] as usize + 70] ^= 1;
    bytes[starts[3] as usize + 5] ^= 1;
    let mut reader = Reader::new(Cursor::new(&bytes)).unwrap();
    let mut back = Vec::new();
    loop {
        while let Some(block) = reader.next_block().unwrap() {
            back.extend(block.entries().map(Owned::of));
        }
        if !reader.skip_damage().unwrap() {
            break;
        }
    }
    assert_eq!(back, [&entries[..20], &entries[40..60], &entries[80..]].concat());
    let end = reader.end().unwrap();
    assert_eq!((end.sealed, end.damage), (true, None), "the last stretch ended well");
    assert_eq!(end.dropped_bytes, starts[2] - starts[1] + starts[4] - starts[3]);
    assert_eq!(end.intact_bytes + end.dropped_bytes, bytes.len() as u64);
}
