//! What every key means: from a document to a `Config`.

use std::path::PathBuf;

use systems::catalog;
use systems::interval::Interval;
use systems::limits::{INTERVALS_MAX, LOOKBACK_MAX};
use systems::units::Nanos;

use super::profile::profile;
use super::read::{Item, Reader, Section};
use super::record::record;
use super::{Config, LOOKBACK, PerInterval, Problem, Published, Scope, Winner};
use super::{amounts, default_indicators, edge, nearest, rules, sinks};
use crate::logging::Levels;

/// Every key, by section.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "intervals",
            "lookback",
            "indicators",
            "session",
            "venue",
            "rest",
            "reconcile",
            "record",
            "log",
            "profile",
            "http",
            "alerts",
            "rules",
            "sinks",
            "tables",
        ],
    ),
    ("venue", &["name", "symbols", "universe", "refresh", "requests", "streams"]),
    ("rest", &["budget", "timeout", "ca"]),
    ("reconcile", &["scope", "grace", "queue", "winner", "stream"]),
    ("record", &["dir", "every", "budget", "max_age"]),
    ("log", &["level", "dir", "max_size", "keep"]),
    ("profile", &["interval", "file", "budget"]),
    ("http", &["listen"]),
    ("alerts", &["budget", "dir"]),
];

/// Longest grace; a candle that waits longer is of no use to a scanner.
const GRACE_MAX_NS: u64 = 60 * Nanos::PER_SECOND;
const QUEUE_MAX: u64 = 65_536;
const KEEP_MAX: u64 = 1_000;
const LOG_SIZE: std::ops::RangeInclusive<u64> = 64 << 10..=16 << 30;

/// Names of [`Scope`] in configurations.
pub(super) const SCOPES: &[(&str, Scope)] =
    &[("suspect", Scope::Suspect), ("all", Scope::All), ("off", Scope::Off)];

/// Names of [`Winner`] in configurations.
pub(super) const WINNERS: &[(&str, Winner)] = &[("ours", Winner::Ours), ("venue", Winner::Venue)];

/// Names of [`Published`] in configurations.
pub(super) const PUBLISHED: &[(&str, Published)] =
    &[("off", Published::Off), ("base", Published::Base), ("all", Published::All)];

/// Reads a whole document.
pub(super) fn config(text: &str) -> Result<Config, Vec<Problem>> {
    let (mut reader, document) = Reader::open(text)?;
    let document = Section::document(document.get_ref());
    let mut config = Config::default();
    reader.check_keys(document, KEYS);
    for (name, fill) in SECTIONS {
        if let Some(section) = reader.section(document, name) {
            reader.check_keys(section, KEYS);
            fill(&mut reader, section, &mut config);
        }
    }
    let session = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::clock_seconds(text)
            .ok_or_else(|| format!("expected a time of day in UTC such as \"08:00\", not {text:?}"))
    };
    if let Some(seconds) = reader.value(document, "session", session) {
        config.session_seconds = seconds;
    }
    if let Some(intervals) = intervals(&mut reader, document) {
        config.intervals = intervals.into_iter().map(with_defaults).collect();
    }
    lookback(&mut reader, document, &mut config.intervals);
    indicators(&mut reader, document, &mut config.intervals);
    rules::rules(&mut reader, document, &mut config);
    sinks::sinks(&mut reader, document, &mut config);
    reader.close(config)
}

/// Reads one section into its part of the configuration.
type Fill = for<'t> fn(&mut Reader<'t>, Section<'_, 't>, &mut Config);

const SECTIONS: &[(&str, Fill)] = &[
    ("venue", edge::venue),
    ("rest", edge::rest),
    ("reconcile", reconcile),
    ("record", record),
    ("log", log),
    ("profile", profile),
    ("http", edge::http),
    ("alerts", rules::alerts),
];

fn with_defaults(interval: Interval) -> PerInterval {
    PerInterval { interval, lookback: LOOKBACK, indicators: default_indicators() }
}

fn reconcile<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let reconcile = &mut config.reconcile;
    if let Some(scope) = reader.value(section, "scope", |item| item.one_of(SCOPES)) {
        reconcile.scope = scope;
    }
    if let Some(winner) = reader.value(section, "winner", |item| item.one_of(WINNERS)) {
        reconcile.winner = winner;
    }
    if let Some(stream) = reader.value(section, "stream", |item| item.one_of(PUBLISHED)) {
        reconcile.stream = stream;
    }
    if let Some(queue) = reader.value(section, "queue", |item| item.whole(1, QUEUE_MAX)) {
        reconcile.queue = queue as usize;
    }
    let grace = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::duration_ns(text).filter(|ns| *ns <= GRACE_MAX_NS).ok_or_else(|| {
            format!("expected a duration from 0s to 1m such as \"500ms\", not {text:?}")
        })
    };
    if let Some(grace_ns) = reader.value(section, "grace", grace) {
        reconcile.grace_ns = grace_ns;
    }
}

fn log<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let level = |item: Item<'_, '_>| Levels::parse(item.text()?).map_err(|error| error.to_string());
    if let Some(level) = reader.value(section, "level", level) {
        config.log.level = level;
    }
    let dir = |item: Item<'_, '_>| match item.text()? {
        "" => Err("expected a folder; leave the key out to log to stderr alone".to_owned()),
        text => Ok(PathBuf::from(text)),
    };
    if let Some(dir) = reader.value(section, "dir", dir) {
        config.log.dir = Some(dir);
    }
    let size = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::bytes(text).filter(|bytes| LOG_SIZE.contains(bytes)).ok_or_else(|| {
            format!("expected a size from 64KiB to 16GiB such as \"64MiB\", not {text:?}")
        })
    };
    if let Some(max_size) = reader.value(section, "max_size", size) {
        config.log.max_size = max_size;
    }
    if let Some(keep) = reader.value(section, "keep", |item| item.whole(1, KEEP_MAX)) {
        config.log.keep = keep as u32;
    }
}

/// The intervals by length; each must be a whole multiple of the shortest.
fn intervals<'t>(reader: &mut Reader<'t>, document: Section<'_, 't>) -> Option<Vec<Interval>> {
    let list = reader.value(document, "intervals", |item| match item.list()? {
        [] => Err("expected at least one interval".to_owned()),
        list if list.len() > INTERVALS_MAX => {
            Err(format!("at most {INTERVALS_MAX} intervals, not {}", list.len()))
        }
        list => Ok(list),
    })?;
    let mut read: Vec<(Interval, usize)> = Vec::new();
    for value in list {
        let element = reader.at(value);
        let interval = element
            .text()
            .and_then(|text| Interval::parse(text).map_err(|error| format!("{text:?}: {error}")));
        match interval {
            Err(message) => reader.note(element.line(), "intervals", message),
            Ok(interval) if read.iter().any(|(other, _)| *other == interval) => {
                let message = format!("{interval} is listed twice");
                reader.note(element.line(), "intervals", message);
            }
            Ok(interval) => read.push((interval, element.line())),
        }
    }
    read.sort_by_key(|(interval, _)| interval.seconds());
    let (base, _) = *read.first()?;
    for &(interval, line) in &read {
        if interval.multiple_of(base).is_none() {
            let message = format!("{interval} is not a whole multiple of the base interval {base}");
            reader.note(line, "intervals", message);
        }
    }
    Some(read.into_iter().map(|(interval, _)| interval).collect())
}

/// One number for all intervals, or a table by interval.
fn lookback<'t>(reader: &mut Reader<'t>, document: Section<'_, 't>, rows: &mut [PerInterval]) {
    let read = |reader: &mut Reader<'t>, item: Item<'_, 't>, key: &str| {
        reader.accept(item.line(), key, item.whole(1, LOOKBACK_MAX as u64))
    };
    by_interval(reader, document, "lookback", rows, read, |row, lookback| {
        row.lookback = lookback as usize;
    });
}

/// One list for all intervals, or a table by interval.
fn indicators<'t>(reader: &mut Reader<'t>, document: Section<'_, 't>, rows: &mut [PerInterval]) {
    by_interval(reader, document, "indicators", rows, indicator_list, |row, indicators| {
        row.indicators = indicators;
    });
}

fn indicator_list<'t>(
    reader: &mut Reader<'t>,
    item: Item<'_, 't>,
    key: &str,
) -> Option<Vec<catalog::Spec>> {
    let list = reader.accept(item.line(), key, item.list())?;
    let mut read: Vec<catalog::Spec> = Vec::with_capacity(list.len());
    for value in list {
        let element = reader.at(value);
        let indicator = element
            .text()
            .and_then(|text| catalog::Spec::parse(text).map_err(|error| error.to_string()))
            .and_then(|spec| match read.contains(&spec) {
                true => Err(format!("{} is listed twice", spec.text())),
                false => Ok(spec),
            });
        read.extend(reader.accept(element.line(), key, indicator));
    }
    Some(read)
}

/// Reads a key that holds one value for all intervals, or a table of values by interval.
fn by_interval<'t, T: Clone>(
    reader: &mut Reader<'t>,
    document: Section<'_, 't>,
    key: &str,
    rows: &mut [PerInterval],
    read: impl Fn(&mut Reader<'t>, Item<'_, 't>, &str) -> Option<T>,
    set: impl Fn(&mut PerInterval, T),
) {
    let Some(item) = reader.item(document, key) else { return };
    let Some(table) = item.table() else {
        if let Some(value) = read(reader, item, key) {
            rows.iter_mut().for_each(|row| set(row, value.clone()));
        }
        return;
    };
    // A mistake among the intervals would only be repeated here.
    let rows_known = !reader.noted("intervals");
    for (name, value) in table {
        let (path, item) = (format!("{key}.{}", name.get_ref()), reader.at(value));
        let interval = Interval::parse(name.get_ref());
        let place = rows.iter().position(|row| Ok(row.interval) == interval);
        if place.is_none() && rows_known {
            reader.note(item.line(), &path, not_configured(name.get_ref(), rows));
        }
        if let (Some(value), Some(place)) = (read(reader, item, &path), place) {
            set(&mut rows[place], value);
        }
    }
}

fn not_configured(name: &str, rows: &[PerInterval]) -> String {
    let names: Vec<String> = rows.iter().map(|row| row.interval.to_string()).collect();
    let hint = nearest(name, names.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    format!("not among the intervals {}{hint}", names.join(", "))
}
