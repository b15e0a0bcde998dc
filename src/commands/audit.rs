//! `tapescan audit`: a tape's candles against the venue's own.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;
use systems::candle::{Candle, Mark, VenueCandle};
use systems::interval::Interval;
use systems::reconcile::{Cause, delta, explain, opposite};
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::{Nanos, Price, Quantity, Scale};

use super::table::{count, table};
use super::{Failure, configuration};
use crate::cli::AuditArgs;
use crate::import::{self, Format, Import, Sink, SinkError};
use crate::logging::timestamp;
use crate::progress::Progress;
use crate::replay::{Candles, Outputs, Plan, Speed, Tapes, replay};
use crate::settings::widths;
use crate::tape::entry::{Body, Entry, Header};
use crate::venue::Venue;

pub(super) fn run(args: &AuditArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut tapes = Tapes::open(&args.tapes).map_err(Failure::usage)?;
    let official = official(args, tapes.venue())?;
    let symbol = tapes.symbols().id(&official.spec.name).ok_or_else(|| {
        let (file, name) = (args.klines.display(), &official.spec.name);
        Failure::Usage(format!("{file} is of {name}, which is not on the tape: use --symbol"))
    })?;
    let config = configuration(args.config.as_deref(), tapes.config())?;
    let interval = config.intervals.iter().position(|per| per.interval == official.interval);
    let interval = interval.ok_or_else(|| {
        let (file, interval) = (args.klines.display(), official.interval);
        Failure::Usage(format!("{file} has {interval} candles, which the configuration has not"))
    })?;
    let plan = Plan { batch: 16_384, threads: 1, speed: Speed::Max };
    let mut outputs = Outputs::new(widths(&config), true);
    let mut progress = Progress::over(tapes.bytes());
    replay(&mut tapes, &config, &plan, &mut outputs, &mut progress)?;
    progress.done();
    let none = Candles::new();
    let candles = outputs.candles().unwrap_or(&none);
    let ours = tapes.symbols().spec(symbol).clone();
    let audit = Audit::new(candles, symbol, interval as u8, &ours, &official);
    if args.json {
        writeln!(out, "{}", audit.as_json())?;
    } else {
        audit.print(out, args.worst)?;
    }
    Ok(())
}

/// The venue's candles of one symbol and interval.
struct Official {
    spec: SymbolSpec,
    interval: Interval,
    candles: Vec<Candle>,
}

fn official(args: &AuditArgs, venue: &str) -> Result<Official, Failure> {
    let venue = Venue::parse(venue)
        .ok_or_else(|| Failure::Usage(format!("no official candles are known of {venue:?}")))?;
    let import = Import {
        format: Format::KlinesCsv,
        venue,
        files: vec![args.klines.clone()],
        symbol: args.symbol.clone(),
        interval: None,
        instruments: None,
        keep_all: false,
    };
    let mut sink = Collect::default();
    import::run(&import, &mut sink).map_err(Failure::usage)?;
    let nothing = || Failure::Usage(format!("{}: no candles", args.klines.display()));
    let spec = sink.spec.ok_or_else(nothing)?;
    let interval = sink.interval.ok_or_else(nothing)?;
    Ok(Official { spec, interval, candles: sink.candles })
}

#[derive(Default)]
struct Collect {
    spec: Option<SymbolSpec>,
    interval: Option<Interval>,
    candles: Vec<Candle>,
}

impl Sink for Collect {
    fn header(&mut self, header: &Header) -> Result<(), SinkError> {
        self.spec = header.symbols.first().cloned();
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), SinkError> {
        if let Body::Candle { interval, candle, .. } = entry.body {
            self.interval = Some(interval);
            self.candles.push(candle.candle);
        }
        Ok(())
    }
}

/// Our candle and the venue's, at the same scale, and what comparing them says.
struct Row {
    cause: Cause,
    ours: Candle,
    venue: Candle,
}

/// The outcome of an audit.
struct Audit {
    name: Box<str>,
    interval: Interval,
    /// Whole candles that both have.
    rows: Vec<Row>,
    /// Candles of ours that began or lost prints outside of our sight, by mark.
    not_whole: BTreeMap<Mark, u64>,
    /// Candles of the venue for which the tape has none.
    not_covered: u64,
    price: Scale,
    quantity: Scale,
}

impl Audit {
    fn new(
        candles: &Candles,
        symbol: SymbolId,
        interval: u8,
        ours: &SymbolSpec,
        official: &Official,
    ) -> Self {
        let theirs = &official.spec;
        let (price, quantity) =
            (finer(ours.price, theirs.price), finer(ours.quantity, theirs.quantity));
        let mut audit = Self {
            name: theirs.name.clone(),
            interval: official.interval,
            rows: Vec::new(),
            not_whole: BTreeMap::new(),
            not_covered: 0,
            price,
            quantity,
        };
        for venue in &official.candles {
            let venue = rescaled(venue, theirs, price, quantity);
            let Some(latest) = candles.get(&(symbol, interval, venue.open_time)) else {
                audit.not_covered += 1;
                continue;
            };
            let candle = rescaled(&latest.candle, ours, price, quantity);
            let evidence = VenueCandle { candle: venue, ..VenueCandle::default() };
            let cause = explain(&candle, None, &evidence);
            // A head or a gap that equals the venue's candle turns out to have missed nothing.
            let doubtful = latest.absent || matches!(candle.mark, Mark::HeadPartial | Mark::Gap);
            if doubtful && cause != Cause::Identical {
                *audit.not_whole.entry(candle.mark).or_default() += 1;
                continue;
            }
            audit.rows.push(Row { cause, ours: candle, venue });
        }
        audit.explain_shifts();
        audit
    }

    /// Differences that are equal and opposite in neighbours are one shift across their edge.
    fn explain_shifts(&mut self) {
        for index in 1..self.rows.len() {
            let (before, after) = (&self.rows[index - 1], &self.rows[index]);
            let neighbours = before.ours.open_time.plus(self.interval.ns()) == after.ours.open_time;
            let (one, other) =
                (delta(&before.ours, &before.venue), delta(&after.ours, &after.venue));
            if neighbours && opposite(&one, &other) {
                self.rows[index - 1].cause = Cause::BoundaryShift;
                self.rows[index].cause = Cause::BoundaryShift;
            }
        }
    }

    fn count(&self, cause: Cause) -> u64 {
        self.rows.iter().filter(|row| row.cause == cause).count() as u64
    }

    /// Rows that differ, the largest difference in volume first.
    fn worst(&self) -> Vec<&Row> {
        let mut rows: Vec<_> =
            self.rows.iter().filter(|row| row.cause != Cause::Identical).collect();
        rows.sort_by_key(|row| {
            let apart = delta(&row.ours, &row.venue)[0].unsigned_abs();
            (core::cmp::Reverse(apart), row.ours.open_time)
        });
        rows
    }

    fn fields(&self, row: &Row) -> Vec<(&'static str, String, String)> {
        let quote = Scale::exact(self.price.decimals + self.quantity.decimals);
        let texts = |c: &Candle| {
            [
                ("open", self.price.format(c.open.0.into())),
                ("high", self.price.format(c.high.0.into())),
                ("low", self.price.format(c.low.0.into())),
                ("close", self.price.format(c.close.0.into())),
                ("volume", self.quantity.format(c.volume.0.into())),
                ("quote volume", quote.format(c.quote_volume as i128)),
                ("trades", c.trades.to_string()),
                ("taker buy volume", self.quantity.format(c.taker_buy_volume.0.into())),
                ("taker buy quote volume", quote.format(c.taker_buy_quote_volume as i128)),
            ]
        };
        let pairs = texts(&row.ours).into_iter().zip(texts(&row.venue));
        pairs
            .filter(|((_, ours), (_, venue))| ours != venue)
            .map(|((name, ours), (_, venue))| (name, ours, venue))
            .collect()
    }

    fn print(&self, out: &mut dyn Write, worst: usize) -> io::Result<()> {
        let (whole, identical) = (self.rows.len(), self.count(Cause::Identical));
        writeln!(
            out,
            "{} {}: {identical} of {whole} whole candles are identical to the venue's",
            self.name, self.interval
        )?;
        let causes = Cause::ALL.iter().map(|cause| (cause.name(), self.count(*cause)));
        let marks = self.not_whole.iter().map(|(mark, n)| (mark.name(), *n));
        let rows: Vec<_> = causes
            .filter(|(name, n)| *n > 0 || *name == Cause::Identical.name())
            .map(|(name, n)| vec![name.replace('_', " "), count(n)])
            .chain(marks.map(|(name, n)| vec![format!("not whole: {name}"), count(n)]))
            .chain(
                (self.not_covered > 0)
                    .then(|| vec!["not on the tape".to_owned(), count(self.not_covered)]),
            )
            .collect();
        table(out, "  ", &rows)?;
        for row in self.worst().into_iter().take(worst) {
            writeln!(out, "\n{}  {}", timestamp(row.ours.open_time), row.cause.name())?;
            let header = ["", "ours", "venue"].map(str::to_owned).to_vec();
            let fields = self
                .fields(row)
                .into_iter()
                .map(|(name, ours, venue)| vec![name.to_owned(), ours, venue]);
            table(out, "  ", &std::iter::once(header).chain(fields).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn as_json(&self) -> serde_json::Value {
        let causes = Cause::ALL.iter().map(|cause| (cause.name(), self.count(*cause)));
        let marks = self.not_whole.iter().map(|(mark, n)| (mark.name(), *n));
        let worst = self.worst().into_iter().map(|row| {
            let fields = self
                .fields(row)
                .into_iter()
                .map(|(name, ours, venue)| json!({ "field": name, "ours": ours, "venue": venue }));
            json!({
                "open_time_ms": row.ours.open_time.ms(),
                "cause": row.cause.name(),
                "fields": fields.collect::<Vec<_>>(),
            })
        });
        json!({
            "symbol": self.name,
            "interval": self.interval.to_string(),
            "whole": self.rows.len(),
            "causes": causes.collect::<BTreeMap<_, _>>(),
            "not_whole": marks.collect::<BTreeMap<_, _>>(),
            "not_covered": self.not_covered,
            "differences": worst.collect::<Vec<_>>(),
        })
    }
}

/// The scale with more decimals.
fn finer(one: Scale, other: Scale) -> Scale {
    if one.decimals >= other.decimals { one } else { other }
}

/// The same candle in finer units.
fn rescaled(candle: &Candle, from: &SymbolSpec, price: Scale, quantity: Scale) -> Candle {
    let price_factor = (price.unit() / from.price.unit()) as i64;
    let quantity_factor = (quantity.unit() / from.quantity.unit()) as i64;
    let quote_factor = (price_factor * quantity_factor) as u128;
    let scaled_price = |price: Price| Price(price.0 * price_factor);
    let scaled_quantity = |quantity: Quantity| Quantity(quantity.0 * quantity_factor);
    Candle {
        open_time: Nanos(candle.open_time.0),
        open: scaled_price(candle.open),
        high: scaled_price(candle.high),
        low: scaled_price(candle.low),
        close: scaled_price(candle.close),
        volume: scaled_quantity(candle.volume),
        quote_volume: candle.quote_volume * quote_factor,
        taker_buy_volume: scaled_quantity(candle.taker_buy_volume),
        taker_buy_quote_volume: candle.taker_buy_quote_volume * quote_factor,
        ..*candle
    }
}
