//! Which symbols are followed: names, the busiest, or all.

use std::fmt;

/// Which symbols are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Every one that trades.
    All,
    /// So many with the largest volume of the last day, of those that trade against USDT.
    Top(usize),
    /// These.
    Names(Vec<String>),
}

impl Choice {
    /// Reads `all`, `top:N`, or names separated by commas.
    ///
    /// # Errors
    /// What would be right, for a text that is none of these or names a symbol twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(number) = text.strip_prefix("top:") {
            return match number.parse() {
                Ok(count) if count > 0 => Ok(Self::Top(count)),
                _ => Err(format!("expected top:N with N from 1 on, not {text:?}")),
            };
        }
        match text {
            "all" => Ok(Self::All),
            _ => Self::names(text.split(',')),
        }
    }

    /// These names.
    ///
    /// # Errors
    /// What is wrong with them: none, an empty one, or one that is there twice.
    pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut read: Vec<String> = Vec::new();
        for name in names.into_iter().map(str::trim) {
            if name.is_empty() || name.contains(char::is_whitespace) || name.contains(':') {
                return Err(format!(
                    "expected names such as \"BTCUSDT\", or \"top:200\", or \"all\", not {name:?}"
                ));
            }
            if read.iter().any(|known| known == name) {
                return Err(format!("{name} is listed twice"));
            }
            read.push(name.to_owned());
        }
        if read.is_empty() {
            Err("expected at least one name".to_owned())
        } else {
            Ok(Self::Names(read))
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Top(count) => write!(f, "top:{count}"),
            Self::Names(names) => f.write_str(&names.join(",")),
        }
    }
}
