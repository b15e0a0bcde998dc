//! Any indicator behind one interface, for tests over all of them.

use core::any::Any;

use crate::indicator::{Bar, Indicator, Param, Past, Units};
use crate::ring::Ring;
use crate::track::{Track, Values};

/// An indicator whose type is forgotten, so that the contract is compiled once and not per type.
pub(crate) struct Subject {
    pub(crate) params: &'static [Param],
    pub(crate) width: usize,
    pub(crate) check: fn(&[f64]) -> Result<(), &'static str>,
    pub(crate) reach: fn(&[f64]) -> usize,
    pub(crate) instance: fn(&[f64], Units) -> Box<dyn AnyIndicator>,
    pub(crate) track: fn() -> Box<dyn AnyTrack>,
    /// Whether a saved state says all; one saved as nothing can step back but not be handed over.
    pub(crate) saves_itself: bool,
}

pub(crate) trait AnyIndicator {
    fn allow_rewind(&mut self, candles: usize);
    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]);
    fn peek(&self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]);
    fn converged(&self) -> bool;
    fn save(&self) -> Box<dyn Any>;
    fn restore(&mut self, saved: &dyn Any, past: &Past<'_>);
}

impl<I: Indicator> AnyIndicator for I {
    fn allow_rewind(&mut self, candles: usize) {
        Indicator::allow_rewind(self, candles);
    }

    fn update(&mut self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        Indicator::update(self, bar, past, out);
    }

    fn peek(&self, bar: &Bar, past: &Past<'_>, out: &mut [Option<f64>]) {
        Indicator::peek(self, bar, past, out);
    }

    fn converged(&self) -> bool {
        Indicator::converged(self)
    }

    fn save(&self) -> Box<dyn Any> {
        Box::new(Indicator::save(self))
    }

    fn restore(&mut self, saved: &dyn Any, past: &Past<'_>) {
        Indicator::restore(self, saved.downcast_ref().unwrap(), past);
    }
}

pub(crate) trait AnyTrack {
    fn add(&mut self, params: &[f64], units: Units, column: usize, ring_capacity: usize);
    fn fold(&mut self, ring: &Ring, units: Units, from: u64, values: &mut Values);
}

impl<I: Indicator> AnyTrack for Track<I> {
    fn add(&mut self, params: &[f64], units: Units, column: usize, ring_capacity: usize) {
        Track::add(self, params, units, column, ring_capacity);
    }

    fn fold(&mut self, ring: &Ring, units: Units, from: u64, values: &mut Values) {
        Track::fold_alone(self, ring, units, from, values);
    }
}

impl Subject {
    pub(crate) fn of<I: Indicator>() -> Self {
        Self {
            params: I::PARAMS,
            width: I::OUTPUTS.len(),
            check: I::check,
            reach: I::reach,
            instance: |params, units| Box::new(I::new(params, units)),
            track: || Box::new(Track::<I>::new()),
            saves_itself: size_of::<I::Saved>() > 0,
        }
    }

    /// The defaults, and the least of everything: periods of one candle are where edges are.
    pub(crate) fn settings(&self) -> Vec<Vec<f64>> {
        let defaults = self.params.iter().map(|param| param.default.unwrap_or(param.min)).collect();
        let least = self.params.iter().map(|param| param.min).collect();
        let settings: [Vec<f64>; 2] = [defaults, least];
        settings.into_iter().filter(|params| (self.check)(params).is_ok()).collect()
    }
}
