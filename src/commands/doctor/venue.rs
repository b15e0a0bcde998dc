//! What the venue has to say: its symbols, our share of its limits, and its clock.

use systems::units::Nanos;

use super::{Check, Level, count, seconds};
use crate::commands::session::Session;
use crate::link::Plan;
use crate::live::{LiveError, Survey};
use crate::rest::budget::{Budget, Priority};
use crate::rest::limits::IN_FLIGHT_MAX;
use serde_json::{Value, json};

/// What the checks of the machine need to know.
#[derive(Default)]
pub(super) struct Learnt {
    /// Symbols that would be followed.
    pub(super) symbols: usize,
    /// Trades of theirs per day.
    pub(super) trades_per_day: f64,
    pub(super) plan: Option<Plan>,
    /// Names by number.
    names: Vec<Box<str>>,
}

impl Learnt {
    /// The connections of the plan.
    pub(super) fn links(&self) -> Vec<Value> {
        let rows = self.plan.iter().flat_map(Plan::rows);
        let names = |index| {
            let ids = self.plan.iter().flat_map(move |plan| plan.symbols_of(index));
            ids.map(|id| &*self.names[usize::from(id.0)]).collect::<Vec<_>>()
        };
        rows.enumerate()
            .map(|(index, row)| {
                json!({
                    "names": names(index),
                    "symbols": row.symbols,
                    "streams": row.streams,
                    "commands": row.commands,
                    "prints_per_s": row.rate,
                    "subscribe_s": row.subscribe_ns as f64 / 1e9,
                })
            })
            .collect()
    }
}

/// A clock that is off by more is worth a word. Candles do not suffer: the venue's clock counts.
const OFFSET_NS: u64 = 500 * Nanos::PER_MS;

/// An offset known less exactly than this makes candles close early or late.
const UNCERTAINTY_NS: u64 = 250 * Nanos::PER_MS;

/// A warm-up that takes longer is worth a word.
const WARM_UP_NS: u64 = 600 * Nanos::PER_SECOND;

/// Looks at what was learnt from the venue.
pub(super) fn checks(
    session: &Session,
    survey: Result<Survey, LiveError>,
    checks: &mut Vec<Check>,
) -> Learnt {
    let name = session.config.venue.as_str();
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => {
            let advice = match error {
                LiveError::Symbol(_) | LiveError::Symbols(_) => "name others with --symbols",
                LiveError::Tls(_) => "see --ca, and ca in [rest]",
                _ => {
                    "check the network and the address, or try --exchange sim, which needs neither"
                }
            };
            checks.push(Check::ok("venue", format!("{name}: {error}")).but(Level::Problem, advice));
            return Learnt::default();
        }
    };
    let answer_ms = survey.round_trip_ns as f64 / 1e6;
    let trading = count(survey.trading as u64);
    let text = format!("{name} answers within {answer_ms:.1} ms; {trading} symbols trade there");
    checks.push(Check::ok("venue", text).with("answer_ms", answer_ms));
    let learnt = symbols(session, &survey, checks);
    connections(&survey, checks);
    warm_up(session, &survey, checks);
    clock(&survey, session.exchange.is_some(), checks);
    Learnt { plan: survey.plan.ok(), ..learnt }
}

fn symbols(session: &Session, survey: &Survey, checks: &mut Vec<Check>) -> Learnt {
    let symbols = survey.symbols.specs().len();
    let rate: f64 = survey.rates.iter().sum();
    let trades_per_day = rate * 86_400.0;
    let text = format!(
        "{} ({}), which traded {} times in the last 24 h, {rate:.0} a second",
        count(symbols as u64),
        session.options.choice,
        count(trades_per_day as u64)
    );
    let check = Check::ok("symbols", text).with("symbols", symbols).with("trades_per_s", rate);
    checks.push(check);
    let names = survey.symbols.specs().iter().map(|spec| spec.name.clone()).collect();
    Learnt { symbols, trades_per_day, plan: None, names }
}

fn connections(survey: &Survey, checks: &mut Vec<Check>) {
    checks.push(match &survey.plan {
        Ok(plan) => {
            let longest = plan.rows().map(|row| row.subscribe_ns).max().unwrap_or_default();
            let text = format!(
                "{} within all limits of the venue; streams are asked for within {}",
                plan.links(),
                seconds(longest)
            );
            Check::ok("connections", text)
                .with("connections", plan.links())
                .with("subscribe_s", longest as f64 / 1e9)
        }
        Err(error) => {
            let advice = "follow fewer symbols: the venue would cut connections or ban the address";
            Check::ok("connections", error.to_string()).but(Level::Problem, advice)
        }
    });
}

fn warm_up(session: &Session, survey: &Survey, checks: &mut Vec<Check>) {
    let (warm, facts) = (&survey.warm, session.options.venue.rest());
    let mut budget = Budget::new(facts.weight_per_minute, session.config.rest.budget_percent);
    // What was used to learn all this still counts.
    budget.send(survey.rest.used, survey.at);
    let by_weight = budget.eta_ns(warm.weight, Priority::WarmUp, survey.at);
    let by_answers = warm.requests * survey.round_trip_ns / u64::from(IN_FLIGHT_MAX);
    let eta_ns = by_weight.max(by_answers);
    let text = format!(
        "{} requests of weight {}, of which {} of the venue's {} may be used in a minute: at least \
         {}",
        count(warm.requests),
        count(warm.weight),
        count(budget.allowed().into()),
        count(facts.weight_per_minute.into()),
        seconds(eta_ns)
    );
    let check = Check::ok("warm-up", text)
        .with("requests", warm.requests)
        .with("weight", warm.weight)
        .with("weight_allowed", budget.allowed())
        .with("eta_s", eta_ns as f64 / 1e9);
    let advice = "live candles come at once all the same; fewer symbols or intervals, a shorter \
                  lookback, or a larger budget in [rest] make it shorter";
    checks.push(check.but_if(eta_ns > WARM_UP_NS, Level::Warning, advice));
    if !warm.unserved.is_empty() {
        let names: Vec<_> = warm.unserved.iter().map(ToString::to_string).collect();
        let text = format!("the venue has no candles of {}", names.join(", "));
        let advice = "they fill as live candles close, and cannot be compared with the venue's";
        checks.push(Check::ok("warm-up", text).but(Level::Warning, advice));
    }
}

fn clock(survey: &Survey, simulated: bool, checks: &mut Vec<Check>) {
    let Some(offset) = survey.clock.offset(survey.at) else { return };
    let (ms, within_ms) = (offset.ns as f64 / 1e6, offset.uncertainty_ns as f64 / 1e6);
    let side = if offset.ns < 0 { "behind" } else { "ahead of" };
    let text =
        format!("the venue's is {:.1} ms {side} ours, give or take {within_ms:.1}", ms.abs());
    let check = Check::ok("clock", text).with("offset_ms", ms).with("uncertainty_ms", within_ms);
    // What may be is no reason to warn, only what must be.
    let surely = offset.ns.unsigned_abs().saturating_sub(offset.uncertainty_ns);
    checks.push(if simulated {
        // Its clock begins when it is built: nothing to be set right.
        check
    } else if surely > OFFSET_NS {
        let advice = "set this machine's clock (chrony, systemd-timesyncd): candles follow the \
                      venue's, but log times, tape times and certificates follow ours";
        check.but(Level::Warning, advice)
    } else {
        let advice = "answers take long: candles may close early or late by that much; use a \
                      machine nearer to the venue, or a longer grace in [reconcile]";
        check.but_if(offset.uncertainty_ns > UNCERTAINTY_NS, Level::Warning, advice)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::PlanError;
    use crate::link::offset::VenueClock;
    use crate::rest::desk::Snapshot;
    use crate::rest::warm_up::WarmUp;
    use crate::symbols::Symbols;

    fn survey(plan: Result<Plan, PlanError>, offset_ms: u64) -> Survey {
        let (at, mut clock) = (Nanos::from_seconds(1_723_161_600), VenueClock::default());
        let sent = at.minus(10 * Nanos::PER_MS);
        clock.answer(sent, sent.plus(offset_ms * Nanos::PER_MS), at);
        Survey {
            symbols: Symbols::new(vec![]).unwrap(),
            rates: vec![],
            trading: 0,
            plan,
            warm: WarmUp::default(),
            clock,
            at,
            round_trip_ns: 0,
            rest: Snapshot::default(),
        }
    }

    #[test]
    fn a_plan_that_breaks_a_limit_is_a_problem_with_the_way_out() {
        let (mut checks, refused) = (vec![], PlanError::TooManyStreams { per_symbol: 9, max: 5 });
        connections(&survey(Err(refused), 0), &mut checks);
        assert_eq!(checks[0].level, Level::Problem);
        assert!(checks[0].text.contains("9 streams per symbol"), "{}", checks[0].text);
        assert!(checks[0].advice.as_ref().unwrap().contains("fewer symbols"));
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_warning() {
        for (offset_ms, simulated, level) in
            [(100, false, Level::Ok), (2_000, false, Level::Warning), (2_000, true, Level::Ok)]
        {
            let mut checks = vec![];
            let survey = survey(Err(PlanError::NoSymbols), offset_ms);
            clock(&survey, simulated, &mut checks);
            assert_eq!(checks[0].level, level, "{offset_ms} ms: {}", checks[0].text);
        }
    }
}
