//! To a format that is named: groups, one scale, GGUF's blocks.

use std::path::Path;

use fewbit::quantize::{Quantizer, ScaleRule, Scheme};
use fewbit::tensor::{TensorError, ggml_dequantize, ggml_quantize, resolve_axis};
use fewbit_formats::ggml::GgmlType;
use fewbit_formats::{Format, GroupFormat, NanPolicy};
use ndarray::ArrayD;
use serde_json::Value;

use super::args::{Args, Done};
use crate::error::CliError;
use crate::group_policy::GroupPolicyReport;
use crate::output;
use crate::policy::{NanChoice, PolicyReport};
use crate::quantized::{Fidelity, Metadata, Quantized, Target};
use crate::timing;

/// Quantizes to the format of `--to`.
pub(super) fn quantize(args: &Args, input: &Path, x: &ArrayD<f32>) -> Result<Done, CliError> {
    for (given, flag) in
        [(!args.set.is_empty(), "--set"), (!args.set_array.is_empty(), "--set-array")]
    {
        if given {
            return Err(CliError::Arguments(format!(
                "{flag} changes a quantizer: expected --preset or --config to name one"
            )));
        }
    }
    match args.to {
        Some(Target::Groups(format)) => run(args, input, groups(args, input, format, x)?, x),
        Some(Target::Tensor(format)) => run(args, input, tensor(args, format)?, x),
        Some(Target::Blocks(kind)) => blocks(args, input, kind, x),
        None => Err(CliError::Arguments(
            "nothing says what to quantize to: expected --to FORMAT, --preset NAME (see --list-presets) or --config FILE"
                .into(),
        )),
    }
}

/// An error about the input file.
pub(super) fn wrong(path: &Path, error: impl std::fmt::Display) -> CliError {
    CliError::Array { path: path.to_owned(), reason: error.to_string() }
}

pub(super) fn warn_of_nan(x: &ArrayD<f32>, format: Format, policy: NanPolicy, choice: NanChoice) {
    let nan = x.iter().filter(|x| x.is_nan()).count();
    if nan > 0 && choice == NanChoice::Default && !format.has_nan() {
        output::warn(&format!(
            "{nan} NaN in the input, and {format} has none: where the scale does not say so, the policy `{policy}` does; \
             --nan chooses otherwise"
        ));
    }
}

/// A quantizer, and what is said of it.
struct Named {
    quantizer: Quantizer,
    metadata: Metadata,
    bits: f64,
    nan: NanChoice,
}

fn groups(
    args: &Args,
    input: &Path,
    format: GroupFormat,
    x: &ArrayD<f32>,
) -> Result<Named, CliError> {
    let (policy, nan) = args.scales.policy(&args.policy, &format);
    let axis = args.axis.unwrap_or(-1);
    let quantizer = Quantizer::of_groups(format, axis, policy)
        .map_err(|error| CliError::Arguments(error.to_string()))?;
    args.scales.check(&format)?;
    let place =
        resolve_axis(axis, x.shape()).map_err(|error| wrong(input, TensorError::from(error)))?;
    let metadata = Metadata {
        format: format.to_string(),
        axis: Some(place),
        group: Some(format.size()),
        policy: serde_json::to_value(GroupPolicyReport::from(&policy))?,
        ..Metadata::default()
    };
    Ok(Named { quantizer, metadata, bits: format.bits_per_element(), nan })
}

fn tensor(args: &Args, format: Format) -> Result<Named, CliError> {
    refuse(args.axis.is_some(), "--axis, which groups have,", args)?;
    refuse(args.scales.is_given(), "a policy for the scales of groups", args)?;
    let (policy, nan) = args.policy.policy(format);
    let quantizer = Quantizer::new(Scheme::new(format), ScaleRule::abs_max(), policy)?;
    let policy = serde_json::to_value(PolicyReport::from(&policy))?;
    let metadata = Metadata { format: format.to_string(), policy, ..Metadata::default() };
    Ok(Named { quantizer, metadata, bits: f64::from(format.bits()), nan })
}

/// The tensor that a quantizer makes, and how good it is.
fn run(args: &Args, input: &Path, named: Named, x: &ArrayD<f32>) -> Result<Done, CliError> {
    let Named { quantizer, metadata, bits, nan } = named;
    let seed = args.seed.unwrap_or(0);
    let quantizer = quantizer.with_seed(seed);
    let (tensor, seconds) = timing::least("quantizing", args.repeat, || {
        quantizer.quantize(&x.view()).map_err(|error| wrong(input, error))
    })?;
    warn_of_nan(x, quantizer.scheme().format, quantizer.policy().nan, nan);
    let values = tensor.dequantize();
    let fidelity = Fidelity::of_tensor(x, &values, &tensor);
    Ok(Done {
        format: metadata.format.clone(),
        quantized: Quantized::Tensor(Box::new(tensor)),
        values,
        metadata: Metadata { seed, ..metadata },
        bits,
        seconds,
        fidelity,
    })
}

/// Refuses what has no meaning for a target.
fn refuse(given: bool, flags: &str, args: &Args) -> Result<(), CliError> {
    if given {
        let to = args.to.map_or_else(String::new, |to| to.to_string());
        return Err(CliError::Arguments(format!("{flags} has no meaning for --to {to}")));
    }
    Ok(())
}

fn blocks(args: &Args, input: &Path, kind: GgmlType, x: &ArrayD<f32>) -> Result<Done, CliError> {
    refuse(args.policy.is_given(), "a policy, which ggml sets,", args)?;
    refuse(args.scales.is_given(), "a policy for scales, which ggml sets,", args)?;
    refuse(args.seed.is_some(), "--seed", args)?;
    let last = x.ndim().checked_sub(1);
    let axis = args.axis.unwrap_or(-1);
    refuse(
        last.is_some() && resolve_axis(axis, x.shape()).ok() != last,
        "an axis other than the last",
        args,
    )?;
    let failed = |error: TensorError| wrong(input, error);
    let (blocks, seconds) = timing::least("quantizing", args.repeat, || {
        ggml_quantize(kind, &x.view()).map_err(failed)
    })?;
    let values = ggml_dequantize(kind, &blocks.view()).map_err(failed)?;
    let metadata = Metadata {
        format: format!("gguf:{kind}"),
        axis: last,
        group: Some(kind.elements()),
        seed: 0,
        policy: Value::String("ggml's reference quantizer".into()),
        ..Metadata::default()
    };
    let fidelity = Fidelity::of_blocks(x, &values);
    Ok(Done {
        format: metadata.format.clone(),
        quantized: Quantized::Blocks(blocks),
        values,
        metadata,
        bits: 8.0 * kind.bytes() as f64 / kind.elements() as f64,
        seconds,
        fidelity,
    })
}
