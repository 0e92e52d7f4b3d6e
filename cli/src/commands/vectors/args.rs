//! What `fewbit vectors` takes.

use std::path::PathBuf;

use fewbit::Accumulator;
use fewbit::requantize::RequantizePolicy;
use fewbit::vectors::{VectorOp, VectorStyle};

use crate::error::CliError;
use crate::group_policy::ScaleArgs;
use crate::io::names;
use crate::options::FormArgs;
use crate::policy::PolicyArgs;
use crate::quantized::Target;
use crate::requantization::TailNumberArgs;
use crate::vector_files::FileKind;

const EXAMPLES: &str = "\
Examples:
  fewbit vectors --op mul --format e4m3fn --style exhaustive --as csv --to DIR     all 65536 pairs
  fewbit vectors --op fma --a bf16 --b bf16 --c f32 --out-format f32 --as testfloat --overflow ieee --to DIR
  fewbit vectors --op cast --format f32 --out-format e4m3fn --round stochastic8 --style edges --as jsonl --to DIR
  fewbit vectors --op quantize --out-format mxfp4 --preset ocp-1.0 --count 200 --as readmemh --to DIR
  fewbit vectors --op requantize --requantize gemmlowp --requantize-scale 0.0037 --format int32 --out-format int8 --as csv --to DIR
  fewbit vectors --op dot --a uint8 --b int4 --acc int12-sat/16,int20-wrap --k 64 --as readmemh --to DIR
  fewbit vectors --op matmul --a mxfp4 --b mxfp8e4m3 --acc f32 --m 4 --k 64 --n 4 --count 10 --as npz --to DIR
  fewbit vectors --from A.npy B.npy --acc int20-sat --per-step --as csv --to DIR   every cycle of every output

Files: vectors.hex, .csv, .jsonl, .tf or .npz (of --per-step: trace.…), with readmemh a package vectors.svh, and of matmul a
file for each field; with testfloat the header in vectors.json. A header has the operation, formats, every policy, shapes,
style, count, seed, version, the place of every field, and SHA-256 of the rows and of itself: `fewbit verify FILE` computes
all rows anew from it. The same arguments give the same bytes everywhere.

Classes of edges, each counted in the summary and named where a file has room (csv, jsonl, npz): ties, overflow, subnormals,
cancellation, specials, extremes; of requantize steps, the neighbours of a value at which the output changes; of products
alternating, witness (the worst inputs for the weights, as `fewbit bounds --witness`) and short, whose field `length` says how
many of the K products there are. Stimuli that the formats cannot have are counted; others take their place.

Words are hexadecimal: codes, two's complement, float64 bits. readmemh packs a row into a word, the first field in the top
bits. Flags: 1 inexact, 2 underflow, 4 overflow, 8 division by zero, 16 invalid. Bit s of events: an overflow in stage s.
The bits of a stochastic rounding are a field; of registers it is the number of the output, which with the seed they follow
from.";

/// Write stimuli and expected results for a test bench, with a header that says all they depend on
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// add, sub, mul, div, fma, sqrt, cast, quantize, requantize, dot or matmul [default: matmul, with --from]
    #[arg(long, value_name = "OP", required_unless_present = "from")]
    pub(super) op: Option<VectorOp>,
    /// Format of all operands, and of the result where --out-format names no other; of cast, quantize (default: f32) and
    /// requantize (int32) that of the input
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Target>,
    /// Format of the first operand, as e4m3fn, or of dot and matmul with scales, as mxfp4
    #[arg(long, value_name = "FORMAT")]
    pub(super) a: Option<Target>,
    /// Format of the second operand, likewise
    #[arg(long, value_name = "FORMAT")]
    pub(super) b: Option<Target>,
    /// Format of the third operand, of fma
    #[arg(long, value_name = "FORMAT")]
    pub(super) c: Option<Target>,
    /// Format of the result; of quantize a group format too
    #[arg(long, value_name = "FORMAT")]
    pub(super) out_format: Option<Target>,
    /// Accumulator of dot and matmul, as `int16-sat`, `int16-wrap/64,int24-sat` or `preset:h100-wgmma-fp8`
    #[arg(long, value_name = "SPEC")]
    pub(super) acc: Option<Accumulator>,
    /// Products of an output [default: 64]
    #[arg(long, short, value_name = "K")]
    pub(super) k: Option<usize>,
    /// Rows of the left matrix [default: 4]
    #[arg(long, short, value_name = "M")]
    pub(super) m: Option<usize>,
    /// Columns of the right matrix [default: 4]
    #[arg(long, short, value_name = "N")]
    pub(super) n: Option<usize>,
    /// exhaustive, edges, random or mixed [default: mixed, half edges, half random]
    #[arg(long, value_name = "STYLE", conflicts_with = "from")]
    pub(super) style: Option<VectorStyle>,
    /// Vectors; of matmul, products of matrices [default: 1000, of matmul 10]
    #[arg(long, value_name = "N", conflicts_with = "from")]
    pub(super) count: Option<u64>,
    /// Seed of stimuli and of stochastic roundings [default: 0]
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// Given operands instead: of matmul [M, K] and [K, N], of dot [vectors, K] each; codes (unsigned integers) of --a and
    /// --b, or values that these formats have
    #[arg(long, num_args = 2, value_names = ["A.npy", "B.npy"], conflicts_with_all = ["k", "m", "n"])]
    pub(super) from: Option<Vec<PathBuf>>,
    /// Of dot and matmul, a row for every cycle: what enters, the product, every stage's register after it, event bits, and
    /// marks of the first and the last cycle of a tile and of an output
    #[arg(long)]
    pub(super) per_step: bool,
    /// Kind of file
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub(super) kind: FileKind,
    /// Folder of the files
    #[arg(long, value_name = "DIR", value_parser = names::folder())]
    pub(super) to: PathBuf,
    /// Of quantize to a scalar format: the scale [default: 1]
    #[arg(long = "scale", value_name = "S")]
    pub(super) quantize_scale: Option<f32>,
    /// Of quantize to an integer format: the zero point [default: 0]
    #[arg(long = "quantize-zero-point", value_name = "Z", allow_negative_numbers = true)]
    pub(super) quantize_zero_point: Option<f32>,
    #[command(flatten)]
    pub(super) scales: ScaleArgs,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) requantization: RequantizeArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// The requantization that vectors are of.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Requantization, of requantize")]
pub(crate) struct RequantizeArgs {
    /// The rule, as `gemmlowp`, `tosa32`, `onnx` or `exact-ties-even`; `fewbit requantize --help` lists them
    #[arg(long, value_name = "POLICY")]
    pub(super) requantize: Option<RequantizePolicy>,
    /// Channels, where numbers are per channel [default: 1]
    #[arg(long, value_name = "N", requires = "requantize")]
    pub(super) channels: Option<usize>,
    #[command(flatten)]
    pub(super) numbers: TailNumberArgs,
}

impl Args {
    /// The operation.
    pub(super) fn op(&self) -> VectorOp {
        self.op.unwrap_or(VectorOp::Matmul)
    }

    /// Vectors that are drawn.
    pub(super) fn vectors(&self) -> u64 {
        let matmul = self.op() == VectorOp::Matmul;
        match (self.count, self.style) {
            (Some(count), _) => count,
            (None, Some(VectorStyle::Exhaustive)) => 0,
            (None, _) => {
                if matmul {
                    10
                } else {
                    1000
                }
            }
        }
    }

    /// Refuses arguments that the operation does not look at.
    ///
    /// # Errors
    /// The first of them.
    pub(super) fn refuse_what_has_no_effect(&self) -> Result<(), CliError> {
        use VectorOp::{Cast, Dot, Fma, Matmul, Quantize, Requantize, Sqrt};
        let op = self.op();
        let product = matches!(op, Dot | Matmul);
        let scalar = op.arity().is_some();
        let operands = matches!(op, Cast | Quantize | Requantize);
        let groups = op == Quantize && matches!(self.out_format, Some(Target::Groups(_)));
        let exhaustive = self.style == Some(VectorStyle::Exhaustive);
        let arguments = [
            (self.a.is_some(), "--a", !operands),
            (self.b.is_some(), "--b", !operands && op != Sqrt),
            (self.c.is_some(), "--c", op == Fma),
            (self.out_format.is_some(), "--out-format", !product),
            (self.acc.is_some(), "--acc", product),
            (self.k.is_some(), "--k", product),
            (self.m.is_some(), "--m", op == Matmul),
            (self.n.is_some(), "--n", op == Matmul),
            (self.from.is_some(), "--from", product),
            (self.per_step, "--per-step", product),
            (self.quantize_scale.is_some(), "--scale", op == Quantize && !groups),
            (
                self.quantize_zero_point.is_some(),
                "--quantize-zero-point",
                op == Quantize && !groups,
            ),
            (self.scales.is_given(), "a policy for the scales of groups", groups),
            (self.policy.is_given(), "a policy", scalar || op == Quantize),
            (self.requantization.requantize.is_some(), "--requantize", op == Requantize),
            (self.count.is_some(), "--count, of all combinations,", !exhaustive),
        ];
        match arguments.iter().find(|(given, _, has_effect)| *given && !has_effect) {
            None => Ok(()),
            Some((_, argument, _)) => {
                Err(CliError::Arguments(format!("{argument} has no meaning for --op {op}")))
            }
        }
    }
}
