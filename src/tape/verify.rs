//! Everything about a tape that can be wrong, looked for and listed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::block::Damage;
use super::continuity::{Ids, Seen};
use super::entry::{Body, Entry, Header};
use super::header::OpenError;
use super::info::Counts;
use super::limits::PROBLEMS_MAX;
use super::payload::Block;
use super::prints::Prints;
use super::reader::{End, Reader};

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Bytes that cannot be read. Checking goes on at the next intact block.
    Damage(Damage),
    /// The recorder's clock was set back.
    Backwards {
        /// Where the block begins that holds the later entry, in bytes.
        at_byte: u64,
        /// When the entry before was received.
        before: Nanos,
        /// When this one was.
        after: Nanos,
    },
    /// Prints are missing and nothing on the tape says that they were given up.
    MissingIds {
        /// Which symbol.
        symbol: SymbolId,
        /// First id missing.
        from_id: u64,
        /// Last id missing.
        to_id: u64,
    },
    /// The index says something else than the blocks.
    Index {
        /// What it counts: blocks or entries.
        what: &'static str,
        /// What it says.
        claimed: u64,
        /// What was found.
        found: u64,
    },
}

impl Problem {
    /// What is wrong, in words; `symbols` are those of the tape.
    pub fn describe<'a>(&'a self, symbols: &'a [SymbolSpec]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match *self {
            Self::Damage(damage) => write!(f, "{damage}"),
            Self::Backwards { at_byte, before, after } => {
                let back = before.0 - after.0;
                write!(
                    f,
                    "in the block at byte {at_byte}: received {back} ns before its predecessor"
                )
            }
            Self::MissingIds { symbol, from_id, to_id } => {
                let name = symbols.get(usize::from(symbol.0)).map_or("?", |spec| &spec.name);
                match to_id - from_id {
                    0 => write!(f, "{name}: id {from_id} is missing"),
                    _ => write!(f, "{name}: ids {from_id} to {to_id} are missing"),
                }
            }
            Self::Index { what, claimed, found } => {
                write!(f, "the index claims {claimed} {what}, but there are {found}")
            }
        })
    }
}

/// What `tape verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Intact entries by kind.
    pub counts: Counts,
    /// Intact blocks of entries.
    pub blocks: u64,
    /// Whether the tape was finished; bytes intact and dropped over the whole file. Its damage
    /// is the first one.
    pub end: End,
    /// The first [`PROBLEMS_MAX`] problems.
    pub problems: Vec<Problem>,
    /// How many there are, listed or not.
    pub problem_count: u64,
    /// Ids missing, over all symbols; each gap is a problem too.
    pub missing_ids: u64,
    /// Frames and answers of a venue that this program cannot decode: their prints were not seen.
    pub unread: u64,
    /// Prints whose id was there before. Wires repeat themselves and a replay counts
    /// them, so they are no problem; neither are ids that come late and close a gap.
    pub repeated_ids: u64,
    /// The tape's symbols, which [`Problem::describe`] names.
    pub symbols: Vec<SymbolSpec>,
}

impl Verification {
    fn missing(&mut self, symbol: SymbolId, from_id: u64, to_id: u64) {
        self.missing_ids = self.missing_ids.saturating_add((to_id - from_id).saturating_add(1));
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem::MissingIds { symbol, from_id, to_id });
        }
    }

    /// Whether nothing is wrong. A tape that was not finished can be right.
    pub fn is_ok(&self) -> bool {
        self.problem_count == 0
    }
}

/// Checks the tape in a file: checksums, receive instants, ids, and the index against the blocks.
/// Frames and answers are decoded for their ids; what an answer brings again fills a gap.
///
/// # Errors
/// [`OpenError`]: the file cannot be read, is no tape, or its header is not intact.
pub fn verify(path: impl AsRef<Path>) -> Result<Verification, OpenError> {
    let mut before = Before::default();
    let mut found = check(&mut Reader::new(File::open(path)?)?, &mut before)?;
    for (symbol, from_id, to_id) in before.missing() {
        let symbol = found.symbols.iter().position(|spec| spec.name == symbol).unwrap_or_default();
        found.missing(SymbolId(symbol as u16), from_id, to_id);
    }
    Ok(found)
}

/// What tapes leave to those that follow them.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// By the symbols' names: their numbers differ from tape to tape.
    ids: BTreeMap<Box<str>, Ids>,
    open_ranges: usize,
    received: Nanos,
}

impl Before {
    /// Ids that stayed missing, by name and ascending.
    pub(super) fn missing(&self) -> impl Iterator<Item = (Box<str>, u64, u64)> + '_ {
        let ids = self.ids.iter();
        ids.flat_map(|(name, ids)| ids.missing().iter().map(|(a, b)| (name.clone(), *a, *b)))
    }
}

/// Checks one tape after others. What stays missing is not told here: a later tape may have it.
pub(super) fn check<R: Read + Seek>(
    reader: &mut Reader<R>,
    before: &mut Before,
) -> io::Result<Verification> {
    let index = reader.load_index()?;
    let mut checker = Checker::new(reader.header(), before);
    let mut first_damage = None;
    loop {
        while let Some(block) = reader.next_block()? {
            checker.block(block);
        }
        let Some(damage) = reader.end_so_far().damage else { break };
        first_damage = first_damage.or(Some(damage));
        checker.problem(Problem::Damage(damage));
        if !reader.skip_damage()? {
            break;
        }
    }
    // An index counts what was written: with damage in between it cannot agree.
    if let Some(index) = index.filter(|_| first_damage.is_none()) {
        let counts = [
            ("blocks", index.blocks, checker.blocks),
            ("entries", index.entries(), checker.counts.total()),
        ];
        for (what, claimed, found) in counts.into_iter().filter(|(_, a, b)| a != b) {
            checker.problem(Problem::Index { what, claimed, found });
        }
    }
    let end = End { damage: first_damage, ..reader.end_so_far() };
    let symbols = reader.header().symbols.clone();
    Ok(checker.finish(end, symbols, before))
}

struct Checker {
    counts: Counts,
    blocks: u64,
    problems: Vec<Problem>,
    problem_count: u64,
    received_before: Nanos,
    prints: Prints,
    ids: Vec<Ids>,
    open_ranges: usize,
    missing_ids: u64,
    repeated_ids: u64,
}

impl Checker {
    fn new(header: &Header, before: &mut Before) -> Self {
        let known = |name: &str| before.ids.remove(name).unwrap_or_default();
        let ids = header.symbols.iter().map(|spec| &*spec.name).map(known).collect();
        Self {
            counts: Counts::default(),
            blocks: 0,
            problems: Vec::new(),
            problem_count: 0,
            received_before: before.received,
            prints: Prints::of(&header.venue, &header.symbols),
            ids,
            open_ranges: before.open_ranges,
            missing_ids: 0,
            repeated_ids: 0,
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    fn block(&mut self, block: &Block) {
        self.blocks += 1;
        self.counts.unknown += block.unknown();
        for entry in block.entries() {
            self.entry(&entry, block.at_byte());
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, at_byte: u64) {
        self.counts.add(&entry.body);
        if entry.received < self.received_before {
            let (before, after) = (self.received_before, entry.received);
            self.problem(Problem::Backwards { at_byte, before, after });
        }
        self.received_before = entry.received;
        if let Body::Unrecoverable { symbol, from_id, to_id } = entry.body {
            let ids = &mut self.ids[usize::from(symbol.0)];
            ids.remove(from_id, to_id, &mut self.open_ranges);
        }
        let (ids, open) = (&mut self.ids, &mut self.open_ranges);
        let mut beyond = Vec::new();
        self.prints.each(&entry.body, |symbol, id| {
            match ids[usize::from(symbol.0)].see(id, open) {
                Seen::Fine => {}
                Seen::After(from_id, to_id) => beyond.push((symbol, from_id, to_id)),
                Seen::Repeated => self.repeated_ids += 1,
            }
        });
        beyond
            .into_iter()
            .for_each(|(symbol, from_id, to_id)| self.missing(symbol, from_id, to_id));
    }

    fn missing(&mut self, symbol: SymbolId, from_id: u64, to_id: u64) {
        self.missing_ids = self.missing_ids.saturating_add((to_id - from_id).saturating_add(1));
        self.problem(Problem::MissingIds { symbol, from_id, to_id });
    }

    fn finish(self, end: End, symbols: Vec<SymbolSpec>, before: &mut Before) -> Verification {
        let names = symbols.iter().map(|spec| spec.name.clone());
        before.ids.extend(names.zip(self.ids));
        (before.open_ranges, before.received) = (self.open_ranges, self.received_before);
        Verification {
            counts: self.counts,
            blocks: self.blocks,
            end,
            problems: self.problems,
            problem_count: self.problem_count,
            missing_ids: self.missing_ids,
            unread: self.prints.unread(),
            repeated_ids: self.repeated_ids,
            symbols,
        }
    }
}
