//! Groups against their definition in exact arithmetic: scales, zero points, codes and values.

mod common;

use std::collections::BTreeMap;

use common::scales::expected;
use common::{PLAIN, float_spec, int_spec, modes};
use fewbit_formats::{
    BlockScale, ExponentRule, Format, GroupError, GroupFormat, GroupPolicy, GroupZeroPoint,
    InfiniteBlock, LeastScale, NanBlock, NanPolicy, OuterScale, Rounding, ScaleArithmetic,
    ScalePolicy, SubnormalInput, ZeroBlock, philox,
};
use fewbit_testkit::rounding::{FloatOracle, Mode, Overflow, exact};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

const FORMATS: &[&str] = &[
    "mxfp8e4m3",
    "mxfp8e5m2",
    "mxfp6e2m3",
    "mxfp6e3m2",
    "mxfp4",
    "mxint8",
    "nvfp4",
    "mx(int4,e8m0fnu,64)",
    "mx(e4m3fn,e5m0fnu,8)",
    "mx(int4,f16,32)",
    "mx(int8n,f32,32)",
    "mx(int4,bf16,16)",
    "mx(e2m1fn,e4m3fn,16)",
    "mx(fix8.4,ufix8.4,8)",
    "mx(ternary,f16,24)",
    "mx(int4,uint6*f16/8,32)",
    "mx(e3m2fn,e5m3*f32,8)",
    "mx(int8,e4m3fn*e8m0fnu/4,16)",
    "mx(e2m1fn,e3m0fnu*f32,16)",
    "mx(uint4,f32,32,zero-point)",
    "mx(int4,f16,32,zero-point)",
    "mx(uint8,e8m0fnu,16,zero-point)",
    "mx(uint4,uint6*f32/8,32,zero-point)",
];

fn format(name: &str) -> GroupFormat {
    name.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Codes of values by enumeration, one oracle per format.
#[derive(Default)]
struct Oracles(BTreeMap<Format, FloatOracle>);

impl Oracles {
    fn code(&mut self, format: Format, x: &BigRational, mode: Mode, random: u32) -> u32 {
        match format {
            Format::Float(float) => {
                let oracle = self.0.entry(format).or_insert_with(|| float_spec(float).oracle());
                oracle.encode(&oracle.place(x), mode, Overflow::Saturate, random).code
            }
            other => {
                let spec = int_spec(other);
                spec.encode(&spec.place(x), mode, Overflow::Saturate, random)
                    .expect("an integer")
                    .code
            }
        }
    }

    /// The nearest `f32`, infinite beyond the largest.
    fn f32(&mut self, x: &BigRational) -> f32 {
        if x.is_zero() {
            return 0.0;
        }
        let Format::Float(float) = Format::F32 else { panic!("f32 is a float") };
        let oracle = self.0.entry(Format::F32).or_insert_with(|| float_spec(float).oracle());
        let nearest = oracle.encode(&oracle.place(x), Mode::TiesEven, Overflow::Special, 0);
        f32::from_bits(nearest.code)
    }
}

/// What a block must become.
struct Expected {
    scale: BlockScale,
    codes: Vec<u32>,
    values: Vec<f32>,
}

fn measure(format: &GroupFormat) -> BigRational {
    let element = format.element();
    match format.zero_point() {
        GroupZeroPoint::None => exact(element.max_finite()),
        GroupZeroPoint::Code => exact(element.max_finite()) - exact(element.min_finite()),
    }
}

fn is_power_of_two_format(format: Format) -> bool {
    matches!(format, Format::Float(float) if float.fraction_bits() == 0)
}

/// The code of the power of two that a rule gives for a magnitude.
fn power_code(
    oracles: &mut Oracles,
    rule: ExponentRule,
    amax: &BigRational,
    element: Format,
    scale: Format,
) -> u32 {
    let log2 = |x: f64| x.log2() as i32;
    let exponent = expected(rule, amax, element)
        .clamp(log2(scale.smallest_positive()), log2(scale.max_finite()));
    oracles.code(scale, &exact(2f64.powi(exponent)), Mode::TiesEven, 0)
}

/// The format whose largest value is that of `measure`.
fn measure_format(format: &GroupFormat) -> Format {
    match format.zero_point() {
        GroupZeroPoint::None => format.element(),
        GroupZeroPoint::Code => format!("uint{}", format.element().bits()).parse().unwrap(),
    }
}

fn expected_outer(
    oracles: &mut Oracles,
    format: &GroupFormat,
    rule: ExponentRule,
    amax: f32,
) -> Option<(u32, f32)> {
    let outer = format.scale().outer?.format;
    let code = if amax == 0.0 {
        oracles.code(outer, &exact(outer.smallest_positive()), Mode::TiesEven, 0)
    } else if is_power_of_two_format(outer) {
        let amax = exact(amax.into()) / exact(format.scale().format.max_finite());
        power_code(oracles, rule, &amax, measure_format(format), outer)
    } else {
        let ratio =
            exact(amax.into()) / measure(format) / exact(format.scale().format.max_finite());
        oracles.code(outer, &ratio, Mode::TiesEven, 0)
    };
    Some((code, outer.decode(code) as f32))
}

fn expect(
    oracles: &mut Oracles,
    format: &GroupFormat,
    x: &[f32],
    outer: Option<f32>,
    rule: ExponentRule,
    mode: Mode,
) -> Expected {
    let element = format.element();
    let values: Vec<BigRational> = x.iter().map(|&x| exact(x.into())).collect();
    let zero = BigRational::zero();
    let low = values.iter().fold(zero.clone(), |low, x| if x < &low { x.clone() } else { low });
    let high = values.iter().fold(zero.clone(), |high, x| if x > &high { x.clone() } else { high });
    let reach = match format.zero_point() {
        GroupZeroPoint::None => high.max(-low.clone()),
        GroupZeroPoint::Code => high - &low,
    };
    let own = format.scale().format;
    let above = exact(outer.map_or(1.0, f64::from));
    let code = if reach.is_zero() {
        oracles.code(own, &exact(own.smallest_positive()), Mode::TiesEven, 0)
    } else if above.is_zero() {
        oracles.code(own, &exact(own.max_finite()), Mode::TiesEven, 0)
    } else if is_power_of_two_format(own) {
        power_code(oracles, rule, &(&reach / above), measure_format(format), own)
    } else {
        oracles.code(own, &(&reach / (measure(format) * above)), Mode::TiesEven, 0)
    };
    let value = oracles.f32(&(exact(own.decode(code)) * exact(outer.map_or(1.0, f64::from))));
    let scale = exact(value.into());
    let zero_point = match format.zero_point() {
        GroupZeroPoint::None => zero.clone(),
        GroupZeroPoint::Code => {
            let distance = if scale.is_zero() { zero.clone() } else { -low / &scale };
            let code =
                oracles.code(element, &(distance + exact(element.min_finite())), Mode::TiesEven, 0);
            exact(element.decode(code))
        }
    };
    let zero_code = |value: &BigRational| match element {
        Format::Float(_) => 0,
        other => int_spec(other).code(&value.to_integer()),
    };
    let codes: Vec<u32> = values
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let quotient = if scale.is_zero() { zero.clone() } else { x / &scale } + &zero_point;
            if quotient.is_zero() {
                zero_code(&quotient)
            } else {
                oracles.code(element, &quotient, mode, random(i))
            }
        })
        .collect();
    let values = codes
        .iter()
        .map(|&code| oracles.f32(&((exact(element.decode(code)) - &zero_point) * &scale)))
        .collect();
    let zero_point = match format.zero_point() {
        GroupZeroPoint::None => 0,
        GroupZeroPoint::Code => zero_code(&zero_point),
    };
    Expected { scale: BlockScale { code, value, zero_point }, codes, values }
}

fn random(index: usize) -> u32 {
    philox::bits(29, index as u64)
}

/// Blocks at all magnitudes, with values at and next to ties of the element under a power of two.
fn blocks(format: &GroupFormat) -> Vec<Vec<f32>> {
    let element = format.element();
    let codes = element.code_count().min(256) as u32;
    let mut edges: Vec<f64> =
        (0..codes).map(|code| element.decode(code)).filter(|x| x.is_finite()).collect();
    edges.sort_by(f64::total_cmp);
    let middles: Vec<f64> = edges.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect();
    let max = element.max_finite();
    let exponents = [-149, -140, -130, -127, -126, -60, -10, -2, -1, 0, 1, 8, 60, 110, 127];
    let mut blocks = Vec::new();
    for (place, &e) in exponents.iter().enumerate() {
        for (turn, top) in [max, 1.0, 1.5, 1.75, 0.75 * max, 1.999].into_iter().enumerate() {
            let seed = (place * 6 + turn) as u64;
            // Half of the tops at each exponent.
            if (place + turn) % 2 == 1 {
                continue;
            }
            let pick =
                |i: usize, from: &[f64]| from[philox::bits(seed, i as u64) as usize % from.len()];
            let top = (top * 2f64.powi(e)) as f32;
            let power = 2f64.powi((f64::from(top).log2().floor() - max.log2().floor()) as i32);
            // A ragged block now and then.
            let length = if turn == 3 { format.size() / 2 + 1 } else { format.size() };
            let value = |i: usize| {
                let x = match i % 5 {
                    0 | 3 => (pick(i, &middles) * power) as f32,
                    1 => (pick(i, &edges) * power) as f32,
                    2 => f32::from_bits(philox::bits(seed + 100, i as u64)),
                    _ => (f64::from(top) * f64::from(random(i) as i32) * 2f64.powi(-31)) as f32,
                };
                let x = [x, x.next_up(), x.next_down(), -x]
                    [philox::bits(seed + 7, i as u64) as usize % 4];
                if x.abs() < top.abs() { x } else { 0.0 }
            };
            let mut block: Vec<f32> = (0..length).map(value).collect();
            let tops = [top.next_down(), top, top.next_up(), -top];
            block[seed as usize % length] = tops[seed as usize % 4];
            if block.iter().all(|x| x.is_finite()) {
                blocks.push(block);
            }
        }
    }
    blocks.push(vec![0.0; format.size()]);
    blocks
}

fn check(
    oracles: &mut Oracles,
    format: &GroupFormat,
    rule: ExponentRule,
    rounding: Rounding,
    mode: Mode,
) {
    let policy = GroupPolicy::new(ScalePolicy::new(rule), PLAIN.with_rounding(rounding));
    for (index, x) in blocks(format).iter().enumerate() {
        // The span of an outer scale reaches beyond the block, or not.
        let beyond = [1.0, 3.0, 100.0][index % 3];
        let amax = x.iter().fold(0f32, |a, x| a.max(x.abs())) * beyond;
        let amax = if amax.is_finite() { amax } else { f32::MAX };
        let outer: Option<OuterScale> = format.outer_scale(amax, &policy).unwrap();
        let wanted = expected_outer(oracles, format, rule, amax);
        assert_eq!(outer.map(|outer| (outer.code, outer.value)), wanted, "{format} {amax:e}");
        let expected = expect(oracles, format, x, wanted.map(|(_, value)| value), rule, mode);
        let mut codes = vec![0; x.len()];
        let scale = format.encode_block(x, outer.as_ref(), &policy, random, &mut codes).unwrap();
        assert_eq!(scale, expected.scale, "{format} {rule} {rounding} {x:?}");
        let mut values = vec![0.0; x.len()];
        format.decode_block(&codes, &scale, &mut values).unwrap();
        for i in 0..x.len() {
            let at = || format!("{format} {rule} {rounding} {scale:?}: {:e} of {x:?}", x[i]);
            // Zeros of either sign have codes of their own, which the rationals do not tell apart.
            let zero = format.element().decode(codes[i]) == 0.0
                && format.zero_point() == GroupZeroPoint::None;
            assert!(codes[i] == expected.codes[i] || zero && expected.values[i] == 0.0, "{}", at());
            assert_eq!(values[i], expected.values[i], "{}", at());
            if zero && codes[i] != 0 {
                assert!(x[i].is_sign_negative(), "{}", at());
            }
        }
    }
}

#[test]
fn every_rule() {
    let mut oracles = Oracles::default();
    for format in FORMATS.iter().map(|name| format(name)) {
        let outer = format.scale().outer;
        let has_powers = is_power_of_two_format(format.scale().format)
            || outer.is_some_and(|outer| is_power_of_two_format(outer.format));
        // The rule is one of powers of two.
        let rules = if has_powers { ExponentRule::ALL } else { &ExponentRule::ALL[..1] };
        for &rule in rules {
            check(&mut oracles, &format, rule, Rounding::TiesEven, Mode::TiesEven);
        }
    }
}

#[test]
fn every_rounding() {
    let mut oracles = Oracles::default();
    for format in
        ["mxfp4", "mxint8", "nvfp4", "mx(int4,f16,32)", "mx(uint4,f32,32,zero-point)"].map(format)
    {
        for (rounding, mode) in modes() {
            check(&mut oracles, &format, ExponentRule::Floor, rounding, mode);
        }
    }
}

/// The oracle objects to a wrong answer.
#[test]
fn the_oracle_tells_right_from_wrong() {
    let mut oracles = Oracles::default();
    let x = [7.0, 1.0, 0.3];
    let right =
        expect(&mut oracles, &GroupFormat::MXFP4, &x, None, ExponentRule::Floor, Mode::TiesEven);
    let wrong =
        expect(&mut oracles, &GroupFormat::MXFP4, &x, None, ExponentRule::Ceil, Mode::TiesEven);
    assert_eq!((right.scale.code, wrong.scale.code), (127, 128));
    assert_eq!(right.values, [6.0, 1.0, 0.5]);
    assert_eq!(wrong.values, [8.0, 1.0, 0.0]);
}

fn encode(
    format: &GroupFormat,
    policy: &GroupPolicy,
    x: &[f32],
) -> Result<(BlockScale, Vec<u32>), GroupError> {
    let mut codes = vec![0; x.len()];
    let outer = format.outer_scale(
        x.iter().filter(|x| x.is_finite()).fold(0f32, |a, x| a.max(x.abs())),
        policy,
    )?;
    let scale = format.encode_block(x, outer.as_ref(), policy, |_| 0, &mut codes)?;
    Ok((scale, codes))
}

const FLOOR: ScalePolicy = ScalePolicy::new(ExponentRule::Floor);
const NO_NAN: GroupPolicy = GroupPolicy::new(FLOOR, PLAIN.with_nan(NanPolicy::Zero));

fn with_scale(scale: ScalePolicy) -> GroupPolicy {
    GroupPolicy { scale, ..NO_NAN }
}

#[test]
fn blocks_with_nan() {
    let x = [1.0, f32::NAN, -3.0];
    let (scale, codes) = encode(&GroupFormat::MXFP8E4M3, &NO_NAN, &x).unwrap();
    assert_eq!((scale.code, codes), (255, vec![0x7f; 3]));
    assert!(GroupFormat::MXFP8E4M3.decode_element(0x38, &scale).is_nan());
    // An element without NaN, whose policy refuses it.
    let refusing = GroupPolicy { element: PLAIN, ..NO_NAN };
    assert_eq!(encode(&GroupFormat::MXFP4, &refusing, &x).unwrap().1, [0; 3]);
    let ignoring = with_scale(FLOOR.with_nan_block(NanBlock::Ignore));
    let (scale, codes) = encode(&GroupFormat::MXFP4, &ignoring, &x).unwrap();
    assert_eq!((scale.value, codes), (0.5, vec![0b0100, 0, 0b1111]));
    let error = encode(&GroupFormat::MXFP4, &with_scale(FLOOR.with_nan_block(NanBlock::Error)), &x);
    assert_eq!(error, Err(GroupError::Nan));
    // A scale without a NaN has no way to say so.
    let error = encode(&format("mx(int4,uint6,32)"), &NO_NAN, &x).unwrap_err();
    assert!(matches!(error, GroupError::Scale(_)), "{error}");
}

#[test]
fn blocks_with_infinity() {
    let x = [1.0, f32::NEG_INFINITY, -3.0];
    let code = |infinite_block| {
        encode(&GroupFormat::MXFP4, &with_scale(FLOOR.with_infinite_block(infinite_block)), &x)
    };
    assert_eq!(code(InfiniteBlock::Nan).unwrap().0.code, 255);
    assert_eq!(code(InfiniteBlock::Largest).unwrap().0.code, 254);
    let (scale, codes) = code(InfiniteBlock::AsExponent).unwrap();
    assert_eq!((scale.code, codes), (253, vec![0, 0xf, 8]));
    let (scale, codes) = code(InfiniteBlock::Ignore).unwrap();
    assert_eq!((scale.value, codes), (0.5, vec![0b0100, 0b1111, 0b1111]));
    assert_eq!(code(InfiniteBlock::Error), Err(GroupError::Infinite));
    // NaN counts more.
    let both = [f32::NAN, f32::INFINITY];
    assert_eq!(
        encode(
            &GroupFormat::MXFP4,
            &with_scale(FLOOR.with_infinite_block(InfiniteBlock::Error)),
            &both
        )
        .unwrap()
        .0
        .code,
        255
    );
}

#[test]
fn blocks_of_zeros() {
    let x = [0.0, -0.0];
    let code = |format: &str, scale| encode(&self::format(format), &with_scale(scale), &x).unwrap();
    assert_eq!(
        code("mxfp4", FLOOR),
        (BlockScale { code: 0, value: 2f32.powi(-127), zero_point: 0 }, vec![0, 8])
    );
    assert_eq!(code("mxfp4", FLOOR.with_zero_block(ZeroBlock::One)).0.value, 1.0);
    assert_eq!(code("mx(int4,f16,32)", FLOOR).0.value, 2f32.powi(-24));
    assert_eq!(code("mx(int4,f16,32)", FLOOR.with_zero_block(ZeroBlock::Zero)).0.value, 0.0);
    let least = FLOOR.with_zero_block(ZeroBlock::Zero).with_least(LeastScale::SmallestNormal);
    assert_eq!(code("mx(e2m1fn,e4m3fn,16)", least).0.value, 2f32.powi(-6));
    let shifted = code("mx(int4,f16,32,zero-point)", FLOOR);
    assert_eq!((shifted.0.zero_point, shifted.1), (8, vec![8, 8])); // -8
}

#[test]
fn a_scale_that_vanishes_makes_its_block_zero() {
    let format = format("mx(e2m1fn,e4m3fn,16)");
    let x = [2f32.powi(-20), -2f32.powi(-20)];
    let (scale, codes) = encode(&format, &NO_NAN, &x).unwrap();
    assert_eq!((scale.value, codes), (0.0, vec![0, 8]));
    let least = |least| encode(&format, &with_scale(FLOOR.with_least(least)), &x).unwrap().0.value;
    assert_eq!(least(LeastScale::SmallestPositive), 2f32.powi(-9));
    assert_eq!(least(LeastScale::SmallestNormal), 2f32.powi(-6));
}

#[test]
fn flushed_subnormals_do_not_raise_the_scale() {
    let element = PLAIN.with_subnormal_input(SubnormalInput::Flush);
    let x = [f32::from_bits(0x7f_ffff), -f32::from_bits(1)];
    let (scale, codes) =
        encode(&GroupFormat::MXFP4, &GroupPolicy::new(FLOOR, element), &x).unwrap();
    assert_eq!((scale.code, codes), (0, vec![0, 8]));
    assert_ne!(encode(&GroupFormat::MXFP4, &GroupPolicy::new(FLOOR, PLAIN), &x).unwrap().1, [0, 8]);
}

/// The last group of a row may be shorter: as if the others were zeros.
#[test]
fn ragged_blocks_are_blocks_padded_with_zeros() {
    for format in FORMATS.iter().map(|name| format(name)) {
        let x = [0.7f32, -2.1, 5.5, 0.01, -0.3];
        for length in 1..=x.len().min(format.size()) {
            let mut padded = vec![0.0; format.size()];
            padded[..length].copy_from_slice(&x[..length]);
            let (short, codes) = encode(&format, &NO_NAN, &x[..length]).unwrap();
            let (whole, padded) = encode(&format, &NO_NAN, &padded).unwrap();
            assert_eq!(short, whole, "{format}");
            assert_eq!(codes, padded[..length], "{format}");
        }
    }
}

/// In f32, step by step.
#[test]
fn the_arithmetics_of_nvfp4() {
    let x: Vec<f32> = (0..16).map(|i| random(i) as f32 * 2f32.powi(-30) - 1.7).collect();
    let amax = x.iter().fold(0f32, |a, x| a.max(x.abs()));
    let tensor = 37.1f32;
    let nearest = |format: Format, x: f32| format.encode(x, &PLAIN, 0).unwrap().code;
    let run = |arithmetic| {
        let policy = with_scale(FLOOR.with_arithmetic(arithmetic));
        let outer = GroupFormat::NVFP4.outer_scale(tensor, &policy).unwrap().unwrap();
        let mut codes = vec![0; 16];
        let scale =
            GroupFormat::NVFP4.encode_block(&x, Some(&outer), &policy, |_| 0, &mut codes).unwrap();
        (outer, scale, codes)
    };

    let (outer, scale, codes) = run(ScaleArithmetic::F32Divide);
    assert_eq!(outer.value, tensor / 2688.0);
    assert_eq!(scale.code, nearest(Format::E4M3FN, amax / 6.0 / outer.value));
    let product = Format::E4M3FN.decode(scale.code) as f32 * outer.value;
    assert_eq!(scale.value, product);
    let expected: Vec<u32> = x.iter().map(|x| nearest(Format::E2M1FN, x / product)).collect();
    assert_eq!(codes, expected);

    let (outer, scale, codes) = run(ScaleArithmetic::F32Reciprocal);
    assert_eq!((outer.value, outer.inverse), (1.0 / (2688.0 / tensor), 2688.0 / tensor));
    assert_eq!(scale.code, nearest(Format::E4M3FN, amax * (outer.inverse * (1.0 / 6.0))));
    let factor = 1.0 / (Format::E4M3FN.decode(scale.code) as f32 * outer.value);
    let expected: Vec<u32> = x.iter().map(|x| nearest(Format::E2M1FN, x * factor)).collect();
    assert_eq!(codes, expected);
}

/// A scale that is too large for f16 is infinite under `special`, and its block has no values.
#[test]
fn scales_may_overflow() {
    let policy = NO_NAN.with_scale_code(PLAIN.with_overflow(fewbit_formats::Overflow::Special));
    let format = format("mx(int4,f16,32)");
    let (scale, codes) = encode(&format, &policy, &[1e30, -1.0]).unwrap();
    assert_eq!((scale.value, codes.clone()), (f32::INFINITY, vec![0, 0]));
    assert!(format.decode_element(codes[0], &scale).is_nan());
    let (scale, codes) = encode(&format, &NO_NAN, &[1e30, -1.0]).unwrap();
    assert_eq!((scale.value, codes), (65504.0, vec![7, 0]));
}

#[test]
fn random_scales_are_refused() {
    let policy = NO_NAN.with_scale_code(PLAIN.with_rounding(Rounding::Stochastic { bits: 4 }));
    assert!(matches!(encode(&GroupFormat::NVFP4, &policy, &[1.0]), Err(GroupError::Rounding(_))));
    let error = GroupFormat::MXFP4.encode_block(&[1.0], None, &NO_NAN, |_| 0, &mut []);
    assert_eq!(error, Err(GroupError::Length { values: 1, codes: 0 }));
}

/// Errors of the exact oracle stay small: a value is within half a step of what was encoded.
#[test]
fn values_are_near() {
    let x: Vec<f32> = (0..32).map(|i| (i as f32 - 11.3) * 0.37).collect();
    let policy = with_scale(ScalePolicy::new(ExponentRule::Rceil));
    let (scale, codes) = encode(&format("mx(int8,f32,32)"), &policy, &x).unwrap();
    for (x, code) in x.iter().zip(codes) {
        let error = exact(f64::from(*x))
            - exact(f64::from(format("mx(int8,f32,32)").decode_element(code, &scale)));
        assert!(error.abs().to_f64().unwrap() <= 0.5001 * f64::from(scale.value));
    }
}
