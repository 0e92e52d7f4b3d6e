//! A product and a sum with one rounding: exact in 256 bits, then cut to 64.

use super::Raised;
use super::multiply::product_term;
use super::sum::{Term, zero_sign};
use crate::real::{Class, Real};
use crate::rounding::Rounding;
use crate::status::Status;

impl Real {
    /// `self * factor + addend`, the product exact.
    ///
    /// ```
    /// use fewbit_formats::{Real, Rounding};
    /// // (1 + 2^-52) (1 - 2^-52) - 1 = -2^-104.
    /// let x = |x: f64| Real::from_f64(x);
    /// let sum = x(1.0 + f64::EPSILON).fused_sum(x(1.0 - f64::EPSILON), x(-1.0), Rounding::TiesEven).value;
    /// assert_eq!((sum.is_negative(), sum.exponent(), sum.significand()), (true, -104, 1 << 63));
    /// ```
    pub const fn fused_sum(self, factor: Self, addend: Self, rounding: Rounding) -> Raised {
        // A product that has no value of its own decides before the addend does.
        let product = self.product(factor);
        let finite = matches!(product.value.class(), Class::Normal)
            && matches!(addend.class(), Class::Subnormal | Class::Normal);
        if !finite {
            let sum = product.value.sum(addend, rounding);
            let status: Status = product.status.union(sum.status);
            return Raised { value: sum.value, status };
        }
        let sum = product_term(self, factor).plus(Term::new(addend), zero_sign(rounding));
        let sum = sum.with_digits_of(self).with_digits_of(factor).with_digits_of(addend);
        Raised::quiet(sum)
    }
}
