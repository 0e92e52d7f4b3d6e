//! `fewbit dequantize`: codes and scales back to an array.

use std::path::PathBuf;

use serde::Serialize;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::names::Kind;
use crate::io::npy;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::Form;
use crate::quantized;

const EXAMPLES: &str = "\
Examples:
  fewbit dequantize Q.safetensors Y.npy

Reads what `fewbit quantize` wrote: the metadata under `fewbit`, codes, scales, zero points and outer scales, or GGUF's
blocks. The values are computed anew, not taken from the tensor `values`; scales must be those of their codes.
What the values need and is missing, or was changed since, is an error. Files of earlier versions, which do not state what
they have, are read where `values` are those of their codes.";

/// Arguments of `fewbit dequantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What `fewbit quantize` wrote
    #[arg(value_name = "IN.safetensors")]
    input: PathBuf,
    /// The values, as float32
    #[arg(value_name = "OUT.npy", value_parser = Kind::Npy.output())]
    output: PathBuf,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// What was done, for `--json`.
#[derive(Serialize)]
struct DequantizeReport {
    format: String,
    shape: Vec<usize>,
    elements: usize,
}

/// Reads, decodes, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let (target, values) = args.threads.run(|| quantized::read(&args.input, &args.form.inputs))?;
    let flat: Vec<f32> = values.iter().copied().collect();
    let bytes = npy::encode(values.shape(), &flat)
        .map_err(|source| CliError::Write { path: args.output.clone(), source })?;
    let mut outputs = Outputs::default();
    outputs.add(&args.output, bytes);
    let report = DequantizeReport {
        format: target.to_string(),
        shape: values.shape().to_vec(),
        elements: flat.len(),
    };
    outputs.write(&match args.form.form() {
        Form::Json => args.form.json(&report, None)?,
        Form::Text => {
            format!("{:?} from {}: {} elements", report.shape, report.format, report.elements)
        }
    })?;
    Ok(Outcome::Done)
}
