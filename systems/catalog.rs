//! Every indicator there is, by name: the one list, and what it takes to run one.

use core::fmt;

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::Schedule;

use crate::indicator::{Indicator, Param, Units};
use crate::indicators;
use crate::ring::Ring;
use crate::track::{Track, Value, Values};

mod spec;

pub use spec::{Spec, SpecError};

/// One indicator type as the catalog knows it.
pub struct Entry {
    /// The name in configurations.
    pub name: &'static str,
    /// What it takes, in order.
    pub params: &'static [Param],
    /// Its output columns: `""` bears the plain name, `"upper"` is a suffix to it, and `"=plus_di"`
    /// replaces it where an output is known by a name of its own.
    pub outputs: &'static [&'static str],
    /// Rules beyond the ranges of single parameters.
    pub check: fn(&[f64]) -> Result<(), &'static str>,
    /// How many candles back it reads.
    pub reach: fn(&[f64]) -> usize,
    /// Adds an instance to a row that has its ring already.
    pub attach: fn(&mut EntityWorldMut<'_>, &[f64], Units, usize),
    /// Adds the systems that run this type.
    pub systems: fn(&mut Schedule),
    /// Adds the system that looks at candles which are forming.
    pub foresee: fn(&mut Schedule),
    /// What a fresh instance says to all candles of a ring that has dropped none: a column per
    /// output.
    pub over: fn(&Ring, &[f64], Units) -> Vec<Vec<Value>>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// How it is called: `macd(fast = 12, slow = 26, signal = 9)`, `obv`.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (index, param) in self.params.iter().enumerate() {
            f.write_str(if index == 0 { "(" } else { ", " })?;
            f.write_str(param.name)?;
            if let Some(default) = param.default {
                write!(f, " = {default}")?;
            }
        }
        f.write_str(if self.params.is_empty() { "" } else { ")" })
    }
}

const fn entry<I: Indicator>() -> Entry {
    Entry {
        name: I::NAME,
        params: I::PARAMS,
        outputs: I::OUTPUTS,
        check: I::check,
        reach: I::reach,
        attach: attach::<I>,
        systems: crate::schedule::add_indicator::<I>,
        foresee: crate::schedule::add_foresight::<I>,
        over: over::<I>,
    }
}

pub(crate) fn over<I: Indicator>(ring: &Ring, params: &[f64], units: Units) -> Vec<Vec<Value>> {
    debug_assert_eq!(ring.start(), 0);
    let mut track = Track::<I>::new();
    track.add(params, units, 0, ring.capacity());
    let mut values = Values::new(I::OUTPUTS.len());
    track.fold_alone(ring, units, 0, &mut values);
    let mut columns = vec![Vec::new(); I::OUTPUTS.len()];
    for place in 0..ring.end() as usize {
        columns.iter_mut().zip(values.at(place)).for_each(|(column, value)| column.push(*value));
    }
    columns
}

fn attach<I: Indicator>(row: &mut EntityWorldMut<'_>, params: &[f64], units: Units, column: usize) {
    if !row.contains::<Track<I>>() {
        row.insert(Track::<I>::new());
    }
    let capacity = row.get::<Ring>().map_or(0, Ring::capacity);
    if let Some(mut track) = row.get_mut::<Track<I>>() {
        track.add(params, units, column, capacity);
    }
}

/// Makes the list of all indicators, and runs the tests that every indicator must pass over it.
macro_rules! catalog {
    ($($module:ident::$indicator:ident,)*) => {
        /// All indicators, by name.
        pub static CATALOG: &[Entry] = &[$(entry::<indicators::$module::$indicator>()),*];

        #[cfg(test)]
        mod tests {
            use crate::indicators::subject::Subject;
            use crate::indicators::{self, contract};

            // A module per indicator, named after it, so that a failure says which.
            $(#[expect(non_snake_case)]
            mod $indicator {
                use super::*;
                type Tested = indicators::$module::$indicator;

                #[test]
                fn corrections_reach_every_later_value() {
                    contract::corrections_reach_every_later_value(&Subject::of::<Tested>());
                }

                #[test]
                fn a_restored_state_continues_alike() {
                    contract::a_restored_state_continues_alike(&Subject::of::<Tested>());
                }

                #[test]
                fn peek_says_what_update_will_say() {
                    contract::peek_says_what_update_will_say(&Subject::of::<Tested>());
                }

                #[test]
                fn every_value_is_finite() {
                    contract::every_value_is_finite(&Subject::of::<Tested>());
                }

                #[test]
                fn parameters_and_outputs_are_in_bounds() {
                    contract::parameters_and_outputs_are_in_bounds(&Subject::of::<Tested>());
                }
            })*
        }
    };
}

catalog! {
    adx::Adx,
    anchored_vwap::AnchoredVwap,
    atr::Atr,
    bbands::Bbands,
    cci::Cci,
    deviation::Stddev,
    deviation::Zscore,
    donchian::Donchian,
    ema::Ema,
    keltner::Keltner,
    linreg::LinregSlope,
    macd::Macd,
    mfi::Mfi,
    natr::Natr,
    obv::Obv,
    rma::Rma,
    roc::Roc,
    rolling_vwap::RollingVwap,
    rsi::Rsi,
    rvol::Rvol,
    session::Session,
    session_vwap::SessionVwap,
    sma::Sma,
    stoch::Stoch,
    supertrend::Supertrend,
    taker_share::TakerShare,
    trade_rate::TradeAccel,
    trade_rate::TradeRate,
    willr::Willr,
    wma::Wma,
}
