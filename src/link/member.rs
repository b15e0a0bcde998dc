//! A symbol of a share.

use systems::trade::SymbolId;

/// A symbol of a share.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) symbol: SymbolId,
    pub(super) name: Box<str>,
    /// Not followed any more.
    pub(super) left: bool,
    /// The venue refused its prints.
    pub(super) refused: bool,
    /// It came to a connection that was up, and is not acknowledged yet.
    pub(super) joining: bool,
}

impl Member {
    pub(super) fn new(symbol: SymbolId, name: &str) -> Self {
        Self { symbol, name: name.into(), left: false, refused: false, joining: false }
    }
}
