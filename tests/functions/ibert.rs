//! I-BERT's exponential, GELU and softmax: against rationals from the text of its code, and against the real functions.

use fewbit::functions::{FunctionError, IbertExp, IbertGelu, IbertSoftmax};
use fewbit::reference::functions::{ibert_erf, ibert_exp, ibert_gelu, ibert_softmax};
use fewbit_testkit::Random;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

fn int(x: impl Into<BigInt>) -> BigRational {
    BigRational::from(x.into())
}

fn power_of_two(n: i64) -> BigRational {
    let power = int(BigInt::one() << n.unsigned_abs());
    if n < 0 { power.recip() } else { power }
}

/// `IntSoftmax.int_exp`, on rationals with `torch.floor` as written.
fn exp(numbers: &IbertExp, x: i64) -> BigRational {
    let (x0, n) = (int(numbers.ln_2()), 30);
    let x = int(x).max(int(n) * &x0);
    let q = (&x / &x0).floor();
    let r = x - x0 * &q;
    let z = &r * (&r + int(numbers.linear())) + int(numbers.constant());
    (z * power_of_two(n - q.to_integer().to_i64().unwrap())).floor().max(BigRational::zero())
}

/// `IntGELU.int_erf`.
fn erf(numbers: &IbertGelu, x: i64) -> BigRational {
    let b = int(numbers.shift());
    let clipped = int(x).abs().min(-b.clone());
    let y = (clipped + b).pow(2) + int(numbers.constant());
    (int(x).signum() * y / power_of_two(14)).floor()
}

/// To the nearest, ties to even.
fn rounded(x: &BigRational) -> BigRational {
    let (below, half) = (x.floor(), BigRational::new(1.into(), 2.into()));
    let part = x - &below;
    let up = part > half || (part == half && below.to_integer().bit(0));
    if up { below + BigRational::one() } else { below }
}

const SCALES: [f64; 6] = [0.5, 0.1, 0.01, 0.0037, 0.0001, 1.0 / 32768.0];

fn inputs() -> Vec<i64> {
    let mut random = Random(6);
    let any = (0..500).map(|n| i64::from(random.next() as u32 >> (n % 32)));
    (0..2000).chain(any).chain([(1 << 31) - 1]).collect()
}

#[test]
fn exponential_and_gelu_are_those_of_rationals() {
    for scale in SCALES {
        let (exps, gelus) = (IbertExp::new(scale).unwrap(), IbertGelu::new(scale).unwrap());
        for x in inputs().into_iter().filter(|&x| x < 1 << 31) {
            assert_eq!(int(ibert_exp(&exps, -x).unwrap()), exp(&exps, -x), "{scale}: {x}");
            for x in [x, -x] {
                let expected = erf(&gelus, x);
                assert_eq!(int(ibert_erf(&gelus, x).unwrap()), expected, "{scale}: {x}");
                let expected = int(x) * (expected + int(gelus.one()));
                assert_eq!(int(ibert_gelu(&gelus, x).unwrap()), expected, "{scale}: {x}");
            }
        }
    }
}

#[test]
fn softmax_is_that_of_rationals() {
    let mut random = Random(2);
    for scale in SCALES {
        for (exp_scale, bits) in [(1.0 / 32767.0, 8), (0.0001, 16), (1.0 / 32767.0, 32), (1.0, 1)] {
            let softmax = IbertSoftmax::new(scale, exp_scale, bits).unwrap();
            for length in [1, 2, 5, 100] {
                let row: Vec<i32> = (0..length).map(|_| random.next() as i32 >> 20).collect();
                let greatest = *row.iter().max().unwrap();
                let by = softmax.to_16_bits();
                let factor = int(by.multiplier) * power_of_two(i64::from(by.shift) - 31);
                let exps: Vec<BigRational> = row
                    .iter()
                    .map(|&x| exp(softmax.exp(), i64::from(x) - i64::from(greatest)))
                    .map(|e| rounded(&(e * &factor)).min(int(32767)).max(int(-32768)))
                    .collect();
                let sum: BigRational = exps.iter().sum();
                let factor = (power_of_two(32) / sum).floor();
                let expected = exps.iter().map(|e| {
                    (e * &factor * power_of_two(i64::from(bits) - 32)).floor().to_integer().to_i64()
                });
                let found = ibert_softmax(&softmax, &row).unwrap();
                assert_eq!(
                    found.into_iter().map(Some).collect::<Vec<_>>(),
                    expected.collect::<Vec<_>>()
                );
            }
        }
    }
}

#[test]
fn distances_are_the_papers() {
    let (scale, mut exps, mut gelus) = (1.0 / 4096.0, 0f64, 0f64);
    let (exp, gelu) = (IbertExp::new(scale).unwrap(), IbertGelu::new(scale).unwrap());
    for x in -4 * 4096..=4 * 4096i64 {
        let real = x as f64 * scale;
        if x <= 0 {
            let found = ibert_exp(&exp, x).unwrap() as f64 * exp.output_scale();
            exps = exps.max((found - real.exp()).abs());
        }
        let found = ibert_gelu(&gelu, x).unwrap() as f64 * gelu.output_scale();
        gelus = gelus.max((found - real / 2.0 * libm::erfc(-real / 2f64.sqrt())).abs());
    }
    // 1.9e-3 and 1.8e-2 there, the first for other digits of the polynomial; the second over [-4, 4] as here.
    println!("{exps} {gelus}");
    assert!(exps < 3e-3 && (0.017..0.0205).contains(&gelus), "{exps} {gelus}");
}

#[test]
fn what_has_no_result_is_refused() {
    for scale in [0.0, -1.0, 1e-9, 2.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(IbertExp::new(scale), Err(FunctionError::Number { .. })), "{scale}");
        assert!(matches!(IbertGelu::new(scale), Err(FunctionError::Number { .. })), "{scale}");
        assert!(IbertSoftmax::new(0.1, scale, 8).is_err(), "{scale}");
    }
    assert!(IbertSoftmax::new(0.1, 0.1, 0).is_err());
    let (exp, gelu) = (IbertExp::new(0.1).unwrap(), IbertGelu::new(0.1).unwrap());
    assert!(ibert_exp(&exp, 1).is_err() && ibert_exp(&exp, -(1 << 31) - 1).is_err());
    assert!(ibert_gelu(&gelu, 1 << 31).is_err());
    let softmax = IbertSoftmax::new(0.1, 1.0 / 32767.0, 8).unwrap();
    assert_eq!(ibert_softmax(&softmax, &[]), Err(FunctionError::Empty { what: "softmax" }));
    assert!(ibert_softmax(&softmax, &[i32::MIN, i32::MAX]).is_err());
}
