//! From the engine's thread to the sinks: alerts get their names, wait until what they follow from
//! is on tape, and are queued for every sink that wants them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use systems::interval::Interval;
use systems::rule::Kind;
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
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
struct Parcel {
    /// Symbols that were listed since the last one, some of which the alerts may be of.
    listed: Vec<SymbolSpec>,
    alerts: Vec<Handed>,
    /// When they were handed over.
    at: Nanos,
    /// How many entries must be on tape before they leave.
    entries: u64,
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
    /// Symbols that were listed, until there is room for the next alerts.
    listed: Mutex<Vec<SymbolSpec>>,
    missed: Arc<Missed>,
    outlets: Arc<[Outlet]>,
    courier: JoinHandle<()>,
}

/// The side of whoever shows what is told.
pub struct Window {
    messages: Receiver<Message>,
    missed: Arc<Missed>,
    outlets: Arc<[Outlet]>,
    alive: Weak<()>,
}

/// Tells whether a thread of the sinks broke.
pub struct Watch {
    outlets: Arc<[Outlet]>,
    /// The courier's thread holds the other end.
    alive: Weak<()>,
}

impl Watch {
    /// What has ended though the session goes on.
    pub fn broken(&self) -> Option<&'static str> {
        if self.alive.strong_count() == 0 {
            return Some("handing on alerts");
        }
        self.outlets.iter().any(Outlet::has_broken).then_some("a sink")
    }
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
    let token = Arc::new(());
    let alive = Arc::downgrade(&token);
    let courier = std::thread::Builder::new().name("alerts".into()).spawn(move || {
        let _alive = token;
        own.run(&receiver);
    })?;
    let window = Window { messages, missed: missed.clone(), outlets: outlets.clone(), alive };
    Ok((Teller { parcels, listed: Mutex::default(), missed, outlets, courier }, window))
}

impl Courier {
    fn run(self, parcels: &Receiver<Parcel>) {
        let Self { rules, tables, set, intervals, .. } = self;
        let Self { mut symbols, outlets, on_tape, screen, missed, .. } = self;
        let book = Book::new(&rules, &set, &intervals);
        for Parcel { listed, alerts, at, entries } in parcels {
            for spec in listed {
                if let Err(error) = symbols.add(spec) {
                    log::error!("alerts lack a symbol's name: {error}");
                }
            }
            wait(&on_tape, entries);
            for Handed { said, received } in alerts {
                if !is_named(&said, &symbols) {
                    missed.dropped.fetch_add(1, Ordering::Relaxed);
                    log::error!("an alert is lost: it is of a symbol that has no name here");
                    continue;
                }
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

/// Whether all symbols that it names are known.
fn is_named(said: &Said, symbols: &Symbols) -> bool {
    let known = |symbol: SymbolId| usize::from(symbol.0) < symbols.specs().len();
    match said {
        Said::Move(one) => known(one.symbol),
        Said::Alert(told) if told.alert.kind == Kind::Digest => {
            told.held.iter().all(|held| known(held.symbol))
        }
        Said::Alert(told) => known(told.alert.symbol),
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
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let parcel = Parcel { listed: std::mem::take(&mut listed), alerts, at, entries };
        let (parcel, why) = match self.parcels.try_send(parcel) {
            Ok(()) => return,
            Err(TrySendError::Full(parcel)) => (parcel, "the disk takes nothing"),
            Err(TrySendError::Disconnected(parcel)) => (parcel, "their thread broke"),
        };
        // The alerts are lost, names are not: the next ones may need them.
        *listed = parcel.listed;
        let count = parcel.alerts.len() as u64;
        self.missed.dropped.fetch_add(count, Ordering::Relaxed);
        log::error!("{count} alerts are lost for all sinks: {why}");
    }

    /// Makes symbols known that the venue listed, before the next alert.
    pub fn listed(&self, symbols: &[SymbolSpec]) {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.extend_from_slice(symbols);
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
        outlets.iter().map(|outlet| at_the_end(outlet.status())).collect()
    }
}

/// How a sink stands once the session is over, which is told where something is left.
fn at_the_end(mut sink: SinkStatus) -> SinkStatus {
    let SinkStatus { name, queued, .. } = &sink;
    if *queued > 0 || sink.hung {
        let hung = if sink.hung { ", and would not break off" } else { "" };
        let what =
            if sink.in_memory { "alerts are lost" } else { "alerts wait for the next start" };
        log::warn!("sink {name}: {queued} {what}{hung}");
    }
    if sink.in_memory {
        (sink.lost, sink.queued) = (sink.lost + sink.queued, 0);
    }
    sink
}

impl Window {
    /// What tells whether a thread of the sinks broke.
    pub fn watch(&self) -> Watch {
        Watch { outlets: self.outlets.clone(), alive: self.alive.clone() }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_sink_waits_on_the_disk_alone() {
        let left = |in_memory| {
            let (queued, lost) = (3, 1);
            let sink = SinkStatus { in_memory, queued, lost, ..SinkStatus::default() };
            let sink = at_the_end(sink);
            (sink.queued, sink.lost)
        };
        assert_eq!((left(false), left(true)), ((3, 1), (0, 4)));
    }
}
