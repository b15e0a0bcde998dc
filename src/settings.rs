//! From the configuration as written to the settings that the core takes.

use systems::settings::{IndicatorSetting, Scope, Settings, Winner};

use crate::config::{self, Config};

/// The core's settings for a configuration.
pub fn settings(config: &Config) -> Settings {
    let mut indicators = Vec::new();
    for (index, per_interval) in config.intervals.iter().enumerate() {
        for spec in &per_interval.indicators {
            let entry = spec.entry();
            let mut params = spec.params().to_vec();
            if entry.name == "vwap" && params == [0.0] {
                params = vec![f64::from(config.session_seconds / 60)];
            }
            indicators.push(IndicatorSetting { interval: index as u8, entry, params });
        }
    }
    Settings {
        intervals: config.intervals.iter().map(|per| per.interval).collect(),
        lookback: config.intervals.iter().map(|per| per.lookback).collect(),
        indicators,
        grace_ns: config.reconcile.grace_ns,
        winner: match config.reconcile.winner {
            config::Winner::Ours => Winner::Ours,
            config::Winner::Venue => Winner::Venue,
        },
        scope: match config.reconcile.scope {
            config::Scope::Off => Scope::Off,
            config::Scope::Suspect => Scope::Suspect,
            config::Scope::All => Scope::All,
        },
        requests_max: config.reconcile.queue,
    }
}

/// How many columns each interval has.
pub fn widths(config: &Config) -> Vec<usize> {
    (0..config.intervals.len()).map(|interval| columns(config, interval).len()).collect()
}

/// The column names of one interval, in the order of values.
pub fn columns(config: &Config, interval: usize) -> Vec<String> {
    config.intervals[interval].indicators.iter().flat_map(|spec| spec.columns()).collect()
}
