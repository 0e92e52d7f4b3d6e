//! `fewbit run`: a network on inputs.

mod execution;
mod language;
mod model;

use std::path::PathBuf;

use fewbit::requantize::RequantizePolicy;
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::eval::{ExecutionKind, batches, predictions, run_batches};
use fewbit_models::exec::integer::{IntegerOptions, NodeReport};
use fewbit_models::tensor::Tensor;
use ndarray::{ArrayD, Axis, concatenate};
use serde::Serialize;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::names::Kind;
use crate::networks::{NetworkError, labels, outputs, read_model, tensors};
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form, LateProgress};

use execution::Execution;

const EXAMPLES: &str = "\
Examples:
  fewbit run model.onnx --input X.npz --output Y.npz
  fewbit run q/model.onnx --input X.npz --output Y.npz --execution integer --acc int16-sat --report R.json
  fewbit run q/model.onnx --input V.npz --execution integer --acc 'int14-sat/64,int32-wrap' --requantization tosa32

X.npz has an array per input of the network under its name; with one input it may have any name, and may be a .npy file.
Labels, an array `y`, are compared with the greatest output of each sample. Y.npz has an array per output.

A language model (llama, mistral, qwen2, qwen3) is a .gguf file, or a folder with config.json, .safetensors files and
tokenizer.json, or the folder of a quantized one that `fewbit ptq` has written:
  fewbit run model.gguf --prompt 'The capital of France is' --max-new-tokens 20
  fewbit run DIR --text valid.txt --seqlen 512 --nvalid 16      perplexity of the second half of each window
  fewbit run DIR --text valid.txt --seqlen 512 --stride 256     of what is new in each of overlapping windows
  fewbit run DIR --choices questions.jsonl                      accuracy, plain and normalised by length
  fewbit run q --text valid.txt --execution integer --acc 'int16-sat/64,int32-wrap'";

/// Run a network: in floats, or in integers with every product through an accumulator.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Network: an ONNX file, or a language model's .gguf file or folder
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Inputs by name
    #[arg(long, value_name = "X.npz", required_unless_present_any = ["prompt", "text", "choices"])]
    input: Option<PathBuf>,
    /// Outputs by name
    #[arg(long, value_name = "Y.npz")]
    output: Option<PathBuf>,
    /// How it runs [default: fake where the network has quantizers, else float]
    #[arg(long, value_name = "HOW")]
    execution: Option<Execution>,
    /// Accumulator of every product [default: those that the file has for its nodes, else exact]
    #[arg(long, value_name = "SPEC")]
    acc: Option<Accumulator>,
    /// How sums become codes, in integer execution [default: scaled in float32, rounded by the quantizer]
    #[arg(long, value_name = "POLICY")]
    requantization: Option<RequantizePolicy>,
    /// What accumulators did, node by node
    #[arg(long, value_name = "R.json", value_parser = Kind::Json.output())]
    report: Option<PathBuf>,
    /// Samples that run at once
    #[arg(long, value_name = "N", default_value = "64")]
    batch: usize,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    #[command(flatten)]
    language: language::LanguageArgs,
}

#[derive(Serialize)]
struct Report {
    execution: &'static str,
    samples: usize,
    accuracy: Option<f64>,
    seconds: f64,
    outputs: Vec<OutputShape>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<NodeReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    in_floats: Vec<String>,
}

#[derive(Serialize)]
struct OutputShape {
    name: String,
    shape: Vec<usize>,
}

pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let Some(given) = args.input else {
        let how = language::How {
            execution: args.execution,
            accumulator: args.acc,
            requantization: args.requantization,
        };
        let shown = language::run(&args.model, &args.language, how, args.threads, &args.form)?;
        Outputs::default().write(&shown)?;
        return Ok(Outcome::Done);
    };
    let mut graph = read_model(&args.model, &args.form.inputs)?;
    if args.acc.is_some() {
        graph.clear_accumulators();
    }
    let mut arrays = tensors(&given, &args.form.inputs)?;
    let labels = labels(&given, &mut arrays)?;
    let batches = batches(&graph, &arrays, args.batch, usize::MAX).map_err(NetworkError::from)?;
    if batches.is_empty() {
        return Err(CliError::Array { path: given, reason: "has no samples".into() });
    }
    let has_quantizers = graph.nodes().any(|(_, node)| node.op.name() == "Quantize");
    let how =
        args.execution.unwrap_or(if has_quantizers { Execution::Fake } else { Execution::Float });
    let options = IntegerOptions {
        accumulator: args.acc.clone().unwrap_or_else(Accumulator::exact),
        requantization: args.requantization,
        report: match (&args.report, args.form.form()) {
            (None, Form::Text) => ReportLevel::Events,
            _ => ReportLevel::Full,
        },
    };
    let (verdict, name) = match how {
        Execution::Float => (ExecutionKind::Float, "float"),
        Execution::Fake => (ExecutionKind::Fake, "fake"),
        Execution::Integer => (ExecutionKind::Integer(&options), "integer"),
    };
    let start = std::time::Instant::now();
    let found = args.threads.run(|| {
        let bar = LateProgress::new("batches", batches.len() as u64);
        let mut hear = |done, _| bar.at(done);
        Ok(run_batches(&graph, &batches, &verdict, &mut hear).map_err(NetworkError::from)?)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let accuracy = match &labels {
        None => None,
        Some(labels) => {
            let classes = predictions(&found.batches).map_err(NetworkError::from)?;
            Some(labels.accuracy(&classes))
        }
    };
    let size = |batch: &Vec<Tensor>| batch.first().and_then(|t| t.shape().first().copied());
    let sizes: Vec<usize> = batches.iter().map(|batch| size(batch).unwrap_or(1)).collect();
    let mut named = Vec::new();
    for (place, &id) in graph.outputs().iter().enumerate() {
        let parts: Vec<&Tensor> =
            found.batches.iter().filter_map(|batch| batch.get(place)).collect();
        named.push((graph.name_of(id).to_owned(), joined(&parts, &sizes)));
    }
    let report = Report {
        execution: name,
        samples: batches
            .iter()
            .map(|batch| batch.first().map_or(0, |t| t.shape().first().copied().unwrap_or(1)))
            .sum(),
        accuracy,
        seconds,
        outputs: named
            .iter()
            .map(|(name, tensor)| OutputShape {
                name: name.clone(),
                shape: tensor.shape().to_vec(),
            })
            .collect(),
        nodes: found.nodes,
        in_floats: found.in_floats,
    };
    let json = args.form.json(&report, None)?;
    let mut files = Outputs::default();
    if let Some(path) = &args.output {
        files.add(path, outputs(&named)?);
    }
    if let Some(path) = &args.report {
        files.add(path, format!("{json}\n").into_bytes());
    }
    files.write(&match args.form.form() {
        Form::Json => json,
        Form::Text => text(&report),
    })?;
    Ok(Outcome::Done)
}

/// Batches of so many samples one after the other along the first axis that has as many elements, or the first one; where they
/// are no floats, the first.
fn joined(parts: &[&Tensor], sizes: &[usize]) -> Tensor {
    let axes = parts.first().map_or(0, |part| part.shape().len());
    let is_of_samples =
        |&axis: &usize| parts.iter().zip(sizes).all(|(part, n)| part.shape().get(axis) == Some(n));
    let axis = (0..axes).find(is_of_samples).unwrap_or(0);
    let floats: Option<Vec<ArrayD<f32>>> =
        parts.iter().map(|tensor| Some(tensor.get::<f32>().ok()?.to_owned())).collect();
    let together = floats.filter(|all| all.iter().all(|a| a.ndim() > 0)).and_then(|all| {
        let views: Vec<_> = all.iter().map(|array| array.view()).collect();
        concatenate(Axis(axis), &views).ok()
    });
    match (together, parts) {
        (Some(array), _) => array.into(),
        (None, [first, ..]) => (*first).clone(),
        (None, []) => Tensor::vector::<f32>(Vec::new()),
    }
}

fn text(report: &Report) -> String {
    let mut text =
        format!("{} samples in {}, {:.2} s", report.samples, report.execution, report.seconds);
    if let Some(accuracy) = report.accuracy {
        text += &format!(": {:.2} % right", 100.0 * accuracy);
    }
    if !report.nodes.is_empty() {
        let mut table = output::texts(&["node", "accumulator", "outputs", "overflow events"]);
        for node in &report.nodes {
            table.add_row([
                node.name.clone(),
                node.accumulator.clone(),
                node.outputs.to_string(),
                node.total_events().to_string(),
            ]);
        }
        text += &format!("\n{table}");
    }
    if !report.in_floats.is_empty() {
        text += &format!("\nin floats between codes: {}", report.in_floats.join(", "));
    }
    text
}
