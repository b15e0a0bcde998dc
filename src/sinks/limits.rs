//! Every bound on the way of alerts: its unit, its reason, and what happens at it.

use std::time::Duration;

/// Parcels of alerts between the engine's thread and the courier's. The courier waits for
/// a disk alone, so only one that is stuck for long fills it; what comes then is counted as dropped
/// and logged, and the engine never waits.
pub const HANDED: usize = 16_384;

/// How long an alert waits until what it follows from is on tape. A recorder that is so far behind
/// is about to be given up, and the alert is worth more than its order on the disk.
pub const ON_TAPE: Duration = Duration::from_secs(5);

/// How often the courier looks whether it is.
pub const ON_TAPE_PAUSE: Duration = Duration::from_millis(2);

/// Alerts that wait to be shown, by the panel or as lines. Beyond it they are counted, and the
/// count is shown; sinks have them all the same.
pub const SCREEN: usize = 4_096;

/// Keys of the newest alerts that a sink remembers: what it has had is not taken again. It must
/// hold what one pulse can say.
pub const RECENT: usize = 4_096;

/// How far the venue's clock may be behind ours, in nanoseconds. Alerts have its time, and a sink
/// that is begun now takes what was told since then by ours.
pub const SKEW_NS: u64 = 10_000_000_000;

/// Alerts of one sink in memory, from and to; what is more lies on the disk alone.
pub const QUEUE: std::ops::RangeInclusive<u64> = 1..=65_536;

/// The same unless a configuration says otherwise: more than a sink that works ever has.
pub const QUEUE_DEFAULT: usize = 256;

/// Bytes that what waits for one sink may take on the disk, from and to. Beyond it what is new is
/// refused, counted as lost, and logged.
pub const BUDGET: std::ops::RangeInclusive<u64> = 64 << 10..=1 << 40;

/// The same unless a configuration says otherwise: some ten thousand alerts.
pub const BUDGET_DEFAULT: u64 = 64 << 20;

/// Bytes of what was delivered that a sink's file may hold before it is written anew, unless most
/// of the file still waits.
pub const DONE_MAX: u64 = 1 << 20;

/// How long one delivery may take, in nanoseconds, from and to.
pub const TIMEOUT_NS: std::ops::RangeInclusive<u64> = 100_000_000..=60_000_000_000;

/// The same unless a configuration says otherwise.
pub const TIMEOUT_DEFAULT_NS: u64 = 10_000_000_000;

/// The pause after the first failure of a delivery; it doubles with each further one.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(250);

/// How often a sink's thread that waits looks whether the session ends.
pub const LOOK: Duration = Duration::from_millis(50);

/// The longest such pause: a sink that comes back is found within it.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// The longest pause that a sink's own word (`Retry-After`) is obeyed for. One that asks for more
/// is asked again then.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Bytes of an answer that are read. What matters of it is short.
pub const ANSWER_MAX: usize = 16 << 10;

/// Characters of an answer that are told.
pub const EXCERPT: usize = 200;

/// Characters of a text for Discord, which refuses longer ones; Telegram and Slack take more.
pub const TEXT_MAX: usize = 1_900;

/// Sinks of a session, each with a thread.
pub const SINKS_MAX: usize = 16;

/// How long the sinks may take to deliver what is queued when the session ends; what is left is on
/// the disk, and goes out at the next start.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How long a sink may take to break off what it is at, after that. One that does not is left
/// behind.
pub const BREAK_OFF: Duration = Duration::from_secs(1);
