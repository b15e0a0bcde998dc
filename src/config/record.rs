//! `[record]`: what is recorded, and how long it is kept.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use systems::units::Nanos;

use super::read::{Item, Reader, Section};
use super::{Config, amounts};

/// From a second, which is for trying it out, to a day.
const EVERY_NS: RangeInclusive<u64> = Nanos::PER_SECOND..=Nanos::PER_DAY;
/// A budget must hold some tapes of some blocks each.
const BUDGET: RangeInclusive<u64> = 1 << 20..=1 << 50;
const AGE_NS: RangeInclusive<u64> = 60 * Nanos::PER_SECOND..=3_650 * Nanos::PER_DAY;

pub(super) fn record<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let dir = |item: Item<'_, '_>| match item.text()? {
        "" => Err("expected a folder; leave the key out to record nothing".to_owned()),
        text => Ok(PathBuf::from(text)),
    };
    if let Some(dir) = reader.value(section, "dir", dir) {
        config.record.dir = Some(dir);
    }
    let every = |item| duration(item, &EVERY_NS, "1s to 1d such as \"1h\"");
    if let Some(every_ns) = reader.value(section, "every", every) {
        config.record.every_ns = every_ns;
    }
    let budget = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::bytes(text).filter(|bytes| BUDGET.contains(bytes)).ok_or_else(|| {
            format!("expected a size from 1MiB to 1048576GiB such as \"20GiB\", not {text:?}")
        })
    };
    if let Some(budget) = reader.value(section, "budget", budget) {
        config.record.budget = Some(budget);
    }
    let age = |item| duration(item, &AGE_NS, "1m to 3650d such as \"7d\"");
    if let Some(max_age_ns) = reader.value(section, "max_age", age) {
        config.record.max_age_ns = Some(max_age_ns);
    }
}

fn duration(item: Item<'_, '_>, allowed: &RangeInclusive<u64>, what: &str) -> Result<u64, String> {
    let text = item.text()?;
    amounts::duration_ns(text)
        .filter(|ns| allowed.contains(ns))
        .ok_or_else(|| format!("expected a duration from {what}, not {text:?}"))
}
