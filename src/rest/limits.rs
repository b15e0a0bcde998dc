//! Every bound of asking over REST: its unit, its reason, and what happens at it.

use systems::units::Nanos;

/// The stretch over which weight is summed, in nanoseconds. Venues count by the minute of their
/// clock; a sliding minute keeps to that whatever their clock shows.
pub const WINDOW_NS: u64 = 60 * Nanos::PER_SECOND;

/// The smallest and the largest share of the venue's weight, in percent. Less could not carry
/// the heaviest request; a configuration beyond is held to these.
pub const SHARE_PERCENT: (u32, u32) = (10, 90);

/// How long nothing is sent after a 429 that does not say, in nanoseconds: a whole minute, after
/// which the venue counts anew.
pub const PAUSE_NS: u64 = 60 * Nanos::PER_SECOND;

/// Bounds of a pause after a 429, in nanoseconds. What the venue says is held to these.
pub const PAUSE_NS_MIN: u64 = Nanos::PER_SECOND;
/// See [`PAUSE_NS_MIN`].
pub const PAUSE_NS_MAX: u64 = 900 * Nanos::PER_SECOND;

/// Bounds of a ban, in nanoseconds: what the venue documents. A ban that does not say how long it
/// lasts takes the shortest, and twice as long each time in a row.
pub const BAN_NS_MIN: u64 = 120 * Nanos::PER_SECOND;
/// See [`BAN_NS_MIN`].
pub const BAN_NS_MAX: u64 = 3 * Nanos::PER_DAY;

/// How long nothing is sent after a 403, in nanoseconds: the venue's firewall is not to be argued
/// with.
pub const FIREWALL_NS: u64 = 300 * Nanos::PER_SECOND;

/// Jobs that wait. At the limit no more are taken from the channel, so its sender waits.
pub const QUEUE_MAX: usize = 16_384;

/// Requests under way at most. More would only wait at the venue, and each answer corrects what
/// is known of the weight.
pub const IN_FLIGHT_MAX: u32 = 8;

/// Ids of one job. Of a longer gap only the newest are asked for, the rest is unrecoverable: it
/// would cost minutes of weight for candles beyond any lookback.
pub const IDS_MAX: u64 = 2_000_000;

/// Answers in a row that do not bring the next id. After that the hole is unrecoverable.
pub const HOLE_TRIES: u32 = 3;

/// How long after its end a candle is settled at the venue, in nanoseconds. Asked for earlier,
/// its last trades may be missing.
pub const SETTLE_NS: u64 = 3 * Nanos::PER_SECOND;

/// A candle that ended longer ago than this and is not in the answer does not exist, in
/// nanoseconds.
pub const LATE_CANDLE_NS: u64 = 60 * Nanos::PER_SECOND;

/// How often a candle that just ended is asked for again when it is not there.
pub const LATE_CANDLE_TRIES: u32 = 3;

/// Tries in quick succession after a passing failure; then the job is parked.
pub const QUICK_TRIES: u32 = 5;

/// Tries of a parked job. At five minutes each, an outage of an hour loses nothing.
pub const PARKED_TRIES: u32 = 12;

/// Tries while the venue answers with nonsense. It rarely passes.
pub const NONSENSE_TRIES: u32 = 5;

/// Times that a job may be answered with "too many requests". The pause is the budget's; this
/// ends a venue that refuses one request for ever.
pub const LIMITED_TRIES: u32 = 10;

/// Jobs for the same ids after they were fetched: what the answers hold cannot be used.
pub const REPEATS_MAX: u32 = 3;

/// Bytes of a refusal's text that are kept for the log.
pub const EXCERPT_MAX: usize = 200;

/// Bytes of the body of a refusal. The rest is not read.
pub const REFUSAL_MAX: usize = 64 << 10;

const _: () = assert!(PAUSE_NS_MIN <= PAUSE_NS && PAUSE_NS <= PAUSE_NS_MAX);
const _: () = assert!(PAUSE_NS >= WINDOW_NS && BAN_NS_MIN < BAN_NS_MAX);
const _: () = assert!(SHARE_PERCENT.0 < SHARE_PERCENT.1 && SHARE_PERCENT.1 <= 100);
