//! The nearest valid name to a mistyped one.

/// The candidate that `word` was probably meant to be; `None` if nothing is near.
///
/// Distance counts insertions, deletions, replacements and swaps of neighbours, ignoring case.
/// At most one edit per three letters passes: farther names are no help.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count().max(3) / 3).min(3);
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), name))
        .filter(|&(distance, _)| distance <= allowed)
        // The first of equals wins, so the answer depends on the list's order alone.
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let names = ["lookback", "intervals", "indicators", "ema"];
        for (word, want) in [
            ("lookbak", Some("lookback")),
            ("Lookback", Some("lookback")),
            ("interval", Some("intervals")),
            ("indicatros", Some("indicators")),
            ("eam", Some("ema")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), want, "{word}");
        }
    }
}
