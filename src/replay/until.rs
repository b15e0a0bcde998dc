//! Tapes up to a time, to look at how everything stood then.

use systems::trade::Batch;
use systems::units::Nanos;

use super::{ReplayError, Tapes};
use crate::config::Config;
use crate::engine::Engine;
use crate::session::Session;
use crate::settings::settings;
use crate::tape::entry::Body;
use crate::tape::{Block, Run};

/// Events per step; cannot be seen in what comes out.
const BATCH: usize = 16_384;

/// The engine as it stood at `until`, by the venue's time, after everything that had come by then.
/// If the tapes end before, it is as they ended.
///
/// # Errors
/// [`ReplayError`].
pub fn replay_until(
    tapes: &mut Tapes,
    config: &Config,
    until: Nanos,
) -> Result<Engine, ReplayError> {
    let settings = settings(config);
    let symbols = tapes.symbols().clone();
    let mut engine = Engine::new(&settings, symbols.specs(), 1)?;
    let mut session = Session::new(symbols, settings.intervals.clone(), tapes.venue());
    let (mut block, mut batch) = (Block::default(), Batch::default());
    'tapes: while tapes.next_block(&mut block)? {
        for run in block.runs() {
            match run {
                Run::Trades(trades, _) => batch.trades.extend_from_slice(trades),
                Run::Entry(entry) => {
                    let entry = tapes.entry(entry)?;
                    if matches!(entry.body, Body::Heartbeat(now) if now > until) {
                        break 'tapes;
                    }
                    session.take(&entry, &mut batch);
                }
            }
            if batch.len() >= BATCH {
                engine.step(&mut batch, &mut |_| ());
            }
        }
    }
    engine.step(&mut batch, &mut |_| ());
    Ok(engine)
}
