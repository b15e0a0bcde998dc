//! The caller's side of a live session: sockets, the beat, signals, and the order of the end.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use systems::settings::Settings;
use systems::units::Nanos;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::drive::{Listing, Parts, Streamed};
use super::ending::{REQUESTS, Stage, overdue, requests};
use super::event::{Command, Event};
use super::feeds::{Feeds, beat};
use super::inbox::{Sender, inbox};
use super::limits::{BATCH, COMMANDS, INBOX, SHOW, START, TIMED, TOLD};
use super::outline::{Asking, Outline, lookback, outline, streams};
use super::record::Recorder;
use super::record::shelf::{PROGRAM, PROGRAM_SIM, Shelf};
use super::resume::Earlier;
use super::signals::{Signals, exit_at_the_next};
use super::sockets::Sockets;
use super::start::{Market, waiting};
use super::work::{Channels, Worked, start};
use super::{Choice, Clock, Ended, LiveError, Options, Shown, Status, answers, metrics};
use crate::clock::{self, Stopwatch};
use crate::config::{self, Config};
use crate::engine::Engine;
use crate::latency::{self, Boundary, LogFile, Meter};
use crate::link::Fleet;
use crate::replay::{CaughtUp, Outputs};
use crate::rest::budget::Priority;
use crate::session::Session;
use crate::settings::{settings, widths};
use crate::sinks::{Sinks, Telling};
use crate::tape::entry::Header;

/// Lives a session from the first request to the sealed tape.
pub(super) async fn session(
    options: &Options,
    config: &Config,
    show: &mut dyn FnMut(&Shown),
) -> Result<Ended, LiveError> {
    let now: Clock = Arc::new(clock::steady(options.speed));
    let seed = clock::now().0;
    let mut signals = Signals::new()?;
    let sinks = Sinks::open(config, clock::now())?;
    let shelf = options.record.as_deref();
    let shelf = shelf.map(|dir| Shelf::open(dir, &config.venue, &config.record)).transpose()?;
    let earlier = match shelf.as_ref().filter(|_| options.resume) {
        Some(shelf) => Earlier::find(shelf, options.venue.name(), config, clock::now()),
        None => Earlier::default(),
    };
    let numbers = metrics::listen(config.listen).await?;
    let mut asking = Asking::start(options, config, &now, seed)?;
    let (venue, choice) = (options.venue, (&options.choice, &config.universe));
    let base = options.requests.as_deref().unwrap_or(venue.rest().base);
    log::info!("asking {base} for its symbols");
    let snapshots = asking.snapshots.clone();
    let market = tokio::select! {
        market = asking.ends.learn(venue, choice, &earlier.symbols) => Some(market?),
        () = waiting(snapshots, base, &now) => None,
        () = sleep(START) => None,
        () = signals.next() => return Err(LiveError::Interrupted),
    };
    let Some(market) = market else { return Err(asking.no_answer(options, START)) };
    let Asking { ends, snapshots: rest, stop: stop_worker, worker } = asking;
    let symbols = &market.symbols;
    log::info!("{} symbols", symbols.specs().len());
    let earlier = earlier.of(symbols.specs());
    let cancelled = Arc::new(AtomicBool::new(false));
    let parts = parts(options, config, &market, &now, seed)?;
    let parts = tokio::select! {
        parts = earlier.resume(parts, cancelled.clone()) => parts?,
        () = signals.next() => {
            cancelled.store(true, Ordering::Relaxed);
            return Err(LiveError::Interrupted);
        }
    };
    let recorder = shelf.map(|shelf| recorder(shelf, options, config, symbols)).transpose()?;

    let on_tape = recorder.as_ref().map_or_else(|| Box::new(|_| true) as _, Recorder::on_tape);
    let (teller, window) = sinks.start(config, symbols, on_tape)?;

    let watch = Stopwatch::start();
    let (sender, events) = inbox(INBOX);
    let (commands, to_do) = mpsc::channel(COMMANDS);
    let (status, statuses) = watch::channel(Status::default());
    let (stages, ending) = watch::channel(Stage::default());
    let (inbox, jobs) = (events, ends.jobs);
    let channels = Channels { inbox, commands, jobs, recorder, teller, status, stages };
    let sockets = Sockets::new(options, config, sender.clone(), now.clone())?;
    let latency = parts.latency.view();
    let (tell, told) = watch::channel(Telling::default());
    let sources = metrics::Sources { status: statuses.clone(), rest: rest.clone(), latency, told };
    let (stop_answers, stopped) = oneshot::channel();
    let mut feeds = Feeds {
        beat: beat(sender.clone(), now.clone(), options.speed),
        answers: answers::forward(ends.arrivals, sender.clone(), options.venue, stopped),
        stop_answers: Some(stop_answers),
        worker,
        serving: numbers.map(|listener| metrics::serve(listener, sources)),
        sinks: Some(window.watch()),
    };
    let engine = start(parts, channels, now, options.venue.name(), options.threads)?;
    let shown = || {
        let told = window.look();
        let (missed, dropped, sinks) = (told.missed, told.dropped, told.sinks.clone());
        tell.send_replace(Telling { alerts: Vec::new(), missed, dropped, sinks });
        Shown { status: statuses.borrow().clone(), rest: rest.borrow().clone(), told }
    };
    let run_for = options.run_for;
    let end = async move {
        match run_for {
            None => signals.next().await,
            Some(time) => tokio::select! {
                () = signals.next() => {}
                () = sleep(time) => {}
            },
        }
        exit_at_the_next(signals);
    };
    let show_it = &mut || show(&shown());
    let carried = carry(sockets, to_do, sender, &mut feeds, (end, ending), show_it).await;
    drop(stop_worker);
    let broken = carried?;
    // Whoever does not want to wait for it sends a second signal.
    let joined = spawn_blocking(move || engine.join()).await;
    let joined = joined.map_err(|_| LiveError::Broken("the engine"))?;
    let Worked { summary, outputs, symbols, latency, mut record, sinks, not_asked } =
        joined.map_err(|_| LiveError::Broken("the engine"))?;
    let elapsed = watch.elapsed();
    let dropped = requests(feeds.worker, feeds.answers, not_asked, REQUESTS).await;
    if let Some(record) = &mut record {
        record.earlier = earlier.files;
        let made = record.earlier.len() + record.tapes.len();
        record.earlier.retain(|file| file.exists());
        record.tapes.retain(|taped| taped.file.exists());
        if record.earlier.len() + record.tapes.len() < made {
            log::info!("tapes of this session were removed: the others have a digest of their own");
        }
    }
    let shown = shown();
    // What was told at the end.
    if broken.is_none() {
        show(&shown);
    }
    Ok(Ended { summary, outputs, symbols, latency, record, shown, sinks, dropped, elapsed, broken })
}

/// Carries out commands until the engine has ended, which it does soon after `end`, or after
/// anything else broke: then gives what did.
async fn carry(
    mut sockets: Sockets,
    mut to_do: mpsc::Receiver<Command>,
    inbox: Sender,
    feeds: &mut Feeds,
    (end, ending): (impl Future<Output = ()>, watch::Receiver<Stage>),
    show: &mut dyn FnMut(),
) -> Result<Option<&'static str>, LiveError> {
    let mut end = pin!(end);
    let mut shows = interval(SHOW);
    shows.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut ended, mut stopping, mut broken) = (false, false, None);
    // Looks only once the end has begun.
    let mut overdue = pin!(overdue(ending, &inbox, Stage::limit));
    loop {
        tokio::select! {
            command = to_do.recv() => match command {
                Some(command) if !stopping => sockets.carry_out(command),
                Some(_) => {}
                None => return Ok(broken),
            },
            () = &mut end, if !ended => {
                ended = true;
                broken = broken.or_else(|| broke(&mut sockets, feeds));
                if !stopping {
                    stopping = true;
                    stop(&mut sockets, feeds, &inbox);
                }
            }
            stuck = &mut overdue, if stopping => return Err(stuck),
            _ = shows.tick() => {
                let shown = catch_unwind(AssertUnwindSafe(&mut *show));
                broken = broken.or(shown.err().map(|_| "the display"));
                // Where the engine broke, everything else ends too, and this is not the cause.
                if !stopping && !to_do.is_closed() {
                    broken = broken.or_else(|| broke(&mut sockets, feeds));
                    stopping = broken.is_some();
                    if stopping {
                        stop(&mut sockets, feeds, &inbox);
                    }
                }
            }
        }
    }
}

/// What broke though the session has not ended, if anything did.
fn broke(sockets: &mut Sockets, feeds: &Feeds) -> Option<&'static str> {
    let part = sockets.one_broke().then_some("a socket").or_else(|| feeds.broken())?;
    log::error!("{part} broke: the session ends");
    Some(part)
}

/// Has nothing more come, and the engine end once it has folded what has.
fn stop(sockets: &mut Sockets, feeds: &mut Feeds, inbox: &Sender) {
    log::info!("ending: what has come is folded, connections are closed");
    sockets.close_all();
    feeds.stop();
    let inbox = inbox.clone();
    tokio::spawn(async move { inbox.put(Event::Stop).await });
}

/// Everything that the engine's thread owns.
fn parts(
    options: &Options,
    config: &Config,
    market: &Market,
    now: &Clock,
    seed: u64,
) -> Result<Parts, LiveError> {
    let symbols = &market.symbols;
    let told = settings(config);
    let Outline { plan, warm, .. } = outline(options, config, market, now());
    let plan = plan?;
    let mut fleet = Fleet::new(&plan, options.streams.as_deref(), seed);
    let (sent, stamp, received) = market.time;
    fleet.server_time(sent, stamp, received);
    for interval in &warm.unserved {
        log::warn!("the venue has no candles of {interval}: it fills as live candles close");
    }
    log::info!("warm-up: {} requests of weight {}", warm.requests, warm.weight);
    let engine = Engine::watched(&told, symbols.specs(), options.threads, now.clone())?;
    let latency = measured(options, config, &told, now)?;
    let session = Session::new(symbols.clone(), told.intervals.clone(), options.venue.name());
    let outputs = Outputs::new(widths(config), options.keep_candles).keeping_newest_alerts(TOLD);
    let candles = match config.reconcile.scope {
        config::Scope::All => Priority::Routine,
        config::Scope::Suspect | config::Scope::Off => Priority::Suspect,
    };
    let (intervals, jobs) = (told.intervals, warm.jobs);
    let streamed = Streamed::new(&streams(options.venue, config).candles, &intervals);
    let earlier = CaughtUp::default();
    let listing = Listing {
        venue: options.venue,
        grows: options.choice == Choice::All,
        universe: config.universe.clone(),
        days: market.days.clone(),
        every_ns: config.refresh_ns,
        trading: market.trading,
        retired: market.retired.clone(),
        lookback: lookback(config),
        asked: Nanos(0),
        under_way: false,
    };
    Ok(Parts {
        fleet,
        listing,
        session,
        engine,
        outputs,
        intervals,
        candles,
        streamed,
        jobs,
        latency,
        exposed: config.listen.is_some(),
        earlier,
    })
}

/// What measures the session, always.
fn measured(
    options: &Options,
    config: &Config,
    told: &Settings,
    now: &Clock,
) -> Result<latency::Recorder, LiveError> {
    let boundary = Boundary::of(told.base(), told.grace_ns);
    let meter = Meter::new(now.clone(), boundary, TIMED, BATCH).at_speed(options.speed);
    let (profile, wall) = (&config.profile, clock::now());
    let path = profile.file.clone();
    let log = path.map(|path| LogFile { path, budget: Some(profile.budget), wall });
    Ok(latency::Recorder::start(meter, profile.interval_ns, log.as_ref())?)
}

fn recorder(
    shelf: Shelf,
    options: &Options,
    config: &Config,
    symbols: &crate::symbols::Symbols,
) -> Result<Recorder, LiveError> {
    let header = Header {
        venue: options.venue.name().to_owned(),
        program: if config.venue == "sim" { PROGRAM_SIM } else { PROGRAM }.to_owned(),
        config: config.for_tapes(),
        symbols: symbols.specs().to_vec(),
    };
    Ok(Recorder::start(shelf, header, config.record.every_ns, clock::now())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::limits::REST;
    use crate::rest::worker::{Report, Stopped};
    use crate::venue::Venue;
    use std::time::Duration;
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(60);

    fn options() -> Options {
        Options {
            venue: Venue::BinanceSpot,
            requests: None,
            streams: Some("ws://here".to_owned()),
            choice: Choice::All,
            record: None,
            resume: false,
            run_for: None,
            threads: 1,
            keep_candles: false,
            speed: 1.0,
        }
    }

    /// What becomes of a session in which `part` of the feeds breaks.
    async fn with_a_broken(part: usize) -> Option<&'static str> {
        let (sender, mut events) = inbox(8);
        let (commands, to_do) = mpsc::channel::<Command>(1);
        // An engine that ends as it should, after the word to do so.
        tokio::spawn(async move {
            let _open = commands;
            while !matches!(events.recv().await, None | Some(Event::Stop)) {}
        });
        let broken = move |number| async move {
            match part == number {
                true => panic!("as it should"),
                false => std::future::pending::<()>().await,
            }
        };
        let (stop_answers, stopped) = oneshot::channel::<()>();
        let report = Report { stopped: Stopped::Asked, not_done: Vec::new(), not_handed_on: 0 };
        let mut feeds = Feeds {
            beat: tokio::spawn(broken(0)),
            answers: tokio::spawn(async move {
                tokio::select! {
                    _ = stopped => {}
                    () = broken(1) => {}
                }
                REST
            }),
            stop_answers: Some(stop_answers),
            worker: tokio::spawn(async move {
                broken(2).await;
                report
            }),
            serving: None,
            sinks: None,
        };
        let now: Clock = Arc::new(|| Nanos(0));
        let sockets = Sockets::new(&options(), &Config::default(), sender.clone(), now).unwrap();
        let (_stages, ending) = watch::channel(Stage::default());
        let end = std::future::pending::<()>();
        let mut show = || assert!(part != 3, "as it should");
        let ended = carry(sockets, to_do, sender, &mut feeds, (end, ending), &mut show);
        timeout(LONG, ended).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_part_that_breaks_ends_the_session_in_order_and_is_named() {
        let names = ["the beat", "handing on answers", "the REST worker", "the display"];
        for (part, name) in names.into_iter().enumerate() {
            assert_eq!(with_a_broken(part).await, Some(name));
        }
    }
}
