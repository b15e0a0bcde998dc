//! A drive's connections: which sockets speak for them, and what is to be done when they come and
//! go.

use systems::units::Nanos;

use super::{Drive, Ports};
use crate::link::{self, Output, Why};
use crate::live::event::{Command, Socket};
use crate::live::record::Kept;
use crate::tape::entry::Body;
use crate::venue::Channel;

/// Who speaks for a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Speaker {
    /// Whether anybody does.
    pub(super) open: bool,
    /// How many sockets there were.
    pub(super) turn: u32,
    /// Whether the connection was made.
    pub(super) connected: bool,
}

impl<P: Ports> Drive<P> {
    /// Whether a socket is the one that speaks for its connection now.
    pub(super) fn speaks(&self, socket: Socket) -> bool {
        let Speaker { open, turn, .. } = self.sockets[usize::from(socket.link)];
        open && turn == socket.turn
    }

    /// Does what the fleet wants done.
    pub(super) fn carry_out(&mut self, at: Nanos) {
        while let Some(output) = self.parts.fleet.poll() {
            match output {
                Output::Dial { link, url } => {
                    let known = self.sockets.len().max(usize::from(link) + 1);
                    self.sockets.resize(known, Speaker::default());
                    let speaker = &mut self.sockets[usize::from(link)];
                    let turn = speaker.turn + 1;
                    *speaker = Speaker { open: true, turn, connected: false };
                    self.ports.command(Command::Dial(Socket { link, turn }, url));
                }
                Output::Send { link, text } => {
                    self.ports.command(Command::Send(self.socket(link), text));
                }
                Output::Ping { link } => self.ports.command(Command::Ping(self.socket(link))),
                // The socket has answered by itself.
                Output::Pong { .. } => {}
                Output::Close { link } => {
                    let socket = self.socket(link);
                    self.sockets[usize::from(link)].open = false;
                    self.ports.command(Command::Close(socket));
                }
                Output::Event(event) => self.happened(&event, at),
            }
        }
    }

    pub(super) fn socket(&self, link: u16) -> Socket {
        Socket { link, turn: self.sockets[usize::from(link)].turn }
    }

    fn happened(&mut self, event: &link::Event, at: Nanos) {
        match event {
            link::Event::Subscribed { link, .. } => {
                self.beginnings.subscribed(self.parts.fleet.symbols_of(*link), at);
                self.feed(*link, true, "subscribed", at);
            }
            link::Event::Down { link, why, .. } if !self.sockets[usize::from(*link)].connected => {
                log::warn!("connection {link} is not made: {why}");
                self.status.dials_failed += 1;
            }
            link::Event::Down { link, why, covered: false } => {
                log::warn!("connection {link}: {why}");
                self.status.lost += u64::from(*why != Why::Stopped);
                self.feed(*link, false, &why.to_string(), at);
            }
            link::Event::Joined { symbol, .. } => {
                self.beginnings.subscribed([*symbol], at);
                self.enter(at, Kept::Plain(Body::Feed { symbol: *symbol, up: true }));
            }
            link::Event::Refused { symbol, stream, code, .. } => {
                log::warn!("{stream} was refused ({code})");
                // Without its candles a symbol is as good as before: they are asked for.
                let venue = self.parts.listing.venue;
                if *stream == venue.stream_of(Channel::AggregateTrades, &self.name(*symbol)) {
                    self.enter(at, Kept::Plain(Body::Feed { symbol: *symbol, up: false }));
                }
            }
            other => log::debug!("{other:?}"),
        }
    }

    /// A connection's change is one for each of its symbols, whichever of its two numbers it has.
    fn feed(&mut self, link: u16, up: bool, reason: &str, at: Nanos) {
        self.enter(at, Kept::Link(link, up, reason.to_owned()));
        let symbols: Vec<_> = self.parts.fleet.symbols_of(link).collect();
        for symbol in symbols {
            self.enter(at, Kept::Plain(Body::Feed { symbol, up }));
        }
    }
}
