//! How long a run takes to come out of a surge, by a clock on which everything is known.

use super::*;

/// A clock on which each look takes 40 us. Each entry has one look and each step a dozen, so that
/// nearly 25,000 entries are served in a second and no more.
fn slow() -> (Ask, impl FnMut(Nanos)) {
    let now = Arc::new(AtomicU64::new(0));
    let asked = now.clone();
    let ask: Ask = Arc::new(move || Nanos(asked.fetch_add(40_000, Ordering::Relaxed) + 40_000));
    (ask, move |until: Nanos| _ = now.fetch_max(until.0, Ordering::Relaxed))
}

fn run(load: &Load, rate: Rate) -> Run {
    let (ask, mut wait) = slow();
    let plan = plan(profile::Path::InProcess, rate);
    profile::run_by(load, &Config::default(), &plan, &ask, &mut wait).unwrap()
}

/// What is due beyond what is served piles up while the surge lasts, and is served afterwards with
/// what the calm market leaves.
#[test]
fn a_surge_drains_when_the_arithmetic_says() {
    let dir = tempfile::tempdir().unwrap();
    let market = "symbols=5,rate=1000,seed=3,duration=40s,burst=1,boundary=1,quiet=0,";
    let surge = "surge=40x@10s+2s,start=1723161605";
    let load = load(&tape(dir.path(), &format!("{market}{surge}")));
    let served = run(&load, Rate::Max);
    assert_eq!(served.drain, None, "flat out nothing is due");
    let served = served.entries as f64 * 1e9 / served.elapsed_ns as f64;
    let run = run(&load, Rate::Recorded);
    let drain = run.drain.unwrap();
    let (from, to) = drain.surge.span;
    assert!(from.abs_diff(10_000 * MS) <= 200 * MS && to.abs_diff(12_000 * MS) <= 200 * MS);
    let calm = 1_010.0;
    let surge = drain.surge.rate();
    // It is found by tenths of a second, of which the first may hold little of it.
    assert!((36_000.0..42_000.0).contains(&surge), "{surge} entries a second in the surge");
    assert!((1.5 * calm..surge / 1.5).contains(&served), "{served} served of {surge} a second");
    let left = drain.surge.entries as f64 - 2.0 * served;
    let due = (left / (served - calm) * 1e9) as u64;
    let found = drain.drained_ns.unwrap();
    assert!(found.abs_diff(due) < due / 10, "{found} of {due} ns, {served} served a second");
    // The last entry of the surge waits for all that is ahead of it.
    let worst = (left / served * 1e9) as u64;
    assert!(drain.worst_ns.abs_diff(worst) < worst / 10, "{} of {worst} ns", drain.worst_ns);
    assert!(drain.calm_ns < 30 * MS, "{}", drain.calm_ns);
}

/// What goes ahead meets no clock, and the rest is due as if it were all.
#[test]
fn what_goes_ahead_is_in_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let load = load(&tape(dir.path(), "symbols=5,rate=500,seed=3,duration=20s,burst=1"));
    let ahead = load.entries().len() * 3 / 4;
    let clock: Ask = Arc::new(clock::steady(1.0));
    let whole = profile::run(
        &load,
        &Config::default(),
        &plan(profile::Path::InProcess, Rate::Max),
        None,
        &clock,
    );
    for path in [profile::Path::InProcess, profile::Path::Loopback] {
        let plan = Plan { warm_up: ahead, ahead: true, ..plan(path, Rate::Fixed(5_000.0)) };
        let run = profile::run(&load, &Config::default(), &plan, None, &clock).unwrap();
        assert_eq!(run.entries, (load.entries().len() - ahead) as u64, "{path:?}");
        let response = run.kept.totals.merged(|key| key.0 == Stage::Response).unwrap();
        assert_eq!(response.count(), run.entries, "{path:?}");
        let least = (run.entries - 100) * Nanos::PER_SECOND / 5_100;
        assert!(run.elapsed_ns > least, "{path:?}: {} ns", run.elapsed_ns);
        assert_eq!(run.digest, whole.as_ref().unwrap().digest, "{path:?}");
    }
}
