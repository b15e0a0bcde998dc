//! `tapescan sim`.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::table::count;
use crate::cli::{SessionArgs, SimArgs};
use crate::sim::{self, Exchange, Fault, Feed, SimConfig, StartError, duration_ns};
use crate::synthetic::Spec;
use crate::venue::Venue;

pub(super) fn run(args: &SimArgs, out: &mut dyn Write) -> Result<(), Failure> {
    if args.fault.iter().any(|text| text == "help") {
        write!(out, "{}", sim::help())?;
        return Ok(());
    }
    if args.synthetic.as_deref() == Some("help") {
        write!(out, "{}", Spec::help())?;
        return Ok(());
    }
    let run_for = args.run_for.as_deref().map(|text| time("--for", text)).transpose()?;
    let config = config(args)?;
    let base = config.venue.link_facts().base;
    let exchange = Exchange::start(config).map_err(|error| match error {
        StartError::Io(_) => Failure::failed(error),
        StartError::Feed(error) => {
            let tape = args.tape.as_deref().unwrap_or(Path::new(""));
            Failure::Usage(format!("{}: {error}", tape.display()))
        }
        StartError::Symbol { .. } => Failure::usage(error),
    })?;
    let secure = match (exchange.certificate(), &args.tls) {
        (Some((_, pem)), Some(file)) => {
            std::fs::write(file, pem).map_err(Failure::writing(file))?;
            "s"
        }
        _ => "",
    };
    let addr = exchange.addr();
    writeln!(out, "requests  http{secure}://{addr}")?;
    let route = base.splitn(4, '/').nth(3);
    let route = route.map_or_else(String::new, |route| format!("/{route}"));
    writeln!(out, "streams   ws{secure}://{addr}{route}")?;
    writeln!(out, "symbols   {}", count(exchange.symbols().len() as u64))?;
    out.flush()?;
    sim::wait(run_for.map(Duration::from_nanos))?;
    let totals = exchange.totals();
    exchange.stop();
    writeln!(
        out,
        "{} prints, {} connections, {} messages, {} requests, {} of them refused",
        count(totals.prints),
        count(totals.connections),
        count(totals.messages),
        count(totals.requests),
        count(totals.refused)
    )?;
    Ok(())
}

/// The market that a live session meets unless it is told otherwise.
const FOR_LIVE: &str = "symbols=60,rate=2000";

/// An exchange for a live session of this process.
pub(super) fn for_live(args: &SessionArgs) -> Result<Exchange, Failure> {
    let feed = synthetic_feed(args.synthetic.as_deref().unwrap_or(FOR_LIVE))?;
    let (faults, speed) = (parsed(&args.fault)?, args.speed.unwrap_or(1.0));
    let config = SimConfig { feed, faults, speed, ..SimConfig::default() };
    Exchange::start(config).map_err(|error| match error {
        StartError::Io(_) => Failure::failed(error),
        StartError::Feed(_) | StartError::Symbol { .. } => Failure::usage(error),
    })
}

fn synthetic_feed(text: &str) -> Result<Feed, Failure> {
    let spec = SimConfig::spec().amended(text);
    spec.map(Feed::Synthetic).map_err(|error| Failure::Usage(format!("--synthetic: {error}")))
}

fn parsed(faults: &[String]) -> Result<Vec<Fault>, Failure> {
    let parse = |text: &String| {
        Fault::parse(text).map_err(|error| Failure::Usage(format!("--fault {text}: {error}")))
    };
    faults.iter().map(parse).collect()
}

fn config(args: &SimArgs) -> Result<SimConfig, Failure> {
    let venue = Venue::parse(&args.venue).ok_or_else(|| {
        let names = Venue::ALL.map(Venue::name).join(", ");
        Failure::Usage(format!("--venue {:?} is not one of {names}", args.venue))
    })?;
    let feed = match &args.tape {
        Some(tape) => Feed::Tape(tape.clone()),
        None => synthetic_feed(args.synthetic.as_deref().unwrap_or_default())?,
    };
    Ok(SimConfig {
        listen: args.listen,
        venue,
        feed,
        faults: parsed(&args.fault)?,
        speed: args.speed,
        history_ns: time("--history", &args.history)?,
        lag_ns: time("--lag", &args.lag)?,
        keep: args.keep,
        tls: args.tls.is_some(),
        ..SimConfig::default()
    })
}

pub(super) fn time(flag: &str, text: &str) -> Result<u64, Failure> {
    duration_ns(text).ok_or_else(|| {
        Failure::Usage(format!("{flag} {text:?} is no time: use a count and ms, s, m or h"))
    })
}
