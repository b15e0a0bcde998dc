//! The index for seeking by time, and the trailer that says where it is.
//!
//! ```text
//! index    varints: blocks, marks, then for each mark its offset and sequence (differences to
//!          the mark before), entries, earliest, latest (zigzag differences to the mark before)
//! trailer  24 bytes at the very end: "TEND", u64 segment, u64 offset of the index block,
//!          u32 crc32c of the 20 bytes before
//! ```
//!
//! A mark covers the blocks from its own to the next mark's. Normally that is one.

use systems::units::Nanos;

use super::block::Totals;
use super::bytes::{Cursor, put_signed, put_varint, u32_at, u64_at};
use super::limits::INDEX_MARKS_MAX;

/// Bytes of a trailer.
pub(super) const TRAILER_BYTES: usize = 24;
const TRAILER_MARKER: [u8; 4] = *b"TEND";

/// Some neighbouring blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where the first of them begins, in bytes.
    pub(super) offset: u64,
    /// Its sequence number.
    pub(super) sequence: u64,
    /// Entries in all of them.
    pub(super) entries: u64,
    /// Earliest instant received in any of them.
    pub(super) earliest: Nanos,
    /// Latest instant received in any of them.
    pub(super) latest: Nanos,
}

impl Mark {
    fn extend(&mut self, later: &Self) {
        self.entries += later.entries;
        self.earliest = self.earliest.min(later.earliest);
        self.latest = self.latest.max(later.latest);
    }
}

/// Where blocks are and when their entries were received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) blocks: u64,
    pub(super) marks: Vec<Mark>,
    /// Blocks per mark: a power of two.
    stride: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self { blocks: 0, marks: Vec::new(), stride: 1 }
    }
}

impl Index {
    /// Adds the block after all others.
    pub(super) fn push(&mut self, offset: u64, sequence: u64, totals: &Totals) {
        let Totals { entries, earliest, latest, .. } = *totals;
        let mark = Mark { offset, sequence, entries: entries.into(), earliest, latest };
        let covered = self.blocks % self.stride;
        self.blocks += 1;
        match self.marks.last_mut() {
            Some(last) if covered != 0 => return last.extend(&mark),
            _ => self.marks.push(mark),
        }
        if self.marks.len() > INDEX_MARKS_MAX {
            self.thin();
        }
    }

    /// Joins marks in pairs. The newest stays alone and takes the blocks that follow.
    fn thin(&mut self) {
        let pairs = self.marks.chunks(2).map(|pair| {
            let mut mark = pair[0];
            pair[1..].iter().for_each(|later| mark.extend(later));
            mark
        });
        self.marks = pairs.collect();
        self.stride *= 2;
    }

    /// The first mark that may cover an entry received at or after an instant.
    pub(super) fn find(&self, at: Nanos) -> Option<&Mark> {
        // Marks need not be in time order where the recorder's clock was set back.
        self.marks.iter().find(|mark| at <= mark.latest)
    }

    /// Entries in all blocks.
    pub(super) fn entries(&self) -> u64 {
        self.marks.iter().fold(0, |sum, mark| mark.entries.saturating_add(sum))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.blocks);
        put_varint(out, self.marks.len() as u64);
        let mut before = [0u64; 4];
        for mark in &self.marks {
            let now = [mark.offset, mark.sequence, mark.earliest.0, mark.latest.0];
            put_varint(out, mark.entries);
            for (now, before) in now.iter().zip(before) {
                put_signed(out, now.wrapping_sub(before) as i64);
            }
            before = now;
        }
    }

    /// Reads an index; `None` if the bytes are not one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(bytes);
        let blocks = cursor.varint()?;
        let count = cursor.small::<usize>().filter(|&count| count <= INDEX_MARKS_MAX)?;
        let mut marks = Vec::with_capacity(count);
        let mut before = [0u64; 4];
        for _ in 0..count {
            let entries = cursor.varint()?;
            for number in &mut before {
                *number = number.wrapping_add(cursor.signed()? as u64);
            }
            let [offset, sequence, earliest, latest] = before;
            let (earliest, latest) = (Nanos(earliest), Nanos(latest));
            marks.push(Mark { offset, sequence, entries, earliest, latest });
        }
        let stride = blocks.div_ceil(count.max(1) as u64).max(1).checked_next_power_of_two()?;
        Some(Self { blocks, marks, stride })
    }
}

/// The last bytes of a finished tape.
pub(super) fn trailer(segment: u64, index_at: u64) -> [u8; TRAILER_BYTES] {
    let mut out = [0; TRAILER_BYTES];
    out[..4].copy_from_slice(&TRAILER_MARKER);
    out[4..12].copy_from_slice(&segment.to_le_bytes());
    out[12..20].copy_from_slice(&index_at.to_le_bytes());
    let crc = crc32c::crc32c(&out[..20]);
    out[20..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Where the index block is, if these bytes are a trailer of this recording.
pub(super) fn read_trailer(bytes: &[u8; TRAILER_BYTES], segment: u64) -> Option<u64> {
    let intact = bytes[..4] == TRAILER_MARKER
        && u64_at(bytes, 4) == segment
        && u32_at(bytes, 20) == crc32c::crc32c(&bytes[..20]);
    intact.then(|| u64_at(bytes, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index_of(blocks: u64) -> Index {
        let mut index = Index::default();
        for block in 0..blocks {
            let (earliest, latest) = (Nanos(block * 10), Nanos(block * 10 + 9));
            index.push(block * 100, block, &Totals { entries: 2, trades: 0, earliest, latest });
        }
        index
    }

    #[test]
    fn an_index_comes_back() {
        for blocks in [0, 1, 2, 1_000] {
            let index = index_of(blocks);
            let mut bytes = Vec::new();
            index.encode(&mut bytes);
            assert_eq!(Index::decode(&bytes), Some(index));
            for cut in 0..bytes.len() {
                assert_eq!(Index::decode(&bytes[..cut]), None);
            }
        }
    }

    #[test]
    fn more_blocks_than_can_be_is_no_index() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        bytes.push(0);
        assert_eq!(Index::decode(&bytes), None);
    }

    #[test]
    fn an_index_stays_small_and_covers_every_block() {
        let most = INDEX_MARKS_MAX as u64;
        for (blocks, stride) in [(most, 1), (most + 1, 2), (2 * most, 2), (2 * most + 1, 4)] {
            let index = index_of(blocks);
            assert!(index.marks.len() <= INDEX_MARKS_MAX);
            assert_eq!((index.stride, index.blocks, index.entries()), (stride, blocks, 2 * blocks));
            for (place, mark) in index.marks.iter().enumerate() {
                let first = place as u64 * stride;
                let last = (first + stride).min(blocks) - 1;
                assert_eq!((mark.sequence, mark.offset), (first, first * 100));
                assert_eq!((mark.earliest, mark.latest), (Nanos(first * 10), Nanos(last * 10 + 9)));
            }
        }
    }

    #[test]
    fn a_trailer_belongs_to_one_recording() {
        let bytes = trailer(5, 1_234);
        assert_eq!(read_trailer(&bytes, 5), Some(1_234));
        assert_eq!(read_trailer(&bytes, 6), None);
        for bit in 0..TRAILER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_trailer(&flipped, 5), None, "{bit}");
        }
    }
}
