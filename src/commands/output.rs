//! Files that a command writes at its end: checked before the work, and there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Failure;

/// A file being made: under another name until it is whole, and gone again if it never is.
pub(super) struct NewFile {
    path: PathBuf,
    out: BufWriter<File>,
    /// The name until then, and the one that it gets. A pipe or a device is written to as it is.
    names: Option<(PathBuf, PathBuf)>,
}

impl NewFile {
    /// Makes sure that `path` can be written; what stands there stays for now.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        open(path).map_err(Failure::writing(path))
    }

    /// Writes all of it and puts it in its place.
    pub(super) fn write(
        mut self,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let written = text(&mut self.out).and_then(|()| self.out.flush());
        let placed = written.and_then(|()| match &self.names {
            Some((part, whole)) => fs::rename(part, whole),
            None => Ok(()),
        });
        if placed.is_ok() {
            self.names = None;
        }
        placed.map_err(Failure::writing(&self.path))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.names {
            // If even this fails, the first error is the one to tell.
            drop(fs::remove_file(part));
        }
    }
}

fn open(path: &Path) -> io::Result<NewFile> {
    let whole = match fs::metadata(path) {
        Ok(known) if !known.is_file() => {
            let out = BufWriter::new(File::options().write(true).open(path)?);
            return Ok(NewFile { path: path.to_owned(), out, names: None });
        }
        Ok(_) => {
            // Whoever may not write to it may not replace it either.
            File::options().append(true).open(path)?;
            path.canonicalize()?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let name = whole.file_name().ok_or(ErrorKind::IsADirectory)?;
    let part = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
    let part = whole.with_file_name(part);
    let out = BufWriter::new(File::create(&part)?);
    Ok(NewFile { path: path.to_owned(), out, names: Some((part, whole)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_there_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        NewFile::create(&path).unwrap().write(|out| out.write_all(b"first")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let half = NewFile::create(&path).unwrap().write(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no space left"))
        });
        assert!(matches!(half, Err(Failure::Failed(text)) if text.ends_with("no space left")));
        drop(NewFile::create(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        NewFile::create(&path).unwrap().write(|out| out.write_all(b"second")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["a.csv"], "nothing else is left");
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("nowhere/a.csv")] {
            assert!(matches!(NewFile::create(&path), Err(Failure::Failed(_))), "{path:?}");
        }
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.csv"), folder.path().join("link"));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        NewFile::create(&link).unwrap().write(|out| out.write_all(b"after")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"after");
        let null = Path::new("/dev/null");
        NewFile::create(null).unwrap().write(|out| out.write_all(b"gone")).unwrap();
        assert!(null.exists() && !null.is_file());
    }
}
