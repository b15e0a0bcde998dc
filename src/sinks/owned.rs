//! Files that one session has for itself alone: how it takes them, who has them, and whether they
//! are still where they were.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// How often a file is opened that is put aside meanwhile.
const TRIES: usize = 16;

/// Opens a file to be appended to, makes it if there is none, and keeps other sessions from it as
/// long as it is open.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] if another session has it, [`io::ErrorKind::InvalidInput`] if it
/// is a device or a folder; else the disk's.
pub(super) fn claim(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    for _ in 0..TRIES {
        let file = take(path, true)?;
        // Whoever had it may have put it aside between opening and locking.
        if is_at(&file, path) {
            return Ok(file);
        }
    }
    Err(io::Error::other("it is moved whenever it is opened"))
}

/// Whether a file could be claimed, which makes none.
///
/// # Errors
/// As of [`claim`].
pub(super) fn check(path: &Path) -> io::Result<()> {
    match take(path, false) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn take(path: &Path, create: bool) -> io::Result<File> {
    // A device may never end, or never begin.
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let file = OpenOptions::new().read(true).append(true).create(create).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let who = holder(&file, path)
                .map_or_else(|| "another session".to_owned(), |pid| format!("process {pid}"));
            let why =
                format!("{who} has it: end that session, or name another file or folder here");
            Err(io::Error::new(io::ErrorKind::ResourceBusy, why))
        }
        // A file system without locks leaves it to whoever names the files.
        _ => Ok(file),
    }
}

/// Whether a path still leads to this file.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let (own, found) = (file.metadata().map(place), path.metadata().map(place));
    matches!((own, found), (Ok(own), Ok(found)) if own == found)
}

/// Whether a path still leads to this file.
#[cfg(not(unix))]
pub(super) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Whether a file has no name any more: what is written to it is gone with the program.
#[cfg(unix)]
pub(super) fn is_removed(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|found| found.nlink() == 0)
}

/// Whether a file has no name any more: what is written to it is gone with the program.
#[cfg(not(unix))]
pub(super) fn is_removed(_: &File) -> bool {
    false
}

/// Brings the name of a file to the disk, where folders can be synced.
pub(super) fn sync_name(path: &Path) {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    drop(File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all()));
}

/// The process that has a file, where the system says so.
#[cfg(target_os = "linux")]
fn holder(file: &File, path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let (inode, path) = (file.metadata().ok()?.ino(), path.canonicalize().ok()?);
    // Files of several disks may have one number: only who has this path open has this file.
    let has_it = |pid: &u32| {
        let mut open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.any(|link| fs::read_link(link.path()).is_ok_and(|target| target == path))
    };
    holders(&fs::read_to_string("/proc/locks").ok()?, inode).find(has_it)
}

/// The process that has a file, where the system says so.
#[cfg(not(target_os = "linux"))]
fn holder(_: &File, _: &Path) -> Option<u32> {
    None
}

/// Who has a lock on files of this number, in the words of `/proc/locks`.
#[cfg(target_os = "linux")]
fn holders(locks: &str, inode: u64) -> impl Iterator<Item = u32> {
    locks.lines().filter_map(move |line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, place, ..] = words[..] else { return None };
        let (_, number) = place.rsplit_once(':')?;
        pid.parse().ok().filter(|_| number.parse() == Ok(inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_a_file_is_read_from_the_system() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 08:01:42 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 8 08:01:42 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 9 08:01:42 0 EOF\n\
                     3: FLOCK  ADVISORY  READ 10 08:01:42 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 11 00:2f:42 0 EOF\nnonsense\n";
        assert_eq!(holders(locks, 42).collect::<Vec<_>>(), [8, 11]);
        assert_eq!(holders(locks, 4).count(), 0);
    }

    #[test]
    fn one_has_a_file_until_it_is_closed_and_the_others_are_told_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/file");
        check(&path).unwrap();
        assert!(!path.exists(), "looking makes nothing");
        let file = claim(&path).unwrap();
        for refused in [claim(&path).map(drop), check(&path)] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
            assert!(error.to_string().contains(" has it: end that session"), "{error}");
        }
        drop(file);
        check(&path).unwrap();
        claim(&path).unwrap();
        for device in ["/dev/null", "/"] {
            let refused = [claim(Path::new(device)).map(drop), check(Path::new(device))];
            for error in refused.map(Result::unwrap_err) {
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{device}: {error}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_or_replaced_is_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = claim(&path).unwrap();
        assert!(is_at(&file, &path) && !is_removed(&file));
        fs::rename(&path, dir.path().join("aside")).unwrap();
        assert!(!is_at(&file, &path) && !is_removed(&file));
        fs::write(&path, "another").unwrap();
        assert!(!is_at(&file, &path));
        fs::remove_file(dir.path().join("aside")).unwrap();
        assert!(is_removed(&file));
        // What was put aside by whoever had it is free, and the one in its place is.
        assert!(is_at(&claim(&path).unwrap(), &path));
    }
}
