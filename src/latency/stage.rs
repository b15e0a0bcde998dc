//! What is measured: stages of an event's way, kinds of events, and calm or boundary.

/// A stage: a named pair of instants, or a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Due -> sent: how late the load itself was. Profiles only.
    Send,
    /// Sent -> received: through the socket. Profiles only.
    Transfer,
    /// Received -> taken out of the inbox.
    Inbox,
    /// Taken out -> decoded.
    Decode,
    /// Decoded -> entered the step, while the rest of the batch is decoded.
    Gather,
    /// Entered -> admitted and folded into open buckets.
    Ingest,
    /// -> candles closed, corrected and rolled up.
    Aggregate,
    /// -> indicators folded.
    Indicate,
    /// -> compared with the venue's candles.
    Reconcile,
    /// -> handed out.
    Dispatch,
    /// -> taken by whoever gets what comes out.
    Deliver,
    /// Taken out of the inbox -> end of the step: a closed-loop measure.
    Service,
    /// Received -> indicators updated: waiting, decoding and the step up to `indicate`. Where a
    /// step moves time several times, its stages count together. Profiles only.
    Updated,
    /// Due, or received where nothing says when it was due -> end of the step.
    Response,
    /// The end of a candle -> handed out as closed.
    CloseDelay,
    /// The heartbeat that ended candles was received -> they are handed out as closed.
    Closing,
    /// A request was sent -> its answer was there.
    RoundTrip,
    /// How long a step took.
    StepLength,
    /// Events in a step.
    StepSize,
    /// Events in the inbox when it was looked into. Profiles over loopback only.
    InboxSize,
}

/// What a stage counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanos,
    /// Events.
    Events,
}

impl Stage {
    /// All stages, in the order of an event's way.
    pub const ALL: [Self; 20] = [
        Self::Send,
        Self::Transfer,
        Self::Inbox,
        Self::Decode,
        Self::Gather,
        Self::Ingest,
        Self::Aggregate,
        Self::Indicate,
        Self::Reconcile,
        Self::Dispatch,
        Self::Deliver,
        Self::Service,
        Self::Updated,
        Self::Response,
        Self::CloseDelay,
        Self::Closing,
        Self::RoundTrip,
        Self::StepLength,
        Self::StepSize,
        Self::InboxSize,
    ];

    /// Those that stopwatches inside a step measure, in their order.
    pub const INNER: [Self; 6] = [
        Self::Ingest,
        Self::Aggregate,
        Self::Indicate,
        Self::Reconcile,
        Self::Dispatch,
        Self::Deliver,
    ];

    /// Whether a session measures it of each event that it takes.
    pub const fn is_of_events(&self) -> bool {
        matches!(self, Self::Inbox | Self::Decode | Self::Gather | Self::Service | Self::Response)
            || (Self::Ingest as u8 <= *self as u8 && *self as u8 <= Self::Deliver as u8)
    }

    /// Whether it is work that no other stage contains: no waiting, and no sum of others.
    pub const fn is_work(&self) -> bool {
        matches!(self, Self::Decode)
            || (Self::Ingest as u8 <= *self as u8 && *self as u8 <= Self::Deliver as u8)
    }

    /// The word used in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Transfer => "transfer",
            Self::Inbox => "inbox",
            Self::Decode => "decode",
            Self::Gather => "gather",
            Self::Ingest => "ingest",
            Self::Aggregate => "aggregate",
            Self::Indicate => "indicate",
            Self::Reconcile => "reconcile",
            Self::Dispatch => "dispatch",
            Self::Deliver => "deliver",
            Self::Service => "service",
            Self::Updated => "updated",
            Self::Response => "response",
            Self::CloseDelay => "close-delay",
            Self::Closing => "closing",
            Self::RoundTrip => "round-trip",
            Self::StepLength => "step-length",
            Self::StepSize => "step-size",
            Self::InboxSize => "inbox-size",
        }
    }

    /// What it counts.
    pub const fn unit(self) -> Unit {
        match self {
            Self::StepSize | Self::InboxSize => Unit::Events,
            _ => Unit::Nanos,
        }
    }
}

/// What an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// One single trade.
    Trade,
    /// One aggregate of trades.
    Aggregate,
    /// A candle of the venue.
    Candle,
    /// Time passes.
    Heartbeat,
    /// An answer to a request.
    Answer,
    /// Anything else.
    Other,
    /// Whatever belongs to no single event.
    All,
}

impl Kind {
    /// All kinds, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Trade,
        Self::Aggregate,
        Self::Candle,
        Self::Heartbeat,
        Self::Answer,
        Self::Other,
        Self::All,
    ];

    /// The word used in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Aggregate => "aggregate-trade",
            Self::Candle => "candle",
            Self::Heartbeat => "heartbeat",
            Self::Answer => "answer",
            Self::Other => "other",
            Self::All => "all",
        }
    }
}

/// Whether candles were ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Any other time.
    Calm,
    /// Right after the end of a candle of the shortest interval.
    Boundary,
}

impl Phase {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Calm, Self::Boundary];

    /// The word used in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Boundary => "boundary",
        }
    }
}
