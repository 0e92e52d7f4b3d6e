//! What the stacks' texts say, in rationals: a product is an exact fraction, and each rounding is a choice between its two
//! integer neighbours. Nothing is shifted and no constant is added.

use fewbit::formats::{IntRange, Overflow as Policy, philox};
use fewbit::requantize::{Excess, Requantization, RequantizePolicy, ScaleParameters};
use fewbit_testkit::rounding::{Between, IntSpec, Mode, Neighbour, Overflow, exact, power_of_two};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// A value that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// Which way a tie goes.
#[derive(Clone, Copy, PartialEq)]
enum Tie {
    Up,
    Away,
    Even,
}

/// The nearest integer.
fn nearest(x: &BigRational, tie: Tie) -> BigInt {
    let below = floor(x);
    let twice = (x - BigRational::from_integer(below.clone())) * BigInt::from(2);
    let above = match twice.cmp(&BigRational::one()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => match tie {
            Tie::Up => true,
            Tie::Away => !x.is_negative(),
            Tie::Even => is_odd(&below),
        },
    };
    below + u8::from(above)
}

/// The last of its digits in binary.
fn is_odd(x: &BigInt) -> bool {
    x.bit(0)
}

fn floor(x: &BigRational) -> BigInt {
    x.floor().to_integer()
}

/// The remainder of a division by 2^32, at least 0.
fn low_bits(x: &BigInt) -> BigInt {
    x - floor(&(int(x.clone()) * power_of_two(-32))) * (1i64 << 32)
}

fn int(x: impl Into<BigInt>) -> BigRational {
    BigRational::from_integer(x.into())
}

/// In two's complement of 32 bits.
fn in_32(x: BigInt, excess: Excess) -> Result<BigInt, Refused> {
    let end = BigInt::from(1i64 << 31);
    if x >= -end.clone() && x < end {
        return Ok(x);
    }
    match excess {
        Excess::Wrap => Ok(low_bits(&(x + &end)) - end),
        Excess::Saturate if x.is_negative() => Ok(-end),
        Excess::Saturate => Ok(end - 1),
        _ => Err(Refused),
    }
}

/// The output of a value, from the policy's definition.
pub(crate) fn expected(job: &Requantization, index: usize, value: i64) -> Result<BigInt, Refused> {
    let bias = job.bias().and_then(|bias| bias.at(index)).copied().unwrap_or(0);
    let x = BigInt::from(value) + bias;
    let bits: u32 = match job.policy() {
        RequantizePolicy::Exact(_) | RequantizePolicy::Shift(_) | RequantizePolicy::Thresholds => {
            64
        }
        RequantizePolicy::Tosa16(_) | RequantizePolicy::Tflite16(_) => 48,
        _ => 32,
    };
    let end = BigInt::from(1i128 << (bits - 1));
    if x < -end.clone() || x >= end {
        return Err(Refused);
    }
    Ok(output(job, scaled(job, index, &x)?))
}

fn scaled(job: &Requantization, index: usize, x: &BigInt) -> Result<BigInt, Refused> {
    let random = philox::bits(job.seed(), index as u64);
    match job.scale() {
        ScaleParameters::MultiplierShift { multiplier, shift } => {
            multiplied(job.policy(), x, *multiplier.at(index).unwrap(), *shift.at(index).unwrap())
        }
        ScaleParameters::Shift(shift) => {
            let fraction = int(x.clone()) * power_of_two(-shift.at(index).unwrap());
            Ok(by_mode(&fraction, job.policy(), random))
        }
        ScaleParameters::Exact(scale) => {
            let fraction = int(x.clone()) * exact(*scale.at(index).unwrap());
            Ok(by_mode(&fraction, job.policy(), random))
        }
        ScaleParameters::Float(scale) => {
            let product = f32_of(&(f32_of(&int(x.clone())) * single(*scale.at(index).unwrap())));
            let (low, high) = (job.format().min(), job.format().max());
            let zero = job.zero_point();
            // ONNX Runtime clamps as floats; the ends of at most 16 bits are such.
            let clamped = product.max(int(low - zero)).min(int(high - zero));
            Ok(nearest(&clamped, Tie::Even))
        }
        ScaleParameters::Affine { scale, bias } => {
            let product = f32_of(&(f32_of(&int(x.clone())) * single(*scale.at(index).unwrap())));
            Ok(nearest(&f32_of(&(product + single(*bias.at(index).unwrap()))), Tie::Even))
        }
        ScaleParameters::Thresholds { thresholds, out_scale, out_bias } => {
            let reached = thresholds.at(index).unwrap().iter().filter(|&&t| *x >= BigInt::from(t));
            Ok(BigInt::from(reached.count()) * *out_scale + *out_bias)
        }
        _ => unreachable!(),
    }
}

fn multiplied(policy: RequantizePolicy, x: &BigInt, m: i32, s: i32) -> Result<BigInt, Refused> {
    use RequantizePolicy as P;
    let product = |x: &BigInt, m: i32, shift: i32| int(x * BigInt::from(m)) * power_of_two(-shift);
    let tosa_takes = |excess: Excess| {
        let bound = BigInt::one() << (s - 1);
        excess != Excess::Refuse || (-bound.clone()..bound).contains(x)
    };
    match policy {
        P::Tosa32(excess) if tosa_takes(excess) => {
            in_32(nearest(&product(x, m, s), Tie::Up), excess)
        }
        P::Tosa32Double(excess) if tosa_takes(excess) => {
            // The first rounding, to units of 2^-(s-31), is a half of these; it is 2^(30-s) of the result's.
            let half = power_of_two(30 - s);
            let first = match (s > 31, x.is_negative()) {
                (false, _) => BigRational::zero(),
                (true, false) => half,
                (true, true) => -half,
            };
            in_32(nearest(&(product(x, m, s) + first), Tie::Up), excess)
        }
        P::Tosa16(excess) => in_32(nearest(&product(x, m, s), Tie::Up), excess),
        P::Gemmlowp(excess) | P::Cmsis(excess) | P::Ruy(excess) => {
            let left = in_32(x << s.max(0), excess)?;
            let high = nearest(&product(&left, m, 31), Tie::Up);
            let cast = if matches!(policy, P::Cmsis(_)) { Excess::Wrap } else { Excess::Saturate };
            let tie = if matches!(policy, P::Ruy(_)) { Tie::Up } else { Tie::Away };
            Ok(nearest(&(int(in_32(high, cast)?) * power_of_two(s.min(0))), tie))
        }
        P::TfliteSingle(excess) => in_32(nearest(&product(x, m, 31 - s), Tie::Up), excess),
        P::Tflite16(excess) => {
            let reduced = nearest(&(int(m) * power_of_two(-16)), Tie::Up).min(0x7fff.into());
            let reduced = reduced.to_i32().unwrap();
            in_32(nearest(&product(x, reduced, 15 - s), Tie::Up), excess)
        }
        P::CmsisSingle(excess) => {
            let doubled = in_32(product(x, m, 30 - s).floor().to_integer(), excess)?;
            Ok(floor(&(int(in_32(doubled + 1, excess)?) * power_of_two(-1))))
        }
        _ => Err(Refused),
    }
}

/// By the definition of the mode that the policy's name ends in.
fn by_mode(x: &BigRational, policy: RequantizePolicy, random: u32) -> BigInt {
    let name = policy.to_string();
    let name = name.split_once('-').unwrap().1.to_owned();
    let mode =
        Mode::NAMES.iter().find(|(_, known)| *known == name).expect("a mode of the oracle").0;
    let below = floor(x);
    let part = x - int(below.clone());
    if part.is_zero() {
        return below;
    }
    let between = if x.is_negative() {
        Between::from_part(true, !is_odd(&below), BigRational::one() - part)
    } else {
        Between::from_part(false, is_odd(&below), part)
    };
    match between.choose(mode, random) {
        Neighbour::Below => below,
        Neighbour::Above => below + 1,
    }
}

fn single(x: f32) -> BigRational {
    exact(x.into())
}

/// The nearest f32, ties to even; numbers beyond stay as they are, which no output's range tells apart.
pub(crate) fn f32_of(x: &BigRational) -> BigRational {
    if x.is_zero() {
        return x.clone();
    }
    let mut exponent = -150;
    while x.abs() >= power_of_two(exponent + 1) {
        exponent += 1;
    }
    let unit = power_of_two(exponent.max(-126) - 23);
    int(nearest(&(x / &unit), Tie::Even)) * unit
}

/// With the zero point, in the output's format.
fn output(job: &Requantization, scaled: BigInt) -> BigInt {
    let format = job.format();
    let spec = IntSpec {
        bits: format.bits(),
        signed: format.is_signed(),
        narrow: format.range() == IntRange::Narrow,
        fraction_bits: 0,
    };
    let overflow = match job.overflow() {
        Policy::Saturate => Overflow::Saturate,
        Policy::Wrap => Overflow::Wrap,
        Policy::WrapSignMagnitude => Overflow::WrapSignMagnitude,
        Policy::SaturateSymmetric => Overflow::SaturateSymmetric,
        Policy::Zero => Overflow::Zero,
        other => panic!("the oracle has no {other}"),
    };
    let units = spec.place(&int(scaled + job.zero_point()));
    let code = BigInt::from(spec.encode(&units, Mode::TiesEven, overflow, 0).unwrap().code);
    if format.is_signed() && code.bit(u64::from(spec.bits) - 1) {
        code - (BigInt::one() << spec.bits)
    } else {
        code
    }
}
