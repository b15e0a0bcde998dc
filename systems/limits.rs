//! Every bound of the core: its unit, its reason, and what happens at it.

/// Symbols one engine may hold. A symbol id is 16 bits; one more is refused at start.
pub const SYMBOLS_MAX: usize = 65_535;

/// Intervals a configuration may name. A curve over eight is enough to see the cost; one more is
/// a configuration error.
pub const INTERVALS_MAX: usize = 16;

/// Candles a ring may be asked to keep. At 64 bytes each, more is a memory mistake; a larger
/// `lookback` is a configuration error.
pub const LOOKBACK_MAX: usize = 100_000;

/// The longest indicator period, in candles. Longer is a configuration error.
pub const PERIOD_MAX: usize = 5_000;

/// Candles between two saved states of an indicator. A deep correction refolds from the last
/// saved state before it, so this bounds the extra work; smaller costs memory per row.
pub const CHECKPOINT_EVERY: usize = 32;

/// Candles that one pulse may add to a full ring. More wait for the next pulse: a ring that turned
/// faster could lose candles before what was corrected about them is folded. Larger costs memory
/// per row, smaller delays catching up after a long silence.
pub const ADDED_MAX: usize = 16;

/// Elements of a row's buffer that are kept from pulse to pulse: an ordinary one needs fewer. What
/// a large answer has filled beyond four times as many is given back.
pub const BUFFER_KEPT: usize = 4;

/// Candles back from the newest for which rules are judged again after a correction. Older alerts
/// stay as they were; larger costs memory per row for the columns of each.
pub const REJUDGE_MAX: usize = 64;

/// Columns that rules may read of the rows of one interval. One more is a configuration error.
pub const RULE_COLUMNS_MAX: usize = 128;

/// Nodes by which one rule may make the plan of its interval larger, written out in full. One that
/// needs more is judged by itself: its loops are long, and gain little from company.
pub const PLANNED_MAX: usize = 1_024;

/// Nodes of one plan. Rules beyond that are judged by themselves.
pub const PLAN_MAX: usize = 32_768;

/// Symbols of a group, which one thread judges. More leave threads without work, fewer leave
/// groups that are not full.
pub const GROUP_MAX: usize = 64;

/// Rows that a thread takes at once in a burst. More leave threads without work at its end, fewer
/// cost more taking.
pub const SHARE: usize = 128;

/// Candles before the judged one that packs hold of a column. What looks farther back reads lanes:
/// slower, but a ring of so many for each symbol would cost memory that is read once a candle.
pub const PACKED_MAX: u32 = 63;

/// Tables of one configuration. One more is a configuration error.
pub const TABLES_MAX: usize = 32;

/// Symbols that one table shows. One pulse tells at most twice as many changes of it: all who left,
/// and all who came. A larger `top` is a configuration error.
pub const TOP_MAX: usize = 200;

/// Columns that one table shows beside its number. One more is a configuration error.
pub const TABLE_COLUMNS_MAX: usize = 8;

/// Alerts that one digest lists. More are counted in it, and not named.
pub const DIGEST_MAX: usize = 1_000;

/// Open gaps one symbol may have. At the limit the oldest is given up as unrecoverable and
/// counted: its candles keep their mark, its ids are refused if they come after all.
pub const GAPS_MAX: usize = 256;

/// Stretches of lost ids, or of halts, that one symbol remembers. At the limit the two oldest
/// become one, with what lies between them.
pub const STRETCHES_MAX: usize = 256;

/// The largest id. Venues count up from small numbers; beyond is rejected as `wrong_id`.
pub const ID_MAX: u64 = 1 << 62;

/// How far ahead of the venue's time a print may be stamped, in nanoseconds. Further is rejected
/// as `future`: its id stays missing, so the repair by id decides.
pub const FUTURE_MAX_NS: u64 = 5_000_000_000;

/// Pulses are at most this far apart while heartbeats arrive: corrections, requests and marks take
/// effect at pulses, so this bounds their delay. Shorter costs a look at every row more often.
pub const PULSE_NS: u64 = 1_000_000_000;

/// The farthest one heartbeat may move time with every base candle lived through. Further is a
/// break: what was open closes as a gap, and rows go on at the new time.
pub const JUMP_MAX_NS: u64 = 2 * 86_400 * 1_000_000_000;

/// Instants before this (2017-01-01, older than every venue served) are a wrong unit or garbage.
pub const EARLIEST_NS: u64 = 1_483_228_800_000_000_000;

/// Instants from this on (2100-01-01) are a wrong unit or garbage.
pub const LATEST_NS: u64 = 4_102_444_800_000_000_000;

/// Quote volume of one base candle, in price units times quantity units. A print that would exceed
/// it is rejected as `overflow`, so that sums over days and periods stay inside 127 bits.
pub const QUOTE_MAX: u128 = 1 << 90;

/// Base quantity of one base candle, in quantity units: a day of seconds of it fits 63 bits. A
/// print that would exceed it is rejected as `overflow`.
pub const VOLUME_MAX: i64 = i64::MAX / 86_400;

/// Single trades of one base candle: a day of minutes of it fits 32 bits. A print that would exceed
/// it is rejected as `overflow`.
pub const TRADES_MAX: u32 = u32::MAX / 1_440;

/// Late prints one symbol may hold until the next pulse. Beyond, they are not applied but leave
/// their ids missing, so a gap opens and the repair by id brings them back.
pub const LATE_MAX: usize = 65_536;

/// Candles of the venue one row may hold until they can be compared. At the limit the oldest
/// gives way and is counted.
pub const PENDING_CANDLES_MAX: usize = 4_096;

/// Decisions about the venue's candles that one row may hold until they are applied: one for each
/// candle that waits, and one for its neighbour. No more are made while any waits for room.
pub const DECIDED_MAX: usize = 2 * PENDING_CANDLES_MAX;

/// The longest that an answer of several pages is waited for before it is looked at what it lacks,
/// in nanoseconds of the venue's time, where nothing says that it has ended.
pub const ANSWER_MAX_NS: u64 = 600_000_000_000;

const _: () = assert!(CHECKPOINT_EVERY > 0 && GAPS_MAX > 1);
const _: () = assert!(EARLIEST_NS < LATEST_NS);
