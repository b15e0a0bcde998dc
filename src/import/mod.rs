//! Foreign recordings and archives become tapes.
