//! Where a lane could go wrong: ties behind lost digits, tiles that end early, exponents near a floor, far ranges.

use fewbit::FloatEngine;
use fewbit::reference::{FloatOperand, Scales};
use fewbit_formats::Format;
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::select;

use super::{any_operand, check, operand};

/// One row of values of a format.
fn row(format: &str, values: &[f64]) -> FloatOperand {
    let values = Array2::from_shape_vec((1, values.len()), values.to_vec()).unwrap();
    FloatOperand::from_values(values.view(), format.parse().unwrap()).unwrap()
}

/// `init + a * b` for all pairs, `a` down and `b` across, from the same start in each column of a block.
fn sums(
    register: &str,
    (a, x): (&str, &[f64]),
    (b, y): (&str, &[f64]),
    start: impl Fn(f64) -> f64,
) {
    let column = Array2::from_shape_vec((x.len(), 1), x.to_vec()).unwrap();
    let left = FloatOperand::from_values(column.view(), a.parse().unwrap()).unwrap();
    let right = row(b, y);
    let init = Array2::from_shape_fn((x.len(), y.len()), |(i, j)| start(x[i] * y[j]));
    assert_eq!(check(&left, &right, register, Some(init.view())), FloatEngine::Lanes, "{register}");
}

/// A product that ends on a tie, or next to one, beside a register that `f32` loses.
#[test]
fn a_tie_and_a_register_far_below() {
    // Odd significands of every length, whose products have up to 16 digits.
    let odd = |digits: u32| -> Vec<f64> {
        (0..64)
            .map(|i| f64::from((1u32 << (digits - 1)) + (2 * i + 1) % (1 << (digits - 1))))
            .collect()
    };
    for (a, digits_a) in [("e4m3fn", 4), ("e3m4", 5), ("bf16", 8)] {
        for (b, digits_b) in [("e5m2", 3), ("e4m3fn", 4), ("bf16", 8)] {
            let (x, y) = (odd(digits_a), odd(digits_b));
            let (x, y): (Vec<f64>, Vec<f64>) = match (a, b) {
                ("e3m4", _) => (x.iter().map(|x| x / 4.0).collect(), y),
                _ => (x, y),
            };
            for register in ["bf16", "f16", "e8m13", "e8m3", "e8m10", "e5m9", "bf16-rz", "f16-rz"] {
                for shift in [-10, -20, -24, -25, -26, -30] {
                    for sign in [1.0, -1.0] {
                        sums(register, (a, &x), (b, &y), |product| {
                            let power = 2f64.powi(product.abs().log2().floor() as i32 + shift);
                            sign * power
                        });
                    }
                }
            }
        }
    }
}

/// A register that starts on a tie of its format, which it does not have, and a product that `f32` loses.
#[test]
fn a_start_on_a_tie_and_a_product_far_below() {
    for (register, format) in
        [("f16", "f16"), ("bf16", "bf16"), ("e8m13", "e8m13"), ("f16-rz", "f16")]
    {
        let float: Format = format.parse().unwrap();
        let Format::Float(parts) = float else { panic!("{format}") };
        let ulp = 2f64.powi(-(parts.fraction_bits() as i32));
        for exponent in [0, 5, 10] {
            let scale = 2f64.powi(exponent);
            for odd in [0.0, 1.0] {
                let start = scale * (1.0 + odd * ulp + ulp / 2.0);
                let small: Vec<f64> = (-9..9).map(|e| 2f64.powi(e)).collect();
                let signed: Vec<f64> = small.iter().map(|x| -x).collect();
                // Below the last digit of the start in f32, and around it.
                sums(
                    register,
                    ("e5m2", &[2f64.powi(-14), 2f64.powi(-10)]),
                    ("e5m2", &small),
                    |_| start,
                );
                sums(
                    register,
                    ("e5m2", &[2f64.powi(-14), 2f64.powi(-16)]),
                    ("e5m2", &signed),
                    |_| start,
                );
            }
        }
    }
}

/// Sixteen products just below 4, and a register just below 2 beside them: in units of the last place they are no 32-bit
/// integer.
#[test]
fn a_step_of_more_than_32_bits() {
    let most = 2047.0 / 1024.0;
    let left = Array2::from_elem((3, 16), most);
    for sign in [1.0, -1.0] {
        let right = Array2::from_elem((16, 5), sign * most);
        let [left, right] = [&left, &right]
            .map(|values| FloatOperand::from_values(values.view(), Format::F16).unwrap());
        for start in [2.0 - 2f64.powi(-23), 1.0, 0.0, -1.0, -2.0 + 2f64.powi(-23)] {
            let init = Array2::from_elem((3, 5), start);
            for unit in ["aligned25-rz:f32-rz*16", "preset:h100-wgmma-f16"] {
                let engine = check(&left, &right, unit, Some(init.view()));
                assert_eq!(engine, FloatEngine::Lanes, "{unit}");
            }
        }
    }
}

/// Chains of float registers alone, which all have lanes.
fn any_chain() -> impl Strategy<Value = String> {
    let register = || {
        let format = select(vec!["f16", "bf16", "e8m13", "f32", "e8m22", "e6m9", "e5m2", "e3m11"]);
        (format, select(vec!["rne", "rz"]))
            .prop_map(|(format, rounding)| format!("{format}-{rounding}"))
    };
    let aligned = (select(vec![3u32, 13, 20]), register(), 1u32..20)
        .prop_map(|(bits, register, width)| format!("aligned{bits}-rz:{register}*{width}"));
    let first = prop_oneof![3 => register(), 1 => aligned];
    let inner = (register(), 1u32..6).prop_map(|(register, count)| format!(",{register}/{count}"));
    (first, 1u32..30, prop::collection::vec(inner, 0..3), register())
        .prop_map(|(first, count, inner, last)| format!("{first}/{count}{},{last}", inner.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn chains_of_float_registers(
        (format_a, codes_a) in any_operand(),
        (format_b, codes_b) in any_operand(),
        acc in any_chain(),
        (m, k, n) in (1usize..6, 0usize..80, 1usize..6),
        start in prop::option::of(select(vec![1.0, -0.0, 1024.0, -3.0078125, 1e-3])),
    ) {
        prop_assume!(!["f32", "bf16", "tf32"].contains(&format_a) && !["f32", "bf16", "tf32"].contains(&format_b));
        let (a, b) = (operand(format_a, (m, k), &codes_a), operand(format_b, (k, n), &codes_b));
        let init = start.map(|x| Array2::from_elem((m, n), x));
        let engine = check(&a, &b, &acc, init.as_ref().map(|init| init.view()));
        prop_assert_eq!(engine, FloatEngine::Lanes, "{}", acc);
    }

    /// Instructions that are computed in halves, at any length.
    #[test]
    fn instructions_in_halves(
        preset in select(vec!["preset:h100-mma-fp8", "preset:h100-mma-fp8-f16"]),
        formats in (select(vec!["e4m3fn", "e5m2"]), select(vec!["e4m3fn", "e5m2"])),
        codes in (prop::collection::vec(0u32..256, 40..80), prop::collection::vec(0u32..256, 40..80)),
        (m, k, n) in (1usize..4, 0usize..100, 1usize..4),
        start in prop::option::of(select(vec![1.0, -0.0, 1024.0, -3.0078125, 6e-8])),
    ) {
        let (a, b) = (operand(formats.0, (m, k), &codes.0), operand(formats.1, (k, n), &codes.1));
        let init = start.map(|x| Array2::from_elem((m, n), x));
        let engine = check(&a, &b, preset, init.as_ref().map(|init| init.view()));
        prop_assert_eq!(engine, FloatEngine::Lanes, "{}", preset);
    }

    /// Values of all sizes, each matrix near a size of its own, so that sums lie around floors and beyond f32.
    #[test]
    fn units_at_any_size(
        preset in select(vec![
            "preset:a100-f16-f16", "preset:h100-mma-f16-f16", "preset:v100-f16-f16", "preset:a100-f16",
        ]),
        wide in select(vec![
            "preset:a100-bf16", "preset:h100-wgmma-tf32",
            "aligned13-rz:e8m13-rz*8", "aligned3-rz:f32-rz*4", "aligned13-rz:bf16*8", "aligned24-rz:f16-rne*4",
        ]),
        sizes in (-14i32..16, -14i32..16),
        far in (-126i32..110, -126i32..110),
        significands in prop::collection::vec((0u32..8, any::<bool>(), 0i32..12, 0u32..12), 20..60),
        (start, from_zero) in (-30i32..5, any::<bool>()),
        (m, k, n) in (1usize..4, 1usize..20, 1usize..4),
    ) {
        let values = |format: &str, size: i32, shape: (usize, usize), step: usize| {
            let format: Format = format.parse().unwrap();
            let values = Array2::from_shape_fn(shape, |(i, j)| {
                let (fraction, negative, below, zero) = significands[(i * shape.1 + j) * step % significands.len()];
                let x = f64::from(8 + fraction) * 2f64.powi(size - below - 3);
                if zero == 0 { 0.0 } else if negative { -x } else { x }
            });
            FloatOperand::rounded(values.view(), format, fewbit_formats::Rounding::TiesEven, 0).unwrap()
        };
        let init = |size: i32| {
            let x = if from_zero { 0.0 } else { 2f64.powi(size.max(-149)) };
            Array2::from_elem((m, n), x)
        };
        let (a, b) = (values("f16", sizes.0, (m, k), 1), values("f16", sizes.1, (k, n), 7));
        let engine = check(&a, &b, preset, Some(init(start).view()));
        prop_assert_eq!(engine, FloatEngine::Lanes, "{}", preset);
        let format = if wide.contains("tf32") { "tf32" } else { "bf16" };
        let (a, b) = (values(format, far.0, (m, k), 1), values(format, far.1, (k, n), 7));
        let engine = check(&a, &b, wide, Some(init(far.0 + far.1 + start).view()));
        prop_assert_eq!(engine, FloatEngine::Lanes, "{}", wide);
    }

    /// Steps that do not begin with a block, beside steps that do.
    #[test]
    fn steps_across_blocks(
        codes in prop::collection::vec(0u32..128, 50..99),
        scales in prop::collection::vec(0u32..255, 7..30),
        acc in select(vec!["f32*16/24,f32", "f32*16/32,f32", "exact/16,f32", "f32*32", "exact/8,e8m13-rz/3,f32", "f32*8/9,bf16"]),
        (k, n) in (1usize..100, 1usize..5),
    ) {
        let blocks = |shape: (usize, usize), dims: (usize, usize)| {
            let codes_of_scales = Array2::from_shape_fn(dims, |(i, j)| scales[(i * 5 + j * 3) % scales.len()]);
            let scales = Scales::from_codes(codes_of_scales.view(), Format::E8M0FNU, 16).unwrap();
            operand("e2m1fn", shape, &codes).with_scales(scales)
        };
        let count = k.div_ceil(16);
        check(&blocks((2, k), (2, count)), &blocks((k, n), (count, n)), acc, None);
    }
}

/// Products far below a floor, and a register that starts at zero: what lies below the floor's last place is lost.
#[test]
fn a_zero_register_has_an_exponent() {
    // (2^11 - 1) 2^-160 = 23 * 89 * 2^-160, and 2^-160: together 2^-149, the smallest f32.
    let a = row("bf16", &[23.0, 1.0].map(|x| x * 2f64.powi(-80)));
    let b =
        Array2::from_shape_vec((2, 1), [89.0, 1.0].map(|x| x * 2f64.powi(-80)).to_vec()).unwrap();
    let b = FloatOperand::from_values(b.view(), Format::BF16).unwrap();
    for (acc, expected) in [("preset:a100-bf16", 0.0), ("aligned24-rz:f32-rz*8", 2f64.powi(-149))] {
        assert_eq!(check(&a, &b, acc, None), FloatEngine::Lanes, "{acc}");
        let product = fewbit::matmul_float(&a, &b, &acc.parse().unwrap(), &Default::default());
        assert_eq!(product.unwrap().values[[0, 0]], expected, "{acc}");
    }
}

/// A step that reaches into the next block, whose scale is 2^-40: 1 + 2^-24 + 2^-58 is no tie, and 59 digits long.
#[test]
fn a_step_across_blocks_is_not_rounded_twice() {
    let blocks = |first: f64, second: f64, third: f64, scale: f64, right: bool| {
        let mut values = Array2::zeros((1, 48));
        (values[[0, 24]], values[[0, 32]], values[[0, 33]]) = (first, second, third);
        let mut scales = Array2::from_elem((1, 3), 1.0);
        scales[[0, 2]] = scale;
        let turn = |matrix: Array2<f64>| if right { matrix.reversed_axes() } else { matrix };
        let operand = FloatOperand::from_values(turn(values).view(), Format::E4M3FN).unwrap();
        operand.with_scales(Scales { format: Format::E8M0FNU, block: 16, values: turn(scales) })
    };
    let a = blocks(1.0, 256.0, 2f64.powi(-9), 2f64.powi(-20), false);
    let b = blocks(1.0, 256.0, 2f64.powi(-9), 2f64.powi(-20), true);
    let acc = "f32*16/24,f32";
    check(&a, &b, acc, None);
    let product = fewbit::matmul_float(&a, &b, &acc.parse().unwrap(), &Default::default());
    assert_eq!(product.unwrap().values[[0, 0]], 1.0 + 2f64.powi(-23));
}

/// Aligned registers of no more digits than `f32`: products of every magnitude that half precision has, sums that cancel
/// to nothing, and registers that start where such a register may, and one step beyond.
#[test]
fn aligned_registers_within_single_precision() {
    let mut state = 9u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    let mut values = |shape: (usize, usize), few: bool| {
        Array2::from_shape_simple_fn(shape, || {
            let exponent = if few { 14 + next() % 3 } else { next() % 31 };
            let fraction = if next() & 1 == 0 { next() & 0x3ff } else { next() & 3 };
            let zero = next().is_multiple_of(7);
            if zero { 0 } else { exponent << 10 | fraction | (next() & 1) << 15 }
        })
    };
    for (k, few) in [(3, false), (70, true), (131, false), (131, true)] {
        let of = |codes: Array2<u32>| FloatOperand::from_codes(codes.view(), Format::F16).unwrap();
        let (a, mut codes) = (of(values((5, k), few)), values((k, 67), few));
        // Half of the columns undo what came before.
        for (i, j) in (1..k).step_by(2).flat_map(|i| (0..30).map(move |j| (i, j))) {
            if a.values()[[0, i]].abs() == a.values()[[0, i - 1]].abs() {
                codes[[i, j]] = codes[[i - 1, j]] ^ 0x8000;
            }
        }
        let b = of(codes);
        for acc in [
            "aligned24-rz:f32-rz*8",
            "aligned24-rz:f32-rz*4",
            "aligned25-rz:f32-rz*16",
            "aligned27-rz:f32-rz*4",
            "aligned27-rz:f32-rz*3",
            "aligned13-rz:e8m13-rz*32",
            "aligned13-rz:e8m13-rz*32/64,f32",
            "aligned3-rz:e8m5-rz*7",
            "aligned0-rz:bf16-rz*5",
            "preset:a100-f16",
            "preset:v100-f16",
            "preset:h100-wgmma-f16",
        ] {
            check(&a, &b, acc, None);
            if acc.contains('/') || acc.contains("e8m") || acc.contains("bf16") {
                continue;
            }
            for exponent in [-149, -76, -75, -60, 0, 60, 100, 101, 127] {
                let init = Array2::from_shape_fn((5, 67), |(i, j)| {
                    [-1.0, 0.0, 1.0, 1.0][(i + j) % 4] * 2f64.powi(exponent)
                });
                check(&a, &b, acc, Some(init.view()));
            }
        }
    }
}
