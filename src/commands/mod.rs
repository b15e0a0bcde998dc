//! One file per command: from flags to what a person or a program sees.

mod audit;
mod golden;
mod import;
mod live;
mod replay;
mod sim;
mod table;
mod tape;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use systems::units::Nanos;

use crate::cli::Command;
use crate::config::{Config, ConfigError};
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
        Command::Import(args) => import::run(args, out),
        Command::Audit(args) => audit::run(&args, out),
        Command::Live(args) => live::run(&args, out),
        Command::Sim(args) => sim::run(&args, out),
        Command::Config { file } => {
            let config = file.as_deref().map(Config::read).transpose()?.unwrap_or_default();
            write!(out, "{}", config.to_toml())?;
            Ok(())
        }
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
    if let Ok(ms) = text.parse::<u64>() {
        return ms.checked_mul(Nanos::PER_MS).map(Nanos).ok_or_else(wrong);
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
    writer: Option<Writer<BufWriter<File>>>,
}

impl NewTape {
    /// Makes the file, which must not exist yet.
    fn create(path: &Path, header: &Header, segment: u64) -> Result<Self, Failure> {
        let file = File::create_new(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::exists(path),
            _ => Failure::writing(path)(error),
        })?;
        let writer = Writer::create(BufWriter::new(file), header, segment);
        let mut tape = Self { path: path.to_owned(), writer: None };
        tape.writer = Some(writer.map_err(|error: CreateError| Failure::failed(error))?);
        Ok(tape)
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
        let sealed = writer.finish().map_err(Failure::failed).and_then(|mut out| {
            out.flush()?;
            let file = out.into_inner().map_err(|error| Failure::from(error.into_error()))?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        if sealed.is_err() {
            drop(std::fs::remove_file(&self.path));
        }
        sealed
    }
}

impl Drop for NewTape {
    fn drop(&mut self) {
        if self.writer.is_some() {
            // Half a tape would look like one that a crash tore.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
