//! Walks a TOML document, and notes what is wrong where instead of stopping at the first mistake.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Problem, nearest};

/// Reads one document and collects its problems.
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

/// A table of the document, with the name that errors call it.
#[derive(Clone, Copy)]
pub(super) struct Section<'a, 't> {
    /// `""` for the document itself, or else such as `reconcile`.
    name: &'a str,
    table: &'a DeTable<'t>,
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Item<'a, 't> {
    value: &'a Spanned<DeValue<'t>>,
    line: usize,
}

impl<'t> Reader<'t> {
    /// Parses the syntax, and hands over the document unless the syntax has faults.
    pub(super) fn open(text: &'t str) -> Result<(Self, Spanned<DeTable<'t>>), Vec<Problem>> {
        let mut reader = Self { text, problems: Vec::new() };
        let (document, faults) = DeTable::parse_recoverable(text);
        for fault in faults {
            let line = reader.line(fault.span().unwrap_or(0..0));
            // Half a document has no keys to speak of, but its line mostly does.
            let written = text.lines().nth(line - 1).unwrap_or_default();
            let key = written.split_once('=').map_or("", |(key, _)| key.trim());
            reader.note(line, key, fault.message().to_owned());
        }
        if reader.problems.is_empty() { Ok((reader, document)) } else { Err(reader.problems) }
    }

    /// The value, if nothing was wrong.
    pub(super) fn close<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() {
            return Ok(value);
        }
        self.problems.sort_by_key(|problem| problem.line);
        Err(self.problems)
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, line: usize, key: &str, message: String) {
        self.problems.push(Problem { line, key: key.to_owned(), message });
    }

    /// Whether a mistake was noted under this key.
    pub(super) fn noted(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.key == key)
    }

    /// The value, or nothing after noting what is wrong.
    pub(super) fn accept<T>(
        &mut self,
        line: usize,
        key: &str,
        value: Result<T, String>,
    ) -> Option<T> {
        value.map_err(|message| self.note(line, key, message)).ok()
    }

    /// Reads a whole table of sections: every key must be in `known` under its section's name.
    pub(super) fn check_keys(&mut self, section: Section<'_, 't>, known: &[(&str, &[&str])]) {
        let here = known.iter().find(|(name, _)| *name == section.name).map_or(&[][..], |x| x.1);
        for key in section.table.keys() {
            let name = key.get_ref().as_ref();
            if here.contains(&name) {
                continue;
            }
            let elsewhere = known.iter().find(|(_, keys)| keys.contains(&name));
            let message = match (nearest(name, here.iter().copied()), elsewhere) {
                (_, Some(("", _))) => "unknown here; it belongs before all sections".to_owned(),
                (None, Some((section, _))) => format!("unknown here; it belongs in [{section}]"),
                (Some(near), Some((section, _))) => {
                    format!("unknown here; did you mean {near:?}? Or it belongs in [{section}]")
                }
                (Some(near), None) => format!("unknown key; did you mean {near:?}?"),
                (None, None) => format!("unknown key; the keys here are {}", here.join(", ")),
            };
            self.note(self.line(key.span()), &section.path(name), message);
        }
    }

    /// A section of the document, if it is there and is a table.
    pub(super) fn section<'a>(
        &mut self,
        document: Section<'a, 't>,
        name: &'a str,
    ) -> Option<Section<'a, 't>> {
        let item = self.item(document, name)?;
        if let Some(table) = item.value.get_ref().as_table() {
            return Some(Section { name, table });
        }
        self.note(item.line, name, item.expected(&format!("a section [{name}]")));
        None
    }

    /// The value of a key, if it is there.
    pub(super) fn item<'a>(&self, section: Section<'a, 't>, key: &str) -> Option<Item<'a, 't>> {
        section.table.get(key).map(|value| self.at(value))
    }

    /// Every key of a section with its value, by name.
    pub(super) fn items<'a>(&self, section: Section<'a, 't>) -> Vec<(&'a str, Item<'a, 't>)> {
        let items = section.table.iter();
        let mut items: Vec<_> =
            items.map(|(key, value)| (key.get_ref().as_ref(), self.at(value))).collect();
        items.sort_by_key(|(name, _)| *name);
        items
    }

    /// A value with its place.
    pub(super) fn at<'a>(&self, value: &'a Spanned<DeValue<'t>>) -> Item<'a, 't> {
        Item { value, line: self.line(value.span()) }
    }

    /// The value of a key as `read` understands it; `read` says what is allowed.
    pub(super) fn value<'a, T>(
        &mut self,
        section: Section<'a, 't>,
        key: &str,
        read: impl FnOnce(Item<'a, 't>) -> Result<T, String>,
    ) -> Option<T> {
        let item = self.item(section, key)?;
        self.accept(item.line, &section.path(key), read(item))
    }

    fn line(&self, span: Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

impl<'a, 't> Section<'a, 't> {
    /// What errors call it; `""` for the document itself.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// The document itself.
    pub(super) fn document(table: &'a DeTable<'t>) -> Self {
        Self { name: "", table }
    }

    /// A table, as errors call it.
    pub(super) fn new(name: &'a str, table: &'a DeTable<'t>) -> Self {
        Self { name, table }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

impl<'a, 't> Item<'a, 't> {
    /// Where it stands, counting from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// As a string.
    pub(super) fn text(&self) -> Result<&'a str, String> {
        self.value.get_ref().as_str().ok_or_else(|| self.expected("a string"))
    }

    /// As a whole number in a range.
    pub(super) fn whole(&self, min: u64, max: u64) -> Result<u64, String> {
        let allowed = format!("a whole number from {min} to {max}");
        let integer = self.value.get_ref().as_integer().ok_or_else(|| self.expected(&allowed))?;
        u64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("expected {allowed}, not {}", integer.as_str()))
    }

    /// As a number with or without decimals; `allowed` says which would be right.
    pub(super) fn number(&self, allowed: &str) -> Result<f64, String> {
        let text = match self.value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) => integer.as_str(),
            _ => return Err(self.expected(allowed)),
        };
        text.parse().map_err(|_| format!("expected {allowed}, not {text}"))
    }

    /// As one of a few names, each with its meaning.
    pub(super) fn one_of<T: Copy>(&self, names: &[(&'static str, T)]) -> Result<T, String> {
        let text = self.text()?;
        if let Some((_, value)) = names.iter().find(|(name, _)| *name == text) {
            return Ok(*value);
        }
        let hint = nearest(text, names.iter().map(|(name, _)| *name))
            .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        let all: Vec<String> = names.iter().map(|(name, _)| format!("{name:?}")).collect();
        Err(format!("expected {}, not {text:?}{hint}", all.join(" or ")))
    }

    /// As a list.
    pub(super) fn list(&self) -> Result<&'a [Spanned<DeValue<'t>>], String> {
        self.value
            .get_ref()
            .as_array()
            .map(|array| &array[..])
            .ok_or_else(|| self.expected("a list"))
    }

    /// As a table, if it is one.
    pub(super) fn table(&self) -> Option<&'a DeTable<'t>> {
        self.value.get_ref().as_table()
    }

    /// What to say about a value of the wrong type.
    pub(super) fn expected(&self, what: &str) -> String {
        format!("expected {what}, not {}", article(self.value.get_ref().type_str()))
    }
}

fn article(kind: &str) -> String {
    let an = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if an { "an" } else { "a" })
}
