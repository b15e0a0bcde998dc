//! The tape: our recorded session format.
//!
//! A tape is a header and then blocks of entries, appended as a session goes on. Each block is
//! compressed and checksummed by itself and says which recording and which place in it is its
//! own, so any prefix of a tape is a tape: a crash costs at most the block being written. A
//! finished tape ends with an index for seeking by time; without one it is rebuilt from the heads
//! of the blocks.
//!
//! ```text
//! header (header.rs) | block | block | ... | index block | trailer (index.rs)
//! block: head of 64 bytes (block.rs), then one zstd frame of payload.rs
//! ```
//!
//! Old versions stay readable: `replays/versions` has a sample of each. A change that an older
//! reader would misread needs a new `VERSION`; new kinds of entries and blocks do not, they are
//! skipped and counted.

mod bisect;
mod block;
mod bytes;
mod continuity;
mod cut;
pub mod entry;
mod header;
mod index;
mod info;
pub mod limits;
mod others;
mod payload;
mod prints;
mod reader;
mod resync;
mod trades;
mod verify;
mod verify_all;
mod writer;

pub use bisect::bisect;
pub use block::{Damage, Reason};
pub use cut::{Cut, CutError, CutReport, cut};
pub use entry::{Body, Entry, Header};
pub use header::{CreateError, OpenError, VERSION};
pub use info::{Counts, Info, Span, SymbolCounts, info};
pub use payload::{Block, Run, Runs};
pub use reader::{End, Reader};
pub use verify::{Problem, Verification, verify};
pub use verify_all::{Missing, Verified, verify_all};
pub use writer::{WriteError, Writer};

/// Level of compression: higher ones buy a few percent for many times the time.
const LEVEL: i32 = 1;
