//! A linear layer whose quantizers are those of rows, columns and groups, and what registers make of it.

use fewbit::formats::Format;
use fewbit::quantize::{
    Preset, Quantizer, Recipe, Scheme, ZeroPoint, ZeroPointRounding, ZeroPointSource,
};
use fewbit::reference::{FloatOperand, Scales};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use fewbit_models::graph::Graph;
use fewbit_models::ops::{Gemm, Quantize};
use fewbit_models::tensor::Tensor;
use ndarray::{Array2, ArrayD, Ix2};

use crate::support::{Narrow, array, assert_close, events, fake, floats, input, integer};

pub(crate) fn with_float_zero_points(quantizer: Quantizer) -> Quantizer {
    let (source, rounding) = (ZeroPointSource::Minimum, ZeroPointRounding::Float);
    let scheme: Scheme =
        quantizer.scheme().clone().with_zero_point(ZeroPoint::Shifted { source, rounding });
    quantizer.with_scheme(scheme).expect("a scheme")
}

pub(crate) fn in_groups(quantizer: Quantizer, axis: isize, size: usize) -> Quantizer {
    let scheme = quantizer.scheme().clone();
    let scheme = scheme.with_granularity(Granularity::Group { axis, size });
    quantizer.with_scheme(scheme).expect("a scheme")
}

/// A preset of a format that has its width.
pub(crate) fn named(name: &str) -> Quantizer {
    let recipe = name.parse::<&Preset>().expect("a preset").recipe().expect("a recipe");
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer") };
    quantizer
}

/// A linear layer of quantized rows and quantized weights `[n, k]`.
pub(crate) struct Layer {
    pub(crate) graph: Graph,
    pub(crate) x: ArrayD<f32>,
    /// The codes of both.
    pub(crate) operands: [AnyQuantTensor; 2],
    pub(crate) bias: Option<Vec<f32>>,
}

impl Layer {
    pub(crate) fn new(
        of_x: &Quantizer,
        of_w: &Quantizer,
        [m, k, n]: [usize; 3],
        has_bias: bool,
    ) -> Self {
        let mut graph = Graph::new("layer");
        // A batch of two, so that rows lie along two axes.
        let x = input(&mut graph, "x", &[2 * m, k]);
        let weights = array(&[n, k], 5);
        let w = graph.add_constant("w", weights.clone());
        let qx = graph.add("qx", Quantize::new(of_x.clone()), &[x]);
        let qw = graph.add("qw", Quantize::new(of_w.clone()), &[w]);
        let mut inputs = vec![qx, qw];
        let bias = has_bias.then(|| array(&[n], 9));
        if let Some(bias) = &bias {
            inputs.push(graph.add_constant("b", bias.clone()));
        }
        let y = graph.add("y", Gemm { transpose_b: true, ..Gemm::default() }, &inputs);
        graph.add_output(y);
        let mut x = array(&[2 * m, k], 3);
        // Rows of different ranges, one without anything below zero.
        for (at, mut row) in x.rows_mut().into_iter().enumerate() {
            row.mapv_inplace(|x| if at == 1 { x.abs() } else { (x - 0.3) * (1.0 + at as f32) });
        }
        let operands = [of_x.quantize(&x.view()), of_w.quantize(&weights.view())];
        let operands = operands.map(|operand| operand.expect("codes"));
        let bias = bias.map(|bias| bias.into_iter().collect());
        Self { graph, x, operands, bias }
    }

    pub(crate) fn inputs(&self) -> [Tensor; 1] {
        [self.x.clone().into()]
    }

    /// Codes, scales and zero points of every element.
    pub(crate) fn elements(&self, at: usize) -> [Array2<f64>; 3] {
        let tensor = &self.operands[at];
        let two = |array: ArrayD<f64>| array.into_dimensionality::<Ix2>().expect("a matrix");
        let expand = |array: &ArrayD<f32>| two(tensor.expand(array).mapv(f64::from));
        let codes = two(tensor.decoded().mapv(f64::from));
        let scales = expand(tensor.scale());
        let zeros = tensor.zero_point().map_or_else(|| codes.mapv(|_| 0.0), expand);
        [codes, scales, zeros]
    }

    /// The sums of whole numbers in blocks of so many, each through the register; what zero points and scales do to them; events.
    pub(crate) fn sums(&self, narrow: Narrow, block: usize) -> (Vec<f64>, u64) {
        let ([a, s, z], [w, t, v]) = (self.elements(0), self.elements(1));
        let (mut values, mut count) = (Vec::new(), 0);
        for i in 0..a.nrows() {
            for j in 0..w.nrows() {
                let mut y = self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[j]));
                let places: Vec<usize> = (0..a.ncols()).collect();
                for some in places.chunks(block) {
                    let products = || some.iter().map(|&k| a[[i, k]] * w[[j, k]]);
                    let (sum, found) = narrow.sum(products().map(|product| product as i64));
                    let shifted =
                        some.iter().map(|&k| (a[[i, k]] - z[[i, k]]) * (w[[j, k]] - v[[j, k]]));
                    let outside: f64 = shifted.sum::<f64>() - products().sum::<f64>();
                    y += s[[i, some[0]]] * t[[j, some[0]]] * (sum as f64 + outside);
                    count += found;
                }
                values.push(y);
            }
        }
        (values, count)
    }

    /// Holds the layer against [`Self::sums`] for every register, and exact sums against the fake execution.
    pub(crate) fn check(&self, block: usize, what: &str) {
        let mut overflowed = 0;
        for narrow in Narrow::ALL {
            let (expected, count) = self.sums(narrow, block);
            let run = integer(&self.graph, &self.inputs(), &narrow.options());
            assert_eq!(run.in_floats, Vec::<String>::new(), "{what}");
            let found = floats(&run.outputs[0]);
            assert_eq!(found.len(), expected.len());
            for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let nearest = *expected as f32;
                let near = [nearest.next_down(), nearest, nearest.next_up()];
                let tiny = (f64::from(*found) - expected).abs() < 1e-9;
                assert!(near.contains(found) || tiny, "{what} {narrow:?} {at}: {found} {expected}");
            }
            assert_eq!(events(&run), count, "{what} {narrow:?}");
            overflowed += count;
            if let Narrow::Exact = narrow {
                assert_close(&found, &fake(&self.graph, &self.inputs()), 2e-5);
            }
        }
        assert!(overflowed > 10, "{what}: {overflowed}");
    }
}

/// What the operands of float registers are, built from the tensors by hand.
pub(crate) fn operands(layer: &Layer, block: Option<usize>) -> (FloatOperand, FloatOperand) {
    let of = |at: usize| {
        let [codes, scales, _] = layer.elements(at);
        let block = block.unwrap_or(usize::MAX);
        let k = codes.ncols();
        let format = layer.operands[at].format();
        let columns: Vec<usize> = (0..k).step_by(block.min(k)).collect();
        let scales = scales.select(ndarray::Axis(1), &columns);
        (codes, scales, format)
    };
    let ((a, s, x_format), (w, t, w_format)) = (of(0), of(1));
    let left = FloatOperand::from_values(a.view(), x_format).expect("values");
    let right = FloatOperand::from_values(w.t(), w_format).expect("values");
    let Some(block) = block else { return (left, right) };
    let format = Format::F32;
    let turned = t.reversed_axes();
    (
        left.with_scales(Scales { format, block, values: s }),
        right.with_scales(Scales { format, block, values: turned }),
    )
}
