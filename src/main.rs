//! The program: parse, choose a command, exit with a meaning.

use std::process::ExitCode;

use clap::Parser;
use tapescan::cli::Cli;
use tapescan::commands::{self, Failure};
use tapescan::logging::{self, Levels};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let levels = match Levels::parse(&cli.log_level) {
        Ok(levels) => levels,
        Err(error) => {
            eprintln!("error: --log-level: {error}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = logging::start(&levels, tapescan::clock::now) {
        eprintln!("error: logging does not start: {error}");
        return ExitCode::FAILURE;
    }
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("error: {message}");
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
