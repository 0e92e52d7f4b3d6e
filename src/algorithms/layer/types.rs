//! The choice of data types under an accumulator: how many bits weights and inputs get.

use std::ops::RangeInclusive;

use fewbit_formats::Format;
use ndarray::ArrayView2;
use serde::Serialize;

use super::calibrated::Calibrated;
use super::error::LayerError;
use super::inputs::LayerInputs;
use super::job::{
    AccumulatorConstraint, InputValues, LayerAccumulator, LayerActivations, LayerJob,
};
use super::judge::Scope;
use super::progress::{LayerPhase, LayerProgress};
use super::weights::{LayerWeights, WeightScale};
use crate::accumulate::bounds::{DataType, Sign, data_type_bits};
use crate::accumulate::{Accumulator, Register};
use crate::algorithms::Effort;
use crate::quantize::{CodeFormat, CodeFormatError};

/// Pairs that are solved with full effort at the end.
const FINALISTS: usize = 3;

/// Which data types come into question.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeRange {
    /// Formats of weights, without zero points.
    pub weights: Vec<Format>,
    /// Formats of activations.
    pub activations: Vec<CodeFormat>,
}

/// A pair of data types and what it does to the outputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypePair {
    /// Format of the weights.
    pub weights: String,
    /// Format of the activations.
    pub activations: String,
    /// Why no input overflows.
    pub guarantee: TypeGuarantee,
    /// Of the outputs, with the inputs' own error.
    pub relative_error: f64,
}

/// Why no input overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TypeGuarantee {
    /// The weights keep their budgets.
    Constraint,
    /// No weights at all of this type could overflow: the bound of the papers.
    DataTypes,
}

/// The data types with the least error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypeChoice {
    /// The job with these types.
    #[serde(skip)]
    pub job: LayerJob,
    /// The best pair.
    pub best: TypePair,
    /// The best of the pairs whose guarantee follows from their data types alone; `None` where there is none.
    pub best_by_data_types: Option<TypePair>,
    /// All pairs that were tried, the finalists with full effort and the others with none; by error.
    pub pairs: Vec<TypePair>,
}

impl TypeRange {
    /// Signed weights without their lowest code and unsigned and signed activations, of these numbers of bits.
    ///
    /// # Errors
    /// Widths that no such format has.
    ///
    /// ```
    /// use fewbit::algorithms::layer::TypeRange;
    /// let range = TypeRange::integers(2..=4, 7..=8)?;
    /// assert_eq!(range.weights.len(), 3); // int2n, int3n, int4n
    /// assert_eq!(range.activations.len(), 4); // uint7, int7, uint8, int8
    /// # Ok::<(), fewbit::quantize::CodeFormatError>(())
    /// ```
    pub fn integers(
        weights: RangeInclusive<u32>,
        activations: RangeInclusive<u32>,
    ) -> Result<Self, CodeFormatError> {
        let weights = weights.map(|bits| Ok(format!("int{bits}n").parse::<Format>()?));
        let activations =
            activations.flat_map(|bits| [format!("uint{bits}"), format!("int{bits}")]);
        Ok(Self {
            weights: weights.collect::<Result<_, CodeFormatError>>()?,
            activations: activations.map(|name| name.parse()).collect::<Result<_, _>>()?,
        })
    }
}

/// The data types of weights and activations that leave a layer the least error under an accumulator.
///
/// ```text
/// per format of activations: X̃ = their values -> statistics -> per format of weights: scales and codes within the budgets
/// the best 3 pairs again with the job's effort -> the best of these
/// beside it: scales and codes without a budget, for the pairs of which no weights at all could overflow
/// ```
///
/// The job's first algorithm chooses, with scales by loss; its own formats are ignored, and its activations' values are the
/// inputs. Of equal errors the first pair is the best: list narrow formats first.
///
/// # Errors
/// As [`quantize_layer`](super::quantize_layer); no pair at all.
pub fn choose_data_types<I: LayerInputs>(
    weights: ArrayView2<'_, f32>,
    inputs: &mut I,
    job: &LayerJob,
    accumulator: &Accumulator,
    range: &TypeRange,
    progress: &mut dyn FnMut(LayerProgress),
) -> Result<TypeChoice, I::Error> {
    let mut found: Vec<(Pair, f64)> = Vec::new();
    let total = range.activations.len();
    progress(LayerProgress { phase: LayerPhase::DataTypes, done: 0, total });
    for (done, activations) in range.activations.iter().enumerate() {
        let of = |weights, guarantee| Pair { weights, activations: *activations, guarantee };
        let first = of(Format::INT4, TypeGuarantee::Constraint).job(job, accumulator, Effort::NONE);
        let quiet = &mut |_| ();
        let mut calibrated = Calibrated::new(weights, inputs, &first, quiet)?;
        for format in &range.weights {
            for guarantee in [TypeGuarantee::Constraint, TypeGuarantee::DataTypes] {
                let pair = of(*format, guarantee);
                if guarantee == TypeGuarantee::DataTypes && !pair.fits(accumulator, weights.ncols())
                {
                    continue;
                }
                let job = pair.job(job, accumulator, Effort::NONE);
                let (_, candidates) = calibrated.solve(&job, Scope::Errors)?;
                let errors = candidates.iter().map(|c| c.verdict.relative_error);
                found.extend(errors.map(|error| (pair, error)));
            }
        }
        progress(LayerProgress { phase: LayerPhase::DataTypes, done: done + 1, total });
    }
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    let effort = job.effort.unwrap_or_default();
    for guarantee in [TypeGuarantee::Constraint, TypeGuarantee::DataTypes] {
        let finalists = found.iter_mut().filter(|(pair, _)| pair.guarantee == guarantee);
        for (pair, error) in finalists.take(FINALISTS) {
            let job = pair.job(job, accumulator, effort);
            let quiet = &mut |_| ();
            let mut calibrated = Calibrated::new(weights, inputs, &job, quiet)?;
            let (_, candidates) = calibrated.solve(&job, Scope::Errors)?;
            let errors = candidates.iter().map(|c| c.verdict.relative_error);
            *error = errors.fold(*error, f64::min);
        }
    }
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    let best_of = |guarantee| found.iter().find(|(pair, _)| pair.guarantee == guarantee);
    let Some(best) = best_of(TypeGuarantee::Constraint) else {
        return Err(LayerError::NoTypes.into());
    };
    Ok(TypeChoice {
        job: best.0.job(job, accumulator, effort),
        best: best.0.named(best.1),
        best_by_data_types: best_of(TypeGuarantee::DataTypes).map(|(pair, e)| pair.named(*e)),
        pairs: found.iter().map(|(pair, error)| pair.named(*error)).collect(),
    })
}

#[derive(Clone, Copy)]
struct Pair {
    weights: Format,
    activations: CodeFormat,
    guarantee: TypeGuarantee,
}

impl Pair {
    fn job(self, job: &LayerJob, accumulator: &Accumulator, effort: Effort) -> LayerJob {
        let (constraint, scale) = match self.guarantee {
            TypeGuarantee::Constraint => (AccumulatorConstraint::Joint, WeightScale::Constrained),
            TypeGuarantee::DataTypes => (AccumulatorConstraint::None, WeightScale::Loss),
        };
        let accumulator = accumulator.clone();
        LayerJob {
            weights: LayerWeights::from(self.weights).with_scale(scale),
            solvers: job.solvers.first().copied().into_iter().collect(),
            activations: Some(LayerActivations {
                format: self.activations,
                input_values: InputValues::OfCodes,
                accumulator: Some(LayerAccumulator { accumulator, constraint }),
            }),
            effort: Some(effort),
            ..job.clone()
        }
    }

    /// Whether every integer stage holds the sums of any weights of this type.
    fn fits(self, accumulator: &Accumulator, cols: usize) -> bool {
        let range = self.activations.range();
        let sign = if range.low < 0 { Sign::Signed } else { Sign::Unsigned };
        let reach = range.high.max(1).ilog2() + 1;
        let input = DataType { bits: reach + u32::from(sign == Sign::Signed), sign };
        let mut depth = 1u64;
        accumulator.stages().iter().all(|stage| {
            depth = stage.count.map_or(cols as u64, |count| depth.saturating_mul(count.get()));
            let needed = data_type_bits(depth.min(cols as u64), self.weights.bits(), input);
            match stage.register {
                Register::Int { bits, .. } => needed <= bits,
                _ => true,
            }
        })
    }

    fn named(self, relative_error: f64) -> TypePair {
        TypePair {
            weights: self.weights.to_string(),
            activations: self.activations.to_string(),
            guarantee: self.guarantee,
            relative_error,
        }
    }
}
