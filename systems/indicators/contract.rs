//! What every indicator in the catalog must do; the catalog runs this over all of them.

use crate::candle::Candle;
use crate::indicator::{Bar, Past, Units};
use crate::indicators::subject::{AnyIndicator, AnyTrack, Subject};
use crate::indicators::testing::{Random, Series, minute};
use crate::limits::CHECKPOINT_EVERY;
use crate::ring::{Ring, Touched};
use crate::track::{OUTPUTS_MAX, Value, Values};

/// How deep the corrections go: over several checkpoints.
const DEPTH: usize = 3 * CHECKPOINT_EVERY;

type Out = [Option<f64>; OUTPUTS_MAX];

fn bits(values: &[Value]) -> Vec<(Option<u64>, bool)> {
    values.iter().map(|value| (value.number.map(f64::to_bits), value.converged)).collect()
}

/// A row under test: its ring is as short as it may be, its history is kept beside it.
struct Bench<'a> {
    subject: &'a Subject,
    settings: Vec<Vec<f64>>,
    series: Series,
    ring: Ring,
    track: Box<dyn AnyTrack>,
    /// The latest values of every candle, all outputs of all instances.
    values: Vec<Vec<Value>>,
}

impl<'a> Bench<'a> {
    fn new(subject: &'a Subject, series: Series) -> Self {
        let settings = subject.settings();
        let reach = settings.iter().map(|params| (subject.reach)(params)).max().unwrap();
        // A correction restores the checkpoint before it, and folding from there looks back.
        let ring = Ring::new(DEPTH + CHECKPOINT_EVERY + reach, minute());
        let track = Self::track(subject, &settings, series.units, ring.capacity());
        Self {
            subject,
            settings,
            series: Series { candles: Vec::new(), ..series },
            ring,
            track,
            values: Vec::new(),
        }
    }

    fn track(
        subject: &Subject,
        settings: &[Vec<f64>],
        units: Units,
        capacity: usize,
    ) -> Box<dyn AnyTrack> {
        let mut track = (subject.track)();
        for (index, params) in settings.iter().enumerate() {
            track.add(params, units, index * subject.width, capacity);
        }
        track
    }

    fn push(&mut self, candle: Candle) {
        self.ring.push(&candle);
        self.series.candles.push(candle);
    }

    fn set(&mut self, position: usize, candle: Candle) {
        self.ring.set(position as u64, &candle);
        self.series.candles[position] = candle;
    }

    fn insert(&mut self, position: usize, candle: Candle) {
        self.ring.insert(position as u64, &candle, Touched::New);
        self.series.candles.insert(position, candle);
    }

    fn fold(&mut self, from: usize) {
        let mut values = Values::new(self.settings.len() * self.subject.width);
        self.track.fold(&self.ring, self.series.units, from as u64, &mut values);
        self.values.truncate(from);
        for place in 0..self.series.candles.len() - from {
            self.values.push(values.at(place).to_vec());
        }
    }

    /// All values of a run that had the present candles from the start.
    fn straight(&self) -> Vec<Vec<Value>> {
        let mut straight = Self::new(self.subject, self.series.clone());
        straight.ring = Ring::new(self.series.candles.len(), minute());
        let units = self.series.units;
        straight.track = Self::track(self.subject, &self.settings, units, straight.ring.capacity());
        self.series.candles.iter().for_each(|&candle| straight.push(candle));
        straight.fold(0);
        straight.values
    }
}

/// Candles are replaced and inserted at random depths while the series grows; after each fold,
/// every value is bit-equal to a run that had the corrected candles from the start.
pub(crate) fn corrections_reach_every_later_value(subject: &Subject) {
    for seed in 0..3 {
        let mut random = Random(seed);
        let source = Series::random(100 + seed, 260);
        let other = Series::random(200 + seed, 520);
        let mut bench = Bench::new(subject, source.clone());
        let mut minutes = source.candles.iter().enumerate();
        while bench.series.candles.len() < 380 {
            let clean = bench.series.candles.len();
            for (index, candle) in minutes.by_ref().take(1 + random.below(3) as usize) {
                // Every other minute is left free for a candle to be inserted.
                let open_time = candle.open_time.plus(index as u64 * minute().ns());
                bench.push(Candle { open_time, ..*candle });
            }
            let from = match random.below(3) {
                0 => correct(&mut bench, &mut random, &other).min(clean),
                _ => clean,
            };
            if from == bench.series.candles.len() {
                break;
            }
            bench.fold(from);
            if from < clean {
                for (row, (got, want)) in bench.values.iter().zip(bench.straight()).enumerate() {
                    assert_eq!(bits(got), bits(&want), "seed {seed}, corrected {from}, row {row}");
                }
            }
        }
        let straight = bench.straight();
        for (row, (got, want)) in bench.values.iter().zip(straight).enumerate() {
            assert_eq!(bits(got), bits(&want), "seed {seed}, at the end, row {row}");
        }
    }
}

/// Replaces a candle at a random depth, or inserts one before it; says where.
fn correct(bench: &mut Bench<'_>, random: &mut Random, other: &Series) -> usize {
    let len = bench.series.candles.len();
    let position = len - 1 - random.below(len.min(DEPTH) as u64) as usize;
    let numbers = other.candles[random.below(other.candles.len() as u64) as usize];
    let open_time = bench.series.candles[position].open_time;
    let earlier = open_time.minus(minute().ns());
    let free = position == 0 || bench.series.candles[position - 1].open_time < earlier;
    if free && random.below(2) == 0 {
        bench.insert(position, Candle { open_time: earlier, ..numbers });
    } else {
        bench.set(position, Candle { open_time, ..numbers });
    }
    position
}

/// One instance folded by hand over a ring that holds the whole series.
struct Folding {
    indicator: Box<dyn AnyIndicator>,
    width: usize,
    ring: Ring,
    series: Series,
}

impl Folding {
    fn new(subject: &Subject, series: &Series, params: &[f64]) -> Self {
        let mut ring = Ring::new(series.candles.len(), minute());
        series.candles.iter().for_each(|candle| ring.push(candle));
        let mut indicator = (subject.instance)(params, series.units);
        indicator.allow_rewind(ring.capacity());
        Self { indicator, width: subject.width, ring, series: series.clone() }
    }

    fn update(&mut self, position: usize) -> Out {
        let mut out = Out::default();
        let bar = Bar::new(self.series.candles[position], self.series.units);
        let past = Past::before(&self.ring, position as u64);
        self.indicator.update(&bar, &past, &mut out[..self.width]);
        out
    }

    fn update_all(&mut self, positions: core::ops::Range<usize>) {
        for position in positions {
            self.update(position);
        }
    }

    fn peek(&self, position: usize, candle: Candle) -> Out {
        let mut out = Out::default();
        let bar = Bar::new(candle, self.series.units);
        let past = Past::before(&self.ring, position as u64);
        self.indicator.peek(&bar, &past, &mut out[..self.width]);
        out
    }
}

fn out_bits(out: Out) -> [Option<u64>; OUTPUTS_MAX] {
    out.map(|number| number.map(f64::to_bits))
}

/// Whoever takes over a saved state continues as its owner does: an instance that had gone on, and
/// a fresh one.
pub(crate) fn a_restored_state_continues_alike(subject: &Subject) {
    let series = Series::random(31, 300);
    for params in subject.settings() {
        for restart in [0, 1, 13, 64, 150, 260] {
            let mut owner = Folding::new(subject, &series, &params);
            owner.update_all(0..restart);
            let mut ahead = Folding::new(subject, &series, &params);
            ahead.update_all(0..restart + 40);
            let mut heirs = vec![ahead];
            if subject.saves_itself {
                heirs.push(Folding::new(subject, &series, &params));
            }
            let saved = owner.indicator.save();
            for heir in &mut heirs {
                heir.indicator.restore(&*saved, &Past::before(&heir.ring, restart as u64));
            }
            for position in restart..300 {
                let want = out_bits(owner.update(position));
                for heir in &mut heirs {
                    let got = out_bits(heir.update(position));
                    assert_eq!(got, want, "{params:?}, {restart}, {position}");
                    assert_eq!(heir.indicator.converged(), owner.indicator.converged());
                }
            }
        }
    }
}

/// Peeking at a candle gives what folding it will give, and leaves no trace.
pub(crate) fn peek_says_what_update_will_say(subject: &Subject) {
    let (series, other) = (Series::random(32, 300), Series::random(33, 300));
    for params in subject.settings() {
        let mut peeked = Folding::new(subject, &series, &params);
        let mut untouched = Folding::new(subject, &series, &params);
        for position in 0..300 {
            let candle = series.candles[position];
            peeked
                .peek(position, Candle { open_time: candle.open_time, ..other.candles[position] });
            let peek = peeked.peek(position, candle);
            let update = peeked.update(position);
            assert_eq!(out_bits(peek), out_bits(update), "{params:?}, {position}");
            assert_eq!(out_bits(update), out_bits(untouched.update(position)));
        }
    }
}

/// Neither NaN nor an infinity leaves an update, whatever the prices; every output gets its turn.
pub(crate) fn every_value_is_finite(subject: &Subject) {
    // Days of ordinary candles for those that compare days, and less of the odd kinds.
    let mut kinds = Series::all_kinds(34, 400).to_vec();
    kinds[0] = Series::random(34, 9_000);
    kinds.push(Series::flat(500, 400));
    kinds.push(quiet(400));
    kinds.push(Series::of_closes(&[&[1; 100][..], &[1 << 31; 150], &[1; 150]].concat()));
    for params in subject.settings() {
        for (kind, series) in kinds.iter().enumerate() {
            let mut folding = Folding::new(subject, series, &params);
            let mut ready = [false; OUTPUTS_MAX];
            for position in 0..series.candles.len() {
                let out = folding.update(position);
                let finite = out.iter().flatten().all(|number| number.is_finite());
                assert!(finite, "{params:?}, kind {kind}, {position}: {out:?}");
                ready.iter_mut().zip(out).for_each(|(ready, number)| *ready |= number.is_some());
            }
            if kind == 0 {
                assert!(ready[..subject.width].iter().all(|&ready| ready), "{params:?}");
            }
        }
    }
}

/// A symbol that never traded.
fn quiet(n: usize) -> Series {
    let mut series = Series::flat(500, n);
    for candle in &mut series.candles {
        *candle = Candle::quiet(candle.open_time, candle.close);
    }
    series
}

/// Defaults are allowed values, and a row has room for the outputs.
pub(crate) fn parameters_and_outputs_are_in_bounds(subject: &Subject) {
    assert!((1..=OUTPUTS_MAX).contains(&subject.width));
    for param in subject.params {
        assert!(param.min <= param.max, "{}", param.name);
        let default = param.default.unwrap_or(param.min);
        assert!(param.min <= default && default <= param.max, "{}", param.name);
        assert!(!param.whole || default.fract() == 0.0, "{}", param.name);
    }
    assert!(!subject.settings().is_empty(), "the defaults pass the check");
    assert!(
        subject.params.is_sorted_by_key(|param| param.default.is_some()),
        "required ones first"
    );
}

/// An indicator that breaks the contract, to see that the contract notices.
mod tests {
    use super::*;
    use crate::indicator::{Indicator, Param};

    #[derive(Clone, Copy)]
    struct Forgetful {
        sum: i64,
    }

    impl Indicator for Forgetful {
        const NAME: &'static str = "forgetful";
        const PARAMS: &'static [Param] = &[];
        const OUTPUTS: &'static [&'static str] = &[""];
        type Saved = i64;

        fn new(_params: &[f64], _units: Units) -> Self {
            Self { sum: 0 }
        }

        fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
            Indicator::peek(self, bar, past, out);
            self.sum += bar.candle.close.0;
        }

        fn peek(&self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
            // Infinite at the start: the sum is zero.
            out[0] = Some(bar.close / self.sum as f64);
        }

        fn converged(&self) -> bool {
            true
        }

        fn save(&self) -> i64 {
            self.sum
        }

        fn restore(&mut self, _saved: &i64, _past: &Past<'_>) {}
    }

    #[test]
    #[should_panic(expected = "corrected")]
    fn a_correction_that_does_not_arrive_is_noticed() {
        corrections_reach_every_later_value(&Subject::of::<Forgetful>());
    }

    #[test]
    #[should_panic(expected = "[], 0, 0")]
    fn a_state_that_does_not_come_back_is_noticed() {
        a_restored_state_continues_alike(&Subject::of::<Forgetful>());
    }

    #[test]
    #[should_panic(expected = "kind 0")]
    fn an_infinite_value_is_noticed() {
        every_value_is_finite(&Subject::of::<Forgetful>());
    }
}
