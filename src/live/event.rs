//! Everything that can wake the engine: a closed list. And what it asks of the sockets.

use systems::units::Nanos;
use tokio::sync::OwnedSemaphorePermit;

use super::socket::Text;
use crate::link::Why;
use crate::rest::arrival::Arrival;
use crate::venue::binance::{DayStatistics, Instrument};

/// Which socket speaks: the fleet numbers connections anew from the same few numbers, so a late
/// word of an old one must not pass for the new one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The fleet's number.
    pub link: u16,
    /// Counts the sockets that had this number.
    pub turn: u32,
}

/// Something for the engine. Instants are of our steady clock.
#[derive(Debug)]
pub enum Event {
    /// A frame was received.
    Frame(Socket, Nanos, Text),
    /// A connection is open.
    Connected(Socket, Nanos),
    /// A connection is gone or could not be made. Nothing more comes from it.
    Closed(Socket, Nanos, Why),
    /// The venue pinged with this payload; the socket has answered.
    Ping(Socket, Nanos, Box<[u8]>),
    /// The venue answered a ping of ours.
    Pong(Socket, Nanos),
    /// The REST worker has something.
    Arrival(Arrival),
    /// An answer among them, and the place that it has until it is folded.
    Answer(Arrival, OwnedSemaphorePermit),
    /// What the venue lists, asked for while the session runs.
    Instruments(Nanos, Vec<Instrument>),
    /// What was traded in the last 24 hours, asked for with it.
    Days(Nanos, Vec<DayStatistics>),
    /// Time passes.
    Tick {
        /// It is this late.
        at: Nanos,
        /// Since the last tick a socket had to wait for room in the inbox.
        full: bool,
    },
    /// Fold what came before this, and end.
    Stop,
}

/// Something for the sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a connection.
    Dial(Socket, String),
    /// Send a text.
    Send(Socket, String),
    /// Send a ping.
    Ping(Socket),
    /// Drop it.
    Close(Socket),
}
