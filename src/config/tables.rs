//! The sections of ranked tables, `[tables.NAME]` each.

use std::fmt::{self, Write};

use systems::limits::{TABLE_COLUMNS_MAX, TABLES_MAX, TOP_MAX};
use systems::rule::Moves;

use super::Config;
use super::named::Named;
use super::print::quoted;
use super::read::{Item, Reader, Section};
use super::rules::{interval, name_of};
use crate::rules::{Mistake, Table};

/// Keys of one table.
const KEYS: &[&str] = &["by", "order", "top", "interval", "tell", "columns"];

/// Symbols of a table that does not say how many.
const TOP: usize = 10;

const ORDERS: &[(&str, bool)] = &[("descending", false), ("ascending", true)];
const TELL: &[(&str, Moves)] =
    &[("all", Moves::All), ("members", Moves::Members), ("off", Moves::Off)];

/// Where the keys of each table stand, by line: of `by`, and of each column.
pub(super) type Lines = Vec<(usize, Vec<usize>)>;

/// Reads `[tables.NAME]`, all of them; their expressions are checked with those of the rules.
pub(super) fn tables<'t>(
    reader: &mut Reader<'t>,
    document: Section<'_, 't>,
    config: &mut Config,
) -> Lines {
    let mut lines = Vec::new();
    Named::Table.each(reader, document, |reader, name, section, line| {
        reader.check_keys(section, &[(section.name(), KEYS)]);
        let Some(by) = reader.item(section, "by") else {
            let message = "expected by = \"...\", what symbols are ranked by".to_owned();
            return reader.note(line, section.name(), message);
        };
        let (columns, places) = columns(reader, section, section.name());
        lines.push((by.line(), places));
        let table = table_of(reader, section, name, columns, config);
        config.tables.push(table);
    });
    if config.tables.len() > TABLES_MAX {
        let message = format!("at most {TABLES_MAX} tables, not {}", config.tables.len());
        reader.note(1, "tables", message);
    }
    lines
}

fn table_of<'t>(
    reader: &mut Reader<'t>,
    section: Section<'_, 't>,
    name: &str,
    columns: Vec<String>,
    config: &Config,
) -> Table {
    let text = |item: Item<'_, '_>| item.text().map(str::to_owned);
    let known = |item: Item<'_, '_>| interval(item.text()?, config);
    let top = reader.value(section, "top", |item| item.whole(1, TOP_MAX as u64));
    Table {
        name: name.to_owned(),
        interval: reader.value(section, "interval", known).unwrap_or(config.base()),
        by: reader.value(section, "by", text).unwrap_or_default(),
        ascending: reader.value(section, "order", |item| item.one_of(ORDERS)).unwrap_or_default(),
        top: top.map_or(TOP, |top| top as usize),
        tell: reader.value(section, "tell", |item| item.one_of(TELL)).unwrap_or_default(),
        columns,
    }
}

/// The columns, and the line of each.
fn columns<'t>(
    reader: &mut Reader<'t>,
    section: Section<'_, 't>,
    path: &str,
) -> (Vec<String>, Vec<usize>) {
    let list = reader.value(section, "columns", |item| match item.list()? {
        list if list.len() > TABLE_COLUMNS_MAX => {
            Err(format!("at most {TABLE_COLUMNS_MAX} columns, not {}", list.len()))
        }
        list => Ok(list),
    });
    let (mut texts, mut lines) = (Vec::new(), Vec::new());
    for value in list.unwrap_or_default() {
        let element = reader.at(value);
        let key = format!("{path}.columns");
        let text = reader.accept(element.line(), &key, element.text());
        texts.extend(text.map(str::to_owned));
        lines.extend(text.map(|_| element.line()));
    }
    (texts, lines)
}

/// Notes a mistake in an expression; that a table's interval is none was noted where it was read.
pub(super) fn tell(reader: &mut Reader<'_>, mistake: &Mistake, tables: &[Table], lines: &Lines) {
    let (table, (by, columns)) = (&tables[mistake.rule], &lines[mistake.rule]);
    let (line, text) = match mistake.key {
        "by" => (*by, table.by.as_str()),
        "columns" => (columns[mistake.column], table.columns[mistake.column].as_str()),
        _ => return,
    };
    let key = format!("tables.{}.{}", table.name, mistake.key);
    // What is no text was noted already.
    if !reader.noted(&key) || !text.is_empty() {
        reader.note(line, &key, mistake.fault.shown(text));
    }
}

impl Config {
    pub(super) fn write_tables(&self, out: &mut String) -> fmt::Result {
        if self.tables.is_empty() {
            writeln!(out, "\n# The first symbols by a number.\n# [tables.movers]")?;
            return writeln!(out, "# by = \"change(15m)\"");
        }
        self.tables.iter().try_for_each(|table| write_table(out, table))
    }
}

fn write_table(out: &mut String, table: &Table) -> fmt::Result {
    writeln!(out, "\n[tables.{}]\nby = {}", table.name, quoted(&table.by))?;
    writeln!(out, "order = {}", quoted(name_of(ORDERS, table.ascending)))?;
    writeln!(out, "top = {}", table.top)?;
    writeln!(out, "interval = {}", quoted(&table.interval.to_string()))?;
    writeln!(out, "tell = {}", quoted(name_of(TELL, table.tell)))?;
    let columns: Vec<_> = table.columns.iter().map(|text| quoted(text)).collect();
    writeln!(out, "columns = [{}]", columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_tables_read_and_come_back() {
        let config = Config::of_live().unwrap();
        assert_eq!(config.tables.len(), 4);
        let read = Config::parse("again", &config.to_toml());
        assert_eq!(read.ok(), Some(config));
    }
}
