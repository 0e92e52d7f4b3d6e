//! The table of formats. Lists, documents, tests and the command line derive from it.

use crate::float::{FloatFormat, Signedness, Specials};
use crate::format::Format;
use crate::integer::{FixedFormat, IntFormat, IntRange};
use crate::tapered::{PositFormat, TakumFormat};

/// One row: a format, its name, its names elsewhere, and where it is defined.
#[derive(Clone, Copy, Debug)]
pub struct FormatRow {
    /// The canonical name.
    pub name: &'static str,
    /// The format.
    pub format: Format,
    /// What it is, in a few words.
    pub description: &'static str,
    /// Its names in other stacks.
    pub aliases: &'static [Alias],
    /// Where it is defined.
    pub source: &'static str,
}

/// A name that another stack gives to a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Whose name it is.
    pub stack: Stack,
    /// The name.
    pub name: &'static str,
}

/// Who gives names to formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stack {
    /// LLVM's `APFloat` and MLIR.
    Llvm,
    /// The Open Compute Project's OFP8 and MX specifications.
    Ocp,
    /// ml_dtypes, and through it JAX and NumPy.
    MlDtypes,
    /// PyTorch.
    Torch,
    /// ggml's files.
    Gguf,
    /// IEEE 754, or the P3109 draft.
    Ieee,
    /// NVIDIA's PTX.
    Ptx,
    /// Vitis HLS arbitrary-precision types.
    Hls,
    /// A usual short form.
    Common,
}

impl FormatRow {
    /// Whether `name` is the row's name or one of its aliases, in either case.
    ///
    /// The Open Compute Project's names are not understood: its E4M3 is `e4m3fn`, while `e4m3` is IEEE-like.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        let mut understood = self.aliases.iter().filter(|alias| alias.stack != Stack::Ocp);
        self.name.eq_ignore_ascii_case(name)
            || understood.any(|alias| alias.name.eq_ignore_ascii_case(name))
    }
}

/// Declares each row once: a constant of [`Format`] and an entry of the table.
macro_rules! table {
    ($( $constant:ident $name:literal = $format:expr, $description:literal,
        [$($stack:ident $alias:literal),*], $source:expr; )+) => {
        impl Format {
            $( #[doc = concat!("`", $name, "`: ", $description, ".")] pub const $constant: Self = $format; )+
        }

        /// Every named format.
        pub(crate) const TABLE: &[FormatRow] = &[$( FormatRow {
            name: $name,
            format: Format::$constant,
            description: $description,
            aliases: &[$( Alias { stack: Stack::$stack, name: $alias } ),*],
            source: $source,
        } ),+];
    };
}

use Signedness::{Signed, Unsigned};
use Specials::{Fn, Fnuz, Ieee};

const fn float(e: u32, m: u32, specials: Specials) -> Format {
    Format::Float(FloatFormat::row(e, m, None, specials, Signed))
}

const fn int(bits: u8, signedness: Signedness) -> Format {
    Format::Int(IntFormat::row(bits, signedness, IntRange::Full))
}

const fn narrow(bits: u8) -> Format {
    Format::Int(IntFormat::row(bits, Signed, IntRange::Narrow))
}

const OFP8: &str = "OCP 8-bit Floating Point Specification (OFP8), revision 1.0, 2023";
const MX: &str = "OCP Microscaling Formats (MX) Specification, version 1.0, 2023";
const IEEE: &str = "IEEE 754-2019";
const P3109: &str = "IEEE P3109 interim report, version 4.0 (draft), June 2026";
const FNUZ: &str =
    "Noune et al., 8-bit Numerical Formats for Deep Neural Networks, arXiv 2206.02915, 2022";
const LLVM: &str = "LLVM APFloat";
const INTEGER: &str = "two's complement";
const HLS: &str = "Vitis HLS User Guide UG1399, arbitrary-precision fixed-point types";

const HIF4: &str =
    "Luo et al., HiFloat4 Format for Language Model Inference, arXiv 2602.11287, 2026";
const POSIT: &str = "Standard for Posit Arithmetic, 2022";
const TAKUM: &str = "Hunhold, Beating Posits at Their Own Game: Takum Arithmetic, CoNGA 2024";

table! {
    E4M3FN "e4m3fn" = float(4, 3, Fn), "8-bit float, one NaN magnitude, no infinities",
        [Llvm "Float8E4M3FN", Ocp "E4M3", MlDtypes "float8_e4m3fn", Ptx "fp8e4m3"], OFP8;
    E5M2 "e5m2" = float(5, 2, Ieee), "8-bit float, IEEE-like",
        [Llvm "Float8E5M2", MlDtypes "float8_e5m2", Ptx "fp8e5m2", Common "bf8"], OFP8;
    E4M3 "e4m3" = float(4, 3, Ieee), "8-bit float, IEEE-like; not OCP's E4M3, which is e4m3fn",
        [Llvm "Float8E4M3", MlDtypes "float8_e4m3"], LLVM;
    E3M4 "e3m4" = float(3, 4, Ieee), "8-bit float, IEEE-like",
        [Llvm "Float8E3M4", MlDtypes "float8_e3m4"], LLVM;
    E4M3FNUZ "e4m3fnuz" = float(4, 3, Fnuz), "8-bit float, NaN at negative zero",
        [Llvm "Float8E4M3FNUZ", MlDtypes "float8_e4m3fnuz", Ieee "Binary8p4sf"], FNUZ;
    E5M2FNUZ "e5m2fnuz" = float(5, 2, Fnuz), "8-bit float, NaN at negative zero",
        [Llvm "Float8E5M2FNUZ", MlDtypes "float8_e5m2fnuz", Ieee "Binary8p3sf"], FNUZ;
    E4M3B11FNUZ "e4m3b11fnuz" = Format::Float(FloatFormat::row(4, 3, Some(11), Fnuz, Signed)),
        "8-bit float with bias 11, NaN at negative zero",
        [Llvm "Float8E4M3B11FNUZ", MlDtypes "float8_e4m3b11fnuz"],
        "Sun et al., Hybrid 8-bit Floating Point Training and Inference, NeurIPS 2019; LLVM APFloat";
    E3M2FN "e3m2fn" = float(3, 2, Fn), "6-bit float without NaN and infinities",
        [Llvm "Float6E3M2FN", Ocp "E3M2", MlDtypes "float6_e3m2fn", Ptx "fp6e3m2"], MX;
    E2M3FN "e2m3fn" = float(2, 3, Fn), "6-bit float without NaN and infinities",
        [Llvm "Float6E2M3FN", Ocp "E2M3", MlDtypes "float6_e2m3fn", Ptx "fp6e2m3"], MX;
    E2M1FN "e2m1fn" = float(2, 1, Fn), "4-bit float without NaN and infinities",
        [Llvm "Float4E2M1FN", Ocp "E2M1", MlDtypes "float4_e2m1fn", Torch "float4_e2m1fn_x2", Ptx "fp4e2m1"], MX;
    E8M0FNU "e8m0fnu" = Format::Float(FloatFormat::row(8, 0, None, Fn, Unsigned)),
        "8-bit power of two, one NaN, no zero, no sign",
        [Llvm "Float8E8M0FNU", Ocp "E8M0", MlDtypes "float8_e8m0fnu", Common "ue8m0"], MX;
    E4M3FNU "e4m3fnu" = Format::Float(FloatFormat::row(4, 3, None, Fn, Unsigned)),
        "e4m3fn without its sign bit: the scale of NVFP4", [Common "ue4m3"],
        "NVIDIA PTX ISA, section on alternate floating-point data formats";
    E5M3FNU "e5m3fnu" = Format::Float(FloatFormat::row(5, 3, None, Fn, Unsigned)),
        "8-bit float without sign, one NaN, no infinities: a scale that needs none above it",
        [MlDtypes "float8_e5m3fnu", Common "ue5m3"],
        "NVIDIA PTX ISA 9.4 (preview), alternate floating-point data formats; arXiv 2601.19026, 2026";
    E1M2 "e1m2b1fn" = Format::Float(FloatFormat::row(1, 2, Some(1), Fn, Signed)),
        "4-bit float without NaN and infinities: quarters up to 1.75, the element of HiF4", [Common "s1p2"], HIF4;
    UE6M2 "ue6m2" = Format::Float(FloatFormat::scale_row(6, 2, 48)),
        "8-bit float without sign and zero, bias 48, one NaN: the scale of HiF4; e6m2fnu has a zero and another bias", [],
        HIF4;
    UE2M0 "ue2m0" = Format::Float(FloatFormat::scale_row(2, 0, 0)),
        "1, 2, 4 and NaN: the two levels of one-bit exponents in HiF4", [], HIF4;
    BF16 "bf16" = float(8, 7, Ieee), "16-bit float with the exponent of f32",
        [Llvm "BFloat", MlDtypes "bfloat16", Gguf "BF16"], "Intel bfloat16 hardware numerics definition, 2018";
    F16 "f16" = float(5, 10, Ieee), "half precision",
        [Llvm "IEEEhalf", MlDtypes "float16", Torch "half", Gguf "F16", Ieee "binary16", Common "fp16"], IEEE;
    TF32 "tf32" = float(8, 10, Ieee), "19-bit float with the exponent of f32 and the fraction of f16",
        [Llvm "FloatTF32"], "NVIDIA A100 Tensor Core GPU Architecture, 2020";
    E8M13 "e8m13" = float(8, 13, Ieee), "22-bit float: the FP8 tensor core register, f32 with 13 fraction bits",
        [Common "fp22"], "Xie et al., MMA-Sim, arXiv 2511.10909, 2025";
    F32 "f32" = float(8, 23, Ieee), "single precision",
        [Llvm "IEEEsingle", MlDtypes "float32", Torch "float", Gguf "F32", Ieee "binary32", Common "fp32"], IEEE;
    BINARY8P4SE "binary8p4se" = Format::Float(p3109(8, 4, Signed)), "P3109 8-bit float of precision 4", [], P3109;
    BINARY8P3SE "binary8p3se" = Format::Float(p3109(8, 3, Signed)), "P3109 8-bit float of precision 3", [], P3109;
    INT2 "int2" = int(2, Signed), "2-bit integer", [Llvm "i2", Hls "ap_int<2>"], INTEGER;
    INT4 "int4" = int(4, Signed), "4-bit integer", [Llvm "i4", Hls "ap_int<4>"], INTEGER;
    INT8 "int8" = int(8, Signed), "8-bit integer", [Llvm "i8", Hls "ap_int<8>"], INTEGER;
    INT16 "int16" = int(16, Signed), "16-bit integer", [Llvm "i16", Hls "ap_int<16>"], INTEGER;
    INT32 "int32" = int(32, Signed), "32-bit integer", [Llvm "i32", Hls "ap_int<32>"], INTEGER;
    INT4N "int4n" = narrow(4), "4-bit integer of narrow range", [], INTEGER;
    INT8N "int8n" = narrow(8), "8-bit integer of narrow range", [], INTEGER;
    UINT2 "uint2" = int(2, Unsigned), "2-bit unsigned integer", [Llvm "u2", Hls "ap_uint<2>"], INTEGER;
    UINT4 "uint4" = int(4, Unsigned), "4-bit unsigned integer", [Llvm "u4", Hls "ap_uint<4>"], INTEGER;
    UINT8 "uint8" = int(8, Unsigned), "8-bit unsigned integer", [Llvm "u8", Hls "ap_uint<8>"], INTEGER;
    UINT16 "uint16" = int(16, Unsigned), "16-bit unsigned integer", [Llvm "u16", Hls "ap_uint<16>"], INTEGER;
    UINT32 "uint32" = int(32, Unsigned), "32-bit unsigned integer", [Llvm "u32", Hls "ap_uint<32>"], INTEGER;
    FIX8_4 "fix8.4" = Format::Fixed(FixedFormat::row(8, 4, Signed)), "8-bit fixed point, 4 fraction bits",
        [Hls "ap_fixed<8,4>"], HLS;
    FIX8_6 "fix8.6" = Format::Fixed(FixedFormat::row(8, 6, Signed)),
        "8-bit fixed point, 6 fraction bits: the element of MXINT8", [Ocp "INT8", Hls "ap_fixed<8,2>"], MX;
    UFIX8_4 "ufix8.4" = Format::Fixed(FixedFormat::row(8, 4, Unsigned)),
        "8-bit unsigned fixed point, 4 fraction bits", [Hls "ap_ufixed<8,4>"], HLS;
    POSIT8 "posit8" = Format::Posit(PositFormat::row(8)), "8-bit posit, 2 exponent bits", [Common "posit<8,2>"], POSIT;
    POSIT16 "posit16" = Format::Posit(PositFormat::row(16)), "16-bit posit, 2 exponent bits", [Common "posit<16,2>"], POSIT;
    POSIT32 "posit32" = Format::Posit(PositFormat::row(32)), "32-bit posit, 2 exponent bits", [Common "posit<32,2>"], POSIT;
    TAKUM8 "takum8" = Format::Takum(TakumFormat::row(8)), "8-bit linear takum", [], TAKUM;
    TAKUM16 "takum16" = Format::Takum(TakumFormat::row(16)), "16-bit linear takum", [], TAKUM;
    TAKUM32 "takum32" = Format::Takum(TakumFormat::row(32)), "32-bit linear takum", [], TAKUM;
    HIF8 "hif8" = Format::HiF8, "8-bit tapered float, 3 fraction bits to none; one zero, one NaN, infinities",
        [Common "hifloat8"], "Luo et al., Ascend HiFloat8 Format for Deep Learning, arXiv 2409.16626, 2024";
    BINARY "binary" = Format::Binary, "-1 and +1", [], "Hubara et al., Binarized Neural Networks, NeurIPS 2016";
    TERNARY "ternary" = Format::Ternary, "-1, 0 and +1", [], "Li et al., Ternary Weight Networks, arXiv 1605.04711, 2016";
}

const fn p3109(bits: u32, precision: u32, signedness: Signedness) -> FloatFormat {
    FloatFormat::p3109_row(bits, precision, signedness)
}
