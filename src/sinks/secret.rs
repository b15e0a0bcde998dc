//! Secrets: from the environment or a file that nobody else can read, and never shown.

use std::fmt;
use std::path::Path;

use crate::config::Source;

/// Shorter parts of an address are words such as `api` or `v2`, and no secrets.
const PART_MIN: usize = 6;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Secret {
    /// Reads it from where it is.
    pub(super) fn read(source: &Source) -> Result<Self, String> {
        let text = match source {
            Source::Plain(text) => text.clone(),
            Source::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => format!("{name} is not in the environment"),
                // The error itself would show it.
                std::env::VarError::NotUnicode(_) => format!("{name} is not text"),
            })?,
            Source::File(file) => from_file(file)?,
        };
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then(|| Self(text.to_owned())).ok_or_else(|| {
            let place = match source {
                Source::Plain(_) => "it".to_owned(),
                Source::Env(name) => name.clone(),
                Source::File(file) => file.display().to_string(),
            };
            format!("{place} is empty, or has characters that no address or token has")
        })
    }

    /// What it is, for whoever sends it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// A text without it, whoever wrote it there: whole, as JSON has it, and of an address each
    /// part that may be what is secret of it.
    pub(super) fn redact(&self, text: &str) -> String {
        let quoted = serde_json::Value::from(self.0.as_str()).to_string();
        let mut parts = vec![self.0.as_str(), quoted.trim_matches('"')];
        if let Some((_, rest)) = self.0.split_once("://") {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            parts.push(path);
            parts.extend(host.rsplit_once('@').map(|(user, _)| user));
            parts.extend(path.split(['/', '?', '&', '=', '#']));
        }
        parts.retain(|part| part.len() >= PART_MIN || *part == self.0);
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.iter().fold(text.to_owned(), |text, part| text.replace(part, "(secret)"))
    }
}

fn from_file(file: &Path) -> Result<String, String> {
    let unread = |error: std::io::Error| format!("{}: {error}", file.display());
    let metadata = std::fs::metadata(file).map_err(unread)?;
    if !metadata.is_file() {
        return Err(format!("{} is not a file", file.display()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let file = file.display();
            return Err(format!("{file} can be read by others (mode {mode:o}): chmod 600 {file}"));
        }
    }
    std::fs::read_to_string(file).map_err(unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_and_shown_to_nobody() {
        let secret = Secret::read(&Source::Plain("hush".to_owned())).unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}")), ("hush", "(secret)".to_owned()));
        assert_eq!(secret.redact("no route to hush/x"), "no route to (secret)/x");
        let address =
            "https://user:pass9word@hooks.example/services/T0AB/B1CD23/xyZ987?key=abcdef1";
        let hook = Secret::read(&Source::Plain(address.to_owned())).unwrap();
        for said in [
            "status 404: Cannot POST /services/T0AB/B1CD23/xyZ987?key=abcdef1",
            "no such hook: xyZ987",
            "user:pass9word is not known",
            "key abcdef1 is revoked",
        ] {
            let shown = hook.redact(said);
            let leaks = ["xyZ987", "B1CD23", "pass9word", "abcdef1"];
            assert!(leaks.iter().all(|leak| !shown.contains(leak)), "{shown}");
        }
        let odd = Secret::read(&Source::Plain("TOK\"SEC\\Q".to_owned())).unwrap();
        assert_eq!(odd.redact(r#"pass: "TOK\"SEC\\Q""#), r#"pass: "(secret)""#);
        let unset = Source::Env("TAPESCAN_TEST_THAT_NOBODY_SETS".to_owned());
        assert!(Secret::read(&unset).unwrap_err().contains("not in the environment"));
        assert!(Secret::read(&Source::Plain("  ".to_owned())).is_err());
        assert!(Secret::read(&Source::Plain("a b".to_owned())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "hush\n").unwrap();
        let source = Source::File(file.clone());
        for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            let read = Secret::read(&source);
            match &read {
                Ok(secret) => assert_eq!(secret.expose(), "hush"),
                Err(why) => assert!(why.contains("chmod 600") && !why.contains("hush"), "{why}"),
            }
            assert_eq!(read.is_ok(), fine, "{mode:o}");
        }
        assert!(Secret::read(&Source::File(folder.path().to_owned())).is_err());
    }
}
