//! The program: parse, configure, choose a mode, exit with a meaning.

fn main() {}
