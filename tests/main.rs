//! The one integration binary: modules only.

mod candles;
mod import;
mod support;
mod talib;
mod tape;
