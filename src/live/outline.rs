//! What a session will do, decided before anything is dialled: by `live` to do it, by `doctor` to
//! tell it.

use std::sync::Arc;
use std::time::Duration;

use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::Nanos;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::limits::{REST, SURVEY, SURVEY_FAILURES};
use super::start::{Ends, Market};
use super::universe::{Sieved, sieved};
use super::{Clock, LiveError, Options};
use crate::clock;
use crate::config::{Config, Published, Universe};
use crate::link::offset::VenueClock;
use crate::link::{Plan, PlanError};
use crate::rest::client::Timeouts;
use crate::rest::desk::Snapshot;
use crate::rest::warm_up::WarmUp;
use crate::rest::worker::{Report, Settings, Worker};
use crate::symbols::Symbols;
use crate::venue::link::Streams;
use crate::venue::{Channel, Venue};

/// What follows from the market and the configuration.
pub(super) struct Outline {
    pub(super) plan: Result<Plan, PlanError>,
    pub(super) warm: WarmUp,
    pub(super) clock: VenueClock,
}

/// Shares the symbols out over connections and plans their past.
pub(super) fn outline(options: &Options, config: &Config, market: &Market, now: Nanos) -> Outline {
    let symbols = &market.symbols;
    let ids = (0..symbols.specs().len() as u16).map(SymbolId);
    let chosen: Vec<_> = ids.filter(|id| !market.retired[usize::from(id.0)]).collect();
    let streams = streams(options.venue, config);
    let plan = Plan::new(options.venue, streams, symbols, &chosen, &market.rates);
    let mut clock = VenueClock::default();
    let (sent, stamp, received) = market.time;
    clock.answer(sent, stamp, received);
    let wanted = lookback(config);
    let venue_now = clock.venue_time(now).unwrap_or(stamp);
    let mut warm = WarmUp::default();
    for id in chosen {
        warm.add_symbol(options.venue, (id, &symbols.spec(id).name), &wanted, venue_now);
    }
    Outline { plan, warm, clock }
}

/// What is wanted of every symbol. Intervals that the venue does not have are asked for as far as
/// that is possible, and else go unproven.
pub(super) fn streams(venue: Venue, config: &Config) -> Streams {
    let intervals = config.intervals.iter().map(|per| per.interval);
    let wanted = match config.reconcile.stream {
        Published::Off => 0,
        Published::Base => 1,
        Published::All => config.intervals.len(),
    };
    let candles = intervals.take(wanted).filter(|interval| venue.has_candles(*interval));
    Streams { prints: Channel::AggregateTrades, candles: candles.collect() }
}

/// How many candles of each interval are kept.
pub(super) fn lookback(config: &Config) -> Vec<(Interval, usize)> {
    config.intervals.iter().map(|per| (per.interval, per.lookback)).collect()
}

/// The REST worker at work.
pub(super) struct Asking {
    pub(super) ends: Ends,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    /// Dropping this is how it is told to stop.
    pub(super) stop: oneshot::Sender<()>,
    pub(super) worker: JoinHandle<Report>,
}

impl Asking {
    /// Starts the worker for a session.
    pub(super) fn start(
        options: &Options,
        config: &Config,
        now: &Clock,
        seed: u64,
    ) -> Result<Self, LiveError> {
        let mut told = Settings::new(options.venue, seed);
        told.base = options.requests.clone();
        told.share_percent = config.rest.budget_percent;
        told.timeouts = Timeouts::within(Duration::from_nanos(config.rest.timeout_ns));
        told.speed = options.speed;
        told.extra_ca = config.rest.ca.clone();
        let now = now.clone();
        let worker = Worker::new(&told, move || now())?;
        let snapshots = worker.snapshots();
        let (jobs, taken) = mpsc::channel(REST);
        let (answers, arrivals) = mpsc::channel(REST);
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = tokio::spawn(worker.run(taken, answers, async move {
            let _ = stopped.await;
        }));
        Ok(Self { ends: Ends { jobs, arrivals }, snapshots, stop, worker })
    }

    /// Why nothing is known of the venue, after `limit` or after as many failures as were borne.
    pub(super) fn no_answer(&self, options: &Options, limit: Duration) -> LiveError {
        let base = options.requests.as_deref().unwrap_or(options.venue.rest().base);
        let rest = self.snapshots.borrow();
        LiveError::Start(match &rest.last_failure {
            Some(failure) => {
                format!("no answer from {base} after {} tries: {failure}", rest.failed)
            }
            None => format!("no answer from {base} within {} s", limit.as_secs()),
        })
    }
}

/// What a session would begin with, and do.
#[derive(Debug)]
pub struct Survey {
    /// The chosen symbols.
    pub symbols: Symbols,
    /// Expected prints per second by symbol.
    pub rates: Vec<f64>,
    /// Symbols that trade at the venue.
    pub trading: usize,
    /// Which symbols over which connections, or why that cannot be.
    pub plan: Result<Plan, PlanError>,
    /// What the past of all symbols costs.
    pub warm: WarmUp,
    /// The venue's clock as seen from ours.
    pub clock: VenueClock,
    /// When all of this was learnt.
    pub at: Nanos,
    /// How long the fastest answer took, in nanoseconds.
    pub round_trip_ns: u64,
    /// How the budget of requests stands.
    pub rest: Snapshot,
}

/// Learns what a session would begin with, and ends. A venue that answers nothing is given up
/// soon.
pub(super) async fn survey(options: &Options, config: &Config) -> Result<Survey, LiveError> {
    let now: Clock = Arc::new(clock::steady(options.speed));
    let mut asking = Asking::start(options, config, &now, clock::now().0)?;
    let snapshots = asking.snapshots.clone();
    let learnt = tokio::select! {
        learnt = learn(options, &config.universe, &mut asking.ends) => Some(learnt?),
        () = sleep(SURVEY) => None,
        () = fails(snapshots) => None,
    };
    let Some((market, times)) = learnt else { return Err(asking.no_answer(options, SURVEY)) };
    let at = now();
    let Outline { plan, warm, mut clock } = outline(options, config, &market, at);
    for (sent, stamp, received) in &times {
        clock.answer(*sent, *stamp, *received);
    }
    let took = times.iter().map(|(sent, _, received)| received.0.saturating_sub(sent.0)).min();
    let (round_trip_ns, rest) = (took.unwrap_or_default(), asking.snapshots.borrow().clone());
    let Market { symbols, rates, trading, .. } = market;
    Ok(Survey { symbols, rates, trading, plan, warm, clock, at, round_trip_ns, rest })
}

/// Learns which symbols a session would follow and what removes the others, and ends.
pub(super) async fn sieve(options: &Options, config: &Config) -> Result<Sieved, LiveError> {
    let now: Clock = Arc::new(clock::steady(options.speed));
    let mut asking = Asking::start(options, config, &now, clock::now().0)?;
    let snapshots = asking.snapshots.clone();
    let ends = &mut asking.ends;
    let learnt = async {
        let (listed, days) = ends.market(options.venue).await?;
        let (_, now, _) = ends.time().await?;
        Ok::<_, LiveError>(sieved(&config.universe, &options.choice, &listed, &days, now))
    };
    let learnt = tokio::select! {
        learnt = learnt => Some(learnt?),
        () = sleep(SURVEY) => None,
        () = fails(snapshots) => None,
    };
    learnt.ok_or_else(|| asking.no_answer(options, SURVEY))
}

/// An answer about the venue's time: asked for at, said, received at.
type Time = (Nanos, Nanos, Nanos);

/// How often the venue is asked for its time: the first answer waits for a connection.
const TIMES: usize = 3;

async fn learn(
    options: &Options,
    universe: &Universe,
    ends: &mut Ends,
) -> Result<(Market, Vec<Time>), LiveError> {
    let market = ends.learn(options.venue, (&options.choice, universe), &[]).await?;
    let mut times = vec![market.time];
    for _ in 1..TIMES {
        times.push(ends.time().await?);
    }
    Ok((market, times))
}

/// Returns once so many requests have failed that waiting longer is of no use.
async fn fails(mut snapshots: watch::Receiver<Snapshot>) {
    if snapshots.wait_for(|rest| rest.failed >= SURVEY_FAILURES).await.is_err() {
        std::future::pending::<()>().await;
    }
}
