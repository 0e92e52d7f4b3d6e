//! The arguments of `fewbit sweep`.

use std::path::PathBuf;

use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::quantize::CodeFormat;
use fewbit::sweep::{AccumulatorTemplate, BitRange};
use fewbit_formats::philox;

use crate::digits::Carried;
use crate::error::CliError;
use crate::io::names;
use crate::options::{FormArgs, ThreadArgs};
use crate::spelling::code_format;

const EXAMPLES: &str = "\
Examples:
  fewbit sweep
  fewbit sweep --weights int8 --bits 12..24 --out results
  fewbit sweep --acc int{P}-sat --acc int{P}-sat/16,int{P}-sat --json
  fewbit sweep --network 64-96-64-32-10 --constraint axe,joint
  fewbit sweep --network cnn --bits 10..18
  fewbit sweep --weight W.npy --input X.npy
  fewbit sweep --model model.onnx --data V.npz --calibration-data X.npz --compare rtn,gptq,qronos --constraint none,axe,joint --csv";

const ABOUT: &str = "\
Quantize a network, run its matrix products through accumulators of P bits, and say what P costs

Without --weight and --input these are carried networks, measured on the 596 images of the UCI optical digits that they were \
    not trained on: a multilayer perceptron, named by its shape, and a convolutional network with depthwise and residual parts \
    (cnn), rounded to nearest and by GPTQ, through int{P}-sat where --acc names no other. Every layer's product runs through \
    the accumulator, step by step; between layers come rescaling, bias, ReLU and quantization with static scales.

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

/// Arguments of `fewbit sweep`.
#[derive(Debug, clap::Args)]
#[command(about = ABOUT.lines().next().unwrap_or_default(), long_about = ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Carried network, alone: 64-128-128-10, 64-96-64-32-10, or cnn, the convolutional one where networks are compiled in
    /// [default: 64-128-128-10 and cnn]
    #[arg(long, value_name = "NAME", conflicts_with = "weight")]
    pub(super) network: Option<Carried>,
    /// Format of the weights, one scale per output
    #[arg(long, value_name = "FORMAT", value_parser = code_format, default_value = "int4")]
    pub(super) weights: CodeFormat,
    /// Format of the activations, one scale per layer
    #[arg(long, value_name = "FORMAT", value_parser = code_format, default_value = "uint8")]
    pub(super) acts: CodeFormat,
    /// Numbers of accumulator bits, both ends included
    #[arg(long, value_name = "A..B", default_value = "8..24")]
    pub(super) bits: BitRange,
    /// Accumulator with {P} for the number of bits; may be given several times
    /// [default: int{P}-wrap, int{P}-sat and int{P}-sat/32,int32-wrap]
    #[arg(long, value_name = "TEMPLATE")]
    pub(super) acc: Vec<AccumulatorTemplate>,
    /// What keeps accumulators from overflowing, several separated by commas: none, not at all; axe, AXE's budgets at its
    /// published scales; axe-strict, the same without its soft threshold; joint, scales and codes together within the budgets
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "none,axe,joint")]
    pub(super) constraint: Vec<AccumulatorConstraint>,
    /// Weights [outputs, inputs] of a layer of your own: floats
    #[arg(long, value_name = "W.npy", requires = "input")]
    pub(super) weight: Option<PathBuf>,
    /// Inputs [samples, inputs] of that layer: floats
    #[arg(long, value_name = "X.npy", requires = "weight")]
    pub(super) input: Option<PathBuf>,
    /// Network of your own, an ONNX file
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["weight", "network"], requires = "data")]
    pub(super) model: Option<PathBuf>,
    /// Inputs of that network by name, and labels, `y`
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "V.npz", requires = "model")]
    pub(super) data: Option<PathBuf>,
    /// Inputs that its scales and codes are chosen on [default: those of --data]
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "X.npz", requires = "model")]
    pub(super) calibration_data: Option<PathBuf>,
    /// Algorithms that choose its codes, several separated by commas: rtn, gptq, gpfq, qronos
    #[cfg(feature = "networks")]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "rtn", requires = "model",
        value_parser = ["rtn", "gptq", "gpfq", "qronos"])]
    pub(super) compare: Vec<String>,
    /// Write its points as sweep.csv as well
    #[cfg(feature = "networks")]
    #[arg(long, requires = "model")]
    pub(super) csv: bool,
    /// Training images, drawn by --seed, that the activations' scales are calibrated on
    #[arg(long, value_name = "N", default_value = "512", conflicts_with = "weight")]
    pub(super) calibration: usize,
    /// Seed of the draw of the calibration images
    #[arg(long, value_name = "N", default_value = "0", conflicts_with = "weight")]
    pub(super) seed: u64,
    /// Folder that sweep.json and sweep.svg are written to; made if it is not there [default: the current one, or with
    /// --json none]
    #[arg(long, value_name = "DIR", value_parser = names::folder())]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// What may keep accumulators from overflowing, in the order that it is shown in.
const CONSTRAINTS: [AccumulatorConstraint; 4] = [
    AccumulatorConstraint::None,
    AccumulatorConstraint::Axe,
    AccumulatorConstraint::AxeStrict,
    AccumulatorConstraint::Joint,
];

impl Args {
    /// What keeps accumulators from overflowing: in one order, each once.
    pub(super) fn constraints(&self) -> Vec<AccumulatorConstraint> {
        CONSTRAINTS.into_iter().filter(|constraint| self.constraint.contains(constraint)).collect()
    }

    /// The training images that scales are calibrated on, of so many.
    pub(super) fn calibration_rows(&self, there: usize) -> Result<Vec<usize>, CliError> {
        if !(1..=there).contains(&self.calibration) {
            return Err(CliError::Calibration { asked: self.calibration, there });
        }
        let mut rows: Vec<usize> = (0..there).collect();
        rows.sort_by_key(|&row| (philox::bits(self.seed, row as u64), row));
        rows.truncate(self.calibration);
        Ok(rows)
    }
}
