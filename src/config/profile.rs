//! `[profile]`: what a live session keeps of its own latency.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use systems::units::Nanos;

use super::read::{Item, Reader, Section};
use super::{Config, amounts};

/// A second is for trying it out; whoever looks less often than hourly needs no histogram.
const INTERVAL_NS: RangeInclusive<u64> = Nanos::PER_SECOND..=3_600 * Nanos::PER_SECOND;
/// It must hold some intervals, each of some tens of kilobytes.
const BUDGET: RangeInclusive<u64> = 1 << 20..=1 << 40;

pub(super) fn profile<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let interval = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::duration_ns(text).filter(|ns| INTERVAL_NS.contains(ns)).ok_or_else(|| {
            format!("expected a duration from 1s to 1h such as \"10s\", not {text:?}")
        })
    };
    if let Some(interval_ns) = reader.value(section, "interval", interval) {
        config.profile.interval_ns = interval_ns;
    }
    let file = |item: Item<'_, '_>| match item.text()? {
        "" => Err("expected a file; leave the key out to write none".to_owned()),
        text => Ok(PathBuf::from(text)),
    };
    if let Some(file) = reader.value(section, "file", file) {
        config.profile.file = Some(file);
    }
    let budget = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::bytes(text).filter(|bytes| BUDGET.contains(bytes)).ok_or_else(|| {
            format!("expected a size from 1MiB to 1024GiB such as \"64MiB\", not {text:?}")
        })
    };
    if let Some(budget) = reader.value(section, "budget", budget) {
        config.profile.budget = budget;
    }
}
