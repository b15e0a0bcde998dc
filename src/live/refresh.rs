//! The venue's list of symbols on its way to the engine: megabytes of text, which are read on a
//! thread of their own and are on no tape.

use tokio::task::spawn_blocking;

use super::event::Event;
use crate::rest::arrival::{Arrival, News};
use crate::venue::Venue;
use crate::venue::binance::instruments;
use crate::venue::endpoint::Endpoint;

/// What an arrival is to the engine; nothing if it is a list that cannot be read.
pub(super) async fn event(venue: Venue, arrival: Arrival) -> Option<Event> {
    let asked = venue.ask(&Endpoint::Instruments).map(|ask| ask.path);
    let Arrival { received, news } = arrival;
    match news {
        News::Answer { request, text, .. } if Some(&request) == asked.as_ref() => {
            let read = move || instruments(venue, &String::from_utf8_lossy(&text));
            let read = spawn_blocking(read).await.map_err(|error| error.to_string());
            match read.and_then(|read| read.map_err(|error| error.to_string())) {
                Ok(listed) => Some(Event::Instruments(received, listed)),
                Err(error) => {
                    log::warn!("the venue's list of symbols: {error}");
                    None
                }
            }
        }
        news => Some(Event::Arrival(Arrival { received, news })),
    }
}
