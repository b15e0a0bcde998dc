//! From the engine's thread to the sinks: alerts get their names, wait until what they follow from
//! is on tape, and are queued for every sink that wants them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use systems::interval::Interval;
use systems::symbol::SymbolSpec;
use systems::units::Nanos;

use super::limits::{BREAK_OFF, DRAIN, HANDED, ON_TAPE, ON_TAPE_PAUSE, SCREEN};
use super::message::Message;
use super::outlet::{Outlet, SinkStatus};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::replay::Said;
use crate::rules::{Book, Rule, Set, Table};
use crate::settings::rule_set;
use crate::symbols::Symbols;

/// Tells whether so many entries of the session are on tape, or never will be.
pub type OnTape = Box<dyn Fn(u64) -> bool + Send>;

/// What the engine's thread hands over.
#[derive(Debug)]
pub struct Handed {
    /// An alert, or a move in a table.
    pub said: Said,
    /// The receive instant of the event that led to it; `None` if a tape brought it, which an
    /// earlier session may have told.
    pub received: Option<Nanos>,
}

/// What goes from thread to thread.
enum Parcel {
    /// Alerts, when they were handed over, and how many entries must be on tape before they leave.
    Alerts(Vec<Handed>, Nanos, u64),
    /// Symbols that were listed.
    Listed(Vec<SymbolSpec>),
}

/// What was not shown or not taken.
#[derive(Debug, Default)]
struct Missed {
    screen: AtomicU64,
    dropped: AtomicU64,
}

/// The engine's side.
pub struct Teller {
    parcels: SyncSender<Parcel>,
    missed: Arc<Missed>,
    outlets: Arc<[Outlet]>,
    courier: JoinHandle<()>,
}

/// The side of whoever shows what is told.
pub struct Window {
    messages: Receiver<Message>,
    missed: Arc<Missed>,
    outlets: Arc<[Outlet]>,
}

/// What there is to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// Alerts since the last look.
    pub alerts: Vec<Message>,
    /// Alerts so far for which there was no room here.
    pub missed: u64,
    /// Alerts so far that could not be handed to any sink.
    pub dropped: u64,
    /// How the sinks stand.
    pub sinks: Vec<SinkStatus>,
}

/// What the courier's thread works with.
struct Courier {
    rules: Vec<Rule>,
    tables: Vec<Table>,
    set: Set,
    intervals: Vec<Interval>,
    symbols: Symbols,
    outlets: Arc<[Outlet]>,
    on_tape: OnTape,
    screen: SyncSender<Message>,
    missed: Arc<Missed>,
}

/// Starts the courier.
pub(super) fn start(
    outlets: Vec<Outlet>,
    config: &Config,
    symbols: &Symbols,
    on_tape: OnTape,
) -> std::io::Result<(Teller, Window)> {
    let (parcels, receiver) = sync_channel(HANDED);
    let (screen, messages) = sync_channel(SCREEN);
    let (outlets, missed): (Arc<[Outlet]>, _) = (outlets.into(), Arc::<Missed>::default());
    let own = Courier {
        rules: config.rules.clone(),
        tables: config.tables.clone(),
        set: rule_set(config),
        intervals: config.intervals.iter().map(|row| row.interval).collect(),
        symbols: symbols.clone(),
        outlets: outlets.clone(),
        on_tape,
        screen,
        missed: missed.clone(),
    };
    let courier =
        std::thread::Builder::new().name("alerts".into()).spawn(move || own.run(&receiver))?;
    let window = Window { messages, missed: missed.clone(), outlets: outlets.clone() };
    Ok((Teller { parcels, missed, outlets, courier }, window))
}

impl Courier {
    fn run(self, parcels: &Receiver<Parcel>) {
        let Self { rules, tables, set, intervals, .. } = self;
        let Self { mut symbols, outlets, on_tape, screen, missed, .. } = self;
        let book = Book::new(&rules, &set, &intervals);
        for parcel in parcels {
            let (alerts, at, entries) = match parcel {
                Parcel::Alerts(alerts, at, entries) => (alerts, at, entries),
                Parcel::Listed(specs) => {
                    for spec in specs {
                        if let Err(error) = symbols.add(spec) {
                            log::error!("alerts lack a symbol's name: {error}");
                        }
                    }
                    continue;
                }
            };
            wait(&on_tape, entries);
            for Handed { said, received } in alerts {
                let latency = received.map(|received| at.0.saturating_sub(received.0));
                let message = match &said {
                    Said::Alert(told) => {
                        Message::of(told, book.show(told, &symbols), &symbols, latency)
                    }
                    Said::Move(one) => {
                        let table = &tables[usize::from(one.table)];
                        Message::of_move(one, table, &symbols, latency)
                    }
                };
                let again = received.is_none();
                let is_move = matches!(said, Said::Move(_));
                let wanting = outlets.iter().filter(|to| to.wants(&message.rule, is_move));
                wanting.for_each(|outlet| outlet.put(&message, again));
                // Whoever looks sees the tables themselves.
                if !again && !is_move && screen.try_send(message).is_err() {
                    missed.screen.fetch_add(1, Ordering::Relaxed);
                }
            }
            outlets.iter().for_each(Outlet::sync);
        }
    }
}

/// Waits until so many entries are on tape, but not for good.
fn wait(on_tape: &OnTape, entries: u64) {
    let watch = Stopwatch::start();
    while !on_tape(entries) {
        if watch.elapsed() >= ON_TAPE {
            log::warn!("alerts leave before what they follow from is on tape: the disk is slow");
            return;
        }
        std::thread::sleep(ON_TAPE_PAUSE);
    }
}

impl Teller {
    /// Hands alerts over, never waiting; `entries` must be on tape before they leave.
    pub fn tell(&self, alerts: Vec<Handed>, at: Nanos, entries: u64) {
        let count = alerts.len() as u64;
        self.send(Parcel::Alerts(alerts, at, entries), count);
    }

    /// Makes symbols known that the venue listed.
    pub fn listed(&self, symbols: &[SymbolSpec]) {
        if !symbols.is_empty() {
            self.send(Parcel::Listed(symbols.to_vec()), 0);
        }
    }

    fn send(&self, parcel: Parcel, alerts: u64) {
        if let Err(error) = self.parcels.try_send(parcel) {
            self.missed.dropped.fetch_add(alerts, Ordering::Relaxed);
            let full = matches!(error, TrySendError::Full(_));
            let why = if full { "the disk takes nothing" } else { "their thread broke" };
            log::error!("{alerts} alerts are lost for all sinks: {why}");
        }
    }

    /// Has what was told delivered, as far as that can be done in time; how the sinks stand then.
    pub fn finish(self) -> Vec<SinkStatus> {
        let Self { parcels, outlets, courier, .. } = self;
        drop(parcels);
        let watch = Stopwatch::start();
        let within = |limit: Duration, ended: &dyn Fn() -> bool| {
            while !ended() && watch.elapsed() < limit {
                std::thread::sleep(ON_TAPE_PAUSE);
            }
        };
        within(DRAIN, &|| courier.is_finished());
        outlets.iter().for_each(Outlet::close);
        within(DRAIN, &|| outlets.iter().all(Outlet::has_ended));
        outlets.iter().for_each(Outlet::cut);
        within(DRAIN + BREAK_OFF, &|| outlets.iter().all(Outlet::has_ended));
        let sinks: Vec<SinkStatus> = outlets.iter().map(Outlet::status).collect();
        for sink in sinks.iter().filter(|sink| sink.queued > 0 || sink.hung) {
            let hung = if sink.hung { ", and would not break off" } else { "" };
            let SinkStatus { name, queued, .. } = sink;
            log::warn!("sink {name}: {queued} alerts wait for the next start{hung}");
        }
        sinks
    }
}

impl Window {
    /// What there is to be shown now.
    pub fn look(&self) -> Telling {
        Telling {
            alerts: self.messages.try_iter().collect(),
            missed: self.missed.screen.load(Ordering::Relaxed),
            dropped: self.missed.dropped.load(Ordering::Relaxed),
            sinks: self.outlets.iter().map(Outlet::status).collect(),
        }
    }
}
