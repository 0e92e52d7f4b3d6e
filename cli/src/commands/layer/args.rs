//! The arguments of `fewbit layer`.

use std::path::PathBuf;

use fewbit::Accumulator;
use fewbit::algorithms::layer::{LayerRotation, LayerSolver, ScaleSharing};
use fewbit::algorithms::{Effort, Order, Precision};
use fewbit::sweep::BitRange;

use super::choices::{
    AccChoice, ActChoice, Algorithm, EqualizeChoice, Keeping, ScaleChoice, WeightChoice, effort,
    precision,
};
use crate::error::CliError;
use crate::io::names::Kind;
use crate::options::{FormArgs, ThreadArgs};

const EXAMPLES: &str = "\
Examples:
  fewbit layer --weight W.npy --input X.npy --algorithm gptq --weights int4 --out Q.safetensors --report R.json
  fewbit layer --weight W.npy --input X.npy --input-quantized XQ.npy --compare rtn,gptq,gpfq,qronos
  fewbit layer --weight W.npy --input X.npy --algorithm qronos --weights int4 --acts uint8 --acc int16-sat/64,int24-wrap
  fewbit layer --weight W.npy --input X.npy --weights int4 --acts uint8 --acc int16-sat --scale constrained
  fewbit layer --weight W.npy --input X.npy --weights int4 --acts uint8 --bits 12..20 --compare rtn,gptq,qronos
  fewbit layer --weight W.npy --input X.npy --weights auto --acts auto --acc int16-sat
  fewbit layer --weight W.npy --input X.npy --weights uint4 --granularity group:128 --act-order
  fewbit layer --weight W.npy --input X.npy --weights mxfp4                 a group format brings its scales
  fewbit layer --weight W.npy --input X.npy --weights int4 --scale S.npy    scales from elsewhere: [], [out], [out, groups]

The error is |X W^T - X~ Q^T| / |X W^T|, where X~ are the quantized inputs (X where there are none) and Q the quantized
weights. GPFQ, Qronos, GPTAQ and Beacon correct the mismatch between X and X~; the others see X~ alone.

With --acts, the accumulator of --acc (or an exact one) is run on the codes of X~ and of the weights, and on the inputs that
are worst for them. Codes of the weights are multiplied as they are; zero points are corrected outside. With --acc the
weights are such that no input can make it overflow; exit code 1 says that something overflowed all the same. --constraint
joint chooses codes by the error of the outputs within the accumulator's budgets, and with --scale constrained the scales too,
which a tight accumulator wants larger; docs/guarantee.md has the mathematics and what it gains.

--equalize and --rotate change weights and inputs alike, W diag(s) R and X diag(s)^-1 R, so that the outputs stay; codes and
values are then those of the changed weights, and Q.safetensors has channel_scale (s) and effective (f32, [out, in]), the
matrix that acts on the inputs as they were.

Q.safetensors: codes (unsigned, [out, in]), scale and zero_point (f32, [out, groups]; of group formats also scale_codes),
values (f32, [out, in]), and with --acts act_scale and act_zero_point (f32); `fewbit dequantize` reads it. R.json: algorithm, relative_error, sqnr_db, guaranteed_bits and
observed_bits (of the first stage, the width that no input and that these inputs need), events, stages, seconds (of the
solver alone), statistics_seconds, peak_bytes (of the process), and what was chosen.";

const ABOUT: &str = "\
Choose the codes of one layer's weights with a post-training quantization algorithm

W is [out, in], X and XQ are [samples, in] and read a block of rows at a time.";

/// Arguments of `fewbit layer`.
#[derive(Debug, clap::Args)]
#[command(about = ABOUT.lines().next().unwrap_or_default(), long_about = ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Weights [out, in]: floats
    #[arg(long, value_name = "W.npy")]
    pub(super) weight: PathBuf,
    /// Inputs X of the float network, [samples, in]: floats
    #[arg(long, value_name = "X.npy")]
    pub(super) input: PathBuf,
    /// Inputs X~ that the layer sees once what is before it is quantized, [samples, in], sample by sample those of X
    /// [default: X]
    #[arg(long, value_name = "XQ.npy")]
    pub(super) input_quantized: Option<PathBuf>,
    /// How the codes are chosen
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        default_value = "gptq",
        conflicts_with = "compare"
    )]
    pub(super) algorithm: Algorithm,
    /// Compare these algorithms instead: a table, and a picture at --svg
    #[arg(long, value_enum, value_name = "NAME,NAME...", value_delimiter = ',')]
    pub(super) compare: Vec<Algorithm>,
    /// Format of the weights: a scalar one (int4, uint4, e2m1fn, fix8.4 ...), or a group format (mxfp4, nvfp4,
    /// mx(int4,f16,32) ...), which brings its own scales; unsigned integers have zero points
    /// --weights auto --acts auto try integers of 2 to 8 bits for both and take those with the least error under --acc
    #[arg(long, value_name = "FORMAT|auto", default_value = "int4")]
    pub(super) weights: WeightChoice,
    /// Who shares a scale: tensor, channel (an output), group:N (N inputs of an output; the last group may be shorter)
    /// [default: channel]
    #[arg(long, value_name = "WHO")]
    pub(super) granularity: Option<ScaleSharing>,
    /// Leave the lowest code of a signed integer format unused: int4 becomes int4n, -7 to 7
    #[arg(long)]
    pub(super) narrow: bool,
    /// Scales: absmax (the largest magnitude over that of the lowest code of signed integers, of the largest one of other
    /// formats; with zero points the range over the largest code), mse (the best of 19 below absmax), hqo, piso (exactly
    /// the least squared error of the weights), piso-diagonal (weighted with the diagonal of H), piso-full (the least
    /// error of the outputs of weights that are rounded to nearest), loss (each row's by the error that the algorithm
    /// leaves), constrained (the same under the constraint of --acc), or a file; group formats have loss and constrained,
    /// among the scales that have codes [default: absmax, or the group format's own rule]
    #[arg(long, value_name = "RULE|S.npy")]
    pub(super) scale: Option<ScaleChoice>,
    /// Scale the inputs' channels against those of the weights: smoothquant
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) equalize: Option<EqualizeChoice>,
    /// How much of the inputs' range moves into the weights, 0 to 1
    #[arg(long, value_name = "X", default_value = "0.5", requires = "equalize")]
    pub(super) alpha: f64,
    /// Rotate inputs and weights alike: hadamard, random-hadamard, orthogonal, each also with :N, in blocks of N inputs;
    /// expansion[:STEPS], a Hadamard matrix of a larger order
    #[arg(long, value_name = "NAME")]
    pub(super) rotate: Option<LayerRotation>,
    /// Format of the activations' codes, one scale for all of X~: an integer format of 2 to 16 bits
    #[arg(long, value_name = "FORMAT|auto")]
    pub(super) acts: Option<ActChoice>,
    /// Let X~ be the values of these codes, for the algorithm and for the error
    #[arg(long, requires = "acts")]
    pub(super) quantize_input: bool,
    /// Accumulator that must not overflow, whatever the codes of the activations; with --bits a template with {P} for the
    /// number of bits [default with --bits: int{P}-sat]
    #[arg(long, value_name = "SPEC", requires = "acts")]
    pub(super) acc: Option<AccChoice>,
    /// The price of a guarantee: the same for every number of accumulator bits P, both ends included, as a table and a
    /// picture of error, guarantee and overflows against P
    #[arg(long, value_name = "A..B", requires = "acts", conflicts_with_all = ["out", "save_statistics"])]
    pub(super) bits: Option<BitRange>,
    /// What the solver does about it: joint (budgets for scales and codes together, by the error of the outputs), axe
    /// (budgets and soft threshold, as published), axe-strict (budgets alone), none; a2q and a2q-plus project instead
    /// [default: joint; with --bits a list, none,axe,joint]
    #[arg(long, value_enum, value_name = "HOW", value_delimiter = ',', requires = "acts")]
    pub(super) constraint: Vec<Keeping>,
    /// How much work choosing codes may be besides the algorithm itself, 0 to 4: from 1 on codes descend over single moves
    /// of the error of the outputs, from 2 on over pairs of moves [default: 2 with --constraint joint, else 0]
    #[arg(long, value_name = "N", value_parser = effort)]
    pub(super) effort: Option<Effort>,
    /// Round the inputs with the largest second moments first; not with a2q and a2q-plus, which have no order
    #[arg(long)]
    pub(super) act_order: bool,
    /// Damping: gptq and gptaq in units of the mean diagonal of H [default: 0.01], qronos of its largest eigenvalue
    /// [default: 1e-6]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) damping: Option<f64>,
    /// What the solvers' loops compute in; factorisations are in f64 always. beacon, a2q and a2q-plus have no such choice
    /// [default: single]
    #[arg(long, value_parser = precision(), value_name = "TYPE")]
    pub(super) precision: Option<Precision>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "0")]
    pub(super) seed: u64,
    /// Codes, scales and values
    #[arg(
        long,
        value_name = "Q.safetensors",
        conflicts_with = "compare",
        value_parser = Kind::Safetensors.output()
    )]
    pub(super) out: Option<PathBuf>,
    /// The report as JSON
    #[arg(long, value_name = "R.json", value_parser = Kind::Json.output())]
    pub(super) report: Option<PathBuf>,
    /// The picture [default with --compare: layer.svg]
    #[arg(long, value_name = "FILE.svg", value_parser = Kind::Svg.output())]
    pub(super) svg: Option<PathBuf>,
    /// The statistics of the inputs, to be kept
    #[arg(long, value_name = "H.safetensors", value_parser = Kind::Safetensors.output())]
    pub(super) save_statistics: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

impl Args {
    /// The algorithms to run.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        if self.compare.is_empty() { vec![self.algorithm] } else { self.compare.clone() }
    }

    /// How the accumulator is kept.
    pub(super) fn constraint(&self) -> Keeping {
        self.constraint.first().copied().unwrap_or(Keeping::Joint)
    }

    /// All ways to keep it that are compared over numbers of bits.
    pub(super) fn constraints(&self) -> Vec<Keeping> {
        match self.constraint.is_empty() {
            true => vec![Keeping::None, Keeping::Axe, Keeping::Joint],
            false => self.constraint.clone(),
        }
    }

    /// The accumulator, where one is given that is no template.
    pub(super) fn accumulator(&self) -> Option<&Accumulator> {
        match &self.acc {
            Some(AccChoice::Accumulator(acc)) => Some(acc),
            _ => None,
        }
    }

    /// Refuses an argument that none of the algorithms has a use for; in a comparison one that has is enough.
    ///
    /// # Errors
    /// The first such argument.
    pub(super) fn check(&self) -> Result<(), CliError> {
        let algorithms = self.algorithms();
        let none = |has_a_use: fn(LayerSolver) -> bool| {
            !algorithms.iter().any(|algorithm| has_a_use(algorithm.solver()))
        };
        let constrained = self.constraint.iter().any(|keeping| *keeping != Keeping::None);
        let refused = [
            (self.damping.is_some() && none(|s| s.with_damping(0.0).is_some()), "--damping"),
            (
                self.precision.is_some() && none(|s| s.with_precision(Precision::Single).is_some()),
                "--precision",
            ),
            (self.act_order && none(|s| s.with_order(Order::Natural).is_some()), "--act-order"),
            (constrained && none(|s| s.keeps_budgets()), "--constraint"),
        ];
        if let Some((_, flag)) = refused.iter().find(|(refused, _)| *refused) {
            let names: Vec<String> = algorithms.iter().map(Algorithm::to_string).collect();
            return Err(CliError::Arguments(format!(
                "{flag} has no meaning for {}: leave it out",
                names.join(" and ")
            )));
        }
        match (&self.acc, &self.bits) {
            (Some(AccChoice::Template(template)), None) => {
                return Err(CliError::Arguments(format!(
                    "--acc {template} stands for many accumulators: expected --bits A..B, or a number in place of {{P}}"
                )));
            }
            (Some(AccChoice::Accumulator(acc)), Some(_)) => {
                return Err(CliError::Arguments(format!(
                    "--bits has many accumulators, --acc {acc} is one: expected {{P}} in the place of its number of bits"
                )));
            }
            (None, None) if !self.constraint.is_empty() => {
                return Err(CliError::Arguments(
                    "--constraint keeps an accumulator: expected --acc".into(),
                ));
            }
            _ => {}
        }
        if self.bits.is_none() && self.constraint.len() > 1 {
            return Err(CliError::Arguments(
                "several of --constraint are compared over numbers of bits: expected --bits A..B, or one of them".into(),
            ));
        }
        let automatic = [
            matches!(self.weights, WeightChoice::Auto),
            matches!(self.acts, Some(ActChoice::Auto)),
        ];
        match automatic {
            [true, true] if self.accumulator().is_none() => {
                return Err(CliError::Arguments(
                    "--weights auto --acts auto choose under an accumulator: expected --acc".into(),
                ));
            }
            [true, true] if !self.compare.is_empty() || self.scale.is_some() || self.narrow => {
                return Err(CliError::Arguments(
                    "--weights auto --acts auto choose scales too, with one algorithm: leave --compare, --scale and --narrow \
                     out"
                        .into(),
                ));
            }
            [true, false] | [false, true] => {
                return Err(CliError::Arguments(
                    "data types are chosen together: expected both --weights auto and --acts auto"
                        .into(),
                ));
            }
            _ => {}
        }
        if let Some(acc) = self.accumulator().filter(|acc| !acc.is_integer()) {
            return Err(CliError::Arguments(format!(
                "--acc {acc} has a floating-point stage; the codes of a layer are summed through int<P>-wrap, int<P>-sat \
                 and exact stages"
            )));
        }
        Ok(())
    }

    /// Which input comes first.
    pub(super) fn order(&self) -> Order {
        if self.act_order { Order::Descending } else { Order::Natural }
    }
}
