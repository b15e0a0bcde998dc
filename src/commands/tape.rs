//! `tapescan tape ...`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::golden::Golden;
use super::import::segment_of;
use super::table::{count, size, table};
use super::{Failure, NewTape, configuration, instant, vacant, verify};
use crate::cli::TapeCommand;
use crate::config::Config;
use crate::logging::timestamp;
use crate::progress::Progress;
use crate::replay::{Outputs, Plan, Speed, Tapes, replay};
use crate::settings::widths;
use crate::symbols::Symbols;
use crate::synthetic::{Market, Spec};
use crate::tape::entry::{Body, Entry};
use crate::tape::{self, Cut, CutError, End, Info};
use crate::venue::{Venue, What};

pub(super) fn run(command: TapeCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        TapeCommand::Info { tape, json } => info(&tape, json, out),
        TapeCommand::Verify { tapes, json } => verify::run(&tapes, json, out),
        TapeCommand::Cut { tape, out: target, from, to, symbols } => {
            let from = from.as_deref().map(instant).transpose()?;
            let to = to.as_deref().map(instant).transpose()?;
            if let (Some(from), Some(to)) = (from, to)
                && from >= to
            {
                let (from, to) = (timestamp(from), timestamp(to));
                return Err(Failure::Usage(format!(
                    "--from {from} is not before --to {to}: nothing lies between"
                )));
            }
            cut(&tape, &target, from, to, &symbols, out)
        }
        TapeCommand::Bisect { a, b, config } => bisect(&a, &b, config.as_deref(), out),
        TapeCommand::Generate { spec, out: target, config } => {
            generate(&spec, target.as_deref(), config.as_deref(), out)
        }
    }
}

pub(super) fn at(file: &Path) -> impl FnOnce(tape::OpenError) -> Failure + '_ {
    move |error| Failure::Usage(format!("{}: {error}", file.display()))
}

fn info(path: &Path, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let info = tape::info(path).map_err(at(path))?;
    if json {
        writeln!(out, "{}", info_json(&info))?;
        return Ok(());
    }
    let header = &info.header;
    writeln!(out, "{} by {}, format v{}", header.venue, header.program, info.version)?;
    if let Some(span) = info.venue_time {
        writeln!(out, "market time  {} to {}", timestamp(span.first), timestamp(span.last))?;
    }
    if let Some(span) = info.received {
        writeln!(out, "received     {} to {}", timestamp(span.first), timestamp(span.last))?;
    }
    writeln!(
        out,
        "{} blocks, {} in the file, {} unpacked",
        count(info.blocks),
        size(info.stored_bytes),
        size(info.raw_bytes)
    )?;
    print_end(&info.end, out)?;
    writeln!(out, "\nentries")?;
    let named = info.counts.named().into_iter().filter(|(_, n)| *n > 0);
    let rows: Vec<_> = named.map(|(name, n)| vec![name.to_owned(), count(n)]).collect();
    table(out, "  ", &rows)?;
    print_symbols(&info, out)?;
    let config = if header.config.is_empty() { "the defaults" } else { "on the tape" };
    writeln!(out, "\nconfiguration: {config}")?;
    Ok(())
}

/// Symbols shown; the JSON has all of them.
const SYMBOLS_SHOWN: usize = 20;

fn print_symbols(info: &Info, out: &mut dyn Write) -> io::Result<()> {
    let specs = &info.header.symbols;
    writeln!(out, "\n{} symbols", count(specs.len() as u64))?;
    let rows = specs.iter().zip(&info.symbols).take(SYMBOLS_SHOWN).map(|(spec, counts)| {
        vec![
            spec.name.to_string(),
            format!("decimals {}/{}", spec.price.decimals, spec.quantity.decimals),
            format!("{} decoded trades", count(counts.trades)),
            format!("{} candles", count(counts.candles)),
        ]
    });
    table(out, "  ", &rows.collect::<Vec<_>>())?;
    if specs.len() > SYMBOLS_SHOWN {
        writeln!(out, "  ... --json lists all of them")?;
    }
    Ok(())
}

pub(super) fn print_end(end: &End, out: &mut dyn Write) -> io::Result<()> {
    match (end.sealed, end.damage) {
        (true, None) => writeln!(out, "sealed and intact"),
        (false, None) => writeln!(out, "not sealed: the recorder was stopped hard; intact so far"),
        (_, Some(damage)) => writeln!(
            out,
            "damaged: {damage}; {} intact, {} dropped",
            size(end.intact_bytes),
            size(end.dropped_bytes)
        ),
    }
}

fn info_json(info: &Info) -> serde_json::Value {
    let counts = info.counts.named();
    let symbols = info.header.symbols.iter().zip(&info.symbols).map(|(spec, counts)| {
        json!({
            "name": spec.name,
            "price_decimals": spec.price.decimals,
            "quantity_decimals": spec.quantity.decimals,
            "trades": counts.trades,
            "candles": counts.candles,
        })
    });
    let span = |span: Option<tape::Span>| span.map(|s| json!([s.first.ms(), s.last.ms()]));
    json!({
        "format": info.version,
        "venue": info.header.venue,
        "program": info.header.program,
        "config": info.header.config,
        "blocks": info.blocks,
        "stored_bytes": info.stored_bytes,
        "raw_bytes": info.raw_bytes,
        "received_ms": span(info.received),
        "venue_time_ms": span(info.venue_time),
        "sealed": info.end.sealed,
        "damage": info.end.damage.map(|damage| damage.to_string()),
        "entries": counts.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "symbols": symbols.collect::<Vec<_>>(),
    })
}

fn cut(
    source: &Path,
    target: &Path,
    from: Option<Nanos>,
    to: Option<Nanos>,
    names: &[String],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    vacant(target)?;
    let header = tape::Reader::open(source).map_err(at(source))?.header().clone();
    let symbols = Symbols::new(header.symbols.clone()).map_err(Failure::usage)?;
    let mut ids = Vec::new();
    for name in names {
        let id = symbols.id(name).ok_or_else(|| {
            Failure::Usage(format!("--symbols {name}: {} has no such symbol", source.display()))
        })?;
        ids.push(id);
    }
    let cut = Cut { from, to, symbols: (!ids.is_empty()).then_some(&ids) };
    let venue = Venue::parse(&header.venue);
    let keeps = |body: &Body<'_>| keeps(venue, &symbols, &ids, body);
    let report = tape::cut(source, target, &cut, keeps)
        .map_err(|error| cut_failure(source, target, error))?;
    let (kept, target) = (count(report.kept.total()), target.display());
    writeln!(out, "{kept} entries kept; {target} written: {}", size(report.bytes))?;
    if let Some(damage) = report.end.damage {
        writeln!(out, "{} is damaged: {damage}; nothing behind was kept", source.display())?;
    }
    Ok(())
}

/// Which of the two files is at fault decides the exit code.
fn cut_failure(source: &Path, target: &Path, error: CutError) -> Failure {
    match error {
        CutError::Make(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Failure::exists(target)
        }
        CutError::Open(_) | CutError::Read(_) => {
            Failure::Usage(format!("{}: {error}", source.display()))
        }
        _ => Failure::Failed(format!("{}: {error}", target.display())),
    }
}

/// Whether a frame is about one of the symbols. What is about none is kept: it may matter.
fn keeps(venue: Option<Venue>, symbols: &Symbols, ids: &[SymbolId], body: &Body<'_>) -> bool {
    let (Body::Frame { text, .. }, Some(venue)) = (body, venue) else { return true };
    match venue.decode(text, symbols).what {
        What::Trade(trade, _) => ids.contains(&trade.symbol),
        What::Candle { symbol, .. } => ids.contains(&symbol),
        _ => true,
    }
}

fn bisect(a: &Path, b: &Path, config: Option<&Path>, out: &mut dyn Write) -> Result<(), Failure> {
    let (first, second) = (golden_of(a, config)?, golden_of(b, config)?);
    match first.first_difference(&second) {
        None if first == second => {
            writeln!(out, "the same in every minute")?;
            Ok(())
        }
        None => Err(Failure::Differs("the minutes are the same, the counts are not".to_owned())),
        Some(minute) => Err(Failure::Differs(format!("first different minute: {minute}"))),
    }
}

/// The outcome in a file of `replay --bless`, or of replaying a tape.
fn golden_of(path: &Path, config: Option<&Path>) -> Result<Golden, Failure> {
    let mut tapes = match Tapes::open(&[PathBuf::from(path)]) {
        Ok(tapes) => tapes,
        Err(error) => {
            return match Golden::read(path) {
                Ok(golden) => Ok(golden),
                Err(_) if path.exists() => Err(Failure::Usage(format!(
                    "{} is neither a file of `replay --bless` nor a tape: {error}",
                    path.display()
                ))),
                Err(failure) => Err(failure),
            };
        }
    };
    let config = configuration(config, tapes.config())?;
    let plan = Plan { batch: 16_384, threads: 1, speed: Speed::Max };
    let mut progress = Progress::over(tapes.bytes());
    let mut outputs = Outputs::new(widths(&config), false);
    let summary = replay(&mut tapes, &config, &plan, &mut outputs, &mut progress)?;
    progress.done();
    Ok(Golden::of(&summary))
}

fn generate(
    text: &str,
    target: Option<&Path>,
    config: Option<&Path>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if text == "help" {
        write!(out, "{}", Spec::help())?;
        return Ok(());
    }
    let spec = Spec::parse(text).map_err(Failure::usage)?;
    let target = target
        .ok_or_else(|| Failure::Usage("--out is missing: name the tape to make".to_owned()))?;
    let mut tape = NewTape::create(target)?;
    let mut market = Market::new(spec);
    let mut header = market.header().clone();
    if let Some(config) = config {
        header.config = Config::read(config)?.for_tapes();
    }
    tape.begin(&header, segment_of(&header)).map_err(Failure::failed)?;
    for entry in market.by_ref() {
        tape.write(&Entry { received: entry.received, body: entry.body })
            .map_err(Failure::failed)?;
    }
    let bytes = tape.finish()?;
    writeln!(out, "{}", market.counts())?;
    writeln!(out, "{} written: {}", target.display(), size(bytes))?;
    Ok(())
}
