//! Steps as a live session makes them: frames decoded into a batch, folded, and measured or not.

use std::hint::black_box;

use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::trade::{Batch, Trade};
use systems::units::Nanos;
use tapescan::engine::Engine;
use tapescan::latency::{Ask, Boundary, Meter, Sheet, note_closed, note_decoded};
use tapescan::session::Session;
use tapescan::sim::Frames;
use tapescan::symbols::Symbols;
use tapescan::tape::entry::{Body, Entry};
use tapescan::venue::Venue;

/// Prints as frames of the venue, with a heartbeat every 100 ms of market time.
pub fn frames(specs: &[SymbolSpec], trades: &[Trade]) -> Vec<Event> {
    let mut frames = Frames::new(Venue::BinanceSpot, specs);
    let (mut events, mut beat) = (Vec::new(), 0);
    for trade in trades {
        let tenth = trade.time.0 / (100 * Nanos::PER_MS);
        if tenth > beat {
            beat = tenth;
            events.push(Event::Beat(Nanos(tenth * 100 * Nanos::PER_MS)));
        }
        if let Some(text) = frames.print(trade, false, trade.time) {
            events.push(Event::Frame(text.into()));
        }
    }
    events
}

/// What the inbox brings.
pub enum Event {
    /// A frame's text.
    Frame(Box<str>),
    /// Time passes.
    Beat(Nanos),
}

impl Event {
    fn entry(&self, received: Nanos) -> Entry<'_> {
        let body = match self {
            Self::Frame(text) => Body::Frame { link: 0, text: text.as_bytes() },
            Self::Beat(at) => Body::Heartbeat(*at),
        };
        Entry { received, body }
    }
}

/// The engine's side of a session.
pub struct Live {
    session: Session,
    engine: Engine,
    batch: Batch,
    intervals: Vec<systems::interval::Interval>,
    meter: Option<Meter>,
}

impl Live {
    /// One that measures itself with `ask` as `live` does, or one that does not.
    pub fn new(settings: &Settings, specs: &[SymbolSpec], ask: Option<Ask>) -> Self {
        let Ok(symbols) = Symbols::new(specs.to_vec()) else { panic!("names are unique") };
        let session = Session::new(symbols, settings.intervals.clone(), "binance");
        let engine = match &ask {
            Some(ask) => Engine::watched(settings, specs, 1, ask.clone()),
            None => Engine::new(settings, specs, 1),
        };
        let Ok(engine) = engine else { panic!("the schedule builds") };
        let boundary = Boundary::of(settings.base(), settings.grace_ns);
        let every = tapescan::live::limits::TIMED;
        let meter = ask.map(|ask| Meter::new(ask, boundary, every, 1_024));
        let (batch, intervals) = (Batch::default(), settings.intervals.clone());
        Self { session, engine, batch, intervals, meter }
    }

    /// One step over some events that were received at `received`.
    pub fn step(&mut self, events: &[Event], received: Nanos) {
        for event in events {
            let entry = event.entry(received);
            if let Some(meter) = &mut self.meter {
                meter.begin();
            }
            // A session looks at what it decoded, measured or not.
            let decoded = black_box(self.session.take(&entry, &mut self.batch));
            if let Some(meter) = &mut self.meter {
                note_decoded(meter, &entry, decoded.as_ref(), received, received);
            }
        }
        let Self { engine, batch, intervals, meter, .. } = self;
        let Some(meter) = meter else { return engine.step(batch, &mut |_| {}) };
        engine.watch(meter.entered());
        engine.step(batch, &mut |outbox| note_closed(outbox, intervals, meter));
        meter.stepped(|| (engine.spent(), engine.now()));
    }

    /// What was recorded.
    pub fn sheet(&mut self) -> Sheet {
        self.meter.as_mut().map_or_else(Sheet::default, |meter| meter.turn(Sheet::default()))
    }
}
