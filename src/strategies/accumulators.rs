//! Accumulators with awkward widths and counts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::accumulate::Accumulator;

/// One to four integer stages: registers of 2 to 64 bits that wrap or saturate, adder trees of odd widths, tiles of odd
/// sizes.
///
/// ```
/// use fewbit::strategies::integer_accumulators;
/// use proptest::prelude::*;
/// let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(config, |(acc in integer_accumulators())| {
///     prop_assert!(acc.is_integer());
/// });
/// ```
pub fn integer_accumulators() -> impl Strategy<Value = Accumulator> {
    let bits = prop_oneof![2u32..=20, 2u32..=64];
    let register = (bits, any::<bool>())
        .prop_map(|(bits, wraps)| format!("int{bits}-{}", if wraps { "wrap" } else { "sat" }));
    accumulators(prop_oneof![1 => Just("exact".to_owned()), 7 => register].boxed())
}

/// One to four stages of float registers, with some exact ones between them.
///
/// ```
/// use fewbit::strategies::float_accumulators;
/// use proptest::prelude::*;
/// let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(config, |(acc in float_accumulators())| {
///     prop_assert!(acc.to_string().parse() == Ok(acc));
/// });
/// ```
pub fn float_accumulators() -> impl Strategy<Value = Accumulator> {
    let format = select(vec!["f32", "f16", "bf16", "tf32", "e5m10", "e4m3fn", "e5m2", "e6m9"]);
    let mode = select(vec!["", "-rne", "-rz", "-up", "-down"]);
    let register = (format, mode).prop_map(|(format, mode)| format!("{format}{mode}"));
    accumulators(prop_oneof![1 => Just("exact".to_owned()), 7 => register].boxed())
}

fn accumulators(register: BoxedStrategy<String>) -> impl Strategy<Value = Accumulator> {
    let width = prop_oneof![4 => Just(1usize), 2 => 2usize..=9];
    let count = prop_oneof![1 => Just(1usize), 4 => 2usize..=9, 1 => select(vec![16, 32, 64, 100])];
    let stage = (register, width).prop_map(|(register, width)| match width {
        1 => register,
        _ => format!("{register}*{width}"),
    });
    let inner = (stage.clone(), count).prop_map(|(stage, count)| format!("{stage}/{count}"));
    (vec(inner, 0..=3), stage).prop_filter_map(
        "stages that make an accumulator",
        |(inner, last)| {
            let stages: Vec<String> = inner.into_iter().chain([last]).collect();
            stages.join(",").parse().ok()
        },
    )
}
