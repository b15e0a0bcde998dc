//! Stderr as a terminal: one place for what redraws itself there, so that log lines go above it.

use std::io::{self, Write};
use std::sync::LazyLock;

use console::Term;
use indicatif::{MultiProgress, ProgressBar};

/// Everything that redraws itself; nothing at all where stderr is no terminal.
static DRAWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Draws a bar at the bottom from now on.
pub fn draw(bar: ProgressBar) -> ProgressBar {
    DRAWN.add(bar)
}

/// Takes away whatever is drawn, for a program that ends at once.
pub fn clear() {
    // Nobody looks any more if this fails.
    let _ = DRAWN.clear();
}

/// Rows and columns of the terminal; of none, what the smallest one has.
pub fn size() -> (usize, usize) {
    Term::stderr().size_checked().map_or((24, 80), |(rows, columns)| (rows.into(), columns.into()))
}

/// Takes away so many more rows above what is drawn: a terminal that became narrower has broken
/// lines in two.
pub fn clear_above(rows: usize) {
    DRAWN.suspend(|| {
        let _ = Term::stderr().clear_last_lines(rows);
    });
}

/// Writes a log line to stderr, above whatever is drawn there.
pub fn write_above(line: &str) {
    // A log that cannot be written must not end the program.
    let _ = DRAWN.suspend(|| io::stderr().write_all(line.as_bytes()));
}
