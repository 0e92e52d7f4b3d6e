//! `preset:x86-vdpbf16ps` computes what the instruction computes on this CPU, where it has it.

use fewbit::reference::{FloatOperand, matmul_float};
use fewbit::{Accumulator, vdpbf16ps};
use fewbit_formats::{Format, philox};
use ndarray::Array2;

/// Outputs of one instruction, and instructions of a chain.
const LANES: usize = 16;
const CHAIN: usize = 3;

/// Operands of a chain of instructions: `CHAIN` times 32 codes each, and 16 registers.
struct Operands {
    a: Vec<u16>,
    b: Vec<u16>,
    c: [f32; LANES],
}

fn bf16(code: u16) -> f32 {
    f32::from_bits(u32::from(code) << 16)
}

/// Random codes, codes whose products are of similar size, at both ends of the range, and sums that cancel.
fn operands(case: u32) -> Operands {
    let word = |stream: u64, i: usize| philox::bits(stream << 32 | u64::from(case), i as u64);
    // The first exponent of a window, and how many there are.
    let (first, count) =
        [(0, 256), (120, 14), (60, 6), (0, 4), (188, 6), (127, 2), (50, 16), (50, 150)]
            [case as usize % 8];
    let code = |stream: u64, i: usize| {
        let bits = word(stream, i);
        let exponent = (first + (bits >> 20) % count) & 0xff;
        (bits as u16 & 0x807f) | (exponent as u16) << 7
    };
    let codes = |stream| (0..32 * CHAIN).map(|i| code(stream, i)).collect::<Vec<_>>();
    let (a, b) = (codes(1), codes(2));
    let c = std::array::from_fn(|lane| {
        let bits = word(3, lane);
        let product = |k: usize| bf16(a[2 * lane + k]) * bf16(b[2 * lane + k]);
        match bits >> 24 & 7 {
            0 => -product(0),
            1 => -product(1),
            2 => -(product(0) + product(1)),
            3 => f32::from_bits((product(0) + product(1)).to_bits() ^ 0x8000_0000 ^ bits & 0xff),
            4 => f32::from_bits(bits & 0x80ff_ffff), // around the smallest normal value
            5 => f32::from_bits((product(1).to_bits() & 0x7f80_0000) | bits & 0x807f_ffff),
            _ => f32::from_bits(bits),
        }
    });
    Operands { a, b, c }
}

/// What comes out of the instruction, one after another; `None` where this CPU lacks it.
fn by_the_chip(operands: &Operands) -> Option<[f32; LANES]> {
    let parts = operands.a.as_chunks::<32>().0.iter().zip(operands.b.as_chunks::<32>().0);
    parts.into_iter().try_fold(operands.c, |c, (a, b)| vdpbf16ps(&c, a, b))
}

/// What the model says, lane by lane.
fn by_the_model(operands: &Operands, acc: &Accumulator) -> [f32; LANES] {
    std::array::from_fn(|lane| {
        let of = |codes: &[u16], shape| {
            let codes = codes.chunks(32).flat_map(|part| &part[2 * lane..2 * lane + 2]);
            let codes = codes.map(|&code| u32::from(code)).collect();
            let codes = Array2::from_shape_vec(shape, codes).expect("as many");
            FloatOperand::from_codes(codes.view(), Format::BF16).expect("every code has a value")
        };
        let (a, b) = (of(&operands.a, (1, 2 * CHAIN)), of(&operands.b, (2 * CHAIN, 1)));
        let c = Array2::from_elem((1, 1), f64::from(operands.c[lane]));
        let product = matmul_float(&a, &b, acc, Some(c.view()), 0).expect("a product");
        product.values[(0, 0)] as f32
    })
}

/// How many outputs of `cases` differ from the chip's in anything but which NaN it is or the sign of zero, and how many
/// there are.
fn differing(acc: &Accumulator, cases: u32) -> Option<(usize, usize)> {
    let mut counts = (0, 0);
    for case in 0..cases {
        let operands = operands(case);
        let chip = by_the_chip(&operands)?;
        let same = |(a, b): &(f32, &f32)| a == *b || a.is_nan() && b.is_nan();
        let model = by_the_model(&operands, acc);
        counts.0 += model.into_iter().zip(&chip).filter(|pair| !same(pair)).count();
        counts.1 += chip.len();
    }
    Some(counts)
}

/// Whether this is a CPU of the maker whose chips were run when the preset was written.
fn was_run() -> bool {
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains("GenuineIntel"))
}

#[test]
fn the_preset_equals_the_instruction() {
    let acc: Accumulator = "preset:x86-vdpbf16ps".parse().unwrap();
    match differing(&acc, 1200) {
        None => println!("not compared: this CPU has no vdpbf16ps"),
        Some((differ, all)) if was_run() => assert_eq!(differ, 0, "of {all} outputs"),
        Some((differ, all)) => {
            println!(
                "vdpbf16ps of this CPU, for which nothing is claimed: {differ} of {all} outputs differ"
            );
        }
    }
}

/// The operands tell the unit from others, on the chip that it was found on.
#[test]
fn other_units_do_not_pass() {
    if !was_run() {
        return;
    }
    for other in ["f32-rne", "f32-rne*2", "preset:cdna1-bf16", "preset:cdna2-bf16"] {
        if let Some((differ, _)) = differing(&other.parse().unwrap(), 200) {
            assert!(differ > 0, "{other} passes");
        }
    }
}

/// By hand: the second product enters first.
#[test]
fn order_and_flushing_by_hand() {
    let acc: Accumulator = "preset:x86-vdpbf16ps".parse().unwrap();
    let run = |a: [f32; 2], b: [f32; 2], c: f32| {
        let of = |x: [f32; 2], shape| {
            let codes = x.iter().map(|x| x.to_bits() >> 16).collect();
            let codes = Array2::from_shape_vec(shape, codes).unwrap();
            FloatOperand::from_codes(codes.view(), Format::BF16).unwrap()
        };
        let c = Array2::from_elem((1, 1), f64::from(c));
        matmul_float(&of(a, (1, 2)), &of(b, (2, 1)), &acc, Some(c.view()), 0).unwrap().values
            [(0, 0)]
    };
    let power = |exponent: i32| 2f32.powi(exponent);
    // 1 + 2^-24 is a tie, to 1; then 2^-23 is seen. The other way round it would be 1 + 3 * 2^-24, a tie up.
    assert_eq!(run([power(-23), power(-24)], [1.0, 1.0], 1.0), 1.0 + 2f64.powi(-23));
    assert_eq!(run([power(-24), power(-23)], [1.0, 1.0], 1.0), 1.0 + 2f64.powi(-22));
    // A product below f32 still counts; a sum below 2^-126 does not, nor does a subnormal operand.
    assert_eq!(run([0.0, power(-75)], [0.0, -power(-75)], power(-126)), 0.0);
    assert_eq!(run([0.0, power(-76)], [0.0, -power(-76)], power(-126)), f64::from(power(-126)));
    assert_eq!(run([power(-127), 0.0], [power(120), 0.0], 0.0), 0.0);
    // Infinity minus infinity; a product beyond f32 is no infinity before it is added.
    assert!(run([f32::INFINITY, 1.0], [1.0, 1.0], f32::NEG_INFINITY).is_nan());
    assert_eq!(run([0.0, power(100)], [0.0, power(28)], -power(127)), f64::from(power(127)));
}
