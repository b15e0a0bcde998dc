//! What an import did, for the summary.

use systems::symbol::SymbolSpec;
use systems::units::Nanos;

use super::scales::Origin;
use crate::venue::counts::DecodeCounts;

/// One symbol of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedSymbol {
    /// Name and scales.
    pub spec: SymbolSpec,
    /// Where the scales come from.
    pub origin: Origin,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines read, headers and blank ones included.
    pub lines: u64,
    /// Entries written, of all kinds.
    pub entries: u64,
    /// Prints: rows written, or frames and answers' rows that decode to one.
    pub trades: u64,
    /// Candles of the venue, likewise.
    pub candles: u64,
    /// Heartbeats written.
    pub heartbeats: u64,
    /// Frames written.
    pub frames_kept: u64,
    /// Frames read and not written, since nothing decodes them.
    pub frames_ignored: u64,
    /// Answers written.
    pub answers_kept: u64,
    /// Answers read and not written.
    pub answers_ignored: u64,
    /// Lines about nothing that came from outside, such as commands sent.
    pub other_lines: u64,
    /// Records received before the one above them in their file; their instants were raised.
    pub backwards: u64,
    /// Records stamped further ahead of their receive instant, or of their neighbours, than clocks
    /// differ. They are on the tape, and moved no clock.
    pub astray: u64,
    /// Frames and answers by kind; rejects by cause, rows of tables included.
    pub decoded: DecodeCounts,
    /// Every symbol and its scales, in id order.
    pub symbols: Vec<ImportedSymbol>,
    /// Receive instants of the first and the last entry.
    pub received: Option<(Nanos, Nanos)>,
    /// The venue's time at the last heartbeat.
    pub venue_time: Option<Nanos>,
}
