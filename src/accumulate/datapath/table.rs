//! The rows, and how one is found.

use std::str::FromStr;

use fewbit_formats::{Format, Rounding};

use crate::accumulate::FloatOverflow;

use super::{
    Addends, Aligned, AlignmentGroups, BlockScales, Cdna3, Datapath, SplitHalves, Unit,
    UnknownDatapath, ZeroExponent,
};

const H100: &str = "MMA-Sim 2.1.1 (Xie et al., arXiv 2511.10909) and the models of Mikaitis et al. (arXiv 2512.07004); \
                    31 million outputs of an H100 and an H200, random, cancelling, subnormal and special operands, agree in every bit (tests/golden/h100)";
const H100_ALONE: &str = "an H100 and an H200: 31 million outputs of random, cancelling, subnormal and special operands agree in every bit \
     (tests/golden/h100)";
const MMA_SIM: &str = "MMA-Sim 2.1.1 (Xie et al., arXiv 2511.10909), which reports bitwise agreement with the hardware";
const BOTH: &str = "MMA-Sim 2.1.1 (Xie et al., arXiv 2511.10909) and the models of Mikaitis et al. (arXiv 2512.07004), \
                    which both report bitwise agreement with the hardware";

/// Of addends below the exponent of zero one model says that they count as having it, the other does not. That is the
/// same: the register's own exponent is above it, or the register is zero.
const NOTHING: &str = "";
/// Where products can lie that far below.
const ZEROS: &str = "An earlier version of MMA-Sim gave a zero addend the exponent -126, which would differ where all \
                     other addends lie below that.";
const LIBRARIES: &str = "Published measurements of FP8 matrix products through libraries agree with 13 bits; which \
                     instruction a library picks is not part of the model.";
const LOWERED: &str = "MMA-Sim 1 gave this instruction one step of 32 products with 25 bits, which an H100 contradicts; \
                       MMA-Sim 2 does not model it. wgmma on the same chip keeps 13 bits.";
const SCALED: &str =
    "Stated by MMA-Sim alone; DeepGEMM's authors were not sure of the width (34 to 37 bits).";
const CDNA1: &str = "MMA-Sim 2 and the other model say exact; MMA-Sim 1 said a pairwise tree.";
const CDNA3: &str = "The width and rounding of the sum follow MMA-Sim 2.1.1; MMA-Sim 1 kept 31 bits without the last \
                     cut. An infinite register is infinite here, whatever the exponents.";
const TREE: &str = "Signs of zeros are not modelled.";

const X86: &str = "an Intel Xeon with AVX512_BF16: 6.4 million outputs of random, cancelling, overflowing, subnormal and special \
     operands agree in every bit, and tests/datapaths/x86.rs runs the instruction again wherever there is one";
const ONE_CHIP: &str =
    "No chip of AMD's (Zen 4 and later) was run. Which NaN comes out is not modelled.";

const F16: &[Format] = &[Format::F16];
const BF16: &[Format] = &[Format::BF16];
const TF32: &[Format] = &[Format::TF32];
const FP8: &[Format] = &[Format::E4M3FN, Format::E5M2];
const F8F6F4: &[Format] =
    &[Format::E4M3FN, Format::E5M2, Format::E2M3FN, Format::E3M2FN, Format::E2M1FN];
const FP4: &[Format] = &[Format::E2M1FN];
const FNUZ: &[Format] = &[Format::E4M3FNUZ, Format::E5M2FNUZ];

/// A register of NVIDIA's units.
#[derive(Clone, Copy)]
enum Out {
    F32,
    E8M13,
    F16,
}

/// An align-and-add unit: name, operands, width, fraction bits, exponent of zero, register, remark.
const fn nvidia(
    name: &'static str,
    operands: &'static [Format],
    width: u32,
    fraction_bits: u32,
    zero: i32,
    out: Out,
    unconfirmed: &'static str,
) -> Datapath {
    let (format, rounding) = match out {
        Out::F32 => (Format::F32, Rounding::TowardZero),
        Out::E8M13 => (Format::E8M13, Rounding::TowardZero),
        Out::F16 => (Format::F16, Rounding::TiesEven),
    };
    let unit = Aligned {
        fraction_bits,
        alignment: Rounding::TowardZero,
        zero: ZeroExponent::Fixed(zero),
        addends: Addends::Products,
        format,
        rounding,
        overflow: FloatOverflow::Own,
    };
    Datapath {
        name,
        operands,
        scales: None,
        width,
        unit: Unit::Aligned(unit),
        source: BOTH,
        unconfirmed,
    }
}

/// The row of a unit that was run.
const fn h100(row: Datapath) -> Datapath {
    Datapath { source: H100, ..row }
}

/// The unit takes the halves of an instruction.
const fn lowered(row: Datapath) -> Datapath {
    let Unit::Aligned(unit) = row.unit else {
        return row;
    };
    Datapath { unit: Unit::SplitHalves(SplitHalves { unit }), source: H100_ALONE, ..row }
}

/// The same unit for operands in scaled blocks.
const fn scaled(row: Datapath, format: Format, block: u32, addends: Addends) -> Datapath {
    let Unit::Aligned(unit) = row.unit else {
        return row;
    };
    Datapath {
        scales: Some(BlockScales { format, block }),
        unit: Unit::Aligned(Aligned { addends, ..unit }),
        source: MMA_SIM,
        ..row
    }
}

const fn amd(
    name: &'static str,
    operands: &'static [Format],
    width: u32,
    unit: Unit,
    unconfirmed: &'static str,
) -> Datapath {
    Datapath { name, operands, scales: None, width, unit, source: MMA_SIM, unconfirmed }
}

const FUSED: Unit = Unit::Fused { format: Format::F32, rounding: Rounding::TiesEven };

const fn late(groups: AlignmentGroups) -> Unit {
    Unit::Cdna3(Cdna3 { fraction_bits: 24, sum_bits: 31, groups })
}

const TABLE: &[Datapath] = &[
    nvidia("v100-f16", F16, 4, 23, -131, Out::F32, NOTHING),
    nvidia("v100-f16-f16", F16, 4, 23, -19, Out::F16, NOTHING),
    nvidia("turing-f16", F16, 8, 24, -132, Out::F32, NOTHING),
    nvidia("turing-f16-f16", F16, 8, 24, -20, Out::F16, NOTHING),
    nvidia("a100-f16", F16, 8, 24, -132, Out::F32, NOTHING),
    nvidia("a100-f16-f16", F16, 8, 24, -20, Out::F16, NOTHING),
    nvidia("a100-bf16", BF16, 8, 24, -132, Out::F32, ZEROS),
    nvidia("a100-tf32", TF32, 4, 24, -132, Out::F32, ZEROS),
    nvidia("ada-f16", F16, 8, 24, -132, Out::F32, NOTHING),
    nvidia("ada-f16-f16", F16, 8, 24, -20, Out::F16, NOTHING),
    nvidia("ada-bf16", BF16, 8, 24, -132, Out::F32, ZEROS),
    nvidia("ada-tf32", TF32, 4, 24, -132, Out::F32, ZEROS),
    nvidia("ada-fp8", FP8, 16, 13, -132, Out::E8M13, LIBRARIES),
    nvidia("ada-fp8-f16", FP8, 16, 13, -20, Out::F16, NOTHING),
    h100(nvidia("h100-mma-f16", F16, 16, 25, -133, Out::F32, NOTHING)),
    h100(nvidia("h100-mma-f16-f16", F16, 16, 25, -21, Out::F16, NOTHING)),
    h100(nvidia("h100-mma-bf16", BF16, 16, 25, -133, Out::F32, NOTHING)),
    h100(nvidia("h100-mma-tf32", TF32, 8, 25, -133, Out::F32, NOTHING)),
    lowered(nvidia("h100-mma-fp8", FP8, 32, 25, -133, Out::F32, LOWERED)),
    lowered(nvidia("h100-mma-fp8-f16", FP8, 32, 25, -21, Out::F16, LOWERED)),
    h100(nvidia("h100-wgmma-f16", F16, 16, 25, -133, Out::F32, NOTHING)),
    h100(nvidia("h100-wgmma-f16-f16", F16, 16, 25, -21, Out::F16, NOTHING)),
    h100(nvidia("h100-wgmma-bf16", BF16, 16, 25, -133, Out::F32, NOTHING)),
    h100(nvidia("h100-wgmma-tf32", TF32, 8, 25, -133, Out::F32, NOTHING)),
    h100(nvidia("h100-wgmma-fp8", FP8, 32, 13, -133, Out::E8M13, NOTHING)),
    h100(nvidia("h100-wgmma-fp8-f16", FP8, 32, 13, -21, Out::F16, NOTHING)),
    nvidia("blackwell-f16", F16, 16, 25, -133, Out::F32, NOTHING),
    nvidia("blackwell-f16-f16", F16, 16, 25, -21, Out::F16, NOTHING),
    nvidia("blackwell-bf16", BF16, 16, 25, -133, Out::F32, ZEROS),
    nvidia("blackwell-tf32", TF32, 8, 25, -133, Out::F32, ZEROS),
    nvidia("blackwell-fp8", F8F6F4, 32, 25, -133, Out::F32, NOTHING),
    nvidia("blackwell-fp8-f16", F8F6F4, 32, 25, -21, Out::F16, NOTHING),
    scaled(
        nvidia("blackwell-mxfp8", F8F6F4, 32, 25, -133, Out::F32, SCALED),
        Format::E8M0FNU,
        32,
        Addends::Products,
    ),
    scaled(
        nvidia("blackwell-mxfp4", FP4, 64, 35, -139, Out::F32, SCALED),
        Format::E8M0FNU,
        32,
        Addends::ScaledGroups(16),
    ),
    scaled(
        nvidia("blackwell-nvfp4", FP4, 64, 35, -139, Out::F32, SCALED),
        Format::E4M3FNU,
        16,
        Addends::ScaledGroups(16),
    ),
    amd("cdna1-f16", F16, 4, FUSED, CDNA1),
    amd("cdna1-bf16", BF16, 2, FUSED, CDNA1),
    amd("cdna2-f16", F16, 4, Unit::Cdna2, TREE),
    amd("cdna2-bf16", BF16, 2, Unit::Cdna2, TREE),
    amd("cdna2-bf16-1k", BF16, 4, Unit::Cdna2, TREE),
    amd("cdna3-f16", F16, 8, late(AlignmentGroups::One), CDNA3),
    amd("cdna3-bf16", BF16, 8, late(AlignmentGroups::One), CDNA3),
    amd("cdna3-xf32", TF32, 4, late(AlignmentGroups::One), CDNA3),
    amd("cdna3-fp8", FNUZ, 16, late(AlignmentGroups::EvenOdd), CDNA3),
    Datapath {
        name: "x86-vdpbf16ps",
        operands: BF16,
        scales: None,
        width: 2,
        unit: Unit::Vdpbf16ps,
        source: X86,
        unconfirmed: ONE_CHIP,
    },
];

impl Datapath {
    /// All rows.
    pub fn table() -> &'static [Self] {
        TABLE
    }
}

/// The row of this name.
impl FromStr for &'static Datapath {
    type Err = UnknownDatapath;

    fn from_str(text: &str) -> Result<Self, UnknownDatapath> {
        let rows = Datapath::table();
        let found = rows.iter().find(|row| row.name == text);
        found.ok_or_else(|| UnknownDatapath::new(text, rows.iter().map(|row| row.name)))
    }
}
