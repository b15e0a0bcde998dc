//! What is measured of the session's own values: kinds of entries, and candles that close.

use systems::candle::Mark;
use systems::dispatch::{Change, Outbox, Record};
use systems::interval::Interval;
use systems::units::Nanos;

use super::meter::Meter;
use super::stage::Kind;
use crate::tape::entry::{Body, Entry};
use crate::venue::{Channel, Decoded, What};

/// What an entry was, for the tables.
pub fn kind_of(entry: &Entry<'_>, decoded: Option<&Decoded>) -> Kind {
    match (&entry.body, decoded.map(|decoded| &decoded.what)) {
        (_, Some(What::Trade(_, Channel::Trades))) | (Body::Trade(_), _) => Kind::Trade,
        (_, Some(What::Trade(_, Channel::AggregateTrades))) => Kind::Aggregate,
        (_, Some(What::Candle { .. })) | (Body::Candle { .. }, _) => Kind::Candle,
        (Body::Heartbeat(_), _) => Kind::Heartbeat,
        (Body::Answer { .. }, _) => Kind::Answer,
        _ => Kind::Other,
    }
}

/// Notes that an entry was decoded, which was received then and, if anything says so, was due at
/// `since`.
#[inline]
pub fn note_decoded(
    meter: &mut Meter,
    entry: &Entry<'_>,
    decoded: Option<&Decoded>,
    since: Nanos,
    received: Nanos,
) {
    match entry.body {
        Body::Heartbeat(at) => meter.beat(at, since, received),
        _ => meter.decoded(|| kind_of(entry, decoded), since, received),
    }
}

/// Notes the candles that a pulse handed out as closed. Candles that end together come together.
/// Those that were taken from the venue did not close by time: a warm-up brings hours of them.
pub fn note_closed(outbox: &Outbox, intervals: &[Interval], meter: &mut Meter) {
    let closed = outbox
        .records
        .iter()
        .filter(|record| record.change == Change::Closed && record.candle.mark != Mark::Reconciled);
    let end = |record: &Record| {
        let interval = intervals[usize::from(record.interval)];
        record.candle.open_time.plus(interval.ns())
    };
    let mut alike: Option<(Nanos, u32)> = None;
    for end in closed.map(end) {
        match &mut alike {
            Some((last, count)) if *last == end => *count += 1,
            other => {
                if let Some((end, count)) = other.replace((end, 1)) {
                    meter.closed(end, outbox.at, count);
                }
            }
        }
    }
    if let Some((end, count)) = alike {
        meter.closed(end, outbox.at, count);
    }
}
