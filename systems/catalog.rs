//! Every indicator there is, by name: the one list, and how a configured text becomes one.

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::Schedule;

use crate::candle::Ring;
use crate::indicator::{Indicator, Param, Track, Units};
use crate::indicators;

/// One indicator type as the catalog knows it.
pub struct Entry {
    /// The name in configurations.
    pub name: &'static str,
    /// What it takes, in order.
    pub params: &'static [Param],
    /// Suffixes of its output columns.
    pub outputs: &'static [&'static str],
    /// Rules beyond the ranges of single parameters.
    pub check: fn(&[f64]) -> Result<(), &'static str>,
    /// How many candles back it reads.
    pub reach: fn(&[f64]) -> usize,
    /// Adds an instance to a row that has its ring already.
    pub attach: fn(&mut EntityWorldMut<'_>, &[f64], Units, usize),
    /// Adds the systems that run this type.
    pub systems: fn(&mut Schedule),
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
    }
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
    };
}

catalog! {
    bbands::Bbands,
    cci::Cci,
    deviation::Stddev,
    deviation::Zscore,
    donchian::Donchian,
    ema::Ema,
    linreg::LinregSlope,
    mfi::Mfi,
    rolling_vwap::RollingVwap,
    rvol::Rvol,
    sma::Sma,
    stoch::Stoch,
    taker_share::TakerShare,
    trade_rate::TradeAccel,
    trade_rate::TradeRate,
    willr::Willr,
    wma::Wma,
}
