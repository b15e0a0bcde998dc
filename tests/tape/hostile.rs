//! Files made to hurt: built here by hand from the format's description.

use std::io::Cursor;

use proptest::prelude::*;
use systems::units::Nanos;
use tapescan::tape::limits::{BLOCK_ENTRIES_MAX, BLOCK_RAW_MAX};
use tapescan::tape::{Body, OpenError, Problem, Reader, Reason, Writer, verify};

use super::{Owned, SEGMENT, finished, header, read, session};

/// A block's head and stored payload with checksums that match, whatever it says.
pub(super) struct Forged {
    pub(super) kind: u8,
    pub(super) sequence: u64,
    pub(super) raw_bytes: u32,
    pub(super) stored_bytes: u32,
    pub(super) entries: u32,
    pub(super) trades: u32,
    pub(super) earliest: u64,
    pub(super) latest: u64,
    pub(super) stored: Vec<u8>,
}

impl Forged {
    pub(super) fn of(raw: &[u8], entries: u32) -> Self {
        let stored = zstd::bulk::compress(raw, 1).unwrap();
        Self {
            kind: 1,
            sequence: 0,
            raw_bytes: raw.len() as u32,
            stored_bytes: stored.len() as u32,
            entries,
            trades: 0,
            earliest: 0,
            latest: 0,
            stored,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = b"TBLK".to_vec();
        out.extend([self.kind, 0, 0, 0]);
        out.extend(SEGMENT.to_le_bytes());
        out.extend(self.sequence.to_le_bytes());
        for number in [self.raw_bytes, self.stored_bytes, self.entries, self.trades] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.earliest.to_le_bytes());
        out.extend(self.latest.to_le_bytes());
        out.extend(crc32c::crc32c(&self.stored).to_le_bytes());
        out.extend(crc32c::crc32c(&out).to_le_bytes());
        out.extend(&self.stored);
        out
    }
}

/// A tape with these blocks and no index.
fn tape(blocks: &[Forged]) -> Vec<u8> {
    let writer = Writer::create(Vec::new(), &header(&["A", "B"]), SEGMENT).unwrap();
    let mut bytes = writer.get_ref().clone();
    blocks.iter().for_each(|block| bytes.extend(block.bytes()));
    bytes
}

/// One run of no trades, one of `entries` others, and their bytes.
fn others(entries: u8, bytes: &[u8]) -> Vec<u8> {
    [&[2, 0, entries, bytes.len() as u8], bytes].concat()
}

/// A heartbeat received at 5, one nanosecond before the venue's time: zigzag 10, length 1, 2.
const HEARTBEAT: [u8; 4] = [8, 10, 1, 2];

fn heartbeat() -> Forged {
    Forged { earliest: 5, latest: 5, ..Forged::of(&others(1, &HEARTBEAT), 1) }
}

fn reason(bytes: &[u8]) -> Option<Reason> {
    read(bytes).1.damage.map(|damage| damage.reason)
}

#[test]
fn the_format_is_as_described() {
    let (entries, end) = read(&tape(&[heartbeat()]));
    let [Owned { received: Nanos(5), body: super::OwnedBody::Plain(Body::Heartbeat(Nanos(6))) }] =
        entries.as_slice()
    else {
        panic!("{entries:?}")
    };
    assert_eq!((end.sealed, end.damage), (false, None));
}

#[test]
fn unknown_kinds_of_entries_and_blocks_are_skipped_and_counted() {
    let unknown = [99, 10, 3, b'n', b'e', b'w'];
    // Received 0 ns after the one before.
    let again = [8, 0, 1, 2];
    let raw = others(3, &[&HEARTBEAT[..], &[99, 0, 3], &unknown[3..], &again].concat());
    let bytes = tape(&[
        Forged { earliest: 5, latest: 5, ..Forged::of(&raw, 3) },
        Forged { kind: 77, sequence: 1, ..Forged::of(b"from the future", 9) },
        Forged { sequence: 2, ..heartbeat() },
    ]);
    let mut reader = Reader::new(Cursor::new(&bytes)).unwrap();
    let block = reader.next_block().unwrap().unwrap();
    assert_eq!((block.len(), block.unknown(), block.entries().count()), (3, 1, 2));
    let block = reader.next_block().unwrap().unwrap();
    assert_eq!((block.len(), block.unknown()), (1, 0));
    assert!(reader.next_block().unwrap().is_none());
    assert_eq!((reader.unknown_blocks(), reader.end().unwrap().damage), (1, None));
}

#[test]
fn claims_beyond_the_limits_are_refused() {
    let most = |what, claimed: usize, limit: usize| {
        let (claimed, limit) = (claimed as u64, limit as u64);
        Some(Reason::TooLarge { what, claimed, limit })
    };
    let raw_bytes = BLOCK_RAW_MAX as u32;
    let got = reason(&tape(&[Forged { raw_bytes: raw_bytes + 1, ..heartbeat() }]));
    assert_eq!(got, most("bytes", BLOCK_RAW_MAX + 1, BLOCK_RAW_MAX));
    let got = reason(&tape(&[Forged { raw_bytes, ..heartbeat() }]));
    assert_eq!(got, Some(Reason::Compression), "allowed, but not true");

    let entries = BLOCK_ENTRIES_MAX as u32;
    let got = reason(&tape(&[Forged { entries: entries + 1, ..heartbeat() }]));
    assert_eq!(got, most("entries", BLOCK_ENTRIES_MAX + 1, BLOCK_ENTRIES_MAX));
    let got = reason(&tape(&[Forged { entries, trades: entries, ..heartbeat() }]));
    assert_eq!(got, Some(Reason::Malformed), "allowed, but not true");

    let got = reason(&tape(&[Forged { stored_bytes: u32::MAX, ..heartbeat() }]));
    assert!(matches!(got, Some(Reason::TooLarge { what: "stored bytes", .. })));
    let got = reason(&tape(&[Forged { stored_bytes: BLOCK_RAW_MAX as u32, ..heartbeat() }]));
    assert!(matches!(got, Some(Reason::Torn { .. })), "no memory is taken for what is not there");
}

#[test]
fn a_block_must_hold_what_its_head_says() {
    for (what, block) in [
        ("too few entries", Forged { entries: 2, ..heartbeat() }),
        ("too many entries", Forged { entries: 0, ..heartbeat() }),
        ("trades that are not there", Forged { trades: 1, ..heartbeat() }),
        ("more trades than entries", Forged { trades: 2, ..heartbeat() }),
        ("an earliest that is not", Forged { earliest: 4, ..heartbeat() }),
        ("a latest that is not", Forged { latest: 6, ..heartbeat() }),
        ("nothing", Forged::of(b"", 0)),
        ("runs without end", Forged::of(&[0xff; 40], 1)),
        ("a length beyond the block", Forged::of(&[2, 0, 1, 0x7f, 8], 1)),
        ("bytes behind the entries", Forged::of(&[1, 0, 0, 0], 0)),
    ] {
        assert_eq!(reason(&tape(&[block])), Some(Reason::Malformed), "{what}");
    }
    // A bomb: sixteen megabytes of zeros in a few hundred bytes.
    let bomb = Forged::of(&vec![0; BLOCK_RAW_MAX], 1);
    assert!(bomb.stored.len() < 2_000);
    assert_eq!(reason(&tape(&[bomb])), Some(Reason::Malformed));
    // The same with a head that claims less: not one byte more than claimed is taken.
    let bomb = Forged { raw_bytes: 100, ..Forged::of(&vec![0; BLOCK_RAW_MAX], 1) };
    assert_eq!(reason(&tape(&[bomb])), Some(Reason::Compression));
}

/// The heartbeat's tape, finished with an index of these varints.
fn with_index(index: &[u8]) -> Vec<u8> {
    let mut bytes = tape(&[heartbeat()]);
    let index_at = bytes.len() as u64;
    bytes.extend(Forged { kind: 2, sequence: 1, ..Forged::of(index, 0) }.bytes());
    let mut trailer = [b"TEND", &SEGMENT.to_le_bytes()[..], &index_at.to_le_bytes()].concat();
    trailer.extend(crc32c::crc32c(&trailer).to_le_bytes());
    [bytes, trailer].concat()
}

#[test]
fn a_sequence_may_end_where_numbers_do() {
    let mut bytes = tape(&[Forged { sequence: u64::MAX, ..heartbeat() }]);
    let last = Reason::OutOfSequence { expected: 0, found: u64::MAX };
    assert_eq!(reason(&bytes), Some(last));
    exhaust(&bytes);
    bytes.extend(heartbeat().bytes());
    exhaust(&bytes);
}

#[test]
fn an_index_that_lies_misleads_nobody() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("a.tape");
    let start = (tape(&[]).len() as u8) << 1;
    assert!(start >= 128, "the offset takes two bytes");
    let mark = |start: u8, entries: u8| vec![1, 1, entries, start | 0x80, 1, 0, 10, 10];
    for (index, problems) in [
        (mark(start, 1), vec![]),
        (mark(start, 3), vec![Problem::Index { what: "entries", claimed: 3, found: 1 }]),
        (mark(start + 2, 1), vec![]),
        (
            vec![2, 0],
            vec![("blocks", 2, 1), ("entries", 0, 1)]
                .into_iter()
                .map(|(what, claimed, found)| Problem::Index { what, claimed, found })
                .collect(),
        ),
    ] {
        let bytes = with_index(&index);
        assert_eq!(read(&bytes).1.damage, None);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(verify(&path).unwrap().problems, problems);
        let mut reader = Reader::new(Cursor::new(&bytes)).unwrap();
        reader.seek(Nanos(5)).unwrap();
        assert_eq!(reader.next_block().unwrap().map(|block| block.len()), Some(1), "{index:?}");
    }
    // An index that is none is damage like any other, and the blocks before it are had.
    let bytes = with_index(&[1, 200]);
    assert_eq!((read(&bytes).0.len(), reason(&bytes)), (1, Some(Reason::Malformed)));
    let mut reader = Reader::new(Cursor::new(&bytes)).unwrap();
    reader.seek(Nanos(0)).unwrap();
    assert!(reader.next_block().unwrap().is_some());
}

#[test]
fn a_newer_version_says_so() {
    let mut bytes = finished(&session(5), 5);
    bytes[8] = 7;
    let error = Reader::new(Cursor::new(&bytes)).err().unwrap();
    let text = "written by a newer tapescan (format v7), this one reads up to v1";
    assert!(matches!(error, OpenError::Newer { version: 7 }));
    assert_eq!(error.to_string(), text);
}

/// Reads, seeks and skips all there is; what matters is that it returns.
fn exhaust(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(Cursor::new(bytes)) else { return };
    loop {
        while let Some(block) = reader.next_block().unwrap() {
            block.entries().for_each(drop);
        }
        if !reader.skip_damage().unwrap() {
            break;
        }
    }
    for at in [0, 1 << 60, u64::MAX] {
        reader.seek(Nanos(at)).unwrap();
        reader.next_block().unwrap();
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, header_first: bool) {
        match header_first {
            false => exhaust(&bytes),
            true => exhaust(&[tape(&[]), bytes].concat()),
        }
    }

    #[test]
    fn arbitrary_payloads_never_panic(
        raw: Vec<u8>, kind in 0u8..4, entries in 0u32..9, trades in 0u32..9,
    ) {
        exhaust(&tape(&[Forged { kind, trades, ..Forged::of(&raw, entries) }]));
    }
}
