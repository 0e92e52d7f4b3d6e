//! The numbers of a requantization as arguments: once on their own, once behind a product.

use std::path::PathBuf;

use fewbit_formats::{Format, IntFormat, Overflow};

use super::number::NumberArg;
use crate::spelling;

/// The numbers, and how their flags begin.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    /// What stands before the name of every flag.
    pub(super) prefix: &'static str,
    pub(super) scale: Option<NumberArg>,
    pub(super) multiplier: Option<NumberArg>,
    pub(super) shift: Option<NumberArg>,
    pub(super) thresholds: Option<PathBuf>,
    pub(super) out_scale: Option<i64>,
    pub(super) out_bias: Option<NumberArg>,
    pub(super) bias: Option<NumberArg>,
    pub(super) zero_point: i64,
    pub(super) overflow: Overflow,
}

macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $with:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, clap::Args)]
        pub(crate) struct $name {
            /// Real scale: a number, or a .npy of shape [], [1] or [last axis]. Policies with a multiplier and a shift
            /// derive them as their stack does; `onnx` and `finn` round it to float32
            #[arg(
                long = concat!($prefix, "scale"),
                value_name = "S",
                allow_negative_numbers = true,
                requires = $with,
                conflicts_with_all = ["multiplier", "shift", "thresholds"]
            )]
            scale: Option<NumberArg>,
            /// Integer multiplier, likewise a number or a .npy
            #[arg(
                long = concat!($prefix, "multiplier"),
                value_name = "M",
                allow_negative_numbers = true,
                requires_all = [$with, "shift"]
            )]
            multiplier: Option<NumberArg>,
            /// Shift, likewise, in the stack's own convention: to the right for TOSA (2 to 62) and for `shift-<rounding>`,
            /// an exponent for TFLite, CMSIS-NN and ruy (31 - TOSA's; positive to the left)
            #[arg(
                long = concat!($prefix, "shift"),
                value_name = "N",
                allow_negative_numbers = true,
                requires = $with
            )]
            shift: Option<NumberArg>,
            /// Thresholds, [T] for all or [last axis, T]: an output counts those that its value reaches
            #[arg(
                long = concat!($prefix, "thresholds"),
                value_name = "T.npy",
                requires = $with,
                conflicts_with_all = ["multiplier", "shift"]
            )]
            thresholds: Option<PathBuf>,
            /// What each threshold that is reached counts [default: 1]
            #[arg(
                long = concat!($prefix, "out-scale"),
                value_name = "N",
                allow_negative_numbers = true,
                requires = "thresholds"
            )]
            out_scale: Option<i64>,
            /// Bias in units of the output: of `finn`, behind its scale, a number or a .npy; of `thresholds`, the output
            /// where none is reached, an integer [default: 0]
            #[arg(
                long = concat!($prefix, "out-bias"),
                value_name = "B",
                allow_negative_numbers = true,
                requires = $with
            )]
            out_bias: Option<NumberArg>,
            /// Bias in units of the accumulator, added exactly before the scale: an integer, or a .npy of shape [], [1]
            /// or [last axis]
            #[arg(
                long = concat!($prefix, "bias"),
                value_name = "B",
                allow_negative_numbers = true,
                requires = $with
            )]
            bias: Option<NumberArg>,
            /// Zero point of the output [default: 0]
            #[arg(
                long = concat!($prefix, "zero-point"),
                value_name = "Z",
                allow_hyphen_values = true,
                requires = $with
            )]
            zero_point: Option<i64>,
            /// Beyond the output's range: saturate, saturate-symmetric, wrap, wrap-sm, zero ... [default: saturate]
            #[arg(
                id = concat!($prefix, "overflow"),
                long = concat!($prefix, "overflow"),
                value_name = "POLICY",
                requires = $with
            )]
            overflow: Option<Overflow>,
        }

        impl From<$name> for Numbers {
            fn from(args: $name) -> Self {
                let $name {
                    scale,
                    multiplier,
                    shift,
                    thresholds,
                    out_scale,
                    out_bias,
                    bias,
                    zero_point,
                    overflow,
                } = args;
                Self {
                    prefix: concat!("--", $prefix),
                    scale,
                    multiplier,
                    shift,
                    thresholds,
                    out_scale,
                    out_bias,
                    bias,
                    zero_point: zero_point.unwrap_or(0),
                    overflow: overflow.unwrap_or(Overflow::Saturate),
                }
            }
        }
    };
}

numbers! {
    /// The numbers of `fewbit requantize`.
    NumberArgs, "", "policy"
}

numbers! {
    /// Those behind a product, whose flags say so.
    TailNumberArgs, "requantize-", "requantize"
}

/// The format of an output by its name, as an argument.
///
/// # Errors
/// Any other text than an integer format's.
pub(crate) fn output_format(name: &str) -> Result<IntFormat, String> {
    match spelling::format(name)? {
        Format::Int(format) => Ok(format),
        other => Err(format!(
            "{other} is no integer format: expected one such as int8, uint8, int16 or int32"
        )),
    }
}
