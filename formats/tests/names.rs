//! Every name is read back as what it was printed from, and every mistake has its own sentence.

mod common;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use common::{custom_floats, p3109_floats};
use fewbit_formats::{
    BlockMaximum, ExponentRule, Format, FormatError, GroupFormat, GroupFormatError, GroupZeroPoint,
    InfiniteBlock, InfinityPolicy, LeastScale, NanBlock, NanPayload, NanPolicy, NanSign, Overflow,
    PolicyPreset, Rounding, ScaleArithmetic, ScaleFormat, Span, Stack, Status, SubnormalInput,
    SubnormalOutput, ZeroBlock, ZeroSign,
};
use proptest::prelude::*;

fn round_trips<T: FromStr<Err: Display> + Display + PartialEq + std::fmt::Debug>(value: &T) {
    let text = value.to_string();
    let back: T = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(&back, value, "{text}");
}

#[test]
fn table_names_are_unique_and_round_trip() {
    let mut names = BTreeSet::new();
    for row in Format::table() {
        round_trips(&row.format);
        assert_eq!(row.format.to_string(), row.name);
        assert!(names.insert(row.name), "{}", row.name);
        assert_eq!(
            row.format.row().map(|found| found.name),
            Some(row.name),
            "two rows for {}",
            row.name
        );
        for alias in row.aliases.iter().filter(|alias| alias.stack != Stack::Ocp) {
            assert_eq!(alias.name.parse::<Format>(), Ok(row.format), "{}", alias.name);
            assert_eq!(
                alias.name.to_uppercase().parse::<Format>(),
                Ok(row.format),
                "{}",
                alias.name
            );
            assert!(names.insert(alias.name), "{} names two formats", alias.name);
        }
    }
}

#[test]
fn every_shape_of_float_round_trips() {
    for float in [custom_floats(), p3109_floats(3..=16)].concat() {
        round_trips(&Format::Float(float));
    }
}

/// `fn` has a NaN where exponent and fraction have 6 bits or more, signed or not.
#[test]
fn nan_of_fn_depends_on_exponent_and_fraction() {
    for (exponent, fraction) in (1..=8).flat_map(|e| (0..=8).map(move |m| (e, m))) {
        for suffix in ["fn", "fnu"] {
            let name = format!("e{exponent}m{fraction}{suffix}");
            let format: Format = name.parse().unwrap();
            let ones = format.decode(u32::MAX);
            assert_eq!(ones.is_nan(), exponent + fraction >= 6, "{name}: {ones}");
        }
    }
    // 6 bits each, with the sign and without.
    let [fp6, unsigned] = ["e3m2fn", "e4m2fnu"].map(|name| name.parse::<Format>().unwrap());
    assert_eq!((fp6.bits(), fp6.decode(0x1f)), (6, 28.0));
    assert_eq!((unsigned.bits(), unsigned.decode(0x3e)), (6, 384.0));
    assert!(unsigned.decode(0x3f).is_nan());
}

/// A narrow range leaves out the least of a signed format and the greatest of an unsigned one.
#[test]
fn narrow_ranges_leave_out_one_code() {
    for bits in 2..=32u32 {
        let (signed, unsigned) = (1u64 << (bits - 1), 1u64 << bits);
        let cases = [
            (format!("int{bits}n"), 1.0 - signed as f64, signed as f64 - 1.0, signed as u32),
            (format!("uint{bits}n"), 0.0, unsigned as f64 - 2.0, (unsigned - 1) as u32),
        ];
        for (name, least, most, missing) in cases {
            let format: Format = name.parse().unwrap();
            assert_eq!((format.min_finite(), format.max_finite()), (least, most), "{name}");
            assert!(format.decode(missing).is_nan(), "{name}");
        }
    }
    let uint4n: Format = "uint4n".parse().unwrap();
    assert_eq!((uint4n.decode(14), uint4n.min_finite(), uint4n.max_finite()), (14.0, 0.0, 14.0));
}

#[test]
fn flags_are_printed_by_name() {
    let all = Status::NAMES.iter().fold(Status::NONE, |all, &(flag, _)| all | flag);
    let cases = [
        (Status::NONE, "-", "none"),
        (Status::INEXACT, "NX", "inexact"),
        (Status::INEXACT | Status::OVERFLOW, "NX|OF", "inexact|overflow"),
        (all, "NX|UF|OF|DZ|NV", "inexact|underflow|overflow|divide-by-zero|invalid"),
    ];
    for (status, short, long) in cases {
        assert_eq!((status.to_string(), format!("{status:?}")), (short.into(), long.into()));
    }
}

#[test]
fn one_format_has_one_name() {
    let equal = [
        ("e4m3b7fn", "e4m3fn"),
        ("e5m10", "f16"),
        ("e8m7", "bf16"),
        ("e8m23", "f32"),
        ("e2m1fin", "e2m1fn"),
        ("binary8p4sf", "e4m3fnuz"),
        ("Binary4p2sf", "e2m1fnuz"),
        ("binary8p1uf", "binary8p1uf"),
        ("ap_fixed<8, 4>", "fix8.4"),
        ("ap_ufixed<16,-2>", "ufix16.18"),
        ("ap_int<7>", "int7"),
        ("POSIT<16,2>", "posit16"),
        ("e4m3b11fnuz", "e4m3b11fnuz"),
        ("e4m3b8fnuz", "e4m3fnuz"),
        ("e8m0b127fnu", "e8m0fnu"),
        ("fix4.-2", "fix4.-2"),
    ];
    for (text, name) in equal {
        assert_eq!(text.parse::<Format>().unwrap().to_string(), name, "{text}");
    }
    // IEEE-like by the grammar, although OCP calls e4m3fn by this name.
    assert_ne!("E4M3".parse::<Format>(), Ok(Format::E4M3FN));
    // P3109's unsigned power of two has a zero; E8M0 has none.
    assert_ne!("binary8p1uf".parse::<Format>(), Ok(Format::E8M0FNU));
}

#[test]
fn mistakes_are_told_apart() {
    let error = |text: &str| text.parse::<Format>().expect_err(text);
    for text in [
        "",
        "e",
        "e4",
        "e4m",
        "m3",
        "e4m3x",
        "e4m3fnx",
        "e4m3b",
        "e-4m3",
        "int",
        "int8x",
        "fix8",
        "fix8.",
        "posit8,3",
        "ap_fixed<8>",
        "binary8p4s",
        "float9",
        "e44444m3",
        "e4m3fn e4m3fn",
        "ünïcode",
        &"9".repeat(200),
    ] {
        assert!(matches!(error(text), FormatError::Unknown(_)), "{text}: {:?}", error(text));
    }
    let width = |text, width, smallest| {
        let found = error(text);
        let matches = matches!(found, FormatError::Width { bits, least, .. } if bits == width && least == smallest);
        assert!(matches, "{text}: {found}");
    };
    width("e8m24", 33, 2);
    width("int0", 0, 1);
    width("int33", 33, 1);
    width("int1n", 1, 2);
    width("fix40.2", 40, 1);
    width("posit2", 2, 3);
    width("takum33", 33, 2);
    assert!(matches!(error("e12m3"), FormatError::ExponentWidth { bits: 12, .. }));
    assert!(matches!(error("e0m3"), FormatError::ExponentWidth { bits: 0, .. }));
    assert!(matches!(error("e5m0"), FormatError::NoFraction(_)));
    assert!(matches!(error("e5m2fnuzu"), FormatError::UnsignedFnuz(_)));
    assert!(matches!(
        error("binary8p8se"),
        FormatError::Precision { bits: 8, precision: 8, most: 7, .. }
    ));
    assert!(matches!(error("binary17p3se"), FormatError::Precision { bits: 17, .. }));
    // Values that are no f64.
    assert!(matches!(
        error("e11m20b1100"),
        FormatError::Range { smallest: -1119, largest: 947, .. }
    ));
    assert!(matches!(
        error("e8m3b-2000"),
        FormatError::Range { smallest: 1998, largest: 2255, .. }
    ));
    assert!(matches!(error("e4m3b9999"), FormatError::Range { .. }));
    let text = error("e5m0").to_string();
    assert_eq!(
        text,
        "`e5m0` has no fraction bits to tell infinity from NaN: add one of the suffixes fn, fnuz or fin, or a fraction bit"
    );
}

#[test]
fn policies_round_trip() {
    fn all<T: FromStr<Err: Display> + Display + PartialEq + std::fmt::Debug + Copy>(
        values: &[T],
        aliases: impl Fn(T) -> &'static [&'static str],
    ) {
        for value in values {
            round_trips(value);
            for alias in aliases(*value) {
                assert_eq!(alias.to_lowercase().parse::<T>().ok(), Some(*value), "{alias}");
            }
        }
    }
    all(Overflow::ALL, Overflow::aliases);
    all(NanPolicy::ALL, NanPolicy::aliases);
    all(NanSign::ALL, NanSign::aliases);
    all(NanPayload::ALL, NanPayload::aliases);
    all(InfinityPolicy::ALL, InfinityPolicy::aliases);
    all(ZeroSign::ALL, ZeroSign::aliases);
    all(SubnormalInput::ALL, SubnormalInput::aliases);
    all(SubnormalOutput::ALL, SubnormalOutput::aliases);
    all(ExponentRule::ALL, ExponentRule::aliases);
    all(ScaleArithmetic::ALL, ScaleArithmetic::aliases);
    all(BlockMaximum::ALL, BlockMaximum::aliases);
    all(ZeroBlock::ALL, ZeroBlock::aliases);
    all(LeastScale::ALL, LeastScale::aliases);
    all(NanBlock::ALL, NanBlock::aliases);
    all(InfiniteBlock::ALL, InfiniteBlock::aliases);
    PolicyPreset::all().iter().for_each(round_trips);
    GroupFormat::table().iter().for_each(|row| round_trips(&row.format));
    let error = "clip".parse::<Overflow>().unwrap_err().to_string();
    assert!(
        error.starts_with("unknown overflow policy `clip`: expected one of saturate, special, "),
        "{error}"
    );
}

#[test]
fn roundings_round_trip() {
    for (mode, names) in Rounding::NAMES {
        round_trips(mode);
        assert_eq!(mode.to_string(), names[0]);
        assert_eq!(mode.alias().to_string(), names[1]);
        for name in *names {
            assert_eq!(name.to_lowercase().parse(), Ok(*mode), "{name}");
        }
    }
    for bits in 1..=32 {
        for mode in [
            Rounding::Stochastic { bits },
            Rounding::StochasticMiddle { bits },
            Rounding::StochasticNearest { bits },
            Rounding::StochasticOdd { bits },
        ] {
            round_trips(&mode);
            assert_eq!(mode.alias().to_string().parse(), Ok(mode));
        }
    }
    assert_eq!("sr8".parse(), Ok(Rounding::Stochastic { bits: 8 }));
    for text in ["", "sr", "sr0", "sr33", "stochastic", "rne8", "nearest", "sr8x", "sr+8"] {
        assert!(text.parse::<Rounding>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        if let Ok(format) = text.parse::<Format>() {
            prop_assert_eq!(format.to_string().parse::<Format>(), Ok(format));
        }
        let _ = text.parse::<Rounding>();
        let _ = text.parse::<Overflow>();
    }

    #[test]
    fn names_that_nearly_follow_the_grammar(
        e in 0u32..14, m in 0u32..34, bias in proptest::option::of(-3000i32..3000),
        suffix in proptest::sample::select(vec!["", "fn", "fnuz", "fin", "u", "fnu", "finu", "fnuzu"]),
    ) {
        let bias = bias.map_or(String::new(), |bias| format!("b{bias}"));
        let text = format!("e{e}m{m}{bias}{suffix}");
        match text.parse::<Format>() {
            Ok(format) => {
                prop_assert_eq!(format.to_string().parse::<Format>(), Ok(format));
                let (max, least) = (format.max_finite(), format.smallest_positive());
                prop_assert!(max.is_finite() && least > 0.0 && least <= max, "{} {} {}", text, least, max);
            }
            Err(error) => prop_assert!(!matches!(error, FormatError::Unknown(_)), "{}", error),
        }
    }
}

#[test]
fn group_formats_round_trip() {
    for (name, canonical) in [
        ("MXFP4", "mxfp4"),
        ("mxfp8", "mxfp8e4m3"),
        ("mx(e2m1fn,e8m0fnu,32)", "mxfp4"),
        ("MX( float4_e2m1fn , ue8m0 , 32 )", "mxfp4"),
        ("mx(e2m1fn,e4m3fn*f32,16)", "nvfp4"),
        ("mx(e2m1fn,e4m3fn*f32/3,16)", "mx(e2m1fn,e4m3fn*f32/3,16)"),
        ("mx(ap_fixed<8,2>,e8m0fnu,32)", "mxint8"),
        ("mx(uint4,fp16,128,Zero-Point)", "mx(uint4,f16,128,zero-point)"),
        ("mx(e5m3b20fn,e6m4u,7)", "mx(e5m3b20fn,e6m4u,7)"),
        ("mx(posit8,takum16,16777216)", "mx(posit8,takum16,16777216)"),
        ("mx(s1p2,UE2M0*ue6m2/16,4,Coupled2)", "hif4"),
        ("mx(int4,e8m0fnu,16,coupled1)", "mx(int4,e8m0fnu,16)"),
        ("mx(int4,e8m0fnu,16, coupled4)", "mx(int4,e8m0fnu,16,coupled4)"),
    ] {
        let format: GroupFormat = name.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(format.to_string(), canonical, "{name}");
        round_trips(&format);
    }
}

#[test]
fn every_row_of_group_formats_is_found_by_its_names() {
    let mut seen = std::collections::BTreeSet::new();
    for row in GroupFormat::table() {
        let ScaleFormat { format, outer } = row.format.scale();
        let (element, size) = (row.format.element(), row.format.size() as u32);
        let parts =
            GroupFormat::new(element, ScaleFormat { format, outer }, size, row.format.zero_point());
        let parts = parts.and_then(|parts| parts.with_coupled(row.format.coupled() as u32));
        assert_eq!(parts, Ok(row.format), "{}", row.name);
        for name in row.aliases.iter().map(|alias| alias.name).chain([row.name]) {
            assert!(seen.insert(name), "{name} twice");
            assert!(name.parse::<fewbit_formats::Format>().is_err(), "{name} is an element too");
            assert_eq!(name.to_uppercase().parse(), Ok(row.format), "{name}");
        }
    }
}

#[test]
fn wrong_group_formats_are_named() {
    let error = |name: &str| name.parse::<GroupFormat>().unwrap_err().to_string();
    for (name, part) in [
        ("mxfp3", "unknown group format `mxfp3`"),
        ("mx", "unknown group format `mx`"),
        ("", "unknown group format ``"),
        ("mx(int4,e8m0fnu)", "is not mx(<element>,<scale>,<size>"),
        ("mx(int4,e8m0fnu,32", "is not mx(<element>,<scale>,<size>"),
        ("mx(int4,e8m0fnu,32,shift)", "is not mx(<element>,<scale>,<size>"),
        ("mx(int4,e8m0fnu,32,zero-point,)", "is not mx(<element>,<scale>,<size>"),
        ("mx(int4,e8m0fnu,32,coupled2,zero-point)", "is not mx(<element>,<scale>,<size>"),
        ("mx(int4,e8m0fnu,32,coupled)", "`` is not a number of groups whose scales are coupled"),
        ("mx(int4,e8m0fnu,32,coupled0)", "`0` is not a number of groups whose scales are coupled"),
        ("mx(int4,f16,32,coupled2)", "scales in f16 cannot be coupled"),
        ("mx(int4,ue2m0*f32/3,32,coupled2)", "scales in ue2m0 cannot be coupled"),
        ("mx(uint4,e8m0fnu,32,zero-point,coupled2)", "scales in e8m0fnu cannot be coupled"),
        ("mx(int99,e8m0fnu,32)", "int99"),
        ("mx(int4,e99m0,32)", "e99m0"),
        ("mx(int4,f16*,32)", "unknown format ``"),
        ("mx(int4,e4m3fn*f32/0,32)", "`0` is not a number of groups"),
        ("mx(int4,e4m3fn*f32/x,32)", "`x` is not a number of groups"),
        ("mx(int4,f16,0)", "`0` is not a group size"),
        ("mx(int4,f16,-1)", "`-1` is not a group size"),
        ("mx(int4,f16,+1)", "`+1` is not a group size"),
        ("mx(int4,f16,16777217)", "`16777217` is not a group size"),
        ("mx(int4,f16,99999999999)", "`99999999999` is not a group size"),
        ("mx(int4,binary,32)", "binary cannot hold scales"),
        ("mx(int1,f16,32)", "int1 cannot be scaled to"),
        ("mx(int4,bf16*f32,32)", "block scales in bf16 reach beyond 2^64"),
        ("mx(e2m1fn,f16,32,zero-point)", "e2m1fn has no place for a zero point"),
        ("mx(int4n,f16,32,zero-point)", "int4n has no place for a zero point"),
        ("mx(uint32,f16,32,zero-point)", "uint32 has no place for a zero point"),
    ] {
        assert!(error(name).contains(part), "{name}: {}", error(name));
    }
    let none = ScaleFormat::new(Format::F16).with_outer(Format::F32, Span::Groups(0));
    let none = GroupFormat::new(Format::INT4, none, 32, GroupZeroPoint::None);
    assert!(matches!(none, Err(GroupFormatError::Count(_))));
}
