//! One stretch in which a market trades many times its rate: a burst when one is wanted.

use std::fmt;

use super::spec::{real, seconds};

/// From a second on, and for so many, the market trades so many times its rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surge {
    /// How many times.
    pub factor: f64,
    /// When it begins, in seconds after the market's start.
    pub from: u64,
    /// How long it lasts, in seconds.
    pub length: u64,
}

impl Surge {
    /// What a text may say.
    pub(super) const ALLOWED: &str = "none, or a factor from 1 to 100000, since when and for how \
                                      long, such as 10x@60s+10s";

    /// Reads `10x@60s+10s`, or `none`.
    pub(super) fn read(text: &str) -> Option<Option<Self>> {
        const LONGEST: u64 = 366 * 86_400;
        if text == "none" {
            return Some(None);
        }
        let (factor, when) = text.split_once("x@")?;
        let (from, length) = when.split_once('+')?;
        let factor = real(factor, 1.0, 1e5)?;
        Some(Some(Self {
            factor,
            from: seconds(from, LONGEST)?,
            length: seconds(length, LONGEST)?,
        }))
    }

    /// The text that reads back as it.
    pub(super) fn write(surge: Option<Self>) -> String {
        surge.map_or_else(|| "none".to_owned(), |surge| surge.to_string())
    }

    /// When it is over, in seconds after the market's start.
    pub const fn end(&self) -> u64 {
        self.from.saturating_add(self.length)
    }
}

impl fmt::Display for Surge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x@{}s+{}s", self.factor, self.from, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surge_says_how_much_since_when_and_for_how_long() {
        let surge = Surge { factor: 10.0, from: 60, length: 10 };
        for text in ["10x@60s+10s", "10x@1m+10s", "10.0x@60s+10s"] {
            assert_eq!(Surge::read(text), Some(Some(surge)), "{text}");
        }
        let half = Surge { factor: 2.5, from: 3_600, length: 60 };
        assert_eq!(Surge::read(&half.to_string()), Some(Some(half)));
        assert_eq!((Surge::read("none"), Surge::write(None)), (Some(None), "none".to_owned()));
        for text in [
            "",
            "10",
            "10x",
            "10@60s+10s",
            "10x@60s",
            "10x@60+10s",
            "x@60s+10s",
            "0.5x@60s+10s",
            "100001x@60s+10s",
            "10x@0s+10s",
            "10x@60s+0s",
            "10x@60s-10s",
        ] {
            assert_eq!(Surge::read(text), None, "{text}");
        }
    }
}
