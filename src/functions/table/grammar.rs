//! Tables, read and written: a function, then parts in any order.

use std::fmt;
use std::str::FromStr;

use super::error::{TableError, excerpt};
use super::scaled::ScaledFormat;
use super::spec::TableSpec;

impl fmt::Display for TableSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},in={},out={}", self.function, self.input, self.output)?;
        write!(f, ",address={},round={}", self.address, self.rounding)?;
        write!(f, ",outside={},between={}", self.outside, self.interpolation)?;
        write!(f, ",fill={},by={}", self.fill, self.evaluation)?;
        let policy = self.policy;
        write!(f, ",out-round={},out-overflow={}", policy.rounding, policy.overflow)?;
        write!(f, ",nan={},order={}", policy.nan, self.order)
    }
}

impl FromStr for TableSpec {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Self, TableError> {
        let mut parts = text.split(',');
        let function = parts.next().unwrap_or_default().parse()?;
        let parts: Vec<(&str, &str)> = parts
            .map(|part| part.split_once('=').ok_or_else(|| TableError::Part(excerpt(part))))
            .collect::<Result<_, _>>()?;
        for (place, (key, _)) in parts.iter().enumerate() {
            if parts[..place].iter().any(|(other, _)| other == key) {
                return Err(TableError::Twice(excerpt(key)));
            }
        }
        let scaled = |key: &str, missing| -> Result<ScaledFormat, TableError> {
            let part = parts.iter().find(|(other, _)| *other == key);
            part.ok_or(TableError::Missing(missing))?.1.parse()
        };
        let input = scaled("in", "an input, as in=int8*0.1")?;
        let output = scaled("out", "a format of its entries, as out=int8*0.0078125")?;
        let mut spec = Self::unchecked(function, input, output);
        for (key, value) in parts {
            match key {
                "in" | "out" => {}
                "address" => spec.address = value.parse()?,
                "round" => spec.rounding = value.parse()?,
                "outside" => spec.outside = value.parse()?,
                "between" => spec.interpolation = value.parse()?,
                "fill" => spec.fill = value.parse()?,
                "by" => spec.evaluation = value.parse()?,
                "out-round" => spec.policy.rounding = value.parse()?,
                "out-overflow" => spec.policy.overflow = value.parse()?,
                "nan" => spec.policy.nan = value.parse()?,
                "order" => spec.order = value.parse()?,
                _ => return Err(TableError::Part(excerpt(&format!("{key}={value}")))),
            }
        }
        spec.checked()
    }
}
