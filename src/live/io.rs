//! The caller's side of a live session: sockets, the beat, signals, and the order of the end.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use systems::settings::Settings;
use systems::units::Nanos;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::drive::{Listing, Parts, Streamed};
use super::ending::{REQUESTS, Stage, overdue, requests};
use super::event::{Command, Event, Socket};
use super::inbox::{Sender, inbox};
use super::limits::{BATCH, COMMANDS, INBOX, OUTGOING, SHOW, START, TICK, TIMED, TOLD};
use super::outline::{Asking, Outline, lookback, outline, streams};
use super::record::Recorder;
use super::record::shelf::{PROGRAM, PROGRAM_SIM, Shelf};
use super::resume::Earlier;
use super::socket::{self, Outgoing};
use super::start::Market;
use super::work::{Channels, Worked, start};
use super::{Choice, Clock, Ended, LiveError, Options, Shown, Status, answers, metrics};
use crate::clock::{self, Stopwatch};
use crate::config::{self, Config};
use crate::engine::Engine;
use crate::latency::{self, Boundary, LogFile, Meter};
use crate::link::{Fleet, Why};
use crate::replay::{CaughtUp, Outputs};
use crate::rest::budget::Priority;
use crate::session::Session;
use crate::settings::{settings, widths};
use crate::sinks::Sinks;
use crate::tape::entry::Header;
use crate::tls::tls_config;

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
    let market = tokio::select! {
        market = asking.ends.learn(venue, choice, &earlier.symbols) => Some(market?),
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
    let feeds = [
        beat(sender.clone(), now.clone(), options.speed),
        answers::forward(ends.arrivals, sender.clone(), options.venue),
    ];
    let latency = parts.latency.view();
    let sources = metrics::Sources { status: statuses.clone(), rest: rest.clone(), latency };
    let _serving = numbers.map(|listener| metrics::serve(listener, sources));
    let engine = start(parts, channels, now, options.venue.name(), options.threads)?;
    let shown = || Shown {
        status: statuses.borrow().clone(),
        rest: rest.borrow().clone(),
        told: window.look(),
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
    let carried = carry(sockets, to_do, sender, feeds, (end, ending), &mut || show(&shown())).await;
    drop(stop_worker);
    carried?;
    let Worked { summary, outputs, symbols, latency, mut record, sinks } =
        engine.join().map_err(|_| LiveError::Broken)?;
    let elapsed = watch.elapsed();
    let dropped = requests(worker, REQUESTS).await;
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
    show(&shown);
    Ok(Ended { summary, outputs, symbols, latency, record, shown, sinks, dropped, elapsed })
}

/// Carries out commands until the engine has ended, which it does soon after `end`.
async fn carry(
    mut sockets: Sockets,
    mut to_do: mpsc::Receiver<Command>,
    inbox: Sender,
    feeds: [JoinHandle<()>; 2],
    (end, ending): (impl Future<Output = ()>, watch::Receiver<Stage>),
    show: &mut dyn FnMut(),
) -> Result<(), LiveError> {
    let mut end = pin!(end);
    let mut shows = interval(SHOW);
    shows.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = false;
    // Looks only once the end has begun.
    let mut overdue = pin!(overdue(ending, &inbox, Stage::limit));
    loop {
        tokio::select! {
            command = to_do.recv() => match command {
                Some(command) if !stopping => sockets.carry_out(command),
                Some(_) => {}
                None => return Ok(()),
            },
            () = &mut end, if !stopping => {
                stopping = true;
                log::info!("ending: what has come is folded, connections are closed");
                sockets.close_all();
                feeds.iter().for_each(JoinHandle::abort);
                let inbox = inbox.clone();
                tokio::spawn(async move { inbox.put(Event::Stop).await });
            }
            stuck = &mut overdue, if stopping => return Err(stuck),
            _ = shows.tick() => show(),
        }
    }
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

/// The beat.
fn beat(inbox: Sender, now: Clock, speed: f64) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(TICK.div_f64(speed));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let full = inbox.was_full();
            if !inbox.put(Event::Tick { at: now(), full }).await {
                return;
            }
        }
    })
}

/// The sockets that are open or being opened.
struct Sockets {
    shared: socket::Shared,
    open: HashMap<u16, Open>,
}

struct Open {
    socket: Socket,
    outgoing: mpsc::Sender<Outgoing>,
    task: AbortHandle,
}

impl Sockets {
    fn new(
        options: &Options,
        config: &Config,
        inbox: Sender,
        clock: Clock,
    ) -> Result<Self, LiveError> {
        let base = options.streams.as_deref().unwrap_or(options.venue.link_facts().base);
        let extra_ca = config.rest.ca.as_deref();
        let tls = base.starts_with("wss").then(|| tls_config(extra_ca)).transpose()?;
        let shared = socket::Shared { inbox, clock, tls };
        Ok(Self { shared, open: HashMap::new() })
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Dial(socket, url) => {
                let (outgoing, texts) = mpsc::channel(OUTGOING);
                let task = tokio::spawn(socket::run(socket, url, texts, self.shared.clone()));
                let task = task.abort_handle();
                if let Some(old) = self.open.insert(socket.link, Open { socket, outgoing, task }) {
                    old.task.abort();
                }
            }
            Command::Send(socket, text) => self.send(socket, Outgoing::Text(text)),
            Command::Ping(socket) => self.send(socket, Outgoing::Ping),
            Command::Close(socket) => {
                if let Some(open) = self.open.remove(&socket.link) {
                    open.task.abort();
                }
            }
        }
    }

    fn send(&mut self, socket: Socket, text: Outgoing) {
        let Some(open) = self.open.get(&socket.link).filter(|open| open.socket == socket) else {
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = open.outgoing.try_send(text) {
            open.task.abort();
            self.open.remove(&socket.link);
            let socket::Shared { inbox, clock, .. } = self.shared.clone();
            tokio::spawn(
                async move { inbox.put(Event::Closed(socket, clock(), Why::Broken)).await },
            );
        }
    }

    fn close_all(&mut self) {
        self.open.drain().for_each(|(_, open)| open.task.abort());
    }
}

/// What the user or the machine says to us.
struct Signals(#[cfg(unix)] [tokio::signal::unix::Signal; 2]);

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self())
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // Where signals cannot be waited for there are none.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whoever asks twice does not want to wait.
fn exit_at_the_next(mut signals: Signals) {
    tokio::spawn(async move {
        signals.next().await;
        crate::terminal::clear();
        std::process::exit(130);
    });
}
