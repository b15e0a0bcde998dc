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

/// Where log lines go: to stderr, above whatever is drawn there.
#[derive(Debug, Default)]
pub struct Above {
    /// What was written since the last flush, so that a line is one write.
    line: Vec<u8>,
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = DRAWN.suspend(|| io::stderr().write_all(&self.line));
        self.line.clear();
        written
    }
}
