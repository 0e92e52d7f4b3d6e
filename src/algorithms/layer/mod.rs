//! One layer's weights from numbers to codes, with what these do to the outputs and in an accumulator.
//!
//! A [`LayerJob`] says what is wanted: what the weights may become ([`LayerWeights`]: format, who shares a scale, how it is
//! chosen), the algorithms ([`LayerSolver`]), what is done to weights and inputs alike first ([`Equalization`],
//! [`LayerRotation`]), and the codes of the activations with the accumulator that sums their products
//! ([`LayerActivations`]). [`quantize_layer`] does it on inputs that come in blocks ([`LayerInputs`]) and gives a
//! [`QuantizedLayer`]: per algorithm the codes, the error of the outputs, and what the accumulator did.
//!
//! ```
//! use fewbit::algorithms::layer::{LayerJob, LayerSolver, MatrixInputs, quantize_layer};
//! use fewbit::formats::Format;
//! use ndarray::array;
//!
//! let (weights, inputs) = (array![[1.0f32, 0.3]], array![[1.0f32, 1.0], [2.0, 2.0]]);
//! let solvers: Vec<LayerSolver> = vec!["rtn".parse()?, "gpfq".parse()?];
//! let job = LayerJob { solvers, ..LayerJob::new(Format::INT2, "rtn".parse()?) };
//! let layer = quantize_layer(weights.view(), &mut MatrixInputs::new(inputs.view()), &job, &mut |_| ())?;
//! // Codes -2 to 1 at a scale of 1 / 2: 1 is cut to 0.5, and 0.3 is nearest to 0.5 as well. That makes 1 of 1.3.
//! let error = layer.candidates[0].verdict.relative_error;
//! assert!((error - 0.3 / 1.3).abs() < 1e-6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accumulation;
mod activations;
mod calibrated;
mod candidate;
mod error;
mod grid;
mod inputs;
mod job;
mod judge;
mod name;
mod passes;
mod price;
mod progress;
mod rotation;
mod run;
mod scales;
mod solve;
mod solver;
mod transform;
mod types;
mod verdict;
mod weights;

pub use activations::ActivationScale;
pub use candidate::LayerCandidate;
pub use error::LayerError;
pub use grid::WeightGrid;
pub use inputs::{LayerBatch, LayerInputs, MatrixInputs};
pub use job::{
    AccumulatorConstraint, Equalization, InputValues, LayerAccumulator, LayerActivations, LayerJob,
};
pub use name::LayerNameError;
pub use price::{LayerPrice, PricePoint, price_of_guarantee};
pub use progress::{LayerPhase, LayerProgress};
pub use rotation::{LayerRotation, RotationMatrix};
pub use run::{QuantizedLayer, quantize_layer};
pub use solver::LayerSolver;
pub use transform::LayerTransform;
pub use types::{TypeChoice, TypeGuarantee, TypePair, TypeRange, choose_data_types};
pub use verdict::{LayerVerdict, StageVerdict};
pub use weights::{
    GroupScale, GroupWeights, LayerWeights, ScalarWeights, ScaleSharing, WeightScale,
};
