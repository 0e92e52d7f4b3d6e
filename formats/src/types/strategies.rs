//! Strategies for property tests of the types: where rounding goes wrong if it does.
//!
//! ```
//! use fewbit_formats::types::{E4M3FN, strategies};
//! use proptest::prelude::*;
//! let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
//! proptest!(config, |((a, b) in strategies::cancelling_pairs::<E4M3FN>())| {
//!     prop_assert!((a + b).to_f64().abs() <= 64.0); // two steps of 32, at 448
//! });
//! ```

use super::Number;
use crate::format::Format;
use crate::natural;
use crate::real::Real;
use crate::rounding::Rounding;
use core::ops::RangeInclusive;
use proptest::prelude::*;
use proptest::sample::Index;
use std::vec::Vec;

/// The codes of a format.
fn all(format: Format) -> RangeInclusive<u32> {
    0..=(format.code_count() - 1) as u32
}

/// Every code alike.
pub fn codes<T: Number>() -> impl Strategy<Value = T> {
    codes_of(T::FORMAT).prop_map(T::from_code)
}

/// As [`codes`], of a format that is known when the test runs.
pub fn codes_of(format: Format) -> impl Strategy<Value = u32> {
    all(format)
}

/// Every code alike that stands for a finite value.
pub fn finite<T: Number>() -> impl Strategy<Value = T> {
    finite_of(T::FORMAT).prop_map(T::from_code)
}

/// As [`finite`], of a format that is known when the test runs.
pub fn finite_of(format: Format) -> impl Strategy<Value = u32> {
    all(format).prop_filter("a finite value", move |&code| format.decode(code).is_finite())
}

/// The codes at which something ends or begins, and their neighbours: zeros, the smallest and largest values, one, the
/// powers of two of the code, infinities, NaN.
pub fn boundaries<T: Number>() -> impl Strategy<Value = T> {
    boundaries_of(T::FORMAT).prop_map(T::from_code)
}

/// As [`boundaries`], of a format that is known when the test runs.
pub fn boundaries_of(format: Format) -> impl Strategy<Value = u32> {
    let mask = *all(format).end();
    let bits = (0..format.bits()).map(|bit| 1 << bit);
    let values = [format.max_finite(), format.smallest_positive(), 1.0, f64::NAN]
        .into_iter()
        .chain(format.smallest_normal())
        .flat_map(|x| [x, -x])
        .map(|x| natural::encode(format, Real::from_f64(x)).code);
    let ends: Vec<u32> = bits.chain(values).chain([0, mask]).collect();
    (any::<Index>(), 0..3u32, any::<bool>()).prop_map(move |(end, step, inverted)| {
        let code = end.get(&ends).wrapping_add(step).wrapping_sub(1);
        (if inverted { !code } else { code }) & mask
    })
}

/// Values halfway between two neighbours of the type, in the sense in which it rounds to the nearest, and the `f64` just
/// below and just above such a value.
pub fn ties<T: Number>() -> impl Strategy<Value = f64> {
    ties_of(T::FORMAT)
}

/// As [`ties`], of a format that is known when the test runs.
pub fn ties_of(format: Format) -> impl Strategy<Value = f64> {
    (finite_of(format), 0..3u8).prop_filter_map("a greater neighbour", move |(code, place)| {
        let tie = tie_above(format, format.decode(code).abs())?;
        let size = match place {
            0 => tie.next_down(),
            1 => tie,
            _ => tie.next_up(),
        };
        Some(if format.decode(code).is_sign_negative() { -size } else { size })
    })
}

/// The least `f64` above a value that is rounded away from it, ties away from zero; `None` after the last value.
fn tie_above(format: Format, value: f64) -> Option<f64> {
    let policy = natural::saturating().with_rounding(Rounding::TiesAway);
    let rounds_away = |x: f64| {
        let encoded = natural::total(format.encode_real(Real::from_f64(x), &policy, 0));
        format.decode(encoded.code) > value
    };
    // Non-negative floats are ordered as their bits are.
    let (mut low, mut high) = (value.to_bits(), format.max_finite().to_bits());
    if low >= high || !rounds_away(format.max_finite()) {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if rounds_away(f64::from_bits(middle)) { high = middle } else { low = middle }
    }
    Some(f64::from_bits(high))
}

/// Two finite values that nearly cancel when they are added: the second is the negative of the first, where the type has
/// it, or one of the codes beside that.
pub fn cancelling_pairs<T: Number>() -> impl Strategy<Value = (T, T)> {
    (finite::<T>(), 0..5u32).prop_filter_map("a finite value", |(x, step)| {
        let negative = T::FORMAT.negate(x.code()).unwrap_or(x.code());
        let code = negative.wrapping_add(step).wrapping_sub(2) & all(T::FORMAT).end();
        // A step from zero or the largest value may lead to the other end of the codes.
        let (size, other) = (T::FORMAT.decode(x.code()).abs(), T::FORMAT.decode(code).abs());
        let near_zero = size <= 4.0 * T::FORMAT.smallest_positive();
        let near = other <= 4.0 * size && (near_zero || size <= 4.0 * other);
        near.then(|| (x, T::from_code(code)))
    })
}

/// A type is drawn uniformly from its codes where nothing else is asked for.
macro_rules! arbitrary {
    ($name:ident) => {
        impl proptest::arbitrary::Arbitrary for $name {
            type Parameters = ();
            type Strategy = proptest::strategy::BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                proptest::strategy::Strategy::boxed($crate::types::strategies::codes())
            }
        }
    };
}

pub(super) use arbitrary;
