//! Arbitrary bytes to the tape reader.
//!
//! Checksums would stop almost every input at the door, so the first byte chooses how deep the
//! rest gets: as a whole file, as blocks behind an intact header, as the payload of a block whose
//! checksums match, or as the stored form of one. Whatever is read must be written and read again
//! to the same entries.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use systems::symbol::SymbolSpec;
use systems::units::{Nanos, Scale};
use tapescan::tape::{Header, Reader, Writer};

const SEGMENT: u64 = 7;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, data)) = data.split_first() else { return };
    let (first, second) = data.split_at(data.len() / 2);
    let file = match mode % 5 {
        0 => data.to_vec(),
        1 => [beginning(), data.to_vec()].concat(),
        2 => [beginning(), block(data, false)].concat(),
        3 => [beginning(), block(data, true)].concat(),
        _ => [beginning(), block(first, false), block(second, false)].concat(),
    };
    exhaust(&file);
});

fn header() -> Header {
    let symbol = |name: &str| SymbolSpec {
        name: name.into(),
        price: Scale::exact(2),
        quantity: Scale::exact(3),
    };
    let symbols = ["A", "B", "C"].map(symbol).to_vec();
    Header { venue: "v".into(), program: "p".into(), config: String::new(), symbols }
}

fn beginning() -> Vec<u8> {
    let writer = Writer::create(Vec::new(), &header(), SEGMENT).expect("a small header");
    writer.get_ref().clone()
}

/// A block whose head is what `data` begins with and whose checksums match.
fn block(data: &[u8], compressed: bool) -> Vec<u8> {
    let Some((numbers, payload)) = data.split_at_checked(7) else { return Vec::new() };
    let stored = match compressed {
        true => payload.to_vec(),
        false => zstd::bulk::compress(payload, 1).expect("memory"),
    };
    let raw_bytes = match compressed {
        true => u32::from(numbers[5]) << 8 | u32::from(numbers[6]),
        false => payload.len() as u32,
    };
    let sequence = match numbers[6] {
        _ if compressed => 0,
        u8::MAX => u64::MAX,
        other => other.into(),
    };
    let mut out = b"TBLK".to_vec();
    out.extend([numbers[0] % 4, 0, 0, 0]);
    out.extend(SEGMENT.to_le_bytes());
    out.extend(sequence.to_le_bytes());
    for number in [raw_bytes, stored.len() as u32, numbers[1].into(), numbers[2].into()] {
        out.extend(number.to_le_bytes());
    }
    for instant in [numbers[3], numbers[4]] {
        out.extend(u64::from(instant).to_le_bytes());
    }
    out.extend(crc32c::crc32c(&stored).to_le_bytes());
    out.extend(crc32c::crc32c(&out).to_le_bytes());
    out.extend(stored);
    out
}

fn exhaust(file: &[u8]) {
    let Ok(mut reader) = Reader::new(Cursor::new(file)) else { return };
    let mut copy = Writer::create(Vec::new(), reader.header(), 1).expect("a header that was read");
    loop {
        while let Some(block) = reader.next_block().expect("memory") {
            for entry in block.entries() {
                copy.write(&entry).expect("an entry that was read");
            }
        }
        if !reader.skip_damage().expect("memory") {
            break;
        }
    }
    let copy = copy.finish().expect("memory");
    let mut again = Reader::new(Cursor::new(&copy)).expect("a tape that was written");
    let mut dump = Vec::new();
    while let Some(block) = again.next_block().expect("memory") {
        dump.extend(block.entries().map(|entry| format!("{entry:?}")));
    }
    assert!(again.end().is_some_and(|end| end.sealed && end.damage.is_none()));

    reader.seek(Nanos(0)).expect("memory");
    let mut place = 0;
    while let Some(block) = reader.next_block().expect("memory") {
        for entry in block.entries() {
            assert_eq!(dump[place], format!("{entry:?}"));
            place += 1;
        }
    }
    for at in [1, 200, u64::MAX] {
        reader.seek(Nanos(at)).expect("memory");
        reader.next_block().expect("memory");
    }
}
