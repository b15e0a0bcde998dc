//! All sockets of a session: dialled, written to and dropped as the engine says.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::event::{Command, Event, Socket};
use super::inbox::Sender;
use super::limits::OUTGOING;
use super::socket::{self, Outgoing};
use super::{Clock, LiveError, Options};
use crate::config::Config;
use crate::link::Why;
use crate::tls::tls_config;

/// The sockets that are open or being opened.
pub(super) struct Sockets {
    shared: socket::Shared,
    open: HashMap<u16, Open>,
    tasks: JoinSet<()>,
}

struct Open {
    socket: Socket,
    outgoing: mpsc::Sender<Outgoing>,
    task: AbortHandle,
}

impl Sockets {
    pub(super) fn new(
        options: &Options,
        config: &Config,
        inbox: Sender,
        clock: Clock,
    ) -> Result<Self, LiveError> {
        let base = options.streams.as_deref().unwrap_or(options.venue.link_facts().base);
        let extra_ca = config.rest.ca.as_deref();
        let tls = base.starts_with("wss").then(|| tls_config(extra_ca)).transpose()?;
        let shared = socket::Shared { inbox, clock, tls };
        Ok(Self { shared, open: HashMap::new(), tasks: JoinSet::new() })
    }

    pub(super) fn carry_out(&mut self, command: Command) {
        match command {
            Command::Dial(socket, url) => {
                let (outgoing, texts) = mpsc::channel(OUTGOING);
                let life = socket::run(socket, url, texts, self.shared.clone());
                let task = self.tasks.spawn(life);
                if let Some(old) = self.open.insert(socket.link, Open { socket, outgoing, task }) {
                    old.task.abort();
                }
            }
            Command::Send(socket, text) => self.send(socket, Outgoing::Text(text)),
            Command::Ping(socket) => self.send(socket, Outgoing::Ping),
            Command::Close(socket) => {
                if let Some(open) = self.open.remove(&socket.link) {
                    open.task.abort();
                }
            }
        }
    }

    fn send(&mut self, socket: Socket, text: Outgoing) {
        let Some(open) = self.open.get(&socket.link).filter(|open| open.socket == socket) else {
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = open.outgoing.try_send(text) {
            open.task.abort();
            self.open.remove(&socket.link);
            let socket::Shared { inbox, clock, .. } = self.shared.clone();
            self.tasks.spawn(async move {
                inbox.put(Event::Closed(socket, clock(), Why::Broken)).await;
            });
        }
    }

    /// Whether one of them broke by a fault of ours, rather than by the venue's or the line's.
    pub(super) fn one_broke(&mut self) -> bool {
        let mut broke = false;
        while let Some(ended) = self.tasks.try_join_next() {
            broke |= ended.is_err_and(|error| error.is_panic());
        }
        broke
    }

    pub(super) fn close_all(&mut self) {
        self.open.drain().for_each(|(_, open)| open.task.abort());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::inbox::inbox;

    #[tokio::test]
    async fn a_socket_s_task_that_panics_is_noticed_and_one_that_is_dropped_is_not() {
        let (inbox, _events) = inbox(1);
        let clock: Clock = std::sync::Arc::new(|| systems::units::Nanos(0));
        let shared = socket::Shared { inbox, clock, tls: None };
        let mut sockets = Sockets { shared, open: HashMap::new(), tasks: JoinSet::new() };
        sockets.tasks.spawn(std::future::pending()).abort();
        tokio::task::yield_now().await;
        assert!(!sockets.one_broke());
        sockets.tasks.spawn(async { panic!("as it should") });
        tokio::task::yield_now().await;
        assert!(sockets.one_broke() && !sockets.one_broke());
    }
}
