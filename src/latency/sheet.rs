//! All cells of one thread, by stage, kind and phase. Those of events that come all the time are
//! made at once, since some are used for the first time long after; memory that nothing was written
//! to is not resident. Any other is made when it is first used.

use super::cell::Cell;
use super::stage::{Kind, Phase, Stage};

/// Which cell.
pub type Key = (Stage, Kind, Phase);

const KINDS: usize = Kind::ALL.len();
const PHASES: usize = Phase::ALL.len();

/// The cells of one interval.
#[derive(Debug)]
pub struct Sheet(Vec<Option<Box<Cell>>>);

impl Default for Sheet {
    fn default() -> Self {
        let mut cells = Vec::new();
        cells.resize_with(Stage::ALL.len() * KINDS * PHASES, || None);
        let mut sheet = Self(cells);
        for stage in Stage::ALL.into_iter().filter(Stage::is_of_events) {
            for kind in [Kind::Trade, Kind::Aggregate, Kind::Heartbeat] {
                for phase in Phase::ALL {
                    sheet.cell((stage, kind, phase));
                }
            }
        }
        sheet
    }
}

impl Sheet {
    /// A cell to record in.
    #[inline]
    pub fn cell(&mut self, (stage, kind, phase): Key) -> &mut Cell {
        let place = (stage as usize * KINDS + kind as usize) * PHASES + phase as usize;
        self.0[place].get_or_insert_default()
    }

    /// All cells that hold anything.
    pub fn cells(&self) -> impl Iterator<Item = (Key, &Cell)> {
        let keys = Stage::ALL.iter().flat_map(|stage| {
            let kinds = Kind::ALL.iter();
            kinds.flat_map(|kind| Phase::ALL.iter().map(|phase| (*stage, *kind, *phase)))
        });
        keys.zip(&self.0)
            .filter_map(|(key, cell)| Some((key, &**cell.as_ref()?)))
            .filter(|(_, cell)| cell.count() > 0)
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        // Those that hold nothing are empty already; writing to them would only make them resident.
        self.0.iter_mut().flatten().filter(|cell| cell.count() > 0).for_each(|cell| cell.clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_own_cell_and_is_found_again() {
        let mut sheet = Sheet::default();
        let mut made = 0;
        for stage in Stage::ALL {
            for kind in Kind::ALL {
                for phase in Phase::ALL {
                    made += 1;
                    sheet.cell((stage, kind, phase)).record(made, 1);
                }
            }
        }
        let found: Vec<_> = sheet.cells().map(|(_, cell)| cell.at(0.5)).collect();
        assert_eq!(found, (1..=made).collect::<Vec<_>>());
        sheet.clear();
        assert_eq!(sheet.cells().count(), 0);
    }
}
