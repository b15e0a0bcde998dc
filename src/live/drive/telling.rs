//! What rules said, on its way out of the engine's thread.

use systems::units::Nanos;

use super::{Drive, Ports};
use crate::replay::{Outputs, Said};
use crate::sinks::Handed;

impl<P: Ports> Drive<P> {
    /// Hands on what the step told, each with the receive instant of the heartbeat whose pulse it
    /// was.
    pub(super) fn tell(&mut self) {
        let Self { beats, received, parts, ports, .. } = self;
        let heard = |at: Nanos| {
            let beat = beats.iter().find(|(venue_now, _)| *venue_now >= at);
            Some(beat.map_or(*received, |(_, received)| *received))
        };
        tell(&mut parts.outputs, ports, heard);
        beats.clear();
    }
}

/// Hands on the alerts that were kept; `heard` gives the receive instant of what led to those of a
/// pulse.
pub(super) fn tell(
    outputs: &mut Outputs,
    ports: &mut impl Ports,
    heard: impl Fn(Nanos) -> Option<Nanos>,
) {
    let said = outputs.take_said();
    if !said.is_empty() {
        let handed = |said: Said| Handed { received: heard(said.at()), said };
        ports.tell(said.into_iter().map(handed).collect());
    }
}
