//! A network quantized for one accumulator, layer after layer.

use ndarray::{Array2, ArrayView2};

use super::error::SweepError;
use super::float::{FloatLayer, check_inputs, check_layers, relu};
use super::layer::CodeLayer;
use super::network::Network;
use crate::algorithms::layer::{
    AccumulatorConstraint, InputValues, LayerAccumulator, LayerActivations, LayerJob, LayerSolver,
    MatrixInputs, ScalarWeights, WeightScale, quantize_layer,
};
use crate::algorithms::{GptqParams, QronosParams};
use crate::quantize::CodeFormat;
use crate::tensor::AnyQuantTensor;

impl Network {
    /// Quantizes `layers` one after the other for the accumulator of `wanted`, such that its constraint holds in each.
    ///
    /// ```text
    /// layer i:   X = what the float network computes from the calibration before layer i
    ///            X̃ = what the quantized layers before it make of the calibration, through the accumulator
    ///            codes by GPTQ and by Qronos on (W, X, X̃), one scale per output; activations' scale from the range of X̃
    /// ```
    ///
    /// Scales are searched with the codes under [`AccumulatorConstraint::Joint`]. Under the others they are published
    /// ones: the greatest magnitude, and the least squared error of the weights. Per layer that solver and that rule are kept
    /// which leave the outputs of the calibration the least error.
    ///
    /// ```
    /// use fewbit::algorithms::layer::{AccumulatorConstraint, LayerAccumulator};
    /// use fewbit::sweep::{FloatLayer, Network};
    /// use ndarray::array;
    /// let layers = [FloatLayer::without_bias(array![[7.0f32, 7.0]])];
    /// let inputs = array![[255.0f32, 0.0], [0.0, 255.0]]; // codes 255 and 0
    /// let wanted = LayerAccumulator {
    ///     accumulator: "int11-sat".parse()?, // to 1023: the codes of the weights may sum to 1023 / 255 = 4.01
    ///     constraint: AccumulatorConstraint::Joint,
    /// };
    /// let network =
    ///     Network::constrained(&layers, "int4".parse()?, "uint8".parse()?, inputs.view(), &wanted)?;
    /// assert!(network.is_guaranteed(&wanted.accumulator)?);
    /// assert_eq!(network.run(inputs.view(), &wanted.accumulator)?.overflowed, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Layers or a calibration without numbers, that are not finite, or that do not fit each other; an accumulator with a
    /// floating-point stage.
    pub fn constrained(
        layers: &[FloatLayer],
        weights: CodeFormat,
        acts: CodeFormat,
        calibration: ArrayView2<'_, f32>,
        wanted: &LayerAccumulator,
    ) -> Result<Self, SweepError> {
        check_layers(layers)?;
        check_inputs("the calibration inputs", layers, calibration)?;
        let quantizer = acts.quantizer()?;
        let activations = LayerActivations {
            input_values: InputValues::OfCodes,
            accumulator: Some(wanted.clone()),
            ..LayerActivations::new(acts)
        };
        let (mut float, mut quantized) = (calibration.to_owned(), calibration.to_owned());
        let mut chosen = Vec::with_capacity(layers.len());
        for layer in layers {
            let inputs = [float.view(), quantized.view()];
            let tensor = best(layer.weights.view(), inputs, weights, &activations)?;
            let codes = CodeLayer::new(layer, &tensor, &quantizer, quantized.view())?;
            quantized = rectified(codes.run(quantized.view(), &wanted.accumulator)?.0);
            float = rectified(layer.forward(float.view()));
            chosen.push(codes);
        }
        Ok(Self::of_layers(chosen, calibration.ncols(), acts))
    }
}

fn rectified(mut outputs: Array2<f32>) -> Array2<f32> {
    outputs.mapv_inplace(relu);
    outputs
}

/// The weights with the least error of the outputs, of those by every solver at every scale rule that the constraint has.
fn best(
    weights: ArrayView2<'_, f32>,
    [float, quantized]: [ArrayView2<'_, f32>; 2],
    format: CodeFormat,
    activations: &LayerActivations,
) -> Result<AnyQuantTensor, SweepError> {
    let gptq = LayerSolver::Gptq(GptqParams::default());
    let qronos = LayerSolver::Qronos(QronosParams::default());
    let mut best: Option<(f64, AnyQuantTensor)> = None;
    for scale in scale_rules(format, activations) {
        let weights_wanted = ScalarWeights { scale, ..ScalarWeights::new(format.into()) };
        let job = LayerJob {
            solvers: vec![gptq, qronos],
            activations: Some(activations.clone()),
            ..LayerJob::new(weights_wanted, gptq)
        };
        let mut inputs = MatrixInputs::pairs(float, quantized)?;
        let layer = quantize_layer(weights, &mut inputs, &job, &mut |_| ())?;
        for candidate in &layer.candidates {
            let error = candidate.verdict.relative_error;
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, layer.tensor(candidate)?));
            }
        }
    }
    // There is a rule and a solver.
    best.map(|(_, tensor)| tensor).ok_or(SweepError::NoLayers)
}

fn scale_rules(format: CodeFormat, activations: &LayerActivations) -> Vec<WeightScale> {
    let constraint = activations.accumulator.as_ref().map(|wanted| wanted.constraint);
    let has_zero_points = ScalarWeights::new(format.into()).has_zero_points();
    match constraint {
        Some(AccumulatorConstraint::Joint) => vec![WeightScale::Constrained],
        // The search for the least squared error is for formats without zero points.
        _ if has_zero_points => vec![WeightScale::AbsMax],
        _ => vec![WeightScale::AbsMax, WeightScale::Mse],
    }
}
