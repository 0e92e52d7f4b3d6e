//! Exact sums with IEEE's infinities, NaN and signs of zero.

use fewbit_formats::Rounding;

use super::Value;
use crate::reference::Dyadic;

/// The sum of values by IEEE's rules, exact where it is finite.
///
/// An exact zero is -0 only where all addends are, or, under rounding down, where they are not all +0.
#[derive(Clone, Debug)]
pub(super) struct ExactSum {
    pub(super) total: Dyadic,
    positive_infinity: bool,
    negative_infinity: bool,
    nan: bool,
    /// Whether all addends so far are zeros of the sign.
    zeros: Option<bool>,
    empty: bool,
}

impl ExactSum {
    pub(super) const EMPTY: Self = Self {
        total: Dyadic::ZERO,
        positive_infinity: false,
        negative_infinity: false,
        nan: false,
        zeros: None,
        empty: true,
    };

    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut sum = Self::EMPTY;
        values.into_iter().for_each(|value| sum.add(value));
        sum
    }

    pub(super) fn add(&mut self, value: &Value) {
        let zero = value.is_zero().then(|| value.is_negative());
        self.zeros = if self.empty || self.zeros == zero { zero } else { None };
        self.empty = false;
        match value {
            Value::Finite(x) => self.total = &self.total + x,
            Value::NegativeZero => {}
            Value::Infinity => self.positive_infinity = true,
            Value::NegativeInfinity => self.negative_infinity = true,
            Value::Nan => self.nan = true,
        }
    }

    /// NaN or infinity, where that is the sum.
    pub(super) fn special(&self) -> Option<Value> {
        if self.nan || self.positive_infinity && self.negative_infinity {
            Some(Value::Nan)
        } else if self.positive_infinity || self.negative_infinity {
            Some(Value::infinity(self.negative_infinity))
        } else {
            None
        }
    }

    /// The sum, of which `rounding` decides the sign of an exact zero.
    pub(super) fn value(&self, rounding: Rounding) -> Value {
        let negative_zero = || rounding == Rounding::Down && !self.empty;
        match (self.special(), self.total.is_zero()) {
            (Some(special), _) => special,
            (None, true) => Value::zero(self.zeros.unwrap_or_else(negative_zero)),
            (None, false) => Value::Finite(self.total.clone()),
        }
    }
}
