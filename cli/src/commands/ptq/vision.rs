//! `fewbit ptq` of a network on arrays.

use std::path::Path;

use fewbit::requantize::RequantizePolicy;
use fewbit::sweep::{AccumulatorTemplate, BitRange};
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::eval::{
    Accuracy, ExecutionKind, Labels, LeastBits, Report, SweepPoint, batches, layer_results,
    least_bits, network_bounds, predictions, run_batches, sweep,
};
use fewbit_models::exec::integer::{IntegerOptions, IntegerWeights};
use fewbit_models::export::{QonnxActivations, to_qcdq, to_qonnx};
use fewbit_models::flow::{FlowError, Keys, Phase, QuantizedNetwork, VisionConfig, VisionFlow};
use fewbit_models::graph::Graph;
use fewbit_models::onnx;
use fewbit_models::tensor::Tensor;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::networks::{
    FileJournal, NetworkError, config_key, html, labels, layers_table, pictures, read_model,
    tensors,
};
use crate::output::{self, Form, PhaseProgress};

use super::args::Args;

/// What is measured on.
struct Data {
    batches: Vec<Vec<Tensor>>,
    /// The first images, which run in integers too.
    integer: Vec<Vec<Tensor>>,
    labels: Option<Labels>,
}

impl Data {
    fn images(&self) -> usize {
        self.batches.iter().filter_map(|batch| batch.first()?.shape().first().copied()).sum()
    }
}

/// Quantizes, measures, writes.
pub(super) fn run(args: &Args, model: &Path, keys: Keys) -> Result<Outcome, CliError> {
    let log = &args.form.inputs;
    let config = VisionConfig::of(keys).map_err(NetworkError::from)?;
    let missing = || {
        CliError::Arguments(
            "the images that scales and codes are chosen on are missing: add --calibration X.npz"
                .into(),
        )
    };
    let calibration_data = args.calibration.as_ref().ok_or_else(missing)?;
    let graph = read_model(model, log)?;
    let mut images = tensors(calibration_data, log)?;
    labels(calibration_data, &mut images)?;
    let (size, samples) = (config.batch_size_calibration, config.calibration_samples);
    let calibration = batches(&graph, &images, size, samples).map_err(NetworkError::from)?;
    if calibration.is_empty() {
        let path = calibration_data.clone();
        return Err(CliError::Array { path, reason: "has no images".into() });
    }
    let data = match &args.data {
        None => None,
        Some(path) => {
            let mut arrays = tensors(path, log)?;
            let labels = labels(path, &mut arrays)?;
            let size = config.batch_size_validation.max(1);
            let of = |samples| batches(&graph, &arrays, size, samples).map_err(NetworkError::from);
            let (batches, integer) = (of(usize::MAX)?, of(config.integer_samples)?);
            Some(Data { batches, integer, labels })
        }
    };
    let requantization = config.requantization.as_ref().map(|text| {
        text.parse::<RequantizePolicy>().map_err(|error| {
            NetworkError::Flow(FlowError::Value {
                key: "requantization".into(),
                value: text.clone(),
                problem: error.to_string(),
            })
        })
    });
    let requantization = requantization.transpose()?;
    let bits = config.sweep_bits.as_deref().map(str::parse::<BitRange>).transpose();
    let bits = bits.map_err(|error| CliError::Arguments(error.to_string()))?;
    let key = config_key(&config, &["sweep_bits", "integer_samples", "batch_size_validation"]);
    let mut journal =
        FileJournal::open(&args.out, args.resume, &key, &[model, calibration_data], log)?;
    let job = Job {
        budget: args.budget,
        config: &config,
        graph: &graph,
        calibration,
        data,
        requantization,
        bits,
    };
    let (network, report) = args.threads.run(|| job.work(&mut journal))?;
    write(args, model, config.onnx_opset_version, &network, &report)?;
    journal.finished();
    Ok(Outcome::Done)
}

struct Job<'a> {
    config: &'a VisionConfig,
    graph: &'a Graph,
    calibration: Vec<Vec<Tensor>>,
    data: Option<Data>,
    requantization: Option<RequantizePolicy>,
    bits: Option<BitRange>,
    /// In percent.
    budget: Option<f64>,
}

impl Job<'_> {
    fn work(&self, journal: &mut FileJournal) -> Result<(QuantizedNetwork, Report), CliError> {
        let bar = PhaseProgress::new();
        let flow = VisionFlow { config: self.config };
        let mut hear = |phase: &str, done, total| bar.at(phase, done, total);
        let network = flow.run_kept(self.graph, &self.calibration, journal, &mut hear);
        let network = network.map_err(NetworkError::from)?;
        let mut phases = network.phases.clone();
        let mut report = self.measure(&network, &mut phases, &bar)?;
        report.phases = phases;
        report.passes.clone_from(&network.passes);
        Ok((network, report))
    }

    fn measure(
        &self,
        network: &QuantizedNetwork,
        phases: &mut Vec<Phase>,
        bar: &PhaseProgress,
    ) -> Result<Report, CliError> {
        let mut report = Report {
            float: Accuracy::default(),
            quantized: Accuracy::default(),
            integer: Accuracy::default(),
            phases: Vec::new(),
            passes: Vec::new(),
            layers: Vec::new(),
            in_floats: Vec::new(),
            sweep: Vec::new(),
            least_bits: Vec::new(),
        };
        if let Some(budget) = self.budget {
            let start = std::time::Instant::now();
            report.least_bits = self.least_bits(network, budget, bar)?;
            let seconds = start.elapsed().as_secs_f64();
            phases.push(Phase { name: "least bits".into(), seconds });
        }
        let Some(data) = &self.data else { return Ok(report) };
        let mut timed = |name: &str, start: std::time::Instant| {
            let seconds = start.elapsed().as_secs_f64();
            phases.push(Phase { name: name.into(), seconds });
        };
        let start = std::time::Instant::now();
        let run = |graph: &Graph, batches: &[Vec<Tensor>], how: &ExecutionKind<'_>, name: &str| {
            let mut hear = |done, total| bar.at(name, done, total);
            run_batches(graph, batches, how, &mut hear).map_err(NetworkError::from)
        };
        let share = |batches: &[Vec<Tensor>], images: usize| -> Result<Accuracy, CliError> {
            let classes = predictions(batches).map_err(NetworkError::from)?;
            let accuracy = data.labels.as_ref().map(|labels| labels.accuracy(&classes));
            Ok(Accuracy { accuracy, images })
        };
        let float = run(self.graph, &data.batches, &ExecutionKind::Float, "run in float")?;
        report.float = share(&float.batches, data.images())?;
        let fake = run(&network.graph, &data.batches, &ExecutionKind::Fake, "run quantized")?;
        report.quantized = share(&fake.batches, data.images())?;
        timed("run", start);
        let start = std::time::Instant::now();
        let some = &data.integer[..];
        let images = some.iter().filter_map(|batch| batch.first()?.shape().first().copied()).sum();
        let options = IntegerOptions {
            accumulator: Accumulator::exact(),
            requantization: self.requantization,
            report: ReportLevel::Events,
        };
        let own = run(&network.graph, some, &ExecutionKind::Integer(&options), "run in integers")?;
        report.integer = share(&own.batches, images)?;
        report.in_floats.clone_from(&own.in_floats);
        // Widths are those that one register over all of K would need, on the first batch.
        let first = &some[..some.len().min(1)];
        let mut exact = network.graph.clone();
        exact.clear_accumulators();
        let full = IntegerOptions { report: ReportLevel::Full, ..options.clone() };
        let widths = run(&exact, first, &ExecutionKind::Integer(&full), "widths")?;
        let layers =
            layer_results(&network.float, &network.graph, first, &widths.nodes, &own.nodes);
        report.layers = layers.map_err(NetworkError::from)?;
        timed("run in integers", start);
        if let Some(bits) = &self.bits {
            let start = std::time::Instant::now();
            report.sweep = self.sweep(network, some, data.labels.as_ref(), bits, &options, bar)?;
            timed("sweep", start);
        }
        Ok(report)
    }

    /// The least widths of saturating accumulators, on the calibration images.
    fn least_bits(
        &self,
        network: &QuantizedNetwork,
        budget: f64,
        bar: &PhaseProgress,
    ) -> Result<Vec<LeastBits>, CliError> {
        let options = IntegerOptions { requantization: self.requantization, ..Default::default() };
        let template = "int{P}-sat".parse();
        let template: AccumulatorTemplate =
            template.map_err(|error| CliError::Arguments(format!("{error}")))?;
        let mut hear = |done, total| bar.at("least bits", done, total);
        let (graph, batches) = (&network.graph, &self.calibration);
        let found = least_bits(graph, batches, &template, budget / 100.0, &options, &mut hear);
        Ok(found.map_err(NetworkError::from)?)
    }

    fn sweep(
        &self,
        network: &QuantizedNetwork,
        some: &[Vec<Tensor>],
        labels: Option<&Labels>,
        bits: &BitRange,
        options: &IntegerOptions,
        bar: &PhaseProgress,
    ) -> Result<Vec<SweepPoint>, CliError> {
        let algorithm = self.config.algorithms().last().copied().unwrap_or("rtn");
        let weights = IntegerWeights::of(&network.graph).map_err(NetworkError::from)?;
        let mut points = Vec::new();
        for text in ["int{P}-wrap", "int{P}-sat"] {
            let template: AccumulatorTemplate =
                text.parse().map_err(|error| CliError::Arguments(format!("{error}")))?;
            let mut hear = |done, total| bar.at("sweep", done, total);
            let names = (algorithm, "none");
            let network = (&network.graph, &weights);
            let found = sweep(network, some, labels, &template, bits, names, options, &mut hear);
            points.extend(found.map_err(NetworkError::from)?);
        }
        Ok(points)
    }
}

/// The network as QuantizeLinear, Clip and DequantizeLinear.
fn qcdq(graph: &Graph, opset: i64) -> Result<Vec<u8>, CliError> {
    let graph = to_qcdq(graph, opset).map_err(NetworkError::from)?;
    Ok(onnx::write_bytes(&graph, opset).map_err(NetworkError::from)?)
}

fn write(
    args: &Args,
    model: &Path,
    opset: Option<i64>,
    network: &QuantizedNetwork,
    report: &Report,
) -> Result<(), CliError> {
    let opset = opset.unwrap_or(21).max(13);
    let folder = &args.out;
    let failed = |source| CliError::Write { path: folder.clone(), source };
    let made = !folder.exists();
    std::fs::create_dir_all(folder).map_err(failed)?;
    let written = || -> Result<(), CliError> {
        let mut outputs = Outputs::default();
        let json = args.form.json(report, None)?;
        outputs.add(&folder.join("report.json"), format!("{json}\n").into_bytes());
        let bounds = network_bounds(&network.graph, &Accumulator::exact());
        let bounds = serde_json::to_string_pretty(&bounds)?;
        outputs.add(&folder.join("bounds.json"), format!("{bounds}\n").into_bytes());
        outputs.add(&folder.join("model.onnx"), qcdq(&network.graph, opset)?);
        let activations = match args.qonnx_thresholds {
            true => QonnxActivations::MultiThreshold,
            false => QonnxActivations::Quant,
        };
        match to_qonnx(&network.graph, activations) {
            Ok(graph) => {
                let model = onnx::write_bytes(&graph, opset.min(21)).map_err(NetworkError::from)?;
                outputs.add(&folder.join("model.qonnx.onnx"), model);
            }
            Err(error) => output::warn(&format!("no model.qonnx.onnx: {error}")),
        }
        let title = model.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into());
        let page = html(&title, report, &pictures(report)?);
        outputs.add(&folder.join("report.html"), page.into_bytes());
        outputs.write(&match args.form.form() {
            Form::Json => json,
            Form::Text => text(report, args),
        })
    }();
    if written.is_err() && made {
        // A folder that is empty again; one that is not stays.
        let _ = std::fs::remove_dir(folder);
    }
    written
}

fn text(report: &Report, args: &Args) -> String {
    let share = |accuracy: Accuracy| match accuracy.accuracy {
        Some(share) => format!("{:.2} % of {}", 100.0 * share, accuracy.images),
        None => format!("{} images, no labels", accuracy.images),
    };
    let mut text = String::new();
    if report.float.images > 0 {
        text = format!(
            "float:     {}\nquantized: {}\ninteger:   {}\n",
            share(report.float),
            share(report.quantized),
            share(report.integer)
        );
        text += &layers_table(&report.layers).to_string();
        text.push('\n');
    }
    if !report.sweep.is_empty() {
        let mut table = output::texts(&["P", "accumulator", "accuracy", "overflow events"]);
        for point in &report.sweep {
            table.add_row([
                point.bits.to_string(),
                point.acc.clone(),
                point.accuracy.map(|a| format!("{:.2} %", 100.0 * a)).unwrap_or_default(),
                point.events.to_string(),
            ]);
        }
        text += &format!("{table}\n");
    }
    if !report.least_bits.is_empty() {
        let mut table = output::texts(&["layer", "least accumulator within the budget"]);
        for least in &report.least_bits {
            table.add_row([least.name.clone(), least.acc.clone()]);
        }
        text += &format!("{table}\n");
    }
    for pass in &report.passes {
        text += &format!("{}: {}\n", pass.name, pass.detail);
    }
    let seconds: f64 = report.phases.iter().map(|phase| phase.seconds).sum();
    text + &format!("{seconds:.1} s; results are in {}", args.out.display())
}
