//! Log records to stderr: one level for all, and levels by module.
//!
//! Results go to stdout and files; what is logged is state changes, for people. Colours appear
//! on a terminal only.

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;

use log::{Level, LevelFilter, SetLoggerError};
use systems::units::Nanos;

use crate::config::nearest;
use crate::terminal::Above;

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

/// Sends records of these levels to stderr. `now` is asked once per record.
///
/// # Errors
/// If a logger was installed before.
pub fn start(levels: &Levels, now: fn() -> Nanos) -> Result<(), SetLoggerError> {
    let colours = std::io::stderr().is_terminal();
    let mut dispatch = fern::Dispatch::new().level(levels.default);
    for (module, level) in &levels.modules {
        dispatch = dispatch.level_for(module.clone(), *level);
    }
    dispatch
        .format(move |out, message, record| {
            let (on, off) = if colours { paint(record.level()) } else { ("", "") };
            out.finish(format_args!(
                "{} {on}{:5}{off} {}: {message}",
                timestamp(now()),
                record.level(),
                record.target(),
            ));
        })
        .chain(Box::new(Above::default()) as Box<dyn std::io::Write + Send>)
        .apply()
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
