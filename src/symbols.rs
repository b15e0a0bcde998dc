//! The symbols of one session: name to number and back.

use std::collections::HashMap;

use systems::limits::SYMBOLS_MAX;
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;

/// The symbols of a session; a symbol's id is its place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    specs: Vec<SymbolSpec>,
    by_name: HashMap<Box<str>, SymbolId>,
}

/// Why a list of symbols is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolsError {
    /// The same name twice.
    #[error("symbol {0} is listed twice")]
    Twice(Box<str>),
    /// More than ids can number.
    #[error("{0} symbols, but one engine holds at most {SYMBOLS_MAX}")]
    TooMany(usize),
}

impl Symbols {
    /// Numbers the symbols in the order given.
    ///
    /// # Errors
    /// A name that is listed twice, or more symbols than ids can number.
    pub fn new(specs: Vec<SymbolSpec>) -> Result<Self, SymbolsError> {
        if specs.len() > SYMBOLS_MAX {
            return Err(SymbolsError::TooMany(specs.len()));
        }
        let mut by_name = HashMap::with_capacity(specs.len());
        for (index, spec) in specs.iter().enumerate() {
            if by_name.insert(spec.name.clone(), SymbolId(index as u16)).is_some() {
                return Err(SymbolsError::Twice(spec.name.clone()));
            }
        }
        Ok(Self { specs, by_name })
    }

    /// The number of a name as the venue writes it.
    pub fn id(&self, name: &str) -> Option<SymbolId> {
        self.by_name.get(name).copied()
    }

    /// Everything about one symbol.
    pub fn spec(&self, id: SymbolId) -> &SymbolSpec {
        &self.specs[usize::from(id.0)]
    }

    /// All symbols, in id order.
    pub fn specs(&self) -> &[SymbolSpec] {
        &self.specs
    }
}
