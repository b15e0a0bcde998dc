//! Every bound of the format: its unit, its reason, and what happens at it.
//!
//! A reader checks each against the number that a file claims before it allocates anything.

/// Bytes of a header before compression: venue, program, configuration and all symbols. A larger
/// one is refused when created and when opened.
pub const HEADER_MAX: usize = 4 << 20;

/// Bytes of a block before compression. A block that claims more is damage.
pub const BLOCK_RAW_MAX: usize = 16 << 20;

/// Bytes of a block as stored: what incompressible data of the largest block may grow to.
pub const BLOCK_STORED_MAX: usize = BLOCK_RAW_MAX + (BLOCK_RAW_MAX >> 7) + 1_024;

/// Entries of a block. Trades take two bytes at least, so without this a small file could make a
/// reader hold a hundred times its size. A block that claims more is damage.
pub const BLOCK_ENTRIES_MAX: usize = 1 << 18;

/// Bytes of one entry's variable part (a frame, an answer with its request, a reason). A larger
/// one is refused by the writer and damage to the reader.
pub const ENTRY_MAX: usize = 1 << 20;

/// Bytes of entries other than trades after which a block is written. Larger blocks compress a
/// little better and make seeking coarser.
pub const BLOCK_TARGET: usize = 128 << 10;

/// Trades after which a block is written: decoded, they still fit a second-level cache.
pub const BLOCK_TRADES: usize = 8_192;

/// Marks an index keeps. At the limit every second one is dropped and each covers twice as many
/// blocks, so an index never outgrows memory; seeking then walks a few block heads more.
pub const INDEX_MARKS_MAX: usize = 1 << 16;

/// Problems that `verify` lists. Those beyond are counted.
pub const PROBLEMS_MAX: usize = 100;

// What the writer holds back always fits one block.
const _: () = assert!(BLOCK_TARGET + ENTRY_MAX + 64 + BLOCK_TRADES * 128 < BLOCK_RAW_MAX);
const _: () = assert!(BLOCK_TARGET / 3 + BLOCK_TRADES + 2 < BLOCK_ENTRIES_MAX);
// An index of the largest size is a legal block: five varints per mark.
const _: () = assert!(INDEX_MARKS_MAX * 50 + 64 < BLOCK_RAW_MAX);
const _: () = assert!(INDEX_MARKS_MAX.is_multiple_of(2));
