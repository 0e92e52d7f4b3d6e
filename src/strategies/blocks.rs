//! Values that share a scale.

use fewbit_formats::GroupFormat;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The values of one group, or of its first `1..=size` elements: of one magnitude, of many, with a single large value
/// among small ones, all zero, at the ends of `f32`.
///
/// ```
/// use fewbit::formats::GroupFormat;
/// use fewbit::strategies::blocks;
/// use proptest::prelude::*;
/// let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(config, |(block in blocks(&GroupFormat::MXFP4))| {
///     prop_assert!((1..=32).contains(&block.len()) && block.iter().all(|x| x.is_finite()));
/// });
/// ```
pub fn blocks(format: &GroupFormat) -> impl Strategy<Value = Vec<f32>> {
    let size = format.size();
    // A significand, and how far its exponent is below the block's.
    let element = (any::<bool>(), 0u32..1 << 23, prop_oneof![4 => 0u32..4, 1 => 0u32..60]);
    let values = (vec(element, 1..=size), 0u32..255).prop_map(|(elements, top)| {
        let value = |(negative, fraction, below): (bool, u32, u32)| {
            f32::from_bits(u32::from(negative) << 31 | top.saturating_sub(below) << 23 | fraction)
        };
        elements.into_iter().map(value).collect::<Vec<_>>()
    });
    let ends = vec![0.0, -0.0, f32::MIN_POSITIVE, f32::from_bits(1), 1.0, 6.0, 448.0, -f32::MAX];
    let at_ends = vec(select(ends), 1..=size);
    let outlier = (vec(-1f32..1.0, 1..=size), any::<prop::sample::Index>(), -6i32..=30).prop_map(
        |(mut values, place, power)| {
            *place.get_mut(&mut values) = 2f32.powi(power);
            values
        },
    );
    prop_oneof![5 => values, 2 => at_ends, 2 => outlier]
}
