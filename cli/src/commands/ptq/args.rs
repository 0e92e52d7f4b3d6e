//! Arguments of `fewbit ptq`.

use std::path::PathBuf;

use fewbit::sweep::AccumulatorTemplate;

use crate::io::names;
use crate::networks::KeyArgs;
use crate::options::{FormArgs, ThreadArgs};

const ABOUT: &str = "\
Quantize a network after its training, run it through its accumulators, and say what that costs

Of a network on arrays, keys, their meanings and their defaults are those of Brevitas 0.12.1's brevitas_ptq_imagenet_val, of a \
    language model those of its brevitas_ptq_llm, in a YAML file or as flags, with - or _; flags override. New keys: accumulator, \
    accumulators, accumulator_constraint, requantization, sweep_bits, quantize_output, integer_samples, act_equalization_alpha, \
    rtn, gptaq, nvalid.

A network on arrays (.onnx, .safetensors):
1. ReLU6 becomes ReLU, Attention two products and a softmax; batch normalizations are merged into the products before them, \
    channels are equalized, and split or scaled against activations if asked for.
2. Quantizers are put on activations and weights; scales of activations come from the calibration images.
3. Codes of weights are chosen by GPFQ, GPTQ, Qronos or learned rounding if asked for, else rounded to nearest.
4. The mean error is moved into the biases, which become integers in the scale of their sums.
5. The network runs in floats, with quantizers, and in integers through its accumulators.

A language model (.gguf, a folder with config.json):
1. Norms are merged, activations rotated, channels equalized, magnitudes reduced, if asked for.
2. Quantizers are put on the inputs and weights of linear layers, but of the last, and inside attention; static scales come from \
    the calibration text.
3. Codes of weights are chosen by learned rounding, GPTQ, GPTAQ, GPFQ or Qronos if asked for, layer after layer, with what those \
    before have become.
4. Perplexity of the text: in floats, with quantizers, and in integers through the accumulators.

What is measured on (labels `y` in --data, --text) is not looked at before: the network does not depend on it. A run that is \
    interrupted goes on with --resume and gives the same bits.";

const EXAMPLES: &str = "\
Examples:
  fewbit ptq model.onnx --calibration X.npz --data V.npz --out q
  fewbit ptq model.onnx --calibration X.npz --data V.npz --out q --weight-bit-width 4 --weight-quant-granularity per_channel --gptq
  fewbit ptq model.onnx --calibration X.npz --data V.npz --out q --config w4a8.yaml --accumulator int16-sat --sweep-bits 10..20
  fewbit ptq model.gguf --config examples/llm/w4a8-axe16.yaml --calibration-text C.txt --text T.txt --out q
  fewbit ptq DIR --config w4a8.yaml --calibration-text C.txt --text T.txt --out q --sweep-bits 12..20 --acc 'int{P}-sat/128,int32-wrap'

DIR gets report.json, report.html, bounds.json (per row the worst case of the accumulator over all inputs), and the network: of one
on arrays model.onnx (QuantizeLinear, Clip, DequantizeLinear) and model.qonnx.onnx (QONNX's Quant); of a language model what
fewbit run DIR takes, to the same bits: model.onnx with model.safetensors, and the tokenizer.";

/// Arguments of `fewbit ptq`.
#[derive(Debug, clap::Args)]
#[command(about = ABOUT.lines().next().unwrap_or_default(), long_about = ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Network: an ONNX file, or a language model's .gguf file or folder [default: `model` of the configuration]
    #[arg(value_name = "MODEL")]
    pub(super) model: Option<PathBuf>,
    /// Images that scales and codes are chosen on, as an input of the network
    #[arg(long, value_name = "X.npz")]
    pub(super) calibration: Option<PathBuf>,
    /// Images that results are measured on; labels are `y`
    #[arg(long, value_name = "V.npz")]
    pub(super) data: Option<PathBuf>,
    /// Of a language model, the text that scales and codes are chosen on: its first windows
    #[arg(long, value_name = "F.txt", conflicts_with_all = ["calibration", "data"])]
    pub(super) calibration_text: Option<PathBuf>,
    /// Of a language model, the text whose perplexity is measured: its first windows
    #[arg(long, value_name = "F.txt", conflicts_with_all = ["calibration", "data"])]
    pub(super) text: Option<PathBuf>,
    /// Of a language model, the accumulators of --sweep-bits, {P} in the place of a width; one that saturates is also run wrapping
    #[arg(long, value_name = "SPEC", requires = "text")]
    pub(super) acc: Vec<AccumulatorTemplate>,
    /// Keys in a file
    #[arg(long, value_name = "C.yaml")]
    pub(super) config: Option<PathBuf>,
    /// Folder for the results; made if it is not there
    #[arg(long, value_name = "DIR", value_parser = names::folder())]
    pub(super) out: PathBuf,
    /// Go on where a run with the same model, calibration data and keys was interrupted
    #[arg(long)]
    pub(super) resume: bool,
    /// Find the least width of each product's saturating accumulator such that at most this percentage of the calibration
    /// images get another class
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub(super) budget: Option<f64>,
    /// Write activations of model.qonnx.onnx as MultiThreshold, as FINN runs them, where they have at most 8 bits
    #[arg(long)]
    pub(super) qonnx_thresholds: bool,
    #[command(flatten)]
    pub(super) keys: KeyArgs,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

fn percentage(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| (0.0..=100.0).contains(n));
    number.ok_or_else(|| "expected a percentage from 0 to 100".to_owned())
}
