//! Warm-up: the venue's candles for every symbol and interval before live ones take over.

use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::budget::Priority;
use super::plan::{Job, Plan, Wanted};
use crate::symbols::Symbols;
use crate::venue::Venue;

/// What a warm-up asks for and costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WarmUp {
    /// The jobs: symbol by symbol in the order of the list, so that the first ones are whole
    /// soon; of each the short intervals first.
    pub jobs: Vec<Job>,
    /// Requests of all jobs.
    pub requests: u64,
    /// Weight of all jobs. `Budget::eta_ns` tells how long that takes.
    pub weight: u64,
    /// Intervals that the venue has no candles of; they fill as live candles close.
    pub unserved: Vec<Interval>,
}

/// Plans the last candles of every symbol: for each interval, as many as given, up to the candle
/// that is forming at the venue's time `now`. That one begins with live prints and is completed by
/// a job for its head. What closes before prints come, the core finds missing and asks for.
pub fn warm_up(
    venue: Venue,
    symbols: &Symbols,
    intervals: &[(Interval, usize)],
    now: Nanos,
) -> WarmUp {
    let mut plan = WarmUp::default();
    for (index, spec) in symbols.specs().iter().enumerate() {
        plan.add_symbol(venue, (SymbolId(index as u16), &spec.name), intervals, now);
    }
    plan
}

impl WarmUp {
    /// Plans the same for one symbol more.
    pub fn add_symbol(
        &mut self,
        venue: Venue,
        (symbol, name): (SymbolId, &str),
        intervals: &[(Interval, usize)],
        now: Nanos,
    ) {
        for &(interval, candles) in intervals {
            let to = interval.bucket(now);
            let from = to.minus(candles as u64 * interval.ns());
            let wanted = Wanted::Candles { symbol, name: name.into(), interval, from, to };
            self.add(venue, Job { priority: Priority::WarmUp, wanted }, interval);
        }
    }

    fn add(&mut self, venue: Venue, job: Job, interval: Interval) {
        let Ok(planned) = Plan::new(job, venue) else {
            if !self.unserved.contains(&interval) {
                self.unserved.push(interval);
            }
            return;
        };
        self.requests += planned.requests();
        self.weight += planned.requests() * u64::from(planned.weight());
        self.jobs.push(planned.into_job());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::symbol::SymbolSpec;
    use systems::units::Scale;

    fn symbols(names: &[&str]) -> Symbols {
        let spec = |name: &&str| {
            let scale = Scale::exact(2);
            SymbolSpec { name: (*name).into(), price: scale, quantity: scale }
        };
        Symbols::new(names.iter().map(spec).collect()).unwrap()
    }

    #[test]
    fn every_symbol_and_interval_is_asked_for_up_to_the_forming_candle() {
        let interval = |text| Interval::parse(text).unwrap();
        let intervals = [(interval("1m"), 300), (interval("15m"), 2_000), (interval("45m"), 300)];
        let now = Nanos::from_seconds(1_723_161_600 + 8 * 60 + 5);
        let plan = warm_up(Venue::BinanceSpot, &symbols(&["A", "B"]), &intervals, now);
        assert_eq!((plan.jobs.len(), plan.requests, plan.weight), (4, 6, 12));
        assert_eq!(plan.unserved, [interval("45m")]);
        let Wanted::Candles { symbol, from, to, .. } = plan.jobs[2].wanted else { panic!() };
        assert_eq!(symbol, SymbolId(1));
        assert_eq!(to, Nanos::from_seconds(1_723_161_600 + 8 * 60));
        assert_eq!(from, to.minus(300 * 60 * Nanos::PER_SECOND));
        let usdm = warm_up(Venue::BinanceUsdm, &symbols(&["A"]), &intervals[..1], now);
        assert_eq!((usdm.requests, usdm.weight), (1, 2));
    }
}
