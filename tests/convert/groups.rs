//! Groups: every block is what the specification makes of it.

use fewbit::Isa;
use fewbit::convert::{Code, ConvertError, GroupDecoder, GroupEncoder, GroupLayout};
use fewbit::formats::{
    BlockMaximum, BlockScale, ExponentRule, GroupError, GroupFormat, GroupPolicy, InfiniteBlock,
    LeastScale, NanBlock, NanPolicy, OuterScale, Overflow, Policy, PolicyPreset, Rounding,
    ScaleArithmetic, ScalePolicy, SubnormalInput, SubnormalOutput, ZeroBlock, ZeroSign, philox,
};
use fewbit::reference;
use proptest::prelude::*;
use proptest::sample::select;
use rayon::ThreadPoolBuilder;

use crate::inputs;

const SEED: u64 = 0x90;

const FORMATS: &[&str] = &[
    "mxfp8e4m3",
    "mxfp8e5m2",
    "mxfp6e2m3",
    "mxfp6e3m2",
    "mxfp4",
    "mxint8",
    "nvfp4",
    "mx(int4,e8m0fnu,64)",
    "mx(bf16,e8m0fnu,16)",
    "mx(f32,e8m0fnu,5)",
    "mx(f16,e8m0fnu,32)",
    "mx(e4m3fn,e5m0fnu,8)",
    "mx(int4,f16,32)",
    "mx(int8n,f32,32)",
    "mx(int4,e8m0fnu,2100)",
    "mx(int4,f16,2500)",
    "mx(uint8,bf16,100)",
    "mx(ternary,f32,24)",
    "mx(binary,f16,7)",
    "mx(posit8,f16,16)",
    "mx(e4m3b11fnuz,e4m3fn,1)",
    "mx(int4,uint6*f16/8,4)",
    "mx(e2m1fn,e5m3*f32/3,16)",
    "mx(int8,e4m3fn*e8m0fnu/4,16)",
    "mx(e2m1fn,e3m0fnu*f32,16)",
    "hif4",
    "mx(int4,e8m0fnu,3,coupled4)",
    "mx(e2m1fn,ue2m0*f32,5,coupled3)",
    "mx(uint4,f32,32,zero-point)",
    "mx(int4,f16,32,zero-point)",
    "mx(uint8,e8m0fnu,16,zero-point)",
    "mx(uint4,uint6*f32/8,8,zero-point)",
    "mx(uint4,e4m3fn*f32,16,zero-point)",
    "mx(int8,bf16,48,zero-point)",
    "mx(uint16,f32,16,zero-point)",
];

/// Compares codes, scales and values of one tensor with the specification's, on every instruction set.
fn check<C: Code>(format: &GroupFormat, policy: &GroupPolicy, x: &[f32], layout: GroupLayout) {
    let expected = reference::group::encode(format, policy, x, layout, SEED);
    let context = || format!("{format} {policy:?} {layout:?}");
    for isa in Isa::available() {
        let encoder =
            GroupEncoder::new(*format, *policy).unwrap().with_seed(SEED).with_isa(isa).unwrap();
        let mut codes = vec![C::from_u32(1); x.len()];
        let mut scales = vec![BlockScale::default(); layout.groups(format)];
        let found = encoder.outer(x, layout).and_then(|outer| {
            encoder.encode(x, layout, &outer, &mut codes, &mut scales)?;
            Ok(outer)
        });
        let (expected, outer) = match (&expected, found) {
            (Ok(expected), Ok(outer)) => (expected, outer),
            (Err(_), Err(_)) => continue,
            (expected, found) => panic!("{} {isa}: {found:?}, expected {expected:?}", context()),
        };
        let bits = |outer: &[OuterScale]| -> Vec<_> {
            outer.iter().map(|outer| (outer.code, outer.value.to_bits())).collect()
        };
        assert_eq!(bits(&outer), bits(&expected.outer), "{} {isa}", context());
        for (i, (found, expected)) in scales.iter().zip(&expected.scales).enumerate() {
            let bits = |scale: &BlockScale| (scale.code, scale.value.to_bits(), scale.zero_point);
            assert_eq!(bits(found), bits(expected), "{} {isa}: scale {i}", context());
        }
        for (i, (found, expected)) in codes.iter().zip(&expected.codes).enumerate() {
            assert_eq!(found.to_u32(), *expected, "{} {isa}: element {i}, {:e}", context(), x[i]);
        }
        let mut values = vec![1.0; x.len()];
        GroupDecoder::new(*format)
            .with_isa(isa)
            .unwrap()
            .decode(&codes, layout, &scales, &mut values)
            .unwrap();
        let expected = reference::group::decode(format, &expected.codes, layout, &expected.scales);
        for (i, (found, expected)) in values.iter().zip(expected).enumerate() {
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{} {isa}: value {i}, {found:e}, expected {expected:e}", context());
        }
    }
}

pub(crate) fn check_any(
    format: &GroupFormat,
    policy: &GroupPolicy,
    x: &[f32],
    layout: GroupLayout,
) {
    match format.element().bits() {
        0..=8 => check::<u8>(format, policy, x, layout),
        9..=16 => check::<u16>(format, policy, x, layout),
        _ => check::<u32>(format, policy, x, layout),
    }
}

fn format(name: &str) -> GroupFormat {
    name.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Values of every magnitude, in runs of similar ones, with special values here and there.
pub(crate) fn values(n: usize, specials: bool) -> Vec<f32> {
    (0..n)
        .map(|i| {
            let word = philox::bits(41, i as u64);
            let run = philox::bits(42, (i / 40) as u64);
            let field = match run % 7 {
                0 => word >> 23 & 0xff,
                1 => 0,
                2 => 1 + (word >> 28),
                3 => 239 + (word >> 28),
                _ => (run >> 8 & 0xff).clamp(20, 250) - (word >> 28),
            };
            let bits = word & 0x807f_ffff | field.min(254) << 23;
            match philox::bits(43, i as u64) % 301 {
                0 if specials => f32::from_bits(bits | 0x7f80_0000),
                1 if specials => f32::INFINITY.copysign(f32::from_bits(bits)),
                2..40 => 0f32.copysign(f32::from_bits(bits)),
                _ => f32::from_bits(bits),
            }
        })
        .collect()
}

pub(crate) fn plain(rule: ExponentRule) -> GroupPolicy {
    let element = Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);
    GroupPolicy::new(ScalePolicy::new(rule), element)
}

fn layouts() -> [GroupLayout; 8] {
    [
        (1, 3000, 1),
        (3, 523, 1),
        (37, 71, 1),
        (12, 32, 1),
        (300, 5, 1),
        (3, 70, 13),
        (1, 40, 300),
        (2, 1, 500),
    ]
    .map(|(before, length, behind)| GroupLayout { before, length, behind })
}

#[test]
fn every_format_and_layout() {
    for format in FORMATS.iter().map(|name| format(name)) {
        for layout in layouts() {
            let x = values(layout.elements(), false);
            check_any(&format, &plain(ExponentRule::Floor), &x, layout);
        }
    }
}

#[test]
fn every_scale_rule_and_arithmetic() {
    let layout = GroupLayout { before: 1, length: 20_000, behind: 1 };
    let x = values(layout.elements(), true);
    for format in FORMATS.iter().map(|name| format(name)) {
        for (&rule, &arithmetic) in ExponentRule::ALL
            .iter()
            .flat_map(|rule| ScaleArithmetic::ALL.iter().map(move |a| (rule, a)))
        {
            let mut policy = plain(rule);
            policy.scale = policy.scale.with_arithmetic(arithmetic);
            policy.scale_code = policy.scale_code.with_nan(NanPolicy::Largest);
            check_any(&format, &policy, &x, layout);
        }
    }
}

/// Values whose scales are ordinary numbers, in whole blocks, so that many are found at once; then a few that are not.
#[test]
fn scales_that_are_found_at_once() {
    let ordinary = |n: usize| -> Vec<f32> {
        (0..n)
            .map(|i| {
                let word = philox::bits(51, i as u64);
                let block = philox::bits(52, (i / 16) as u64);
                let sign = if word & 1 == 0 { 1.0 } else { -1.0 };
                let size = 2f32.powi((block % 15) as i32 - 7) * (word >> 8) as f32 * 2f32.powi(-24);
                if block.is_multiple_of(9) { sign * 0.0 } else { sign * size }
            })
            .collect()
    };
    let names = [
        "nvfp4",
        "mx(int4,f16,32)",
        "mx(int4,bf16,32)",
        "mx(int4,f32,16)",
        "mx(e2m1fn,e5m3*f32/3,16)",
        "mx(int4,e4m3fn,16)",
        "mx(int8,ue5m3,32)",
        "mx(uint4,f16,32,zero-point)",
        "mx(int8,bf16,16,zero-point)",
        "mx(uint4,f32,64,zero-point)",
        "mx(uint16,f32,16,zero-point)",
        "mx(uint4,e4m3fn*f32,16,zero-point)",
    ];
    let names = names.iter().filter_map(|name| name.parse::<GroupFormat>().ok());
    for (index, format) in names.enumerate() {
        for arithmetic in [
            ScaleArithmetic::Exact,
            ScaleArithmetic::F32Divide,
            ScaleArithmetic::F32Reciprocal,
            ScaleArithmetic::F32Encode,
        ] {
            for least in [LeastScale::Any, LeastScale::SmallestNormal, LeastScale::SmallestPositive]
            {
                for (before, length, behind) in [(3, 1024, 1), (1, 64, 300)] {
                    let layout = GroupLayout { before, length, behind };
                    let mut policy = plain(ExponentRule::Floor);
                    policy.scale = policy.scale.with_arithmetic(arithmetic);
                    policy.scale.least = least;
                    let mut x = ordinary(layout.elements());
                    check_any(&format, &policy, &x, layout);
                    for (place, special) in [
                        (5, 1e-39),
                        (777, f32::MAX),
                        (778, f32::MIN),
                        (1500, f32::INFINITY),
                        (1900, f32::NAN),
                    ] {
                        x[place + index] = special;
                        check_any(&format, &policy, &x, layout);
                    }
                    // Over the greatest element the scale's number vanishes in `f32`.
                    x.fill(f32::from_bits(1));
                    check_any(&format, &policy, &x, layout);
                }
            }
        }
    }
}

/// A block from `-2^-60` to `15 (1 + 2^-11)`: its scale lies just above a tie of `f16`, which is all that an `f64` holds of it.
#[test]
fn extents_of_more_digits_than_f64_has() {
    let format = format("mx(uint4,f16,32,zero-point)");
    let mut x = vec![3.0f32; 64 * 32];
    for block in x.chunks_mut(32) {
        (block[4], block[9]) = (15.0 + 15.0 * 2f32.powi(-11), -2f32.powi(-60));
    }
    let layout = GroupLayout { before: 1, length: x.len(), behind: 1 };
    check_any(&format, &plain(ExponentRule::Floor), &x, layout);
    let columns = GroupLayout { before: 1, length: 32, behind: 64 };
    let turned: Vec<f32> = (0..x.len()).map(|i| x[i % 64 * 32 + i / 64]).collect();
    check_any(&format, &plain(ExponentRule::Floor), &turned, columns);
}

#[test]
fn every_turn_of_the_scale() {
    for name in
        ["mxfp8e4m3", "mxfp8e5m2", "mxfp4", "mxint8", "mx(int4,e8m0fnu,64)", "mx(e4m3fn,e5m0fnu,8)"]
    {
        let format = format(name);
        let max = format.element().max_finite() as f32;
        let significands = [1.0, 1.25, 1.5, 1.75, 1.875, max, 1.5 * max, 0.75 * max];
        let tops: Vec<f32> = significands
            .iter()
            .flat_map(|&s| (-149..128).map(move |e| (f64::from(s) * 2f64.powi(e)) as f32))
            .flat_map(|x| [x.next_down(), x, x.next_up()])
            .filter(|x| x.is_finite())
            .collect();
        let mut x = vec![0.0; tops.len() * format.size()];
        for (block, &top) in x.chunks_mut(format.size()).zip(&tops) {
            (block[3], block[5]) = (top, -0.4 * top);
        }
        let layout = GroupLayout { before: 1, length: x.len(), behind: 1 };
        for &rule in ExponentRule::ALL {
            check_any(&format, &plain(rule), &x, layout);
        }
    }
}

#[test]
fn every_rounding() {
    let layout = GroupLayout { before: 1, length: 4000, behind: 1 };
    let columns = GroupLayout { before: 2, length: 40, behind: 50 };
    let x = values(layout.elements(), false);
    let fixed = Rounding::NAMES.iter().map(|(rounding, _)| *rounding);
    let stochastic = [1, 8, 16, 24, 32].into_iter().flat_map(|bits| {
        [
            Rounding::Stochastic { bits },
            Rounding::StochasticMiddle { bits },
            Rounding::StochasticNearest { bits },
            Rounding::StochasticOdd { bits },
        ]
    });
    for rounding in fixed.chain(stochastic) {
        for name in [
            "mxfp8e4m3",
            "mxint8",
            "nvfp4",
            "mx(bf16,e8m0fnu,16)",
            "mx(int4,f16,32)",
            "mx(e4m3fn,e4m0fnu,32)",
            "mx(uint4,f16,32,zero-point)",
        ] {
            let mut policy = plain(ExponentRule::Rceil);
            policy.element = policy.element.with_rounding(rounding);
            check_any(&format(name), &policy, &x, layout);
            check_any(&format(name), &policy, &x, columns);
        }
    }
}

/// Elements at every value and every tie of their format.
#[test]
fn every_edge_of_an_element() {
    for name in FORMATS {
        let format = format(name);
        let x: Vec<f32> =
            inputs::values(format.element()).into_iter().filter(|x| x.is_finite()).collect();
        let layout = GroupLayout { before: 1, length: x.len(), behind: 1 };
        check_any(&format, &plain(ExponentRule::Ceil), &x, layout);
    }
}

#[test]
fn every_preset() {
    let layout = GroupLayout { before: 4, length: 500, behind: 1 };
    let x = values(layout.elements(), true);
    for preset in PolicyPreset::all() {
        for format in FORMATS.iter().map(|name| format(name)) {
            check_any(&format, &preset.group_policy(&format), &x, layout);
        }
    }
}

#[test]
fn any_number_of_threads() {
    for (name, layout) in [
        ("mxfp4", GroupLayout { before: 1, length: 300_001, behind: 1 }),
        ("mxfp8e4m3", GroupLayout { before: 40_000, length: 7, behind: 1 }),
        ("nvfp4", GroupLayout { before: 3, length: 100, behind: 1000 }),
        ("mx(int4,uint6*f16/8,32)", GroupLayout { before: 100, length: 2048, behind: 1 }),
    ] {
        let format = format(name);
        let x = values(layout.elements(), false);
        let run = |threads| {
            let mut policy = plain(ExponentRule::Floor);
            policy.element = policy.element.with_rounding(Rounding::Stochastic { bits: 8 });
            let encoder = GroupEncoder::new(format, policy).unwrap().with_seed(3);
            let mut codes = vec![0u8; x.len()];
            let mut scales = vec![BlockScale::default(); layout.groups(&format)];
            let mut values = vec![0.0; x.len()];
            ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let outer = encoder.outer(&x, layout).unwrap();
                encoder.encode(&x, layout, &outer, &mut codes, &mut scales).unwrap();
                GroupDecoder::new(format).decode(&codes, layout, &scales, &mut values).unwrap();
            });
            (codes, scales, values)
        };
        let one = run(1);
        for threads in [2, 3, 7] {
            assert!(run(threads) == one, "{name}: {threads} threads");
        }
    }
}

#[test]
fn wrong_lengths_and_refusals_are_named() {
    let layout = GroupLayout { before: 1, length: 64, behind: 1 };
    let encoder = GroupEncoder::new(GroupFormat::MXFP4, plain(ExponentRule::Floor)).unwrap();
    let mut scales = [BlockScale::default(); 2];
    let error = encoder.encode(&[0.0; 63], layout, &[], &mut [0u8; 64], &mut scales).unwrap_err();
    assert_eq!(error, ConvertError::Layout { what: "elements", found: 63, expected: 64 });
    let error =
        encoder.encode(&[0.0; 64], layout, &[], &mut [0u8; 64], &mut scales[..1]).unwrap_err();
    assert_eq!(error.to_string(), "1 scales where the layout has 2");
    let mut policy = plain(ExponentRule::Floor);
    policy.scale = policy.scale.with_nan_block(NanBlock::Error);
    let mut x = [1.0; 64];
    x[40] = f32::NAN;
    let encoder = GroupEncoder::new(GroupFormat::MXFP4, policy).unwrap();
    let error = encoder.encode(&x, layout, &[], &mut [0u8; 64], &mut scales).unwrap_err();
    assert_eq!(error, ConvertError::Group { first: 32, source: GroupError::Nan });
}

prop_compose! {
    fn any_policy()(
        rule in select(ExponentRule::ALL.to_vec()),
        arithmetic in select(ScaleArithmetic::ALL.to_vec()),
        zero_block in select(ZeroBlock::ALL.to_vec()),
        nan_block in select(NanBlock::ALL.to_vec()),
        infinite_block in select(InfiniteBlock::ALL.to_vec()),
        least in select(LeastScale::ALL.to_vec()),
        maximum in select(vec![BlockMaximum::Static6, BlockMaximum::Static6, BlockMaximum::Static4, BlockMaximum::Mse]),
        roundings in (select(Rounding::NAMES), select(Rounding::NAMES)),
        overflows in (select(Overflow::ALL.to_vec()), select(vec![Overflow::Saturate, Overflow::Special])),
        nan in select(NanPolicy::ALL.to_vec()),
        zero_sign in select(ZeroSign::ALL.to_vec()),
        subnormal_input in select(SubnormalInput::ALL.to_vec()),
        subnormal_output in select(SubnormalOutput::ALL.to_vec()),
    ) -> GroupPolicy {
        let element = Policy::new(roundings.0.0, overflows.0)
            .with_nan(nan)
            .with_zero_sign(zero_sign)
            .with_subnormal_input(subnormal_input)
            .with_subnormal_output(subnormal_output);
        let scale =
            ScalePolicy { rule, arithmetic, zero_block, nan_block, infinite_block, least, maximum };
        let scale_code = Policy::new(roundings.1.0, overflows.1).with_nan(NanPolicy::Zero);
        GroupPolicy { scale, scale_code, element }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_format_under_any_policy(
        name in select(FORMATS),
        policy in any_policy(),
        layout in (1usize..4, 1usize..150, select(vec![1usize, 1, 3, 70])),
        specials in any::<bool>(),
    ) {
        let (before, length, behind) = layout;
        let layout = GroupLayout { before, length, behind };
        check_any(&format(name), &policy, &values(layout.elements(), specials), layout);
    }
}
