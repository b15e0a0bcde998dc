//! `tapescan live`.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::profile::time;
use super::ranking;
use super::replay::{as_json, print};
use super::session::Session;
use super::table::count;
use super::{Failure, sim};
use crate::cli::LiveArgs;
use crate::config::Config;
use crate::latency::{PERCENTILES, Phase, Totals};
use crate::live::panel::{Panel, Rate};
use crate::live::record::{Record, Recording};
use crate::live::{self, Ended, LiveError, Options, Shown};
use crate::logging::timestamp;
use crate::sinks::SinkStatus;

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Symbol(_)
            | LiveError::Symbols(_)
            | LiveError::Plan(_)
            | LiveError::Sink(_) => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

pub(super) fn run(args: &LiveArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let run_for = args.run_for.as_deref().map(|text| sim::time("--for", text)).transpose()?;
    let Session { config, mut options, exchange: _exchange } = Session::new(&args.session)?;
    options.run_for = run_for.map(Duration::from_nanos);
    let log = &config.log;
    crate::logging::configure(log).map_err(|error| {
        let dir = log.dir.clone().unwrap_or_default();
        Failure::Failed(format!("no log can be written to {}: {error}", dir.display()))
    })?;
    let ended = if args.json {
        json_lines(&options, &config, out)?
    } else {
        panel(&options, &config, out)?
    };
    if args.json {
        writeln!(out, "{}", summary(&ended, &config))?;
    } else {
        in_words(&ended, &config, out)?;
    }
    if let Some(part) = ended.broken {
        return Err(Failure::failed(LiveError::Broken(part)));
    }
    match ended.record.and_then(|record| record.failed) {
        None => Ok(()),
        Some(why) => Err(Failure::failed(LiveError::Record(why))),
    }
}

fn in_words(ended: &Ended, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    print(out, &ended.summary, config, ended.elapsed)?;
    for taped in ended.record.iter().flat_map(|record| &record.tapes) {
        let (entries, bytes) = (count(taped.entries), count(taped.bytes));
        writeln!(out, "tape {}: {entries} entries, {bytes} bytes", taped.file.display())?;
    }
    let status = &ended.shown.status;
    writeln!(
        out,
        "{} symbols listed meanwhile, {} retired; {} connections lost, {} not made, \
         {} requests not done",
        count(status.listed as u64),
        count(status.retired as u64),
        count(status.lost),
        count(status.dials_failed),
        count(ended.dropped.requests as u64)
    )?;
    for sink in &ended.sinks {
        let SinkStatus { name, delivered, retried, failed, lost, queued, queued_max, .. } = sink;
        let [delivered, retried, failed] = [delivered, retried, failed].map(|n| count(*n));
        let [lost, queued, most] = [lost, queued, queued_max].map(|n| count(*n));
        write!(out, "sink {name}: {delivered} delivered, {retried} retried, {failed} refused, ")?;
        // What a terminal was not shown does not wait.
        let left = if sink.in_memory {
            String::new()
        } else {
            format!("{queued} wait for the next start, ")
        };
        writeln!(out, "{lost} lost, {left}at most {most} waited")?;
    }
    if ended.shown.told.dropped > 0 {
        writeln!(out, "{} alerts reached no sink", count(ended.shown.told.dropped))?;
    }
    if ended.dropped.unknown {
        writeln!(out, "requests hung and were left behind, uncounted")?;
    }
    if ended.dropped.answers > 0 {
        writeln!(out, "{} answers came too late", count(ended.dropped.answers as u64))?;
    }
    response(ended, config, out)
}

/// How long prints took from the socket to the end of their step.
fn response(ended: &Ended, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    for phase in Phase::ALL {
        let totals = &ended.latency.totals;
        let own = totals.merged(|key| Totals::is_response(key) && key.2 == phase);
        let Some(own) = own else { continue };
        let when = match phase {
            Phase::Calm => "calm".to_owned(),
            Phase::Boundary => format!("at the end of {} candles", config.base()),
        };
        let told = PERCENTILES.map(|(name, quantile)| format!("{name} {}", time(own.at(quantile))));
        let max = time(own.max());
        writeln!(out, "received to dispatched, {when}: {}, max {max}", told.join(", "))?;
    }
    Ok(())
}

/// Every cell that was recorded, in nanoseconds (`step-size` in events).
fn latency(ended: &Ended) -> Vec<Value> {
    let cells = ended.latency.totals.iter().map(|((stage, kind, phase), total)| {
        let mut cell = json!({
            "stage": stage.name(),
            "kind": kind.name(),
            "phase": phase.name(),
            "count": total.count(),
            "clamped": total.clamped(),
            "max": total.max(),
        });
        for (name, quantile) in PERCENTILES {
            cell[name] = json!(total.at(quantile));
        }
        cell
    });
    cells.collect()
}

/// The panel, and alerts as lines where it does not show them.
fn panel(options: &Options, config: &Config, out: &mut dyn Write) -> Result<Ended, Failure> {
    let mut panel = Panel::new(config, options.run_for);
    let (lines, mut written) = (!panel.is_drawn() || !io::stdout().is_terminal(), Ok(()));
    let ended = live::run(options, config, &mut |shown| {
        if lines && written.is_ok() {
            let mut alerts = shown.told.alerts.iter();
            let told = alerts.try_for_each(|message| writeln!(out, "{}", message.line()));
            written = told.and_then(|()| out.flush());
        }
        panel.show(shown);
        // What repeated itself is told when its time is over, not when something else happens.
        log::logger().flush();
    });
    panel.done();
    written?;
    Ok(ended?)
}

/// One object a second, and one for each alert; the final summary comes after them.
fn json_lines(options: &Options, config: &Config, out: &mut dyn Write) -> Result<Ended, Failure> {
    let (mut looks, mut rate, mut written) = (0u32, Rate::default(), Ok(()));
    let ended = live::run(options, config, &mut |shown| {
        if written.is_ok() {
            let mut alerts = shown.told.alerts.iter();
            written = alerts.try_for_each(|alert| writeln!(out, "{{\"alert\":{}}}", alert.json));
        }
        if looks.is_multiple_of(LOOKS_PER_LINE) && written.is_ok() {
            let elapsed = live::limits::SHOW * looks;
            let prints_per_s = rate.of(shown.status.own_prints(), elapsed);
            written = writeln!(out, "{}", state(shown, config, prints_per_s));
        }
        looks += 1;
        log::logger().flush();
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
        "symbols": status.symbols,
        "symbols_listed": status.listed,
        "symbols_retired": status.retired,
        "links_up": status.links.0,
        "links": status.links.1,
        "links_lost": status.lost,
        "dials_failed": status.dials_failed,
        "trades": status.prints,
        "trades_per_s": prints_per_s,
        "lag_ms_p50": status.lag_ms.map(|(median, _)| median),
        "lag_ms_p99": status.lag_ms.map(|(_, late)| late),
        "response_us_p50": status.latency.response[0] as f64 / 1e3,
        "response_us_p99": status.latency.response[1] as f64 / 1e3,
        "response_us_max": status.latency.response[2] as f64 / 1e3,
        "inbox_max": status.inbox_max,
        "candles": status.candles(),
        "marks": marks.collect::<Vec<_>>(),
        "alerts": status.alerts,
        "alerts_not_shown": shown.told.missed,
        "alerts_dropped": shown.told.dropped,
        "sinks": shown.told.sinks.iter().map(sink).collect::<Vec<_>>(),
        "gaps": status.gaps,
        "warm_up_done": status.warm_up.0,
        "warm_up": status.warm_up.1,
        "requests_sent": rest.sent,
        "requests_failed": rest.failed,
        "requests_spared": status.spared,
        "requests_waiting": rest.waiting.iter().sum::<usize>(),
        "weight": rest.used,
        "weight_allowed": rest.allowed,
        "eta_s": rest.eta_ns / 1_000_000_000,
        "warm_up_eta_s": rest.warm_up_ns / 1_000_000_000,
        "closed_until": rest.closed.map(|closed| timestamp(closed.until)),
        "banned": rest.closed.is_some_and(|closed| closed.banned),
        "recording": recording(shown),
        "tables": ranking::as_json(&status.tables, config),
    })
}

/// How a sink stands.
fn sink(sink: &SinkStatus) -> Value {
    json!({
        "name": sink.name,
        "delivered": sink.delivered,
        "retried": sink.retried,
        "failed": sink.failed,
        "lost": sink.lost,
        "queued": sink.queued,
        "queued_max": sink.queued_max,
        "trouble": sink.trouble,
        "hung": sink.hung,
    })
}

/// The tape's name, or why there is none any more; nothing where none was wanted.
fn recording(shown: &Shown) -> Option<String> {
    let recording = &shown.status.recording;
    (*recording != Recording::Off).then(|| recording.to_string())
}

/// The summary of `replay`, and what only a live session has.
fn summary(ended: &Ended, config: &Config) -> Value {
    let mut summary = as_json(&ended.summary, config, ended.elapsed);
    // Replayed together, these give the digest.
    let record = ended.record.as_ref();
    let files = |record: &'_ Record| -> Vec<String> {
        let own = record.tapes.iter().map(|taped| &taped.file);
        record.earlier.iter().chain(own).map(|file| file.display().to_string()).collect()
    };
    let tapes = record.map(files).unwrap_or_default();
    let failed = record.and_then(|record| Some(record.failed.as_ref()?.to_string()));
    let status = &ended.shown.status;
    let own = json!({
        "symbols_listed": status.listed,
        "symbols_retired": status.retired,
        "links_lost": status.lost,
        "dials_failed": status.dials_failed,
        "inbox_max": status.inbox_max,
        "requests_not_done": ended.dropped.requests,
        "requests_hung": ended.dropped.unknown,
        "answers_dropped": ended.dropped.answers,
        "latency": latency(ended),
        "alerts_dropped": ended.shown.told.dropped,
        "sinks": ended.sinks.iter().map(sink).collect::<Vec<_>>(),
        "tape": tapes.last(),
        "tapes": tapes,
        "recording_failed": failed,
        "broken": ended.broken,
    });
    if let (Value::Object(summary), Value::Object(own)) = (&mut summary, own) {
        summary.extend(own.into_iter().collect::<Map<_, _>>());
    }
    summary
}
