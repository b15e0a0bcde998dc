//! The engine's inbox: one bounded queue in which everything arrives in one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::event::Event;

/// Where events are put in. Whoever has one waits while the inbox is full.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    events: mpsc::Sender<Event>,
    full: Arc<AtomicBool>,
}

/// An inbox for so many events.
pub(crate) fn inbox(room: usize) -> (Sender, mpsc::Receiver<Event>) {
    let (events, receiver) = mpsc::channel(room);
    (Sender { events, full: Arc::default() }, receiver)
}

impl Sender {
    /// Puts an event in as soon as there is room; `false` if nobody takes events any more.
    pub(super) async fn put(&self, event: Event) -> bool {
        match self.events.try_send(event) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(event)) => {
                self.full.store(true, Ordering::Relaxed);
                self.events.send(event).await.is_ok()
            }
        }
    }

    /// How many events wait.
    pub(super) fn waiting(&self) -> usize {
        self.events.max_capacity() - self.events.capacity()
    }

    /// Whether somebody had to wait for room since the last time this was asked.
    pub(super) fn was_full(&self) -> bool {
        self.full.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::units::Nanos;

    #[tokio::test]
    async fn a_full_inbox_is_waited_for_and_noticed() {
        let (sender, mut receiver) = inbox(1);
        let tick = |ms| Event::Tick { at: Nanos::from_ms(ms), full: false };
        assert!(sender.put(tick(1)).await && !sender.was_full());
        let waiting = sender.clone();
        let second = tokio::spawn(async move { waiting.put(tick(2)).await });
        tokio::task::yield_now().await;
        assert!(receiver.recv().await.is_some() && receiver.recv().await.is_some());
        assert!(second.await.unwrap() && sender.was_full() && !sender.was_full());
        drop(receiver);
        assert!(!sender.put(tick(3)).await);
    }
}
