//! `tapescan import`.

use std::io::Write;

use systems::interval::Interval;

use super::table::{count, size, table};
use super::{Failure, NewTape};
use crate::cli::{FormatArg, ImportArgs};
use crate::import::{self, Format, Import, ImportError, Report, Sink, SinkError};
use crate::logging::timestamp;
use crate::tape::entry::{Entry, Header};
use crate::venue::Venue;

pub(super) fn run(args: ImportArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let known = || Venue::ALL.map(Venue::name).join(" or ");
    let venue = Venue::parse(&args.venue)
        .ok_or_else(|| Failure::Usage(format!("--venue {}: use {}", args.venue, known())))?;
    let interval = args.interval.as_deref().map(Interval::parse).transpose();
    let interval = interval.map_err(|error| Failure::Usage(format!("--interval: {error}")))?;
    let import = Import {
        format: match args.format {
            FormatArg::BinanceCsv => Format::BinanceCsv,
            FormatArg::KlinesCsv => Format::KlinesCsv,
            FormatArg::Collector => Format::Collector,
            FormatArg::Jsonl => Format::Jsonl,
        },
        venue,
        files: args.files,
        symbol: args.symbol,
        interval,
        instruments: args.instruments,
        keep_all: args.keep_all,
    };
    let mut sink = ToTape(NewTape::create(&args.out)?);
    let report = import::run(&import, &mut sink).map_err(|error| match error {
        ImportError::Sink(error) => Failure::Failed(format!("{}: {error}", args.out.display())),
        // Whatever else is wrong is wrong with the files that were named.
        error => Failure::usage(error),
    })?;
    let bytes = sink.0.finish()?;
    print(out, &report)?;
    writeln!(out, "\n{} written: {}", args.out.display(), size(bytes))?;
    Ok(())
}

/// Writes what an import gives to a new tape.
struct ToTape(NewTape);

impl Sink for ToTape {
    fn header(&mut self, header: &Header) -> Result<(), SinkError> {
        Ok(self.0.begin(header, segment_of(header))?)
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), SinkError> {
        Ok(self.0.write(&entry)?)
    }
}

/// A segment id that the same import gives again: imports are reproducible to the byte.
pub(super) fn segment_of(header: &Header) -> u64 {
    xxhash_rust::xxh3::xxh3_64(format!("{header:?}").as_bytes())
}

fn print(out: &mut dyn Write, report: &Report) -> std::io::Result<()> {
    writeln!(out, "{} lines read", count(report.lines))?;
    let rejected = report.decoded.rejects().filter(|(_, n, _)| *n > 0);
    let rejected: Vec<_> = rejected.map(|(cause, n, _)| (cause.name(), n)).collect();
    let rows: Vec<_> = [
        ("trades", report.trades),
        ("candles", report.candles),
        ("frames kept", report.frames_kept),
        ("frames of no use", report.frames_ignored),
        ("answers kept", report.answers_kept),
        ("answers of no use", report.answers_ignored),
        ("other lines", report.other_lines),
        ("lines that go back in time", report.backwards),
        ("stamped too far ahead", report.astray),
    ]
    .into_iter()
    .chain(rejected)
    .filter(|(_, n)| *n > 0)
    .map(|(name, n)| vec![name.replace('_', " "), count(n)])
    .collect();
    table(out, "  ", &rows)?;
    if let Some((first, last)) = report.received {
        writeln!(out, "received from {} to {}", timestamp(first), timestamp(last))?;
    }
    writeln!(out, "\nsymbols")?;
    let row = |one: &import::ImportedSymbol| {
        let spec = &one.spec;
        vec![
            spec.name.to_string(),
            format!("price {} decimals", spec.price.decimals),
            format!("quantity {} decimals", spec.quantity.decimals),
            one.origin.name().to_owned(),
        ]
    };
    table(out, "  ", &report.symbols.iter().map(row).collect::<Vec<_>>())
}
