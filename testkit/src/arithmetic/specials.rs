//! Zeros, infinities and NaN: IEEE 754-2019, clauses 6 and 7.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::{DIVIDE_BY_ZERO, Operation};
use crate::rounding::INVALID;

/// An operand or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Not a number.
    Nan {
        /// Its sign.
        negative: bool,
        /// Whether it is signaling.
        signaling: bool,
    },
    /// An infinity.
    Infinite {
        /// Its sign.
        negative: bool,
    },
    /// A zero.
    Zero {
        /// Its sign.
        negative: bool,
    },
    /// Any other value, as a whole number of the caller's units.
    Finite(BigInt),
}

/// The exact result of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// NaN, infinity or zero, with what was raised.
    Special(Operand, u8),
    /// `numerator / denominator`, the latter positive: in units for sums and differences, in square units for products,
    /// without unit for quotients.
    Finite(BigInt, BigInt),
}

impl Outcome {
    /// A finite result as a rational.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn rational(&self) -> BigRational {
        match self {
            Self::Finite(numerator, denominator) => {
                BigRational::new(numerator.clone(), denominator.clone())
            }
            Self::Special(..) => panic!("{self:?} is not finite"),
        }
    }
}

impl Operand {
    fn is_negative(&self) -> bool {
        match self {
            Self::Nan { negative, .. } | Self::Infinite { negative } | Self::Zero { negative } => {
                *negative
            }
            Self::Finite(value) => value.is_negative(),
        }
    }

    fn negated(&self) -> Self {
        match self {
            Self::Nan { .. } => self.clone(),
            Self::Infinite { negative } => Self::Infinite { negative: !negative },
            Self::Zero { negative } => Self::Zero { negative: !negative },
            Self::Finite(value) => Self::Finite(-value),
        }
    }
}

const fn special(value: Operand) -> Outcome {
    Outcome::Special(value, 0)
}

/// The positive NaN of an invalid operation.
const fn invalid() -> Outcome {
    Outcome::Special(Operand::Nan { negative: false, signaling: false }, INVALID)
}

/// The exact result of `a op b`; `down` says that the rounding mode is toward negative infinity.
#[must_use]
pub fn operate(op: Operation, a: &Operand, b: &Operand, down: bool) -> Outcome {
    use Operand::{Finite, Infinite, Nan, Zero};
    let is_signaling = |x: &Operand| matches!(x, Nan { signaling: true, .. });
    for operand in [a, b] {
        if let Nan { negative, .. } = operand {
            let flags = if is_signaling(a) || is_signaling(b) { INVALID } else { 0 };
            return Outcome::Special(Nan { negative: *negative, signaling: false }, flags);
        }
    }
    let negative = a.is_negative() != b.is_negative();
    match op {
        Operation::Sub => operate(Operation::Add, a, &b.negated(), down),
        Operation::Add => match (a, b) {
            (Infinite { .. }, Infinite { .. }) if negative => invalid(),
            (Infinite { .. }, _) => special(a.clone()),
            (_, Infinite { .. }) => special(b.clone()),
            (Zero { .. }, Zero { .. }) if negative => special(Zero { negative: down }),
            (Zero { .. }, Zero { .. }) => special(a.clone()),
            (Finite(x), Zero { .. }) | (Zero { .. }, Finite(x)) => {
                Outcome::Finite(x.clone(), 1.into())
            }
            (Finite(x), Finite(y)) => {
                let sum = x + y;
                if sum.is_zero() {
                    special(Zero { negative: down })
                } else {
                    Outcome::Finite(sum, 1.into())
                }
            }
            (Nan { .. }, _) | (_, Nan { .. }) => unreachable!("handled above"),
        },
        Operation::Mul => match (a, b) {
            (Infinite { .. }, Zero { .. }) | (Zero { .. }, Infinite { .. }) => invalid(),
            (Infinite { .. }, _) | (_, Infinite { .. }) => special(Infinite { negative }),
            (Finite(x), Finite(y)) => Outcome::Finite(x * y, 1.into()),
            _ => special(Zero { negative }),
        },
        Operation::Div => match (a, b) {
            (Infinite { .. }, Infinite { .. }) | (Zero { .. }, Zero { .. }) => invalid(),
            (Infinite { .. }, _) => special(Infinite { negative }),
            (Finite(_), Zero { .. }) => Outcome::Special(Infinite { negative }, DIVIDE_BY_ZERO),
            (Finite(x), Finite(y)) if y.is_negative() => Outcome::Finite(-x, -y),
            (Finite(x), Finite(y)) => Outcome::Finite(x.clone(), y.clone()),
            _ => special(Zero { negative }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_by_hand() {
        let (zero, infinity) =
            (|negative| Operand::Zero { negative }, |negative| Operand::Infinite { negative });
        let x = |n: i32| Operand::Finite(n.into());
        let go = |op, a: &Operand, b: &Operand| operate(op, a, b, false);
        assert_eq!(go(Operation::Add, &x(3), &x(-3)), special(zero(false)));
        assert_eq!(operate(Operation::Add, &x(3), &x(-3), true), special(zero(true)));
        assert_eq!(go(Operation::Sub, &zero(true), &zero(false)), special(zero(true)));
        assert_eq!(go(Operation::Sub, &infinity(false), &infinity(false)), invalid());
        assert_eq!(
            go(Operation::Div, &x(-1), &zero(false)),
            Outcome::Special(infinity(true), DIVIDE_BY_ZERO)
        );
        assert_eq!(go(Operation::Div, &x(6), &x(-4)), Outcome::Finite((-6).into(), 4.into()));
        assert_eq!(go(Operation::Mul, &zero(true), &infinity(true)), invalid());
    }
}
