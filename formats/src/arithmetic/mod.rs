//! Arithmetic that is rounded once.
//!
//! An operation has two halves. The first is mathematics on [`Real`]s: [`Real::sum`], [`Real::product`] and their
//! like give the exact result, or its 64 leading bits with everything below in the last one, and the flags that the
//! operation itself raises ([`Raised`]). The second is [`Format::encode_real`]: one rounding, one policy. So every
//! format is a possible result of operands from any others.
//!
//! IEEE 754-2019 rules where it speaks, for every format:
//!
//! - **Invalid operation (NV).** Infinity minus infinity, zero times infinity, 0/0, infinity/infinity, the remainder of
//!   infinity or by zero, the square root of a value below zero: the result is the positive quiet NaN. Zero times
//!   infinity is invalid in a fused multiply-add whatever is added, NaN included (as RISC-V).
//! - **Division by zero (DZ).** A finite value other than zero over zero is infinite, with the product of the signs.
//! - **NaN operands.** The result is the first NaN among the operands in their order, made quiet, its sign and payload
//!   kept; NV if any operand is signaling. The policy may then make it positive or canonical, as RISC-V has it.
//! - **Zeros.** Products and quotients have the product of the signs. A sum of terms of opposite signs that is exactly
//!   zero is positive, under [`Rounding::Down`](crate::Rounding::Down) negative; zeros of one sign keep it. The square
//!   root of -0 is -0.
//! - **Subnormal operands** count as zero of their sign, with NX, under
//!   [`SubnormalInput::Flush`].
//!
//! What becomes of an infinite result or of NaN where the format has neither is the policy's to say, as for every value
//! that is encoded: 1/0 in `int8` is NaN policy's and overflow policy's business, not the division's. The flags of both
//! halves are united.

mod divide;
mod fused;
mod multiply;
mod nan;
mod order;
mod root;
mod sign;
mod sum;

use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::policy::{Policy, SubnormalInput};
use crate::real::{Class, Real};
use crate::status::Status;

/// The result of an operation before it is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Raised {
    /// The value.
    pub value: Real,
    /// What the operation itself raised: NV or DZ.
    pub status: Status,
}

impl Raised {
    /// A value that raised nothing.
    const fn quiet(value: Real) -> Self {
        Self { value, status: Status::NONE }
    }

    /// NaN, where no operand was one.
    const INVALID: Self = Self { value: Real::nan(false), status: Status::INVALID };
}

/// Where the results of operations go: a format and a policy.
///
/// Operands are [`Real`]s: [`Format::decode_real`] of a code, or an `f32`, `f64` or integer.
///
/// ```
/// use fewbit_formats::{Arithmetic, Format, Overflow, Policy, Real, Rounding, Status};
/// // 0.9375 * 1.75 = 1.640625, an e4m3fn times an e5m2, into bf16 and into e4m3fn.
/// let (a, b) = (Format::E4M3FN.decode_real(0x37), Format::E5M2.decode_real(0x3f));
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
/// let wide = Arithmetic::new(Format::BF16, policy).mul(a, b, 0).unwrap();
/// assert_eq!(Format::BF16.decode(wide.code), 1.640625);
/// let narrow = Arithmetic::new(Format::E4M3FN, policy).mul(a, b, 0).unwrap();
/// assert_eq!(Format::E4M3FN.decode(narrow.code), 1.625);
/// assert_eq!(narrow.status, Status::INEXACT);
/// let one = Real::from_f32(1.0);
/// let infinite = Arithmetic::new(Format::E5M2, policy).div(one, Real::zero(true), 0).unwrap();
/// assert_eq!((infinite.code, infinite.status), (0xfc, Status::DIVIDE_BY_ZERO));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arithmetic {
    /// The format of the results.
    pub format: Format,
    /// How they are rounded.
    pub policy: Policy,
}

/// Declares the operations: an operation on reals, its operands, and whether it asks for the rounding mode.
macro_rules! operations {
    ($( $(#[$meta:meta])* $name:ident($first:ident $(, $operand:ident)*) = $real:ident $([$rounding:ident])?; )+) => {
        impl Arithmetic {
            $(
                $(#[$meta])*
                ///
                /// `random` supplies the bits of stochastic rounding.
                ///
                /// # Errors
                ///
                /// As [`Format::encode`].
                pub const fn $name(
                    &self,
                    $first: Real,
                    $($operand: Real,)*
                    random: u32,
                ) -> Result<Encoded, EncodeError> {
                    let status = self.flushes($first) $(.union(self.flushes($operand)))*;
                    let raised = self.operand($first).$real(
                        $(self.operand($operand),)* $(self.policy.$rounding)?
                    );
                    self.encode(raised, status, random)
                }
            )+
        }
    };
}

operations! {
    /// `a + b`.
    add(a, b) = sum [rounding];
    /// `a - b`.
    sub(a, b) = difference [rounding];
    /// `a * b`.
    mul(a, b) = product;
    /// `a / b`.
    div(a, b) = quotient;
    /// The remainder of `a / b`, with the quotient truncated: C's `fmod`.
    rem(a, b) = remainder;
    /// `a * b + c`, rounded once.
    mul_add(a, b, c) = fused_sum [rounding];
    /// The square root of `a`.
    sqrt(a) = square_root;
    /// The lesser of two, NaN if either is, -0 below +0: IEEE 754-2019 `minimum`.
    minimum(a, b) = minimum;
    /// The greater of two, NaN if either is, -0 below +0: IEEE 754-2019 `maximum`.
    maximum(a, b) = maximum;
    /// The lesser of two, of which NaN is none unless both are: IEEE 754-2019 `minimumNumber`.
    minimum_number(a, b) = minimum_number;
    /// The greater of two, of which NaN is none unless both are: IEEE 754-2019 `maximumNumber`.
    maximum_number(a, b) = maximum_number;
}

impl Arithmetic {
    /// Results in `format` under `policy`.
    #[must_use]
    pub const fn new(format: Format, policy: Policy) -> Self {
        Self { format, policy }
    }

    /// An operand as the policy takes it.
    const fn operand(&self, x: Real) -> Real {
        if matches!(self.flushes(x), Status::NONE) { x } else { Real::zero(x.is_negative()) }
    }

    /// NX, if the policy takes an operand for zero.
    const fn flushes(&self, x: Real) -> Status {
        let flushed = matches!(x.class(), Class::Subnormal)
            && matches!(self.policy.subnormal_input, SubnormalInput::Flush);
        Status::INEXACT.when(flushed)
    }

    /// The one rounding.
    const fn encode(
        &self,
        raised: Raised,
        status: Status,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        match self.format.encode_real(raised.value, &self.policy, random) {
            Ok(Encoded { code, status: encoded }) => {
                Ok(Encoded { code, status: status.union(raised.status).union(encoded) })
            }
            Err(error) => Err(error),
        }
    }
}
