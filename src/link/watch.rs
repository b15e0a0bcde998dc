//! The watch over symbols: quiet ones are left alone, a dead one among living ones is found.

use systems::trade::SymbolId;
use systems::units::Nanos;

use super::limits::{SYMBOL_SILENT_MIN_NS, SYMBOL_UNHEARD_NS};
use super::pace::Pace;

/// Every symbol's pace, kept across connections.
#[derive(Debug)]
pub(super) struct Watch {
    paces: Vec<Pace>,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// No connection brings it, so its silence says nothing.
    Away,
    /// Followed.
    Followed,
    /// Called silent.
    Silent,
    /// Called silent, and a new connection has not helped.
    Hopeless,
}

/// What a look at one symbol gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Had a print not long ago.
    Living,
    /// Cannot be judged: quiet by nature, or given up.
    Quiet,
    /// Just became silent; with its usual gap if it ever had a print.
    Fell { silence_ns: u64, usual_ns: Option<u64> },
    /// Was called silent before, and is.
    Silent,
}

impl Watch {
    /// A watch over so many symbols; `rates` are prints per second where they are known.
    pub(super) fn new(symbols: usize, rates: &[f64]) -> Self {
        let rate = |index| rates.get(index).copied().unwrap_or_default();
        let paces = (0..symbols).map(|index| Pace::expected(rate(index))).collect();
        Self { paces, marks: vec![Mark::Away; symbols] }
    }

    /// Has room for so many symbols; nothing is known of new ones.
    pub(super) fn make_room(&mut self, symbols: usize) {
        self.paces.resize_with(self.paces.len().max(symbols), || Pace::expected(0.0));
        self.marks.resize(self.paces.len(), Mark::Away);
    }

    /// Notes a print; true if the symbol had been called silent.
    #[inline]
    pub(super) fn print(&mut self, symbol: SymbolId, at: Nanos) -> bool {
        let index = usize::from(symbol.0);
        self.paces[index].print(at) && self.wake(index)
    }

    fn wake(&mut self, index: usize) -> bool {
        let was = matches!(self.marks[index], Mark::Silent | Mark::Hopeless);
        if was {
            self.marks[index] = Mark::Followed;
        }
        was
    }

    /// Prints of this symbol are expected from `at` on.
    pub(super) fn follow(&mut self, symbol: SymbolId, at: Nanos) {
        let index = usize::from(symbol.0);
        if self.marks[index] == Mark::Away {
            self.marks[index] = Mark::Followed;
            self.paces[index].resume(at);
        }
    }

    /// Prints of this symbol are not expected any more.
    pub(super) fn leave(&mut self, symbol: SymbolId) {
        let index = usize::from(symbol.0);
        self.marks[index] = Mark::Away;
        self.paces[index].pause();
    }

    /// The time up to `at` says nothing about this symbol.
    pub(super) fn excuse(&mut self, symbol: SymbolId, at: Nanos) {
        let index = usize::from(symbol.0);
        if self.marks[index] != Mark::Away {
            self.paces[index].resume(at);
        }
    }

    /// A new connection has taken over: symbols silent before and after it do not ask for another.
    pub(super) fn give_up(&mut self, symbol: SymbolId) {
        let mark = &mut self.marks[usize::from(symbol.0)];
        if *mark == Mark::Silent {
            *mark = Mark::Hopeless;
        }
    }

    /// Looks at one symbol of a connection that lives.
    pub(super) fn look(&mut self, symbol: SymbolId, at: Nanos) -> Look {
        let index = usize::from(symbol.0);
        let pace = &self.paces[index];
        match self.marks[index] {
            Mark::Away | Mark::Hopeless => return Look::Quiet,
            Mark::Silent => return Look::Silent,
            Mark::Followed => {}
        }
        let silence_ns = pace.silence_ns(at);
        if silence_ns < SYMBOL_SILENT_MIN_NS {
            return if pace.known() { Look::Living } else { Look::Quiet };
        }
        let limit_ns = if pace.known() { pace.limit_ns() } else { SYMBOL_UNHEARD_NS };
        if silence_ns < limit_ns {
            return Look::Quiet;
        }
        let usual_ns = pace.gap_ns();
        // Without a single print there is nothing that a new connection could bring back.
        self.marks[index] = if usual_ns.is_some() { Mark::Silent } else { Mark::Hopeless };
        Look::Fell { silence_ns, usual_ns }
    }
}
