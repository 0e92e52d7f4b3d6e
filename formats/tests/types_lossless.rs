//! Between two types there is a `From` if, and only if, the second has every value of the first.

use fewbit_formats::types::{ALL, LOSSLESS};
use fewbit_formats::{Format, Overflow, Policy, Rounding, Status};

/// Whether `to` has every value of `from`: infinities, NaN, and zeros with their signs.
fn holds(from: Format, to: Format) -> bool {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    (0..from.code_count()).all(|code| {
        let value = from.decode(code as u32);
        let Ok(encoded) = to.encode(value, &policy, 0) else { return false };
        let back = to.decode(encoded.code);
        if value.is_nan() {
            back.is_nan()
        } else {
            back.to_bits() == value.to_bits() && encoded.status == Status::NONE
        }
    })
}

#[test]
fn conversions_without_loss_are_those_listed() {
    let mut expected = Vec::new();
    for &(from_name, from) in ALL {
        for &(name, to) in ALL {
            if from != to && holds(from, to) {
                expected.push((from_name, name, (from, to)));
            }
        }
    }
    for (from, to, pair) in &expected {
        assert!(
            LOSSLESS.contains(pair),
            "{from} => {to} is missing: {}",
            expected.iter().map(|(a, b, _)| format!("{a} {b};")).collect::<String>()
        );
    }
    for pair in LOSSLESS {
        assert!(expected.iter().any(|(_, _, other)| other == pair), "{pair:?} loses values");
    }
    assert_eq!(LOSSLESS.len(), expected.len(), "a conversion is listed twice");
    // The oracle objects: e4m3fn has a NaN and 448, and e5m2 not its 1.125.
    assert!(!holds(Format::E4M3FN, Format::E5M2) && !holds(Format::E2M1FN, Format::E4M3FNUZ));
}
