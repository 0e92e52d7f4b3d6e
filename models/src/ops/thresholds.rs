//! A quantizer of integers as thresholds.

use fewbit::formats::Format;
use fewbit::tensor::Granularity;
use ndarray::{ArrayD, IxDyn};

use super::Quantize;

/// The most bits of codes whose thresholds are listed: one threshold per code.
const MOST_BITS: u32 = 8;

/// Of a quantizer to integers of at most 8 bits with one static scale: `t[k]`, the least float32 whose code is above the
/// lowest by `k + 1` or more; so the code of `x` is the lowest one plus the number of thresholds that `x` reaches. `None` for
/// other quantizers.
///
/// uint2 with a scale of 1 rounds ties to even: `t = [next above 0.5, 1.5, next above 2.5]`.
pub(crate) fn thresholds(op: &Quantize) -> Option<Vec<f32>> {
    let scheme = op.quantizer.scheme();
    let Format::Int(format) = scheme.format else { return None };
    let is_plain = op.is_static() && scheme.granularity == Granularity::Tensor;
    if !is_plain || format.bits() > MOST_BITS {
        return None;
    }
    let wanted: Vec<i64> = (format.min() + 1..=format.max()).collect();
    // Codes rise with x: the least place of those whose code is enough, for all thresholds at once.
    let (mut low, mut high) =
        (vec![place(f32::MIN); wanted.len()], vec![place(f32::MAX); wanted.len()]);
    while low.iter().zip(&high).any(|(low, high)| low < high) {
        let middle: Vec<u32> = low.iter().zip(&high).map(|(l, h)| l + (h - l) / 2).collect();
        let x: Vec<f32> = middle.iter().map(|&place| number(place)).collect();
        let x = ArrayD::from_shape_vec(IxDyn(&[x.len()]), x).ok()?;
        let codes = op.quantizer.quantize(&x.view()).ok()?.ints().ok()?;
        for (k, code) in codes.iter().enumerate() {
            match *code >= wanted[k] {
                true => high[k] = middle[k],
                false => low[k] = middle[k] + 1,
            }
        }
    }
    Some(high.into_iter().map(number).collect())
}

/// The place of a number among all: greater numbers have greater places.
fn place(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn number(place: u32) -> f32 {
    f32::from_bits(if place >> 31 == 1 { place & !(1 << 31) } else { !place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit::formats::{Overflow, Policy, Rounding};
    use fewbit::quantize::{Parameters, Quantizer, ScaleRule, Scheme};

    fn of(format: &str, scale: f32, rounding: Rounding) -> Option<Vec<f32>> {
        let scheme = Scheme::new(format.parse().ok()?);
        let policy = Policy::new(rounding, Overflow::Saturate);
        let quantizer = Quantizer::new(scheme, ScaleRule::abs_max(), policy).ok()?;
        let scale = ndarray::arr0(scale).into_dyn();
        let parameters = Parameters { scale, zero_point: None };
        thresholds(&Quantize::new(quantizer.with_parameters(parameters).ok()?))
    }

    #[test]
    fn ties_go_to_even_codes() {
        let expected = [0.5f32.next_up(), 1.5, 2.5f32.next_up()];
        assert_eq!(of("uint2", 1.0, Rounding::TiesEven), Some(expected.to_vec()));
        let halves = expected.map(|t| t * 0.5);
        assert_eq!(of("uint2", 0.5, Rounding::TiesEven), Some(halves.to_vec()));
        // -1.5 is a tie between -2 and -1, -0.5 one between -1 and 0.
        let signed = [(-1.5f32).next_up(), -0.5, 0.5f32.next_up()];
        assert_eq!(of("int2", 1.0, Rounding::TiesEven), Some(signed.to_vec()));
        assert_eq!(of("uint2", 1.0, Rounding::Down), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(of("int9", 1.0, Rounding::TiesEven), None);
        assert_eq!(of("e4m3fn", 1.0, Rounding::TiesEven), None);
    }
}
