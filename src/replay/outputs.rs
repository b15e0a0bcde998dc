//! What a replay keeps of what comes out: the digest always, candles and values if asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use systems::candle::{Candle, Mark};
use systems::dispatch::{Change, Outbox, Record};
use systems::interval::Interval;
use systems::rule::{Alert, Held, Move};
use systems::symbol::SymbolSpec;
use systems::track::Value;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::drift::{Drift, DriftReport};
use crate::digest::{Digest, MinuteDigest};
use crate::symbols::Symbols;

/// The last that was said about one candle: the candle and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    /// The candle in its last revision; without prices if `absent`.
    pub candle: Candle,
    /// One per column.
    pub values: Vec<Value>,
    /// Whether prints are missing and there is none at all.
    pub absent: bool,
}

/// Every closed candle in its last revision, by symbol, interval and open time.
pub type Candles = BTreeMap<(SymbolId, u8, Nanos), Latest>;

/// An alert with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The alert.
    pub alert: Alert,
    /// Values of its clauses; NaN is not known.
    pub clauses: Vec<f64>,
    /// Of a digest: what was held.
    pub held: Vec<Held>,
}

/// Leaves the newest, once there are more than twice as many as are kept.
fn keep_newest<T>(all: &mut Vec<T>, kept: usize, what: &str) {
    if all.len() / 2 > kept {
        let oldest = all.len() - kept;
        log::warn!("the oldest {oldest} of {} {what} are not handed on", all.len());
        all.drain(..oldest);
    }
}

/// Something that is told as it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A rule speaks.
    Alert(Told),
    /// A symbol has another place in a table.
    Move(Move),
}

impl Said {
    /// The venue's time of the pulse that said it.
    pub fn at(&self) -> Nanos {
        match self {
            Self::Alert(told) => told.alert.at,
            Self::Move(one) => one.at,
        }
    }
}

/// Collects what leaves the engine.
pub struct Outputs {
    columns: Vec<usize>,
    digest: Digest,
    /// Kept only if asked for: a day of many symbols is a lot of memory.
    candles: Option<Candles>,
    /// Last mark of every candle would need them all; these are counts of what was said.
    marks: BTreeMap<(u8, Mark), i64>,
    /// Stretches reported without a candle that have none yet.
    absent: BTreeSet<(SymbolId, u8, Nanos)>,
    closed: u64,
    corrected: u64,
    differences: u64,
    drift: Drift,
    alerts: u64,
    moves: u64,
    /// Kept only if asked for.
    told: Option<Vec<Told>>,
    /// Kept with the alerts.
    moved: Vec<Move>,
    /// So many of them at least, the newest; no more than twice as many.
    told_kept: usize,
}

impl Outputs {
    /// Outputs of rows with `columns[interval]` columns, keeping candles if `keep_candles`.
    pub fn new(columns: Vec<usize>, keep_candles: bool) -> Self {
        Self {
            digest: Digest::new(columns.clone()),
            columns,
            candles: keep_candles.then(Candles::new),
            marks: BTreeMap::new(),
            absent: BTreeSet::new(),
            closed: 0,
            corrected: 0,
            differences: 0,
            drift: Drift::default(),
            alerts: 0,
            moves: 0,
            told: None,
            moved: Vec::new(),
            told_kept: usize::MAX,
        }
    }

    /// The same, keeping alerts and moves in tables.
    pub fn keeping_alerts(self) -> Self {
        Self { told: Some(Vec::new()), ..self }
    }

    /// The same, keeping about so many of the newest.
    pub fn keeping_newest_alerts(self, count: usize) -> Self {
        Self { told_kept: count, ..self.keeping_alerts() }
    }

    /// Takes what one pulse handed out.
    pub fn take(&mut self, outbox: &Outbox) {
        self.digest.take(outbox);
        self.differences += outbox.differences.len() as u64;
        self.drift.take(outbox);
        self.alerts += outbox.alerts.len() as u64;
        self.moves += outbox.moves.len() as u64;
        if let Some(told) = &mut self.told {
            self.moved.extend_from_slice(&outbox.moves);
            told.extend(outbox.alerts.iter().map(|alert| Told {
                alert: *alert,
                clauses: outbox.clauses_of(alert).to_vec(),
                held: outbox.held_by(alert).to_vec(),
            }));
            keep_newest(told, self.told_kept, "alerts");
            keep_newest(&mut self.moved, self.told_kept, "moves in tables");
        }
        for record in &outbox.records {
            self.count(record);
            self.keep(outbox, record);
        }
    }

    fn count(&mut self, record: &Record) {
        let key = (record.symbol, record.interval, record.candle.open_time);
        let closes = match record.change {
            Change::Closed => true,
            // Where there was none, a correction is a candle's first appearance.
            Change::Corrected => self.absent.contains(&key),
            Change::Absent => {
                self.absent.insert(key);
                return;
            }
            Change::Revalued | Change::Marked => return,
        };
        if closes {
            self.absent.remove(&key);
            self.closed += 1;
            *self.marks.entry((record.interval, record.candle.mark)).or_default() += 1;
        } else {
            self.corrected += 1;
        }
    }

    fn keep(&mut self, outbox: &Outbox, record: &Record) {
        let Some(candles) = &mut self.candles else { return };
        let key = (record.symbol, record.interval, record.candle.open_time);
        let values = outbox.values_of(record, self.columns[usize::from(record.interval)]);
        if record.change == Change::Marked
            && let Some(known) = candles.get_mut(&key)
        {
            known.candle = record.candle;
            return;
        }
        let (candle, values) = (record.candle, values.to_vec());
        let absent = record.change == Change::Absent;
        candles.insert(key, Latest { candle, values, absent });
    }

    /// Distinct candles closed so far, those inserted later where there was none among them.
    pub fn closed(&self) -> u64 {
        self.closed
    }

    /// Candles whose numbers changed after they had closed.
    pub fn corrected(&self) -> u64 {
        self.corrected
    }

    /// Comparisons with the venue's candles that found a difference.
    pub fn differences(&self) -> u64 {
        self.differences
    }

    /// What is told of them.
    pub fn drift(&self, symbols: &Symbols) -> DriftReport {
        self.drift.report(symbols)
    }

    /// Alerts, withdrawals and digests.
    pub fn alerts(&self) -> u64 {
        self.alerts
    }

    /// The alerts, if they were kept.
    pub fn told(&self) -> &[Told] {
        self.told.as_deref().unwrap_or_default()
    }

    /// The alerts and the moves in tables, if they were kept, in the order of time; of one pulse
    /// the alerts come first.
    pub fn said(&self) -> impl Iterator<Item = Said> + '_ {
        let (mut told, mut moved) = (self.told().iter().peekable(), self.moved.iter().peekable());
        std::iter::from_fn(move || {
            let next = told.peek().map(|told| told.alert.at);
            match moved.next_if(|one| next.is_none_or(|at| one.at < at)) {
                Some(one) => Some(Said::Move(*one)),
                None => told.next().cloned().map(Said::Alert),
            }
        })
    }

    /// Takes out what was said since the last call.
    pub fn take_said(&mut self) -> Vec<Said> {
        let said = self.said().collect();
        self.told.iter_mut().for_each(Vec::clear);
        self.moved.clear();
        said
    }

    /// Symbols that came into tables, left them or changed places.
    pub fn moves(&self) -> u64 {
        self.moves
    }

    /// Candles by interval and by the mark with which they closed.
    pub fn marks(&self) -> impl Iterator<Item = (u8, Mark, u64)> + '_ {
        self.marks.iter().map(|((interval, mark), count)| (*interval, *mark, *count as u64))
    }

    /// The digest over everything so far, as hex.
    pub fn digest(&self) -> String {
        self.digest.hex()
    }

    /// The digests by minute.
    pub fn minutes(&self) -> Vec<MinuteDigest> {
        self.digest.clone().minutes()
    }

    /// The candles, if they were kept.
    pub fn candles(&self) -> Option<&Candles> {
        self.candles.as_ref()
    }
}

/// Columns of the candle file before those of the indicators.
const COLUMNS: [&str; 14] = [
    "symbol",
    "interval",
    "open_time_ms",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "revision",
    "mark",
];

/// Writes candles as CSV, sorted by symbol name, interval and open time.
///
/// `columns[interval]` names the values of an interval; the file has the union of all names, and
/// a cell is empty while a value is not ready or where the interval does not have the indicator.
///
/// # Errors
/// Whatever `out` says.
pub fn write_csv(
    out: &mut dyn Write,
    candles: &Candles,
    symbols: &Symbols,
    intervals: &[Interval],
    columns: &[Vec<String>],
) -> io::Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for name in columns.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let header: Vec<_> = COLUMNS.iter().chain(&names).copied().collect();
    writeln!(out, "{}", header.join(","))?;
    let mut by_name: Vec<_> = (0..symbols.specs().len() as u16).map(SymbolId).collect();
    by_name.sort_by(|a, b| symbols.spec(*a).name.cmp(&symbols.spec(*b).name));
    for symbol in by_name {
        let spec = symbols.spec(symbol);
        let rows = (symbol, 0, Nanos(0))..=(symbol, u8::MAX, Nanos(u64::MAX));
        for ((_, interval, _), latest) in candles.range(rows) {
            let place = usize::from(*interval);
            write_row(out, spec, &intervals[place], latest)?;
            for name in &names {
                let column = columns[place].iter().position(|own| own == name);
                let value = column.and_then(|column| latest.values.get(column));
                match value.and_then(|value| value.number) {
                    Some(number) => write!(out, ",{number}")?,
                    None => write!(out, ",")?,
                }
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn write_row(
    out: &mut dyn Write,
    spec: &SymbolSpec,
    interval: &Interval,
    latest: &Latest,
) -> io::Result<()> {
    let candle = &latest.candle;
    write!(out, "{},{interval},{}", csv_name(&spec.name), candle.open_time.ms())?;
    for price in [candle.open, candle.high, candle.low, candle.close] {
        match latest.absent {
            true => write!(out, ",")?,
            false => write!(out, ",{}", spec.price.format(price.0.into()))?,
        }
    }
    let quote = |value: u128| spec.quote().format(value as i128);
    write!(
        out,
        ",{},{},{},{},{},{},{}",
        spec.quantity.format(candle.volume.0.into()),
        quote(candle.quote_volume),
        candle.trades,
        spec.quantity.format(candle.taker_buy_volume.0.into()),
        quote(candle.taker_buy_quote_volume),
        candle.revision,
        candle.mark.name(),
    )
}

/// A symbol's name as a CSV cell.
fn csv_name(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}
