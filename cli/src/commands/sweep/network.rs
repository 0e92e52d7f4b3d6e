//! A network as a graph: one's own (`fewbit sweep --model`), and the carried convolutional one.

use std::path::Path;

use fewbit::formats::{Format, IntRange};
use fewbit::quantize::CodeFormat;
use fewbit_models::eval::{Comparison, ComparisonJob, Labels, batches, compare};
use fewbit_models::flow::{Sharing, Symmetry, VisionConfig};
use fewbit_models::graph::Graph;
use fewbit_models::tensor::Tensor;
use ndarray::{Array2, Axis};
use serde::Serialize;

use super::args::Args;
use crate::digits;
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::networks::{NetworkError, labels, read_bytes, read_model, tensors};
use crate::output::{Form, Progress};
use crate::sweep::{Panel, compared, draw, series_panel};

/// The algorithms that are compared on the carried network.
const CARRIED: [&str; 2] = ["rtn", "gptq"];
/// Images of the carried network that run at once.
const BATCH: usize = 100;

/// What is written as `sweep.json`.
#[derive(Serialize)]
pub(super) struct Report {
    /// The file of the network.
    model: String,
    weights: String,
    acts: String,
    samples: usize,
    #[serde(flatten)]
    comparison: Comparison,
}

struct Data {
    graph: Graph,
    calibration: Vec<Vec<Tensor>>,
    batches: Vec<Vec<Tensor>>,
    labels: Option<Labels>,
}

/// Quantizes, runs, writes.
pub(super) fn run(args: &Args, model: &Path, folder: Option<&Path>) -> Result<Outcome, CliError> {
    let data = own(args, model)?;
    let algorithms = args.compare.clone();
    let report = args.threads.run(|| measure(args, model, &data, algorithms))?;
    write(args, &report, folder, None)
}

/// The carried network alone.
pub(super) fn run_carried(args: &Args, folder: Option<&Path>) -> Result<Outcome, CliError> {
    let report = carried(args)?;
    write(args, &report, folder, Some(args.seed))
}

/// Whether networks run in integers with weights of this format: with signed codes, which need no zero point.
pub(super) fn suits(weights: CodeFormat) -> bool {
    matches!(Format::from(weights), Format::Int(int) if int.is_signed())
}

/// What the carried network gives.
pub(super) fn carried(args: &Args) -> Result<Report, CliError> {
    let (name, bytes) = digits::CNN;
    args.form.inputs.add_carried(name, bytes);
    let graph = read_bytes(bytes.to_vec(), None);
    let graph = graph.map_err(|error| CliError::Arguments(format!("{name}: {error}")))?;
    let split = digits::split()?;
    let rows = args.calibration_rows(split.training.images.nrows())?;
    let cut = |images: Array2<f32>| -> Result<Vec<Vec<Tensor>>, CliError> {
        let side = digits::PIXELS.isqrt();
        let images = images.to_shape((images.nrows(), 1, side, side))?.into_owned().into_dyn();
        let arrays = [(String::from("image"), Tensor::from(images))];
        Ok(batches(&graph, &arrays, BATCH, usize::MAX).map_err(NetworkError::from)?)
    };
    let labels = split.held_out.labels.iter().map(|&label| label.into()).collect();
    let data = Data {
        calibration: cut(split.training.images.select(Axis(0), &rows))?,
        batches: cut(split.held_out.images)?,
        labels: Some(Labels(labels)),
        graph,
    };
    let algorithms = CARRIED.map(String::from).to_vec();
    args.threads.run(|| measure(args, Path::new(name), &data, algorithms))
}

fn own(args: &Args, model: &Path) -> Result<Data, CliError> {
    let log = &args.form.inputs;
    let graph = read_model(model, log)?;
    let missing = |flag: &str| CliError::Arguments(format!("--model needs {flag}"));
    let path = args.data.as_ref().ok_or_else(|| missing("--data V.npz"))?;
    let mut arrays = tensors(path, log)?;
    let labels = labels(path, &mut arrays)?;
    let all = batches(&graph, &arrays, 256, usize::MAX).map_err(NetworkError::from)?;
    let calibration = match &args.calibration_data {
        None => batches(&graph, &arrays, 64, args.calibration),
        Some(path) => {
            let mut arrays = tensors(path, log)?;
            crate::networks::labels(path, &mut arrays)?;
            batches(&graph, &arrays, 64, args.calibration)
        }
    };
    let calibration = calibration.map_err(NetworkError::from)?;
    if calibration.is_empty() || all.is_empty() {
        return Err(CliError::Array { path: path.clone(), reason: "has no samples".into() });
    }
    Ok(Data { graph, calibration, batches: all, labels })
}

fn measure(
    args: &Args,
    model: &Path,
    data: &Data,
    algorithms: Vec<String>,
) -> Result<Report, CliError> {
    let templates = match args.acc.is_empty() {
        true => {
            vec!["int{P}-sat".parse().map_err(|error| CliError::Arguments(format!("{error}")))?]
        }
        false => args.acc.clone(),
    };
    let constraints = args.constraints();
    let config = config(args);
    let job = ComparisonJob {
        graph: &data.graph,
        config: &config,
        calibration: &data.calibration,
        data: &data.batches,
        labels: data.labels.as_ref(),
        algorithms: &algorithms,
        constraints: &constraints,
        templates: &templates,
        bits: &args.bits,
    };
    let progress = Progress::new("accumulators of networks", job.len() as u64);
    let comparison = compare(&job, &|| progress.step()).map_err(NetworkError::from)?;
    Ok(Report {
        model: model.display().to_string(),
        weights: args.weights.to_string(),
        acts: args.acts.to_string(),
        samples: comparison.float.images,
        comparison,
    })
}

/// The keys of the formats asked for.
fn config(args: &Args) -> VisionConfig {
    let int = |format: CodeFormat| match Format::from(format) {
        Format::Int(int) => (int.bits(), int.is_signed(), int.range() == IntRange::Narrow),
        _ => (8, true, false),
    };
    let (weight_bits, weight_signed, narrow) = int(args.weights);
    let (act_bits, ..) = int(args.acts);
    VisionConfig {
        weight_bit_width: weight_bits,
        weight_narrow_range: narrow,
        weight_quant_type: if weight_signed { Symmetry::Symmetric } else { Symmetry::Asymmetric },
        weight_quant_granularity: Sharing::Channel,
        act_bit_width: act_bits,
        ..VisionConfig::default()
    }
}

fn write(
    args: &Args,
    report: &Report,
    folder: Option<&Path>,
    seed: Option<u64>,
) -> Result<Outcome, CliError> {
    let text = args.form.json(report, seed)?;
    let mut outputs = Outputs::default();
    let mut written = String::new();
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)
            .map_err(|source| CliError::Write { path: folder.to_owned(), source })?;
        let mut names = vec![folder.join("sweep.json")];
        outputs.add(&names[0], format!("{text}\n").into_bytes());
        if let Some(panel) = report.panel() {
            let picture = draw(&[panel]).map_err(CliError::Picture)?;
            names.push(folder.join("sweep.svg"));
            let picture = args.form.provenance(seed)?.in_svg(&picture)?;
            outputs.add(&folder.join("sweep.svg"), picture.into_bytes());
        }
        if args.csv {
            names.push(folder.join("sweep.csv"));
            outputs.add(&folder.join("sweep.csv"), report.csv().into_bytes());
        }
        let names: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
        written = format!("\nwrote {}", names.join(", "));
    }
    outputs.write(&match args.form.form() {
        Form::Json => text,
        Form::Text => report.text() + &written,
    })?;
    Ok(Outcome::Done)
}

impl Report {
    /// The tables.
    pub(super) fn text(&self) -> String {
        let head = format!(
            "{}, {} weights, {} activations, {} samples",
            self.model, self.weights, self.acts, self.samples
        );
        format!("{head}\n{}", compared(&self.comparison))
    }

    /// The curves, where there are labels.
    pub(super) fn panel(&self) -> Option<Panel> {
        let caption =
            format!("{}: {} weights, {} activations", self.model, self.weights, self.acts);
        let Comparison { series, exact, guaranteed_bits, .. } = &self.comparison;
        series_panel(series, exact.accuracy, *guaranteed_bits, caption)
    }

    fn csv(&self) -> String {
        let mut text = String::from("algorithm,constraint,acc,bits,accuracy,events\n");
        for point in self.comparison.series.iter().flat_map(|series| &series.points) {
            let accuracy = point.accuracy.map(|a| a.to_string()).unwrap_or_default();
            text += &format!(
                "{},{},\"{}\",{},{accuracy},{}\n",
                point.algorithm, point.constraint, point.acc, point.bits, point.events
            );
        }
        text
    }
}
