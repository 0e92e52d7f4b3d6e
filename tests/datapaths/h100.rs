//! The presets compute what an H100 computes.
//!
//! `tests/golden/h100.jsonl` was written by `tests/golden/h100/units.py` on the device that its first line names. The
//! script itself compares some hundred thousand outputs per instruction and kind of operands.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use fewbit::Accumulator;
use fewbit::accumulate::datapath::{Aligned, Unit, ZeroExponent};
use fewbit::accumulate::{Datapath, Register, Stage};

use super::case::{Case, cases, differences, wrong};

const GOLDEN: &str = include_str!("../golden/h100.jsonl");

#[test]
fn every_preset_equals_the_chip() {
    let wrong = wrong(&cases(GOLDEN));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_preset_of_the_chip_was_run() {
    let covered: BTreeSet<String> = cases(GOLDEN).into_iter().map(|case| case.preset).collect();
    let rows = Datapath::table().iter().map(|row| row.name.to_owned());
    let expected: BTreeSet<String> = rows.filter(|name| name.starts_with("h100")).collect();
    assert_eq!(covered, expected);
}

/// Outputs of the preset's cases that `acc` computes otherwise.
fn differing(preset: &str, acc: &Accumulator) -> usize {
    let cases = cases(GOLDEN);
    let of_preset = cases.iter().filter(|case| case.preset == preset);
    of_preset.map(|case: &Case| differences(case, acc)).sum()
}

#[test]
fn the_golden_values_tell_units_apart() {
    let others = [
        ("h100-mma-f16", "aligned24-rz:f32-rz*16"),
        ("h100-mma-f16", "aligned26-rz:f32-rz*16"),
        ("h100-mma-f16", "aligned25-rz:f32-rne*16"),
        ("h100-mma-f16", "aligned25-rz:f32-rz*8"),
        ("h100-wgmma-fp8", "aligned12-rz:e8m13-rz*32"),
        ("h100-wgmma-fp8", "aligned14-rz:e8m13-rz*32"),
        ("h100-wgmma-fp8", "aligned13-rz:f32-rz*32"),
        ("h100-wgmma-fp8", "aligned13-rz:e8m13-rz*16"),
        // FP8 through mma.sync is neither one step of 32 nor two of 16 in ascending k.
        ("h100-mma-fp8", "aligned25-rz:f32-rz*32"),
        ("h100-mma-fp8", "aligned25-rz:f32-rz*16"),
        ("h100-mma-fp8", "aligned25-rz:f32-rz*16/32,f32-rne"),
    ];
    for (preset, text) in others {
        assert!(differing(preset, &text.parse().unwrap()) > 0, "{text} passes for {preset}");
    }
}

/// The preset with another exponent of zero addends.
fn with_zero(preset: &str, zero: ZeroExponent) -> Accumulator {
    let row = *preset.parse::<&Datapath>().unwrap();
    let Unit::Aligned(unit) = row.unit else { panic!("{preset} does not align") };
    let unit = Unit::Aligned(Aligned { zero, ..unit });
    let row = Box::leak(Box::new(Datapath { unit, ..row }));
    let width = NonZeroU32::new(row.width).unwrap();
    Accumulator::new(vec![Stage::new(Register::Datapath(row)).with_width(width)]).unwrap()
}

#[test]
fn a_zero_addend_has_the_exponent_of_the_row_and_no_other() {
    // Published models of the chip disagree about it.
    const PRESETS: [&str; 4] =
        ["h100-mma-bf16", "h100-wgmma-bf16", "h100-mma-tf32", "h100-wgmma-tf32"];
    let count = |zero| -> usize {
        PRESETS.iter().map(|preset| differing(preset, &with_zero(preset, zero))).sum()
    };
    assert_eq!(count(ZeroExponent::Fixed(-133)), 0);
    let others = [-126, -132, -134].map(ZeroExponent::Fixed);
    for zero in others.into_iter().chain([ZeroExponent::None]) {
        assert!(count(zero) > 0, "{zero:?} passes");
    }
}
