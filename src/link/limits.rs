//! Every bound of a connection: its unit, its reason, and what happens at it.
//!
//! What a venue sets is in its own folder; this is what we set ourselves.

use systems::units::Nanos;

const MS: u64 = Nanos::PER_MS;
const SECOND: u64 = Nanos::PER_SECOND;
const MINUTE: u64 = 60 * SECOND;

/// How often the caller should call `tick`. Everything that waits is late by up to this.
pub const TICK_NS: u64 = 100 * MS;

/// From dialling until the connection is up: address, TLS and upgrade have 5 s each elsewhere.
/// Longer is given up and dialled again.
pub const CONNECT_NS: u64 = 15 * SECOND;

/// Without any frame for so long, we send a ping. A server that lives answers within a round
/// trip, however quiet its market is.
pub const PROBE_AFTER_NS: u64 = 5 * SECOND;

/// Without any frame for so long after our ping, the connection is dead and closed. Together with
/// the above a half-open connection lasts ten seconds.
pub const PROBE_WAIT_NS: u64 = 5 * SECOND;

/// A command without an answer for so long is sent once more, and the second time the connection
/// is closed.
pub const ACK_WAIT_NS: u64 = 5 * SECOND;

/// Messages per span that commands leave free, for pongs and probes.
pub const MESSAGES_FOR_PONGS: usize = 1;

/// Messages per span that are never used: the venue counts arrivals, and the network can move two
/// seconds' messages into one.
pub const MESSAGES_SPARE: usize = 1;

/// How much longer than the venue's span we count messages, in percent; for the same reason.
pub const MESSAGES_SPAN_PERCENT: u64 = 120;

/// Share of the venue's connection attempts that we use: others may share our address.
pub const ATTEMPTS_PERCENT: usize = 50;

/// Attempts that each connection of a fleet must be able to make within the venue's span: one to
/// start and three more while the network flaps. A plan with more connections is refused.
pub const ATTEMPTS_PER_LINK: usize = 4;

/// The wait before the first new attempt is up to this, twice it before the second, and so on.
pub const BACKOFF_BASE_NS: u64 = 250 * MS;

/// The longest such wait; half of it on average, so a venue that flaps sees two attempts a minute.
pub const BACKOFF_MAX_NS: u64 = MINUTE;

/// The shortest wait after a refusal that will not mend by itself: a bad certificate, a policy.
pub const REFUSED_WAIT_NS: u64 = MINUTE;

/// The longest wait that a venue may ask us for. A longer one is cut to this.
pub const RETRY_AFTER_MAX_NS: u64 = 3 * Nanos::PER_DAY;

/// Prints must have flowed for so long before waits begin anew from the shortest: a venue that
/// accepts and drops must not be dialled in a circle.
pub const GOOD_NS: u64 = MINUTE;

/// Connections are replaced so long before the venue would cut them, or up to twice as long.
pub const ROTATE_BEFORE_NS: u64 = 60 * MINUTE;

/// The old and the new connection run side by side at least so long: what the venue had sent over
/// the old one when it began to send over the new one must have arrived.
pub const OVERLAP_MIN_NS: u64 = 3 * SECOND;

/// They run side by side at most so long after the new one has all its streams; then the old one
/// is closed, and the symbols for which both never had the same print are counted.
pub const OVERLAP_MAX_NS: u64 = MINUTE;

/// At least so long lies between two replacements that a watch asked for: if a new connection is
/// no better, the fault is elsewhere.
pub const REPLACE_EVERY_NS: u64 = 10 * MINUTE;

/// Prints of one symbol so close together count as one: a burst says nothing about the next pause.
pub const PACE_STEP_NS: u64 = 250 * MS;

/// Over so long a past is the pace of prints averaged, in nanoseconds. Markets calm down within
/// hours, so much longer would take a quiet evening for a fault.
pub const PACE_PAST_NS: u64 = 20 * MINUTE;

/// Over so long is the longest silence that ended by itself remembered.
pub const LONGEST_PAST_NS: u64 = Nanos::PER_DAY;

/// How improbable a silence must be, if prints still came at their pace, to be called a silence.
/// With a thousand symbols looked at every second, this is one false alarm in weeks.
pub const SILENCE_CHANCE: f64 = 1e-9;

/// A silence this many times as long as one that ended by itself is allowed.
pub const LONGEST_TIMES: u64 = 2;

/// Weight in nanoseconds of a pace told in advance: as if it had been watched for so long.
pub const EXPECTED_WEIGHT_NS: u64 = 5 * MINUTE;

/// A symbol is never called silent before this.
pub const SYMBOL_SILENT_MIN_NS: u64 = 30 * SECOND;

/// A symbol that never had a print and whose pace nobody told is called silent after this.
pub const SYMBOL_UNHEARD_NS: u64 = 10 * MINUTE;

/// A connection is never called silent before this.
pub const LINK_SILENT_MIN_NS: u64 = 10 * SECOND;

/// A connection that never brought a print is called silent after this. Doubles each time, as the
/// limits of silence do, up to 64 times: its symbols may be that quiet.
pub const LINK_UNHEARD_NS: u64 = MINUTE;

/// Doublings of a connection's limit of silence.
pub const LINK_DOUBLINGS_MAX: u32 = 6;

/// If this share of the symbols that can be judged is silent while the connection lives, in
/// percent, it is replaced.
pub const MANY_SILENT_PERCENT: usize = 50;

/// And at least so many: one or two symbols are halted now and then.
pub const MANY_SILENT_MIN: usize = 3;

/// Symbols of one connection whose streams are asked for anew at one look. Those beyond only make
/// an event: if they are many, the connection is replaced.
pub const ASKED_ANEW_MAX: usize = 20;

/// Symbols are looked at this often.
pub const LOOK_NS: u64 = SECOND;

/// Lateness is the smallest within so long: what is late on its own is no sign.
pub const LAG_WINDOW_NS: u64 = 5 * SECOND;

/// Frames later than this, in nanoseconds, mean that the connection falls behind.
pub const LAG_MAX_NS: i64 = 5_000_000_000;

/// After so many late windows in a row the connection is replaced.
pub const LAG_WINDOWS: u32 = 6;

/// What a venue's clock and ours may drift apart, in parts per million: two bad crystals.
pub const DRIFT_PPM: u64 = 100;

/// The longest way of a frame that is assumed where no answer has told it.
pub const DELAY_ASSUMED_NS: i64 = 500_000_000;

/// Windows in a row that must contradict the measured offset before it is given up: one frame may
/// be stamped wrong, a clock that was set stays wrong.
pub const CONTRADICTIONS_MAX: u32 = 3;

const _: () = assert!(OVERLAP_MIN_NS < OVERLAP_MAX_NS && OVERLAP_MAX_NS < ROTATE_BEFORE_NS);
const _: () = assert!(SYMBOL_SILENT_MIN_NS > LINK_SILENT_MIN_NS);
