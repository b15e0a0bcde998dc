//! Which prints an entry brings, decoded before it was recorded or not.

use systems::limits::ID_MAX;
use systems::symbol::SymbolSpec;
use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

use super::entry::Body;
use crate::symbols::Symbols;
use crate::venue::{Channel, Decoder, Venue, What};

/// Finds the prints in a tape's entries.
pub(super) struct Prints {
    symbols: Symbols,
    /// `None` where the venue's messages cannot be read.
    decoder: Option<Decoder>,
    /// By symbol, the first channel that brought prints: a session folds no other, since another
    /// one has other ids.
    channels: Vec<Option<Channel>>,
    unread: u64,
}

impl Prints {
    /// Of a tape of the venue of that name.
    pub(super) fn of(venue: &str, symbols: &[SymbolSpec]) -> Self {
        let channels = vec![None; symbols.len()];
        let symbols = Symbols::new(symbols.to_vec());
        let decoder = Venue::parse(venue).filter(|_| symbols.is_ok()).map(Decoder::new);
        Self { symbols: symbols.unwrap_or_default(), decoder, channels, unread: 0 }
    }

    /// Frames and answers that could not be looked into.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// Gives symbol and id of each print in an entry, unless it is one that no session believes.
    pub(super) fn each(&mut self, body: &Body<'_>, mut take: impl FnMut(SymbolId, u64)) {
        let channels = &mut self.channels;
        let mut print = |what| {
            if let What::Trade(trade, channel) = what
                && *channels[usize::from(trade.symbol.0)].get_or_insert(channel) == channel
                && believed(&trade)
            {
                take(trade.symbol, trade.id);
            }
        };
        match (body, &mut self.decoder) {
            (Body::Trade(trade), _) if believed(trade) => take(trade.symbol, trade.id),
            (Body::Frame { text, .. }, Some(decoder)) => {
                print(decoder.frame(text, &self.symbols).what);
            }
            (Body::Answer { request, text }, Some(decoder)) => {
                // The instant decides about candles alone.
                decoder.answer(request, text, Nanos(0), &self.symbols, &mut print);
            }
            (Body::Frame { .. } | Body::Answer { .. }, None) => self.unread += 1,
            _ => {}
        }
    }
}

fn believed(trade: &Trade) -> bool {
    trade.id <= ID_MAX && trade.first_id <= ID_MAX
}
