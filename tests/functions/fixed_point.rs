//! gemmlowp's functions: against rationals, and their distance to the real functions.

use fewbit::reference::functions::{
    gemmlowp_exp, gemmlowp_logistic, gemmlowp_reciprocal, gemmlowp_tanh,
};
use fewbit_testkit::Random;

use crate::fixed::{self, Fixed};

/// Ends, powers of two and their neighbours, and random ones of every size, of numbers up to 0.
pub(crate) fn negatives() -> Vec<i32> {
    let mut random = Random(5);
    let powers = (0..32).map(|n| (-1i64 << n) as i32);
    let near = powers.flat_map(|x| [x.saturating_sub(1), x, x + 1]).filter(|&x| x <= 0);
    let any = (0..300).map(|n| -((random.next() as u32 >> (n % 31)) as i64 & 0x7fff_ffff) as i32);
    near.chain([0, i32::MIN]).chain(any).collect()
}

#[test]
fn exponentials_are_those_of_rationals() {
    for bits in [0, 1, 2, 4, 5, 6, 10, 12, 29] {
        for a in negatives() {
            let expected = fixed::exp(&Fixed::raw(a, bits)).to_raw();
            assert_eq!(gemmlowp_exp(a, bits as u32), expected, "{a} of {bits} integer bits");
        }
    }
}

#[test]
fn reciprocals_tanh_and_logistic_are_those_of_rationals() {
    for a in negatives() {
        let positive = a.saturating_neg();
        let expected = fixed::reciprocal(&Fixed::raw(positive, 0)).to_raw();
        assert_eq!(gemmlowp_reciprocal(positive), expected, "{positive}");
        for bits in [0, 3, 4, 5] {
            // The least number has no opposite in C.
            for a in [a.max(-i32::MAX), positive] {
                let real = Fixed::raw(a, bits);
                let of = |x: Fixed| x.to_raw();
                assert_eq!(gemmlowp_tanh(a, bits as u32), of(fixed::tanh(&real)), "{a}, {bits}");
                let logistic = gemmlowp_logistic(a, bits as u32);
                assert_eq!(logistic, of(fixed::logistic(&real)), "{a}, {bits}");
            }
        }
    }
}

/// In units of 2^-31, over 2^16 numbers of 5 integer bits.
#[test]
fn distances_to_the_real_functions() {
    let unit = 2f64.powi(31);
    let (mut exp, mut tanh, mut logistic) = (0f64, 0f64, 0f64);
    for step in 0..1 << 16 {
        let a = -((step << 15) | (step & 0x7fff));
        let x = f64::from(a) / 2f64.powi(26);
        exp = exp.max((f64::from(gemmlowp_exp(a, 5)) - x.exp() * unit).abs());
        tanh = tanh.max((f64::from(gemmlowp_tanh(a, 5)) - x.tanh() * unit).abs());
        let real = 1.0 / (1.0 + (-x).exp()) * unit;
        logistic = logistic.max((f64::from(gemmlowp_logistic(a, 5)) - real).abs());
    }
    println!("{exp} {tanh} {logistic}");
    // The series of degree 4 leaves (1/8)^5 / 5! at the ends of its interval.
    assert!(exp < 600.0 && tanh < 700.0 && logistic < 350.0, "{exp} {tanh} {logistic}");
}

#[test]
fn the_oracle_sees_a_wrong_constant() {
    let a = Fixed::raw(-1 << 26, 5);
    let right = fixed::exp(&a).to_raw();
    assert_ne!(right, gemmlowp_exp((-1 << 26) - 8, 5));
    assert_eq!(
        fixed::exp_minus(0),
        fixed::exp_minus(-1) * fixed::exp_minus(-1) + {
            // Equal to some 2^-150.
            let (one, half) = (fixed::exp_minus(0), fixed::exp_minus(-1));
            one - &half * &half
        }
    );
}
