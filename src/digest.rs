//! Digests: one hash over everything that left the core, and one per minute of venue time.

use systems::candle::Candle;
use systems::dispatch::{Outbox, Record, Request};
use systems::rule::{Alert, Move};
use xxhash_rust::xxh3::Xxh3;

/// The hash of one minute's outputs, by minute since the epoch.
pub type MinuteDigest = (u64, u64);

/// Hashes outboxes in the order in which pulses made them.
///
/// Covered are candles with marks and revisions, every value bit by bit, differences, requests,
/// alerts with what they rest on, and moves in tables; not covered is anything that depends on how
/// the run was carried out.
#[derive(Clone)]
pub struct Digest {
    whole: Xxh3,
    minute: Xxh3,
    current: Option<u64>,
    minutes: Vec<MinuteDigest>,
    columns: Vec<usize>,
    bytes: Vec<u8>,
}

impl Digest {
    /// A digest for rows with `columns[interval]` columns.
    pub fn new(columns: Vec<usize>) -> Self {
        Self {
            whole: Xxh3::new(),
            minute: Xxh3::new(),
            current: None,
            minutes: Vec::new(),
            columns,
            bytes: Vec::new(),
        }
    }

    /// Takes what one pulse handed out.
    pub fn take(&mut self, outbox: &Outbox) {
        let minute = outbox.at.seconds() / 60;
        if self.current != Some(minute) {
            self.end_minute();
            self.current = Some(minute);
        }
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.extend(outbox.at.0.to_le_bytes());
        for record in &outbox.records {
            self.put_record(&mut bytes, outbox, record);
        }
        for (symbol, interval, difference) in &outbox.differences {
            bytes.extend(symbol.0.to_le_bytes());
            bytes.extend([*interval, difference.cause as u8, u8::from(difference.taken_over)]);
            put_candle(&mut bytes, &difference.ours);
            put_candle(&mut bytes, &difference.venue);
        }
        outbox.requests.iter().for_each(|request| put_request(&mut bytes, request));
        outbox.alerts.iter().for_each(|alert| put_alert(&mut bytes, outbox, alert));
        outbox.moves.iter().for_each(|one| put_move(&mut bytes, one));
        self.whole.update(&bytes);
        self.minute.update(&bytes);
        self.bytes = bytes;
    }

    fn put_record(&self, bytes: &mut Vec<u8>, outbox: &Outbox, record: &Record) {
        bytes.extend(record.symbol.0.to_le_bytes());
        bytes.extend([record.interval, record.change as u8]);
        put_candle(bytes, &record.candle);
        let columns = self.columns[usize::from(record.interval)];
        for value in outbox.values_of(record, columns) {
            bytes.push(u8::from(value.converged) | u8::from(value.number.is_some()) << 1);
            bytes.extend(value.number.unwrap_or_default().to_bits().to_le_bytes());
        }
    }

    fn end_minute(&mut self) {
        if let Some(minute) = self.current.take() {
            self.minutes.push((minute, self.minute.digest()));
            self.minute.reset();
        }
    }

    /// The hash over everything, as 32 hex digits.
    pub fn hex(&self) -> String {
        format!("{:032x}", self.whole.digest128())
    }

    /// The hashes of all minutes in which anything left the core.
    pub fn minutes(mut self) -> Vec<MinuteDigest> {
        self.end_minute();
        self.minutes
    }
}

fn put_candle(bytes: &mut Vec<u8>, candle: &Candle) {
    bytes.extend(candle.open_time.0.to_le_bytes());
    for number in [candle.open.0, candle.high.0, candle.low.0, candle.close.0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(candle.volume.0.to_le_bytes());
    bytes.extend(candle.quote_volume.to_le_bytes());
    bytes.extend(candle.taker_buy_volume.0.to_le_bytes());
    bytes.extend(candle.taker_buy_quote_volume.to_le_bytes());
    bytes.extend(candle.trades.to_le_bytes());
    bytes.extend([candle.revision, candle.mark as u8]);
}

fn put_alert(bytes: &mut Vec<u8>, outbox: &Outbox, alert: &Alert) {
    bytes.extend([alert.kind as u8, alert.interval]);
    bytes.extend(alert.rule.map_or(u32::MAX, u32::from).to_le_bytes());
    bytes.extend(alert.symbol.0.to_le_bytes());
    put_candle(bytes, &alert.candle);
    bytes.extend(alert.entered.0.to_le_bytes());
    bytes.extend([alert.late, alert.provisional, alert.converged].map(u8::from));
    for value in outbox.clauses_of(alert) {
        bytes.push(u8::from(value.is_nan()));
        // What is not known has many forms.
        bytes.extend(if value.is_nan() { 0 } else { value.to_bits() }.to_le_bytes());
    }
    bytes.extend(alert.count.to_le_bytes());
    for held in outbox.held_by(alert) {
        bytes.extend(held.rule.to_le_bytes());
        bytes.extend(held.symbol.0.to_le_bytes());
        bytes.extend(held.open_time.0.to_le_bytes());
    }
}

fn put_move(bytes: &mut Vec<u8>, one: &Move) {
    bytes.extend(one.table.to_le_bytes());
    bytes.extend(one.symbol.0.to_le_bytes());
    for place in [one.from, one.to] {
        bytes.extend(place.unwrap_or(0).to_le_bytes());
    }
    let unknown = one.score.is_nan();
    bytes.extend([u8::from(unknown), u8::from(one.late)]);
    bytes.extend(if unknown { 0 } else { one.score.to_bits() }.to_le_bytes());
    bytes.extend(one.open_time.0.to_le_bytes());
}

fn put_request(bytes: &mut Vec<u8>, request: &Request) {
    match *request {
        Request::Ids { symbol, from_id, to_id } => {
            bytes.push(0);
            bytes.extend(symbol.0.to_le_bytes());
            bytes.extend(from_id.to_le_bytes());
            bytes.extend(to_id.to_le_bytes());
        }
        Request::Candles { symbol, interval, from, to } => {
            bytes.extend([1, interval]);
            bytes.extend(symbol.0.to_le_bytes());
            bytes.extend(from.0.to_le_bytes());
            bytes.extend(to.0.to_le_bytes());
        }
    }
}
