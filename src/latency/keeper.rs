//! Where sheets go at intervals: a thread of its own merges them, writes the interval log, and
//! gives empty ones back. The thread that measures never waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use systems::units::Nanos;

use super::cell::Total;
use super::interval_log::IntervalLog;
use super::meter::Meter;
use super::percentiles::curve;
use super::sheet::{Key, Sheet};
use super::stage::{Kind, Phase, Stage};

/// Sheets in use: one is recorded in, one is merged, and one is ready.
const SHEETS: usize = 3;

/// Points of a run that are kept: at one a second, a day's. Older ones are left out then.
const POINTS: usize = 86_400;

/// All that was recorded, by cell.
#[derive(Clone, Debug, Default)]
pub struct Totals(BTreeMap<Key, Total>);

impl Totals {
    /// All cells, in the order of stages.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Total)> {
        self.0.iter()
    }

    /// One cell.
    pub fn get(&self, key: Key) -> Option<&Total> {
        self.0.get(&key)
    }

    /// Several cells as one; `None` if nothing is in them.
    pub fn merged(&self, wanted: impl Fn(&Key) -> bool) -> Option<Total> {
        let mut sum = Total::default();
        let cells = self.0.iter().filter(|(key, _)| wanted(key));
        cells.for_each(|(_, total)| sum.add(total));
        (sum.count() > 0).then_some(sum)
    }

    /// The response of prints, calm and at boundaries.
    pub fn response(&self) -> Option<Total> {
        self.merged(Self::is_response)
    }

    /// Whether a cell is of the response of prints.
    pub fn is_response((stage, kind, _): &Key) -> bool {
        *stage == Stage::Response && matches!(kind, Kind::Trade | Kind::Aggregate)
    }

    /// The most events that the inbox held; `None` where that was not measured.
    pub fn inbox_max(&self) -> Option<u64> {
        self.merged(|(stage, ..)| *stage == Stage::InboxSize).map(|sizes| sizes.max())
    }

    /// Adds what another run recorded.
    pub fn add(&mut self, other: &Self) {
        for (key, total) in &other.0 {
            self.0.entry(*key).or_default().add(total);
        }
    }

    /// The points of a cell's percentile plot: share below, and value.
    pub fn curve(&self, key: Key) -> Vec<(f64, u64)> {
        self.0.get(&key).map_or_else(Vec::new, curve)
    }

    fn take(&mut self, sheet: &Sheet) {
        for (key, cell) in sheet.cells() {
            self.0.entry(key).or_default().add(cell);
        }
    }
}

/// How prints fared in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// The end of the interval by the run's clock, since its start.
    pub at: Nanos,
    /// How long it was, in nanoseconds.
    pub length_ns: u64,
    /// The market's time at its end.
    pub market: Nanos,
    /// Whether any of it followed the end of a candle.
    pub boundary: bool,
    /// Prints in it.
    pub prints: u64,
    /// Their response in nanoseconds: the median, the 99th percentile and the maximum.
    pub response: [u64; 3],
    /// The most events that the inbox held, where that is measured.
    pub inbox: u64,
}

/// Where the interval log goes.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// The file.
    pub path: PathBuf,
    /// Bytes that it and the one before it may take together.
    pub budget: Option<u64>,
    /// The wall clock at the start.
    pub wall: Nanos,
}

/// What a keeper has kept.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// All that was recorded.
    pub totals: Totals,
    /// The run by intervals.
    pub points: Vec<Point>,
    /// Why the interval log ended early, if it did.
    pub log_failed: Option<String>,
}

struct Filled {
    sheet: Sheet,
    span: (Nanos, Nanos),
    market: Nanos,
}

/// What everybody may look at while the run goes on: the last interval, and all of them.
#[derive(Clone, Default)]
pub struct View(Arc<(Mutex<Point>, Mutex<Totals>)>);

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View {
    /// The last interval; nobody holds this up.
    pub fn point(&self) -> Point {
        *locked(&self.0.0)
    }

    /// Looks at all of them, holding up the keeper but never who measures.
    pub fn look<T>(&self, look: impl FnOnce(&Totals) -> T) -> T {
        look(&locked(&self.0.1))
    }

    /// Whoever looks later sees the last interval alone: there is one copy of the rest.
    fn end(&self) -> Totals {
        core::mem::take(&mut locked(&self.0.1))
    }

    fn take(&self, point: Point, sheet: &Sheet) {
        *locked(&self.0.0) = point;
        locked(&self.0.1).take(sheet);
    }
}

/// The measuring thread's end.
pub struct Keeper {
    filled: SyncSender<Filled>,
    empty: Receiver<Sheet>,
    thread: JoinHandle<Kept>,
    interval_ns: u64,
    since: Nanos,
    view: View,
}

impl Keeper {
    /// Starts the thread; intervals count from `now`.
    ///
    /// # Errors
    /// The thread or the file cannot be made.
    pub fn start(interval_ns: u64, log: Option<&LogFile>, now: Nanos) -> io::Result<Self> {
        let log = log.map(|file| IntervalLog::create(&file.path, file.budget, (now, file.wall)));
        let log = log.transpose().map_err(io::Error::other)?;
        let (filled, sheets) = sync_channel(SHEETS);
        let (emptied, empty) = channel();
        // The first one is in the meter already.
        (1..SHEETS).for_each(|_| drop(emptied.send(Sheet::default())));
        let view = View::default();
        let seen = view.clone();
        let thread = std::thread::Builder::new().name("latency".into());
        let thread = thread.spawn(move || keep(&sheets, &emptied, log, now, &seen))?;
        Ok(Self { filled, empty, thread, interval_ns, since: now, view })
    }

    /// Where others may look.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// Hands over what `meter` recorded if an interval is over. While the thread is behind, the
    /// interval goes on.
    pub fn turn(&mut self, meter: &mut Meter, now: Nanos, market: Nanos) {
        if now.0.saturating_sub(self.since.0) < self.interval_ns {
            return;
        }
        let Ok(empty) = self.empty.try_recv() else { return };
        let span = (core::mem::replace(&mut self.since, now), now);
        // There are no more sheets than the channel has room for.
        let _ = self.filled.try_send(Filled { sheet: meter.turn(empty), span, market });
    }

    /// Throws away what `meter` recorded so far: the warm-up is over.
    pub fn forget(&mut self, meter: &mut Meter, now: Nanos) {
        let mut sheet = meter.turn(Sheet::default());
        sheet.clear();
        meter.turn(sheet);
        self.since = now;
    }

    /// Hands over the rest and waits for the thread.
    pub fn finish(self, meter: &mut Meter, now: Nanos, market: Nanos) -> Kept {
        let span = (self.since, now);
        let _ = self.filled.send(Filled { sheet: meter.turn(Sheet::default()), span, market });
        drop(self.filled);
        self.thread.join().unwrap_or_default()
    }
}

fn keep(
    sheets: &Receiver<Filled>,
    emptied: &Sender<Sheet>,
    mut log: Option<IntervalLog>,
    begun: Nanos,
    view: &View,
) -> Kept {
    let mut points = VecDeque::new();
    let mut kept = Kept::default();
    while let Ok(Filled { mut sheet, span, market }) = sheets.recv() {
        let point = point(&sheet, span, begun, market);
        if let Some(open) = &mut log {
            let mut cells = sheet.cells();
            let written = cells.try_for_each(|(key, cell)| open.write(key, cell, span));
            if let Err(error) = written.and_then(|()| open.flush()) {
                log::warn!("the latency log ends here: {error}");
                kept.log_failed = Some(error.to_string());
                log = None;
            }
        }
        view.take(point, &sheet);
        points.push_back(point);
        if points.len() > POINTS {
            points.pop_front();
        }
        sheet.clear();
        let _ = emptied.send(sheet);
    }
    kept.points = points.into();
    kept.totals = view.end();
    kept
}

fn point(sheet: &Sheet, (from, to): (Nanos, Nanos), begun: Nanos, market: Nanos) -> Point {
    let mut prints = Total::default();
    let mut boundary = false;
    for ((_, _, phase), cell) in sheet.cells().filter(|(key, _)| Totals::is_response(key)) {
        prints.add(cell);
        boundary |= phase == Phase::Boundary;
    }
    let sizes = sheet.cells().filter(|((stage, ..), _)| *stage == Stage::InboxSize);
    Point {
        at: Nanos(to.0.saturating_sub(begun.0)),
        length_ns: to.0.saturating_sub(from.0),
        market,
        boundary,
        prints: prints.count(),
        response: [prints.at(0.5), prints.at(0.99), prints.max()],
        inbox: sizes.map(|(_, cell)| cell.max()).max().unwrap_or(0),
    }
}
