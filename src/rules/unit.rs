//! Units of values, and what becomes of them in arithmetic: a price is not a percentage.

use super::ast::Binary;

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Quote currency for one base unit.
    Price,
    /// Base currency.
    Quantity,
    /// Quote currency.
    Turnover,
    /// Percent: 2 is two of a hundred.
    Percent,
    /// A pure number.
    Ratio,
    /// How many.
    Count,
    /// Seconds.
    Time,
    /// True, false or not known.
    Truth,
    /// A number as written, which takes the unit of what it meets.
    Plain,
    /// Something is wrong with it and was told: no more is to be said.
    Wrong,
}

use Unit::{Count, Percent, Plain, Price, Quantity, Ratio, Time, Truth, Turnover, Wrong};

impl Unit {
    /// What errors call a value of this unit.
    pub fn called(self) -> &'static str {
        match self {
            Price => "a price",
            Quantity => "a quantity",
            Turnover => "a turnover",
            Percent => "a percentage",
            Ratio => "a ratio",
            Count => "a count",
            Time => "a time",
            Truth => "a condition",
            Plain | Wrong => "a number",
        }
    }

    /// Whether it has no unit of its own to lose.
    fn pure(self) -> bool {
        matches!(self, Plain | Ratio | Count)
    }

    /// Whether it is an amount of something.
    fn amount(self) -> bool {
        matches!(self, Price | Quantity | Turnover | Time)
    }
}

/// The unit of a sum, difference, product or quotient, and by what the result is multiplied.
///
/// # Errors
/// Why it means nothing, and what to write.
pub(super) fn arithmetic(op: Binary, left: Unit, right: Unit) -> Result<(Unit, f64), String> {
    if left == Wrong || right == Wrong {
        return Ok((Wrong, 1.0));
    }
    if left == Truth || right == Truth {
        return Err(format!(
            "{} is true or false, and {} needs numbers; join conditions by and, or",
            Truth.called(),
            op.text()
        ));
    }
    match op {
        Binary::Mul => product(left, right),
        Binary::Div => quotient(left, right).map(|unit| (unit, 1.0)),
        _ => sum(op, left, right).map(|unit| (unit, 1.0)),
    }
}

fn sum(op: Binary, left: Unit, right: Unit) -> Result<Unit, String> {
    match (left, right) {
        _ if left == right => Ok(left),
        (Plain, Percent) | (Percent, Plain) => Err(
            "a number and a percentage do not add up; write 102% for a hundred and two percent, \
             or 1.02 for the factor"
                .to_owned(),
        ),
        (Plain, other) | (other, Plain) => Ok(other),
        (Ratio, Count) | (Count, Ratio) => Ok(Ratio),
        (amount, Percent) if amount.amount() => Err(format!(
            "{} and a percentage do not add up; write x * 102% for two percent more than x",
            amount.called()
        )),
        _ => {
            let word = if op == Binary::Add { "added to" } else { "taken from" };
            let (one, other) = if op == Binary::Add { (left, right) } else { (right, left) };
            Err(format!("{} cannot be {word} {}", one.called(), other.called()))
        }
    }
}

fn product(left: Unit, right: Unit) -> Result<(Unit, f64), String> {
    Ok(match (left, right) {
        (Percent, Percent) => {
            return Err("a percentage of a percentage: write one of them as a factor, such as 0.5"
                .to_owned());
        }
        (Percent, other) | (other, Percent) if other.amount() => (other, 0.01),
        (Percent, _) | (_, Percent) => (Percent, 1.0),
        (Price, Quantity) | (Quantity, Price) => (Turnover, 1.0),
        (Plain, other) | (other, Plain) => (other, 1.0),
        (Count, Count) => (Count, 1.0),
        (pure, other) | (other, pure) if pure.pure() => {
            (if other.pure() { Ratio } else { other }, 1.0)
        }
        _ => return Err(format!("{} times {} is nothing", left.called(), right.called())),
    })
}

fn quotient(left: Unit, right: Unit) -> Result<Unit, String> {
    Ok(match (left, right) {
        (Plain, Plain) => Plain,
        _ if left == right => Ratio,
        (Turnover, Quantity) => Price,
        (Turnover, Price) => Quantity,
        (Count, pure) if pure.pure() => Ratio,
        (other, Plain | Ratio | Count) => {
            if other.pure() {
                Ratio
            } else {
                other
            }
        }
        _ => {
            return Err(format!("{} divided by {} is nothing", left.called(), right.called()));
        }
    })
}

/// Whether two values can be compared.
///
/// # Errors
/// Why not, and what to write.
pub(super) fn comparable(left: Unit, right: Unit) -> Result<(), String> {
    match (left, right) {
        (Wrong, _) | (_, Wrong) => Ok(()),
        (Truth, _) | (_, Truth) => {
            Err("a condition is true or false already; leave out the comparison".to_owned())
        }
        _ if left == right || left == Plain || right == Plain => Ok(()),
        (Ratio, Count) | (Count, Ratio) => Ok(()),
        (Time, other) | (other, Time) => Err(format!(
            "{} is not a time; times are compared with quiet_for, listed_for and session_time",
            other.called()
        )),
        (Percent, amount) | (amount, Percent) if amount.amount() => Err(format!(
            "{} is not a percentage; say of what it is a part, as in close * 2%, or compare \
             change(5m) with it",
            amount.called()
        )),
        (Percent, pure) | (pure, Percent) => Err(format!(
            "{} is not a percentage; write the number without %, or multiply by 100%",
            pure.called()
        )),
        _ => Err(format!(
            "{} is not {}; both sides of a comparison must be of one kind",
            left.called(),
            right.called()
        )),
    }
}

/// The unit of an indicator's output.
pub(super) fn of_output(name: &str, output: &str) -> Unit {
    match (name, output) {
        ("bbands", "width" | "percent_b") | ("supertrend", "direction") => Ratio,
        ("rsi" | "stoch" | "willr" | "cci" | "mfi" | "adx", _) => Ratio,
        ("zscore" | "rvol" | "trade_accel" | "taker_share" | "trade_rate", _) => Ratio,
        ("roc" | "natr", _) => Percent,
        ("obv", _) => Quantity,
        _ => Price,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::catalog::CATALOG;

    /// Whoever adds an indicator decides what its outputs are.
    #[test]
    fn every_output_has_a_unit_on_purpose() {
        let prices = "anchored_vwap atr bbands donchian ema keltner linreg_slope macd rma \
                      rolling_vwap session sma stddev supertrend vwap wma";
        for entry in CATALOG {
            let priced = entry.outputs.iter().any(|output| of_output(entry.name, output) == Price);
            let listed = prices.split(' ').any(|name| name == entry.name);
            assert_eq!(priced, listed, "{}", entry.name);
        }
    }

    #[test]
    fn units_go_through_arithmetic() {
        use Binary::{Add, Div, Mul, Sub};
        for (op, left, right, want) in [
            (Add, Price, Price, Some((Price, 1.0))),
            (Sub, Price, Plain, Some((Price, 1.0))),
            (Add, Price, Percent, None),
            (Add, Plain, Percent, None),
            (Add, Price, Quantity, None),
            (Mul, Price, Quantity, Some((Turnover, 1.0))),
            (Mul, Price, Percent, Some((Price, 0.01))),
            (Mul, Percent, Plain, Some((Percent, 1.0))),
            (Mul, Percent, Percent, None),
            (Mul, Price, Price, None),
            (Mul, Count, Price, Some((Price, 1.0))),
            (Mul, Count, Ratio, Some((Ratio, 1.0))),
            (Div, Price, Price, Some((Ratio, 1.0))),
            (Div, Turnover, Quantity, Some((Price, 1.0))),
            (Div, Turnover, Price, Some((Quantity, 1.0))),
            (Div, Quantity, Count, Some((Quantity, 1.0))),
            (Div, Plain, Price, None),
            (Div, Percent, Percent, Some((Ratio, 1.0))),
            (Add, Truth, Price, None),
            (Add, Wrong, Truth, Some((Wrong, 1.0))),
        ] {
            assert_eq!(arithmetic(op, left, right).ok(), want, "{op:?} {left:?} {right:?}");
        }
    }
}
