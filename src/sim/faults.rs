//! What can be made to go wrong, as `kind:key=value,...`.

use systems::units::Nanos;

use super::kinds::{KINDS, Kind, Nature, keys};
use crate::config::nearest;

/// One thing to go wrong: what, when, and to whom. Times are the venue's, from its start.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// When first, in ns.
    pub at_ns: u64,
    /// For how long each time, in ns; `None` for ever. What happens at instants: how long again
    /// and again.
    pub for_ns: Option<u64>,
    /// How often again, in ns.
    pub every_ns: Option<u64>,
    /// Once at random in every stretch of so many ns, instead.
    pub mean_ns: Option<u64>,
    /// Equal seeds give equal faults.
    pub seed: u64,
    /// How much of what passes is hit, from 0 to 1.
    pub share: f64,
    /// Only this symbol.
    pub symbol: Option<String>,
    /// Only the connection of this number, counted from 0 in the order of their coming.
    pub link: Option<u32>,
    /// Only requests whose path ends with this.
    pub path: Option<String>,
    /// How much later, in ns.
    pub by_ns: u64,
    /// The share of the rate at which a slow connection delivers.
    pub to: f64,
    /// How often again.
    pub count: u32,
    /// The WebSocket close code.
    pub code: u16,
    /// The HTTP status.
    pub status: u16,
    /// The size of an oversized message.
    pub bytes: u64,
}

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such kind.
    #[error("unknown fault {name:?}{}", suggestion(*.nearest, KINDS.iter().map(|kind| kind.1)))]
    Kind {
        /// As typed.
        name: String,
        /// A kind that it resembles.
        nearest: Option<&'static str>,
    },
    /// The kind takes no such key.
    #[error("{kind} takes no {key:?}{}", suggestion(*.nearest, keys(kind)))]
    Key {
        /// Which kind.
        kind: &'static str,
        /// As typed.
        key: String,
        /// A key that it resembles.
        nearest: Option<&'static str>,
    },
    /// A piece that is not `key=value`.
    #[error("{0:?} is not of the form key=value")]
    Malformed(String),
    /// A value that cannot be.
    #[error("{key}={value}: {key} is {allowed}")]
    Value {
        /// Which key.
        key: &'static str,
        /// As typed.
        value: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// Keys that are needed, or exclude each other.
    #[error("{kind} {what}")]
    Together {
        /// Which kind.
        kind: &'static str,
        /// What is wrong.
        what: &'static str,
    },
}

fn suggestion(nearest: Option<&str>, all: impl Iterator<Item = &'static str>) -> String {
    match nearest {
        Some(name) => format!("; did you mean {name}?"),
        None => format!("; there are {}", all.collect::<Vec<_>>().join(", ")),
    }
}

impl Fault {
    /// Reads `disconnect:at=10s`, `missing:share=0.01,seed=3`, `half-open:mean=60s,for=5s`.
    ///
    /// # Errors
    /// [`FaultError`] names the kind or key, what it allows, and the nearest valid name.
    pub fn parse(text: &str) -> Result<Self, FaultError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let name = name.trim();
        let Some((kind, name, _, _, needed)) = KINDS.iter().find(|kind| kind.1 == name) else {
            let nearest = nearest(name, KINDS.iter().map(|kind| kind.1));
            return Err(FaultError::Kind { name: name.to_owned(), nearest });
        };
        let mut fault = Self::unset(*kind);
        let mut seen = Vec::new();
        for piece in rest.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
            let (key, value) =
                piece.split_once('=').ok_or_else(|| FaultError::Malformed(piece.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            let Some(key) = keys(name).find(|known| *known == key) else {
                let nearest = nearest(key, keys(name));
                return Err(FaultError::Key { kind: name, key: key.to_owned(), nearest });
            };
            fault.set(key, value).map_err(|allowed| FaultError::Value {
                key,
                value: value.to_owned(),
                allowed,
            })?;
            seen.push(key);
        }
        fault.check(&seen, needed)?;
        Ok(fault)
    }

    /// A fault of this kind with every default, from the start and for ever.
    fn unset(kind: Kind) -> Self {
        Self {
            kind,
            at_ns: 0,
            for_ns: None,
            every_ns: None,
            mean_ns: None,
            seed: 1,
            share: 1.0,
            symbol: None,
            link: None,
            path: None,
            by_ns: match kind {
                Kind::Reorder => 50 * Nanos::PER_MS,
                Kind::RestDelay => 2 * Nanos::PER_SECOND,
                Kind::Shutdown => 10 * Nanos::PER_SECOND,
                _ => 30 * Nanos::PER_SECOND,
            },
            to: 0.8,
            count: 1,
            code: 1001,
            status: if kind == Kind::RefuseUpgrade { 503 } else { 500 },
            bytes: 2 << 20,
        }
    }

    fn check(&self, seen: &[&str], needed: &[&str]) -> Result<(), FaultError> {
        let given = |key: &str| seen.contains(&key);
        let once = |key: &&str| seen.iter().filter(|other| *other == key).count() == 1;
        let instant = self.kind.nature() == Nature::Instant;
        let what = if !seen.iter().all(once) {
            "is given a key twice"
        } else if !needed.iter().all(|key| given(key)) {
            "needs symbol="
        } else if given("mean") && (given("at") || given("every")) {
            "takes mean or at and every, not both"
        } else if instant && !given("at") && !given("mean") {
            "needs at= or mean="
        } else if instant && given("for") && !given("every") && !given("mean") {
            "happens at an instant: for= is how long again, with every= or mean="
        } else if !instant && (given("every") || given("mean")) && !given("for") {
            "comes again and needs for="
        } else {
            return Ok(());
        };
        Err(FaultError::Together { kind: self.kind.name(), what })
    }

    /// Sets one key, or says what it allows.
    fn set(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        const TIME: &str = "a count and a unit (ms, s, m, h) up to 366 days";
        const STEP: &str = "a count and a unit (ms, s, m, h), and not zero";
        let step = |value| duration_ns(value).filter(|ns| *ns > 0).ok_or(STEP);
        match key {
            "at" => self.at_ns = duration_ns(value).ok_or(TIME)?,
            "for" => self.for_ns = Some(step(value)?),
            "every" => self.every_ns = Some(step(value)?),
            "mean" => self.mean_ns = Some(step(value)?),
            "by" => self.by_ns = duration_ns(value).ok_or(TIME)?,
            "seed" => self.seed = whole(value).ok_or("a whole number below 2^64")?,
            "share" => self.share = share(value).ok_or("a share from 0 to 1")?,
            "to" => self.to = share(value).ok_or("a share from 0 to 1")?,
            "symbol" => self.symbol = Some(value.to_uppercase()),
            "path" => self.path = Some(value.to_owned()),
            "link" => self.link = Some(whole(value).ok_or("the number of a connection, from 0")?),
            "count" => self.count = whole(value).ok_or("a whole number below 2^32")?,
            "code" => {
                let code = whole(value).filter(|code| *code == 0 || (1000..5000).contains(code));
                self.code = code.ok_or("a close code from 1000 to 4999, or 0 for none")?;
            }
            "status" => {
                let status = whole(value).filter(|status| (300..600).contains(status));
                self.status = status.ok_or("an HTTP status from 300 to 599")?;
            }
            _ => {
                let bytes = whole(value).filter(|bytes| (1..=1 << 30).contains(bytes));
                self.bytes = bytes.ok_or("a size in bytes up to 2^30")?;
            }
        }
        Ok(())
    }
}

fn whole<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?.and_then(|value: u64| T::try_from(value).ok())
}

fn share(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok())?.filter(|share| (0.0..=1.0).contains(share))
}

/// `500ms`, `10s`, `5m`, `24h` in nanoseconds, up to 366 days; `None` for any other text.
pub fn duration_ns(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match &text[digits..] {
        "ms" => Nanos::PER_MS,
        "s" => Nanos::PER_SECOND,
        "m" => 60 * Nanos::PER_SECOND,
        "h" => 3_600 * Nanos::PER_SECOND,
        _ => return None,
    };
    whole::<u64>(&text[..digits])?.checked_mul(unit).filter(|ns| *ns <= 366 * Nanos::PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = Nanos::PER_SECOND;

    #[test]
    fn a_fault_reads_with_its_defaults() {
        let fault = Fault::parse("disconnect:at=10s, link=2,code=1012,every=1m").unwrap();
        assert_eq!((fault.kind, fault.at_ns, fault.code), (Kind::Disconnect, 10 * S, 1012));
        assert_eq!((fault.link, fault.every_ns), (Some(2), Some(60 * S)));
        let fault = Fault::parse("reorder:share=0.25,symbol=btcusdt,by=80ms").unwrap();
        assert_eq!((fault.share, fault.by_ns), (0.25, 80 * Nanos::PER_MS));
        assert_eq!((fault.symbol.as_deref(), fault.for_ns), (Some("BTCUSDT"), None));
        let fault = Fault::parse("half-open:mean=1m,for=5s,seed=9").unwrap();
        assert_eq!((fault.mean_ns, fault.for_ns, fault.seed), (Some(60 * S), Some(5 * S), 9));
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_name() {
        for (text, want) in [
            ("disconect:at=1s", "unknown fault \"disconect\"; did you mean disconnect?"),
            ("magic", "unknown fault \"magic\"; there are disconnect, half-open,"),
            ("slow:too=0.5", "slow takes no \"too\"; did you mean to?"),
            ("reset:share=1", "reset takes no \"share\"; there are link, at, for,"),
            ("reset:at", "\"at\" is not of the form key=value"),
            ("reset:at=1", "at=1: at is a count and a unit (ms, s, m, h)"),
            ("slow:to=1.5", "to=1.5: to is a share from 0 to 1"),
            ("disconnect:at=1s,code=99", "code=99: code is a close code"),
            ("rest-error:status=200", "status=200: status is an HTTP status from 300"),
            ("reset:at=1s,at=2s", "reset is given a key twice"),
            ("silent-symbol:at=1s", "silent-symbol needs symbol="),
            ("reset", "reset needs at= or mean="),
            ("reset:mean=1s,every=2s", "reset takes mean or at and every, not both"),
            ("reset:at=1s,for=2s", "reset happens at an instant: for= is how long again"),
            ("slow:every=9s", "slow comes again and needs for="),
        ] {
            let error = Fault::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
    }
}
