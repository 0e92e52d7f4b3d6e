//! What an operation on codes must give, from the definitions: operands are whole numbers of one unit, the exact result
//! is compared with every point at which the answer changes, and IEEE 754's rules for zeros, infinities and NaN are
//! written down as a table.
//!
//! The answer of a finite result depends on nothing but where it lies among the values of the format and the ties
//! between them. So each such place is answered once, by the oracle of conversions, and an operation only finds its
//! place.

mod line;
mod specials;

pub use line::{Line, Target};
pub use specials::{Operand, Outcome, operate};

/// An operation on two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The sum.
    Add,
    /// The difference.
    Sub,
    /// The product.
    Mul,
    /// The quotient.
    Div,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Add, Self::Sub, Self::Mul, Self::Div];
}

/// DZ.
pub const DIVIDE_BY_ZERO: u8 = 8;
