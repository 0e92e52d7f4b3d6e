//! From the arguments to the job, and from what the library refuses to the argument that it is about.

use std::path::Path;

use fewbit::algorithms::equalize::SmoothParams;
use fewbit::algorithms::layer::{
    Equalization, InputValues, LayerAccumulator, LayerActivations, LayerError, LayerJob,
    LayerSolver, LayerWeights, ScalarWeights, WeightScale,
};
use fewbit_formats::{Format, FormatError, GroupFormat, IntRange};
use ndarray::{ArrayD, IxDyn};

use super::args::Args;
use super::choices::{ActChoice, ScaleChoice, WeightChoice};
use crate::error::CliError;
use crate::io::log::InputLog;
use crate::io::npy;
use crate::quantized::Target;

impl Args {
    /// The job; a file of scales is read.
    ///
    /// # Errors
    /// Formats of weights that this is not for, arguments that have no meaning for one, a file that cannot be read.
    pub(super) fn job(&self) -> Result<LayerJob, CliError> {
        let weights = match self.weights {
            WeightChoice::Auto => self.scalar(Format::INT4)?.into(),
            WeightChoice::Target(Target::Tensor(format)) => self.scalar(format)?.into(),
            WeightChoice::Target(Target::Groups(format)) => self.groups(format)?,
            WeightChoice::Target(Target::Blocks(_)) => {
                return Err(CliError::Arguments(format!(
                    "--weights {} has scales that only its own quantizer makes: expected a scalar format (int4 ...) or \
                     a group format (mxfp4, mx(int4,f16,32) ...)",
                    self.weights
                )));
            }
        };
        let smooth = SmoothParams { alpha: self.alpha, ..SmoothParams::default() };
        Ok(LayerJob {
            weights,
            solvers: self.solvers(),
            equalization: self.equalize.map(|_| Equalization::SmoothQuant(smooth)),
            rotation: self.rotate,
            activations: self.activations(),
            effort: self.effort,
            seed: self.seed,
        })
    }

    /// The algorithms; each takes the parameters that it has.
    fn solvers(&self) -> Vec<LayerSolver> {
        let solver = |solver: LayerSolver| {
            let solver = solver.with_order(self.order()).unwrap_or(solver);
            let precise = self.precision.and_then(|precision| solver.with_precision(precision));
            let solver = precise.unwrap_or(solver);
            self.damping.and_then(|damping| solver.with_damping(damping)).unwrap_or(solver)
        };
        self.algorithms().into_iter().map(|algorithm| solver(algorithm.solver())).collect()
    }

    fn activations(&self) -> Option<LayerActivations> {
        let accumulator = self.accumulator().cloned().map(|accumulator| {
            let constraint = self.constraint().into();
            LayerAccumulator { accumulator, constraint }
        });
        let input_values = match self.quantize_input {
            true => InputValues::OfCodes,
            false => InputValues::AsGiven,
        };
        match self.acts? {
            ActChoice::Auto => None,
            ActChoice::Format(format) => {
                Some(LayerActivations { format, input_values, accumulator })
            }
        }
    }

    fn scalar(&self, format: Format) -> Result<ScalarWeights, CliError> {
        let format = if self.narrow { narrow(format)? } else { format };
        let scale = match &self.scale {
            None => WeightScale::default(),
            Some(ScaleChoice::Rule(rule)) => rule.clone(),
            Some(ScaleChoice::File(path)) => WeightScale::Given(scales(path, &self.form.inputs)?),
        };
        Ok(ScalarWeights { format, sharing: self.granularity.unwrap_or_default(), scale })
    }

    fn groups(&self, format: GroupFormat) -> Result<LayerWeights, CliError> {
        let by_loss = match &self.scale {
            Some(ScaleChoice::Rule(rule)) if rule.is_by_loss() => Some(rule.clone()),
            _ => None,
        };
        let refused = [
            (self.narrow, "--narrow"),
            (self.granularity.is_some(), "--granularity"),
            (self.scale.is_some() && by_loss.is_none(), "--scale, but for loss and constrained,"),
        ];
        match refused.iter().find(|(refused, _)| *refused) {
            Some((_, flag)) => Err(CliError::Arguments(format!(
                "{flag} has no meaning for --weights {format}, which sets it"
            ))),
            None => {
                let weights = LayerWeights::from(format);
                Ok(match by_loss {
                    Some(rule) => weights.with_scale(rule),
                    None => weights,
                })
            }
        }
    }

    /// An error in the words of the command line: with the argument that it is about.
    pub(super) fn complaint(&self, error: CliError) -> CliError {
        let CliError::QuantizedLayer(error) = error else { return error };
        let scale = self.scale.as_ref();
        match (error.as_ref(), scale) {
            (LayerError::ScaleShape { found, expected }, Some(ScaleChoice::File(path))) => {
                CliError::Array {
                    path: path.clone(),
                    reason: format!(
                        "has shape {found:?}; scales of shape {expected:?} are needed"
                    ),
                }
            }
            (LayerError::Scale(scale), Some(ScaleChoice::File(path))) => CliError::Array {
                path: path.clone(),
                reason: format!("holds {scale}; scales are finite and not 0"),
            },
            (LayerError::ZeroPoints { scale, format }, _) => CliError::Arguments(format!(
                "--scale {scale} is for formats without zero points, as int4; {format} has them"
            )),
            (LayerError::SharedByRows(rule), _) => CliError::Arguments(format!(
                "--scale {rule} finds scales of rows: expected --granularity channel or group:N"
            )),
            (LayerError::Unconstrained, _) => CliError::Arguments(
                "--scale constrained chooses scales under what --acc can hold: expected --acc, or --scale loss".into(),
            ),
            (LayerError::NoRegister(algorithm), _) => CliError::Arguments(format!(
                "{algorithm} projects onto what an accumulator holds: expected --acc with an integer register first, as \
                 int16-sat or int16-sat/64,int24-sat"
            )),
            (LayerError::NoIntegers(_), _) => CliError::Arguments(format!(
                "the values of --weights {} are no integers that an accumulator could sum: expected a narrower format, \
                 or --acts with --quantize-input and without --acc",
                self.weights
            )),
            _ => CliError::QuantizedLayer(error),
        }
    }
}

/// Scales from a file.
fn scales(path: &Path, log: &InputLog) -> Result<ArrayD<f32>, CliError> {
    let file = npy::read(path, log)?;
    let values = file.f32_values()?;
    Ok(ArrayD::from_shape_vec(IxDyn(&file.shape), values)?)
}

/// A signed integer format without its lowest code.
fn narrow(format: Format) -> Result<Format, CliError> {
    match format {
        Format::Int(int) if int.is_signed() && int.range() == IntRange::Narrow => Ok(format),
        // The grammar of formats has a suffix for it.
        Format::Int(int) if int.is_signed() => format!("{format}n")
            .parse()
            .map_err(|error: FormatError| CliError::Arguments(error.to_string())),
        _ => Err(CliError::Arguments(format!(
            "--narrow leaves the lowest code of signed integers unused; --weights {format} is none"
        ))),
    }
}
