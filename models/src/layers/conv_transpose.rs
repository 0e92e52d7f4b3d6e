//! Transposed convolutions, as convolutions over inputs that are pulled apart.

use fewbit::Accumulator;
use ndarray::{Array1, ArrayD, Axis, IxDyn, Slice};

use crate::exec::integer::Sums;
use crate::graph::ProductLayout;
use crate::ops::{Conv, Padding};

use super::weighted::Operands;
use super::{LayerError, LayerQuantizers, QuantValue};

/// Where the weights of a transposed convolution meet outputs; entries per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransposedWindow {
    /// Outputs from one input to the next; empty for 1.
    pub strides: Vec<usize>,
    /// Outputs from one weight to the next; empty for 1.
    pub dilations: Vec<usize>,
    /// Outputs that are cut off before each axis, then after each; empty for none.
    pub pads: Vec<usize>,
    /// Outputs that are added after each axis, of the bias alone where no weight reaches them; empty for none.
    pub output_padding: Vec<usize>,
    /// Parts that the channels fall into.
    pub groups: usize,
}

impl Default for TransposedWindow {
    fn default() -> Self {
        let none = Vec::new;
        Self { strides: none(), dilations: none(), pads: none(), output_padding: none(), groups: 1 }
    }
}

/// A transposed convolution of one to three spatial axes: weights `[in, out / groups, kernel...]`, inputs
/// `[samples, in, ...]`.
///
/// Channels of the weight quantizer are output channels, groups run along input channels, as in Brevitas. It is computed as a
/// convolution with the kernel turned round, over the input with zeros between its elements: in integers these zeros are
/// products like others, which matters to accumulators that count products.
///
/// ```
/// use fewbit_models::layers::{LayerQuantizers, QuantConvTranspose, QuantValue, TransposedWindow};
/// use ndarray::array;
/// let quantizers = LayerQuantizers::new().weight("Int8WeightPerTensorFloat")?.set_weight("bit_width", 2.into())?;
/// let weight = array![[[1.0f32, -0.9]]].into_dyn(); // narrow int2: -1 to 1, scale 1
/// let window = TransposedWindow { strides: vec![2], ..TransposedWindow::default() };
/// let layer = QuantConvTranspose::new(window, weight, None, quantizers);
/// let y = layer.forward(&QuantValue::from(array![[[5.0f32, 3.0]]]))?;
/// assert_eq!(y.values, array![[[5.0, -5.0, 3.0, -3.0]]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantConvTranspose {
    /// Strides, padding, dilation, groups.
    pub window: TransposedWindow,
    /// `[in, out / groups, kernel...]`.
    pub weight: ArrayD<f32>,
    /// One per output channel.
    pub bias: Option<Array1<f32>>,
    /// The quantizers.
    pub quantizers: LayerQuantizers,
}

impl QuantConvTranspose {
    /// A layer of these weights.
    #[must_use]
    pub fn new(
        window: TransposedWindow,
        weight: ArrayD<f32>,
        bias: Option<Array1<f32>>,
        quantizers: LayerQuantizers,
    ) -> Self {
        Self { window, weight, bias, quantizers }
    }

    /// The outputs in floats.
    ///
    /// # Errors
    /// Shapes that do not fit; what a quantizer refuses.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let (conv, operands) = self.lowered(x)?;
        let values = operands.product(&conv.into())?;
        operands.output(&self.quantizers, values, 1)
    }

    /// The sums of codes times codes through an accumulator, with the bias behind it, and the overflow events of its
    /// stages; the output quantizer is left to whoever requantizes.
    ///
    /// # Errors
    /// As [`Self::forward`]; an input or weights that are no codes of integers with one scale, or one per output
    /// channel of the weights of a single group; a bias that is not in the scale of the sums.
    pub fn forward_integer(
        &self,
        x: &QuantValue,
        accumulator: &Accumulator,
    ) -> Result<(Sums, Vec<u64>), LayerError> {
        let (conv, operands) = self.lowered(x)?;
        operands.integer_product(ProductLayout::Conv, Some(&conv), accumulator)
    }

    /// The convolution over the stretched input, and what it takes.
    fn lowered(&self, x: &QuantValue) -> Result<(Conv, Operands), LayerError> {
        let (shape, axes) = self.checked(x.values.shape())?;
        let by_output = {
            let mut order: Vec<usize> = (0..self.weight.ndim()).collect();
            order.swap(0, 1);
            self.weight.view().permuted_axes(order).as_standard_layout().into_owned()
        };
        let mut operands = Operands::new(&self.quantizers, x, by_output, self.bias.as_ref())?;
        // 1. Zeros between the inputs.
        let mut values = operands.input.values.clone();
        for (axis, window) in axes.iter().enumerate() {
            values = stretched(&values, axis + 2, window.stride);
        }
        // 2. Padding so that every weight meets every input; less than none cuts inputs off.
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (axis, window) in axes.iter().enumerate() {
            let reach = (window.kernel - 1) * window.dilation;
            let start = reach as isize - window.before as isize;
            let end = (reach + window.output_padding) as isize - window.after as isize;
            let extent = values.shape()[axis + 2] as isize;
            let (from, to) = ((-start).max(0), extent - (-end).max(0));
            if from >= to {
                return Err(LayerError::Shape(format!("padding leaves no input of {shape:?}")));
            }
            let inside = values.slice_axis(Axis(axis + 2), Slice::from(from..to));
            values = inside.to_owned();
            before.push(start.max(0) as usize);
            after.push(end.max(0) as usize);
        }
        operands.input = operands.input.on_grid(values)?;
        // 3. The kernel turned round, outputs first.
        operands.weight = operands.weight.on_grid(self.turned(&operands.weight.values))?;
        let conv = Conv {
            dilations: axes.iter().map(|window| window.dilation).collect(),
            groups: self.window.groups,
            padding: Padding { pads: [before, after].concat(), ..Padding::default() },
            ..Conv::default()
        };
        Ok((conv, operands))
    }

    /// `[out, in / groups, kernel...]` of `[out / groups, in, kernel...]`, every kernel turned round.
    fn turned(&self, weight: &ArrayD<f32>) -> ArrayD<f32> {
        let groups = self.window.groups;
        let (outputs, inputs) = (weight.shape()[0], weight.shape()[1] / groups);
        let mut shape = weight.shape().to_vec();
        (shape[0], shape[1]) = (outputs * groups, inputs);
        let mut from = vec![0; shape.len()];
        ArrayD::from_shape_fn(IxDyn(&shape), |at| {
            from[0] = at[0] % outputs;
            from[1] = at[0] / outputs * inputs + at[1];
            for axis in 2..shape.len() {
                from[axis] = shape[axis] - 1 - at[axis];
            }
            weight[&from[..]]
        })
    }

    /// The window of each spatial axis.
    fn checked<'a>(&self, x: &'a [usize]) -> Result<(&'a [usize], Vec<AxisWindow>), LayerError> {
        let (w, window) = (self.weight.shape(), &self.window);
        let wrong = |what: &str| LayerError::Shape(format!("{what}, for {x:?} and weights {w:?}"));
        if x.len() < 3 || x.len() > 5 || x.len() != w.len() || x[1] != w[0] {
            return Err(wrong(
                "inputs [samples, in, ...] and weights [in, out / groups, ...] with one to three spatial axes are expected",
            ));
        }
        if window.groups == 0 || w[0] % window.groups != 0 {
            return Err(wrong("the groups do not divide the input channels"));
        }
        if x.iter().chain(w).any(|&extent| extent == 0) {
            return Err(wrong("an extent is 0"));
        }
        let spatial = x.len() - 2;
        let entry = |given: &[usize], entries: usize, index: usize, default: usize| match given {
            [] => Some(default),
            given if given.len() == entries => Some(given[index]),
            _ => None,
        };
        let axis = |axis: usize| {
            Some(AxisWindow {
                kernel: w[axis + 2],
                stride: entry(&window.strides, spatial, axis, 1).filter(|&step| step > 0)?,
                dilation: entry(&window.dilations, spatial, axis, 1).filter(|&step| step > 0)?,
                before: entry(&window.pads, 2 * spatial, axis, 0)?,
                after: entry(&window.pads, 2 * spatial, spatial + axis, 0)?,
                output_padding: entry(&window.output_padding, spatial, axis, 0)?,
            })
        };
        let axes = (0..spatial).map(axis).collect::<Option<Vec<_>>>();
        axes.map(|axes| (x, axes)).ok_or_else(|| wrong("the window has other axes, or steps of 0"))
    }
}

struct AxisWindow {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
    output_padding: usize,
}

/// The array with `stride - 1` zeros between the elements of an axis.
fn stretched(array: &ArrayD<f32>, axis: usize, stride: usize) -> ArrayD<f32> {
    let mut shape = array.raw_dim();
    shape[axis] = (shape[axis] - 1) * stride + 1;
    let mut out = ArrayD::zeros(shape);
    out.slice_axis_mut(Axis(axis), Slice::new(0, None, stride as isize)).assign(array);
    out
}
