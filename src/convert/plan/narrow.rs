//! The lanes for floats whose subnormal values, flushed or not, are those of the specification's default.

use fewbit_formats::{
    FloatFormat, Format, Policy, Real, Rounding, SubnormalInput, SubnormalOutput,
};

use super::EncodePlan;
use super::asked::{
    F32_BIAS, F32_FRACTION, LANE_BITS, asked_by_sign, by_sign, fixed_threshold, huge, kept_payload,
};
use super::random::RandomWord;
use crate::convert::lane::{
    Addend, BySign, Ends, EvenNarrow, EvenSame, FixedNarrow, FixedSame, OneZero, REFUSED,
    RandomNarrow, RandomSame, RandomWide, Symmetric, ZeroNarrow,
};

/// The lane of a float, where it is one of these.
pub(super) fn plan(float: FloatFormat, policy: &Policy) -> Option<EncodePlan> {
    let codes = SpecialCodes::new(float, policy)?;
    let cut = F32_FRACTION.checked_sub(float.fraction_bits()).filter(|&cut| cut >= 2)?;
    let lane = Lane { float, codes, cut };
    match policy.rounding.random_bits() {
        None | Some(0) => lane.fixed(policy.rounding),
        Some(_) => lane.random(policy.rounding),
    }
}

/// The codes of what is no ordinary value, by sign.
struct SpecialCodes {
    float: FloatFormat,
    over: [u32; 2],
    infinity: [u32; 2],
    nan: [u32; 2],
    zero: [u32; 2],
}

impl SpecialCodes {
    fn new(float: FloatFormat, policy: &Policy) -> Option<Self> {
        let format = Format::Float(float);
        let plain = float.bits() <= LANE_BITS
            && float.has_zero()
            && policy.subnormal_input == SubnormalInput::Keep
            && policy.subnormal_output == SubnormalOutput::Keep
            && kept_payload(float, policy) == 0;
        plain.then(|| Self {
            float,
            over: asked_by_sign(format, policy, huge),
            infinity: asked_by_sign(format, policy, Real::infinity),
            nan: asked_by_sign(format, policy, Real::nan),
            zero: asked_by_sign(format, policy, Real::zero),
        })
    }

    /// Where overflow, infinity, NaN and zero of the two signs differ in the sign bit alone.
    fn symmetric(&self) -> Option<Symmetric> {
        let Self { float, over, infinity, nan, zero } = self;
        let sign_mask = float.sign_mask();
        let alike = |[positive, negative]: [u32; 2]| positive ^ sign_mask == negative;
        let after = [float.max_magnitude(), float.max_magnitude() + 1];
        let fits = sign_mask != 0
            && alike(*over)
            && after.contains(&over[0])
            && over[0] & sign_mask == 0
            && infinity == over
            && (*nan == [REFUSED; 2] || alike(*nan))
            && *zero == [0, sign_mask];
        fits.then_some(Symmetric {
            over: over[0],
            nan: nan[0],
            sign_mask,
            sign_shift: 32 - float.bits(),
        })
    }

    /// Where both signs have one zero and one NaN in common, and nothing else.
    fn one_zero(&self) -> Option<OneZero> {
        let Self { float, over, infinity, nan, zero } = self;
        let (sign_mask, most) = (float.sign_mask(), float.max_magnitude());
        let nan_after = *over == [sign_mask; 2] && most + 1 == sign_mask;
        let fits = sign_mask != 0
            && (*over == [most, most | sign_mask] || nan_after)
            && infinity == over
            && nan[0] == nan[1]
            && *zero == [0; 2];
        fits.then_some(OneZero {
            over: over[0],
            nan: nan[0],
            sign_mask,
            sign_shift: 32 - float.bits(),
        })
    }

    /// For any policy.
    fn ends(&self) -> Ends {
        let most = self.float.max_magnitude();
        let below_zero = if self.float.is_signed() { most } else { 0 };
        Ends {
            most: BySign::new(most, below_zero),
            over: by_sign(self.over),
            infinity: by_sign(self.infinity),
            nan: by_sign(self.nan),
            zero: by_sign(self.zero),
            sign_mask: self.float.sign_mask(),
            // Without a sign there is no bit to bring anywhere, and the mask is empty.
            sign_shift: 32 - self.float.bits(),
        }
    }
}

/// A float on its way to a lane.
struct Lane {
    float: FloatFormat,
    codes: SpecialCodes,
    /// Fraction bits of `f32` that it lacks.
    cut: u32,
}

impl Lane {
    /// The exponent field, as `f32`, of the smallest normal value.
    fn least_field(&self) -> i32 {
        self.float.min_exponent() + F32_BIAS
    }

    /// The exponent field, as `f32`, of the largest value.
    fn most_field(&self) -> i32 {
        self.float.largest_exponent() + F32_BIAS
    }

    /// The end of lanes that take infinity for a value too large. Where the largest value has the exponent field of
    /// infinity, or a greater one, infinity would be a value of the format.
    fn symmetric(&self) -> Option<Symmetric> {
        self.codes.symmetric().filter(|_| self.most_field() < 255)
    }

    /// Likewise.
    fn one_zero(&self) -> Option<OneZero> {
        self.codes.one_zero().filter(|_| self.most_field() < 255)
    }

    /// To the nearest, ties to even, with any end; see `lifts`.
    fn even<E>(&self, end: E) -> EvenNarrow<E> {
        let (cut, least) = (self.cut, (self.least_field() as u32) << F32_FRACTION);
        EvenNarrow {
            clamp: (self.most_field() as u32 + 1) << F32_FRACTION,
            least,
            lift: cut << F32_FRACTION,
            cut,
            base: least >> cut,
            end,
        }
    }

    /// Toward zero, with any end.
    fn zero<E>(&self, end: E) -> ZeroNarrow<E> {
        let least_field = self.least_field() as u32;
        ZeroNarrow { least_field, rebias: self.rebias(), cut: self.cut, end }
    }

    /// The exponents of `f32`.
    fn is_same(&self) -> bool {
        self.least_field() == 1
    }

    /// Subnormal values of `f32` lie below this many bits after the last one of the format.
    fn is_narrow(&self, margin: u32) -> bool {
        let needed = self.float.fraction_bits() + margin;
        self.least_field() >= needed as i32 && self.most_field() < 255
    }

    fn rebias(&self) -> u32 {
        ((self.least_field() - 1) as u32) << F32_FRACTION
    }

    fn fixed(&self, rounding: Rounding) -> Option<EncodePlan> {
        let cut = self.cut;
        let even = rounding == Rounding::TiesEven;
        // The sum that rounds to even must not overflow, and its last bit must be that of the code.
        let lifts = self.is_narrow(3)
            && self.most_field() + 1 + (cut as i32) < 255
            && self.float.fraction_bits() > 0;
        if let Some(end) = self.symmetric().filter(|_| even) {
            if self.is_same() {
                let below_half = (1 << (cut - 1)) - 1;
                return Some(EncodePlan::EvenSame(EvenSame { cut, below_half, end }));
            }
            if lifts {
                return Some(EncodePlan::EvenNarrow(self.even(end)));
            }
        }
        if let Some(end) = self.one_zero().filter(|_| even && lifts) {
            return Some(EncodePlan::EvenOneZero(self.even(end)));
        }
        if rounding == Rounding::TowardZero && self.is_narrow(35) {
            if let Some(end) = self.symmetric() {
                return Some(EncodePlan::ZeroNarrow(self.zero(end)));
            }
            if let Some(end) = self.one_zero() {
                return Some(EncodePlan::ZeroOneZero(self.zero(end)));
            }
        }
        let addend = |odd| {
            by_sign([false, true].map(|negative| {
                // What takes the least part that is rounded up to one whole unit.
                !fixed_threshold(rounding, negative, odd) >> (32 - cut)
            }))
        };
        let (even, odd, end) = (addend(false), addend(true), self.codes.ends());
        if self.is_same() {
            return Some(EncodePlan::FixedSame(FixedSame { cut, even, odd, end }));
        }
        self.is_narrow(35).then(|| {
            EncodePlan::FixedNarrow(FixedNarrow {
                least_field: self.least_field() as u32,
                rebias: self.rebias(),
                cut,
                even,
                odd,
                end,
            })
        })
    }

    fn random(&self, rounding: Rounding) -> Option<EncodePlan> {
        let cut = self.cut;
        let random = RandomWord::new(rounding).filter(|random| random.odd == 0)?;
        let narrow = self.is_narrow(36);
        let least_field = self.least_field() as u32;
        if let Some(end) = self.symmetric().filter(|_| random.compared <= cut) {
            let addend = Addend { up: random.up, middle: random.middle, down: 32 - cut };
            if self.is_same() {
                return Some(EncodePlan::RandomSame(RandomSame { cut, addend, end }));
            }
            if narrow {
                let rebias = self.rebias();
                return Some(EncodePlan::RandomNarrow(RandomNarrow {
                    least_field,
                    rebias,
                    cut,
                    addend,
                    end,
                }));
            }
        }
        narrow.then(|| {
            EncodePlan::RandomWide(RandomWide {
                least_field,
                rebias: self.rebias(),
                cut,
                up: random.up,
                middle: random.middle,
                end: self.codes.ends(),
            })
        })
    }
}
