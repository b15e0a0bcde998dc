//! From the REST worker into the inbox: candles no faster than the engine folds them beside trades.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::event::Event;
use super::inbox::Sender;
use super::limits::CANDLE_ROOM;
use super::refresh;
use crate::rest::arrival::{Arrival, News};
use crate::venue::Venue;

/// Hands on what the worker brings. While the inbox is full, or has had its share of candles, the
/// worker sends nothing new.
///
/// A pulse folds all candles that came since the one before it. A minute's weight may bring
/// thousands of answers within a second, and the pulse after that would hold up every trade.
pub(super) fn forward(
    mut arrivals: mpsc::Receiver<Arrival>,
    inbox: Sender,
    venue: Venue,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let room = Arc::new(Semaphore::new(CANDLE_ROOM));
        while let Some(arrival) = arrivals.recv().await {
            let Some(event) = refresh::event(venue, arrival).await else { continue };
            if !inbox.put(within(event, &room).await).await {
                return;
            }
        }
    })
}

/// The same once there is room for it.
async fn within(event: Event, room: &Arc<Semaphore>) -> Event {
    let Event::Arrival(arrival) = event else { return event };
    let size = match &arrival.news {
        News::Answer { request, text, .. } if request.contains("klines") => text.len(),
        _ => return Event::Arrival(arrival),
    };
    match room.clone().acquire_many_owned(size.min(CANDLE_ROOM) as u32).await {
        Ok(place) => Event::Candles(arrival, place),
        Err(_) => Event::Arrival(arrival),
    }
}
