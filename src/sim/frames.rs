//! Prints as frames of the combined stream, for whoever wants the venue's text without a venue.

use systems::symbol::SymbolSpec;
use systems::trade::Trade;
use systems::units::Nanos;

use super::listing::Listing;
use super::text::{TimeUnit, Wording};
use crate::venue::Venue;

/// Writes prints of some symbols as `venue` sends them.
pub struct Frames {
    venue: Venue,
    listings: Vec<Listing>,
    text: String,
}

impl Frames {
    /// A writer for symbols by number.
    pub fn new(venue: Venue, symbols: &[SymbolSpec]) -> Self {
        let listing =
            |spec: &SymbolSpec| Listing::new(venue, spec.clone(), 1, Nanos(0), Nanos(u64::MAX));
        Self { venue, listings: symbols.iter().map(listing).collect(), text: String::new() }
    }

    /// A print as sent at `sent`, as a single trade or as an aggregate; `None` where the venue has
    /// no words for it: an instant finer than microseconds, or a symbol that there is not.
    pub fn print(&mut self, trade: &Trade, aggregate: bool, sent: Nanos) -> Option<&str> {
        let listing = self.listings.get(usize::from(trade.symbol.0))?;
        let unit = match trade.time.0 {
            ns if ns.is_multiple_of(Nanos::PER_MS) => TimeUnit::Ms,
            ns if ns.is_multiple_of(1_000) => TimeUnit::Us,
            _ => return None,
        };
        let (wording, text) = (Wording { venue: self.venue, unit }, &mut self.text);
        text.clear();
        text.push_str("{\"stream\":\"");
        text.push_str(&listing.lower);
        text.push_str(if aggregate { "@aggTrade" } else { "@trade" });
        text.push_str("\",\"data\":");
        match aggregate {
            true => wording.aggregate(text, sent, listing, trade),
            false => wording.trade(text, sent, listing, trade),
        }
        text.push('}');
        Some(text)
    }
}
