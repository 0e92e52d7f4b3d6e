//! Text: every code is written as the shortest that is read back, and text of any length is rounded once.

mod common;

use common::arithmetic::{Value, target, value};
use fewbit_formats::types::*;
use fewbit_formats::{EncodeError, Format, ParseNumberError, Real};
use fewbit_testkit::arithmetic::Target;
use fewbit_testkit::rounding::{Mode, Overflow, power_of_two};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

/// Codes of a format: all, or every so many.
fn codes(format: Format, at_most: u64) -> impl Iterator<Item = u32> {
    let step = (format.code_count() / at_most).max(1) | 1;
    (0..format.code_count()).step_by(step as usize).map(|code| code as u32)
}

macro_rules! for_types {
    ($check:ident: $($name:ident)+) => { $( $check::<$name>(); )+ };
    ($check:ident) => {
        for_types!($check: E4M3FN E5M2 E4M3 E3M4 E4M3FNUZ E5M2FNUZ E4M3B11FNUZ E3M2FN E2M3FN E2M1FN E8M0FNU E4M3FNU E5M3FNU
            BF16 F16 TF32 Binary8P4SE Binary8P3SE Posit8 Posit16 Posit32 Takum8 Takum16)
    };
}

/// The exact value of a decimal text.
fn rational(text: &str) -> BigRational {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
    let power = exponent.parse::<i32>().unwrap() - fraction.len() as i32;
    let ten = BigRational::from_integer(10.into());
    BigRational::from_integer(digits) * num_traits::pow::Pow::pow(ten, power)
}

/// All digits of a whole number of a power of two: `n / 2^k = n 5^k / 10^k`.
fn digits(x: &BigRational) -> String {
    let places = x.denom().bits() as usize - 1;
    let scaled = (x.abs()
        * num_traits::pow::Pow::pow(BigRational::from_integer(10.into()), places as i32))
    .to_integer();
    let text = format!("{scaled:0>width$}", width = places + 1);
    let (whole, fraction) = text.split_at(text.len() - places);
    format!("{}{whole}.{fraction}", if x.is_negative() { "-" } else { "" })
}

/// The code that the oracle gives a number by the type's own policy.
fn expected(target: &Target, x: &BigRational) -> u32 {
    let overflow = match target {
        Target::Float(_) => Overflow::Special,
        Target::Tapered(_) => Overflow::Saturate,
        Target::HiF8(_) => panic!("it has no type"),
    };
    target.encode(x, Mode::TiesEven, overflow, 0).code
}

fn finite<T: Number>(target: &Target, code: u32) -> Option<BigRational> {
    match value(T::FORMAT, target, code) {
        Value::Finite(x) => Some(x),
        Value::Special(_) => None,
    }
}

#[test]
fn every_code_is_read_back() {
    fn check<T: Number + core::fmt::LowerExp + core::fmt::UpperExp>() {
        for code in codes(T::FORMAT, 4096) {
            let x = T::from_code(code);
            let texts = [
                format!("{x}"),
                format!("{x:?}"),
                format!("{x:e}"),
                format!("{x:E}"),
                format!("{x:+}"),
            ];
            for text in texts {
                let back: T = text.parse().unwrap_or_else(|error| panic!("{error}"));
                let nan = T::FORMAT.decode(code).is_nan() && T::FORMAT.decode(back.code()).is_nan();
                assert!(nan || back.code() == code, "{} {code:#x} {text}", T::FORMAT);
            }
        }
    }
    for_types!(check);
}

/// No number of fewer digits, on either side, is rounded to the code.
#[test]
fn texts_are_as_short_as_can_be() {
    fn check<T: Number + core::fmt::LowerExp>() {
        let target = target(T::FORMAT);
        let slow = matches!(target, Target::Tapered(_)) || T::FORMAT.bits() > 16;
        for code in codes(T::FORMAT, if slow { 40 } else { 256 }) {
            let Some(value) = finite::<T>(&target, code) else { continue };
            let text = format!("{:e}", T::from_code(code));
            assert_eq!(expected(&target, &rational(&text)), code, "{text}");
            let (mantissa, exponent) = text.trim_start_matches('-').split_once('e').unwrap();
            let count = mantissa.chars().filter(char::is_ascii_digit).count() as i32;
            if count == 1 {
                continue;
            }
            // The two numbers of one digit less between which the value lies; a power of ten lower, they are denser.
            let exponent: i32 = exponent.parse().unwrap();
            for power in [exponent - (count - 2), exponent - 1 - (count - 2)] {
                let ten = BigRational::from_integer(10.into());
                let unit: BigRational = num_traits::pow::Pow::pow(ten, power);
                let units = value.abs() / &unit;
                let most = BigRational::from_integer(num_traits::pow::Pow::pow(
                    BigInt::from(10),
                    count as u32 - 1,
                ));
                for shorter in [units.floor(), units.ceil()] {
                    let fits = shorter <= most;
                    let size = shorter * &unit;
                    let x = if value.is_negative() { -size } else { size };
                    if fits && x != BigRational::from_integer(0.into()) {
                        assert_ne!(
                            expected(&target, &x),
                            code,
                            "{text} could be {}",
                            x.to_f64().unwrap()
                        );
                    }
                }
            }
        }
    }
    for_types!(check);
}

/// Ties, and numbers as close to them as a text can say, in texts of over a thousand digits.
#[test]
fn ties_in_text() {
    fn check<T: Number>() {
        let target = target(T::FORMAT);
        let tail = format!("{}1", "0".repeat(1000));
        let narrow = matches!(target, Target::Float(_)) && T::FORMAT.bits() <= 8;
        for code in codes(T::FORMAT, if narrow { 256 } else { 24 }) {
            let code = code & ((T::FORMAT.code_count() / 2) as u32).wrapping_sub(1).max(1);
            let (Some(x), Some(next)) =
                (finite::<T>(&target, code), finite::<T>(&target, code + 1))
            else {
                continue;
            };
            let middle = (&x + &next) / BigRational::from_integer(2.into());
            for point in [x, middle] {
                for point in [point.clone(), -point] {
                    let text = digits(&point);
                    let parse = |text: &str| text.parse::<T>().unwrap().code();
                    assert_eq!(parse(&text), expected(&target, &point), "{} {text}", T::FORMAT);
                    // Away from zero, and toward it, by less than any two values are apart.
                    let tiny = power_of_two(-400);
                    let tiny = if point.is_negative() { -tiny } else { tiny };
                    let away = expected(&target, &(&point + &tiny));
                    assert_eq!(parse(&format!("{text}{tail}")), away, "{} {text}...1", T::FORMAT);
                    let toward = expected(&target, &(&point - &tiny));
                    let below = nines(&text);
                    assert_eq!(parse(&below), toward, "{} {below}", T::FORMAT);
                }
            }
        }
    }
    for_types!(check);
}

/// A number just nearer to zero than the text's.
fn nines(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in bytes.iter_mut().rev() {
        match byte {
            b'.' => {}
            b'0' => *byte = b'9',
            _ => {
                *byte -= 1;
                break;
            }
        }
    }
    String::from_utf8(bytes).unwrap() + &"9".repeat(1000)
}

#[test]
fn texts_by_hand() {
    let e4m3fn = |x: f32| E4M3FN::from_f32(x);
    assert_eq!(e4m3fn(448.0).to_string(), "448");
    assert_eq!(e4m3fn(0.1).to_string(), "0.1");
    assert_eq!(format!("{:?} {:?}", e4m3fn(448.0), e4m3fn(-0.0)), "448.0 -0.0");
    assert_eq!(format!("{:e}", e4m3fn(0.001953125)), "2e-3");
    assert_eq!(format!("{:E}", BF16::MAX), "3.39E38");
    assert_eq!(BF16::MAX.to_string(), format!("339{}", "0".repeat(36)));
    assert_eq!(format!("{:?}", BF16::MIN_POSITIVE_SUBNORMAL), "9e-41");
    assert_eq!(F16::MAX.to_string(), "65504");
    // A precision rounds the exact value, as it does for f32: 0.1015625.
    assert_eq!(
        format!("{:.3} {:.0} {:.2e}", e4m3fn(0.1), e4m3fn(2.5), e4m3fn(448.0)),
        "0.102 2 4.48e2"
    );
    assert_eq!(
        format!(
            "[{:>6}] [{:<6}] [{:+}] [{:06}]",
            e4m3fn(1.5),
            e4m3fn(-2.0),
            e4m3fn(3.0),
            e4m3fn(-0.5)
        ),
        "[   1.5] [-2    ] [+3] [-000.5]"
    );
    assert_eq!(format!("{} {} {:?}", E4M3FN::NAN, E5M2::NEG_INFINITY, Posit8::NAN), "NaN -inf NaN");
    assert_eq!(format!("{:#04x} {:#06b}", E2M1FN::MAX, E2M1FN::MAX), "0x07 0b0111");
}

#[test]
fn numbers_that_are_read() {
    let read = |text: &str| text.parse::<F16>().map(F16::to_f64);
    for (text, expected) in [
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("+2.", 2.0),
        ("1e3", 1000.0),
        ("1E-3", 0.0010004043579101562),
        ("0", 0.0),
        ("inf", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("1e99999999999999999999", f64::INFINITY),
        ("65519.999", 65504.0),
        ("65520", f64::INFINITY),
        ("1e-99999999999999999999", 0.0),
        ("0.0000000000000000000000000000e5", 0.0),
        ("000000000000000000000000000001", 1.0),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    assert!(read("nan").unwrap().is_nan() && read("-NaN").unwrap().is_sign_negative());
    assert!(read("-0").unwrap().is_sign_negative() && read("-1e-30").unwrap().is_sign_negative());
    // Zeros of any number before the digits and the point, evened out by the exponent.
    let small = format!("0.{}25e5001", "0".repeat(5000));
    assert_eq!(read(&small), Ok(2.5));
    assert_eq!(read(&format!("25{}e-5001", "0".repeat(5000))), Ok(2.5));
    for text in [
        "", ".", "-", "+-1", "1.2.3", "e5", "1e", "1e+", "0x10", "1 ", "١", "1_000", "infinit", "é",
    ] {
        assert!(matches!(read(text), Err(ParseNumberError::Invalid(_))), "{text}");
    }
    let missing = |text: &str| text.parse::<E2M1FN>().unwrap_err();
    assert_eq!(missing("nan"), EncodeError::Nan { format: Format::E2M1FN }.into());
    assert_eq!(missing("-inf"), EncodeError::Infinity { format: Format::E2M1FN }.into());
    let error = "1.5x".parse::<E2M1FN>().unwrap_err().to_string();
    assert!(error.starts_with("`1.5x` is not a number"), "{error}");
}

/// Real::from_decimal against f64's own reading, which is correctly rounded.
#[test]
fn decimals_are_the_machines() {
    for i in 0..3000u64 {
        let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let x = f64::from_bits(bits);
        if !x.is_finite() {
            continue;
        }
        // Exactly, and with digits that f64 does not hold.
        for text in [format!("{x:e}"), format!("{x}"), format!("{:.20e}", x)] {
            let read = Real::from_decimal(&text).unwrap();
            let (exact, whole) =
                (rational(&text), BigRational::from_integer(read.significand().into()));
            let value = whole * power_of_two(read.exponent() - 63);
            let unit = power_of_two(read.exponent() - 63);
            assert_eq!(value == exact.abs(), !read.is_cut(), "{text}");
            assert!((&value - exact.abs()).abs() < unit, "{text}");
            assert!(!read.is_cut() || read.significand() & 1 == 1);
        }
    }
}
