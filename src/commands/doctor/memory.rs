//! How much memory a session takes, from the sizes of what it keeps.

use systems::base::Series;
use systems::bucket::{Edges, Open};
use systems::candle::VenueCandle;
use systems::health::Health;
use systems::indicator::Bar;
use systems::limits::CHECKPOINT_EVERY;
use systems::reconcile::Evidence;
use systems::request::Wants;
use systems::restate::Restatement;
use systems::ring::Ring;
use systems::row::{Absent, Dirty, Front, Row};
use systems::rule::group::Groups;
use systems::rule::standing::Standing;
use systems::settings::Settings;
use systems::track::{Bars, Value};

/// What the program takes before any symbol: itself, its threads and buffers, and the venue's list
/// of symbols while it is read. Measured.
const PROGRAM: u64 = 28_000_000;

/// A closed candle in a ring.
const CANDLE: usize = 64;

/// The state of an indicator, saved: mostly a few numbers. Measured over the catalog.
const SAVED: usize = 72;

/// Candles that one answer brings. They are folded at once, and the room for that is given back.
const PAGE: usize = 1_000;

/// Symbols whose past is folded at once: what their answers filled is given back, and serves most
/// of those that follow. Measured with the defaults, where this gives 315 and 730 MB: 221 MB after
/// the warm-up of 500 symbols, 365 MB where 18,000 prints a second were recorded besides; 519 MB
/// after that of 2,000.
const AT_ONCE: usize = 200;

/// Of the others, one in so many needs room of its own: what is given back is in pieces.
const ONE_IN: u64 = 6;

/// What is taken, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Of one more symbol beyond the first hundreds.
    pub(super) per_symbol: u64,
    /// The most that is taken at any time.
    pub(super) total: u64,
}

/// The memory of `symbols` symbols with full rings, at the height of their warm-up.
pub(super) fn estimate(settings: &Settings, symbols: usize) -> Memory {
    let intervals = 0..settings.intervals.len();
    let rows = intervals.clone().map(|interval| row(settings, interval)).sum::<usize>();
    let answers = intervals.map(|interval| answer(settings, interval)).sum::<usize>();
    let of_base = size_of::<Series>() + size_of::<Open>() + size_of::<Health>();
    let edges = settings.ring_capacity(0) * size_of::<Edges>();
    // The base row's room grows again when live candles follow the past. Measured.
    let once = (answers + folding(settings, 0)) as u64;
    let per_symbol = (rows + of_base + edges) as u64 + once / ONE_IN;
    let first = (once - once / ONE_IN) * symbols.min(AT_ONCE) as u64;
    Memory { per_symbol, total: PROGRAM + per_symbol * symbols as u64 + first }
}

/// What one row keeps.
fn row(settings: &Settings, interval: usize) -> usize {
    let capacity = settings.ring_capacity(interval);
    let indicators = settings.on(interval).count();
    let itself = size_of::<Row>()
        + size_of::<Ring>()
        + size_of::<Dirty>()
        + size_of::<Absent>()
        + size_of::<Front>()
        + size_of::<Evidence>()
        + size_of::<Wants>()
        + size_of::<Bars>();
    // The present state, the one before the newest candle, and one in so many candles.
    let states = capacity / CHECKPOINT_EVERY + 4;
    let tracks = indicators * states * SAVED;
    itself + capacity * CANDLE + tracks + lanes(settings, interval)
}

/// What an answer takes on its way through one row: its candles, what is decided of them, and
/// folding.
fn answer(settings: &Settings, interval: usize) -> usize {
    let at_once = settings.lookback[interval].min(PAGE);
    let compared = at_once * (size_of::<VenueCandle>() + size_of::<Restatement>());
    compared + folding(settings, interval)
}

/// What rules keep of a row: the columns of its newest candles, by row and beside those of its
/// neighbours, and what each said about them.
fn lanes(settings: &Settings, interval: usize) -> usize {
    let rules = &settings.rules;
    if !rules.read(interval) {
        return 0;
    }
    let own = rules.judged.iter().filter(|rule| usize::from(rule.interval) == interval).count();
    let columns = rules.columns[interval].len() * size_of::<f64>() + size_of::<u128>();
    rules.kept(interval) * columns + Standing::bytes(own) + Groups::bytes(settings, interval)
}

/// What folding the candles of one answer takes: the candles as floats, and every value of theirs.
fn folding(settings: &Settings, interval: usize) -> usize {
    let at_once = settings.lookback[interval].min(PAGE);
    at_once * (size_of::<Bar>() + settings.columns(interval) * size_of::<Value>())
}
