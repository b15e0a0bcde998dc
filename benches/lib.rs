//! What the benchmarks share: the hand-written loop and seeded inputs.
