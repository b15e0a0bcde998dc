//! What an engine tells of its tables, and of rules at any candle; nothing here changes anything.

use systems::ring::Ring;
use systems::row::Row;
use systems::rule::board::Boards;
use systems::rule::forming::Watched;
use systems::rule::judge::Judged;
use systems::rule::{Lanes, View, Views};
use systems::settings::Settings;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::Engine;
use crate::rules::{Place, Ranking};
use crate::symbols::Symbols;

impl Engine {
    /// The tables as they stand, by number.
    pub fn rankings(&self, symbols: &Symbols) -> Vec<Ranking> {
        let tables = &self.world.resource::<Settings>().rules.tables;
        let boards = self.world.resource::<Boards>();
        let one = |(index, table): (usize, &systems::rule::Table)| {
            let Some(board) = boards.get(index) else { return Ranking::default() };
            let open_time = board.open_time();
            let place = |(symbol, score): (SymbolId, f64)| {
                let views = self.views(symbol);
                let at = views.view(table.interval).and_then(|view| view.ring.find(open_time).ok());
                let column = |program: &systems::rule::Program| {
                    at.map_or(f64::NAN, |at| program.run(&views, table.interval, at))
                };
                let columns = table.columns.iter().map(column).collect();
                Place { symbol: symbols.spec(symbol).name.clone(), score, columns }
            };
            Ranking { open_time, places: board.places(table.top).map(place).collect() }
        };
        tables.iter().enumerate().map(one).collect()
    }

    /// Since when a rule holds for a symbol, if it does: the start of the candle at which it began,
    /// or of a rule on forming candles the instant.
    pub fn holds_since(&self, symbol: SymbolId, rule: u16) -> Option<Nanos> {
        let judging = self.world.resource::<Settings>().rules.judged.get(usize::from(rule))?;
        let row = self.row(symbol, judging.interval)?;
        if judging.forming {
            return self.world.get::<Watched>(row)?.holds_since(rule);
        }
        self.world.get::<Judged>(row)?.holds_since(rule)
    }

    /// What rules see of a symbol.
    pub fn views(&self, symbol: SymbolId) -> Views<'_> {
        let mut views = Views::new(self.now());
        for interval in 0..self.intervals() {
            let Some(entity) = self.row(symbol, interval as u8) else { continue };
            let parts = (self.world.get::<Row>(entity), self.world.get::<Ring>(entity));
            if let ((Some(row), Some(ring)), Some(lanes)) = (parts, self.world.get::<Lanes>(entity))
            {
                views.set(interval, View { ring, lanes, price: row.units.price });
            }
        }
        views
    }
}
