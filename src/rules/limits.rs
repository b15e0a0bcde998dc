//! Bounds of rules: each with its reason, and what happens at it.

/// Bytes of one condition. A longer one is refused: nobody could read its clauses in an alert.
pub const TEXT_MAX: usize = 4_096;

/// Words of one condition. More are refused.
pub const WORDS_MAX: usize = 512;

/// Parentheses within one another, and signs before one another. Deeper is refused: parsing is
/// recursive, and must not run out of stack whatever it is given.
pub const DEPTH_MAX: usize = 24;

/// Rules of one configuration. One more is refused.
pub const RULES_MAX: usize = 1_000;

/// Candles that a function may look back over. More is refused.
pub const LOOK_BACK_MAX: u64 = 5_000;

/// Steps that one evaluation may take, loops counted in full. A rule that may take more is refused:
/// it is judged for every symbol at every close.
pub const STEPS_MAX: u64 = 20_000;

/// Bytes of a rule's name. A longer one is refused: it stands in every alert and its key.
pub const NAME_MAX: usize = 64;

/// Steps that one condition may be compiled to. A longer one is refused.
pub const OPS_MAX: usize = 4_096;
