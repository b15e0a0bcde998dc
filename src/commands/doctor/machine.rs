//! What the machine has to offer: memory, disk, files, processors, folders.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;

use super::venue::Learnt;
use super::{Check, Level, count, memory, size};
use crate::commands::session::Session;
use crate::config::{Config, To};
use crate::engine::Engine;
use crate::settings::settings;

/// Bytes that a print takes on a tape: 13 to 17 measured on recorded sessions of one symbol, about
/// 30 on markets of many.
const PRINT_BYTES: f64 = 30.0;

/// Files open beside connections: the tape, logs, the terminal, timers, and requests on their way.
const FILES: u64 = 64;

/// Days that the disk should last.
const DAYS: f64 = 2.0;

/// Looks at the machine.
pub(super) fn checks(session: &Session, learnt: &Learnt, checks: &mut Vec<Check>) {
    if learnt.symbols > 0 {
        checks.push(ram(session, learnt.symbols));
    }
    checks.push(recording(session, learnt));
    checks.push(log_folder(session));
    checks.extend(numbers(session));
    checks.extend(sinks(session));
    checks.push(open_files(learnt));
    checks.push(threads(session, learnt));
}

fn ram(session: &Session, symbols: usize) -> Check {
    let need = memory::estimate(&settings(&session.config), symbols);
    let have = available_memory();
    let text = format!(
        "about {}, {} per symbol{}",
        size(need.total),
        size(need.per_symbol),
        have.map_or_else(String::new, |bytes| format!("; {} are free", size(bytes)))
    );
    let check = Check::ok("memory", text)
        .with("bytes", need.total)
        .with("bytes_per_symbol", need.per_symbol)
        .with("bytes_free", have);
    let advice = "follow fewer symbols, or keep fewer candles (lookback) or indicators";
    match have {
        Some(have) if need.total > have => check.but(Level::Problem, advice),
        Some(have) => check.but_if(need.total > have / 10 * 8, Level::Warning, advice),
        None => check,
    }
}

/// What the kernel says that programs can still have.
fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn recording(session: &Session, learnt: &Learnt) -> Check {
    let Some(dir) = &session.options.record else {
        return Check::ok("recording", "none; --record DIR would keep a tape");
    };
    let per_day = (learnt.trades_per_day * PRINT_BYTES) as u64;
    let free = free_disk(dir);
    let check = |text: String| {
        Check::ok("recording", text).with("bytes_per_day", per_day).with("bytes_free", free)
    };
    if let Err(error) = writable(dir) {
        let advice = "name another folder with --record, or make this one writable";
        return check(format!("{}: {error}", dir.display())).but(Level::Problem, advice);
    }
    let space = free.map_or_else(String::new, |free| format!("; {} are free", size(free)));
    let days = free.filter(|_| per_day > 0).map(|free| free as f64 / per_day as f64);
    let text = match per_day {
        0 => format!("into {}{space}", dir.display()),
        _ => format!("into {}, estimated {} a day{space}", dir.display(), size(per_day)),
    };
    let advice = "tapes grow until the disk is full: make room, or use another disk";
    check(text).but_if(days.is_some_and(|days| days < DAYS), Level::Warning, advice)
}

/// The address at which the session's numbers are to be had.
fn numbers(session: &Session) -> Option<Check> {
    let address = session.config.listen?;
    let check = Check::ok("numbers", format!("at http://{address}/metrics"));
    Some(match TcpListener::bind(address) {
        Ok(_) => check,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Check::ok("numbers", format!("{address} is in use, perhaps by a session that runs"))
                .but(Level::Warning, "name another address with [http] listen for a second one")
        }
        Err(error) => Check::ok("numbers", format!("{address}: {error}"))
            .but(Level::Problem, "name another address with [http] listen, or leave it out"),
    })
}

fn log_folder(session: &Session) -> Check {
    let Some(dir) = &session.config.log.dir else { return Check::ok("log", "to stderr") };
    match writable(dir) {
        Ok(()) => Check::ok("log", format!("into {}", dir.display())),
        Err(error) => {
            let advice = "name another folder as dir in [log], or make this one writable";
            Check::ok("log", format!("{}: {error}", dir.display())).but(Level::Problem, advice)
        }
    }
}

/// Of a configuration that has any; all that is wrong. Whether they are up is seen when an alert is
/// delivered.
fn sinks(session: &Session) -> Vec<Check> {
    let Config { sinks, alerts_dir, .. } = &session.config;
    let refused = crate::sinks::check(&session.config);
    let mut wrong: Vec<String> = refused.iter().map(ToString::to_string).collect();
    if sinks.iter().any(|sink| sink.to != To::Terminal) {
        let unwritten = |error| format!("dir in [alerts], {}: {error}", alerts_dir.display());
        wrong.extend(writable(alerts_dir).map_err(unwritten).err());
    }
    for sink in sinks {
        let To::File { path, .. } = &sink.to else { continue };
        // Files are put aside there, and begun anew.
        let dir = path.parent().unwrap_or(path);
        let unwritten =
            |error| format!("sinks.{}: the folder of {}: {error}", sink.name, path.display());
        wrong.extend(writable(dir).map_err(unwritten).err());
    }
    if sinks.is_empty() || !wrong.is_empty() {
        let problem = |why| Check::ok("sinks", why).but(Level::Problem, "put right what it names");
        return wrong.into_iter().map(problem).collect();
    }
    let names: Vec<&str> = sinks.iter().map(|sink| sink.name.as_str()).collect();
    let waits = alerts_dir.display();
    vec![Check::ok("sinks", format!("{}; what waits is in {waits}", names.join(", ")))]
}

/// Whether files can be made in a folder, or the folder itself if it is not there yet.
fn writable(dir: &Path) -> io::Result<()> {
    let nearest = existing(dir);
    if !nearest.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let probe = nearest.join(format!(".tapescan-{}", std::process::id()));
    fs::File::create_new(&probe)?;
    fs::remove_file(&probe)
}

/// The folder, or the nearest one above it that is there.
fn existing(dir: &Path) -> &Path {
    let mut above = dir.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    above.find(|folder| folder.exists()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn free_disk(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(existing(dir)).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

#[cfg(not(unix))]
fn free_disk(_: &Path) -> Option<u64> {
    None
}

/// How many files this process may have open; `None` if there is no limit or none is known.
#[cfg(unix)]
fn files_max() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn files_max() -> Option<u64> {
    None
}

fn open_files(learnt: &Learnt) -> Check {
    // A connection that is replaced runs beside its successor.
    let connections = learnt.plan.as_ref().map_or(0, |plan| 2 * plan.links());
    let need = connections as u64 + FILES;
    let Some(have) = files_max() else {
        return Check::ok("open files", format!("{} at most, without a limit", count(need)));
    };
    let text = format!("{} at most, {} are allowed", count(need), count(have));
    let check = Check::ok("open files", text).with("files", need).with("files_max", have);
    check.but_if(need > have, Level::Problem, "raise the limit with `ulimit -n`")
}

fn threads(session: &Session, learnt: &Learnt) -> Check {
    let threads = session.options.threads;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let rows = learnt.symbols * session.config.intervals.len();
    let how = match threads {
        1 => "every step on one",
        _ if Engine::spreads(rows, threads) => "ends of candles and bursts on all of them",
        _ => "bursts on all of them, ends of candles on one, since they are few",
    };
    let text = format!("{threads} of the engine, {how}; one for the network; {cpus} processors");
    let check = Check::ok("threads", text)
        .with("threads", threads)
        .with("processors", cpus)
        .with("rows", rows);
    check.but_if(threads > cpus, Level::Warning, format!("--threads {cpus} will be faster"))
}
