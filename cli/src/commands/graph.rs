//! `fewbit graph`: what is in a network.

use std::path::PathBuf;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::names::Kind;
use crate::networks::{describe, read_model};
use crate::options::FormArgs;
use crate::output::Form;

const EXAMPLES: &str = "\
Examples:
  fewbit graph model.onnx
  fewbit graph model.onnx --json
  fewbit graph model.gguf                  a language model; or a folder with config.json and .safetensors files
  fewbit graph model.onnx --dot G.dot      for Graphviz: dot -Tsvg G.dot";

/// Show what is in a network: operators, shapes, quantizers, accumulators.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Network: an ONNX file, or a language model's .gguf file or folder
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Picture of the network
    #[arg(long, value_name = "G.svg", value_parser = Kind::Svg.output())]
    svg: Option<PathBuf>,
    /// The same as text for Graphviz
    #[arg(long, value_name = "G.dot")]
    dot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let graph = read_model(&args.model, &args.form.inputs)?;
    let description = describe(&graph);
    let mut outputs = Outputs::default();
    if let Some(path) = &args.svg {
        let svg = args.form.provenance(None)?.in_svg(&graph.svg())?;
        outputs.add(path, svg.into_bytes());
    }
    if let Some(path) = &args.dot {
        outputs.add(path, graph.dot().into_bytes());
    }
    outputs.write(&match args.form.form() {
        Form::Json => args.form.json(&description, None)?,
        Form::Text => description.text(),
    })?;
    Ok(Outcome::Done)
}
