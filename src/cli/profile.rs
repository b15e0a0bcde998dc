//! What a user types after `profile`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::profile::Rate;

/// `tapescan profile`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ProfileArgs {
    /// Instead of making a profile.
    #[command(subcommand)]
    pub instead: Option<ProfileCommand>,
    /// What is run, and how.
    #[command(flatten)]
    pub run: RunArgs,
    /// Runs; what they differ by is the spread, for which a comparison wants five. [default: 5, or
    /// 30 pairs with --beside]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub repeat: Option<u16>,
    /// Another build of tapescan: its runs and those of this one are made in turns and compared,
    /// which finds smaller differences than two profiles made one after the other. --in-process and
    /// --rate max are the least noisy.
    #[arg(long, value_name = "PROGRAM")]
    pub beside: Option<PathBuf>,
    /// Frames per second, "recorded" or "max". Each frame has an instant at which it is due, and a
    /// stall is charged to all that fall due meanwhile; "max" has none, and measures throughput.
    #[arg(long, default_value = "20000")]
    pub rate: Rate,
    /// Where the report, the interval logs and the numbers go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "tapescan-profile")]
    pub out: PathBuf,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// What is run, and how.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Tapes of one session, in any order.
    #[arg(required = true)]
    pub tapes: Vec<PathBuf>,
    /// Use this configuration instead of the one on the tape.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Decode and fold on the thread that keeps the time, instead of over a WebSocket on loopback.
    #[arg(long)]
    pub in_process: bool,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// So much of the beginning of the tape goes ahead flat out and is not measured, such as "1h"
    /// by the tape's own time: what follows meets an engine with a past. Else the first tenth is
    /// the warm-up, at the rate of the rest.
    #[arg(long, value_name = "TIME")]
    pub warm_up: Option<String>,
    /// Only so many frames of the tape.
    #[arg(long, value_name = "N")]
    pub frames: Option<usize>,
}

/// What else there is to do with profiles.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// Set two profiles beside each other: what differs by more than their repeats do.
    Compare {
        /// The folder of a profile, or its profile.json.
        a: PathBuf,
        /// Another one.
        b: PathBuf,
        /// Write both as one HTML report.
        #[arg(long, value_name = "REPORT.html")]
        html: Option<PathBuf>,
        /// Print one JSON object on stdout and nothing else there.
        #[arg(long)]
        json: bool,
    },
    /// Find the highest rate at which the 99th percentile of the response stays below a bound.
    Load {
        /// What is run, and how.
        #[command(flatten)]
        run: RunArgs,
        /// The bound, such as "1ms".
        #[arg(long, default_value = "1ms", value_name = "TIME")]
        below: String,
        /// Print one JSON object on stdout and nothing else there.
        #[arg(long)]
        json: bool,
    },
}
