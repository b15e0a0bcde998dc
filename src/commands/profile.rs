//! `tapescan profile`: the runs, and what is written of them.

mod beside;
mod compare;
mod json;
mod load;
mod merge;
mod text;

pub(super) use text::time;

use std::fs;
use std::io::Write;
use std::path::Path as File;
use std::sync::Arc;

use super::output::NewFile;
use super::{Failure, configuration, sim};
use crate::cli::{ProfileArgs, ProfileCommand, RunArgs};
use crate::clock;
use crate::config::Config;
use crate::latency::{Ask, Stage, Totals, Unit, report, write_hgrm};
use crate::profile::{self, Load, LoadError, Log, Path, Plan, ProfileError, Rate, Run};
use crate::replay::Tapes;
use systems::units::Nanos;

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Replay(error) => error.into(),
            error => Self::usage(error),
        }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Load(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

pub(super) fn run(args: &ProfileArgs, out: &mut dyn Write) -> Result<(), Failure> {
    match &args.instead {
        None => match &args.beside {
            Some(program) => beside::run(args, program, args.repeat.unwrap_or(PAIRS), out),
            None => measure(args, out),
        },
        Some(ProfileCommand::Compare { a, b, html, json }) => {
            compare::run((a, b), html.as_deref(), *json, out)
        }
        Some(ProfileCommand::Load { run, below, json }) => load::run(run, below, *json, out),
    }
}

/// Runs, and pairs of runs, unless told otherwise.
const RUNS: u16 = 5;
const PAIRS: u16 = 30;

/// The share of entries at the beginning that is not measured: one in so many.
const WARM_UP: usize = 10;

/// Points of the plot over time: one a second.
const INTERVAL_NS: u64 = Nanos::PER_SECOND;

/// What runs are made of.
struct Bench {
    load: Load,
    config: Config,
    clock: Ask,
    path: Path,
    threads: usize,
    /// Entries that are warm-up, and whether they go ahead flat out.
    warm_up: (usize, bool),
}

impl Bench {
    fn new(args: &RunArgs) -> Result<Self, Failure> {
        let mut tapes = Tapes::open(&args.tapes).map_err(Failure::usage)?;
        let config = configuration(args.config.as_deref(), tapes.config())?;
        let load = Load::read(&mut tapes, args.frames.unwrap_or(usize::MAX))?;
        let path = if args.in_process { Path::InProcess } else { Path::Loopback };
        let clock: Ask = Arc::new(clock::steady(1.0));
        let warm_up = match &args.warm_up {
            Some(text) => (ahead(&load, sim::time("--warm-up", text)?)?, true),
            None => (load.entries().len() / WARM_UP, false),
        };
        Ok(Self { load, config, clock, path, threads: usize::from(args.threads), warm_up })
    }

    fn plan(&self, rate: Rate) -> Plan {
        let (path, threads, (warm_up, ahead)) = (self.path, self.threads, self.warm_up);
        Plan { path, rate, threads, warm_up, ahead, interval_ns: INTERVAL_NS }
    }

    fn run(&self, plan: &Plan, log: Option<Log>) -> Result<Run, Failure> {
        Ok(profile::run(&self.load, &self.config, plan, log, &self.clock)?)
    }

    /// What asking the clock takes, in nanoseconds: no stage can be told apart that is shorter.
    fn clock_ns(&self) -> u64 {
        const TIMES: u64 = 10_000;
        let begun = (self.clock)();
        for _ in 1..TIMES {
            core::hint::black_box((self.clock)());
        }
        (self.clock)().0.saturating_sub(begun.0) / TIMES
    }
}

/// Entries of the first so many nanoseconds of a load.
fn ahead(load: &Load, ns: u64) -> Result<usize, Failure> {
    let entries = load.entries();
    let until = entries.first().map_or(Nanos(0), |first| first.received.plus(ns));
    match entries.iter().position(|entry| entry.received >= until) {
        Some(ahead) => Ok(ahead),
        None => Err(Failure::Usage("--warm-up is all of the tape: nothing is left".to_owned())),
    }
}

/// A profile: its runs and what they are of.
struct Made<'a> {
    args: &'a ProfileArgs,
    bench: &'a Bench,
    plan: Plan,
    runs: Vec<Run>,
    /// All runs as one.
    totals: Totals,
    clock_ns: u64,
}

fn measure(args: &ProfileArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let bench = Bench::new(&args.run)?;
    fs::create_dir_all(&args.out).map_err(Failure::writing(&args.out))?;
    let plan = bench.plan(args.rate);
    let clock_ns = bench.clock_ns();
    let (mut runs, mut totals) = (Vec::new(), Totals::default());
    let repeats = args.repeat.unwrap_or(RUNS);
    for number in 1..=repeats {
        log::info!("run {number} of {repeats} at rate {}", args.rate);
        let path = args.out.join(format!("run-{number}.hlog"));
        let log = Log { path, wall: clock::now() };
        let run = bench.run(&plan, Some(log))?;
        totals.add(&run.kept.totals);
        runs.push(run);
    }
    let made = Made { args, bench: &bench, plan, runs, totals, clock_ns };
    let object = json::object(&made);
    files(&args.out, &made.totals, &object)?;
    if args.json {
        writeln!(out, "{object}")?;
    } else {
        text::print(out, &made)?;
    }
    Ok(())
}

/// Writes what the interval logs do not have: numbers, curves, and the report.
fn files(dir: &File, totals: &Totals, object: &serde_json::Value) -> Result<(), Failure> {
    let text = object.to_string();
    let file = |name: &str| NewFile::create(&dir.join(name));
    file("profile.json")?.write(|out| out.write_all(text.as_bytes()))?;
    file("report.html")?.write(|out| out.write_all(report::page(&text, None).as_bytes()))?;
    for ((stage, kind, phase), total) in totals.iter() {
        let name = format!("{}.{}.{}.hgrm", stage.name(), kind.name(), phase.name());
        file(&name)?.write(|out| write_hgrm(out, total, divisor(*stage)))?;
    }
    Ok(())
}

/// Microseconds are what plotters of latency expect.
fn divisor(stage: Stage) -> f64 {
    match stage.unit() {
        Unit::Nanos => 1e3,
        Unit::Events => 1.0,
    }
}
