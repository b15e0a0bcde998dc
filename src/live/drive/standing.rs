//! How a session stands, put together for whoever looks.

use std::sync::Arc;

use systems::trade::SymbolId;
use systems::units::Nanos;

use super::{Drive, Parts, Ports};
use crate::live::limits::TALLY_NS;
use crate::live::status::Status;
use crate::replay::Tally;

impl<P: Ports> Drive<P> {
    /// Notes how it stands before anything of this session's own has come.
    pub(super) fn begun(mut self) -> Self {
        self.look();
        self.status.begun = Some(Arc::new(self.status.clone()));
        self
    }

    /// How it stands; `inbox` events were found waiting since this was asked last.
    pub fn status(&mut self, inbox: usize) -> Status {
        self.parts.latency.turn(self.parts.engine.now());
        self.status.latency = self.parts.latency.view().point();
        self.status.lag_ms = self.lags.take();
        self.status.inbox = inbox;
        self.status.inbox_max = self.status.inbox_max.max(inbox);
        self.look();
        self.status.clone()
    }

    fn look(&mut self) {
        let Parts { engine, outputs, fleet, session, listing, exposed, .. } = &self.parts;
        let symbols = session.symbols().specs().len() as u16;
        let status = &mut self.status;
        status.now = engine.now();
        status.retired = listing.retired();
        status.symbols = usize::from(symbols) - status.retired;
        let active = || fleet.links().filter(|link| link.active);
        status.links = (active().filter(|l| l.subscribed.is_some()).count(), active().count());
        status.tables = engine.rankings(session.symbols());
        status.marks = outputs.marks().collect();
        status.alerts = outputs.alerts();
        status.gaps = (0..symbols).map(|id| engine.gaps(SymbolId(id)).len()).sum();
        status.requests = (engine.queue().handed_out, engine.queue().waiting);
        status.recording = self.ports.recording();
        let due = self.tallied == Nanos(0) || engine.now().0 >= self.tallied.0 + TALLY_NS;
        if *exposed && due {
            self.tallied = engine.now();
            status.tally = Tally::of(engine, session);
        }
    }
}
