//! Several files as one, in order of receive instants.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use systems::units::Nanos;

use super::Import;
use super::error::ImportError;
use super::record::{self, Reader};

/// A file that is open, and the instant of its record.
struct Open {
    received: Nanos,
    reader: Box<dyn Reader>,
}

/// Files merged by receive instant; equal instants in order of the files.
pub(super) struct Merge<'a> {
    import: &'a Import,
    /// Files not opened yet, the next one last. A year of daily files is one open file at a time.
    waiting: Vec<(Nanos, PathBuf)>,
    /// By place in order of opening, which is the order of the files.
    open: Vec<Option<Open>>,
    next: BinaryHeap<Reverse<(Nanos, usize)>>,
    /// The file whose record was given out last, which must go on before anything else.
    given: Option<usize>,
    lines: u64,
    backwards: u64,
}

impl<'a> Merge<'a> {
    /// `files` with their first instants, in order of those.
    pub(super) fn new(import: &'a Import, mut files: Vec<(Nanos, PathBuf)>) -> Self {
        files.reverse();
        Self {
            import,
            waiting: files,
            open: Vec::new(),
            next: BinaryHeap::new(),
            given: None,
            lines: 0,
            backwards: 0,
        }
    }

    /// The next record of all files, at its receive instant.
    pub(super) fn advance(&mut self) -> Result<Option<(Nanos, &dyn Reader)>, ImportError> {
        if let Some(index) = self.given.take() {
            self.go_on(index)?;
        }
        while let Some((first, _)) = self.waiting.last()
            && self.next.peek().is_none_or(|Reverse((soonest, _))| first <= soonest)
        {
            let Some((_, file)) = self.waiting.pop() else { break };
            let reader = record::open(self.import, &file)?;
            self.open.push(Some(Open { received: Nanos(0), reader }));
            self.go_on(self.open.len() - 1)?;
        }
        let Some(Reverse((received, index))) = self.next.pop() else { return Ok(None) };
        self.given = Some(index);
        Ok(self.open[index].as_ref().map(|open| (received, open.reader.as_ref())))
    }

    /// Lines read in all files.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Records received before the one above them.
    pub(super) fn backwards(&self) -> u64 {
        self.backwards
    }

    /// Takes a file to its next record, or closes it.
    fn go_on(&mut self, index: usize) -> Result<(), ImportError> {
        let Some(open) = &mut self.open[index] else { return Ok(()) };
        match open.reader.advance()? {
            Some(received) => {
                self.backwards += u64::from(received < open.received);
                // A clock that stepped back must not let the rest overtake other files.
                open.received = open.received.max(received);
                self.next.push(Reverse((open.received, index)));
            }
            None => {
                self.lines += open.reader.lines().number();
                self.open[index] = None;
            }
        }
        Ok(())
    }
}
