//! Ranked tables as lines of the panel: one a table, with as many places as fit.

use super::rows::{Row, Tone};
use crate::config::Config;
use crate::rules::{Ranking, Unit, shown};
use crate::settings::rule_set;

/// What a table's line is called, and what its numbers are.
#[derive(Clone, Debug)]
pub(super) struct Head {
    name: String,
    unit: Unit,
}

/// The heads of all tables of a configuration.
pub(super) fn heads(config: &Config) -> Vec<Head> {
    let tables = config.tables.iter().zip(rule_set(config).tables);
    tables.map(|(table, known)| Head { name: table.name.clone(), unit: known.unit }).collect()
}

/// A line for each table that has anyone in it.
pub(super) fn rows<'a>(
    heads: &'a [Head],
    rankings: &'a [Ranking],
) -> impl Iterator<Item = Row> + 'a {
    let some = heads.iter().zip(rankings).filter(|(_, ranking)| !ranking.places.is_empty());
    some.map(|(head, ranking)| {
        let places = ranking.places.iter();
        places.fold(Row::called(&head.name), |row, place| {
            row.with(format!("{} {}", place.symbol, shown(place.score, head.unit)), Tone::Plain)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Place;

    #[test]
    fn a_table_is_a_line_with_as_many_places_as_fit() {
        let heads = [
            Head { name: "a-long-name-of-a-table".to_owned(), unit: Unit::Percent },
            Head { name: "none".to_owned(), unit: Unit::Price },
        ];
        let place = |symbol: &str, score| Place { symbol: symbol.into(), score, columns: vec![] };
        let places = vec![place("AUSDT", 3.25), place("BUSDT", -1.0), place("CUSDT", f64::NAN)];
        let rankings = [Ranking { places, ..Ranking::default() }, Ranking::default()];
        let rows: Vec<Row> = rows(&heads, &rankings).collect();
        assert_eq!(rows.len(), 1);
        let (text, _) = rows[0].fitted(40);
        let text = console::strip_ansi_codes(&text).into_owned();
        assert_eq!(text, "a-long-na AUSDT +3.25%  BUSDT -1.00%");
    }
}
