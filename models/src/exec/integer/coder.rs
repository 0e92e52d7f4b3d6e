//! Codes of whole numbers times a scale, without a division for most.
//!
//! The quantizer divides `n s` by its scale `t`, and rounds three times on the way: of the product, the quotient and the sum with
//! the zero point. The product of `n` with `s / t` and the same sum differ from it by less than `2^-11` wherever the code is
//! not an end of the range: four roundings of at most `2^-24` of a number below `2^10`, and two of half a last place. So the
//! code is the same unless what is rounded lies that near to the middle of two whole numbers; there, the quantizer is asked.

use crate::ops::static_integer::{ROUNDING, StaticInteger};

/// A quantizer, and the scale of the whole numbers that it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coder {
    plan: StaticInteger,
    scale: f32,
    factor: f32,
    zero_point: f32,
    low: f32,
    high: f32,
    /// How far from a whole number what is rounded may lie; below 0 where the quantizer is always asked.
    sure: f32,
    /// The least number: 0 behind ReLU.
    least: i32,
}

impl Coder {
    pub(super) fn new(plan: StaticInteger, scale: f32, least: i32) -> Self {
        let (factor, zero_point) = (scale / plan.scale(), plan.zero_point());
        let (low, high) = plan.ends();
        // Far from where products and quotients lose digits.
        let far = |x: f32| (2f32.powi(-100)..2f32.powi(100)).contains(&x.abs());
        let is_near = far(factor) && scale.is_normal() && zero_point.abs() <= 256.0;
        let is_byte = low >= -128.0 && high <= 255.0;
        let sure = if is_near && is_byte { 0.5 - 1.0 / 2048.0 } else { -1.0 };
        Self { plan, scale, factor, zero_point, low, high, sure, least }
    }

    /// The codes of numbers in the low 8 bits.
    #[inline(always)]
    pub(super) fn bytes<const P: usize>(&self, numbers: &[i32; P], codes: &mut [u8; P]) {
        let Self { factor, zero_point, low, high, sure, least, .. } = *self;
        let (mut all, mut doubts) = ([0; P], [0u8; P]);
        for at in 0..P {
            let number = if numbers[at] > least { numbers[at] } else { least };
            let near = number as f32 * factor + zero_point;
            let near = if near > low { near } else { low };
            let near = if near < high { near } else { high };
            let sum = near + ROUNDING;
            doubts[at] = u8::from((near - (sum - ROUNDING)).abs() > sure);
            // Of this sum, whose last place is 1, the low bits are those of the whole number.
            all[at] = sum.to_bits() as u8;
        }
        *codes = all;
        if doubts.iter().fold(0, |any, doubt| any | doubt) != 0 {
            for at in 0..P {
                if doubts[at] != 0 {
                    codes[at] = self.plan.byte(numbers[at].max(least) as f32 * self.scale);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit_testkit::Random;

    #[test]
    fn the_codes_are_those_of_the_quantizer() {
        let mut seeded = Random(1);
        let mut random = || (seeded.next() >> 33) as u32;
        // Scales whose quotient is a power of two put numbers on ties; those of a code each put them near.
        let scales = [1.0, 0.5, 0.037, 1.0 / 3.0, 3.1e-5, 2.7e-39, 1e-30, 6.1e20, f32::MAX];
        for (low, high, zero) in
            [(0.0, 255.0, 0.0), (-128.0, 127.0, 0.0), (0.0, 255.0, 117.0), (-8.0, 7.0, 3.0)]
        {
            for (s, t) in scales.into_iter().flat_map(|s| scales.map(|t| (s, t))) {
                if !t.is_normal() || s > 7.9e28 {
                    continue;
                }
                let plan = StaticInteger { scale: t, zero_point: zero, low, high };
                for least in [i32::MIN, 0] {
                    let coder = Coder::new(plan, s, least);
                    let one = (t / s).clamp(1.0, 1e6);
                    for round in 0..64 {
                        let numbers = [0; 16].map(|_| match round % 4 {
                            0 => random() as i32,
                            1 => random() as i32 % 600 - 300,
                            // Around the middle of two codes.
                            2 => ((random() % 600) as f32 * one / 2.0 - 150.0 * one) as i32,
                            _ => {
                                ((random() % 600) as f32 * one / 2.0) as i32 + (random() % 3) as i32
                                    - 1
                            }
                        });
                        let mut codes = [0; 16];
                        coder.bytes(&numbers, &mut codes);
                        let expected = numbers.map(|n| plan.byte(n.max(least) as f32 * s));
                        assert_eq!(codes, expected, "{s} {t} {zero} {numbers:?}");
                    }
                }
            }
        }
    }
}
