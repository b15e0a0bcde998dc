//! One print as the core sees it, and the batch in which prints and controls arrive.

use crate::candle::VenueCandle;
use crate::units::{Nanos, Price, Quantity, Scale};

/// A symbol's dense number, given once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u16);

/// The side that took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Aggressor {
    /// A buyer took an offer (the venue says `buyer is maker: false`).
    Buyer,
    /// A seller took a bid (the venue says `buyer is maker: true`).
    Seller,
}

/// What a print is to the venue. Only market prints belong to candles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TradeKind {
    /// An ordinary print from the stream.
    Market,
    /// An ordinary print fetched again by id to repair a gap.
    Backfilled,
    /// Insurance-fund print (Binance USD-M `X = INSURANCE_FUND`): prices can be far off.
    InsuranceFund,
    /// Auto-deleveraging print (Binance USD-M `X = ADL`).
    AutoDeleverage,
    /// Negotiated away from the book.
    Block,
    /// Takes an id and nothing else (Binance USD-M `X = NA`).
    Void,
}

/// One print, or one aggregate of prints.
///
/// `id` is the id that the venue numbers this stream by (the aggregate id for aggregates);
/// `first_id` and `count` are the single-trade ids it covers: `first_id .. first_id + count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// When the venue matched it.
    pub time: Nanos,
    /// In units of the symbol's price scale.
    pub price: Price,
    /// In units of the symbol's quantity scale.
    pub quantity: Quantity,
    /// Continuity is judged by this id.
    pub id: u64,
    /// First single-trade id covered.
    pub first_id: u64,
    /// Single trades covered, at least 1.
    pub count: u32,
    /// Which symbol.
    pub symbol: SymbolId,
    /// Who took liquidity.
    pub aggressor: Aggressor,
    /// What the venue says it is.
    pub kind: TradeKind,
}

const _: () = assert!(size_of::<Trade>() == 48);

/// Something that is not a print and changes what the core knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// The venue's time has reached this instant. The only thing that moves time.
    Heartbeat(Nanos),
    /// A candle as the venue publishes it; `interval` is an index into the settings' intervals.
    VenueCandle {
        /// Which symbol.
        symbol: SymbolId,
        /// Index into `Settings::intervals`.
        interval: u8,
        /// The closed candle.
        candle: VenueCandle,
    },
    /// Prints of this symbol stopped arriving (link lost) or arrive again.
    Feed {
        /// Which symbol.
        symbol: SymbolId,
        /// Whether prints arrive.
        up: bool,
    },
    /// The venue halted the symbol (no prints, no candles) or resumed it.
    Halt {
        /// Which symbol.
        symbol: SymbolId,
        /// Whether trading is halted from now on.
        halted: bool,
    },
    /// The venue lists a symbol: its rows are there from now on. Numbers are given in a row; one
    /// that has its rows already keeps them.
    List {
        /// The next number.
        symbol: SymbolId,
        /// Scale of its prices.
        price: Scale,
        /// Scale of its quantities.
        quantity: Scale,
    },
    /// Ids that cannot be had any more: the gap ends here, its candles keep their mark.
    Unrecoverable {
        /// Which symbol.
        symbol: SymbolId,
        /// First missing id given up.
        from_id: u64,
        /// Last missing id given up.
        to_id: u64,
    },
    /// A request was answered in full or failed; its place in the queue is free again.
    RequestDone {
        /// Which symbol.
        symbol: SymbolId,
        /// `None` for a backfill by id, else the interval whose candles were asked for.
        interval: Option<u8>,
    },
}

/// Prints and controls in arrival order, the unit in which work reaches the engine.
///
/// A control at position `p` came before `trades[p]`. Keeping prints in one plain array lets a
/// batch be handed over by swapping buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The prints, oldest arrival first.
    pub trades: Vec<Trade>,
    /// Controls with their positions among the prints, ascending.
    pub controls: Vec<(usize, Control)>,
}

impl Batch {
    /// Adds a print after everything so far.
    pub fn push(&mut self, trade: Trade) {
        self.trades.push(trade);
    }

    /// Adds a control after everything so far.
    pub fn control(&mut self, control: Control) {
        self.controls.push((self.trades.len(), control));
    }

    /// How many prints and controls there are.
    pub fn len(&self) -> usize {
        self.trades.len() + self.controls.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.trades.clear();
        self.controls.clear();
    }
}
