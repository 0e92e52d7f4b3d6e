//! Operations on 64-bit significands: the result is the exact one, or its 64 leading bits with the last one set, and it
//! says which.

use fewbit_formats::{Arithmetic, Class, Format, Overflow, Policy, Real, Rounding, Status, philox};
use fewbit_testkit::rounding::power_of_two;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

/// The value of a real whose significand holds it.
fn rational(x: Real) -> BigRational {
    let size = BigRational::from_integer(x.significand().into()) * power_of_two(x.exponent() - 63);
    if x.is_negative() { -size } else { size }
}

/// Why a result is not the exact one, cut as it must be.
fn complaint(found: Real, exact: &BigRational) -> Option<&'static str> {
    if exact.is_zero() {
        return (found.class() != Class::Zero).then_some("not zero");
    }
    if found.class() != Class::Normal || found.significand() >> 63 != 1 {
        return Some("not a normalized number");
    }
    let (value, unit) = (rational(found), power_of_two(found.exponent() - 63));
    match found.is_cut() {
        _ if found.is_negative() != exact.is_negative() => Some("the other sign"),
        false if value != *exact => Some("said to be exact"),
        true if value == *exact => Some("said to be cut"),
        true if found.significand() & 1 == 0 => {
            Some("the last bit does not stand for what was cut")
        }
        _ if (value - exact).abs() >= unit => Some("other leading bits"),
        _ => None,
    }
}

/// A 64-bit number: few ones, many ones, or any; at exponents near each other and far apart.
fn operand(seed: u32, index: u64) -> Real {
    let word = |n: u64| u64::from(philox::bits(seed.into(), 8 * index + n));
    let any = word(0) << 32 | word(1);
    let significand = match word(2) % 5 {
        0 => any,
        1 => any & !0 << (word(3) % 64),
        2 => !0 << (word(3) % 64) | 1,
        3 => 1 << 63 | any >> (word(3) % 64),
        _ => !0 << (word(3) % 63),
    };
    let spread = [2, 70, 140, 400][word(4) as usize % 4];
    let exponent = (word(5) % spread) as i32 - spread as i32 / 2;
    Real::from_scaled(word(6) % 2 == 1, (significand | 1 << 63).into(), exponent)
}

#[test]
fn results_are_exact_or_cut() {
    let near = Rounding::TiesEven;
    for seed in 0..20_000u32 {
        let [a, b, c] = [0, 1, 2].map(|index| operand(seed, index));
        let [x, y, z] = [a, b, c].map(rational);
        // An addend that leaves the last bits of the product.
        let product = a.product(b).value.negated();
        let canceller = Real::from_scaled(
            product.is_negative(),
            u128::from(product.significand() >> 8) << 8,
            product.exponent() - 63,
        );
        let results = [
            ("+", a.sum(b, near), &x + &y),
            ("-", a.difference(b, near), &x - &y),
            ("*", a.product(b), &x * &y),
            ("/", a.quotient(b), &x / &y),
            ("%", a.remainder(b), &x - (&x / &y).trunc() * &y),
            ("fused", a.fused_sum(b, c, near), &x * &y + &z),
            ("cancelling", a.fused_sum(b, canceller, near), &x * &y + rational(canceller)),
        ];
        for (op, found, exact) in results {
            assert_eq!(complaint(found.value, &exact), None, "{op}: {a:?} {b:?} {c:?} {found:?}");
            assert_eq!(found.status, Status::NONE);
        }
    }
}

#[test]
fn roots_are_exact_or_cut() {
    for seed in 0..20_000u32 {
        let a = operand(seed, 0).magnitude();
        let a = if seed % 3 == 0 { a.product(a).value } else { a };
        let x = rational(a);
        let root = a.square_root().value;
        let value = rational(root);
        let (square, unit) = (&value * &value, power_of_two(root.exponent() - 63));
        assert_eq!(root.is_cut(), square != x || a.is_cut(), "{a:?}");
        let (below, above) = (&value - &unit, &value + &unit);
        assert!(&below * &below < x && x < &above * &above, "{a:?}");
        assert!(!root.is_cut() || root.significand() & 1 == 1, "{a:?}");
    }
}

/// Results that differ from a tie of `f32` in nothing but what lies below their 64 leading bits.
#[test]
fn what_lies_below_64_bits_decides() {
    let to = Arithmetic::new(Format::F32, Policy::new(Rounding::TiesEven, Overflow::Special));
    // 2^24 + 1 lies between two values of f32, of which the lesser is even.
    let (tie, above) =
        (u128::from((1u32 << 24) + 1), f32::from_bits(((1u32 << 24) as f32).to_bits() + 1));
    let even = (1u32 << 24) as f32;
    let value = |code: u32| f32::from_bits(code);

    let divisor = (1u128 << 39) - 1;
    let real = |x: u128| Real::from_scaled(false, x, 0);
    assert_eq!(value(to.div(real(tie * divisor), real(divisor), 0).unwrap().code), even);
    assert_eq!(value(to.div(real(tie * divisor + 1), real(divisor), 0).unwrap().code), above);
    assert_eq!(value(to.div(real(tie * divisor - 1), real(divisor), 0).unwrap().code), even);

    let root = tie << 7;
    let scaled = |x: u128| Real::from_scaled(false, x, -14);
    assert_eq!(value(to.sqrt(scaled(root * root), 0).unwrap().code), even);
    assert_eq!(value(to.sqrt(scaled(root * root + 1), 0).unwrap().code), above);
    assert_eq!(value(to.sqrt(scaled(root * root - 1), 0).unwrap().code), even);

    for exponent in [-30, -62, -64, -100, -126, -127, -128, -129, -200, -255, -256, -257, -5000] {
        let tiny = Real::from_scaled(false, 1, exponent);
        assert_eq!(value(to.add(real(tie), tiny, 0).unwrap().code), above, "{exponent}");
        assert_eq!(value(to.sub(real(tie), tiny, 0).unwrap().code), even, "{exponent}");
        let fused = to.mul_add(real(tie), real(1), tiny, 0).unwrap();
        assert_eq!(value(fused.code), above, "{exponent}");
    }
}

#[test]
fn the_check_objects() {
    let exact = BigRational::new(BigInt::from(1), BigInt::from(3));
    let third = Real::from_f32(1.0).quotient(Real::from_f32(3.0)).value;
    assert_eq!(complaint(third, &exact), None);
    assert_eq!(complaint(third, &-exact.clone()), Some("the other sign"));
    assert_eq!(complaint(Real::from_f64(1.0 / 3.0), &exact), Some("said to be exact"));
    assert_eq!(complaint(third, &rational(third)), Some("said to be cut"));
    assert_eq!(complaint(third, &BigRational::zero()), Some("not zero"));
    assert_eq!(complaint(third, &(exact + power_of_two(-60))), Some("other leading bits"));
}

/// What was cut off once is not forgotten where the digits that are left would fit.
#[test]
fn a_cut_operand_makes_a_cut_result() {
    let third = Real::from_f32(1.0).quotient(Real::from_f32(3.0)).value;
    let (one, near) = (Real::from_f32(1.0), Rounding::TiesEven);
    let quarter = Real::from_f32(0.25);
    let results = [
        third.sum(quarter.negated(), near),
        quarter.sum(third, near),
        third.sum(Real::zero(false), near),
        third.product(one),
        one.product(third),
        third.quotient(one),
        third.remainder(quarter),
        third.fused_sum(one, quarter.negated(), near),
        one.fused_sum(third, quarter.negated(), near),
        one.fused_sum(quarter, third, near),
        third.square_root(),
    ];
    for (i, result) in results.into_iter().enumerate() {
        assert!(result.value.is_cut(), "{i}");
    }
    assert!(!one.sum(quarter, near).value.is_cut());
}
