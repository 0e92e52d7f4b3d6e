//! Every code of every format stands for what the format's definition says, and gets itself back.

mod common;

use common::{
    PLAIN, custom_floats, float_spec, int_spec, modes, overflows, p3109_floats, table_floats,
};
use fewbit_formats::{Class, Format, Overflow, Policy, Real, Status};
use fewbit_testkit::rounding::{HiF8Value, IntSpec, TaperedSpec, exact, hif8_value};
use num_bigint::BigInt;
use num_rational::BigRational;

/// All codes of formats of up to 16 bits; of wider ones the ends, the binade edges and a few thousand between.
fn codes(format: Format) -> Vec<u32> {
    let bits = format.bits();
    if bits <= 16 {
        return (0..1 << bits).collect();
    }
    let mask = (format.code_count() - 1) as u32;
    let edges = (0..bits).flat_map(|bit| [1u32 << bit, (1 << bit) - 1, (1 << bit) + 1]);
    let edges = edges.flat_map(|code| [code, !code]).map(|code| code & mask);
    let spread = (0..4096u32).map(|i| i.wrapping_mul(0x9e37_79b9) & mask);
    edges.chain(spread).collect()
}

#[test]
fn floats_decode_as_their_definition_says() {
    let floats = [table_floats(), custom_floats(), p3109_floats(3..=11)].concat();
    for float in floats {
        let (format, oracle) = (Format::Float(float), float_spec(float));
        let sign_bit = oracle.signed.then(|| 1u32 << (format.bits() - 1));
        for code in codes(format) {
            let negative = sign_bit.is_some_and(|bit| code & bit != 0);
            let magnitude = code & !sign_bit.unwrap_or(0);
            let value = format.decode(code);
            assert!(value.is_nan() || value.is_sign_negative() == negative, "{format} {code:#x}");
            if float.is_nan(code) {
                assert!(value.is_nan(), "{format} {code:#x}");
            } else if float.is_infinite(code) {
                assert!(value.is_infinite() && magnitude == oracle.top() + 1, "{format} {code:#x}");
            } else {
                assert!(magnitude <= oracle.top(), "{format} {code:#x}");
                assert_eq!(exact(value.abs()), oracle.magnitude(magnitude), "{format} {code:#x}");
            }
        }
    }
}

#[test]
fn integers_decode_as_their_definition_says() {
    const NAMES: &[&str] = &[
        "int1",
        "int2",
        "int3",
        "int8",
        "int11",
        "int16",
        "int32",
        "uint1",
        "uint5",
        "uint16",
        "uint32",
        "int2n",
        "int9n",
        "uint4n",
        "uint32n",
        "int32n",
        "fix8.4",
        "fix8.0",
        "fix8.8",
        "fix6.20",
        "fix16.-3",
        "ufix12.5",
        "ufix32.31",
        "ternary",
    ];
    for name in NAMES {
        let format: Format = name.parse().unwrap();
        let IntSpec { bits, signed, .. } = int_spec(format);
        for code in codes(format) {
            let mut units = BigInt::from(code);
            if signed && code >> (bits - 1) != 0 {
                units -= BigInt::from(1) << bits;
            }
            let spec = int_spec(format);
            let value = format.decode(code);
            if units < spec.min() || units > spec.max() {
                assert!(value.is_nan(), "{format} {code:#x}");
            } else {
                assert_eq!(
                    exact(value),
                    BigRational::from(units) * spec.unit(),
                    "{format} {code:#x}"
                );
            }
        }
    }
    assert_eq!([0, 1].map(|code| Format::Binary.decode(code)), [-1.0, 1.0]);
}

#[test]
fn posits_and_takums_decode_as_their_definition_says() {
    let posits =
        (3..=10).chain([16, 32]).map(|bits| (format!("posit{bits}"), TaperedSpec::Posit { bits }));
    let takums =
        (2..=13).chain([16, 32]).map(|bits| (format!("takum{bits}"), TaperedSpec::Takum { bits }));
    for (name, spec) in posits.chain(takums) {
        let format: Format = name.parse().unwrap();
        for code in codes(format) {
            let value = format.decode(code);
            match spec.decode(code.into()) {
                Some(expected) => assert_eq!(exact(value), expected, "{format} {code:#x}"),
                None => assert!(value.is_nan(), "{format} {code:#x}"),
            }
        }
    }
}

#[test]
fn hif8_decodes_as_its_definition_says() {
    for code in codes(Format::HIF8) {
        let value = Format::HIF8.decode(code);
        match hif8_value(code) {
            HiF8Value::Finite(expected) => assert_eq!(exact(value), expected, "{code:#x}"),
            HiF8Value::Infinite(negative) => {
                assert!(value.is_infinite() && value.is_sign_negative() == negative, "{code:#x}");
            }
            HiF8Value::Nan => assert!(value.is_nan(), "{code:#x}"),
        }
        let subnormal = value != 0.0 && value.abs() < 2f64.powi(-15);
        let class = Format::HIF8.decode_real(code).class();
        assert_eq!(class == Class::Subnormal, subnormal, "{code:#x}");
        assert_eq!(Format::HIF8.decode(code | 0xffff_ff00).to_bits(), value.to_bits());
    }
}

/// A value of the format is its own result under every policy that has a meaning, and raises no flag.
#[test]
fn every_code_is_encoded_as_itself() {
    let floats = [table_floats(), custom_floats(), p3109_floats(3..=8)].concat();
    let mut formats: Vec<Format> = floats.into_iter().map(Format::Float).collect();
    formats.extend(Format::table().iter().map(|row| row.format));
    formats.extend(["int5n", "uint7n", "fix7.9"].map(|name| name.parse::<Format>().unwrap()));
    for format in formats {
        for code in codes(format) {
            let value = format.decode(code);
            if value.is_nan() {
                continue;
            }
            // Any policy, a different one each time.
            let (modes, overflows) = (modes(), overflows());
            let (rounding, _) = modes[code as usize % modes.len()];
            let (overflow, _) = overflows[(code as usize / 7) % overflows.len()];
            let floating = matches!(
                format,
                Format::Float(_) | Format::Posit(_) | Format::Takum(_) | Format::HiF8
            );
            let narrow = !floating && format.min_finite() == -format.max_finite();
            let wraps = matches!(overflow, Overflow::Wrap | Overflow::WrapSignMagnitude);
            let asymmetric =
                overflow == Overflow::SaturateSymmetric && -value > format.max_finite();
            if (wraps && (floating || narrow))
                || asymmetric
                || (value.is_infinite() && overflow != Overflow::Special)
            {
                continue;
            }
            let encoded = format.encode(value, &Policy::new(rounding, overflow), code).unwrap();
            assert_eq!(
                (encoded.code, encoded.status),
                (code & mask(format), Status::NONE),
                "{format} {value}"
            );
            if let Some(narrow) = format.decode_f32(code) {
                let again = format.encode(narrow, &PLAIN, 0);
                assert!(value.is_infinite() || again.unwrap().code == code, "{format} {value}");
            }
        }
    }
}

fn mask(format: Format) -> u32 {
    (format.code_count() - 1) as u32
}

#[test]
fn f32_holds_what_fits_f32_says() {
    let floats = [table_floats(), custom_floats(), p3109_floats(3..=8)].concat();
    let mut formats: Vec<Format> = floats.into_iter().map(Format::Float).collect();
    let names = [
        "int16",
        "uint24",
        "int25",
        "fix16.-120",
        "fix16.-112",
        "fix8.127",
        "ternary",
        "binary",
        "posit8",
        "posit16",
        "takum5",
        "takum6",
        "hif8",
    ];
    formats.extend(names.map(|name| name.parse::<Format>().unwrap()));
    for format in formats.into_iter().filter(|format| format.bits() <= 25) {
        let all = (0..format.code_count() as u32).all(|code| format.decode_f32(code).is_some());
        assert_eq!(format.fits_f32(), all, "{format}");
    }
}

/// P3109 formats whose values no `f64` holds, by the draft's formulas on the codes themselves.
#[test]
fn wide_p3109_codes_are_exact_as_real() {
    let mut wide = 0;
    for float in p3109_floats(12..=16) {
        let format = Format::Float(float);
        let (bits, precision) = (format.bits(), float.fraction_bits() + 1);
        let signed = float.is_signed();
        // B = 2^(K-P-1), or 2^(K-P) without a sign.
        let bias = 1i64 << (bits - precision - u32::from(signed));
        let step = if bits > 13 { 7 } else { 1 };
        for code in (0..1u32 << bits).step_by(step) {
            let half = 1u32 << (bits - 1);
            let negative = signed && code > half;
            let magnitude = if signed { code % half } else { code };
            let value = format.decode_real(code);
            if float.is_nan(code) {
                assert_eq!(value.class(), Class::Nan, "{format} {code:#x}");
                continue;
            }
            assert_eq!(value.is_negative(), negative, "{format} {code:#x}");
            if float.is_infinite(code) {
                assert_eq!(value.class(), Class::Infinite, "{format} {code:#x}");
                continue;
            }
            let (trailing, field) =
                (magnitude % (1 << (precision - 1)), magnitude >> (precision - 1));
            // T * 2^(1-P) * 2^(1-B), or (2^(P-1) + T) * 2^(1-P) * 2^(E-B).
            let (whole, exponent) = match field {
                0 => (trailing, 1 - bias),
                _ => (trailing + (1 << (precision - 1)), i64::from(field) - bias),
            };
            if whole == 0 {
                assert_eq!(value.class(), Class::Zero, "{format} {code:#x}");
                continue;
            }
            let class = if field == 0 { Class::Subnormal } else { Class::Normal };
            assert_eq!(value.class(), class, "{format} {code:#x}");
            let top = whole.ilog2();
            assert_eq!(value.significand(), u64::from(whole) << (63 - top), "{format} {code:#x}");
            let expected = exponent + 1 - i64::from(precision) + i64::from(top);
            assert_eq!(i64::from(value.exponent()), expected, "{format} {code:#x}");
            // And the code that the value gets is the same.
            let encoded = format.encode_real(value, &PLAIN, 0).unwrap();
            assert_eq!((encoded.code, encoded.status), (code, Status::NONE), "{format} {code:#x}");
            if format.fits_f64() {
                let same = Real::from_f64(format.decode(code));
                assert_eq!(value.significand(), same.significand(), "{format} {code:#x}");
                assert_eq!(value.exponent(), same.exponent(), "{format} {code:#x}");
            }
        }
        wide += usize::from(!format.fits_f64());
    }
    // Of e bits of exponent, 12 or more: K - P + 1 without a sign, K - P with one; extended and finite.
    assert_eq!(wide, 2 * (1 + 2 + 3 + 4 + 5) + 2 * (1 + 2 + 3 + 4));
}

#[test]
fn reals_are_rounded_to_f64_once() {
    let largest = Real::from_scaled(false, (1 << 53) - 1, 971);
    let cases = [
        (Real::from_scaled(false, 1, -1074), f64::from_bits(1)),
        (Real::from_scaled(true, 1, -1075), -0.0), // a tie, to even
        (Real::from_scaled(false, (1 << 60) + 1, -1135), f64::from_bits(1)), // one bit above it
        (Real::from_scaled(false, 3, -1075), f64::from_bits(2)),
        (largest, f64::MAX),
        (Real::from_scaled(false, (1 << 54) - 1, 970), f64::INFINITY), // a tie, to even
        (Real::from_scaled(false, ((1 << 54) - 1) * 1024 - 1, 960), f64::MAX),
        (Real::from_scaled(true, 1, 20_000), f64::NEG_INFINITY),
        (Real::from_scaled(true, 1, -20_000), -0.0),
        (Real::from_scaled(false, (1 << 53) + 1, 0), 9007199254740992.0),
        (Real::from_scaled(false, (1 << 53) + 3, 0), 9007199254740996.0),
    ];
    for (real, expected) in cases {
        assert_eq!(real.to_f64().to_bits(), expected.to_bits(), "{real:?}");
    }
    for bits in (0..4096u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
        let x = f64::from_bits(bits);
        let same = Real::from_f64(x).to_f64();
        assert!(x.is_nan() && same.is_nan() || x.to_bits() == same.to_bits(), "{x:e}");
    }
}
