//! Sections of which there may be several, each with a name: `[rules.NAME]`, `[tables.NAME]`,
//! `[sinks.NAME]`.

use super::read::{Reader, Section};
use crate::rules::limits::NAME_MAX;

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Rule,
    Table,
    Sink,
}

impl Named {
    /// The section that all of them are in.
    pub(super) const fn all(self) -> &'static str {
        match self {
            Self::Rule => "rules",
            Self::Table => "tables",
            Self::Sink => "sinks",
        }
    }

    /// Whether one may have this name.
    pub(super) fn check(self, name: &str) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.len() <= NAME_MAX && !name.is_empty() && name.bytes().all(plain) {
            return Ok(());
        }
        let (what, place) = match self {
            Self::Rule => ("rule", "keys"),
            Self::Table => ("table", "keys"),
            Self::Sink => ("sink", "names of files"),
        };
        Err(format!(
            "a {what}'s name has letters, digits, - and _, at most {NAME_MAX}: it stands in {place}"
        ))
    }

    /// Takes each of them with its name, its section and the line of that. What is no section, and
    /// a name that cannot be one, is noted.
    pub(super) fn each<'t>(
        self,
        reader: &mut Reader<'t>,
        document: Section<'_, 't>,
        mut take: impl FnMut(&mut Reader<'t>, &str, Section<'_, 't>, usize),
    ) {
        let Some(section) = reader.section(document, self.all()) else { return };
        for (name, item) in reader.items(section) {
            let path = format!("{}.{name}", self.all());
            let Some(table) = item.table() else {
                reader.note(item.line(), &path, item.expected(&format!("a section [{path}]")));
                continue;
            };
            if let Err(message) = self.check(name) {
                reader.note(item.line(), &path, message);
            }
            take(reader, name, Section::new(&path, table), item.line());
        }
    }
}
