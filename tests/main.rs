//! The one integration binary: modules only.

mod tape;
