//! The rules of IEEE 754 by hand: zeros, NaN, infinities, flags, flushing, integers, and order.

use core::cmp::Ordering;
use fewbit_formats::{
    Arithmetic, EncodeError, Format, InfinityPolicy, NanPayload, NanPolicy, Overflow, Policy, Real,
    Rounding, Status, SubnormalInput,
};

const SPECIAL: Policy = Policy::new(Rounding::TiesEven, Overflow::Special);

fn x(value: f64) -> Real {
    Real::from_f64(value)
}

fn f16(policy: Policy) -> Arithmetic {
    Arithmetic::new(Format::F16, policy)
}

#[test]
fn signs_of_zeros() {
    let near = f16(SPECIAL);
    let down = f16(SPECIAL.with_rounding(Rounding::Down));
    assert_eq!(near.sub(x(3.0), x(3.0), 0).unwrap().code, 0x0000);
    assert_eq!(down.sub(x(3.0), x(3.0), 0).unwrap().code, 0x8000);
    assert_eq!(down.add(x(0.0), x(-0.0), 0).unwrap().code, 0x8000);
    assert_eq!(down.add(x(0.0), x(0.0), 0).unwrap().code, 0x0000);
    assert_eq!(near.add(x(-0.0), x(-0.0), 0).unwrap().code, 0x8000);
    assert_eq!(near.sub(x(-0.0), x(0.0), 0).unwrap().code, 0x8000);
    assert_eq!(near.mul(x(-0.0), x(5.0), 0).unwrap().code, 0x8000);
    assert_eq!(near.sqrt(x(-0.0), 0).unwrap().code, 0x8000);
    assert_eq!(near.rem(x(-6.0), x(3.0), 0).unwrap().code, 0x8000);
    assert_eq!(near.mul_add(x(2.0), x(3.0), x(-6.0), 0).unwrap().code, 0x0000);
    assert_eq!(down.mul_add(x(2.0), x(3.0), x(-6.0), 0).unwrap().code, 0x8000);
    assert_eq!(near.mul_add(x(-0.0), x(3.0), x(-0.0), 0).unwrap().code, 0x8000);
}

#[test]
fn invalid_operations() {
    let near = f16(SPECIAL);
    let (inf, nan) = (f64::INFINITY, Format::F16.decode_real(0x7e01));
    let invalid = [
        near.sub(x(inf), x(inf), 0),
        near.add(x(-inf), x(inf), 0),
        near.mul(x(0.0), x(-inf), 0),
        near.div(x(0.0), x(0.0), 0),
        near.div(x(inf), x(inf), 0),
        near.rem(x(inf), x(1.0), 0),
        near.rem(x(1.0), x(0.0), 0),
        near.sqrt(x(-1.0), 0),
        near.sqrt(x(-inf), 0),
        near.mul_add(x(inf), x(0.0), x(1.0), 0),
        near.mul_add(x(inf), x(1.0), x(-inf), 0),
    ];
    for (i, result) in invalid.into_iter().enumerate() {
        let result = result.unwrap();
        assert_eq!((result.code, result.status), (0x7e00, Status::INVALID), "{i}");
    }
    // Zero times infinity counts before the NaN that is added.
    assert_eq!(near.mul_add(x(inf), x(0.0), nan, 0).unwrap().status, Status::INVALID);
    assert_eq!(near.mul_add(x(1.0), x(1.0), nan, 0).unwrap().status, Status::NONE);
    // A format without NaN: the policy decides, and an operation cannot be refused unnoticed.
    let fp4 = |nan| Arithmetic::new(Format::E2M1FN, SPECIAL.with_nan(nan));
    let zero = x(0.0);
    assert!(matches!(fp4(NanPolicy::Error).div(zero, zero, 0), Err(EncodeError::Nan { .. })));
    let largest = fp4(NanPolicy::Largest).div(zero, zero, 0).unwrap();
    assert_eq!((largest.code, largest.status), (0x7, Status::INVALID));
}

#[test]
fn division_by_zero() {
    let near = f16(SPECIAL);
    let result = near.div(x(-2.0), x(0.0), 0).unwrap();
    assert_eq!((result.code, result.status), (0xfc00, Status::DIVIDE_BY_ZERO));
    // Infinity over zero is exact, not a division of a finite value.
    assert_eq!(near.div(x(f64::INFINITY), x(0.0), 0).unwrap().status, Status::NONE);
    // Formats without infinity follow the overflow policy: NaN, the largest value, an integer's end.
    let in_e4m3fn = Arithmetic::new(Format::E4M3FN, SPECIAL).div(x(1.0), x(0.0), 0).unwrap();
    let overflow = Status::DIVIDE_BY_ZERO | Status::OVERFLOW | Status::INEXACT;
    assert_eq!((in_e4m3fn.code, in_e4m3fn.status), (0x7f, overflow));
    let saturate = SPECIAL.with_overflow(Overflow::Saturate);
    let in_int8 = Arithmetic::new(Format::INT8, saturate).div(x(-1.0), x(0.0), 0).unwrap();
    assert_eq!((in_int8.code, in_int8.status), (0x80, Status::DIVIDE_BY_ZERO | Status::INVALID));
    let refuse = SPECIAL.with_infinity(InfinityPolicy::Error);
    let refused = Arithmetic::new(Format::F16, refuse).div(x(1.0), x(0.0), 0);
    assert!(matches!(refused, Err(EncodeError::Infinity { .. })));
}

#[test]
fn the_first_nan_is_handed_on() {
    let keep = f16(SPECIAL.with_nan_payload(NanPayload::Truncate));
    let code = |code| Format::F16.decode_real(code);
    let sum = |a, b| {
        let result = keep.add(code(a), code(b), 0).unwrap();
        (result.code, result.status)
    };
    assert_eq!(sum(0xfe03, 0x7e05), (0xfe03, Status::NONE));
    assert_eq!(sum(0x3c00, 0x7e05), (0x7e05, Status::NONE));
    // A signaling one becomes quiet; NV wherever it stands.
    assert_eq!(sum(0x7c01, 0x3c00), (0x7e01, Status::INVALID));
    assert_eq!(sum(0x7e05, 0x7c01), (0x7e05, Status::INVALID));
    let difference = keep.sub(code(0x3c00), code(0x7e05), 0).unwrap();
    assert_eq!(difference.code, 0x7e05, "subtraction does not change a NaN's sign");
}

#[test]
fn extrema() {
    let near = f16(SPECIAL);
    let code = |code| Format::F16.decode_real(code);
    let (one, nan, signaling, zero, negative) = (0x3c00, 0x7e00, 0x7c01, 0x0000, 0x8000);
    let run = |f: fn(&Arithmetic, Real, Real, u32) -> _, a, b| {
        let result: Result<fewbit_formats::Encoded, EncodeError> = f(&near, code(a), code(b), 0);
        let result = result.unwrap();
        (result.code, result.status)
    };
    assert_eq!(run(Arithmetic::minimum, zero, negative), (negative, Status::NONE));
    assert_eq!(run(Arithmetic::maximum, negative, zero), (zero, Status::NONE));
    assert_eq!(run(Arithmetic::minimum, one, nan), (nan, Status::NONE));
    assert_eq!(run(Arithmetic::maximum, signaling, one), (nan, Status::INVALID));
    assert_eq!(run(Arithmetic::minimum_number, one, nan), (one, Status::NONE));
    assert_eq!(run(Arithmetic::maximum_number, signaling, one), (one, Status::INVALID));
    assert_eq!(run(Arithmetic::maximum_number, nan, nan), (nan, Status::NONE));
    assert_eq!(run(Arithmetic::maximum_number, 0xc000, one), (one, Status::NONE));
}

#[test]
fn subnormal_operands_are_flushed_where_the_policy_says() {
    let flush = f16(SPECIAL.with_subnormal_input(SubnormalInput::Flush));
    let tiny = Format::F16.decode_real(0x8001);
    let one = Format::F16.decode_real(0x3c00);
    let result = flush.mul(tiny, one, 0).unwrap();
    assert_eq!((result.code, result.status), (0x8000, Status::INEXACT));
    // The same value of a wider format is normal there, and so is the result.
    let result = flush.mul(Format::F32.decode_real(0xb380_0000), one, 0).unwrap();
    assert_eq!((result.code, result.status), (0x8001, Status::NONE));
    assert_eq!(f16(SPECIAL).add(tiny, tiny, 0).unwrap().code, 0x8002);
}

#[test]
fn integers_and_fixed_point() {
    let wrap = Policy::new(Rounding::Down, Overflow::Wrap);
    let int8 = Arithmetic::new(Format::INT8, wrap);
    let value = |result: Result<fewbit_formats::Encoded, EncodeError>| {
        Format::INT8.decode(result.unwrap().code)
    };
    assert_eq!(value(int8.mul(x(100.0), x(3.0), 0)), 44.0); // 300 - 256
    assert_eq!(value(int8.div(x(-7.0), x(2.0), 0)), -4.0);
    assert_eq!(value(int8.rem(x(-7.0), x(2.0), 0)), -1.0);
    // (2^31 - 1)^2 = 2^62 - 2^32 + 1.
    let most = Real::from(i32::MAX);
    assert_eq!(value(int8.mul(most, most, 0)), 1.0);
    // 2^62 and a half, upward: the fraction counts though the number is wrapped.
    let up = Arithmetic::new(Format::INT8, wrap.with_rounding(Rounding::Up));
    assert_eq!(value(up.add(x(2f64.powi(62)), x(0.5), 0)), 1.0);
    // 2^70 + 5 has more digits than are kept; it is refused, not wrapped to something else.
    let wide = int8.add(x(2f64.powi(70)), x(5.0), 0);
    assert_eq!(wide, Err(EncodeError::Digits { overflow: Overflow::Wrap, format: Format::INT8 }));
    assert_eq!(value(int8.add(x(2f64.powi(60)), x(5.0), 0)), 5.0);
    let saturate = Arithmetic::new(Format::INT8, wrap.with_overflow(Overflow::Saturate));
    assert_eq!(value(saturate.add(x(2f64.powi(70)), x(5.0), 0)), 127.0);
    let fix = Arithmetic::new(Format::FIX8_4, SPECIAL.with_overflow(Overflow::Saturate));
    assert_eq!(Format::FIX8_4.decode(fix.mul(x(1.25), x(1.25), 0).unwrap().code), 1.5625);
}

#[test]
fn negatives_and_magnitudes_of_codes() {
    for row in Format::table().iter().filter(|row| row.format.bits() <= 16) {
        let format = row.format;
        for code in 0..format.code_count() as u32 {
            let value = format.decode(code);
            match format.negate(code) {
                Some(negative) if value.is_nan() => assert!(format.decode(negative).is_nan()),
                Some(negative) => assert_eq!(format.decode(negative), -value, "{format} {code:#x}"),
                None => assert!(
                    value > format.max_finite()
                        || -value < format.min_finite()
                        || -value > format.max_finite()
                ),
            }
            let magnitude = format.absolute(code);
            if !value.is_nan() {
                let expected = (value.abs() <= format.max_finite() || value.is_infinite())
                    .then_some(value.abs());
                assert_eq!(
                    magnitude.map(|code| format.decode(code)),
                    expected,
                    "{format} {code:#x}"
                );
            }
        }
    }
    // The sign of an f16's NaN is a bit like any other; nothing is made quiet.
    assert_eq!(Format::F16.negate(0x7c01), Some(0xfc01));
}

/// The order of all codes is total, and that of the values where these have one.
#[test]
fn total_order() {
    for row in Format::table().iter().filter(|row| row.format.bits() <= 8) {
        let format = row.format;
        let mut codes: Vec<u32> = (0..format.code_count() as u32).collect();
        codes.sort_by(|&a, &b| format.total_cmp(a, b));
        for pair in codes.windows(2) {
            let (a, b) = (format.decode(pair[0]), format.decode(pair[1]));
            assert_eq!(format.total_cmp(pair[0], pair[1]), Ordering::Less, "{format}");
            assert_eq!(format.total_cmp(pair[1], pair[0]), Ordering::Greater, "{format}");
            // -0 before +0; NaN at its sign's end, or at the beginning where there is only one and it has no sign.
            assert!(
                a < b || (a == 0.0 && b == 0.0 && a.is_sign_negative()) || a.is_nan() || b.is_nan()
            );
            let inside = a.is_nan() && !b.is_nan() && pair[0] != codes[0] && !a.is_sign_negative();
            assert!(!inside, "{format} {pair:x?}");
        }
    }
    // IEEE's own order, of f32.
    let samples: Vec<u32> = (0..4000u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    for pair in samples.windows(2) {
        let expected = f32::from_bits(pair[0]).total_cmp(&f32::from_bits(pair[1]));
        assert_eq!(Format::F32.total_cmp(pair[0], pair[1]), expected, "{pair:x?}");
    }
}

/// `f32` as the machine computes it is the format `f32` to the nearest.
#[test]
fn f32_is_the_machines() {
    let code = |i: u32| i.wrapping_mul(0x9e37_79b9).rotate_left(i % 31);
    let to = Arithmetic::new(Format::F32, SPECIAL);
    for i in 0..200_000u32 {
        let (a, b, c) = (code(i), code(i + 77), code(i * 3 + 5));
        // Every other pair lies close together, so that sums cancel and quotients are near one.
        let b = if i % 2 == 0 { b } else { a ^ (0x8000_0000 | (b >> 20)) };
        let [x, y, z] = [a, b, c].map(f32::from_bits);
        let [u, v, w] = [x, y, z].map(Real::from_f32);
        let results = [
            (to.add(u, v, 0), x + y),
            (to.sub(u, v, 0), x - y),
            (to.mul(u, v, 0), x * y),
            (to.div(u, v, 0), x / y),
            (to.rem(u, v, 0), x % y),
            (to.sqrt(u, 0), x.sqrt()),
            (to.mul_add(u, v, w, 0), x.mul_add(y, z)),
        ];
        for (op, (found, expected)) in results.into_iter().enumerate() {
            let found = f32::from_bits(found.unwrap().code);
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "operation {op} on {x:e} {y:e} {z:e}: {found:e}, not {expected:e}");
        }
    }
}

/// Values that no f64 holds are operands and results like any others: of 16 bits with precision 1, 2^-32767 and up.
#[test]
fn values_beyond_f64() {
    let format: Format = "binary16p1uf".parse().unwrap();
    let to = Arithmetic::new(format, Policy::new(Rounding::TiesEven, Overflow::Saturate));
    let code = |exponent: i32| (exponent + 32768) as u32;
    let real = |exponent| format.decode_real(code(exponent));
    assert_eq!(real(-20000).exponent(), -20000);
    let product = to.mul(real(-20000), real(5000), 0).unwrap();
    assert_eq!((product.code, product.status), (code(-15000), Status::NONE));
    let quotient = to.div(real(15000), real(-15000), 0).unwrap();
    assert_eq!((quotient.code, quotient.status), (code(30000), Status::NONE));
    let root = to.sqrt(real(-30000), 0).unwrap();
    assert_eq!((root.code, root.status), (code(-15000), Status::NONE));
    // A remainder of a quotient of 30000 bits: 2^15000 mod 3 * 2^-15000 is 2^-15000.
    let three = Real::from_scaled(false, 3, -15000);
    assert_eq!(real(15000).remainder(three).value, Real::from_scaled(false, 1, -15000));
}
