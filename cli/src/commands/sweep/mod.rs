//! `fewbit sweep`: accuracy against the number of accumulator bits.

#[cfg(feature = "networks")]
mod network;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::quantize::CodeFormat;
use fewbit::sweep::{AccumulatorTemplate, BitRange, FloatLayer, Sweep, SweepJob};
use fewbit_formats::philox;
use ndarray::{Array2, Axis};

use crate::digits::{self, Perceptron};
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::log::InputLog;
use crate::io::names;
use crate::io::npy;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{Form, Progress};
use crate::spelling::code_format;
use crate::sweep::{draw, guarantee, percent, table};

const EXAMPLES: &str = "\
Examples:
  fewbit sweep
  fewbit sweep --weights int8 --bits 12..24 --out results
  fewbit sweep --acc int{P}-sat --acc int{P}-sat/16,int{P}-sat --json
  fewbit sweep --network 64-96-64-32-10 --constraint axe,joint
  fewbit sweep --weight W.npy --input X.npy
  fewbit sweep --model model.onnx --data V.npz --calibration-data X.npz --compare rtn,gptq,qronos --constraint none,axe,joint --csv";

const ABOUT: &str = "\
Quantize a network, run its matrix products through accumulators of P bits, and say what P costs

Without --weight and --input this is a carried network: a multilayer perceptron on the UCI optical digits, named by its \
    shape, measured on the 596 images that it was not trained on. Every layer's product runs through the accumulator, step by \
    step; between layers come rescaling, bias, ReLU and quantization with static scales.

Without a constraint the network is quantized once, whatever the accumulator, and sums may overflow. With one its layers are \
    quantized for each accumulator, one after the other, such that no input overflows any stage: by GPTQ and by Qronos on the \
    calibration images, per layer whichever leaves its outputs less error; with axe also at whichever of the published \
    scales, absmax or mse.

With --weight and --input it is one linear layer, X W^T, without bias, labels and ReLU, its scales calibrated on X itself; \
    so there is no accuracy, only SQNR.

With --model and --data it is a network of your own, an ONNX file (or a .safetensors file of layers fc1, fc2, ... with ReLU \
    between them): for every pair of algorithm (--compare) and constraint its accuracy and overflow events against P. Without a \
    constraint an algorithm's codes are the same for every P. `y` in --data are labels; scales and codes are chosen on \
    --calibration-data alone.

SQNR is 10 log10(sum y^2 / sum (y - y')^2) over the last layer's outputs y', twice: `SQNR` with the y of an exact \
    accumulator of the same codes, which says what the accumulator does and nothing of quantization; `float` with the y of \
    the float network, which has both errors.

Writes sweep.json and sweep.svg; with --json only where --out says so.";

/// What may keep accumulators from overflowing, in the order that it is shown in.
const CONSTRAINTS: [AccumulatorConstraint; 4] = [
    AccumulatorConstraint::None,
    AccumulatorConstraint::Axe,
    AccumulatorConstraint::AxeStrict,
    AccumulatorConstraint::Joint,
];

/// Arguments of `fewbit sweep`.
#[derive(Debug, clap::Args)]
#[command(about = ABOUT.lines().next().unwrap_or_default(), long_about = ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Carried network: 64-128-128-10 or 64-96-64-32-10
    #[arg(long, value_name = "NAME", default_value_t, conflicts_with = "weight")]
    network: Perceptron,
    /// Format of the weights, one scale per output
    #[arg(long, value_name = "FORMAT", value_parser = code_format, default_value = "int4")]
    weights: CodeFormat,
    /// Format of the activations, one scale per layer
    #[arg(long, value_name = "FORMAT", value_parser = code_format, default_value = "uint8")]
    acts: CodeFormat,
    /// Numbers of accumulator bits, both ends included
    #[arg(long, value_name = "A..B", default_value = "8..24")]
    bits: BitRange,
    /// Accumulator with {P} for the number of bits; may be given several times
    /// [default: int{P}-wrap, int{P}-sat and int{P}-sat/32,int32-wrap]
    #[arg(long, value_name = "TEMPLATE")]
    acc: Vec<AccumulatorTemplate>,
    /// What keeps accumulators from overflowing, several separated by commas: none, not at all; axe, AXE's budgets at its
    /// published scales; axe-strict, the same without its soft threshold; joint, scales and codes together within the budgets
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "none,axe,joint")]
    constraint: Vec<AccumulatorConstraint>,
    /// Weights [outputs, inputs] of a layer of your own: floats
    #[arg(long, value_name = "W.npy", requires = "input")]
    weight: Option<PathBuf>,
    /// Inputs [samples, inputs] of that layer: floats
    #[arg(long, value_name = "X.npy", requires = "weight")]
    input: Option<PathBuf>,
    /// Network of your own, an ONNX file
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["weight", "network"], requires = "data")]
    model: Option<PathBuf>,
    /// Inputs of that network by name, and labels, `y`
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "V.npz", requires = "model")]
    data: Option<PathBuf>,
    /// Inputs that its scales and codes are chosen on [default: those of --data]
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "X.npz", requires = "model")]
    calibration_data: Option<PathBuf>,
    /// Algorithms that choose its codes, several separated by commas: rtn, gptq, gpfq, qronos
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "rtn", requires = "model",
        value_parser = ["rtn", "gptq", "gpfq", "qronos"])]
    compare: Vec<String>,
    /// Write its points as sweep.csv as well
    #[cfg(feature = "networks")]
    #[arg(long, requires = "model")]
    csv: bool,
    /// Training images, drawn by --seed, that the activations' scales are calibrated on
    #[arg(long, value_name = "N", default_value = "512", conflicts_with = "weight")]
    calibration: usize,
    /// Seed of the draw of the calibration images
    #[arg(long, value_name = "N", default_value = "0", conflicts_with = "weight")]
    seed: u64,
    /// Folder that sweep.json and sweep.svg are written to; made if it is not there [default: the current one, or with
    /// --json none]
    #[arg(long, value_name = "DIR", value_parser = names::folder())]
    out: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
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
    let data = match (&args.weight, &args.input) {
        (Some(weight), Some(input)) => own_layer(weight, input, &args.form.inputs)?,
        _ => carried_network(&args)?,
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
    let sweep = args.threads.run(|| measure(&job, &args.constraint))?;
    // The own layer has no name, and nothing that is drawn.
    let is_carried = args.weight.is_none();
    let (network, seed) = (is_carried.then_some(args.network), is_carried.then_some(args.seed));
    let provenance = args.form.provenance(seed)?;
    let text = args.form.json(&sweep, seed)?;
    let mut outputs = Outputs::default();
    let mut written = String::new();
    if let Some(folder) = folder {
        let picture = draw(&sweep, &templates).map_err(CliError::Picture)?;
        std::fs::create_dir_all(folder).map_err(|source| write(folder, source))?;
        let (json_path, svg_path) = (folder.join("sweep.json"), folder.join("sweep.svg"));
        outputs.add(&json_path, format!("{text}\n").into_bytes());
        outputs.add(&svg_path, provenance.in_svg(&picture)?.into_bytes());
        written = format!("\nwrote {} and {}", json_path.display(), svg_path.display());
    }
    outputs.write(&match form {
        Form::Json => text,
        Form::Text => summary(&sweep, &templates, network) + &written,
    })?;
    Ok(Outcome::Done)
}

/// The points without a guarantee where they are asked for, and those of every constraint.
fn measure(job: &SweepJob<'_>, wanted: &[AccumulatorConstraint]) -> Result<Sweep, CliError> {
    // In one order, each once.
    let constraints: Vec<_> = CONSTRAINTS.into_iter().filter(|c| wanted.contains(c)).collect();
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
    sweep.guaranteed = fewbit::sweep::guaranteed_points(job, &constraints, &step)
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

fn carried_network(args: &Args) -> Result<Data, CliError> {
    for (name, bytes) in [digits::IMAGES, args.network.file()] {
        args.form.inputs.add_carried(name, bytes);
    }
    let split = digits::split()?;
    let training = split.training.images;
    if !(1..=training.nrows()).contains(&args.calibration) {
        return Err(CliError::Calibration { asked: args.calibration, there: training.nrows() });
    }
    let mut rows: Vec<usize> = (0..training.nrows()).collect();
    rows.sort_by_key(|&row| (philox::bits(args.seed, row as u64), row));
    rows.truncate(args.calibration);
    let layers = args.network.layers()?.into_iter();
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
