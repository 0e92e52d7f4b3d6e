//! Types of integers: codes, values, order and text, of every code.

use fewbit_formats::types::*;
use fewbit_formats::{Format, Overflow, Policy, Rounding};

/// The value of a code of two's complement by its definition; `None` where the code stands for nothing.
fn value(name: &str, bits: u32, code: i64) -> Option<i64> {
    let half = 1 << (bits - 1);
    match name {
        "Binary" => Some(2 * code - 1),
        "Ternary" | "Int4N" | "Int8N" if code == half => None,
        _ if name.starts_with('U') || code < half => Some(code),
        _ => Some(code - 2 * half),
    }
}

/// Checks every code of a type of at most 16 bits, and some of a wider one.
macro_rules! check {
    ($($name:ident)+) => {{
        let mut seen = Vec::new();
        $(
            let name = stringify!($name);
            seen.push((name, $name::FORMAT));
            let step = 1 + ($name::FORMAT.code_count() >> 16) as usize * 99_991;
            let mut values = Vec::new();
            for code in (0..$name::FORMAT.code_count()).step_by(step) {
                let x = $name::from_code(code as u32);
                assert_eq!((x.code(), $name::from_bits(x.to_bits())), (code as u32, x), "{name}");
                let Some(value) = value(name, $name::BITS, code as i64) else {
                    assert!(x.to_f64().is_nan() && x < $name::MIN, "{name}");
                    continue;
                };
                assert_eq!(x.to_f64(), value as f64, "{name}");
                assert_eq!($name::from_f64(value as f64), x, "{name}");
                assert_eq!(x.to_string(), value.to_string(), "{name}");
                assert_eq!(value.to_string().parse(), Ok(x), "{name}");
                values.push((value, x));
            }
            values.sort_by_key(|(value, _)| *value);
            assert!(values.is_sorted_by(|(_, a), (_, b)| a < b), "{name}");
            let (least, most) = ($name::FORMAT.min_finite(), $name::FORMAT.max_finite());
            assert_eq!(($name::MIN.to_f64(), $name::MAX.to_f64()), (least, most), "{name}");
            for beyond in [1e20, f64::INFINITY] {
                assert_eq!($name::from_f64(beyond), $name::MAX, "{name}");
                assert_eq!($name::from_f64(-beyond), $name::MIN, "{name}");
            }
            assert!("NaN".parse::<$name>().is_err() && "four".parse::<$name>().is_err());
        )+
        assert_eq!(seen, INTEGERS);
    }};
}

#[test]
fn every_code_has_its_value_order_and_text() {
    check! {
        Int2 Int4 Int4N Int8 Int8N Int16 Int32 Uint2 Uint4 Uint8 Uint16 Binary Ternary
    }
}

#[test]
fn values_are_rounded_to_the_nearest_and_by_any_policy() {
    assert_eq!(
        ["2.5", "-3.5", "7.4"].map(|x| x.parse::<Int4>().unwrap().to_f32()),
        [2.0, -4.0, 7.0]
    );
    assert_eq!([0.5f32, 0.51].map(|x| Ternary::from_f32(x).to_f32()), [0.0, 1.0]);
    let wrapping = Policy::new(Rounding::TowardZero, Overflow::Wrap);
    assert_eq!(Int4::from_f32_with(9.9, &wrapping, 0).unwrap().0.to_f32(), -7.0);
    assert_eq!(Format::INT4, Int4::FORMAT);
}
