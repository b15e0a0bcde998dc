//! `tapescan live`.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::replay::{as_json, print};
use super::table::count;
use super::{Failure, sim};
use crate::cli::LiveArgs;
use crate::config::{Config, VENUES};
use crate::live::panel::{Panel, Rate};
use crate::live::{self, Choice, Ended, LiveError, Options, Shown};
use crate::logging::timestamp;
use crate::sim::Exchange;
use crate::venue::Venue;

/// Symbols of a real venue that are followed unless others are named.
const TOP: usize = 200;

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Symbol(_) | LiveError::Symbols(_) | LiveError::Plan(_) => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

pub(super) fn run(args: &LiveArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    if let Some(name) = &args.exchange {
        if !VENUES.contains(&name.as_str()) {
            let names = VENUES.join(", ");
            return Err(Failure::Usage(format!("--exchange {name:?} is not one of {names}")));
        }
        config.venue.clone_from(name);
    }
    let exchange = match Venue::parse(&config.venue) {
        None => Some(sim::for_live(args)?),
        Some(_) if args.synthetic.is_some() || !args.fault.is_empty() || args.speed.is_some() => {
            let text = "--synthetic, --fault and --speed are for --exchange sim";
            return Err(Failure::Usage(text.to_owned()));
        }
        Some(_) => None,
    };
    let options = options(args, &config, exchange.as_ref())?;
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

fn options(
    args: &LiveArgs,
    config: &Config,
    exchange: Option<&Exchange>,
) -> Result<Options, Failure> {
    // The simulated exchange speaks like spot.
    let venue = Venue::parse(&config.venue).unwrap_or(Venue::BinanceSpot);
    let choice = match &args.symbols {
        Some(text) => choice(text)?,
        None if exchange.is_some() => Choice::All,
        None => Choice::Top(TOP),
    };
    let at = |scheme| exchange.map(|exchange| format!("{scheme}://{}", exchange.addr()));
    let run_for = args.run_for.as_deref().map(|text| sim::time("--for", text)).transpose()?;
    Ok(Options {
        venue,
        requests: args.requests.clone().or_else(|| at("http")),
        streams: args.streams.clone().or_else(|| at("ws")),
        choice,
        record: args.record.clone(),
        run_for: run_for.map(Duration::from_nanos),
        threads: usize::from(args.threads),
        keep_candles: false,
        speed: args.speed.unwrap_or(1.0),
    })
}

/// `A,B` or `top:N`.
fn choice(text: &str) -> Result<Choice, Failure> {
    let Some(number) = text.strip_prefix("top:") else {
        return Ok(Choice::Names(text.split(',').map(str::to_owned).collect()));
    };
    match number.parse() {
        Ok(count) if count > 0 => Ok(Choice::Top(count)),
        _ => Err(Failure::Usage(format!(
            "--symbols {text:?}: expected names such as BTCUSDT,ETHUSDT, or top:N with N from 1 on"
        ))),
    }
}

fn panel(options: &Options, config: &Config) -> Result<Ended, LiveError> {
    let mut panel = Panel::new();
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
