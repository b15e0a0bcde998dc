//! What a decoder saw: counts by kind and by cause, and the first message of each cause.

use super::reject::DecodeReject;
use super::{Kind, What};

/// The longest sample kept, in bytes of escaped text; the rest is cut off.
pub const SAMPLE_BYTES_MAX: usize = 200;

/// The beginning of a rejected message, escaped to printable ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    bytes: [u8; SAMPLE_BYTES_MAX],
    len: u8,
}

const _: () = assert!(SAMPLE_BYTES_MAX <= u8::MAX as usize);

impl Sample {
    fn of(message: &[u8]) -> Self {
        let mut bytes = [0; SAMPLE_BYTES_MAX];
        let mut len = 0;
        // An escape that does not fit whole would read as something else.
        for &byte in message.iter().take(SAMPLE_BYTES_MAX) {
            let escaped = core::ascii::escape_default(byte);
            if len + escaped.len() > SAMPLE_BYTES_MAX {
                break;
            }
            for byte in escaped {
                bytes[len] = byte;
                len += 1;
            }
        }
        Self { bytes, len: len as u8 }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl core::fmt::Debug for Sample {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Counts of one decoder. Fixed in size, so a flood of bad messages costs nothing but numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeCounts {
    kinds: [u64; Kind::ALL.len()],
    rejects: [u64; DecodeReject::ALL.len()],
    samples: [Option<Sample>; DecodeReject::ALL.len()],
}

impl DecodeCounts {
    /// Counts one result; `message` is what it came from.
    #[inline]
    pub fn note(&mut self, what: &What, message: &[u8]) {
        match what {
            What::Rejected(cause) => self.reject(*cause, message),
            what => {
                if let Some(kind) = what.kind() {
                    self.kinds[kind as usize] += 1;
                }
            }
        }
    }

    #[cold]
    fn reject(&mut self, cause: DecodeReject, message: &[u8]) {
        self.rejects[cause.index()] += 1;
        self.samples[cause.index()].get_or_insert_with(|| Sample::of(message));
    }

    /// Adds what another one counted; its samples serve where there are none yet.
    pub fn add(&mut self, other: &Self) {
        self.kinds.iter_mut().zip(other.kinds).for_each(|(mine, theirs)| *mine += theirs);
        self.rejects.iter_mut().zip(other.rejects).for_each(|(mine, theirs)| *mine += theirs);
        for (mine, theirs) in self.samples.iter_mut().zip(other.samples) {
            *mine = mine.or(theirs);
        }
    }

    /// How many of that kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize]
    }

    /// How many were rejected for that cause.
    pub fn rejected(&self, cause: DecodeReject) -> u64 {
        self.rejects[cause.index()]
    }

    /// How many were rejected.
    pub fn rejected_in_all(&self) -> u64 {
        self.rejects.iter().sum()
    }

    /// Every cause that occurred, its count and the first message.
    pub fn rejects(&self) -> impl Iterator<Item = (DecodeReject, u64, &str)> {
        DecodeReject::ALL.into_iter().zip(&self.rejects).zip(&self.samples).filter_map(
            |((cause, &count), sample)| {
                sample.as_ref().map(|sample| (cause, count, sample.as_str()))
            },
        )
    }

    /// Every kind that occurred and its count.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().zip(self.kinds).filter(|&(_, count)| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_at_their_index() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn the_first_sample_of_a_cause_is_kept_escaped_and_short() {
        let mut counts = DecodeCounts::default();
        counts.note(&What::Rejected(DecodeReject::NotJson), b"\x00\"\xff");
        counts.note(&What::Rejected(DecodeReject::NotJson), b"second");
        counts.note(&What::Rejected(DecodeReject::TooLong), &[0xff; 5_000]);
        counts.note(&What::Ignored(Kind::Depth), b"{}");
        let rejects: Vec<_> = counts.rejects().collect();
        assert_eq!(rejects[0].0, DecodeReject::TooLong);
        assert_eq!(rejects[0].2, "\\xff".repeat(50));
        assert_eq!(rejects[1], (DecodeReject::NotJson, 2, "\\x00\\\"\\xff"));
        assert_eq!(counts.kinds().collect::<Vec<_>>(), [(Kind::Depth, 1)]);
        assert_eq!((counts.rejected_in_all(), counts.rejected(DecodeReject::TooLong)), (3, 1));
    }
}
