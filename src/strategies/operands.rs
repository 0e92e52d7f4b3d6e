//! Operands of sums of products, in orders that are hard on accumulators.

use std::ops::RangeInclusive;

use fewbit_formats::types::strategies::{boundaries_of, finite_of};
use fewbit_formats::{Format, Overflow, Policy, Rounding};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The left and the right operand of a sum of products, of `lengths` products.
///
/// Uniform over the ranges; only their ends and the numbers around 0; the greatest products, so that sums drift as far as
/// they can; the greatest and the least product in turn; sums that rise and fall back; products that cancel those before.
///
/// ```
/// use fewbit::strategies::integer_operands;
/// use proptest::prelude::*;
/// let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(config, |((left, right) in integer_operands(0..=255, -8..=7, 1..=9))| {
///     prop_assert_eq!(left.len(), right.len());
///     prop_assert!(left.iter().all(|x| (0..=255).contains(x)) && right.iter().all(|x| (-8..=7).contains(x)));
/// });
/// ```
///
/// # Panics
/// An empty range.
pub fn integer_operands(
    left: RangeInclusive<i64>,
    right: RangeInclusive<i64>,
    lengths: RangeInclusive<usize>,
) -> impl Strategy<Value = (Vec<i64>, Vec<i64>)> {
    assert!(!left.is_empty() && !right.is_empty() && !lengths.is_empty(), "an empty range");
    let (ends_of_left, ends_of_right) = (ends(&left), ends(&right));
    let factor = |range: RangeInclusive<i64>, ends: Vec<i64>| prop_oneof![range, select(ends)];
    let any_pair =
        (factor(left, ends_of_left.clone()), factor(right, ends_of_right.clone())).boxed();
    let end_pair = (select(ends_of_left.clone()), select(ends_of_right.clone())).boxed();
    let products = |pick: fn(i128, i128) -> bool| {
        let pairs = ends_of_left.iter().flat_map(|&a| ends_of_right.iter().map(move |&b| (a, b)));
        let product = |&(a, b): &(i64, i64)| i128::from(a) * i128::from(b);
        pairs.reduce(|best, pair| if pick(product(&pair), product(&best)) { pair } else { best })
    };
    let greatest = products(|a, b| a > b).unwrap_or_default();
    let least = products(|a, b| a < b).unwrap_or_default();
    patterns(any_pair, end_pair, greatest, least, lengths)
}

/// The left and the right operand of a sum of products as codes of two formats, of `lengths` products; the codes stand for
/// finite numbers.
///
/// The same orders as [`integer_operands`], with the formats' largest and smallest values for the ends of a range.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::strategies::code_operands;
/// use proptest::prelude::*;
/// let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(config, |((left, right) in code_operands(Format::E4M3FN, Format::E5M2, 1..=9))| {
///     prop_assert_eq!(left.len(), right.len());
///     prop_assert!(left.iter().all(|&code| Format::E4M3FN.decode(code).is_finite()));
/// });
/// ```
///
/// # Panics
/// An empty range.
pub fn code_operands(
    left: Format,
    right: Format,
    lengths: RangeInclusive<usize>,
) -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    assert!(!lengths.is_empty(), "an empty range");
    let finite = |format: Format| {
        let is_finite = move |code: &u32| format.decode(*code).is_finite();
        let boundary = boundaries_of(format).prop_filter("a finite value", is_finite);
        (finite_of(format).boxed(), boundary.boxed())
    };
    let ((any_left, end_left), (any_right, end_right)) = (finite(left), finite(right));
    let code = |format: Format, negative: bool| {
        let end = if negative { format.min_finite() } else { format.max_finite() };
        // The code of one of the format's own values: nothing is rounded or refused.
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
        format.encode(end, &policy, 0).map_or(0, |encoded| encoded.code)
    };
    let greatest = (code(left, false), code(right, false));
    let least = (code(left, false), code(right, true));
    patterns((any_left, any_right).boxed(), (end_left, end_right).boxed(), greatest, least, lengths)
}

/// Numbers at which products change: the ends of a range and their neighbours, and the numbers around 0 in it.
fn ends(range: &RangeInclusive<i64>) -> Vec<i64> {
    let (low, high) = (*range.start(), *range.end());
    let near = [low, low.saturating_add(1), -1, 0, 1, high.saturating_sub(1), high];
    let mut ends: Vec<i64> = near.into_iter().filter(|end| range.contains(end)).collect();
    ends.dedup();
    ends
}

/// Lists of pairs, as two lists.
fn patterns<T>(
    any_pair: BoxedStrategy<(T, T)>,
    end_pair: BoxedStrategy<(T, T)>,
    greatest: (T, T),
    least: (T, T),
    lengths: RangeInclusive<usize>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)>
where
    T: Copy + std::fmt::Debug + 'static,
{
    let (shortest, longest) = (*lengths.start(), *lengths.end());
    let count = || lengths.clone();
    let turns = count().prop_map(move |n| {
        (0..n).map(|k| if k % 2 == 0 { greatest } else { least }).collect::<Vec<_>>()
    });
    let rise_and_fall = (count(), 0..=100usize).prop_map(move |(n, percent)| {
        let rise = n * percent / 100;
        (0..n).map(|k| if k < rise { greatest } else { least }).collect::<Vec<_>>()
    });
    // Whatever comes in the first half comes again with the other factors of its neighbours: products nearly cancel.
    let crossed = vec((any_pair.clone(), any_pair.clone()), shortest.div_ceil(2)..=longest / 2)
        .prop_map(|quads| {
            let first = quads.iter().map(|&(x, _)| x);
            let second = quads.iter().map(|&(x, y)| (x.0, y.1));
            first.chain(second).collect::<Vec<_>>()
        });
    let crossed: BoxedStrategy<Vec<(T, T)>> = match shortest.div_ceil(2) <= longest / 2 {
        true => crossed.boxed(),
        false => vec(any_pair.clone(), count()).boxed(),
    };
    prop_oneof![
        3 => vec(any_pair, count()),
        3 => vec(end_pair, count()),
        1 => count().prop_map(move |n| vec![greatest; n]),
        1 => turns,
        2 => rise_and_fall,
        1 => crossed,
    ]
    .prop_map(|pairs| pairs.into_iter().unzip())
}
