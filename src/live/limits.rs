//! Every bound of a live session: its unit, its reason, and what happens at it.

use std::time::Duration;

use systems::units::Nanos;

use crate::link::limits::TICK_NS;

/// Events that wait for the engine. At 20,000 prints per second this is most of a second: what a
/// venue or a network holds up for so long comes at once. When it is full, sockets are not read
/// until there is room, and nothing is dropped. Room is taken as it fills, some 300 bytes an event.
pub const INBOX: usize = 16_384;

/// Events that the engine takes at once. Larger steps save nothing more, and hold up the heartbeat.
pub const BATCH: usize = 1_024;

/// One step in so many is timed in all its stages and counts for the others: looking at the clock
/// at each stage would take as long as a small step does. What is rare and matters is always told.
pub const TIMED: u32 = 2_048;

/// Alerts of a step, or of all tapes of earlier sessions, that wait to be handed to sinks. Of more
/// than twice as many the oldest go: they were told long before the earlier session ended.
pub const TOLD: usize = 16_384;

/// Commands that wait for the sockets. When it is full, the engine waits: the sockets' side never
/// waits for the engine, so this always ends.
pub const COMMANDS: usize = 1_024;

/// Texts that wait to be sent over one socket. A socket that takes none any more is closed.
pub const OUTGOING: usize = 64;

/// Entries that wait to be recorded: most of a second at 20,000 prints per second. When it is full,
/// the engine waits for the disk, and the sockets for the engine, but no longer than
/// [`RECORDER_WAIT`].
pub const RECORDER: usize = 16_384;

/// How long the engine waits for room in that queue. A disk that takes nothing for so long is
/// slower than the stream, or gone: the recording is given up, and the session goes on.
pub const RECORDER_WAIT: Duration = Duration::from_secs(4);

/// How often it looks for room.
pub const RECORDER_PAUSE: Duration = Duration::from_millis(1);

/// How long the last tape may take to be sealed and brought to the disk, which others may keep
/// busy. It is less than [`DRAIN_TAPE`], so a stuck disk costs the tape and not the summary.
pub const SEAL: Duration = Duration::from_secs(15);

/// Bytes of answers that may come in a second. A candle takes about 150, and a pulse folds some
/// 30,000 of them with seven indicators in 50 ms; a print takes about 110, and as many are folded
/// in 20 ms. What comes over sockets waits that long, and more answers wait their turn.
pub const ANSWER_ROOM: usize = 4 << 20;

/// How long an answer keeps its place, in nanoseconds: a pulse comes every second.
pub const ANSWER_ROOM_NS: u64 = Nanos::PER_SECOND;

/// Jobs and answers between the engine and the REST worker. What does not fit waits in a list that
/// the core bounds: it asks for one thing per row and kind at a time.
pub const REST: usize = 64;

/// How long entries are gathered before a block goes to the operating system, in nanoseconds. That
/// is what a killed program loses, and what is queued while a write is held up: less than a second
/// unless the disk stalls.
pub const FLUSH_NS: u64 = 500 * Nanos::PER_MS;

/// The same where no entry comes to tell the time.
pub const FLUSH: Duration = Duration::from_nanos(FLUSH_NS);

/// How often a tape is brought to the disk (`fsync`), in nanoseconds; each is once more when it is
/// sealed. That is what a machine loses that is switched off. More often would make a disk of our
/// neighbours' slow for entries that the venue has too: a hole is repaired by id.
pub const SYNC_NS: u64 = 60 * Nanos::PER_SECOND;

/// Files that wait to be brought to the disk. When it is full, the one being written is left out
/// until the next time, and a sealed one is waited for.
pub const SYNCS: usize = 2;

/// How far earlier tapes may end ahead of the present, in nanoseconds. Instants on tapes never step
/// back, so a session that goes on from them would stand still until then.
pub const AHEAD_NS: u64 = 5 * Nanos::PER_SECOND;

/// Symbols without a print for so long after their streams were acknowledged are asked for their
/// last one, in nanoseconds. Sooner would ask for many that are about to trade.
pub const UNHEARD_NS: u64 = 10 * Nanos::PER_SECOND;

/// Heads that are fetched at once; others wait, and most of them become needless meanwhile.
pub const HEADS: usize = 8;

/// How long the start waits for an answer before it says why there is none, each time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often the venue is asked for its time, in nanoseconds; frames tell in between.
pub const TIME_NS: u64 = 60 * Nanos::PER_SECOND;

/// How long after its end the venue's own candle has surely come over its stream and been compared,
/// in nanoseconds: closing messages come up to two seconds late, and comparing takes two pulses.
pub const STREAM_NS: u64 = 5 * Nanos::PER_SECOND;

/// The 100 ms beat: fleets, heartbeats, and the state that is shown.
pub const TICK: Duration = Duration::from_nanos(TICK_NS);

/// Bytes that a socket reads at once. Larger frames grow it for themselves.
pub const READ_BUFFER: usize = 16 << 10;

/// Bytes of the largest message: an entry of a tape holds no more.
pub const MESSAGE_MAX: usize = 1 << 20;

/// How long an address, TLS and the upgrade may take together; the fleet gives up after as long.
pub const DIAL: Duration = Duration::from_secs(15);

/// How long everything that is needed before dialling may take: three answers of some megabytes,
/// with tries of a minute each.
pub const START: Duration = Duration::from_secs(180);

/// How long `doctor` waits for the same answers: whoever asks wants to know soon.
pub const SURVEY: Duration = Duration::from_secs(30);

/// Requests that fail before `doctor` gives the venue up.
pub const SURVEY_FAILURES: u64 = 3;

/// How long the engine may take to fold what is in the inbox when the session ends. Whoever does
/// not want to wait for any of this sends a second signal.
pub const DRAIN_INBOX: Duration = Duration::from_secs(15);

/// How long its last pulses may take: candles that wait for room take some.
pub const DRAIN_ENGINE: Duration = Duration::from_secs(15);

/// How long sinks may take to deliver what is queued; they give up before, and what they lack then
/// goes out at the next start.
pub const DRAIN_SINKS: Duration = Duration::from_secs(10);

/// How long the tape may take. The recorder gives itself up before, so a stuck disk costs the tape
/// and not the summary.
pub const DRAIN_TAPE: Duration = Duration::from_secs(20);

/// How long requests may take to be broken off.
pub const DRAIN_REQUESTS: Duration = Duration::from_secs(2);

/// How often the state is shown.
pub const SHOW: Duration = Duration::from_millis(250);

/// Clients whose questions for numbers are answered at once; more wait.
pub const METRICS_CLIENTS: usize = 64;

/// How long one of them may take to say what it wants.
pub const METRICS_HEAD: Duration = Duration::from_secs(1);

/// How long one of them may take.
pub const METRICS_WITHIN: Duration = Duration::from_secs(5);

/// The pause after a client could not be taken, as where the machine has no more sockets.
pub const METRICS_PAUSE: Duration = Duration::from_secs(1);

/// How often what only Prometheus is told is counted, in nanoseconds: it means a look at every row.
pub const TALLY_NS: u64 = Nanos::PER_SECOND;

const _: () = assert!(RECORDER_WAIT.as_secs() < DRAIN_INBOX.as_secs());
const _: () = {
    let sinks = crate::sinks::limits::DRAIN.as_secs() + crate::sinks::limits::BREAK_OFF.as_secs();
    assert!(sinks < DRAIN_SINKS.as_secs());
};
const _: () = assert!(SEAL.as_secs() < DRAIN_TAPE.as_secs());
