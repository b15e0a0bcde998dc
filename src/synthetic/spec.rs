//! What a synthetic market is like, as `key=value,key=value,...`.

use std::fmt;

use systems::limits::{EARLIEST_NS, LATEST_NS, SYMBOLS_MAX};
use systems::units::Nanos;

use super::surge::Surge;
use crate::config::nearest;

/// Everything that determines a synthetic market: equal specs give equal entries on any machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// How many symbols, listed late and delisted ones included.
    pub symbols: u32,
    /// Prints per second over all symbols, on average.
    pub rate: f64,
    /// Venue time at which trading begins, in seconds since the epoch.
    pub start: u64,
    /// How long trading lasts, in seconds.
    pub duration: u64,
    /// Equal seeds give equal markets. Changing only fault rates keeps the prints.
    pub seed: u64,
    /// How uneven activity is: weight by rank is `1 / (rank + 2)^skew`, in half steps.
    pub skew: f64,
    /// How many times its calm rate the market trades while it bursts (some seconds every two
    /// minutes or so); 1 for never.
    pub burst: f64,
    /// The same for the first second of every minute.
    pub boundary: f64,
    /// One stretch of many times the rate, on top of all that.
    pub surge: Option<Surge>,
    /// Share of minutes in which a symbol does not trade at all.
    pub quiet: f64,
    /// Trade times are whole milliseconds, or else microseconds.
    pub times_in_us: bool,
    /// Connections over which symbols are spread.
    pub links: u16,
    /// Share of prints that are withheld, in runs of consecutive ids.
    pub gaps: f64,
    /// What becomes of withheld prints.
    pub backfill: Backfill,
    /// Share of prints that arrive seconds late.
    pub late: f64,
    /// The longest such delay, in seconds.
    pub late_by: u64,
    /// Share of prints that arrive up to 100 ms out of order.
    pub reorder: f64,
    /// Share of prints that arrive a second time.
    pub duplicates: f64,
    /// How often a connection is lost during the whole market.
    pub cuts: u32,
    /// For how long, in seconds; nothing arrives on it meanwhile.
    pub cut_for: u64,
    /// Symbols that begin to trade somewhere on the way, with trade id 0.
    pub listings: u32,
    /// Symbols that are halted for good somewhere on the way.
    pub delistings: u32,
}

/// What becomes of prints that did not arrive when they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backfill {
    /// They arrive later, fetched by id.
    Yes,
    /// Nothing follows.
    No,
    /// Their ids are declared unrecoverable.
    Refused,
}

/// Why a text is not a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A key that does not exist; the nearest one that does.
    #[error("unknown key {key:?}{}", suggestion(*.nearest))]
    Unknown {
        /// As typed.
        key: String,
        /// A valid key that it resembles.
        nearest: Option<&'static str>,
    },
    /// The same key twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A piece between commas that is not `key=value`.
    #[error("{0:?} is not of the form key=value")]
    Malformed(String),
    /// A value of another form or out of range.
    #[error("{key}={value}: {key} is {allowed}")]
    Value {
        /// Which key.
        key: &'static str,
        /// As typed.
        value: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// Values that are each allowed, but not together.
    #[error("{0}")]
    Together(&'static str),
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || format!("; the keys are {}", KEYS.each_ref().map(|key| key.name).join(", ")),
        |name| format!("; did you mean {name}?"),
    )
}

impl Default for Spec {
    /// A hundred symbols for ten minutes, and no faults.
    fn default() -> Self {
        Self {
            symbols: 100,
            rate: 1_000.0,
            start: 1_723_161_600,
            duration: 600,
            seed: 1,
            skew: 1.0,
            burst: 5.0,
            boundary: 3.0,
            surge: None,
            quiet: 0.02,
            times_in_us: false,
            links: 1,
            gaps: 0.0,
            backfill: Backfill::Yes,
            late: 0.0,
            late_by: 5,
            reorder: 0.0,
            duplicates: 0.0,
            cuts: 0,
            cut_for: 3,
            listings: 0,
            delistings: 0,
        }
    }
}

/// One key: its name, what it allows, and how it is read and written.
struct Key {
    name: &'static str,
    allowed: &'static str,
    read: fn(&mut Spec, &str) -> Option<()>,
    write: fn(&Spec) -> String,
}

macro_rules! key {
    ($name:ident, $allowed:expr, $text:ident => $value:expr) => {
        key!($name, $allowed, $text => $value, |spec| spec.$name.to_string())
    };
    ($name:ident, $allowed:expr, $text:ident => $value:expr, $write:expr) => {
        Key {
            name: stringify!($name),
            allowed: $allowed,
            read: |spec, $text| {
                spec.$name = $value?;
                Some(())
            },
            write: $write,
        }
    };
}

const SHARE: &str = "a share from 0 to 0.5";

/// All keys, in the order in which a spec prints.
static KEYS: [Key; 22] = [
    key!(symbols, "a number from 1 to 65535", text => whole(text, 1, SYMBOLS_MAX as u64)),
    key!(rate, "prints per second from 0.01 to 10000000", text => real(text, 0.01, 1e7)),
    key!(seed, "a whole number below 2^64", text => whole(text, 0, u64::MAX)),
    key!(start, "seconds since the epoch, from 2017 on and before 2100", text => start(text)),
    key!(duration, "a count and a unit (s, m, h, d) from 1s to 366d",
        text => seconds(text, 366 * 86_400), |spec| format!("{}s", spec.duration)),
    key!(skew, "0, 0.5, 1, 1.5 or 2", 
        text => real(text, 0.0, 2.0).filter(|x| (x * 2.0) % 1.0 == 0.0)),
    key!(burst, "a factor from 1 to 100", text => real(text, 1.0, 100.0)),
    key!(boundary, "a factor from 1 to 100", text => real(text, 1.0, 100.0)),
    key!(surge, Surge::ALLOWED, text => Surge::read(text), |spec| Surge::write(spec.surge)),
    key!(quiet, "a share from 0 to 0.9", text => real(text, 0.0, 0.9)),
    Key {
        name: "times",
        allowed: "ms or us",
        read: |spec, text| {
            spec.times_in_us = one_of(text, [("ms", false), ("us", true)])?;
            Some(())
        },
        write: |spec| if spec.times_in_us { "us" } else { "ms" }.to_owned(),
    },
    key!(links, "a number from 1 to 1024", text => whole(text, 1, 1_024)),
    key!(gaps, SHARE, text => real(text, 0.0, 0.5)),
    key!(backfill, "yes, no or refused", text => one_of(text, BACKFILLS),
    |spec| {
        let named = BACKFILLS.iter().find(|(_, it)| *it == spec.backfill);
        named.map_or("", |(name, _)| name).to_owned()
    }),
    key!(late, SHARE, text => real(text, 0.0, 0.5)),
    key!(late_by, "a count and a unit (s, m, h, d) from 1s to 1h", text => seconds(text, 3_600),
        |spec| format!("{}s", spec.late_by)),
    key!(reorder, SHARE, text => real(text, 0.0, 0.5)),
    key!(duplicates, SHARE, text => real(text, 0.0, 0.5)),
    key!(cuts, "a number from 0 to 10000", text => whole(text, 0, 10_000)),
    key!(cut_for, "a count and a unit (s, m, h, d) from 1s to 1h", text => seconds(text, 3_600),
        |spec| format!("{}s", spec.cut_for)),
    key!(listings, "a number from 0 to 65535", text => whole(text, 0, SYMBOLS_MAX as u64)),
    key!(delistings, "a number from 0 to 65535", text => whole(text, 0, SYMBOLS_MAX as u64)),
];

const BACKFILLS: [(&str, Backfill); 3] =
    [("yes", Backfill::Yes), ("no", Backfill::No), ("refused", Backfill::Refused)];

impl Spec {
    /// Reads `symbols=500,rate=20000,seed=1,duration=1h,gaps=0.001`; what is left out keeps its
    /// default, and an empty text is the default market.
    ///
    /// # Errors
    /// [`SpecError`] names the key, what it allows, and the nearest valid key.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        Self::default().amended(text)
    }

    /// The same, but what is left out stays as it is.
    ///
    /// # Errors
    /// As [`Spec::parse`].
    pub fn amended(mut self, text: &str) -> Result<Self, SpecError> {
        let spec = &mut self;
        let mut seen = Vec::new();
        for piece in text.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
            let (name, value) =
                piece.split_once('=').ok_or_else(|| SpecError::Malformed(piece.to_owned()))?;
            let (name, value) = (name.trim(), value.trim());
            let Some(key) = KEYS.iter().find(|key| key.name == name) else {
                let nearest = nearest(name, KEYS.iter().map(|key| key.name));
                return Err(SpecError::Unknown { key: name.to_owned(), nearest });
            };
            if seen.contains(&key.name) {
                return Err(SpecError::Twice(key.name));
            }
            seen.push(key.name);
            (key.read)(spec, value).ok_or_else(|| SpecError::Value {
                key: key.name,
                value: value.to_owned(),
                allowed: key.allowed,
            })?;
        }
        spec.check()?;
        Ok(self)
    }

    /// What the ranges of single keys cannot say.
    fn check(&self) -> Result<(), SpecError> {
        let broken = if u64::from(self.listings) + u64::from(self.delistings)
            >= u64::from(self.symbols.max(2))
        {
            "listings and delistings together must be fewer than symbols"
        } else if u64::from(self.cuts) * self.cut_for * 2 > self.duration {
            "cuts times cut_for may be at most half of duration"
        } else if u32::from(self.links) > self.symbols {
            "links may not outnumber symbols"
        } else if self.gaps + self.late + self.reorder + self.duplicates > 0.9 {
            "gaps, late, reorder and duplicates together may be at most 0.9"
        } else if self.surge.is_some_and(|surge| surge.end() > self.duration) {
            "a surge must be over within duration"
        } else if self.start + self.duration > LATEST_NS / Nanos::PER_SECOND {
            "start plus duration must be before 2100"
        } else {
            return Ok(());
        };
        Err(SpecError::Together(broken))
    }

    /// Every key with what it allows and its default, one a line.
    pub fn help() -> String {
        let defaults = Self::default();
        let line = |key: &Key| {
            format!("{:<11} {} (default {})\n", key.name, key.allowed, (key.write)(&defaults))
        };
        KEYS.iter().map(line).collect()
    }

    /// Venue time at which trading begins.
    pub fn begins(&self) -> Nanos {
        Nanos::from_seconds(self.start)
    }

    /// Venue time at which trading has ended.
    pub fn ends(&self) -> Nanos {
        Nanos::from_seconds(self.start + self.duration)
    }
}

/// Every key, so that the text reads back to an equal spec.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in KEYS.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}={}", key.name, (key.write)(self))?;
        }
        Ok(())
    }
}

fn whole<T: TryFrom<u64>>(text: &str, min: u64, max: u64) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = digits.then(|| text.parse().ok())??;
    (min..=max).contains(&value).then(|| T::try_from(value).ok())?
}

pub(super) fn real(text: &str, min: f64, max: f64) -> Option<f64> {
    // `parse` would also take "inf", "nan" and "1e3"; only plain decimals are meant.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = plain.then(|| text.parse().ok())??;
    (min..=max).contains(&value).then_some(value)
}

pub(super) fn seconds(text: &str, max: u64) -> Option<u64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    let count: u64 = whole(&text[..text.len() - 1], 1, max)?;
    count.checked_mul(unit).filter(|seconds| *seconds <= max)
}

fn start(text: &str) -> Option<u64> {
    whole(text, EARLIEST_NS / Nanos::PER_SECOND, LATEST_NS / Nanos::PER_SECOND - 1)
}

fn one_of<T: Copy, const N: usize>(text: &str, names: [(&str, T); N]) -> Option<T> {
    names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_prints_what_it_reads() {
        let text = "symbols=500,rate=20000,seed=1,duration=1h,gaps=0.001,late=0.002,cuts=4,\
                    backfill=refused,times=us,listings=3,skew=1.5,links=3,surge=10x@1m+10s";
        let spec = Spec::parse(text).unwrap();
        assert_eq!((spec.symbols, spec.rate, spec.duration), (500, 20_000.0, 3_600));
        assert_eq!((spec.gaps, spec.backfill, spec.times_in_us), (0.001, Backfill::Refused, true));
        assert_eq!(Spec::parse(&spec.to_string()), Ok(spec));
        assert_eq!(Spec::parse(""), Ok(Spec::default()));
        assert_eq!(Spec::parse(&Spec::default().to_string()), Ok(Spec::default()));
    }

    #[test]
    fn errors_name_the_key_and_what_it_allows() {
        for (text, want) in [
            ("symbls=5", "unknown key \"symbls\"; did you mean symbols?"),
            ("duplicate=0.1", "unknown key \"duplicate\"; did you mean duplicates?"),
            ("symbols", "\"symbols\" is not of the form key=value"),
            ("seed=1,seed=2", "seed is given twice"),
            ("symbols=0", "symbols=0: symbols is a number from 1 to 65535"),
            ("symbols=+5", "symbols=+5: symbols is a number from 1 to 65535"),
            ("rate=1e3", "rate=1e3: rate is prints per second from 0.01 to 10000000"),
            ("rate=nan", "rate=nan: rate is prints per second from 0.01 to 10000000"),
            ("gaps=0.6", "gaps=0.6: gaps is a share from 0 to 0.5"),
            ("skew=0.7", "skew=0.7: skew is 0, 0.5, 1, 1.5 or 2"),
            ("duration=1w", "duration=1w: duration is a count and a unit (s, m, h, d) from 1s"),
            ("duration=", "duration=: duration is a count"),
            ("start=5", "start=5: start is seconds since the epoch, from 2017 on"),
            ("backfill=maybe", "backfill=maybe: backfill is yes, no or refused"),
            ("symbols=2,listings=1,delistings=1", "listings and delistings together must be"),
            ("cuts=9,duration=50s", "cuts times cut_for may be at most half of duration"),
            ("surge=10x", "surge=10x: surge is none, or a factor from 1 to 100000, since when"),
            ("surge=2x@55s+9s,duration=1m", "a surge must be over within duration"),
            ("symbols=1,links=2", "links may not outnumber symbols"),
            ("start=4102444700,duration=1h", "start plus duration must be before 2100"),
        ] {
            let error = Spec::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
        let lost = Spec::parse("colour=red").unwrap_err().to_string();
        assert!(lost.contains("the keys are symbols, rate, seed"), "{lost}");
    }
}
