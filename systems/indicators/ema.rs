//! Exponential moving average.

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::saved_by_copy;

/// The exponential average itself, shared by every indicator that smooths this way.
///
/// `alpha = 2 / (period + 1)`, seeded by the simple mean of the first `period` inputs, as TA-Lib
/// does (`TA_EMA`).
#[derive(Clone, Copy, Debug)]
pub struct Exponential {
    alpha: f64,
    period: u32,
    seen: u32,
    /// Sum of the inputs while seeding, the average afterwards.
    value: f64,
}

impl Exponential {
    /// An average over `period` inputs.
    pub fn new(period: u32) -> Self {
        Self { alpha: 2.0 / (f64::from(period) + 1.0), period, seen: 0, value: 0.0 }
    }

    /// Takes one input; `None` until `period` inputs were seen.
    #[inline]
    pub fn update(&mut self, input: f64) -> Option<f64> {
        self.seen = self.seen.saturating_add(1);
        if self.seen > self.period {
            self.value += self.alpha * (input - self.value);
            return Some(self.value);
        }
        self.value += input;
        if self.seen < self.period {
            return None;
        }
        self.value /= f64::from(self.period);
        Some(self.value)
    }

    /// Whether the seed's weight has fallen below 1e-6: `ln(1e-6) / ln(1 - 2 / (n + 1))` is less
    /// than seven periods after the seed.
    pub fn converged(&self) -> bool {
        self.seen >= 8 * self.period
    }
}

/// `ema(period)`: exponential moving average of the close. TA-Lib `EMA`.
#[derive(Clone, Copy, Debug)]
pub struct Ema(Exponential);

impl Indicator for Ema {
    const NAME: &'static str = "ema";
    const PARAMS: &'static [Param] = &[Param::period("period", 1, 20)];
    const OUTPUTS: &'static [&'static str] = &[""];

    fn new(params: &[f64], _units: Units) -> Self {
        Self(Exponential::new(params[0] as u32))
    }

    fn update(&mut self, bar: &Bar, _past: &Past<'_>, out: &mut [Option<f64>]) {
        out[0] = self.0.update(bar.close);
    }

    fn converged(&self) -> bool {
        self.0.converged()
    }

    saved_by_copy!();
}
