//! `fewbit sweep`: accuracy against the number of accumulator bits.

mod args;
#[cfg(feature = "networks")]
mod network;

use std::io::ErrorKind;
use std::path::Path;

use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::sweep::{AccumulatorTemplate, FloatLayer, Sweep, SweepJob};
use ndarray::{Array2, Axis};
use serde::Serialize;

pub(crate) use args::Args;

use crate::digits::{self, Carried, Perceptron};
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::log::InputLog;
use crate::io::npy;
use crate::output::{Form, Progress};
use crate::sweep::{draw, guarantee, panels, percent, table};

/// What is written as `sweep.json`.
#[derive(Serialize)]
struct Results<'a> {
    #[serde(flatten)]
    sweep: &'a Sweep,
    /// The carried convolutional network, where no network is named.
    #[cfg(feature = "networks")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cnn: Option<network::Report>,
}

/// Quantizes, runs, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let form = args.form.form();
    // What is printed as JSON needs no file.
    let folder = match (&args.out, form) {
        (Some(folder), _) => Some(folder.as_path()),
        (None, Form::Text) => Some(Path::new(".")),
        (None, Form::Json) => None,
    };
    let write = |folder: &Path, source| CliError::Write { path: folder.to_owned(), source };
    if let Some(folder) = folder.filter(|folder| folder.exists() && !folder.is_dir()) {
        return Err(write(folder, ErrorKind::NotADirectory.into()));
    }
    #[cfg(feature = "networks")]
    if let Some(model) = &args.model {
        return network::run(&args, model, folder);
    }
    #[cfg(feature = "networks")]
    if args.network == Some(Carried::Cnn) {
        return network::run_carried(&args, folder);
    }
    let perceptron = match args.network {
        Some(Carried::Perceptron(perceptron)) => perceptron,
        _ => Perceptron::default(),
    };
    let data = match (&args.weight, &args.input) {
        (Some(weight), Some(input)) => own_layer(weight, input, &args.form.inputs)?,
        _ => carried_network(&args, perceptron)?,
    };
    let templates = match args.acc.is_empty() {
        true => AccumulatorTemplate::defaults(),
        false => args.acc.clone(),
    };
    let job = SweepJob {
        layers: &data.layers,
        weights: args.weights,
        acts: args.acts,
        calibration: data.calibration.as_ref().unwrap_or(&data.inputs).view(),
        inputs: data.inputs.view(),
        labels: data.labels.as_deref(),
        templates: &templates,
        bits: args.bits.clone(),
    };
    let sweep = args.threads.run(|| measure(&job, &args.constraints()))?;
    // The own layer has no name, and nothing that is drawn.
    let is_carried = args.weight.is_none();
    let (network, seed) = (is_carried.then_some(perceptron), is_carried.then_some(args.seed));
    let pictures = panels(&sweep, &templates);
    let summary = summary(&sweep, &templates, network);
    let results = Results {
        sweep: &sweep,
        #[cfg(feature = "networks")]
        cnn: match is_carried && args.network.is_none() && network::suits(args.weights) {
            true => Some(network::carried(&args)?),
            false => None,
        },
    };
    #[cfg(feature = "networks")]
    let (pictures, summary) = match &results.cnn {
        None => (pictures, summary),
        Some(cnn) => {
            let pictures: Vec<_> = pictures.into_iter().chain(cnn.panel()).collect();
            (pictures, format!("{summary}\n\n{}", cnn.text()))
        }
    };
    let provenance = args.form.provenance(seed)?;
    let text = args.form.json(&results, seed)?;
    let mut outputs = Outputs::default();
    let mut written = String::new();
    if let Some(folder) = folder {
        let picture = draw(&pictures).map_err(CliError::Picture)?;
        std::fs::create_dir_all(folder).map_err(|source| write(folder, source))?;
        let (json_path, svg_path) = (folder.join("sweep.json"), folder.join("sweep.svg"));
        outputs.add(&json_path, format!("{text}\n").into_bytes());
        outputs.add(&svg_path, provenance.in_svg(&picture)?.into_bytes());
        written = format!("\nwrote {} and {}", json_path.display(), svg_path.display());
    }
    outputs.write(&match form {
        Form::Json => text,
        Form::Text => summary + &written,
    })?;
    Ok(Outcome::Done)
}

/// The points without a guarantee where they are asked for, and those of every constraint.
fn measure(job: &SweepJob<'_>, constraints: &[AccumulatorConstraint]) -> Result<Sweep, CliError> {
    let progress = Progress::new("accumulators", (constraints.len() * job.points()) as u64);
    let step = || progress.step();
    let unguarded = SweepJob {
        templates: match constraints.contains(&AccumulatorConstraint::None) {
            true => job.templates,
            false => &[],
        },
        ..job.clone()
    };
    let mut sweep = fewbit::sweep::sweep(&unguarded, &step)?;
    sweep.guaranteed = fewbit::sweep::guaranteed_points(job, constraints, &step)
        .map_err(|error| CliError::Guarantee(Box::new(error)))?;
    Ok(sweep)
}

/// A network, and what it is measured on.
struct Data {
    layers: Vec<FloatLayer>,
    /// What scales are calibrated on; `None` for the inputs.
    calibration: Option<Array2<f32>>,
    inputs: Array2<f32>,
    labels: Option<Vec<usize>>,
}

fn carried_network(args: &Args, network: Perceptron) -> Result<Data, CliError> {
    for (name, bytes) in [digits::IMAGES, network.file()] {
        args.form.inputs.add_carried(name, bytes);
    }
    let split = digits::split()?;
    let training = split.training.images;
    let rows = args.calibration_rows(training.nrows())?;
    let layers = network.layers()?.into_iter();
    Ok(Data {
        layers: layers
            .map(|layer| FloatLayer { weights: layer.weights, bias: layer.bias })
            .collect(),
        calibration: Some(training.select(Axis(0), &rows)),
        inputs: split.held_out.images,
        labels: Some(split.held_out.labels.iter().map(|&label| label.into()).collect()),
    })
}

fn own_layer(weight: &Path, input: &Path, log: &InputLog) -> Result<Data, CliError> {
    let weights = npy::read(weight, log)?.into_float_matrix()?;
    let inputs = npy::read(input, log)?.into_float_matrix()?;
    if weights.ncols() != inputs.ncols() {
        return Err(CliError::Layer { weights: weights.dim(), inputs: inputs.dim() });
    }
    let layers = vec![FloatLayer::without_bias(weights)];
    Ok(Data { layers, calibration: None, inputs, labels: None })
}

fn summary(
    sweep: &Sweep,
    templates: &[AccumulatorTemplate],
    network: Option<Perceptron>,
) -> String {
    let right = |accuracy: Option<f64>| {
        accuracy.map_or(String::new(), |accuracy| {
            format!("{} of {} samples, ", percent(accuracy), sweep.samples)
        })
    };
    let quantized = match sweep.exact.sqnr_float_db {
        Some(db) => format!("SQNR {db:.2} dB against the float network"),
        None => "equal to the float network".into(),
    };
    let float = sweep.float.accuracy.map_or(String::new(), |accuracy| {
        format!("float network: {} of {} samples\n", percent(accuracy), sweep.samples)
    });
    let legend: Vec<String> =
        templates.iter().map(|template| format!("{}: {template}", template.kind())).collect();
    let points = match sweep.points.is_empty() {
        true => String::new(),
        false => format!("{}\n\n", table(sweep, templates)),
    };
    format!(
        "{}{} weights, {} activations, {} samples\n{}\n\n{points}{float}exact accumulator: {}{quantized}\nguaranteed: from \
         P = {} on no register that sums a whole row can overflow, whatever the input{}",
        network.map_or(String::new(), |network| format!("{network}, ")),
        sweep.weights,
        sweep.acts,
        sweep.samples,
        legend.join("; "),
        right(sweep.exact.accuracy),
        sweep.guaranteed_bits,
        guarantee(sweep, templates),
    )
}
