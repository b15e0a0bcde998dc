//! What a user types to look at rules.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SessionArgs;

/// `tapescan explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Which symbol, such as "BTCUSDT".
    pub symbol: String,
    /// Tapes of one session, in any order.
    #[arg(required = true)]
    pub tapes: Vec<PathBuf>,
    /// As of this time of the venue: 2024-08-09T00:00:00Z (RFC 3339), or milliseconds since 1970.
    #[arg(long)]
    pub at: String,
    /// Use this configuration instead of the one on the tape.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// `tapescan rules ...`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Say which symbols `live` would follow with the same arguments, and what each filter of
    /// [venue.universe] removes.
    Universe {
        /// Whom to follow and how.
        #[command(flatten)]
        session: Box<SessionArgs>,
        /// Print one JSON object on stdout and nothing else there.
        #[arg(long)]
        json: bool,
    },
    /// Compare what the rules of two configurations tell about the same tapes.
    Diff {
        /// The configuration as it was.
        old: PathBuf,
        /// The configuration as it would be.
        new: PathBuf,
        /// Tapes of one session, in any order.
        #[arg(required = true)]
        tapes: Vec<PathBuf>,
        /// Print one JSON object on stdout and nothing else there.
        #[arg(long)]
        json: bool,
    },
    /// Rehearse rules on tapes: what each would have told, and what happened after.
    Test {
        /// Tapes of one session, in any order.
        #[arg(required = true)]
        tapes: Vec<PathBuf>,
        /// Use this configuration instead of the one on the tape.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Threads of the engine; cannot be seen in the results.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
        threads: u16,
        /// Print one JSON object on stdout and nothing else there.
        #[arg(long)]
        json: bool,
    },
    /// Say what the rules of a configuration cost and read; exit code 2 with every mistake in it.
    Check {
        /// The configuration file.
        file: PathBuf,
        /// Print one JSON object on stdout and nothing else there.
        #[arg(long)]
        json: bool,
    },
}
