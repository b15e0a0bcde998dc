//! Files put aside under the instant at which that happened, of which so many stay.

use std::fs;
use std::io;
use std::path::Path;

use systems::units::Nanos;

use super::{instant, timestamp};

/// Puts a file aside as `STEM-INSTANT.KIND` in its folder, and removes the oldest of those beyond
/// `keep`.
///
/// # Errors
/// A folder that cannot be listed or changed.
pub(crate) fn put_aside(path: &Path, now: Nanos, keep: usize) -> io::Result<()> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let kind = path.extension().map(|kind| format!(".{}", kind.to_string_lossy()));
    let (begin, kind) = (format!("{stem}-"), kind.unwrap_or_default());
    let since = |name: &str| {
        let at = name.strip_prefix(&begin)?.strip_suffix(&kind)?;
        let (day, time) = at.split_once('T')?;
        instant(&format!("{day}T{}", time.replace('-', ":")))
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let names = fs::read_dir(dir.unwrap_or(Path::new(".")))?;
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut old: Vec<_> = names.filter_map(|name| Some((since(&name)?, name))).collect();
    old.sort();
    // Behind all others also where the clock stands still or was set back: the oldest go.
    let at = old.last().map_or(now, |(last, _)| now.max(last.plus(Nanos::PER_MS)));
    let name = format!("{begin}{}{kind}", timestamp(at).replace(':', "-"));
    fs::rename(path, path.with_file_name(&name))?;
    old.push((at, name));
    for (_, name) in &old[..old.len().saturating_sub(keep)] {
        fs::remove_file(path.with_file_name(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_where_the_clock_stands_still_or_was_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        for other in ["a-.txt", "a-mine.txt", "a-2100-01-01.txt", "b-2100-01-01T00-00-00.000Z.txt"]
        {
            fs::write(path.with_file_name(other), "").unwrap();
        }
        for (n, seconds) in [50, 50, 50, 50, 50, 40, 30, 60].into_iter().enumerate() {
            fs::write(&path, n.to_string()).unwrap();
            put_aside(&path, Nanos::from_seconds(4_102_444_800 + seconds), 2).unwrap();
            let names = fs::read_dir(dir.path()).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> =
                names.filter(|name| name.starts_with("a-2100-01-01T")).collect();
            names.sort();
            let read = |name| fs::read_to_string(path.with_file_name(name)).unwrap();
            let kept: Vec<_> = names.into_iter().map(read).collect();
            assert_eq!(kept, [n.wrapping_sub(1), n].map(|n| n.to_string())[usize::from(n == 0)..]);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4 + 2);
    }
}
