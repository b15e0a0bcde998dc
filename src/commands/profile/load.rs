//! `tapescan profile load`: the highest rate at which a bound holds.

use std::io::Write;

use serde_json::json;

use super::text::time;
use super::{Bench, Failure};
use crate::cli::RunArgs;
use crate::commands::sim;
use crate::commands::table::{count, table};
use crate::profile::Rate;
use crate::profile::search::{Tried, best, highest};

pub(super) fn run(
    args: &RunArgs,
    below: &str,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let bound_ns = sim::time("--below", below)?;
    let bench = Bench::new(args)?;
    // Nothing is served faster than flat out.
    let most = bench.run(&bench.plan(Rate::Max), None)?.prints_per_s();
    log::info!("flat out: {} trades/s", count(most as u64));
    let tried = highest(most, bound_ns, &mut |rate| {
        let run = bench.run(&bench.plan(Rate::Fixed(rate)), None)?;
        let p99 = run.kept.totals.response().map_or(u64::MAX, |response| response.at(0.99));
        log::info!("{} frames/s: p99 {}", count(rate as u64), time(p99));
        Ok::<_, Failure>(p99)
    })?;
    let best = best(&tried);
    if json {
        let object = json!({
            "below_ns": bound_ns,
            "max_prints_per_s": most,
            "rate": best.map(|best| best.rate),
            "p99_ns": best.map(|best| best.ns),
            "tried": tried.iter().map(|it| json!([it.rate, it.ns, it.holds])).collect::<Vec<_>>(),
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    writeln!(out, "flat out {} trades/s", count(most as u64))?;
    let row = |Tried { rate, ns, holds }: &Tried| {
        let verdict = if *holds { "holds" } else { "too late" };
        vec![format!("{} frames/s", count(*rate as u64)), time(*ns), verdict.to_owned()]
    };
    table(out, "  ", &tried.iter().map(row).collect::<Vec<_>>())?;
    match best {
        Some(best) => writeln!(
            out,
            "p99 of the response stays below {below} up to {} frames/s ({})",
            count(best.rate as u64),
            time(best.ns)
        )?,
        None => writeln!(out, "p99 of the response is above {below} at every rate tried")?,
    }
    Ok(())
}
