//! What the core is told at start and never changes: valid, decided values only.

use bevy_ecs::resource::Resource;

use crate::catalog::Entry;
use crate::interval::Interval;
use crate::limits::{ADDED_MAX, CHECKPOINT_EVERY};
use crate::rule::Rules;

/// Who wins when a proven candle of ours differs from the venue's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Winner {
    /// Ours stays and is marked disputed.
    #[default]
    Ours,
    /// The venue's numbers are taken over.
    Venue,
}

/// Which closed candles are checked against the venue's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// None.
    Off,
    /// Those that may be wrong: gaps, the head.
    #[default]
    Suspect,
    /// Every one.
    All,
}

/// One configured indicator on one interval.
#[derive(Clone, Debug)]
pub struct IndicatorSetting {
    /// Index into `Settings::intervals`.
    pub interval: u8,
    /// Which type.
    pub entry: &'static Entry,
    /// One checked value per parameter.
    pub params: Vec<f64>,
}

/// Everything the core is told at start.
#[derive(Resource, Clone, Debug)]
pub struct Settings {
    /// Ascending; the first is the base interval and divides all others.
    pub intervals: Vec<Interval>,
    /// Candles kept per interval, as many as there are intervals.
    pub lookback: Vec<usize>,
    /// Every indicator on every interval, in column order.
    pub indicators: Vec<IndicatorSetting>,
    /// How long after its end a candle waits for late prints, in nanoseconds.
    pub grace_ns: u64,
    /// Who wins over a proven candle.
    pub winner: Winner,
    /// Which candles are checked.
    pub scope: Scope,
    /// Requests that may be under way at once.
    pub requests_max: usize,
    /// What is looked for.
    pub rules: Rules,
}

impl Settings {
    /// The base interval.
    pub fn base(&self) -> Interval {
        self.intervals[0]
    }

    /// How many columns the rows of an interval have.
    pub fn columns(&self, interval: usize) -> usize {
        self.on(interval).map(|indicator| indicator.entry.outputs.len()).sum()
    }

    /// The indicators of one interval, in column order.
    pub fn on(&self, interval: usize) -> impl Iterator<Item = &IndicatorSetting> {
        self.indicators.iter().filter(move |setting| usize::from(setting.interval) == interval)
    }

    /// Positions at the old end of an interval's ring that corrections may not touch: indicators
    /// refold from the state saved before a correction and read back as far as their reach, and
    /// longer intervals are folded from whole spans of the base interval.
    pub fn margin(&self, interval: usize) -> usize {
        let reach = self.on(interval).map(|setting| (setting.entry.reach)(&setting.params)).max();
        let spans = self.intervals.iter().filter_map(|longer| longer.multiple_of(self.base()));
        let span = if interval == 0 { spans.max().unwrap_or(1) as usize } else { 0 };
        span.max(CHECKPOINT_EVERY + reach.unwrap_or(0))
    }

    /// Candles that an interval's ring holds: what was asked for, the margin behind it, and what
    /// one pulse may push out.
    pub fn ring_capacity(&self, interval: usize) -> usize {
        self.lookback[interval] + self.margin(interval) + ADDED_MAX
    }
}
