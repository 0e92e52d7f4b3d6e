//! How lanes report what an innermost stage does, and where they can.

use fewbit_formats::{FloatFormat, Format};

use super::super::fma::{FmaPlan, Keep, Sum};
use super::super::round::{Limits, Mode, ieee};

/// How the innermost stage reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernels::float) enum InnerTrace {
    /// Steps in `f32`.
    Fma(FmaTrace),
    /// Steps in `f64`, of tiles of an exact stage or of products.
    Grouped(Option<ExactStage>),
    /// Aligned steps.
    Aligned(Products),
}

/// A step in `f32`, whose sum is rounded to odd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernels::float) struct FmaTrace {
    /// Sums of this magnitude overflow.
    pub(super) limit: f32,
    /// Sums of this magnitude may or may not; infinite where the limit is exact.
    pub(super) undecided: f32,
    /// Inexact sums below are underflows.
    pub(super) tiny: f32,
    /// Whether there can be such sums.
    pub(super) underflow: Underflow,
}

/// Whether steps can underflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Underflow {
    /// All sums are multiples of the smallest number.
    Impossible,
    /// There may be smaller ones.
    Possible,
}

/// An exact stage before a float register: tiles of so many products, taken so many at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernels::float) struct ExactStage {
    pub(in crate::kernels::float) count: usize,
    pub(in crate::kernels::float) width: usize,
}

/// How the products of an aligned step are summed exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernels::float) enum Products {
    /// As they are.
    Whole,
    /// Cut at the last digit of a number: the parts above and below.
    Split {
        /// A number that large.
        magic: f64,
    },
}

/// How a fused step reports whose sums are multiples of `2^least`; `None` where `f32` does not tell.
pub(in crate::kernels::float) fn inner_trace(
    plan: FmaPlan,
    format: Format,
    least: i32,
) -> Option<FmaTrace> {
    let float = ieee(format)?;
    let mode = if plan.sum == Sum::Zero { Mode::Zero } else { Mode::Even };
    let limits = limits(float, format, mode);
    let smallest = float.min_exponent() - float.fraction_bits() as i32;
    let underflow = if least < smallest { Underflow::Possible } else { Underflow::Impossible };
    // As numbers of `f32`, even ones.
    let narrow =
        |x: f64| (f64::from(x as f32) == x && (x as f32).to_bits() & 1 == 0).then_some(x as f32);
    let tiny = match underflow {
        Underflow::Impossible => 0.0,
        Underflow::Possible => narrow(limits.tiny)?,
    };
    let decided = narrow(limits.beyond).filter(|x| x.is_finite() && plan.keep != Keep::All);
    let limit = decided.unwrap_or(f32::MAX);
    let undecided = if decided.is_some() { f32::INFINITY } else { f32::MAX };
    Some(FmaTrace { limit, undecided, tiny, underflow })
}

fn limits(float: FloatFormat, format: Format, mode: Mode) -> Limits {
    let least = 2f64.powi(float.min_exponent());
    let unit = 2f64.powi(-(float.fraction_bits() as i32));
    Limits::new(mode, unit, least, format.max_finite())
}

impl Products {
    /// Of `width` products that are multiples of `2^least` and below `2^most`; `None` if two parts are too few.
    pub(in crate::kernels::float) fn new(least: i32, most: i32, width: usize) -> Option<Self> {
        let bits = (usize::BITS - width.leading_zeros()) as i32;
        if most - least + bits <= 53 {
            return Some(Self::Whole);
        }
        // Low parts are at most half a unit, `width` of them below 2^53 of theirs.
        let unit = least + 52 - bits;
        let fits = most - unit + bits < 51;
        fits.then(|| Self::Split { magic: 1.5 * 2f64.powi(unit + 52) })
    }
}
