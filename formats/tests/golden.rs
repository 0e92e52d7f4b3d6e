//! Other people's results, file by file; every disagreement is on the list of divergences, and nothing on it is stale.

mod common;

use common::golden::{Comparison, hex, sections};
use fewbit_formats::{Format, NanPolicy, Overflow, Policy, PolicyPreset, Rounding};

fn casts(stack: &'static str, file: &str, preset: &str, least: usize) {
    let preset: PolicyPreset = preset.parse().unwrap();
    let mut comparison = Comparison::new(stack);
    for (section, lines) in sections(file) {
        let format: Format = section.parse().unwrap();
        let policy = preset.policy(format);
        for line in lines {
            let (input, code) = line.split_once(' ').expect("two columns");
            let x = f32::from_bits(hex(input));
            let ours = format.encode(x, &policy, 0).ok().map(|encoded| encoded.code);
            comparison.case(&section, hex(input), ours, Some(hex(code)));
        }
    }
    comparison.finish(least);
}

#[test]
fn ml_dtypes() {
    casts("ml_dtypes 0.5.4", "ml_dtypes.txt", "ml_dtypes-0.5", 15_000);
}

/// Every code of HiF8, and casts to it.
#[test]
fn en_dtypes() {
    let preset: PolicyPreset = "hifloat8".parse().unwrap();
    let policy = preset.policy(Format::HIF8);
    let mut comparison = Comparison::new("en_dtypes 0.0.4");
    for (section, lines) in sections("en_dtypes.txt") {
        if section == "hif8 values" {
            let values: Vec<&str> = lines.iter().flat_map(|line| line.split(' ')).collect();
            assert_eq!(values.len(), 256);
            for (code, value) in values.into_iter().enumerate() {
                let ours = Format::HIF8.decode(code as u32);
                match value {
                    "nan" => assert!(ours.is_nan(), "{code:#x}"),
                    bits => assert_eq!((ours as f32).to_bits(), hex(bits), "{code:#x}"),
                }
            }
            continue;
        }
        for line in lines {
            let (input, code) = line.split_once(' ').expect("two columns");
            let x = f32::from_bits(hex(input));
            let ours = Format::HIF8.encode(x, &policy, 0).ok().map(|encoded| encoded.code);
            comparison.case(&section, hex(input), ours, Some(hex(code)));
        }
    }
    comparison.finish(900);
}

#[test]
fn torch() {
    casts("torch 2.8.0", "torch.txt", "torch-2.8", 10_000);
}

#[test]
fn gfloat_in_every_mode() {
    let mut comparison = Comparison::new("gfloat 0.5.2");
    for (section, lines) in [sections("gfloat.txt"), sections("gfloat_wide.txt")].concat() {
        let [format, rounding, overflow] = section.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{section}");
        };
        let format: Format = format.parse().unwrap();
        let rounding: Rounding = rounding.parse().unwrap();
        // gfloat knows saturation or not. In P3109's formats its "not" stands for SatNone.
        let overflow: Overflow = match overflow {
            "ieee" if section.starts_with("binary") => Overflow::SatNone,
            other => other.parse().unwrap(),
        };
        let policy = Policy::new(rounding, overflow).with_nan(NanPolicy::Error);
        for line in lines {
            let [input, random, code] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let x = f32::from_bits(hex(input));
            // gfloat does not say which NaN; so any is as good as any other.
            let one_nan = |code| if format.decode(code).is_nan() { u32::MAX } else { code };
            let theirs = (code != "-").then(|| one_nan(hex(code)));
            let ours = format.encode(x, &policy, hex(random)).ok();
            let ours = ours.map(|encoded| one_nan(encoded.code));
            comparison.case(&section, hex(input), ours, theirs);
        }
    }
    comparison.finish(29_000);
}

#[test]
fn every_p3109_code_of_3_to_8_bits() {
    let mut formats = 0;
    for (section, lines) in sections("gfloat_p3109_values.txt") {
        let format: Format = section.parse().unwrap();
        let values: Vec<&str> = lines.iter().flat_map(|line| line.split(' ')).collect();
        assert_eq!(values.len() as u64, format.code_count(), "{section}");
        for (code, value) in values.into_iter().enumerate() {
            let ours = format.decode(code as u32);
            match value {
                "nan" => assert!(ours.is_nan(), "{section} {code:#x}"),
                bits => {
                    let theirs = f64::from(f32::from_bits(hex(bits)));
                    assert_eq!(ours.to_bits(), theirs.to_bits(), "{section} {code:#x}");
                }
            }
        }
        formats += 1;
    }
    assert_eq!(formats, 120);
}

#[test]
fn torchao_scales() {
    let mut comparison = Comparison::new("torchao 0.13.0");
    for (section, lines) in sections("torchao_scales.txt") {
        let (element, mode) = section.split_once(' ').expect("element and mode");
        let element: Format = element.parse().unwrap();
        let preset: PolicyPreset = format!("torchao-0.13-{mode}").parse().unwrap();
        for line in lines {
            let (input, code) = line.split_once(' ').expect("two columns");
            let ours = preset.scale.e8m0(f32::from_bits(hex(input)), element).map(u32::from);
            comparison.case(&section, hex(input), ours, Some(hex(code)));
        }
    }
    comparison.finish(15_000);
}

/// The comparison objects to a difference that is not listed.
#[test]
#[should_panic(expected = "is not a listed divergence")]
fn a_difference_that_is_not_listed() {
    let mut comparison = Comparison::new("ml_dtypes 0.5.4");
    comparison.case("e4m3fn", 0x3f80_0000, Some(0x38), Some(0x39));
}

/// It objects to a listed one that is not met, and does not take another stack's for it.
#[test]
#[should_panic(expected = "is gone")]
fn a_listed_difference_that_is_gone() {
    let mut comparison = Comparison::new("torch 2.8.0");
    comparison.case("e8m0fnu", 0x0050_0000, Some(0), Some(1));
    comparison.finish(1);
}
