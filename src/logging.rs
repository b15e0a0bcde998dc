//! Log records to stderr and to files: one level for all, and levels by module.
//!
//! Results go to stdout and files; what is logged is state changes, for people. Colours appear
//! on a terminal only. Nothing that goes wrong with a log stops the program.

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};
use systems::units::Nanos;

use crate::config::{self, nearest};
use crate::terminal;

mod aside;
mod files;
mod repeats;

pub(crate) use aside::put_aside;
use files::Files;
use repeats::Repeats;

/// Which records are kept: `"info"`, or `"info,tapescan::tape=debug"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    /// For every module that is not listed.
    pub default: LevelFilter,
    /// Module paths; the longest that fits decides.
    pub modules: Vec<(String, LevelFilter)>,
}

/// Why a text does not say levels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// Not one of the six names.
    #[error("expected off, error, warn, info, debug or trace, not {name:?}{}", hint(*.nearest))]
    UnknownLevel {
        /// As typed.
        name: String,
        /// The level that it resembles.
        nearest: Option<&'static str>,
    },
    /// Two levels for the same module, or for all.
    #[error("two levels for {0}")]
    Twice(String),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

const NAMES: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Default for Levels {
    fn default() -> Self {
        Self { default: LevelFilter::Info, modules: Vec::new() }
    }
}

impl Levels {
    /// Reads a level for all, levels as `module=level`, or both, separated by commas.
    ///
    /// # Errors
    /// An unknown level, with the nearest known one, or two levels for the same.
    pub fn parse(text: &str) -> Result<Self, LevelsError> {
        let (mut default, mut modules) = (None, Vec::<(String, LevelFilter)>::new());
        for piece in text.split(',').map(str::trim) {
            match piece.split_once('=') {
                Some((module, name)) => {
                    let (module, level) = (module.trim().to_owned(), level(name.trim())?);
                    if modules.iter().any(|(other, _)| *other == module) {
                        return Err(LevelsError::Twice(module));
                    }
                    modules.push((module, level));
                }
                None if default.is_some() => return Err(LevelsError::Twice("all".to_owned())),
                None => default = Some(level(piece)?),
            }
        }
        Ok(Self { default: default.unwrap_or(LevelFilter::Info), modules })
    }
}

fn level(name: &str) -> Result<LevelFilter, LevelsError> {
    // `from_str` ignores case and knows exactly these names.
    LevelFilter::from_str(name).map_err(|_| LevelsError::UnknownLevel {
        name: name.to_owned(),
        nearest: nearest(name, NAMES),
    })
}

impl FromStr for Levels {
    type Err = LevelsError;

    fn from_str(text: &str) -> Result<Self, LevelsError> {
        Self::parse(text)
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lower = |level: LevelFilter| level.as_str().to_ascii_lowercase();
        f.write_str(&lower(self.default))?;
        self.modules.iter().try_for_each(|(module, level)| write!(f, ",{module}={}", lower(*level)))
    }
}

/// The logger of the process. What is behind it can be replaced while the program runs, since the
/// configuration is read with a logger at hand.
struct Switch {
    behind: RwLock<Option<Repeats>>,
    started: OnceLock<Started>,
}

/// What the program was started with.
struct Started {
    /// What the command line said, which wins over the configuration.
    given: Option<Levels>,
    now: fn() -> Nanos,
}

static SWITCH: Switch = Switch { behind: RwLock::new(None), started: OnceLock::new() };

impl Switch {
    fn with(&self, tell: impl FnOnce(&Repeats)) {
        if let Some(logger) = &*self.behind.read().unwrap_or_else(PoisonError::into_inner) {
            tell(logger);
        }
    }

    fn set(&self, logger: Repeats) {
        *self.behind.write().unwrap_or_else(PoisonError::into_inner) = Some(logger);
    }
}

impl Log for Switch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let mut enabled = false;
        self.with(|logger| enabled = logger.enabled(metadata));
        enabled
    }

    fn log(&self, record: &Record<'_>) {
        self.with(|logger| logger.log(record));
    }

    fn flush(&self) {
        self.with(Repeats::flush);
    }
}

/// Sends records to stderr: of the levels `given` on the command line, or of the usual ones. `now`
/// is asked once per record.
///
/// # Errors
/// If a logger was installed before.
pub fn start(given: Option<&Levels>, now: fn() -> Nanos) -> Result<(), SetLoggerError> {
    log::set_logger(&SWITCH)?;
    // Nobody but this line sets it, and only once.
    let _ = SWITCH.started.set(Started { given: given.cloned(), now });
    SWITCH.set(logger(given.unwrap_or(&Levels::default()), None, now));
    Ok(())
}

/// Sends records where a configuration says, and to stderr; does nothing unless [`start`] did.
///
/// # Errors
/// The folder of log files cannot be written to.
pub fn configure(told: &config::Log) -> io::Result<()> {
    let Some(Started { given, now }) = SWITCH.started.get() else { return Ok(()) };
    let files = told.dir.as_deref();
    let files = files.map(|dir| Files::new(dir, told.max_size, told.keep, now())).transpose()?;
    SWITCH.with(Repeats::finish);
    SWITCH.set(logger(given.as_ref().unwrap_or(&told.level), files, *now));
    Ok(())
}

/// How long what was held back may take to be told at the end of the program.
const FINISH: Duration = Duration::from_secs(2);

/// Tells what was held back, at the end of the program; whether that was done in time. A disk that
/// takes nothing must not hold up the exit.
pub fn finish() -> bool {
    within(FINISH, || SWITCH.with(Repeats::finish))
}

/// Does some work on a thread of its own; whether it was done in time.
fn within(limit: Duration, work: impl FnOnce() + Send + 'static) -> bool {
    let (done, told) = sync_channel(1);
    let thread = std::thread::Builder::new().name("log".into()).spawn(move || {
        work();
        let _ = done.send(());
    });
    thread.is_ok() && told.recv_timeout(limit).is_ok()
}

/// A record is one line, and one write. What cannot be written is nobody's fault here, so it is
/// passed over: fern's own way to stderr would panic.
fn logger(levels: &Levels, files: Option<Files>, now: fn() -> Nanos) -> Repeats {
    let colours = io::stderr().is_terminal();
    let files = files.map(Mutex::new);
    let mut dispatch = fern::Dispatch::new().level(levels.default);
    for (module, level) in &levels.modules {
        dispatch = dispatch.level_for(module.clone(), *level);
    }
    let (most, inner) = dispatch
        .chain(fern::Output::call(move |record| {
            let at = now();
            let line = |(on, off): (&str, &str)| {
                let (level, target) = (record.level(), record.target());
                format!("{} {on}{level:5}{off} {target}: {}\n", timestamp(at), record.args())
            };
            let plain = ("", "");
            let shown = line(if colours { paint(record.level()) } else { plain });
            terminal::write_above(&shown);
            if let Some(files) = &files {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                files.write(at, &if colours { line(plain) } else { shown });
            }
        }))
        .into_log();
    log::set_max_level(most);
    Repeats::new(inner, now)
}

/// Escape codes before and after the name of a level.
fn paint(level: Level) -> (&'static str, &'static str) {
    let on = match level {
        Level::Error => "\x1b[31m",
        Level::Warn => "\x1b[33m",
        Level::Info => "\x1b[32m",
        Level::Debug => "\x1b[36m",
        Level::Trace => "\x1b[2m",
    };
    (on, "\x1b[0m")
}

/// `2024-08-09T00:00:00.123Z`.
pub fn timestamp(at: Nanos) -> String {
    let since = std::time::Duration::from_nanos(at.0);
    humantime::format_rfc3339_millis(std::time::SystemTime::UNIX_EPOCH + since).to_string()
}

/// The reverse of [`timestamp`]; `None` for any other form.
pub fn instant(text: &str) -> Option<Nanos> {
    let at = humantime::parse_rfc3339(text).ok()?;
    let at = since_epoch(at)?;
    (timestamp(at) == text).then_some(at)
}

/// An instant of the machine's as one of ours, from 1970 on.
pub(crate) fn since_epoch(at: std::time::SystemTime) -> Option<Nanos> {
    let since = at.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).map(Nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_utc() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_709_251_199, "2024-02-29T23:59:59.007Z"),
            (1_723_161_600, "2024-08-09T00:00:00.007Z"),
            (4_102_444_800, "2100-01-01T00:00:00.007Z"),
        ] {
            assert_eq!(timestamp(Nanos::from_seconds(seconds).plus(7_654_321)), want);
            assert_eq!(instant(want), Some(Nanos::from_seconds(seconds).plus(7_000_000)));
        }
    }

    #[test]
    fn levels_read_and_print() {
        for (text, want) in [
            ("info", "info"),
            ("WARN", "warn"),
            ("tapescan::tape=debug", "info,tapescan::tape=debug"),
            ("error, tapescan=trace,systems=off", "error,tapescan=trace,systems=off"),
        ] {
            assert_eq!(Levels::parse(text).unwrap().to_string(), want);
        }
        for (text, want) in [
            ("warning", "expected off, error, warn, info, debug or trace, not \"warning\""),
            ("inf", "did you mean \"info\"?"),
            ("", "not \"\""),
            ("info,warn", "two levels for all"),
            ("a=info,a=warn", "two levels for a"),
        ] {
            let error = Levels::parse(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
