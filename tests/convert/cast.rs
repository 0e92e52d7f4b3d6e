//! Casting is encoding and decoding.

use fewbit::Isa;
use fewbit::convert::{Caster, ConvertError, Source, Target};
use fewbit::formats::{Format, NanPolicy, Overflow, Policy, Rounding, philox};
use rayon::ThreadPoolBuilder;

use crate::inputs;

const SEED: u64 = 0xca57;

/// The specification's values and their bits, by the scalar functions of the formats crate alone.
fn expected<X: Source>(format: Format, policy: &Policy, x: &[X]) -> Vec<f64> {
    let value = |(i, &x): (usize, &X)| {
        let encoded = format.encode(x, policy, philox::bits(SEED, i as u64)).unwrap();
        format.decode(encoded.code)
    };
    x.iter().enumerate().map(value).collect()
}

fn check<X: Source>(format: Format, policy: Policy, x: &[X]) {
    let expected = expected(format, &policy, x);
    for isa in Isa::available() {
        let caster = Caster::new(format, policy).with_seed(SEED).with_isa(isa).unwrap();
        let wide: Vec<f64> = run(&caster, x);
        let narrow: Vec<f32> = run(&caster, x);
        for (i, &value) in expected.iter().enumerate() {
            let context = format!("{format} {policy:?} {isa}: element {i}");
            // The payload of a NaN is not carried from one float type to another by any rule.
            if value.is_nan() {
                assert!(wide[i].is_nan() && narrow[i].is_nan(), "{context}");
            } else {
                assert_eq!(wide[i].to_bits(), value.to_bits(), "{context}");
                assert_eq!(narrow[i].to_bits(), (value as f32).to_bits(), "{context}");
            }
        }
    }
}

fn run<X: Source, V: Target>(caster: &Caster, x: &[X]) -> Vec<V> {
    let mut values = vec![V::default(); x.len()];
    caster.cast(x, &mut values).unwrap();
    values
}

#[test]
fn every_format_of_the_table() {
    let rounding = [Rounding::TiesEven, Rounding::Up, Rounding::Stochastic { bits: 9 }];
    for row in Format::table() {
        for rounding in rounding {
            let policy = Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::Zero);
            check(row.format, policy, &inputs::values(row.format));
        }
    }
}

#[test]
fn doubles_and_integers() {
    for format in [Format::E2M1FN, Format::E5M2, Format::F16, Format::TF32, Format::INT8] {
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);
        check(format, policy, &inputs::doubles(format));
        check(format, policy, &[i64::MIN, -7, 0, 3, 1 << 53, (1 << 53) + 1, i64::MAX]);
    }
}

#[test]
fn any_number_of_threads_and_any_part() {
    let x: Vec<f32> =
        (0..100_003).map(|i| philox::bits(3, i) as f32 * 2f32.powi(-24) - 100.0).collect();
    let policy = Policy::new(Rounding::Stochastic { bits: 16 }, Overflow::Saturate);
    let caster = Caster::new(Format::E4M3FN, policy).with_seed(SEED);
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let one: Vec<f32> = pool(1).install(|| run(&caster, &x));
    for threads in [2, 3, 7] {
        assert_eq!(pool(threads).install(|| run::<f32, f32>(&caster, &x)), one);
    }
    for start in [1, 64, 2047, 2049, 16_385, 100_002] {
        let mut part = vec![0f32; x.len() - start];
        caster.cast_from(start as u64, &x[start..], &mut part).unwrap();
        assert_eq!(part, one[start..], "from {start}");
    }
}

#[test]
fn the_first_refusal_and_lengths() {
    let mut x = vec![0.5f32; 50_000];
    for place in [49_000, 20_001, 20_000] {
        x[place] = f32::NAN;
    }
    let caster = Caster::new(Format::INT8, Policy::default_of(Format::INT8));
    let mut values = vec![0f32; x.len()];
    let error = caster.cast(&x, &mut values).unwrap_err();
    assert!(matches!(error, ConvertError::Value { index: 20_000, .. }), "{error}");
    let error = caster.cast(&x[..3], &mut values).unwrap_err();
    assert_eq!(error, ConvertError::Length { from: 3, to: 50_000 });
}
