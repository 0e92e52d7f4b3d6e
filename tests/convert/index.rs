//! Lengths, parts, threads: results depend on the elements and their indices alone.

use fewbit::convert::{ConvertError, Decoder, Encoder};
use fewbit::formats::{EncodeError, Format, NanPolicy, Overflow, Policy, Rounding, philox};
use rayon::ThreadPoolBuilder;

fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| philox::bits(3, i as u64) as f32 * 2f32.powi(-24) - 100.0).collect()
}

fn stochastic() -> Encoder {
    let policy = Policy::new(Rounding::Stochastic { bits: 16 }, Overflow::Saturate);
    Encoder::new(Format::E4M3FN, policy).with_seed(11)
}

#[test]
fn every_length_up_to_three_blocks() {
    let x = values(200);
    let mut whole = vec![0u8; x.len()];
    stochastic().encode(&x, &mut whole).unwrap();
    let mut decoded = vec![0.0; x.len()];
    Decoder::new(Format::E4M3FN).decode(&whole, &mut decoded).unwrap();
    for n in 0..=x.len() {
        let mut codes = vec![0u8; n];
        stochastic().encode(&x[..n], &mut codes).unwrap();
        assert_eq!(codes, whole[..n], "{n} elements");
        let mut values = vec![0.0; n];
        Decoder::new(Format::E4M3FN).decode(&codes, &mut values).unwrap();
        assert_eq!(values, decoded[..n], "{n} elements");
    }
}

#[test]
fn a_part_gets_the_random_bits_of_its_place() {
    let x = values(1000);
    let mut whole = vec![0u8; x.len()];
    stochastic().encode(&x, &mut whole).unwrap();
    for start in [1, 2, 3, 4, 63, 64, 65, 500] {
        let mut part = vec![0u8; x.len() - start];
        stochastic().encode_from(start as u64, &x[start..], &mut part).unwrap();
        assert_eq!(part, whole[start..], "from {start}");
    }
}

#[test]
fn any_number_of_threads() {
    let x = values(300_001);
    let run = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut codes = vec![0u8; x.len()];
        let mut values = vec![0.0; x.len()];
        pool.install(|| {
            stochastic().encode(&x, &mut codes).unwrap();
            Decoder::new(Format::E4M3FN).decode(&codes, &mut values).unwrap();
        });
        (codes, values)
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn the_first_refusal_is_reported() {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Error);
    let encoder = Encoder::new(Format::E2M1FN, policy);
    let mut x = values(100_000);
    for at in [99_999, 70_001, 33, 0] {
        x[at] = f32::NAN;
        let error = encoder.encode(&x, &mut vec![0u8; x.len()]).unwrap_err();
        let source = EncodeError::Nan { format: Format::E2M1FN };
        assert_eq!(error, ConvertError::Value { index: at, source });
    }
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let error = stochastic().encode(&[0.0f32; 3], &mut [0u8; 2]).unwrap_err();
    assert_eq!(error, ConvertError::Length { from: 3, to: 2 });
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let error = Encoder::new(Format::F16, policy).encode(&[0.0f32], &mut [0u8]).unwrap_err();
    assert_eq!(error.to_string(), "codes of f16 have 16 bits, their integers 8: take a wider type");
    let error = Decoder::new(Format::F16).decode(&[0u8], &mut [0.0]).unwrap_err();
    assert_eq!(error, ConvertError::Storage { format: Format::F16, bits: 16, available: 8 });
}
