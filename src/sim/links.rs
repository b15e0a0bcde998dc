//! The connections that are open, and what is on its way to each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::subscriptions::{Stream, Wishes};
use super::text::TimeUnit;

/// Messages that may wait for a connection that reads too slowly; then it is cut, as the venue
/// would do. Some 200 bytes each.
pub(super) const BACKLOG_MAX: usize = 200_000;

/// What a connection is told to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Send these messages.
    Send(Vec<Utf8Bytes>),
    /// Close with this code, or without a word where it is 0.
    Close(u16, &'static str),
    /// Send half a frame of this text and end.
    CutFrame(Utf8Bytes),
    /// Send half a frame of this text and reset the connection.
    Reset(Utf8Bytes),
    /// Send a message of so many bytes.
    Oversized(u64),
}

/// One open connection, as the exchange sees it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) wishes: Wishes,
    /// The streams of the wishes that bring something, ascending.
    pub(super) streams: Vec<Stream>,
    to: UnboundedSender<Order>,
    /// Messages sent and not yet written.
    backlog: Arc<AtomicUsize>,
    /// It fell too far behind and gets nothing more.
    lost: bool,
    /// Messages of this instant.
    out: Vec<Utf8Bytes>,
    /// The last message, for those who send it again.
    pub(super) last: Option<Utf8Bytes>,
}

impl Link {
    pub(super) fn new(
        wishes: Wishes,
        to: UnboundedSender<Order>,
        backlog: Arc<AtomicUsize>,
    ) -> Self {
        let (streams, out) = (Vec::new(), Vec::new());
        Self { wishes, streams, to, backlog, lost: false, out, last: None }
    }

    /// Adds a message to those of this instant.
    pub(super) fn push(&mut self, text: Utf8Bytes) {
        self.out.push(text);
    }

    /// How many messages of this instant there are.
    pub(super) fn messages(&self) -> usize {
        self.out.len()
    }

    /// Forgets the messages of this instant.
    pub(super) fn drop_messages(&mut self) {
        self.out.clear();
    }

    /// Hands over the messages of this instant; false if the connection has just fallen too far
    /// behind.
    pub(super) fn flush(&mut self) -> bool {
        if self.lost || self.out.is_empty() {
            self.out.clear();
            return true;
        }
        if self.backlog.load(Ordering::Relaxed) + self.out.len() > BACKLOG_MAX {
            self.lost = true;
            self.out.clear();
            return false;
        }
        self.last = self.out.last().cloned();
        self.backlog.fetch_add(self.out.len(), Ordering::Relaxed);
        let messages = std::mem::take(&mut self.out);
        self.order(Order::Send(messages));
        true
    }

    /// Gives an order; a connection that is gone does not hear it.
    pub(super) fn order(&self, order: Order) {
        drop(self.to.send(order));
    }
}

/// All open connections by number.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: Vec<Option<Link>>,
    scratch: String,
}

impl Links {
    /// Takes in a connection and numbers it.
    pub(super) fn open(&mut self, link: Link) -> u32 {
        self.links.push(Some(link));
        self.links.len() as u32 - 1
    }

    /// Forgets a connection.
    pub(super) fn close(&mut self, number: u32) -> Option<Link> {
        self.links.get_mut(number as usize)?.take()
    }

    /// An open connection.
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Link> {
        self.links.get_mut(number as usize)?.as_mut()
    }

    /// All open connections.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Link)> {
        let numbered = self.links.iter_mut().enumerate();
        numbered.filter_map(|(number, link)| Some((number as u32, link.as_mut()?)))
    }

    /// Adds one message to every connection in `to`. The payload is written at most once per
    /// form that these connections want, and its bytes are shared.
    pub(super) fn deliver(
        &mut self,
        to: &[u32],
        stream: (&str, &str),
        write: &dyn Fn(&mut String, TimeUnit),
    ) {
        let mut forms: [Option<Utf8Bytes>; 4] = Default::default();
        for number in to {
            let Some(link) = self.links[*number as usize].as_mut() else { continue };
            let unit = link.wishes.unit;
            let form = usize::from(link.wishes.combined) << 1 | usize::from(unit == TimeUnit::Us);
            let text = forms[form].get_or_insert_with(|| {
                let text = &mut self.scratch;
                text.clear();
                if link.wishes.combined {
                    text.push_str("{\"stream\":\"");
                    text.push_str(stream.0);
                    text.push_str(stream.1);
                    text.push_str("\",\"data\":");
                    write(text, unit);
                    text.push('}');
                } else {
                    write(text, unit);
                }
                Utf8Bytes::from(text.as_str())
            });
            link.push(text.clone());
        }
    }
}
