//! From the configuration as written to the settings that the core takes.

use systems::catalog::Spec;
use systems::rule::Rules;
use systems::settings::{IndicatorSetting, Scope, Settings, Winner};
use systems::units::Nanos;

use crate::config::{self, Config};
use crate::rules::Set;

/// The core's settings for a configuration.
pub fn settings(config: &Config) -> Settings {
    let set = rule_set(config);
    let mut indicators = Vec::new();
    for (index, specs) in all_indicators(config, &set).into_iter().enumerate() {
        for spec in specs {
            let entry = spec.entry();
            let mut params = spec.params().to_vec();
            if ["vwap", "session"].contains(&entry.name) && params == [0.0] {
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
        rules: Rules {
            session_ns: u64::from(config.session_seconds) * Nanos::PER_SECOND,
            ..set.core
        },
    }
}

/// The compiled rules of a configuration.
pub fn rule_set(config: &Config) -> Set {
    config.rule_set().expect("rules are checked when a configuration is read")
}

/// The indicators of each interval: those that were configured, and those that only rules name.
fn all_indicators(config: &Config, set: &Set) -> Vec<Vec<Spec>> {
    let named = set.named.iter().cloned().chain(std::iter::repeat(Vec::new()));
    let intervals = config.intervals.iter().zip(named);
    intervals.map(|(per, named)| [per.indicators.clone(), named].concat()).collect()
}

/// How many columns each interval has.
pub fn widths(config: &Config) -> Vec<usize> {
    columns(config).iter().map(Vec::len).collect()
}

/// The column names of each interval, in the order of values.
pub fn columns(config: &Config) -> Vec<Vec<String>> {
    let all = all_indicators(config, &rule_set(config));
    all.iter().map(|specs| specs.iter().flat_map(Spec::columns).collect()).collect()
}
