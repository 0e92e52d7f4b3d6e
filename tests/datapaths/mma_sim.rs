//! The presets compute what MMA-Sim, an independent model of the same machines, computes.
//!
//! `tests/golden/mma_sim.jsonl` was written by `tests/golden/mma_sim.py`; its first line says with which versions.

use std::collections::BTreeSet;

use fewbit::Accumulator;
use fewbit::accumulate::Datapath;

use super::case::{cases, same, wrong};

const GOLDEN: &str = include_str!("../golden/mma_sim.jsonl");

#[test]
fn every_preset_equals_mma_sim() {
    let wrong = wrong(&cases(GOLDEN));
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

#[test]
fn no_preset_is_left_out() {
    let covered: BTreeSet<String> = cases(GOLDEN).into_iter().map(|case| case.preset).collect();
    let missing = Datapath::table().iter().filter(|row| !covered.contains(row.name));
    // MMA-Sim 2 does not model these two instructions, nor x86; their rows say so.
    let missing: Vec<&str> = missing.map(|row| row.name).collect();
    assert_eq!(missing, ["h100-mma-fp8", "h100-mma-fp8-f16", "x86-vdpbf16ps"]);
}

#[test]
fn the_grammar_spells_the_plain_units() {
    // Where neither the exponent of zero nor scales matter.
    let twins = [
        ("v100-f16", "aligned23-rz:f32-rz*4"),
        ("a100-f16", "aligned24-rz:f32-rz*8"),
        ("ada-fp8", "aligned13-rz:e8m13-rz*16"),
        ("h100-mma-f16", "aligned25-rz:f32-rz*16"),
        ("h100-wgmma-fp8", "aligned13-rz:e8m13-rz*32"),
        ("blackwell-fp8", "aligned25-rz:f32-rz*32"),
        ("cdna1-f16", "f32*4"),
        ("cdna1-bf16", "f32*2"),
    ];
    for (preset, text) in twins {
        let acc: Accumulator = text.parse().unwrap();
        let mut count = 0;
        for case in cases(GOLDEN).into_iter().filter(|case| case.preset == preset) {
            for (a, b) in case.run(&acc).into_iter().zip(case.expected()) {
                assert!(same(a, b), "{text}, {}: {a} instead of {b}", case.kind);
                count += 1;
            }
        }
        assert!(count > 0, "{preset}");
    }
}

#[test]
fn other_widths_and_fraction_bits_differ() {
    // The golden values tell the units apart: one bit more or less, or half the width, is noticed.
    let others = [
        ("a100-f16", "aligned23-rz:f32-rz*8"),
        ("a100-f16", "aligned25-rz:f32-rz*8"),
        ("a100-f16", "aligned24-rz:f32-rz*4"),
        ("a100-f16", "aligned24-rz:f32-rne*8"),
        ("a100-f16", "aligned24-rd:f32-rz*8"),
        ("h100-wgmma-fp8", "aligned13-rz:f32-rz*32"),
        ("h100-wgmma-fp8", "aligned14-rz:e8m13-rz*32"),
        ("h100-wgmma-fp8", "aligned13-rz:e8m13-rz*16"),
        ("cdna1-f16", "f32*2"),
    ];
    for (preset, text) in others {
        let acc: Accumulator = text.parse().unwrap();
        let mut cases = cases(GOLDEN).into_iter().filter(|case| case.preset == preset);
        let differs = cases.any(|case| {
            let (found, expected) = (case.run(&acc), case.expected());
            !found.iter().zip(&expected).all(|(&a, &b)| same(a, b))
        });
        assert!(differs, "{text} passes for {preset}");
    }
}
