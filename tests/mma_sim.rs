//! The presets compute what MMA-Sim, an independent model of the same machines, computes.
//!
//! `tests/golden/mma_sim.jsonl` was written by `tests/golden/mma_sim.py`; its first line says with which versions.

use std::collections::BTreeSet;

use fewbit::Accumulator;
use fewbit::accumulate::Datapath;
use fewbit::reference::{Operand, Scales, matmul_float};
use fewbit_formats::Format;
use ndarray::Array2;
use serde::Deserialize;

const GOLDEN: &str = include_str!("golden/mma_sim.jsonl");

#[derive(Deserialize)]
struct Case {
    preset: String,
    kind: String,
    shape: [usize; 3],
    formats: [String; 3],
    a: String,
    b: String,
    c: String,
    d: String,
    scales: Option<[String; 2]>,
}

impl Case {
    fn acc(&self) -> Accumulator {
        format!("preset:{}", self.preset).parse().unwrap()
    }

    /// The product through `acc`, row by row.
    fn run(&self, acc: &Accumulator) -> Vec<f64> {
        let [m, k, n] = self.shape;
        let format = |index: usize| self.formats[index].parse::<Format>().unwrap();
        let mut a = operand(&self.a, format(0), (m, k));
        let mut b = operand(&self.b, format(1), (k, n));
        if let (Some([left, right]), Some(scales)) = (&self.scales, self.row().scales) {
            let block = scales.block as usize;
            let matrix = |text: &str, shape| Scales {
                format: scales.format,
                block,
                values: decoded(text, 2, scales.format, shape),
            };
            a = a.with_scales(matrix(left, (m, k / block)));
            b = b.with_scales(matrix(right, (k / block, n)));
        }
        let c = decoded(&self.c, digits(format(2)), format(2), (m, n));
        let product = matmul_float(&a, &b, acc, Some(c.view()), 0).unwrap();
        assert_eq!(product.rounded, 0);
        product.values.into_iter().collect()
    }

    fn row(&self) -> &'static Datapath {
        Datapath::find(&self.preset).unwrap()
    }

    fn expected(&self) -> Vec<f64> {
        let [m, _, n] = self.shape;
        let format: Format = self.formats[2].parse().unwrap();
        decoded(&self.d, digits(format), format, (m, n)).into_iter().collect()
    }
}

/// tf32 operands are written as the f32 that holds them.
fn operand(text: &str, format: Format, shape: (usize, usize)) -> Operand {
    if format == Format::TF32 {
        let values = decoded(text, 8, Format::F32, shape);
        return Operand::from_values(values.view(), format).unwrap();
    }
    Operand::from_codes(codes(text, digits(format), shape).view(), format).unwrap()
}

fn digits(format: Format) -> usize {
    format.bits().div_ceil(4) as usize
}

fn decoded(text: &str, digits: usize, format: Format, shape: (usize, usize)) -> Array2<f64> {
    codes(text, digits, shape).mapv(|code| format.decode(code))
}

fn codes(text: &str, digits: usize, shape: (usize, usize)) -> Array2<u32> {
    let code = |at: usize| u32::from_str_radix(&text[at..at + digits], 16).unwrap();
    Array2::from_shape_vec(shape, (0..text.len()).step_by(digits).map(code).collect()).unwrap()
}

/// The same value; a NaN is a NaN, and zeros have no sign.
fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

fn cases() -> Vec<Case> {
    GOLDEN.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_preset_equals_mma_sim() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (found, expected) = (case.run(&case.acc()), case.expected());
        if !found.iter().zip(&expected).all(|(&a, &b)| same(a, b)) {
            let Case { preset, kind, formats, .. } = &case;
            wrong.push(format!("{preset} {formats:?} {kind}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_preset_is_left_out() {
    let covered: BTreeSet<String> = cases().into_iter().map(|case| case.preset).collect();
    let missing = Datapath::table().iter().filter(|row| !covered.contains(row.name));
    // MMA-Sim 2 does not model these two instructions; their rows say so.
    let missing: Vec<&str> = missing.map(|row| row.name).collect();
    assert_eq!(missing, ["h100-mma-fp8", "h100-mma-fp8-f16"]);
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
        for case in cases().into_iter().filter(|case| case.preset == preset) {
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
        let mut cases = cases().into_iter().filter(|case| case.preset == preset);
        let differs = cases.any(|case| {
            let (found, expected) = (case.run(&acc), case.expected());
            !found.iter().zip(&expected).all(|(&a, &b)| same(a, b))
        });
        assert!(differs, "{text} passes for {preset}");
    }
}
