//! The configuration: one TOML file, read into values that are all decided and valid.
//!
//! Nothing below sees what was typed. Defaults live in `Config::default`, and only there; what
//! [`Config::to_toml`] prints is the whole of it, and reads back to the same values. Reading
//! reports every mistake at once, each with its file, line, key and what would be right.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use systems::catalog;
use systems::interval::Interval;
use systems::rule::Budget;
use systems::units::Nanos;

use crate::logging::Levels;
use crate::rules::{Rule, Table};

mod amounts;
mod choice;
mod edge;
mod named;
mod nearest;
mod print;
mod profile;
mod read;
mod record;
mod rules;
mod sections;
mod sinks;
mod tables;
mod universe;

pub use choice::Choice;
pub use edge::{REQUESTS, STREAMS, base};
pub use nearest::nearest;
pub(crate) use sinks::host_and_port;
pub use sinks::{Sink, Source, To};
pub use universe::Universe;

/// Everything a session is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The venue's name: one of [`VENUES`].
    pub venue: String,
    /// Which symbols; `None` leaves it to the venue: of a real one the busiest.
    pub symbols: Option<Choice>,
    /// What they must be like where they are not named.
    pub universe: Universe,
    /// Scheme and host of requests, where they are not the venue's own.
    pub requests: Option<String>,
    /// Scheme, host and route of streams, where they are not the venue's own.
    pub streams: Option<String>,
    /// How often the venue's list of symbols is asked for, in nanoseconds; 0 for never.
    pub refresh_ns: u64,
    /// How the venue is asked.
    pub rest: Rest,
    /// What to keep per interval; the base interval first, the others after it by length.
    pub intervals: Vec<PerInterval>,
    /// When the trading day of session VWAP begins, in seconds after midnight UTC.
    pub session_seconds: u32,
    /// How candles are compared with the venue's.
    pub reconcile: Reconcile,
    /// What is recorded, and how long it is kept.
    pub record: Record,
    /// Where log records go.
    pub log: Log,
    /// How a live session measures itself.
    pub profile: Profile,
    /// Where others may fetch its numbers; `None` for nowhere.
    pub listen: Option<SocketAddr>,
    /// What is looked for, by name.
    pub rules: Vec<Rule>,
    /// Ranked tables, by name.
    pub tables: Vec<Table>,
    /// How many alerts all rules together may give.
    pub budget: Option<Budget>,
    /// Folder of what waits for sinks, and of what they refused.
    pub alerts_dir: PathBuf,
    /// Where alerts go, by name.
    pub sinks: Vec<Sink>,
}

/// "Not at all", where else there is an amount.
const OFF: &str = "off";

/// The venues that a configuration may name.
pub const VENUES: &[&str] = &["binance", "binance-usdm", "sim"];

/// What is kept of one interval, for every symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct PerInterval {
    /// Which interval.
    pub interval: Interval,
    /// Closed candles kept.
    pub lookback: usize,
    /// Indicators over them, in column order.
    pub indicators: Vec<catalog::Spec>,
}

/// How the venue is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Percent of the venue's weight that we allow ourselves.
    pub budget_percent: u32,
    /// How long a request may take, in nanoseconds.
    pub timeout_ns: u64,
    /// A PEM file with certificates to trust beside the machine's, by requests and streams.
    pub ca: Option<PathBuf>,
}

/// How candles are compared with the venue's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// Which candles are compared.
    pub scope: Scope,
    /// How long after its end a candle waits for late prints before it closes, in nanoseconds.
    pub grace_ns: u64,
    /// Requests under way at once. Others wait, at most one per row, so none is lost.
    pub queue: usize,
    /// Whose candle stands when they differ without a known cause.
    pub winner: Winner,
    /// Which of the venue's candles are taken from its streams, beside those that are asked for.
    pub stream: Published,
}

/// Which intervals' candles are taken from the venue's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// None.
    Off,
    /// Those of the base interval.
    Base,
    /// Those of every interval that the venue has.
    All,
}

/// Which candles are compared with the venue's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that may have missed prints: gaps and heads.
    Suspect,
    /// Every one.
    All,
    /// None.
    Off,
}

/// Whose candle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The one folded from prints; the difference is marked as disputed.
    Ours,
    /// The venue's; ours is restated.
    Venue,
}

/// What is recorded, and how long it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Folder of tapes; `None` records nothing.
    pub dir: Option<PathBuf>,
    /// A new tape is begun at every whole multiple of this, in nanoseconds since 1970.
    pub every_ns: u64,
    /// Bytes that all tapes of the venue may take together; `None` sets no limit.
    pub budget: Option<u64>,
    /// Tapes begun longer ago than this are removed, in nanoseconds; `None` keeps them.
    pub max_age_ns: Option<u64>,
}

/// Where log records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Which records are kept.
    pub level: Levels,
    /// Folder of log files; `None` logs to stderr alone.
    pub dir: Option<PathBuf>,
    /// A file is closed and a new one begun at this size, in bytes.
    pub max_size: u64,
    /// Closed files kept; older ones are deleted.
    pub keep: u32,
}

/// How a live session measures itself. It always does; this says what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How often histograms are merged, shown and written, in nanoseconds.
    pub interval_ns: u64,
    /// The interval log; `None` writes none.
    pub file: Option<PathBuf>,
    /// Bytes that it and the one before it may take together.
    pub budget: u64,
}

/// Closed candles kept unless a configuration says otherwise.
const LOOKBACK: usize = 300;

/// Intervals and indicators unless a configuration says otherwise.
const INTERVALS: [&str; 3] = ["1m", "3m", "15m"];
const INDICATORS: [&str; 7] =
    ["vwap", "atr(14)", "ema(12)", "ema(26)", "rsi(14)", "macd(12,26,9)", "bbands(20,2)"];

impl Default for Config {
    fn default() -> Self {
        let per_interval = |text| PerInterval {
            interval: Interval::parse(text).expect("a constant that a test reads"),
            lookback: LOOKBACK,
            indicators: default_indicators(),
        };
        Self {
            venue: "binance".to_owned(),
            symbols: None,
            universe: Universe::default(),
            requests: None,
            streams: None,
            refresh_ns: 600 * Nanos::PER_SECOND,
            rest: Rest { budget_percent: 60, timeout_ns: 10 * Nanos::PER_SECOND, ca: None },
            intervals: INTERVALS.map(per_interval).into(),
            session_seconds: 0,
            reconcile: Reconcile {
                scope: Scope::Suspect,
                grace_ns: 500 * Nanos::PER_MS,
                queue: 1_024,
                winner: Winner::Ours,
                stream: Published::Off,
            },
            record: Record {
                dir: None,
                every_ns: 3_600 * Nanos::PER_SECOND,
                budget: None,
                max_age_ns: None,
            },
            log: Log { level: Levels::default(), dir: None, max_size: 64 << 20, keep: 8 },
            profile: Profile { interval_ns: 10 * Nanos::PER_SECOND, file: None, budget: 64 << 20 },
            listen: None,
            rules: Vec::new(),
            tables: Vec::new(),
            budget: Some(Budget { count: 100, window_ns: 60 * Nanos::PER_SECOND }),
            alerts_dir: PathBuf::from("tapescan-alerts"),
            sinks: Vec::new(),
        }
    }
}

fn default_indicators() -> Vec<catalog::Spec> {
    let parse = |text| catalog::Spec::parse(text).expect("a constant that a test reads");
    INDICATORS.map(parse).into()
}

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, counting from 1.
    pub line: usize,
    /// The key at fault with its sections, such as `reconcile.scope`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", .file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its content is not a valid configuration: every mistake, by line.
    #[error("{}", Listed(.file, .problems))]
    Invalid {
        /// Which file, as errors call it.
        file: String,
        /// At least one.
        problems: Vec<Problem>,
    },
}

/// Problems as an editor understands them: `file:line: key: message`, one a line.
struct Listed<'a>(&'a str, &'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { line, key, message }) in self.1.iter().enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            let colon = if key.is_empty() { "" } else { ": " };
            write!(f, "{newline}{}:{line}: {key}{colon}{message}", self.0)?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads a file; what it leaves out keeps its default.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], or [`ConfigError::Invalid`] with every mistake.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { file: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a text that errors call `file`; what it leaves out keeps its default.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with every mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        sections::config(text)
            .map_err(|problems| ConfigError::Invalid { file: file.to_owned(), problems })
    }

    /// What a live session without a configuration is told.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], if `rules/live.toml` has mistakes, which a test would find.
    pub fn of_live() -> Result<Self, ConfigError> {
        Self::parse("rules/live.toml", include_str!("../../rules/live.toml"))
    }

    /// Whether both make the same of the same tape: all but what is recorded, logged, measured,
    /// delivered where, and asked for how often.
    pub fn decides_like(&self, other: &Self) -> bool {
        let deciding = |config: &Self| Self {
            record: other.record.clone(),
            log: other.log.clone(),
            profile: other.profile.clone(),
            listen: other.listen,
            alerts_dir: other.alerts_dir.clone(),
            sinks: other.sinks.clone(),
            rest: other.rest.clone(),
            symbols: other.symbols.clone(),
            universe: other.universe.clone(),
            requests: other.requests.clone(),
            streams: other.streams.clone(),
            refresh_ns: other.refresh_ns,
            ..config.clone()
        };
        deciding(self) == *other
    }

    /// The base interval: the one that prints are folded into.
    pub fn base(&self) -> Interval {
        self.intervals[0].interval
    }
}
