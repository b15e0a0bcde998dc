//! What a look at every symbol tells: while a session runs, and in its summary.

use systems::health::{Health, Reject, Strays};
use systems::reconcile::Cause;
use systems::trade::SymbolId;

use crate::engine::Engine;
use crate::session::{Session, Skipped};

/// What a look at every symbol tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// What happened to the prints of all symbols.
    pub health: Health,
    /// Counts that belong to no symbol.
    pub strays: Strays,
    /// Entries that were passed over.
    pub skipped: Skipped,
    /// Messages that no decoder takes: cause, how many, and the first.
    pub undecoded: Vec<(&'static str, u64, String)>,
    /// Ids given up, at most what a number holds.
    pub unrecoverable: u64,
    /// Stretches without a candle because prints are missing, over all intervals.
    pub absent: u64,
    /// Comparisons with the venue's candles, by cause.
    pub drift: [u64; Cause::ALL.len()],
    /// Candles taken over where we had none.
    pub adopted: u64,
}

impl Tally {
    /// Looks.
    pub fn of(engine: &Engine, session: &Session) -> Self {
        let (strays, skipped) = (engine.strays(), session.skipped());
        let mut tally = Self { strays, skipped, ..Self::default() };
        let frames = session.decoded().into_iter().flat_map(|counts| counts.rejects());
        let frames = frames.filter(|(_, count, _)| *count > 0);
        tally.undecoded =
            frames.map(|(cause, count, first)| (cause.name(), count, first.to_owned())).collect();
        for id in (0..session.symbols().specs().len() as u16).map(SymbolId) {
            engine.health(id).into_iter().for_each(|own| tally.health.add(own));
            let given_up = engine.unrecoverable(id);
            tally.unrecoverable = tally.unrecoverable.saturating_add(given_up);
            for interval in 0..engine.intervals() as u8 {
                tally.absent += engine.absent(id, interval).len() as u64;
                let (found, adopted) = engine.drift(id, interval);
                tally.drift.iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
                tally.adopted += adopted;
            }
        }
        tally
    }

    /// Every print that was not folded and every message that was not used, by cause.
    pub fn rejects(&self) -> Vec<(&'static str, u64)> {
        rejects(&self.health, &self.strays, &self.skipped, &self.undecoded)
    }
}

/// The same of what a summary has of it.
pub(super) fn rejects(
    health: &Health,
    strays: &Strays,
    skipped: &Skipped,
    undecoded: &[(&'static str, u64, String)],
) -> Vec<(&'static str, u64)> {
    let core = Reject::ALL.iter().map(|cause| {
        let stray = match cause {
            Reject::UnknownSymbol => strays.unknown_symbol,
            _ => 0,
        };
        (cause.name(), health.rejects[*cause as usize] + stray)
    });
    let edge = [
        ("bad_heartbeat", strays.bad_heartbeats),
        ("bad_control", strays.bad_controls),
        ("other_channel", skipped.other_channel),
        ("other_interval", skipped.other_interval),
        ("wrong_candle", skipped.wrong_candle),
        ("no_decoder", skipped.undecodable),
    ];
    let frames = undecoded.iter().map(|(cause, count, _)| (*cause, *count));
    core.chain(edge).chain(frames).filter(|(_, count)| *count > 0).collect()
}
