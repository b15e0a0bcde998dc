//! Over loopback: a thread that sends frames when they are due, the live socket and the live
//! inbox, and the engine on the caller's thread.
//!
//! What is no frame (heartbeats, answers, links) goes the same way as a mark, so that everything
//! keeps its order; how many came says which entry each is.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::SinkExt;
use systems::units::Nanos;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::harness::Harness;
use super::{Load, ProfileError, Run, Schedule};
use crate::latency::{Ask, Kind, Stage};
use crate::live::event::{Event, Socket};
use crate::live::inbox::inbox;
use crate::live::limits::{BATCH, DIAL, INBOX};
use crate::live::record::{Kept, Recorded};
use crate::live::socket::{self, Shared};
use crate::tape::entry::{Body, Entry};

/// Stands for an entry that is no frame.
const MARK: &str = "\u{1}";

/// Frames that are written before they are flushed, at most; fewer if no more are due.
const FLUSH: usize = 64;

/// Gaps that are too short to sleep through.
const NAP_NS: u64 = 20_000;

/// How often the load looks whether the engine has folded what went ahead.
const LOOK: Duration = Duration::from_micros(100);

/// Runs a load to its end.
pub(super) fn run(
    load: &Load,
    schedule: &Schedule,
    harness: Harness,
    clock: &Ask,
) -> Result<Run, ProfileError> {
    let sent: Vec<AtomicU64> = load.entries().iter().map(|_| AtomicU64::new(0)).collect();
    let start = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (serving, reading) = (runtime()?, runtime()?);
    let listener = serving.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let url = format!("ws://{}", listener.local_addr()?);
    let (inbox, mut events) = inbox(INBOX);
    let shared = Shared { inbox, clock: clock.clone(), tls: None };
    std::thread::scope(|scope| {
        let sender = Sending { entries: load.entries(), schedule, clock, sent: &sent };
        let (started, stopped) = (&start, &stop);
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        named("load").spawn_scoped(scope, move || {
            let served = serving.block_on(sender.serve(&listener, started, stopped));
            if let Err(error) = served {
                log::debug!("the load ended: {error}");
            }
        })?;
        named("sockets").spawn_scoped(scope, move || {
            let (_keep, outgoing) = mpsc::channel(1);
            reading.block_on(socket::run(Socket { link: 0, turn: 1 }, url, outgoing, shared));
        })?;
        let receiving =
            Receiving { load, schedule, clock, sent: &sent, start: &start, at: 0, harness };
        let run = receiving.run(&mut events);
        // Whoever still sends or reads has nobody left to do it for.
        stop.store(true, Ordering::Relaxed);
        drop(events);
        run
    })
}

/// The side that has the clock.
struct Sending<'a> {
    entries: &'a [Recorded],
    schedule: &'a Schedule,
    clock: &'a Ask,
    sent: &'a [AtomicU64],
}

impl Sending<'_> {
    async fn serve(
        &self,
        listener: &TcpListener,
        started: &AtomicU64,
        stopped: &AtomicBool,
    ) -> io::Result<()> {
        precise();
        let accepted = tokio::time::timeout(DIAL, listener.accept()).await;
        let (stream, _) = accepted.map_err(io::Error::other)??;
        stream.set_nodelay(true)?;
        let accepted = tokio_tungstenite::accept_async(stream).await;
        let mut stream = accepted.map_err(io::Error::other)?;
        let (mut start, mut unflushed) = (Nanos(0), 0);
        for (at, entry) in self.entries.iter().enumerate() {
            if at == self.schedule.ahead() {
                stream.flush().await.map_err(io::Error::other)?;
                start = self.start(started, stopped);
            }
            if let Some(due) = self.schedule.due(at, start)
                && due > (self.clock)()
            {
                stream.flush().await.map_err(io::Error::other)?;
                unflushed = 0;
                self.nap(due);
            }
            if stopped.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.sent[at].store((self.clock)().0, Ordering::Release);
            stream.feed(message(entry)).await.map_err(io::Error::other)?;
            unflushed += 1;
            if unflushed == FLUSH {
                unflushed = 0;
                stream.flush().await.map_err(io::Error::other)?;
            }
        }
        self.end(stream).await
    }

    /// The reader has all of it before the connection ends.
    async fn end(
        &self,
        mut stream: tokio_tungstenite::WebSocketStream<TcpStream>,
    ) -> io::Result<()> {
        stream.close(None).await.map_err(io::Error::other)
    }

    /// When what has its instants starts: now, or once all that went ahead was folded.
    fn start(&self, started: &AtomicU64, stopped: &AtomicBool) -> Nanos {
        if self.schedule.ahead() == 0 {
            started.store((self.clock)().0, Ordering::Release);
        }
        while started.load(Ordering::Acquire) == 0 && !stopped.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
        Nanos(started.load(Ordering::Acquire))
    }

    fn nap(&self, due: Nanos) {
        loop {
            let left = due.0.saturating_sub((self.clock)().0);
            match left {
                0 => return,
                1..NAP_NS => core::hint::spin_loop(),
                left => std::thread::sleep(Duration::from_nanos(left - NAP_NS / 2)),
            }
        }
    }
}

fn message(entry: &Recorded) -> Message {
    Message::Text(match &entry.body {
        Kept::Frame(_, text) => text.clone(),
        _ => Utf8Bytes::from_static(MARK),
    })
}

/// Sleeps end when they should, not up to 50 us later.
#[cfg(target_os = "linux")]
fn precise() {
    let _ = rustix::thread::set_current_timer_slack(core::num::NonZeroU64::new(1));
}

#[cfg(not(target_os = "linux"))]
fn precise() {}

/// The engine's side.
struct Receiving<'a> {
    load: &'a Load,
    schedule: &'a Schedule,
    clock: &'a Ask,
    sent: &'a [AtomicU64],
    start: &'a AtomicU64,
    /// Entries taken so far.
    at: usize,
    harness: Harness,
}

impl Receiving<'_> {
    fn run(mut self, inbox: &mut mpsc::Receiver<Event>) -> Result<Run, ProfileError> {
        let all = self.load.entries().len();
        let mut events = Vec::with_capacity(BATCH);
        while self.at < all {
            let cut_off = |done, why: String| ProfileError::CutOff { done, all, why };
            if inbox.blocking_recv_many(&mut events, BATCH) == 0 {
                return Err(cut_off(self.at, "nothing more comes".to_owned()));
            }
            // Room that was made by taking these may be full again.
            let waiting = (events.len() + inbox.len()).min(INBOX) as u64;
            let market = self.harness.market();
            self.harness.meter.note(Stage::InboxSize, Kind::All, waiting, market);
            self.harness.meter.drained();
            for event in events.drain(..) {
                match event {
                    Event::Frame(_, at, text) if self.at < all => self.take(at, &text),
                    // It ends after the last entry, too.
                    Event::Closed(_, _, why) if self.at < all => {
                        return Err(cut_off(self.at, why.to_string()));
                    }
                    _ => {}
                }
            }
            self.harness.step();
            if self.at == self.schedule.ahead() && self.at > 0 {
                self.start.store((self.clock)().0, Ordering::Release);
            }
        }
        let start = Nanos(self.start.load(Ordering::Acquire));
        Ok(self.harness.finish(start))
    }

    fn take(&mut self, received: Nanos, text: &Utf8Bytes) {
        let start = Nanos(self.start.load(Ordering::Acquire));
        let sent = Nanos(self.sent[self.at].load(Ordering::Acquire));
        let due = self.schedule.due(self.at, start).unwrap_or(sent);
        let recorded = &self.load.entries()[self.at];
        let entry = match recorded.body {
            Kept::Frame(link, _) => {
                let body = Body::Frame { link, text: text.as_bytes() };
                Entry { received: recorded.received, body }
            }
            _ => recorded.entry(),
        };
        self.at += 1;
        let kind = self.harness.take(&entry, due, received);
        let market = self.harness.market();
        let meter = &mut self.harness.meter;
        meter.note(Stage::Send, kind, sent.0.saturating_sub(due.0), market);
        meter.note(Stage::Transfer, kind, received.0.saturating_sub(sent.0), market);
    }
}
