//! The one integration binary: modules only.
