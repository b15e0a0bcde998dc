//! `tapescan replay`.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use systems::reconcile::Cause;

use super::alerts;
use super::drift;
use super::golden::Golden;
use super::output::NewFile;
use super::ranking;
use super::table::{count, table};
use super::{Failure, configuration};
use crate::cli::ReplayArgs;
use crate::config::Config;
use crate::logging::timestamp;
use crate::progress::Progress;
use crate::replay::{
    LATENESS_OPEN_MS, Outputs, Plan, ReplayError, Summary, Tapes, replay, write_csv,
};
use crate::settings::{columns, widths};

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            // Tapes are inputs: what is wrong with them is the user's to put right.
            ReplayError::Tapes(_) | ReplayError::Read { .. } => Self::usage(error),
            ReplayError::Schedule(_) => Self::failed(error),
        }
    }
}

pub(super) fn run(args: &ReplayArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut tapes = Tapes::open(&args.tapes).map_err(Failure::usage)?;
    spare(args)?;
    let config = configuration(args.config.as_deref(), tapes.config())?;
    let golden = args.verify.as_deref().map(Golden::read).transpose()?;
    let candles = args.candles.as_deref().map(NewFile::create).transpose()?;
    let alerts = args.alerts.as_deref().map(NewFile::create).transpose()?;
    let bless = args.bless.as_deref().map(NewFile::create).transpose()?;
    let plan = Plan { batch: args.batch, threads: usize::from(args.threads), speed: args.speed };
    let mut outputs = Outputs::new(widths(&config), args.candles.is_some()).keeping_alerts();
    let mut progress = Progress::over(tapes.bytes());
    let summary = replay(&mut tapes, &config, &plan, &mut outputs, &mut progress)?;
    let elapsed = progress.done();
    if let Some(file) = candles {
        write_candles(file, &outputs, &tapes, &config)?;
    }
    if let Some(file) = alerts {
        file.write(|out| alerts::write_lines(out, &outputs, tapes.symbols(), &config))?;
    }
    if args.json {
        writeln!(out, "{}", as_json(&summary, &config, elapsed))?;
    } else {
        print(out, &summary, &config, elapsed)?;
        alerts::print(out, &outputs, tapes.symbols(), &config)?;
    }
    let run = Golden::of(&summary);
    if let Some(file) = bless {
        run.write(file)?;
    }
    match (&golden, &args.verify) {
        (Some(golden), Some(path)) => golden.compare(&run, path),
        _ => Ok(()),
    }
}

/// Refuses to write over what is read, or two things to one file.
fn spare(args: &ReplayArgs) -> Result<(), Failure> {
    let same = |one: &Path, other: &Path| {
        let real = |path: &Path| path.canonicalize().ok();
        one == other || real(one).is_some_and(|one| real(other) == Some(one))
    };
    let usage = |target: &Path, why| {
        Failure::Usage(format!("{} {why}: write somewhere else", target.display()))
    };
    let written = [&args.candles, &args.alerts, &args.bless];
    for target in written.into_iter().flatten() {
        if args.tapes.iter().any(|tape| same(tape, target)) {
            return Err(usage(target, "is the tape to be replayed"));
        }
        if args.config.iter().chain(&args.verify).any(|file| same(file, target)) {
            return Err(usage(target, "is read by this replay"));
        }
    }
    let pairs = [
        (&args.candles, &args.bless, "is to hold the candles"),
        (&args.candles, &args.alerts, "is to hold the candles"),
        (&args.alerts, &args.bless, "is to hold the alerts"),
    ];
    for (one, other, why) in pairs {
        if let (Some(one), Some(other)) = (one, other)
            && same(one, other)
        {
            return Err(usage(other, why));
        }
    }
    Ok(())
}

fn write_candles(
    file: NewFile,
    outputs: &Outputs,
    tapes: &Tapes,
    config: &Config,
) -> Result<(), Failure> {
    let Some(candles) = outputs.candles() else { return Ok(()) };
    let intervals: Vec<_> = config.intervals.iter().map(|per| per.interval).collect();
    file.write(|out| write_csv(out, candles, tapes.symbols(), &intervals, &columns(config)))
}

/// The summary as one object; the names are relied on by scripts.
pub(super) fn as_json(summary: &Summary, config: &Config, elapsed: Duration) -> Value {
    let seconds = elapsed.as_secs_f64();
    let object = |pairs: Vec<(&'static str, u64)>| {
        pairs
            .into_iter()
            .map(|(name, count)| (name.to_owned(), json!(count)))
            .collect::<Map<_, _>>()
    };
    let marks = summary.marks.iter().map(|(interval, mark, count)| {
        let interval = config.intervals[usize::from(*interval)].interval.to_string();
        json!({ "interval": interval, "mark": mark, "candles": count })
    });
    let gaps = summary.gaps.iter().map(|gap| {
        json!({
            "symbol": gap.symbol,
            "from_id": gap.ids.0,
            "to_id": gap.ids.1,
            "after": timestamp(gap.between.0),
            "before": timestamp(gap.between.1),
        })
    });
    let drift = Cause::ALL.iter().map(|cause| (cause.name(), summary.drift[*cause as usize]));
    json!({
        "venue": summary.venue,
        "symbols": summary.symbols.0,
        "trades": summary.trades,
        "candles": summary.candles,
        "alerts": summary.alerts,
        "rank_moves": summary.moves,
        "tables": ranking::as_json(&summary.tables, config),
        "digest": summary.digest,
        "rejects": object(summary.rejects()),
        "elapsed_s": seconds,
        "trades_per_s": summary.trades as f64 / seconds.max(1e-9),
        "threads": summary.threads,
        "steps": summary.steps,
        "folded": summary.folded,
        "late": summary.health.late,
        "filled": summary.health.filled,
        "corrected": summary.corrected,
        "marks": marks.collect::<Vec<_>>(),
        "lateness_ms": summary.lateness().collect::<Vec<_>>(),
        "gaps": gaps.collect::<Vec<_>>(),
        "unrecoverable_ids": summary.unrecoverable,
        "absent": summary.absent,
        "drift": object(drift.collect()),
        "differences": drift::as_json(&summary.drifted, config),
        "adopted": summary.adopted,
        "requests": summary.requests.0,
        "ended_at": timestamp(summary.ended_at),
        "torn": summary.torn.iter().map(|(file, _)| file).collect::<Vec<_>>(),
    })
}

/// The summary for people.
pub(super) fn print(
    out: &mut dyn Write,
    summary: &Summary,
    config: &Config,
    elapsed: Duration,
) -> io::Result<()> {
    let seconds = elapsed.as_secs_f64();
    let (symbols, traded) = summary.symbols;
    writeln!(
        out,
        "{} trades of {symbols} symbols ({traded} traded) at {}, up to {}",
        count(summary.trades),
        summary.venue,
        timestamp(summary.ended_at)
    )?;
    writeln!(
        out,
        "in {seconds:.2} s on {} thread{}: {} trades/s in {} steps",
        summary.threads,
        if summary.threads == 1 { "" } else { "s" },
        count((summary.trades as f64 / seconds.max(1e-9)) as u64),
        count(summary.steps)
    )?;
    print_candles(out, summary, config)?;
    print_prints(out, summary)?;
    print_missing(out, summary)?;
    let compared: u64 = summary.drift.iter().sum();
    if compared > 0 {
        writeln!(out, "\n{} candles compared with the venue's", count(compared))?;
        let drift = Cause::ALL.iter().map(|cause| (cause.name(), summary.drift[*cause as usize]));
        print_counts(out, drift)?;
    }
    drift::print(out, &summary.drifted, config)?;
    print_torn(out, summary)?;
    writeln!(out, "\ndigest {}", summary.digest)?;
    ranking::print(out, &summary.tables, config)?;
    if summary.alerts > 0 {
        writeln!(out, "\n{} alerts", count(summary.alerts))?;
    }
    Ok(())
}

fn print_torn(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    for (file, end) in &summary.torn {
        writeln!(out, "\n{file} was not finished: {} bytes could not be read", end.dropped_bytes)?;
        if let Some(damage) = end.damage {
            writeln!(out, "  {damage}")?;
        }
    }
    Ok(())
}

fn print_candles(out: &mut dyn Write, summary: &Summary, config: &Config) -> io::Result<()> {
    writeln!(out, "\n{} candles closed; marks at close", count(summary.candles))?;
    let mut rows = Vec::new();
    for (index, per_interval) in config.intervals.iter().enumerate() {
        let own = summary.marks.iter().filter(|(interval, ..)| usize::from(*interval) == index);
        let marks: Vec<_> = own.map(|(_, mark, n)| format!("{} {mark}", count(*n))).collect();
        if !marks.is_empty() {
            rows.push(vec![format!(
                "{:>4}  {}",
                per_interval.interval.to_string(),
                marks.join(", ")
            )]);
        }
    }
    table(out, "  ", &rows)?;
    if summary.corrected > 0 {
        writeln!(out, "  {} corrections after the close", count(summary.corrected))?;
    }
    Ok(())
}

fn print_prints(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let rejects = summary.rejects();
    if !rejects.is_empty() {
        writeln!(out, "\nnot used, by cause")?;
        print_counts(out, rejects.into_iter())?;
    }
    for (cause, _, sample) in &summary.undecoded {
        writeln!(out, "  first {cause}: {sample}")?;
    }
    let lateness: Vec<_> = summary.lateness().collect();
    if !lateness.is_empty() {
        let behind: u64 = lateness.iter().map(|(_, count)| count).sum();
        writeln!(
            out,
            "\n{} trades came behind a newer one, {} of them after their candle had closed",
            count(behind),
            count(summary.health.late)
        )?;
        let row = |&(below, n): &(u64, u64)| {
            let bound = match below {
                LATENESS_OPEN_MS => format!("{} ms or more", count(below / 2)),
                _ => format!("below {} ms", count(below)),
            };
            vec![bound, count(n)]
        };
        table(out, "  ", &lateness.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Gaps shown; the JSON has all of them.
const GAPS_SHOWN: usize = 10;

fn print_missing(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let missing = summary.missing();
    if missing > 0 {
        let gaps = count(summary.gaps.len() as u64);
        writeln!(out, "\n{} ids are missing in {gaps} gaps", count(missing))?;
        let row = |gap: &crate::replay::OpenGap| {
            let (from, to) = gap.ids;
            let ids = if from == to { from.to_string() } else { format!("{from}..{to}") };
            vec![gap.symbol.to_string(), ids, timestamp(gap.between.0)]
        };
        table(out, "  ", &summary.gaps.iter().take(GAPS_SHOWN).map(row).collect::<Vec<_>>())?;
        if summary.gaps.len() > GAPS_SHOWN {
            writeln!(out, "  ... --json lists all of them")?;
        }
    }
    if summary.unrecoverable > 0 {
        writeln!(out, "\n{} ids were given up as unrecoverable", count(summary.unrecoverable))?;
    }
    if summary.absent > 0 {
        writeln!(out, "\n{} candles are absent for want of any trade", count(summary.absent))?;
    }
    Ok(())
}

fn print_counts(
    out: &mut dyn Write,
    counts: impl Iterator<Item = (&'static str, u64)>,
) -> io::Result<()> {
    let rows: Vec<_> = counts
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| vec![name.replace('_', " "), count(n)])
        .collect();
    table(out, "  ", &rows)
}
