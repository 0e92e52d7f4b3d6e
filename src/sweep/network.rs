//! A network of linear layers in codes, run through an accumulator.

use ndarray::{Array2, ArrayView2};

use super::error::SweepError;
use super::float::{FloatLayer, check_inputs, check_layers, relu};
use super::layer::CodeLayer;
use crate::accumulate::Accumulator;
use crate::accumulate::bounds::{InputRange, Inputs, Layer};
use crate::quantize::CodeFormat;

/// Linear layers in codes with ReLU between them.
///
/// A layer's inputs are quantized with a static scale; the products of codes go through an accumulator; the sum is
/// corrected for zero points, multiplied with both scales, the bias is added in f64, and the result rounded once to f32.
///
/// ```
/// use fewbit::sweep::{FloatLayer, Network};
/// use ndarray::array;
/// let layers = [FloatLayer::without_bias(array![[7.0f32, -7.0]])]; // codes 7 and -7, scale 1
/// let inputs = array![[255.0f32, 0.0]]; // codes 255 and 0, scale 1
/// let network = Network::quantize(&layers, "int4".parse()?, "uint8".parse()?, inputs.view())?;
/// assert_eq!(network.guaranteed_bits()?, 12); // 7 * 255 = 1785 and -1785
/// assert!(network.is_guaranteed(&"int12-sat".parse()?)? && !network.is_guaranteed(&"int11-sat".parse()?)?);
/// let pass = network.run(inputs.view(), &"int11-sat".parse()?)?;
/// assert_eq!((pass.outputs[[0, 0]], pass.overflowed, pass.sums), (1023.0, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Network {
    layers: Vec<CodeLayer>,
    inputs: usize,
    input_codes: InputRange,
}

/// What came out of a network, and how often its accumulators overflowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// The last layer's numbers, `[samples, outputs]`.
    pub outputs: Array2<f32>,
    /// Outputs of all layers with at least one overflow in any stage.
    pub overflowed: u64,
    /// Outputs of all layers.
    pub sums: u64,
}

impl Network {
    /// Quantizes `layers`: weights per output, activations per layer with the scale that covers what the float network
    /// computes from `calibration`, `[samples, inputs]`.
    ///
    /// # Errors
    /// Layers or a calibration without numbers, that are not finite, or that do not fit each other.
    pub fn quantize(
        layers: &[FloatLayer],
        weights: CodeFormat,
        acts: CodeFormat,
        calibration: ArrayView2<'_, f32>,
    ) -> Result<Self, SweepError> {
        check_layers(layers)?;
        check_inputs("the calibration inputs", layers, calibration)?;
        let (weight_quantizer, input_quantizer) = (weights.row_quantizer()?, acts.quantizer()?);
        let mut x = calibration.to_owned();
        let mut quantized = Vec::with_capacity(layers.len());
        for layer in layers {
            let tensor = weight_quantizer.quantize(&layer.weights.view())?;
            quantized.push(CodeLayer::new(layer, &tensor, &input_quantizer, x.view())?);
            x = layer.forward(x.view());
            x.mapv_inplace(relu);
        }
        Ok(Self::of_layers(quantized, calibration.ncols(), acts))
    }

    /// Layers that fit each other, the first of them with so many inputs.
    pub(super) fn of_layers(layers: Vec<CodeLayer>, inputs: usize, acts: CodeFormat) -> Self {
        Self { layers, inputs, input_codes: acts.range() }
    }

    /// Runs `inputs`, `[samples, inputs]`, through every layer; every product goes through `acc`.
    ///
    /// # Errors
    /// Inputs that are not finite or that do not fit, an accumulator with a floating-point stage.
    pub fn run(&self, inputs: ArrayView2<'_, f32>, acc: &Accumulator) -> Result<Pass, SweepError> {
        if inputs.ncols() != self.inputs {
            let (what, found, expected) = ("the inputs", inputs.ncols(), self.inputs);
            return Err(SweepError::Inputs { what, found, expected, layer: 0 });
        }
        let mut pass = Pass { outputs: inputs.to_owned(), overflowed: 0, sums: 0 };
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                pass.outputs.mapv_inplace(relu);
            }
            let (outputs, overflowed) = layer.run(pass.outputs.view(), acc)?;
            pass.overflowed += overflowed;
            pass.sums += outputs.len() as u64;
            pass.outputs = outputs;
        }
        Ok(pass)
    }

    /// The least width at which no register that sums a whole row can overflow, whatever the codes of the activations.
    ///
    /// # Errors
    /// Sums beyond 127 bits.
    pub fn guaranteed_bits(&self) -> Result<u32, SweepError> {
        let whole_rows = Accumulator::exact();
        let mut bits = 1;
        for layer in &self.layers {
            let rows = Layer::new(layer.weights.codes.t(), Inputs::Same(self.input_codes))?;
            bits = bits.max(rows.bounds(&whole_rows)?.required_bits(0));
        }
        Ok(bits)
    }

    /// Whether no stage of `acc` can overflow in any layer, whatever the codes of the activations.
    ///
    /// # Errors
    /// An accumulator with a floating-point stage; sums beyond 127 bits.
    pub fn is_guaranteed(&self, acc: &Accumulator) -> Result<bool, SweepError> {
        for layer in &self.layers {
            let rows = Layer::new(layer.weights.codes.t(), Inputs::Same(self.input_codes))?;
            let guarantee = rows.bounds(acc)?.guarantees(acc)?;
            if !guarantee.fits.iter().flatten().all(|&fits| fits) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
