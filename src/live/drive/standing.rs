//! How a session stands, put together for whoever looks.

use systems::trade::SymbolId;

use super::{Drive, Parts, Ports};
use crate::live::limits::TALLY_NS;
use crate::live::status::Status;
use crate::replay::Tally;

impl<P: Ports> Drive<P> {
    /// How it stands; `inbox` events were found waiting since this was asked last.
    pub fn status(&mut self, inbox: usize) -> Status {
        self.parts.latency.turn(self.parts.engine.now());
        self.status.latency = self.parts.latency.view().point();
        let Parts { engine, outputs, fleet, session, listing, exposed, .. } = &self.parts;
        let symbols = session.symbols().specs().len() as u16;
        self.status.now = engine.now();
        self.status.retired = listing.retired();
        self.status.symbols = usize::from(symbols) - self.status.retired;
        let active = || fleet.links().filter(|link| link.active);
        self.status.links = (active().filter(|l| l.subscribed.is_some()).count(), active().count());
        self.status.lag_ms = self.lags.take();
        self.status.inbox = inbox;
        self.status.inbox_max = self.status.inbox_max.max(inbox);
        self.status.tables = engine.rankings(session.symbols());
        self.status.marks = outputs.marks().collect();
        self.status.alerts = outputs.alerts();
        self.status.gaps = (0..symbols).map(|id| engine.gaps(SymbolId(id)).len()).sum();
        self.status.requests = (engine.queue().handed_out, engine.queue().waiting);
        self.status.recording = self.ports.recording();
        if *exposed && engine.now().0 >= self.tallied.0 + TALLY_NS {
            self.tallied = engine.now();
            self.status.tally = Tally::of(engine, session);
        }
        self.status.clone()
    }
}
