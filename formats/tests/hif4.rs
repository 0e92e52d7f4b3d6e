//! HiF4 in whole units of 64 elements: beside the algorithm of its paper in exact rationals, and beside its authors' code.

mod common;

use common::float_spec;
use common::golden::{Comparison, hex, sections};
use fewbit_formats::{
    BlockScale, Format, GroupFormat, GroupPolicy, HIF4_ELEMENTS, InfiniteBlock, NanBlock,
    NanPolicy, PolicyPreset, philox,
};
use fewbit_testkit::rounding::{FloatOracle, Mode, Overflow, exact};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

fn policy() -> GroupPolicy {
    "hifloat4".parse::<PolicyPreset>().unwrap().group_policy(&GroupFormat::HIF4)
}

/// A unit by the library: codes of elements, of scales, of the scale above them; values.
struct Unit {
    codes: Vec<u32>,
    scales: Vec<u32>,
    outer: u32,
    values: Vec<f32>,
}

fn encode(x: &[f32], policy: &GroupPolicy) -> Unit {
    let hif4 = GroupFormat::HIF4;
    let amax = x.iter().map(|&x| hif4.outer_magnitude(x, policy));
    let amax = amax.fold(0f32, |most, x| if x > most || x.is_nan() { x } else { most });
    let outer = hif4.outer_scale(amax, policy).unwrap().unwrap();
    let mut codes = vec![0; x.len()];
    let mut scales = vec![BlockScale::default(); x.len().div_ceil(4)];
    for ((x, codes), scales) in x.chunks(8).zip(codes.chunks_mut(8)).zip(scales.chunks_mut(2)) {
        hif4.encode_run(x, Some(&outer), policy, |_| 0, codes, scales).unwrap();
    }
    let values =
        codes.iter().enumerate().map(|(i, &code)| hif4.decode_element(code, &scales[i / 4]));
    let values = values.collect();
    Unit { codes, scales: scales.iter().map(|s| s.code).collect(), outer: outer.code, values }
}

/// The paper's algorithm over rationals, each rounding by an oracle that enumerates the values of its format.
struct Paper {
    f32: FloatOracle,
    bf16: FloatOracle,
    e6m2: FloatOracle,
}

impl Paper {
    fn new() -> Self {
        let oracle = |format| match format {
            Format::Float(float) => float_spec(float).oracle(),
            other => panic!("{other}"),
        };
        Self { f32: oracle(Format::F32), bf16: oracle(Format::BF16), e6m2: oracle(Format::UE6M2) }
    }

    fn rounded(oracle: &FloatOracle, format: Format, x: &BigRational) -> BigRational {
        if x.is_zero() {
            return BigRational::zero();
        }
        let answer = oracle.encode(&oracle.place(x), Mode::TiesEven, Overflow::Saturate, 0);
        exact(format.decode(answer.code))
    }

    fn product(&self, a: &BigRational, b: &BigRational) -> BigRational {
        Self::rounded(&self.f32, Format::F32, &(a * b))
    }

    fn to_bf16(&self, x: &BigRational) -> BigRational {
        Self::rounded(&self.bf16, Format::BF16, x)
    }

    /// The values of a unit of numbers.
    fn values(&self, x: &[f32]) -> Vec<BigRational> {
        let ratio = |n: i64, d: i64| BigRational::new(n.into(), d.into());
        let sizes: Vec<BigRational> = x.iter().map(|&x| exact(f64::from(x).abs())).collect();
        let most = |sizes: &[BigRational]| sizes.iter().max().cloned().unwrap_or_default();
        let seventh = self.to_bf16(&Self::rounded(&self.f32, Format::F32, &ratio(1, 7)));
        let scale = self.to_bf16(&self.product(&most(&sizes), &seventh));
        let (least, last) = (exact(2f64.powi(-48)), ratio(49152, 1));
        let scale = Self::rounded(&self.e6m2, Format::UE6M2, &scale.max(least).min(last));
        let reciprocal = self.to_bf16(&Self::rounded(&self.f32, Format::F32, &scale.recip()));
        let mut values = Vec::new();
        for (eight, sizes) in sizes.chunks(8).enumerate() {
            let (four, two) = (ratio(4, 1), ratio(2, 1));
            let level2 = if self.product(&most(sizes), &reciprocal) >= four { 2 } else { 1 };
            for (part, sizes) in sizes.chunks(4).enumerate() {
                let level3 = self.product(&most(sizes), &reciprocal) / ratio(level2, 1);
                let level3 = if level3 >= two { 2 } else { 1 };
                let levels = ratio(level2 * level3, 1);
                for (i, size) in sizes.iter().enumerate() {
                    let quotient = self.product(&(size / &levels), &reciprocal);
                    // Quarters, halves of them up, at most seven.
                    let quarters: BigInt = (quotient * &four + ratio(1, 2)).floor().to_integer();
                    let size = BigRational::from(quarters.min(7.into())) / &four * &levels * &scale;
                    let negative = x[eight * 8 + part * 4 + i].is_sign_negative();
                    values.push(if negative { -size } else { size });
                }
            }
        }
        values
    }
}

fn units() -> Vec<Vec<f32>> {
    let word = |seed: usize, i: usize| philox::bits(seed as u64, i as u64);
    let mut units = vec![vec![0.0; 64], vec![-0.0; 64], vec![3e38; 64], vec![1e-40; 64]];
    for unit in 0..120 {
        let power = 2f64.powi((word(1, unit) % 76) as i32 - 56);
        let turns = [1.0, 1.75, 7.0, 3.5, 0.875, 2.0, 4.0, 1.0 / 7.0, 0.125, 0.375, 0.625, 0.0];
        let value = |i: usize| {
            let bits = word(unit + 10, i);
            let eight = [1.0, 0.5, 0.25, 0.1][(word(unit + 1000, i / 8) % 4) as usize];
            let four = [1.0, 0.5, 0.3][(word(unit + 2000, i / 4) % 3) as usize];
            let size = power * turns[(bits >> 8) as usize % turns.len()] * eight * four;
            let x = (if bits & 1 == 0 { size } else { -size }) as f32;
            match bits >> 4 & 7 {
                0 => x.next_up(),
                1 => x.next_down(),
                2 => x * f32::from_bits(0x3f80_0000 | bits >> 9),
                _ => x,
            }
        };
        // Some are shorter than a unit.
        let length = if unit % 5 == 0 { 1 + (word(3, unit) % 63) as usize } else { 64 };
        units.push((0..length).map(value).collect());
    }
    units
}

#[test]
fn values_are_those_of_the_paper() {
    let paper = Paper::new();
    for x in units() {
        let found: Vec<BigRational> =
            encode(&x, &policy()).values.iter().map(|&v| exact(v.into())).collect();
        let expected = paper.values(&x);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "element {i} of {x:?}");
        }
    }
    // The oracle objects to a value that is one step away.
    let (x, step) = ([7.0f32; 64], exact(1.0));
    let expected = paper.values(&x);
    assert_eq!(expected[0], exact(7.0));
    assert_ne!(exact(encode(&x, &policy()).values[0].into()) - &step, expected[0].abs());
}

/// What the authors' code gives back, as numbers: it has no negative zero.
#[test]
fn authors_code() {
    let mut comparison = Comparison::new("quant_cy_npu HIFxV14");
    for (section, lines) in sections("hifloat4.txt") {
        for line in lines {
            let words: Vec<u32> = line.split(' ').map(hex).collect();
            let (x, values) = words.split_at(HIF4_ELEMENTS);
            let floats: Vec<f32> = x.iter().map(|&bits| f32::from_bits(bits)).collect();
            let found = encode(&floats, &policy()).values;
            for ((input, found), value) in x.iter().zip(found).zip(values) {
                let bits = |x: f32| if x == 0.0 { 0 } else { x.to_bits() };
                let theirs = bits(f32::from_bits(*value));
                comparison.case(&section, *input, Some(bits(found)), Some(theirs));
            }
        }
    }
    comparison.finish(12_000);
}

#[test]
fn packed_units() {
    for x in units().iter().filter(|x| x.len() == 64) {
        let unit = encode(x, &policy());
        let (codes, scales) = (unit.codes.try_into().unwrap(), unit.scales.try_into().unwrap());
        let bytes = GroupFormat::pack_hif4(&codes, &scales, unit.outer).unwrap();
        assert_eq!(GroupFormat::unpack_hif4(&bytes), (codes, scales, unit.outer));
    }
    // Any bytes are a unit; what they unpack to is the same unit again.
    for seed in 0..64u64 {
        let bytes = std::array::from_fn(|i| philox::bits(seed, i as u64) as u8);
        let (codes, scales, outer) = GroupFormat::unpack_hif4(&bytes);
        let again = GroupFormat::pack_hif4(&codes, &scales, outer).unwrap();
        assert_eq!(GroupFormat::unpack_hif4(&again), (codes, scales, outer));
    }
    for pair in [[0, 2], [2, 0], [3, 3], [1, 3]] {
        let mut scales = [0; 16];
        scales[6..8].copy_from_slice(&pair);
        let error = GroupFormat::pack_hif4(&[0; 64], &scales, 0).unwrap_err();
        assert!(error.to_string().contains("eight 3"), "{error}");
    }
}

/// NaN and infinities are said by the scale of the unit, or left to the elements.
#[test]
fn specials() {
    let mut x = vec![1.0f32; 64];
    x[37] = f32::NAN;
    let unit = encode(&x, &policy());
    assert_eq!(unit.outer, 0xff);
    assert!(unit.values.iter().all(|x| x.is_nan()));
    let mut ignoring = policy();
    ignoring.scale.nan_block = NanBlock::Ignore;
    ignoring.element.nan = NanPolicy::Zero;
    let unit = encode(&x, &ignoring);
    assert!((unit.values[36] - 1.0).abs() < 0.1 && unit.values[37] == 0.0);
    x[37] = f32::NEG_INFINITY;
    assert!(encode(&x, &policy()).values.iter().all(|x| x.is_nan()));
    ignoring.scale.infinite_block = InfiniteBlock::Ignore;
    let value = encode(&x, &ignoring).values[37];
    assert!(value.to_f64().is_some_and(|value| value < -1.0), "the largest under its scale");
}
