//! The one integration binary: modules only.

mod candles;
mod support;
