//! What a session amounts to, live or replayed, for people and for programs.

use systems::health::{Health, LATENESS_BUCKETS, Strays};
use systems::reconcile::Cause;
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::tally::{Tally, rejects};
use super::{DriftReport, Outputs};
use crate::digest::MinuteDigest;
use crate::engine::Engine;
use crate::rules::Ranking;
use crate::session::{Session, Skipped};
use crate::tape::End;

/// The bound by which [`Summary::lateness`] calls the last bucket, which has no upper end: it
/// holds everything from half of this on.
pub const LATENESS_OPEN_MS: u64 = 1 << (LATENESS_BUCKETS - 1);

/// Ids that are missing on one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenGap {
    /// The symbol's name.
    pub symbol: Box<str>,
    /// First and last missing id.
    pub ids: (u64, u64),
    /// Trade times around it.
    pub between: (Nanos, Nanos),
}

/// What a session amounts to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The venue's name.
    pub venue: String,
    /// Symbols of the session, and those that traded.
    pub symbols: (usize, usize),
    /// Prints seen, folded or not.
    pub trades: u64,
    /// Prints that are in candles.
    pub folded: u64,
    /// Candles closed, over all intervals.
    pub candles: u64,
    /// Candles whose numbers changed after they had closed.
    pub corrected: u64,
    /// Alerts, withdrawals and digests of budgets.
    pub alerts: u64,
    /// Symbols that came into tables, left them or changed places.
    pub moves: u64,
    /// The tables as they stand in the end.
    pub tables: Vec<Ranking>,
    /// By rule, the beginnings that nobody was told of, because of the cool-down.
    pub cooled: Vec<u64>,
    /// The digest over everything that came out.
    pub digest: String,
    /// The digests by minute.
    pub minutes: Vec<MinuteDigest>,
    /// Closed candles by interval index and mark at close.
    pub marks: Vec<(u8, &'static str, u64)>,
    /// What became of the prints, over all symbols.
    pub health: Health,
    /// Counts that belong to no symbol.
    pub strays: Strays,
    /// Entries passed over.
    pub skipped: Skipped,
    /// Messages that could not be decoded, by cause, with a sample.
    pub undecoded: Vec<(&'static str, u64, String)>,
    /// Ids that are still missing.
    pub gaps: Vec<OpenGap>,
    /// Ids given up for good.
    pub unrecoverable: u64,
    /// Stretches without a candle because prints are missing, over all rows.
    pub absent: u64,
    /// Comparisons with the venue's candles, by cause, and candles taken over.
    pub drift: [u64; Cause::ALL.len()],
    /// The differences among them, by day and cause.
    pub drifted: DriftReport,
    /// Candles of the venue taken over where we had none.
    pub adopted: u64,
    /// Requests handed out, and waiting in the end.
    pub requests: (u64, usize),
    /// Tapes that were torn or damaged.
    pub torn: Vec<(String, End)>,
    /// The venue's time at the end.
    pub ended_at: Nanos,
    /// Steps of the engine.
    pub steps: u64,
    /// Threads of the engine.
    pub threads: usize,
}

impl Summary {
    /// Gathers it at the end of a session that saw so many prints at `venue`, with an engine of
    /// so many threads. Nothing is torn; a replay adds its tapes' ends.
    pub fn collect(
        engine: &Engine,
        session: &Session,
        outputs: &Outputs,
        venue: &str,
        threads: usize,
        trades: u64,
    ) -> Self {
        let specs = session.symbols().specs();
        let ids = || (0..specs.len() as u16).map(SymbolId);
        let traded = ids().filter(|id| engine.folded(*id) > 0).count();
        let Tally { health, strays, skipped, undecoded, unrecoverable, absent, drift, adopted } =
            Tally::of(engine, session);
        Self {
            venue: venue.to_owned(),
            symbols: (specs.len(), traded),
            trades,
            folded: ids().map(|id| engine.folded(id)).sum(),
            candles: outputs.closed(),
            corrected: outputs.corrected(),
            alerts: outputs.alerts(),
            moves: outputs.moves(),
            tables: engine.rankings(session.symbols()),
            cooled: engine.cooled(),
            digest: outputs.digest(),
            minutes: outputs.minutes(),
            marks: outputs.marks().map(|(i, mark, count)| (i, mark.name(), count)).collect(),
            health,
            strays,
            skipped,
            undecoded,
            gaps: ids().flat_map(|id| open_gaps(engine, id, specs)).collect(),
            unrecoverable,
            absent,
            drift,
            drifted: outputs.drift(session.symbols()),
            adopted,
            requests: (engine.queue().handed_out, engine.queue().waiting),
            torn: Vec::new(),
            ended_at: engine.now(),
            steps: engine.steps(),
            threads,
        }
    }

    /// How many ids are still missing, at most what a number holds.
    pub fn missing(&self) -> u64 {
        let ids = self.gaps.iter().map(|gap| (gap.ids.1 - gap.ids.0).saturating_add(1));
        ids.fold(0, u64::saturating_add)
    }

    /// Every print that was not folded and every message that was not used, by cause.
    pub fn rejects(&self) -> Vec<(&'static str, u64)> {
        rejects(&self.health, &self.strays, &self.skipped, &self.undecoded)
    }

    /// The lateness histogram: (upper bound in ms, prints), for buckets that have any. The last
    /// one, called [`LATENESS_OPEN_MS`], is open.
    pub fn lateness(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let buckets = (0..LATENESS_BUCKETS).map(|k| (1u64 << k, self.health.lateness[k]));
        buckets.filter(|(_, count)| *count > 0)
    }
}

/// The ids of one symbol that are missing.
fn open_gaps<'a>(
    engine: &'a Engine,
    id: SymbolId,
    specs: &'a [SymbolSpec],
) -> impl Iterator<Item = OpenGap> + 'a {
    engine.gaps(id).iter().map(move |gap| OpenGap {
        symbol: specs[usize::from(id.0)].name.clone(),
        ids: (gap.from_id, gap.to_id),
        between: (gap.after, gap.before),
    })
}
