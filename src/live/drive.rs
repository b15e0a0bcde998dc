//! The engine's side of a live session: one event after the other, each recorded, decoded once,
//! folded, and answered with commands and jobs. Where those go is the caller's, so all of this is
//! tested without a socket.

use std::collections::VecDeque;

use systems::dispatch::{Outbox, Request};
use systems::interval::Interval;
use systems::trade::{Batch, SymbolId};
use systems::units::Nanos;
use tokio::sync::OwnedSemaphorePermit;

use super::beginnings::Beginnings;
use super::event::{Command, Event};
use super::limits::{ANSWER_ROOM_NS, TIME_NS};
use super::record::{Kept, Recorded, Recording};
use super::status::{Lags, Status};
use crate::engine::Engine;
use crate::latency::{Kept as Measured, Recorder, note_closed, note_decoded};
use crate::link::Fleet;
use crate::replay::{CaughtUp, Outputs, Summary};
use crate::rest::budget::Priority;
use crate::rest::plan::{Job, Wanted};
use crate::session::Session;
use crate::sinks::Handed;
use crate::symbols::Symbols;
use crate::tape::entry::Body;
use crate::venue::{Decoded, Kind, What};

/// Where everything that is to be done goes.
pub trait Ports {
    /// Has the sockets do something.
    fn command(&mut self, command: Command);
    /// Has the worker fetch something, or gives it back if there is no room now.
    fn job(&mut self, job: Job) -> Option<Job>;
    /// Records an entry, if anything is recorded.
    fn record(&mut self, entry: Recorded);
    /// How the recording stands.
    fn recording(&self) -> Recording {
        Recording::Off
    }
    /// Hands alerts on.
    fn tell(&mut self, alerts: Vec<Handed>);
}

/// What a drive is made of.
pub struct Parts {
    /// The connections and which symbols each brings, not started.
    pub fleet: Fleet,
    /// What is followed of what the venue lists.
    pub listing: Listing,
    /// The session.
    pub session: Session,
    /// The engine.
    pub engine: Engine,
    /// Where its output goes.
    pub outputs: Outputs,
    /// The configured intervals, the base first.
    pub intervals: Vec<Interval>,
    /// How urgent the core's requests for candles are.
    pub candles: Priority,
    /// Requests for candles that the venue publishes, too.
    pub streamed: Streamed,
    /// What is to be fetched at start.
    pub jobs: Vec<Job>,
    /// What measures it.
    pub latency: Recorder,
    /// Whether anybody may fetch its numbers, for which every symbol is looked at.
    pub exposed: bool,
    /// What tapes of earlier sessions, which session and engine have gone through, left open.
    pub earlier: CaughtUp,
}

/// What a drive leaves behind.
pub struct Finished<P> {
    /// What it amounts to.
    pub summary: Summary,
    /// What came out.
    pub outputs: Outputs,
    /// The symbols, by number.
    pub symbols: Symbols,
    /// What was measured.
    pub latency: Measured,
    /// Where everything went.
    pub ports: P,
    /// Requests that were wanted and not even handed to the worker.
    pub not_asked: usize,
}

/// The engine's side of a live session.
pub struct Drive<P> {
    ports: P,
    parts: Parts,
    batch: Batch,
    requests: Vec<Request>,
    /// Jobs that the worker had no room for. The core asks for one thing per row and kind at a
    /// time, heads and the warm-up are asked for once, so this is bounded by the rows.
    waiting: VecDeque<Job>,
    /// Per link: the socket that speaks for it, if any.
    sockets: Vec<Speaker>,
    beginnings: Beginnings,
    /// Instants on the tape never step back.
    received: Nanos,
    venue_now: Nanos,
    /// Heartbeats since the last step: the venue's time, and when each was received.
    beats: Vec<(Nanos, Nanos)>,
    time_asked: Nanos,
    lags: Lags,
    /// Places of answers that are being folded, and when some were last free again.
    places: (Nanos, Vec<OwnedSemaphorePermit>),
    /// When every symbol was last looked at.
    tallied: Nanos,
    status: Status,
}

impl<P: Ports> Drive<P> {
    /// A drive that has not begun.
    pub fn new(mut parts: Parts, mut ports: P) -> Self {
        let symbols = parts.session.symbols().specs().len();
        let warm_up = parts.jobs.iter().filter(|job| job.priority == Priority::WarmUp).count();
        let CaughtUp { prints, received, requests, .. } = std::mem::take(&mut parts.earlier);
        // Going through earlier tapes is no step of this session.
        parts.engine.spent();
        telling::tell(&mut parts.outputs, &mut ports, |_| None);
        let begun = |id| parts.engine.folded(SymbolId(id)) > 0;
        let begun = (0..symbols as u16).map(begun).collect();
        let beginnings = Beginnings::new(parts.intervals[0], begun);
        Self {
            ports,
            batch: Batch::default(),
            // Whoever was to answer them is gone.
            requests,
            waiting: std::mem::take(&mut parts.jobs).into(),
            sockets: vec![Speaker::default(); parts.fleet.links().count()],
            beginnings,
            received,
            venue_now: Nanos(0),
            beats: Vec::new(),
            time_asked: Nanos(0),
            lags: Lags::new(),
            places: (Nanos(0), Vec::new()),
            tallied: Nanos(0),
            status: Status {
                warm_up: (0, warm_up),
                prints,
                intervals: parts.intervals.clone(),
                ..Status::default()
            },
            parts,
        }
        .begun()
    }

    /// Wants all connections from now on. Until then nothing comes, and the tape says so: whatever
    /// is replayed before it, nobody may take the time in between for quiet.
    pub fn start(&mut self, at: Nanos) {
        (self.time_asked, self.parts.listing.asked) = (at, at);
        for symbol in (0..self.parts.session.symbols().specs().len() as u16).map(SymbolId) {
            self.enter(at, Kept::Plain(Body::Feed { symbol, up: false }));
            if self.parts.listing.is_retired(symbol) {
                self.enter(at, Kept::Plain(Body::Halt { symbol, halted: true }));
            }
        }
        self.parts.fleet.start(at);
        self.carry_out(at);
    }

    /// Takes an event; what it means is folded by the next [`Drive::step`].
    pub fn take(&mut self, event: Event) {
        let at = match event {
            Event::Frame(socket, at, text) if self.speaks(socket) => {
                let kept = Kept::Frame(socket.link, text);
                if let Some(decoded) = self.enter(at, kept) {
                    self.decoded(socket.link, &decoded, at);
                }
                at
            }
            Event::Connected(socket, at) if self.speaks(socket) => {
                self.sockets[usize::from(socket.link)].connected = true;
                self.parts.fleet.connected(socket.link, at);
                at
            }
            Event::Closed(socket, at, why) if self.speaks(socket) => {
                self.sockets[usize::from(socket.link)].open = false;
                self.parts.fleet.closed(socket.link, why, at);
                at
            }
            Event::Ping(socket, at, payload) if self.speaks(socket) => {
                self.parts.fleet.ping(socket.link, &payload, at);
                at
            }
            Event::Pong(socket, at) if self.speaks(socket) => {
                self.parts.fleet.pong(socket.link, at);
                at
            }
            Event::Arrival(arrival) => return self.arrived(arrival),
            Event::Answer(arrival, place) => {
                self.places.1.push(place);
                return self.arrived(arrival);
            }
            Event::Instruments(at, listed) => {
                self.listed(&listed, at);
                at
            }
            Event::Days(at, days) => {
                self.parts.listing.days = days;
                at
            }
            Event::Tick { at, full } => {
                self.tick(at, full);
                at
            }
            // A late word of a socket that was closed, or the end, which the caller sees.
            _ => return,
        };
        self.carry_out(at);
    }

    /// Folds what was taken and hands on what the core asks for.
    pub fn step(&mut self) {
        self.status.prints += self.batch.trades.len() as u64;
        let Parts { engine, outputs, latency, intervals, .. } = &mut self.parts;
        let requests = &mut self.requests;
        engine.watch(latency.meter.entered());
        engine.step(&mut self.batch, &mut |outbox| {
            give_out(outbox, outputs, requests);
            note_closed(outbox, intervals, &mut latency.meter);
        });
        latency.meter.stepped(|| (engine.spent(), engine.now()));
        self.tell();
        self.ask();
    }

    /// Ends the session: nothing is asked for any more, and the last pulse takes effect.
    pub fn finish(mut self, venue: &str, threads: usize) -> Finished<P> {
        self.step();
        let Parts { engine, outputs, .. } = &mut self.parts;
        let requests = &mut self.requests;
        engine.finish(&mut |outbox| give_out(outbox, outputs, requests));
        self.tell();
        let not_asked = self.not_asked();
        let Parts { engine, session, outputs, .. } = &mut self.parts;
        let prints = self.status.prints;
        let summary = Summary::collect(engine, session, outputs, venue, threads, prints);
        let Parts { session, engine, outputs, latency, .. } = self.parts;
        let (symbols, latency) = (session.symbols().clone(), latency.finish(engine.now()));
        Finished { summary, outputs, symbols, latency, ports: self.ports, not_asked }
    }

    /// Puts an entry on the tape and into the batch, in one order.
    fn enter(&mut self, at: Nanos, body: Kept) -> Option<Decoded> {
        self.received = self.received.max(at);
        let recorded = Recorded { received: self.received, body };
        let Parts { session, latency, .. } = &mut self.parts;
        latency.meter.begin();
        let entry = recorded.entry();
        let decoded = session.take(&entry, &mut self.batch);
        note_decoded(&mut latency.meter, &entry, decoded.as_ref(), at, at);
        // A candle that is forming is said anew a moment later, and nothing follows from it.
        let forming = |one: &Decoded| one.what == What::Ignored(Kind::FormingCandle);
        if !decoded.as_ref().is_some_and(forming) {
            self.ports.record(recorded);
        }
        decoded
    }

    fn decoded(&mut self, link: u16, decoded: &Decoded, at: Nanos) {
        self.parts.fleet.take(link, decoded, at);
        let What::Trade(trade, channel) = decoded.what else { return };
        if let Some(here) = self.parts.fleet.clock().venue_time(at) {
            self.lags.note(trade.time, here);
        }
        self.beginnings.heard(&trade, channel, self.parts.session.symbols());
    }

    fn tick(&mut self, at: Nanos, full: bool) {
        if full {
            for (link, speaker) in self.sockets.iter().enumerate() {
                if speaker.open {
                    self.parts.fleet.excuse(link as u16, at);
                }
            }
        }
        self.parts.fleet.tick(at);
        if at.0 >= self.places.0.0 + ANSWER_ROOM_NS {
            self.places.0 = at;
            self.places.1.clear();
        }
        if at.0.saturating_sub(self.time_asked.0) >= TIME_NS {
            self.time_asked = at;
            let time = Job { priority: Priority::Instruments, wanted: Wanted::Time };
            self.waiting.push_back(time);
        }
        self.waiting.extend(self.beginnings.unheard(at, self.parts.session.symbols()));
        self.waiting.extend(self.parts.listing.ask(at));
        // What is known of the venue's clock grows more exact; its time must not step back for it.
        let venue_now = self.parts.fleet.clock().venue_time(at).unwrap_or_default();
        if venue_now > self.venue_now {
            self.venue_now = venue_now;
            self.beats.push((venue_now, at));
            self.enter(at, Kept::Plain(Body::Heartbeat(venue_now)));
            self.look_back(at);
        }
    }
}

fn give_out(outbox: &Outbox, outputs: &mut Outputs, requests: &mut Vec<Request>) {
    outputs.take(outbox);
    requests.extend_from_slice(&outbox.requests);
}

mod asking;
mod links;
mod listing;
mod standing;
mod streamed;
mod telling;

use links::Speaker;
pub use listing::Listing;
pub use streamed::Streamed;

#[cfg(test)]
mod tests;
