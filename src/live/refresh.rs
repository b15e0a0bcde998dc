//! The venue's list of symbols on its way to the engine: megabytes of text, which are read on a
//! thread of their own and are on no tape.

use tokio::task::spawn_blocking;

use super::event::Event;
use crate::rest::arrival::{Arrival, News};
use crate::venue::Venue;
use crate::venue::binance::{day_statistics, instruments};
use crate::venue::endpoint::Endpoint;

/// What an arrival is to the engine; nothing if it is a list that cannot be read.
pub(super) async fn event(venue: Venue, arrival: Arrival) -> Option<Event> {
    let path = |endpoint: Endpoint<'_>| venue.ask(&endpoint).map(|ask| ask.path);
    let (list, days) = (path(Endpoint::Instruments), path(Endpoint::DayStatistics));
    let Arrival { received, news } = arrival;
    let read = match news {
        News::Answer { request, text, .. } if Some(&request) == list.as_ref() => {
            aside(move || {
                let listed = instruments(venue, &String::from_utf8_lossy(&text));
                let listed = listed.map(|listed| Event::Instruments(received, listed));
                listed.map_err(|error| format!("the venue's list of symbols: {error}"))
            })
            .await
        }
        News::Answer { request, text, .. } if Some(&request) == days.as_ref() => {
            aside(move || {
                let days = day_statistics(&String::from_utf8_lossy(&text));
                let days = days.map(|days| Event::Days(received, days));
                days.map_err(|error| format!("the venue's statistics of the last day: {error}"))
            })
            .await
        }
        news => return Some(Event::Arrival(Arrival { received, news })),
    };
    read.map_err(|error| log::warn!("{error}")).ok()
}

/// Reads on a thread of its own.
async fn aside(
    read: impl FnOnce() -> Result<Event, String> + Send + 'static,
) -> Result<Event, String> {
    spawn_blocking(read).await.map_err(|error| error.to_string()).flatten()
}
