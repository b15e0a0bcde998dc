//! From the REST worker into the inbox: answers no faster than the engine folds them beside trades.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::event::Event;
use super::inbox::Sender;
use super::limits::ANSWER_ROOM;
use super::refresh;
use crate::rest::arrival::{Arrival, News};
use crate::venue::Venue;

/// Hands on what the worker brings, until `stop` is dropped; gives how many arrivals it left then.
/// While the inbox is full, or has had its share of answers, the worker sends nothing new.
///
/// A step folds all answers that came since the one before it. A minute's weight may bring
/// thousands of them within a second, and that step would hold up every trade.
pub(super) fn forward(
    mut arrivals: mpsc::Receiver<Arrival>,
    inbox: Sender,
    venue: Venue,
    stop: oneshot::Receiver<()>,
) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut in_hand = 0;
        {
            let hand_on = pin!(hand_on(&mut arrivals, &inbox, venue, &mut in_hand));
            // Once it is told to stop, nothing more comes before the end or after it.
            tokio::select! {
                biased;
                _ = stop => {}
                () = hand_on => {}
            }
        }
        arrivals.close();
        while arrivals.try_recv().is_ok() {
            in_hand += 1;
        }
        in_hand
    })
}

async fn hand_on(
    arrivals: &mut mpsc::Receiver<Arrival>,
    inbox: &Sender,
    venue: Venue,
    in_hand: &mut usize,
) {
    let room = Arc::new(Semaphore::new(ANSWER_ROOM));
    while let Some(arrival) = arrivals.recv().await {
        *in_hand = 1;
        if let Some(event) = refresh::event(venue, arrival).await
            && !inbox.put(within(event, &room).await).await
        {
            return;
        }
        *in_hand = 0;
    }
}

/// The same once there is room for it.
async fn within(event: Event, room: &Arc<Semaphore>) -> Event {
    let Event::Arrival(arrival) = event else { return event };
    let News::Answer { text, .. } = &arrival.news else { return Event::Arrival(arrival) };
    let size = text.len().min(ANSWER_ROOM) as u32;
    match room.clone().acquire_many_owned(size).await {
        Ok(place) => Event::Answer(arrival, place),
        Err(_) => Event::Arrival(arrival),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::inbox::inbox;
    use systems::units::Nanos;

    #[tokio::test]
    async fn what_was_not_handed_on_is_counted() {
        let (sender, mut events) = inbox(1);
        let (send, arrivals) = mpsc::channel(8);
        let (stop, stopped) = oneshot::channel();
        let forwarder = forward(arrivals, sender, Venue::BinanceSpot, stopped);
        for _ in 0..5 {
            let (request, text) = ("/api/v3/time".to_owned(), vec![b' '; ANSWER_ROOM / 2]);
            let news = News::Answer { sent: Nanos(0), request, text };
            send.send(Arrival { received: Nanos(0), news }).await.unwrap();
        }
        // One is taken, the next waits in the inbox, the third for a place, two in the channel.
        let first = events.recv().await;
        assert!(matches!(first, Some(Event::Answer(..))));
        while send.capacity() < 8 - 2 {
            tokio::task::yield_now().await;
        }
        drop(stop);
        assert_eq!(forwarder.await.unwrap(), 3);
        assert!(events.recv().await.is_some() && events.recv().await.is_none());
        assert!(send.is_closed());
    }
}
