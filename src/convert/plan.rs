//! From a format and a policy to the constants of a lane.
//!
//! What the policy says about special values and which side of a threshold rounds up is asked of the specification,
//! value by value, so that no rule is written down twice.

use fewbit_formats::rounding::split;
use fewbit_formats::{
    Excerpt, FloatFormat, Format, IntFormat, IntRange, NanCodes, NanPayload, Overflow, Policy,
    Real, Rounding, Signedness, Status, SubnormalInput, SubnormalOutput,
};

use super::lane::{
    Addend, BySign, Constants, EvenNarrow, EvenSame, FIXED, General, INFINITY, LEADING, MAGNITUDE,
    RANDOM, RANDOM_EXACT, REFUSED, RandomNarrow, RandomSame, Symmetric, Threshold,
};

/// Fraction bits of `f32`.
const F32_FRACTION: u32 = 23;
/// Exponent bias of `f32`.
const F32_BIAS: i32 = 127;
/// The widest codes of lanes.
const LANE_BITS: u32 = 16;

/// The lane of an encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EncodePlan {
    EvenNarrow(EvenNarrow),
    EvenSame(EvenSame),
    RandomNarrow(RandomNarrow),
    RandomSame(RandomSame),
    Fixed(General<FIXED, false>),
    FixedWrap(General<FIXED, true>),
    Random(General<RANDOM, false>),
    RandomWrap(General<RANDOM, true>),
    RandomExact(General<RANDOM_EXACT, false>),
    RandomExactWrap(General<RANDOM_EXACT, true>),
    /// The specification itself.
    Specification,
}

impl EncodePlan {
    /// The best lane for a format and a policy.
    pub(crate) fn new(format: Format, policy: &Policy) -> Self {
        let fast = match format {
            Format::Float(float) => Self::fast(float, policy),
            _ => None,
        };
        fast.or_else(|| Self::general(format, policy)).unwrap_or(Self::Specification)
    }

    /// The lanes for floats whose special codes are alike for both signs.
    fn fast(float: FloatFormat, policy: &Policy) -> Option<Self> {
        let end = symmetric_end(float, policy)?;
        let cut = F32_FRACTION.checked_sub(float.fraction_bits()).filter(|&cut| cut >= 2)?;
        let least_field = float.min_exponent() + F32_BIAS;
        // Subnormal values of f32 must not be told apart, nor lie within the bits compared with a random number.
        let margin = float.fraction_bits() as i32 + 3;
        let most_field = float.largest_exponent() + F32_BIAS;
        let lifted_field = most_field + 1 + cut as i32;
        let narrow = least_field >= margin && lifted_field < 255;
        let narrow_random = least_field >= margin + 33 && most_field < 255;
        match policy.rounding {
            Rounding::TiesEven if least_field == 1 => {
                Some(Self::EvenSame(EvenSame { cut, below_half: (1 << (cut - 1)) - 1, end }))
            }
            Rounding::TiesEven if narrow => {
                let least = (least_field as u32) << F32_FRACTION;
                Some(Self::EvenNarrow(EvenNarrow {
                    clamp: (most_field as u32 + 1) << F32_FRACTION,
                    least,
                    lift: cut << F32_FRACTION,
                    cut,
                    base: least >> cut,
                    end,
                }))
            }
            Rounding::Stochastic { .. } | Rounding::StochasticMiddle { .. } => {
                let random = RandomWord::new(policy.rounding)?;
                if random.compared > cut {
                    return None;
                }
                let addend = Addend { up: random.up, middle: random.middle, down: 32 - cut };
                if least_field == 1 {
                    return Some(Self::RandomSame(RandomSame { cut, addend, end }));
                }
                let rebias = (least_field - 1) << F32_FRACTION;
                narrow_random.then_some(Self::RandomNarrow(RandomNarrow {
                    least_field: least_field as u32,
                    rebias: rebias as u32,
                    cut,
                    addend,
                    end,
                }))
            }
            _ => None,
        }
    }

    /// The lane for everything else of at most 16 bits.
    fn general(format: Format, policy: &Policy) -> Option<Self> {
        let (constants, threshold) = constants(format, policy)?;
        let wraps = match format {
            Format::Int(int) => wraps(int, policy),
            Format::Fixed(fixed) => wraps(fixed.integer(), policy),
            _ => false,
        };
        Some(match (threshold, wraps) {
            (Threshold::Fixed, false) => Self::Fixed(General(constants)),
            (Threshold::Fixed, true) => Self::FixedWrap(General(constants)),
            (Threshold::Random, false) => Self::Random(General(constants)),
            (Threshold::Random, true) => Self::RandomWrap(General(constants)),
            (Threshold::RandomExact, false) => Self::RandomExact(General(constants)),
            (Threshold::RandomExact, true) => Self::RandomExactWrap(General(constants)),
        })
    }
}

/// The code that the specification gives a value, or [`REFUSED`].
fn asked(format: Format, policy: &Policy, x: Real) -> u32 {
    format.encode_real(x, policy, 0).map_or(REFUSED, |encoded| encoded.code)
}

/// The codes of a value of either sign.
fn asked_by_sign(format: Format, policy: &Policy, x: impl Fn(bool) -> Real) -> [u32; 2] {
    [false, true].map(|negative| asked(format, policy, x(negative)))
}

/// A value beyond every format.
fn huge(negative: bool) -> Real {
    Real::from_scaled(negative, 1, 1 << 14)
}

/// The end of a fast lane, where overflow, infinity, NaN and zero of the two signs differ in the sign bit alone.
fn symmetric_end(float: FloatFormat, policy: &Policy) -> Option<Symmetric> {
    let format = Format::Float(float);
    let sign_mask = float.sign_mask();
    if sign_mask == 0 || float.bits() > LANE_BITS || !float.has_zero() {
        return None;
    }
    if policy.subnormal_input != SubnormalInput::Keep
        || policy.subnormal_output != SubnormalOutput::Keep
        || kept_payload(float, policy) != 0
    {
        return None;
    }
    let over = asked_by_sign(format, policy, huge);
    let infinity = asked_by_sign(format, policy, Real::infinity);
    let nan = asked_by_sign(format, policy, Real::nan);
    let zero = asked_by_sign(format, policy, Real::zero);
    let alike = |[positive, negative]: [u32; 2]| positive ^ sign_mask == negative;
    let refused = nan == [REFUSED; 2];
    let over_fits = over[0] == float.max_magnitude() || over[0] == float.max_magnitude() + 1;
    let fits = alike(over)
        && over_fits
        && over[0] & sign_mask == 0
        && infinity == over
        && (refused || alike(nan))
        && zero == [0, sign_mask];
    fits.then_some(Symmetric {
        over: over[0],
        nan: nan[0],
        sign_mask,
        sign_shift: 32 - float.bits(),
    })
}

/// The bits of a NaN's payload that the policy keeps.
fn kept_payload(float: FloatFormat, policy: &Policy) -> u32 {
    let kept =
        float.nan_codes() == NanCodes::TopExponent && policy.nan_payload == NanPayload::Truncate;
    if kept { (1 << float.fraction_bits()) - 1 } else { 0 }
}

fn wraps(int: IntFormat, policy: &Policy) -> bool {
    int.range() == IntRange::Full
        && matches!(policy.overflow, Overflow::Wrap | Overflow::WrapSignMagnitude)
}

/// How a stochastic mode uses its random bits.
struct RandomWord {
    up: u32,
    middle: u32,
    tie: u32,
    odd: u32,
    flip: u32,
    /// Bits of the part cut off that decide.
    compared: u32,
}

impl RandomWord {
    /// `None` where the mode draws no random bits or compares more than lanes do.
    fn new(rounding: Rounding) -> Option<Self> {
        let bits = u32::from(rounding.random_bits()?.min(32));
        let up = 32 - bits;
        let word = Self { up, middle: 0, tie: 0, odd: 0, flip: 0, compared: bits };
        match rounding {
            Rounding::Stochastic { .. } if bits >= 1 => Some(word),
            Rounding::StochasticMiddle { .. } if (1..=31).contains(&bits) => {
                Some(Self { middle: 1 << (31 - bits), compared: bits + 1, ..word })
            }
            Rounding::StochasticNearest { .. } | Rounding::StochasticOdd { .. }
                if (1..=30).contains(&bits) =>
            {
                let flip = u32::from(matches!(rounding, Rounding::StochasticOdd { .. }));
                Some(Self { tie: 1 << (31 - bits), odd: 1, flip, compared: 32, ..word })
            }
            _ => None,
        }
    }
}

/// The threshold of a fixed mode: the largest part cut off that is still rounded down, in 2^-32 units.
fn fixed_threshold(rounding: Rounding, negative: bool, odd: bool) -> u32 {
    const HALF: u32 = 1 << 31;
    // A quarter, a half and three quarters of a unit stand for what lies below, at and above the tie.
    let up = |quarters| rounding.steps_away(negative, odd, split(quarters, 2).1, 0);
    match (up(1), up(2), up(3)) {
        (true, ..) => 0,
        (_, true, _) => HALF - 1,
        (_, _, true) => HALF,
        _ => u32::MAX,
    }
}

/// Fields that differ between floats and integers.
struct Shape {
    unit: i32,
    least_shift: i32,
    least_field: i32,
    fraction_bits: u32,
    offset: i32,
    least: i32,
    most: BySign,
    payload: u32,
    complement: u32,
    sign_mask: u32,
    bits: u32,
    fold: u32,
}

/// A magnitude limit that everything exceeds.
const ALWAYS: u32 = i32::MIN as u32;

fn float_shape(float: FloatFormat, policy: &Policy) -> Option<Shape> {
    let fraction_bits = float.fraction_bits();
    let cut = F32_FRACTION.checked_sub(fraction_bits).filter(|&cut| cut >= 2)?;
    let least_field = float.min_exponent() + F32_BIAS;
    let most = float.max_magnitude();
    let below_zero = match (float.is_signed(), float.has_zero()) {
        (true, _) => most,
        (false, true) => 0,
        (false, false) => ALWAYS,
    };
    Some(Shape {
        unit: least_field + cut as i32,
        least_shift: cut as i32,
        least_field,
        fraction_bits,
        offset: -i32::from(!float.has_zero()),
        least: if float.has_zero() { 1 } else { i32::MIN },
        most: BySign::new(most, below_zero),
        payload: kept_payload(float, policy),
        complement: 0,
        sign_mask: float.sign_mask(),
        bits: float.bits(),
        fold: 0,
    })
}

fn int_shape(int: IntFormat, fraction_bits: i32, policy: &Policy) -> Shape {
    let symmetric = policy.overflow == Overflow::SaturateSymmetric && int.is_signed();
    let below_zero = if symmetric { int.max() } else { -int.min() };
    let folds = policy.overflow == Overflow::WrapSignMagnitude && int.is_signed();
    Shape {
        unit: F32_BIAS + F32_FRACTION as i32 - fraction_bits,
        least_shift: 0,
        // Above every exponent field, so that no binade is counted.
        least_field: 1 << 16,
        fraction_bits: 0,
        offset: 0,
        least: i32::MIN,
        most: BySign::new(int.max() as u32, below_zero as u32),
        payload: 0,
        complement: u32::MAX,
        sign_mask: 0,
        bits: int.bits(),
        fold: if folds { u32::MAX } else { 0 },
    }
}

/// The integers of [`Format::Ternary`].
fn ternary() -> Option<IntFormat> {
    IntFormat::new(2, Signedness::Signed, IntRange::Narrow, Excerpt::new("ternary")).ok()
}

/// -1 and +1: every value overflows.
fn binary_shape() -> Shape {
    Shape {
        unit: 0,
        least_shift: 0,
        least_field: 1 << 16,
        fraction_bits: 0,
        offset: 0,
        least: i32::MIN,
        most: BySign::new(ALWAYS, ALWAYS),
        payload: 0,
        complement: 0,
        sign_mask: 0,
        bits: 1,
        fold: 0,
    }
}

/// Magnitudes of `f32` that count as zero lie below; `None` where that depends on random bits.
fn zero_below(format: Format, policy: &Policy) -> Option<[u32; 2]> {
    let input = match policy.subnormal_input {
        SubnormalInput::Keep => 1,
        SubnormalInput::Flush => LEADING,
    };
    let Format::Float(float) = format else { return Some([input; 2]) };
    let output = match policy.subnormal_output {
        _ if !float.has_zero() => [0; 2],
        SubnormalOutput::Keep => [0; 2],
        SubnormalOutput::FlushBefore => [power_of_two(float.min_exponent()); 2],
        SubnormalOutput::FlushAfter if policy.rounding.random_bits().is_some() => return None,
        SubnormalOutput::FlushAfter => {
            [false, true].map(|negative| flushed_below(format, policy, negative))
        }
    };
    Some(output.map(|output| output.max(input)))
}

/// The magnitude of the least `f32` that is at least 2^exponent.
fn power_of_two(exponent: i32) -> u32 {
    match exponent {
        ..=-149 => 1,
        -148..=-127 => 1 << (exponent + 149),
        -126..=127 => ((exponent + F32_BIAS) as u32) << F32_FRACTION,
        128.. => INFINITY,
    }
}

/// The least magnitude that the specification does not flush to zero.
fn flushed_below(format: Format, policy: &Policy, negative: bool) -> u32 {
    // The same under every overflow policy; this one does not turn the largest values to zero.
    let policy = &policy.with_overflow(Overflow::Saturate);
    let zero = asked(format, policy, Real::zero(negative));
    let sign = if negative { !MAGNITUDE } else { 0 };
    let is_zero = |a: u32| {
        let encoded = format.encode(f32::from_bits(a | sign), policy, 0);
        encoded.is_ok_and(|e| e.code == zero && !e.status.contains(Status::OVERFLOW))
    };
    let (mut low, mut high) = (0, INFINITY);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_zero(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The constants of the general lane; `None` where it does not do.
fn constants(format: Format, policy: &Policy) -> Option<(Constants, Threshold)> {
    if format.bits() > LANE_BITS {
        return None;
    }
    let shape = match format {
        Format::Float(float) => float_shape(float, policy)?,
        Format::Int(int) => int_shape(int, 0, policy),
        Format::Fixed(fixed) => int_shape(fixed.integer(), fixed.fraction_bits(), policy),
        Format::Ternary => int_shape(ternary()?, 0, policy),
        Format::Binary => binary_shape(),
        _ => return None,
    };
    let (threshold, random) = match RandomWord::new(policy.rounding) {
        Some(random) if random.odd != 0 => (Threshold::RandomExact, random),
        Some(random) => (Threshold::Random, random),
        None if matches!(policy.rounding.random_bits(), None | Some(0)) => (
            Threshold::Fixed,
            RandomWord { up: 0, middle: 0, tie: 0, odd: 0, flip: 0, compared: 0 },
        ),
        None => return None,
    };
    let fixed = |odd| {
        let [positive, negative] =
            [false, true].map(|negative| fixed_threshold(policy.rounding, negative, odd));
        BySign::new(positive, negative)
    };
    let by_sign = |[positive, negative]: [u32; 2]| BySign::new(positive, negative);
    let asked = |x: fn(bool) -> Real| by_sign(asked_by_sign(format, policy, x));
    let constants = Constants {
        unit: shape.unit,
        least_shift: shape.least_shift,
        // From 55 on only the leading one is left of 32 bits, which is all that a fixed threshold needs; random ones
        // see it leave.
        most_shift: if matches!(threshold, Threshold::Fixed) { 55 } else { 64 },
        least_field: shape.least_field,
        fraction_bits: shape.fraction_bits,
        offset: shape.offset,
        even: fixed(false),
        odd: fixed(true),
        random_up: random.up,
        random_middle: random.middle,
        random_tie: random.tie,
        random_odd: random.odd,
        random_flip: random.flip,
        zero_below: by_sign(zero_below(format, policy)?),
        least: shape.least,
        most: shape.most,
        zero: asked(Real::zero),
        over: asked(huge),
        infinity: asked(Real::infinity),
        nan: asked(Real::nan),
        payload: shape.payload,
        complement: shape.complement,
        mask: ((1u64 << shape.bits) - 1) as u32,
        sign_mask: shape.sign_mask,
        sign_shift: 32 - shape.bits,
        fold_shift: shape.bits - 1,
        fold: shape.fold,
    };
    Some((constants, threshold))
}
