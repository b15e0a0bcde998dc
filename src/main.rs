//! The program: parse, choose a command, exit with a meaning.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tapescan::cli::Cli;
use tapescan::commands::{self, Failure};
use tapescan::logging::{self, Levels};

// A warm-up folds thousands of candles of hundreds of symbols, one after another. What that gives
// back must serve the next: see ARCHITECTURE.md for what the system's allocator made of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let levels = match cli.log_level.as_deref().map(Levels::parse).transpose() {
        Ok(levels) => levels,
        Err(error) => {
            complain(&format!("--log-level: {error}"));
            return ExitCode::from(2);
        }
    };
    if let Err(error) = logging::start(levels.as_ref(), tapescan::clock::now) {
        complain(&format!("logging does not start: {error}"));
        return ExitCode::FAILURE;
    }
    let done = commands::run(cli.command);
    if !logging::finish() {
        complain("the log takes nothing: its last lines are lost");
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                complain(message);
            }
            ExitCode::from(match failure {
                Failure::Failed(_) => 1,
                Failure::Usage(_) => 2,
                Failure::Differs(_) => 3,
                // The reader of our output went away; there is nobody to tell.
                Failure::BrokenPipe => 0,
            })
        }
    }
}

/// The exit code must arrive even where stderr takes nothing: `eprintln!` would panic.
fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "error: {message}");
}
