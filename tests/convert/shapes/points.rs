//! Values at which an encoder could go wrong, for floats of any shape.

use fewbit::formats::{FloatFormat, philox};

use crate::inputs::specials;

/// How many magnitudes of a format are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All, with the ties between them.
    Full,
    /// All of formats of up to so many magnitudes; of others the ends, and the ends of binades near the ends, in the
    /// middle and here and there; with quarters and ties between them.
    Sample(u32),
}

/// The value of a magnitude, counted on beyond the largest as though there were no last one.
pub(super) fn value(float: FloatFormat, magnitude: u32) -> f64 {
    let bits = float.fraction_bits();
    let (field, fraction) = (magnitude >> bits, magnitude & ((1 << bits) - 1));
    let last_digit = float.min_exponent() - bits as i32;
    let scaled = |significand: u32, exponent: i32| f64::from(significand) * 2f64.powi(exponent);
    match (field, float.has_zero()) {
        (0, true) => scaled(fraction, last_digit),
        (field, zero) => scaled(1 << bits | fraction, last_digit + field as i32 - i32::from(zero)),
    }
}

fn magnitudes(float: FloatFormat, detail: Detail) -> Vec<u32> {
    let end = float.max_magnitude() + 2;
    match detail {
        Detail::Sample(most) if end > most => {
            let bits = float.fraction_bits();
            let fields = end >> bits;
            let middle = float.bias().clamp(0, fields as i32) as u32;
            let step = (fields / 8).max(1) as usize;
            let near = [0, 1, 2, middle.saturating_sub(1), middle, middle + 1];
            let near = near.into_iter().chain((0..4).map(|i| fields.saturating_sub(i)));
            let mut all: Vec<u32> = near
                .chain((0..fields).step_by(step))
                .flat_map(|field| {
                    let first = field << bits;
                    let random = philox::bits(23, field.into()) & ((1 << bits) - 1);
                    [first.saturating_sub(1), first, first + 1, first + random]
                })
                .chain(end.saturating_sub(4)..=end)
                .filter(|&magnitude| magnitude <= end)
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        }
        _ => (0..=end).collect(),
    }
}

/// Exact values of both signs, ties, quarters, thresholds of overflow, values far below the smallest.
pub(super) fn exact(float: FloatFormat, detail: Detail) -> Vec<f64> {
    let parts: &[f64] = match detail {
        Detail::Full => &[0.0, 0.5],
        Detail::Sample(_) => &[0.0, 0.25, 0.5, 0.75],
    };
    let mut points: Vec<f64> = magnitudes(float, detail)
        .into_iter()
        .flat_map(|magnitude| {
            let (low, high) = (value(float, magnitude), value(float, magnitude + 1));
            parts.iter().map(move |part| low + part * (high - low))
        })
        .collect();
    let smallest = value(float, u32::from(float.has_zero()));
    points.extend([1, 2, 3, 4, 8, 22, 23, 24, 25, 31, 32, 33, 40].map(|i| smallest / 2f64.powi(i)));
    points.extend([3.0, 5.0, 7.0].map(|i| smallest * i / 8.0));
    let largest = value(float, float.max_magnitude());
    points.extend([2.0, 2.5, 3.0, 4.0, 256.0].map(|i| largest * i));
    points
}

/// The `f32` next to each of [`exact`] and its neighbours, special values, random bits, all with both signs.
pub(super) fn singles(float: FloatFormat, detail: Detail) -> Vec<f32> {
    let mut bits: Vec<u32> = exact(float, detail)
        .into_iter()
        .map(|x| (x as f32).to_bits())
        .flat_map(|bits| [bits.saturating_sub(1), bits, bits + 1])
        .collect();
    bits.extend(specials().iter().map(|x| x.to_bits() & 0x7fff_ffff));
    bits.extend((0..256).map(|i| philox::bits(17, i) & 0x7fff_ffff));
    // In the binades of the format, and some below.
    let (least, most) = (float.min_exponent() - 12, float.largest_exponent() + 2);
    bits.extend((0..256).map(|i| {
        let word = philox::bits(18, i);
        let exponent = least + (philox::bits(19, i) % (most - least + 1) as u32) as i32;
        word & 0x007f_ffff | ((127 + exponent).clamp(0, 254) as u32) << 23
    }));
    bits.sort_unstable();
    bits.dedup();
    bits.into_iter()
        .flat_map(|bits| [f32::from_bits(bits), f32::from_bits(bits | 1 << 31)])
        .collect()
}

/// [`exact`] and the `f64` beside each, of which a detour through `f32` makes ties and values.
pub(super) fn doubles(float: FloatFormat, detail: Detail) -> Vec<f64> {
    let singles = [2f32.powi(-149), f32::MIN_POSITIVE, f32::MAX].map(f64::from);
    let far = [1e300, 2f64.powi(128), 3.4028235677973366e38, 1e-310, 5e-324];
    let special = [f64::INFINITY, f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)];
    let mut bits: Vec<u64> = exact(float, detail)
        .into_iter()
        .chain(singles)
        .chain(far)
        .flat_map(|x| [x.to_bits().saturating_sub(1), x.to_bits(), x.to_bits() + 1])
        .chain(special.map(f64::to_bits))
        .collect();
    bits.sort_unstable();
    bits.dedup();
    bits.into_iter()
        .flat_map(|bits| [f64::from_bits(bits), f64::from_bits(bits | 1 << 63)])
        .collect()
}
