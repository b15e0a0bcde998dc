//! `tapescan live`.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::replay::{as_json, print};
use super::session::Session;
use super::table::count;
use super::{Failure, sim};
use crate::cli::LiveArgs;
use crate::config::Config;
use crate::live::panel::{Panel, Rate};
use crate::live::{self, Ended, LiveError, Options, Shown};
use crate::logging::timestamp;

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Symbol(_) | LiveError::Symbols(_) | LiveError::Plan(_) => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

pub(super) fn run(args: &LiveArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let run_for = args.run_for.as_deref().map(|text| sim::time("--for", text)).transpose()?;
    let Session { config, mut options, exchange: _exchange } = Session::new(&args.session)?;
    options.run_for = run_for.map(Duration::from_nanos);
    let ended =
        if args.json { json_lines(&options, &config, out)? } else { panel(&options, &config)? };
    if args.json {
        writeln!(out, "{}", summary(&ended, &config))?;
        return Ok(());
    }
    print(out, &ended.summary, &config, ended.elapsed)?;
    if let Some(taped) = &ended.taped {
        let (entries, bytes) = (count(taped.entries), count(taped.bytes));
        writeln!(out, "tape {}: {entries} entries, {bytes} bytes", taped.file.display())?;
    }
    let status = &ended.shown.status;
    writeln!(
        out,
        "{} connections lost, {} requests not done",
        count(status.lost),
        count(ended.not_done as u64)
    )?;
    Ok(())
}

fn panel(options: &Options, config: &Config) -> Result<Ended, LiveError> {
    let mut panel = Panel::new(&config.venue, options.run_for);
    let ended = live::run(options, config, &mut |shown| panel.show(shown));
    panel.done();
    ended
}

/// One object a second; the final summary comes after them.
fn json_lines(options: &Options, config: &Config, out: &mut dyn Write) -> Result<Ended, Failure> {
    let (mut looks, mut rate, mut written) = (0u32, Rate::default(), Ok(()));
    let ended = live::run(options, config, &mut |shown| {
        if looks.is_multiple_of(LOOKS_PER_LINE) && written.is_ok() {
            let elapsed = live::limits::SHOW * looks;
            let prints_per_s = rate.of(shown.status.prints, elapsed);
            written = writeln!(out, "{}", state(shown, config, prints_per_s));
        }
        looks += 1;
    })?;
    written?;
    Ok(ended)
}

/// A session tells how it stands four times a second.
const LOOKS_PER_LINE: u32 = 4;

fn state(shown: &Shown, config: &Config, prints_per_s: f64) -> Value {
    let (status, rest) = (&shown.status, &shown.rest);
    let marks = status.marks.iter().map(|(interval, mark, count)| {
        let interval = config.intervals[usize::from(*interval)].interval.to_string();
        json!({ "interval": interval, "mark": mark.name(), "candles": count })
    });
    json!({
        "at": timestamp(status.now),
        "links_up": status.links.0,
        "links": status.links.1,
        "links_lost": status.lost,
        "trades": status.prints,
        "trades_per_s": prints_per_s,
        "lag_ms_p50": status.lag_ms.map(|(median, _)| median),
        "lag_ms_p99": status.lag_ms.map(|(_, late)| late),
        "inbox_max": status.inbox_max,
        "candles": status.candles(),
        "marks": marks.collect::<Vec<_>>(),
        "gaps": status.gaps,
        "warm_up_done": status.warm_up.0,
        "warm_up": status.warm_up.1,
        "requests_sent": rest.sent,
        "requests_failed": rest.failed,
        "requests_waiting": rest.waiting.iter().sum::<usize>(),
        "weight": rest.used,
        "weight_allowed": rest.allowed,
        "eta_s": rest.eta_ns / 1_000_000_000,
        "closed_until": rest.closed.map(|closed| timestamp(closed.until)),
        "banned": rest.closed.is_some_and(|closed| closed.banned),
    })
}

/// The summary of `replay`, and what only a live session has.
fn summary(ended: &Ended, config: &Config) -> Value {
    let mut summary = as_json(&ended.summary, config, ended.elapsed);
    let own = json!({
        "links_lost": ended.shown.status.lost,
        "inbox_max": ended.shown.status.inbox_max,
        "requests_not_done": ended.not_done,
        "tape": ended.taped.as_ref().map(|taped| taped.file.display().to_string()),
    });
    if let (Value::Object(summary), Value::Object(own)) = (&mut summary, own) {
        summary.extend(own.into_iter().collect::<Map<_, _>>());
    }
    summary
}
