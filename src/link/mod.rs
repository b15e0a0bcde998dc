//! Connections as values: instants, frames and answers go in; actions and events come out.
//!
//! Nothing here opens a socket or asks a clock, so the whole life of a connection is tested as
//! tables and lived through in simulation. A [`Fleet`] holds all connections of one venue by a
//! [`Plan`]. Its caller owns the sockets and does three things:
//!
//! * it tells the fleet what happened (`connected`, `take`, `ping`, `closed`), and calls `tick`
//!   every [`limits::TICK_NS`];
//! * after each of these it carries out what [`Fleet::poll`] gives until there is no more;
//! * when it is given [`Output::Close`] or told the fleet `closed`, it tells nothing more about
//!   that socket. Connections are numbered anew from the same few numbers.
//!
//! Instants are of one clock that never goes back: the machine's time at start plus what a
//! monotonic clock has counted since. How far the venue's clock is from it is measured
//! ([`offset::VenueClock`]), so nothing depends on the machine's time being right.
//!
//! A frame costs a few stores: nothing is allocated, formatted or computed per print.

mod backoff;
mod commands;
mod connection;
mod fleet;
mod lag;
pub mod limits;
mod member;
pub mod offset;
mod overlap;
mod pace;
mod plan;
mod shard;
mod watch;
mod window;

use core::fmt;

use systems::trade::SymbolId;

pub use connection::Phase;
pub use fleet::{Fleet, LinkStatus};
pub use plan::{Plan, PlanError};

/// What a fleet wants done, or has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection and answer with `connected` or `closed`.
    Dial {
        /// Its number: two for each connection, as they are planned or added.
        link: u16,
        /// Where to.
        url: String,
    },
    /// Send a text.
    Send {
        /// Over which connection.
        link: u16,
        /// The text.
        text: String,
    },
    /// Send a ping.
    Ping {
        /// Over which connection.
        link: u16,
    },
    /// Answer a ping. A socket that does so by itself drops this; it is counted all the same.
    Pong {
        /// Over which connection.
        link: u16,
        /// What the ping held.
        payload: Box<[u8]>,
    },
    /// Drop the socket, whatever state it is in.
    Close {
        /// Which connection.
        link: u16,
    },
    /// Something to record and to show.
    Event(Event),
}

/// Something that happened to connections and symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection is open; its streams are not asked for yet.
    Up {
        /// Which connection.
        link: u16,
    },
    /// The venue has acknowledged all streams of a connection.
    Subscribed {
        /// Which connection.
        link: u16,
        /// Streams that were not refused.
        streams: usize,
    },
    /// A connection is gone, or could not be opened.
    Down {
        /// Which connection.
        link: u16,
        /// Why.
        why: Why,
        /// Whether another connection brings all of its symbols: then nothing is missed.
        covered: bool,
    },
    /// The venue has acknowledged a symbol that joined a connection which was up.
    Joined {
        /// Which connection.
        link: u16,
        /// Which symbol.
        symbol: SymbolId,
    },
    /// The venue refused one stream. The others of its command are not affected.
    Refused {
        /// Over which connection.
        link: u16,
        /// Whose stream.
        symbol: SymbolId,
        /// Its name.
        stream: String,
        /// The venue's error number.
        code: i64,
    },
    /// A symbol has had no print for longer than its pace explains, while others live. Its stream
    /// is asked for once more; whether it really traded can be known from the venue alone.
    Silent {
        /// Which symbol.
        symbol: SymbolId,
        /// For how long, in nanoseconds.
        silence_ns: u64,
        /// Its usual time between prints in nanoseconds; `None` if it never had one.
        usual_ns: Option<u64>,
    },
    /// A symbol that was called silent has a print again.
    Heard {
        /// Which symbol.
        symbol: SymbolId,
    },
    /// A connection gets a successor and goes on until that has taken over.
    Replacing {
        /// The present connection.
        old: u16,
        /// Its successor.
        new: u16,
        /// Why.
        why: Why,
    },
    /// The successor has taken over.
    Replaced {
        /// The connection that was closed.
        old: u16,
        /// Its successor.
        new: u16,
        /// Symbols for which both brought the same print.
        proven: usize,
        /// Symbols that had prints in the meantime, but none that both brought.
        unproven: usize,
    },
}

/// Why a connection ended, or is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Told by the caller: no connection could be made.
    Unreachable,
    /// Told by the caller: a certificate or an upgrade that will not mend by itself.
    NotAccepted,
    /// Told by the caller: the venue asked us to come back after so many nanoseconds.
    RetryAfter(u64),
    /// Told by the caller: the venue closed with this code.
    Closed(u16),
    /// Told by the caller: the connection broke.
    Broken,
    /// Told by the caller: what came is not what the protocol allows.
    Protocol,
    /// It took too long to come up.
    ConnectTimeout,
    /// No frame of any kind came, not even an answer to our ping.
    Dead,
    /// A command had no answer, twice.
    NoAnswer,
    /// Frames came, but no prints.
    Silent,
    /// It nears the age at which the venue would cut it.
    Age,
    /// The venue said that it will close.
    Notice,
    /// It falls behind.
    Lagging,
    /// Many of its symbols are silent.
    ManySilent,
    /// Its successor has taken over.
    Replaced,
    /// The fleet was stopped.
    Stopped,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::NotAccepted => "connection not accepted",
            Self::RetryAfter(ns) => {
                return write!(f, "told to wait {} s", ns.div_ceil(1_000_000_000));
            }
            Self::Closed(code) => return write!(f, "closed by the venue ({code})"),
            Self::Broken => "connection broken",
            Self::Protocol => "protocol violated",
            Self::ConnectTimeout => "no connection in time",
            Self::Dead => "no frame of any kind",
            Self::NoAnswer => "no answer to a command",
            Self::Silent => "no prints",
            Self::Age => "age",
            Self::Notice => "shutdown notice",
            Self::Lagging => "falling behind",
            Self::ManySilent => "many symbols silent",
            Self::Replaced => "replaced",
            Self::Stopped => "stopped",
        })
    }
}
