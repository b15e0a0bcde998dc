//! The frame around every block: a fixed head that can be read, trusted and skipped by itself.
//!
//! ```text
//!  0  marker        "TBLK"
//!  4  kind          u8: 1 = entries, 2 = index; blocks of other kinds are skipped
//!  5  nothing yet   3 bytes
//!  8  segment       u64, of the file: old bytes behind a reused file are not taken for blocks
//! 16  sequence      u64, counts blocks of the file from 0
//! 24  raw bytes     u32, of the payload before compression
//! 28  stored bytes  u32, of the payload as it follows
//! 32  entries       u32
//! 36  trades        u32, how many of them
//! 40  earliest      u64 ns, received
//! 48  latest        u64 ns, received
//! 56  payload crc   u32, crc32c of the stored bytes
//! 60  head crc      u32, crc32c of the 60 bytes before
//! ```
//!
//! Numbers are little-endian. The payload is one zstd frame.

use core::fmt;

use systems::units::Nanos;

use super::bytes::{u32_at, u64_at};
use super::limits::{BLOCK_ENTRIES_MAX, BLOCK_RAW_MAX, BLOCK_STORED_MAX};

/// Bytes of a head.
pub(super) const HEAD_BYTES: usize = 64;
pub(super) const MARKER: [u8; 4] = *b"TBLK";
const CRC_AT: usize = 60;

/// A block of entries.
pub(super) const ENTRIES: u8 = 1;
/// The index, written once when a tape is finished.
pub(super) const INDEX: u8 = 2;

/// What a block holds, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) entries: u32,
    pub(super) trades: u32,
    pub(super) earliest: Nanos,
    pub(super) latest: Nanos,
}

impl Totals {
    /// Counts one entry.
    pub(super) fn add(&mut self, received: Nanos) {
        self.earliest = if self.entries == 0 { received } else { self.earliest.min(received) };
        self.latest = self.latest.max(received);
        self.entries += 1;
    }
}

/// A block's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) segment: u64,
    pub(super) sequence: u64,
    pub(super) raw_bytes: u32,
    pub(super) stored_bytes: u32,
    pub(super) totals: Totals,
    pub(super) payload_crc: u32,
}

/// Why a tape could not be read on from some byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The file ends inside a block: the tail that a crash leaves.
    Torn {
        /// Bytes that are missing.
        missing: u64,
    },
    /// No block begins here.
    NotABlock,
    /// The block's head does not match its checksum.
    HeadChecksum,
    /// The block belongs to another recording: a reused file.
    OtherRecording {
        /// The other recording's segment id.
        segment: u64,
    },
    /// A block is missing, repeated, or in the wrong place.
    OutOfSequence {
        /// The block that should be here.
        expected: u64,
        /// The block that is here.
        found: u64,
    },
    /// The block claims more than any block may have.
    TooLarge {
        /// What is too much: bytes or entries.
        what: &'static str,
        /// How many it claims.
        claimed: u64,
        /// How many it may have.
        limit: u64,
    },
    /// The block's content does not match its checksum.
    PayloadChecksum,
    /// The block's content does not decompress to the size it claims.
    Compression,
    /// The block decompresses, but not into what its head promises.
    Malformed,
    /// The index is there, but what should follow it is not.
    Trailer,
    /// Bytes follow the end of a finished tape.
    TrailingBytes,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn { missing } => write!(f, "the file ends {missing} bytes too early"),
            Self::NotABlock => f.write_str("no block begins here"),
            Self::HeadChecksum => f.write_str("the block's head does not match its checksum"),
            Self::OtherRecording { segment } => {
                write!(f, "the block belongs to another recording ({segment:016x})")
            }
            Self::OutOfSequence { expected, found } => {
                write!(f, "block {found} is where block {expected} should be")
            }
            Self::TooLarge { what, claimed, limit } => {
                write!(f, "the block claims {claimed} {what}, more than {limit}")
            }
            Self::PayloadChecksum => f.write_str("the block does not match its checksum"),
            Self::Compression => f.write_str("the block does not decompress to its size"),
            Self::Malformed => f.write_str("the block does not hold what its head promises"),
            Self::Trailer => f.write_str("the trailer after the index is damaged"),
            Self::TrailingBytes => f.write_str("bytes follow the end of a finished tape"),
        }
    }
}

/// Where intact data ends, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset of the first byte that is not intact.
    pub at_byte: u64,
    /// What is wrong there.
    pub reason: Reason,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at_byte, self.reason)
    }
}

impl Head {
    pub(super) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        out[..4].copy_from_slice(&MARKER);
        out[4] = self.kind;
        out[8..16].copy_from_slice(&self.segment.to_le_bytes());
        out[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        out[24..28].copy_from_slice(&self.raw_bytes.to_le_bytes());
        out[28..32].copy_from_slice(&self.stored_bytes.to_le_bytes());
        out[32..36].copy_from_slice(&self.totals.entries.to_le_bytes());
        out[36..40].copy_from_slice(&self.totals.trades.to_le_bytes());
        out[40..48].copy_from_slice(&self.totals.earliest.0.to_le_bytes());
        out[48..56].copy_from_slice(&self.totals.latest.0.to_le_bytes());
        out[56..60].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c::crc32c(&out[..CRC_AT]);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a head of this recording and holds it against every limit.
    pub(super) fn decode(bytes: &[u8; HEAD_BYTES], segment: u64) -> Result<Self, Reason> {
        if bytes[..4] != MARKER {
            return Err(Reason::NotABlock);
        }
        if crc32c::crc32c(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT) {
            return Err(Reason::HeadChecksum);
        }
        let head = Self {
            kind: bytes[4],
            segment: u64_at(bytes, 8),
            sequence: u64_at(bytes, 16),
            raw_bytes: u32_at(bytes, 24),
            stored_bytes: u32_at(bytes, 28),
            totals: Totals {
                entries: u32_at(bytes, 32),
                trades: u32_at(bytes, 36),
                earliest: Nanos(u64_at(bytes, 40)),
                latest: Nanos(u64_at(bytes, 48)),
            },
            payload_crc: u32_at(bytes, 56),
        };
        if head.segment != segment {
            return Err(Reason::OtherRecording { segment: head.segment });
        }
        for (what, claimed, limit) in [
            ("bytes", head.raw_bytes, BLOCK_RAW_MAX),
            ("stored bytes", head.stored_bytes, BLOCK_STORED_MAX),
            ("entries", head.totals.entries, BLOCK_ENTRIES_MAX),
        ] {
            if claimed as usize > limit {
                let (claimed, limit) = (claimed.into(), limit as u64);
                return Err(Reason::TooLarge { what, claimed, limit });
            }
        }
        Ok(head)
    }

    /// Bytes from this block's begin to the next one's.
    pub(super) fn span(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.stored_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            kind: ENTRIES,
            segment: 9,
            sequence: 3,
            raw_bytes: 100,
            stored_bytes: 50,
            totals: Totals { entries: 7, trades: 2, earliest: Nanos(5), latest: Nanos(6) },
            payload_crc: 1,
        }
    }

    #[test]
    fn a_head_comes_back_and_every_flipped_bit_is_seen() {
        let bytes = head().encode();
        assert_eq!(Head::decode(&bytes, 9), Ok(head()));
        for bit in 0..HEAD_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let want = if bit < 32 { Reason::NotABlock } else { Reason::HeadChecksum };
            assert_eq!(Head::decode(&flipped, 9), Err(want), "{bit}");
        }
        let other = Reason::OtherRecording { segment: 9 };
        assert_eq!(Head::decode(&bytes, 8), Err(other));
    }

    #[test]
    fn claims_are_accepted_at_the_limit_and_refused_beyond() {
        let claims: [fn(&mut Head, u32); 3] = [
            |head, claim| head.raw_bytes = claim,
            |head, claim| head.stored_bytes = claim,
            |head, claim| head.totals.entries = claim,
        ];
        let limits = [BLOCK_RAW_MAX, BLOCK_STORED_MAX, BLOCK_ENTRIES_MAX];
        for (claim, limit) in claims.into_iter().zip(limits) {
            let mut at_limit = head();
            claim(&mut at_limit, limit as u32);
            assert!(Head::decode(&at_limit.encode(), 9).is_ok());
            for beyond in [limit as u32 + 1, u32::MAX] {
                let mut too_large = head();
                claim(&mut too_large, beyond);
                let got = Head::decode(&too_large.encode(), 9);
                assert!(
                    matches!(got, Err(Reason::TooLarge { claimed, .. }) if claimed == u64::from(beyond))
                );
            }
        }
    }
}
