//! Relative volume: compared with the same time of earlier days.

use crate::candle::Candle;
use crate::indicator::{Bar, Indicator, Param, Past, Units};

/// Seconds of a UTC day.
const DAY_SECONDS: u64 = 86_400;

/// `rvol(days)`: volume of this candle over the mean volume of the candles that opened at the
/// same time of the day, the last `days` of them before today. `None` until there is one with
/// volume; converged with all of them.
///
/// A day has `86,400 / interval` slots, and each keeps `days` volumes and a count: 8 x days + 4
/// bytes, which at one minute and 5 days is 63 KB per row. No ring reaches back over days, so
/// rolling back takes the latest candles out again, one by one, by a log of what each replaced
/// (16 bytes per candle of the row's ring).
#[derive(Clone, Debug)]
pub struct Rvol {
    slot_seconds: u64,
    days: usize,
    /// Ring of the last `days` volumes of each slot, in quantity units.
    volumes: Box<[i64]>,
    /// Candles ever seen in each slot.
    seen: Box<[u32]>,
    /// Slot and replaced volume of the candle at each position, as many as can be rolled back.
    log: Box<[(u32, i64)]>,
    /// Candles ever seen.
    end: u64,
    /// Whether the newest candle was compared with all `days`.
    converged: bool,
}

impl Indicator for Rvol {
    const NAME: &'static str = "rvol";
    const PARAMS: &'static [Param] =
        &[Param { name: "days", min: 1.0, max: 60.0, whole: true, default: Some(5.0) }];
    const OUTPUTS: &'static [&'static str] = &[""];
    type Saved = ();

    fn new(params: &[f64], units: Units) -> Self {
        let days = params[0] as usize;
        let slot_seconds = units.seconds as u64;
        let slots = DAY_SECONDS.div_ceil(slot_seconds) as usize;
        Self {
            slot_seconds,
            days,
            volumes: vec![0; slots * days].into_boxed_slice(),
            seen: vec![0; slots].into_boxed_slice(),
            log: Box::new([(0, 0)]),
            end: 0,
            converged: false,
        }
    }

    fn allow_rewind(&mut self, candles: usize) {
        self.log = vec![(0, 0); candles.max(1)].into_boxed_slice();
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        self.peek(bar, past, out);
        let slot = self.slot(&bar.candle);
        self.converged = self.known(slot).len() == self.days;
        let cell = self.cell(slot);
        let replaced = core::mem::replace(&mut self.volumes[cell], bar.candle.volume.0);
        self.seen[slot] += 1;
        let entry = self.entry(self.end);
        self.log[entry] = (slot as u32, replaced);
        self.end += 1;
    }

    fn peek(&self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        let known = self.known(self.slot(&bar.candle));
        let total: i128 = known.iter().map(|&volume| i128::from(volume)).sum();
        if total > 0 {
            out[0] = Some(bar.candle.volume.0 as f64 * known.len() as f64 / total as f64);
        }
    }

    fn converged(&self) -> bool {
        self.converged
    }

    fn save(&self) {}

    fn restore(&mut self, _saved: &(), past: &Past<'_>) {
        debug_assert!(self.end - past.count() <= self.log.len() as u64);
        while self.end > past.count() {
            self.end -= 1;
            let (slot, replaced) = self.log[self.entry(self.end)];
            let slot = slot as usize;
            self.seen[slot] -= 1;
            let cell = self.cell(slot);
            self.volumes[cell] = replaced;
        }
    }
}

impl Rvol {
    /// Which time of the day a candle opened at.
    fn slot(&self, candle: &Candle) -> usize {
        (candle.open_time.seconds() % DAY_SECONDS / self.slot_seconds) as usize
    }

    /// Earlier volumes of a slot, in no particular order.
    fn known(&self, slot: usize) -> &[i64] {
        let start = slot * self.days;
        let filled = self.days.min(self.seen[slot] as usize);
        &self.volumes[start..start + filled]
    }

    /// Where the next volume of a slot goes.
    fn cell(&self, slot: usize) -> usize {
        slot * self.days + self.seen[slot] as usize % self.days
    }

    fn entry(&self, position: u64) -> usize {
        (position % self.log.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{Random, Series, assert_close};
    use crate::interval::Interval;
    use crate::ring::Ring;
    use crate::track::{Track, Values};
    use crate::units::Nanos;

    /// Candles of `seconds` with some left out, over many days.
    fn days_of(seconds: u32, n: usize) -> Series {
        let mut series = Series::random(29, n);
        let mut random = Random(30);
        let mut open_seconds = 1_767_477_600 / u64::from(seconds) * u64::from(seconds);
        for candle in &mut series.candles {
            candle.open_time = Nanos::from_seconds(open_seconds);
            open_seconds += u64::from(seconds) * (1 + u64::from(random.below(10) == 0));
        }
        series.units.seconds = f64::from(seconds);
        series
    }

    /// Looks at all earlier candles for those of the same slot.
    fn naive(candles: &[Candle], seconds: u64, days: usize, at: usize) -> Option<f64> {
        let slot = |candle: &Candle| candle.open_time.seconds() % 86_400 / seconds;
        let same = candles[..at].iter().rev().filter(|earlier| slot(earlier) == slot(&candles[at]));
        let volumes: Vec<f64> = same.take(days).map(|candle| candle.volume.0 as f64).collect();
        let mean = volumes.iter().sum::<f64>() / volumes.len() as f64;
        (mean > 0.0).then(|| candles[at].volume.0 as f64 / mean)
    }

    #[test]
    fn compares_with_the_same_time_of_earlier_days() {
        for seconds in [3_600, 5_000, 21_600, 86_400] {
            let series = days_of(seconds, 600);
            for days in [1, 5, 20] {
                let want: Vec<_> =
                    (0..600).map(|at| naive(&series.candles, seconds.into(), days, at)).collect();
                assert_close(&series.columns::<Rvol>(&[days as f64])[0], &want, 0.0);
            }
        }
    }

    #[test]
    fn is_one_for_equal_volumes_from_the_second_day_on() {
        let mut series = Series::flat(5, 12);
        for (hours, candle) in (0..).zip(&mut series.candles) {
            candle.open_time = Nanos::from_seconds(86_400 * 20_000 + 6 * 3_600 * hours);
        }
        series.units.seconds = 21_600.0;
        let values = &series.values::<Rvol>(&[2.0])[0];
        assert!(values[..4].iter().all(|value| value.number.is_none()), "the first day");
        assert!(values[4..].iter().all(|value| value.number == Some(1.0)));
        assert!(values[..8].iter().all(|value| !value.converged), "one of two days");
        assert!(values[8..].iter().all(|value| value.converged));
    }

    #[test]
    fn rolled_back_to_any_depth_it_is_what_it_would_have_been() {
        const CAPACITY: usize = 160;
        let series = days_of(21_600, 900);
        let mut random = Random(31);
        let mut ring = Ring::new(CAPACITY, Interval::new(21_600).unwrap());
        let mut candles: Vec<Candle> = Vec::new();
        let mut track = Track::<Rvol>::new();
        track.add(&[5.0], series.units, 0, CAPACITY);
        let mut values = Values::new(1);
        for candle in &series.candles {
            let mut from = ring.end();
            // A correction as deep as 127 candles refolds from the saved state before it.
            if candles.len() > CAPACITY && random.below(8) == 0 {
                from -= 1 + random.below(127);
                let at = from as usize;
                candles[at].volume.0 = random.below(1_000_000) as i64;
                ring.set(from, &candles[at]);
            }
            candles.push(*candle);
            ring.push(candle);
            track.fold_alone(&ring, series.units, from, &mut values);
            for at in from as usize..candles.len() {
                let want = naive(&candles, 21_600, 5, at);
                assert_close(&[values.at(at - from as usize)[0].number], &[want], 0.0);
            }
        }
    }
}
