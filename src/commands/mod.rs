//! One file per command: from flags to what a person or a program sees.

mod alerts;
mod audit;
mod doctor;
mod drift;
mod explain;
mod golden;
mod import;
mod live;
mod output;
mod profile;
mod ranking;
mod replay;
mod rules;
mod session;
mod sim;
mod table;
mod tape;
mod verify;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use systems::limits::{EARLIEST_NS, LATEST_NS};
use systems::units::Nanos;

use crate::cli::Command;
use crate::config::{Config, ConfigError};
use crate::logging::timestamp;
use crate::tape::entry::{Entry, Header};
use crate::tape::{CreateError, WriteError, Writer};

/// How a command can end badly, each with its exit code.
#[derive(Debug)]
pub enum Failure {
    /// It could not be done (1).
    Failed(String),
    /// The user asked for something that cannot be (2).
    Usage(String),
    /// A verification differed (3).
    Differs(String),
    /// Nobody reads our output any more (0).
    BrokenPipe,
}

impl Failure {
    /// What to tell the user.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::Differs(text) => Some(text),
            Self::BrokenPipe => None,
        }
    }

    fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }

    fn usage(error: impl Display) -> Self {
        Self::Usage(error.to_string())
    }

    /// A file that cannot be written.
    fn writing(file: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |error| Self::Failed(format!("{}: {error}", file.display()))
    }

    /// A file that was named as input and cannot be read.
    fn reading(file: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |error| Self::Usage(format!("{}: {error}", file.display()))
    }

    /// A file that was to be made and is there.
    fn exists(file: &Path) -> Self {
        Self::Usage(format!("{} exists: remove it or choose another name", file.display()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::failed(error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`], which says what went wrong and with which exit code.
pub fn run(command: Command) -> Result<(), Failure> {
    let out = &mut io::stdout().lock();
    match command {
        Command::Replay(args) => replay::run(&args, out),
        Command::Profile(args) => profile::run(&args, out),
        Command::Import(args) => import::run(args, out),
        Command::Audit(args) => audit::run(&args, out),
        Command::Live(args) => live::run(&args, out),
        Command::Doctor(args) => doctor::run(&args, out),
        Command::Sim(args) => sim::run(&args, out),
        Command::Config { file } => {
            let config = file.as_deref().map(Config::read).transpose()?.unwrap_or_default();
            write!(out, "{}", config.to_toml())?;
            Ok(())
        }
        Command::Explain(args) => explain::run(&args, out),
        Command::Rules(command) => rules::run(command, out),
        Command::Tape(command) => tape::run(command, out),
    }
}

/// The configuration in a file, or the one on a tape, or the defaults.
fn configuration(file: Option<&Path>, on_tape: &str) -> Result<Config, Failure> {
    match file {
        Some(file) => Ok(Config::read(file)?),
        None => Ok(Config::parse("the configuration on the tape", on_tape)?),
    }
}

/// An instant as a user types it.
fn instant(text: &str) -> Result<Nanos, Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "{text:?} is no instant: use 2024-08-09T00:00:00Z or milliseconds since 1970"
        ))
    };
    if let Ok(number) = text.parse::<u64>() {
        let plausible = |unit: u64| {
            let at = number.checked_mul(unit)?;
            (EARLIEST_NS..LATEST_NS).contains(&at).then_some(Nanos(at))
        };
        // One unit alone, so that a number never means another time than was thought of.
        let units = [("seconds", Nanos::PER_SECOND), ("microseconds", 1_000), ("nanoseconds", 1)];
        return plausible(Nanos::PER_MS).ok_or_else(|| {
            let other = units.iter().find_map(|(name, unit)| Some((name, plausible(*unit)?)));
            let hint = other.map_or_else(String::new, |(name, at)| {
                format!("; if these are {name}, write {} or {}", at.ms(), timestamp(at))
            });
            Failure::Usage(format!("{text} ms since 1970 is not between 2017 and 2100{hint}"))
        });
    }
    let parsed = humantime::parse_rfc3339_weak(text).map_err(|_| wrong())?;
    let since = parsed.duration_since(std::time::SystemTime::UNIX_EPOCH).map_err(|_| wrong())?;
    u64::try_from(since.as_nanos()).map(Nanos).map_err(|_| wrong())
}

/// Refuses a target that exists before any work is spent on it; making it checks again.
fn vacant(target: &Path) -> Result<(), Failure> {
    if target.exists() { Err(Failure::exists(target)) } else { Ok(()) }
}

/// A tape being made: gone again unless it was finished.
struct NewTape {
    path: std::path::PathBuf,
    /// Until it begins.
    file: Option<File>,
    writer: Option<Writer<BufWriter<File>>>,
    whole: bool,
}

impl NewTape {
    /// Makes the file, which must not exist yet. What goes into it may be known later.
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create_new(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::exists(path),
            _ => Failure::writing(path)(error),
        })?;
        Ok(Self { path: path.to_owned(), file: Some(file), writer: None, whole: false })
    }

    /// Begins the tape.
    fn begin(&mut self, header: &Header, segment: u64) -> Result<(), CreateError> {
        if let Some(file) = self.file.take() {
            self.writer = Some(Writer::create(BufWriter::new(file), header, segment)?);
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry<'_>) -> Result<(), WriteError> {
        match &mut self.writer {
            Some(writer) => writer.write(entry),
            None => Ok(()),
        }
    }

    /// Seals the tape and says how many bytes it has.
    fn finish(mut self) -> Result<u64, Failure> {
        let Some(writer) = self.writer.take() else { return Ok(0) };
        let mut out = writer.finish().map_err(Failure::failed)?;
        out.flush()?;
        let file = out.into_inner().map_err(|error| Failure::from(error.into_error()))?;
        file.sync_all()?;
        self.whole = true;
        Ok(file.metadata()?.len())
    }
}

impl Drop for NewTape {
    fn drop(&mut self) {
        if !self.whole {
            // Half a tape would look like one that a crash tore.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
