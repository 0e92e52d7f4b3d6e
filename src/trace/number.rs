//! Exact numbers as text: decimal where that is short, hexadecimal where it is not.

use std::fmt;

use serde::Serialize;

use crate::reference::{Dyadic, Value};

/// A number to print: decimal digits where float64 has it exactly, hexadecimal ones where not. In JSON it is a number where
/// float64 has it exactly, else a text.
///
/// ```
/// use fewbit::reference::Dyadic;
/// use fewbit::trace::ExactNumber;
/// assert_eq!(ExactNumber::from(Dyadic::new(3, -1)).to_string(), "1.5");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ExactNumber(Value);

impl From<Dyadic> for ExactNumber {
    fn from(x: Dyadic) -> Self {
        Self(Value::Finite(x))
    }
}

impl From<Value> for ExactNumber {
    fn from(x: Value) -> Self {
        Self(x)
    }
}

impl fmt::Display for ExactNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value::Finite(x) = &self.0 else {
            return if self.0 == Value::NegativeZero { f.pad("-0") } else { self.0.fmt(f) };
        };
        // As few decimal digits as tell the number from every other float64; in hexadecimal where it is none.
        let nearest = x.to_f64();
        if Dyadic::from_f64(nearest).as_ref() != Some(x) {
            x.fmt(f)
        } else {
            f.pad(&decimal(nearest))
        }
    }
}

/// The shortest decimal digits that tell a number from every other float64, in the notation that reads more easily.
///
/// ```
/// assert_eq!(fewbit::trace::decimal(0.1), "0.1");
/// assert_eq!(fewbit::trace::decimal(1e300), "1e300");
/// ```
#[must_use]
pub fn decimal(x: f64) -> String {
    let magnitude = x.abs();
    if magnitude == 0.0 || magnitude.is_infinite() || (1e-5..1e12).contains(&magnitude) {
        x.to_string()
    } else {
        format!("{x:e}")
    }
}
