//! Profiles: what open loop sees and closed loop does not, equal bits, and files that other tools
//! read.

mod browser;
mod drain;
mod report;
mod session;
mod stages;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use systems::units::Nanos;
use tapescan::clock;
use tapescan::config::Config;
use tapescan::latency::{Ask, Kind, Stage, Total, Totals};
use tapescan::profile::{self, Load, Plan, Rate, Run};
use tapescan::replay::{Outputs, Tapes, replay};
use tapescan::settings::widths;
use tapescan::synthetic::{Market, Spec};
use tapescan::tape::Writer;

const MS: u64 = Nanos::PER_MS;

/// A tape of a synthetic market.
fn tape(dir: &Path, spec: &str) -> PathBuf {
    let path = dir.join("market.tape");
    let market = Market::new(Spec::parse(spec).unwrap());
    let mut writer =
        Writer::create(std::fs::File::create(&path).unwrap(), market.header(), 1).unwrap();
    for entry in market {
        writer.write(&entry).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn load(tape: &Path) -> Load {
    Load::read(&mut Tapes::open(&[tape.to_owned()]).unwrap(), usize::MAX).unwrap()
}

fn plan(path: profile::Path, rate: Rate) -> Plan {
    Plan { path, rate, threads: 1, warm_up: 0, ahead: false, interval_ns: Nanos::PER_SECOND }
}

fn of_prints(totals: &Totals, stage: Stage) -> Total {
    totals.merged(|(own, kind, _)| *own == stage && *kind == Kind::Trade).unwrap()
}

fn above(total: &Total, ns: u64) -> u64 {
    total.histogram().count_between(ns + 1, u64::MAX)
}

/// A clock on which everything takes 50 ns, and once a second the thread is stopped for 50 ms.
struct Stalling {
    now: AtomicU64,
    next: AtomicU64,
}

const STALL: u64 = 50 * MS;

impl Stalling {
    fn tick(&self) -> Nanos {
        let now = self.now.fetch_add(50, Ordering::Relaxed) + 50;
        let next = self.next.load(Ordering::Relaxed);
        if now < next {
            return Nanos(now);
        }
        self.next.store(next + Nanos::PER_SECOND, Ordering::Relaxed);
        Nanos(self.now.fetch_add(STALL, Ordering::Relaxed) + STALL)
    }
}

fn stalled(load: &Load, rate: f64) -> Run {
    let clock = Arc::new(Stalling { now: AtomicU64::new(0), next: AtomicU64::new(500 * MS) });
    let (asked, waited) = (clock.clone(), clock.clone());
    let ask: Ask = Arc::new(move || asked.tick());
    let plan = plan(profile::Path::InProcess, Rate::Fixed(rate));
    let mut wait = |until: Nanos| _ = waited.now.fetch_max(until.0, Ordering::Relaxed);
    profile::run_by(load, &Config::default(), &plan, &ask, &mut wait).unwrap()
}

/// 50 ms once a second at 1,000 frames a second: 50 frames fall due in each stall, and one due x
/// into it waits for the other 50 - x.
#[test]
fn a_stall_is_charged_to_every_frame_that_was_due_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let load = load(&tape(dir.path(), "symbols=5,rate=500,seed=3,duration=20s"));
    let (rate, frames) = (1_000.0, load.rendered);
    let stalls = frames * MS / Nanos::PER_SECOND;
    assert!(stalls >= 8, "{frames} frames");
    let run = stalled(&load, rate);
    let response = of_prints(&run.kept.totals, Stage::Response);
    assert_eq!(response.count(), frames);
    for ms in [1, 5, 10, 25, 40, 49] {
        let (found, due) = (above(&response, ms * MS), stalls * (50 - ms));
        // A stall begins somewhere between two frames: one more or less each.
        assert!(found.abs_diff(due) <= stalls + 1, "{found} above {ms} ms, {due} predicted");
    }
    assert!(response.max() >= 49 * MS && response.max() <= 51 * MS, "{}", response.max());
    // p99 of a second in which a twentieth of all frames wait is a wait.
    assert!(response.at(0.99) > 35 * MS, "{}", response.at(0.99));

    // Who measures from the moment at which work began sees the one frame it stopped at.
    let service = of_prints(&run.kept.totals, Stage::Service);
    assert_eq!(service.count(), frames);
    assert!(above(&service, MS) <= stalls, "{}", above(&service, MS));
    assert!(service.at(0.99) < MS / 10, "{}", service.at(0.99));
}

#[test]
fn the_arithmetic_holds_at_other_rates() {
    let dir = tempfile::tempdir().unwrap();
    let load = load(&tape(dir.path(), "symbols=5,rate=2000,seed=3,duration=20s"));
    for rate in [2_000.0, 5_000.0] {
        let run = stalled(&load, rate);
        let response = of_prints(&run.kept.totals, Stage::Response);
        let stalls = (load.rendered as f64 / rate + 0.5) as u64;
        let (found, due) = (above(&response, 20 * MS), stalls * 30 * rate as u64 / 1_000);
        assert!(found.abs_diff(due) <= due / 20, "{found} above 20 ms at {rate}, {due} predicted");
    }
}

/// Rendered, sent and decoded again in batches of any size, a tape says what its replay says.
#[test]
fn a_profile_folds_what_a_replay_folds() {
    let dir = tempfile::tempdir().unwrap();
    let spec = "symbols=20,rate=800,seed=5,duration=130s,late=0.002,duplicates=0.002,links=1";
    let tape = tape(dir.path(), spec);
    let config = Config::default();
    let mut tapes = Tapes::open(std::slice::from_ref(&tape)).unwrap();
    let mut outputs = Outputs::new(widths(&config), false);
    let plan_of_replay =
        tapescan::replay::Plan { batch: 64, threads: 1, speed: tapescan::replay::Speed::Max };
    let unseen = &mut tapescan::progress::Unseen;
    let replayed = replay(&mut tapes, &config, &plan_of_replay, &mut outputs, unseen).unwrap();
    let load = load(&tape);
    let (rendered, rest) = (load.rendered, load.as_they_are);
    assert!(rendered > 50_000 && rest < rendered / 20, "{rendered} and {rest}");
    let clock: Ask = Arc::new(clock::steady(1.0));
    for path in [profile::Path::InProcess, profile::Path::Loopback] {
        let run = profile::run(&load, &config, &plan(path, Rate::Max), None, &clock).unwrap();
        assert_eq!(run.digest, replayed.digest, "{path:?}");
        assert_eq!(run.prints, replayed.trades, "{path:?}");
        let totals = &run.kept.totals;
        let stages: Vec<_> = totals.iter().map(|((stage, ..), _)| *stage).collect();
        for stage in [Stage::Decode, Stage::Indicate, Stage::Deliver, Stage::CloseDelay] {
            assert!(stages.contains(&stage), "{path:?}: {stage:?}");
        }
        let sockets = path == profile::Path::Loopback;
        assert_eq!(stages.contains(&Stage::Transfer), sockets);
        // Everything comes out of the inbox, which never holds more than it has room for.
        let most = run.kept.points.iter().map(|point| point.inbox).max();
        assert_eq!(most.filter(|most| *most > 0), totals.inbox_max(), "{path:?}");
        let room = tapescan::live::limits::INBOX as u64;
        assert_eq!(
            totals.inbox_max().is_some_and(|most| (1..=room + room / 1_000).contains(&most)),
            sockets
        );
        // Every event has one response, and each of them decoded. One of which nothing is to be
        // folded may be alone in its step, which then has no stages.
        let count = |stage| totals.merged(|key| key.0 == stage).unwrap().count();
        for stage in [Stage::Response, Stage::Decode] {
            assert_eq!(count(stage), run.entries, "{path:?}: {stage:?}");
        }
        let folded = count(Stage::Ingest);
        assert!(folded <= run.entries && run.entries - folded < 100, "{path:?}: {folded}");
        let prints: u64 = run.kept.points.iter().map(|point| point.prints).sum();
        assert_eq!(prints, totals.response().unwrap().count());
    }
}

/// What the warm-up did is in no histogram.
#[test]
fn the_warm_up_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let load = load(&tape(dir.path(), "symbols=5,rate=500,seed=3,duration=20s"));
    let warm_up = load.entries().len() / 4;
    let plan = Plan { warm_up, ..plan(profile::Path::InProcess, Rate::Max) };
    let clock: Ask = Arc::new(clock::steady(1.0));
    let run = profile::run(&load, &Config::default(), &plan, None, &clock).unwrap();
    let counted = run.kept.totals.merged(|key| key.0 == Stage::Response).unwrap().count();
    // It ends with the step that reaches it.
    let left = load.entries().len() - warm_up;
    assert_eq!(counted, run.entries);
    assert!((left - 1_100..=left).contains(&(counted as usize)), "{counted} of {left}");
}
