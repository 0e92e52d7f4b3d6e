//! What `fewbit quantize` takes, and what its parts share.

use std::num::NonZeroU32;
use std::path::PathBuf;

use ndarray::ArrayD;

use crate::group_policy::ScaleArgs;
use crate::io::names::Kind;
use crate::options::{FormArgs, ThreadArgs};
use crate::policy::PolicyArgs;
use crate::quantized::{Fidelity, Metadata, Quantized, Target};

const EXAMPLES: &str = "\
Examples:
  fewbit quantize --to mxfp4 X.npy Q.safetensors                      32 elements of the last axis share a power of two
  fewbit quantize --to mxfp8e4m3 --axis 0 --scale-rule rceil X.npy Q.safetensors
  fewbit quantize --to nvfp4 --preset torchao-0.13-nvfp4 X.npy Q.safetensors
  fewbit quantize --to 'mx(int4,f16,128)' X.npy Q.safetensors         any element, any scale, any size
  fewbit quantize --to 'mx(uint4,f16,32,zero-point)' X.npy Q.safetensors
  fewbit quantize --to 'mx(int4,uint6*f16/8,32)' X.npy Q.safetensors  8 groups share an f16 above their uint6 scales
  fewbit quantize --to int8 X.npy Q.safetensors                       one scale for all
  fewbit quantize --to gguf:q4_0 X.npy Q.safetensors                  the blocks of GGUF files, byte for byte
  fewbit quantize --preset Int8WeightPerChannelFloat W.npy Q.safetensors
  fewbit quantize --preset MXFloat8e4m3Weight --set group_size=64 W.npy Q.safetensors --report R.json --svg P.svg
  fewbit quantize --config quantizer.yaml --set scale.source.mse.guard=never-worse W.npy Q.safetensors
  fewbit quantize --list-presets

Group formats: mxfp8e4m3, mxfp8e5m2, mxfp6e2m3, mxfp6e3m2, mxfp4, mxint8, nvfp4, and in general
mx(<element>,<scale>,<size>[,zero-point][,coupled<N>]) with a scale <format>[*<outer>[/<groups>]].

Tensors of the file, for groups and one scale: codes (unsigned, the shape of X), scale (f32), scale_codes (where the
scale has a format other than f32), zero_point (codes), tensor_scale or outer_scale (f32) and outer_scale_codes,
values (f32). For GGUF's blocks: blocks (uint8, the last axis in bytes), values. The metadata under `fewbit` say the
format, the axis, the group size and every choice made, and state the tensors with a digest of them.

A quantizer by name computes what the class of that name in Brevitas 0.12.1 computes. Its file has codes, scale,
zero_point (f32), bit_width, and values (f32) as a simulation on floats has them: NaN stays NaN, zeros keep their signs.
--config reads YAML or JSON: either the whole quantizer as the metadata of a file have it under `recipe`, or `preset` and
the fields to change. A field is named by its path (scale.restriction), or as in Brevitas (bit_width, group_size).

SQNR is 10 log10(sum x^2 / sum (x - value)^2) over elements that are finite before and after, in f64.";

/// Arguments of `fewbit quantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Array of numbers that are all float32
    #[arg(value_name = "X.npy", required_unless_present = "list_presets")]
    pub(super) input: Option<PathBuf>,
    /// Codes, scales and values
    #[arg(
        value_name = "OUT.safetensors",
        required_unless_present = "list_presets",
        value_parser = Kind::Safetensors.output()
    )]
    pub(super) output: Option<PathBuf>,
    /// Group format, scalar format, or gguf:q4_0, gguf:q4_1, gguf:q8_0, gguf:mxfp4, gguf:tq2_0
    #[arg(long, value_name = "FORMAT")]
    pub(super) to: Option<Target>,
    /// Quantizer in YAML or JSON
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    pub(super) config: Option<PathBuf>,
    /// Change a field of the quantizer that --preset or --config names; can be given several times
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(super) set: Vec<String>,
    /// Take this field of the quantizer from an array of numbers, as input_scale=S.npy; can be given several times
    #[arg(long, value_name = "FIELD=FILE.npy")]
    pub(super) set_array: Vec<String>,
    /// Print the quantizers that --preset takes, and do nothing else
    #[arg(long, exclusive = true)]
    pub(super) list_presets: bool,
    /// The result as JSON with a histogram of the codes
    #[arg(long, value_name = "R.json", value_parser = Kind::Json.output())]
    pub(super) report: Option<PathBuf>,
    /// A picture of the histogram
    #[arg(long, value_name = "P.svg", value_parser = Kind::Svg.output())]
    pub(super) svg: Option<PathBuf>,
    /// Axis along which groups run, counted from the end where it is negative [default: -1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) axis: Option<isize>,
    #[command(flatten)]
    pub(super) scales: ScaleArgs,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    /// Seed of stochastic rounding; the random bits of an element depend on it and on the element's index alone
    /// [default: 0]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Quantize this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) repeat: NonZeroU32,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// What a run gives.
pub(super) struct Done {
    pub(super) format: String,
    pub(super) quantized: Quantized,
    pub(super) values: ArrayD<f32>,
    pub(super) metadata: Metadata,
    pub(super) bits: f64,
    pub(super) seconds: f64,
    pub(super) fidelity: Fidelity,
}
