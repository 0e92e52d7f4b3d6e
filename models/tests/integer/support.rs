//! Operands, quantizers whose scales are given, registers that are stepped one product at a time.

use fewbit::ReportLevel;
use fewbit::quantize::{Parameters, Preset, Quantizer, Recipe};
use fewbit_models::exec::integer::{IntegerOptions, IntegerRun, run_integer};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::{Graph, ValueId};
use fewbit_models::ops::{Fact, Op, Quantize};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArrayD, IxDyn, arr0};

/// Numbers from a counter, roughly between -1 and 1.
pub(crate) fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| {
            let x = ((i + 1) * (2 * seed + 3)) as f64 * 0.618_033_988_749_894_9;
            ((x.fract() + (x * 7.3).fract() + (x * 3.1).fract() - 1.5) * 0.9) as f32
        })
        .collect()
}

pub(crate) fn array(shape: &[usize], seed: usize) -> ArrayD<f32> {
    let count = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), numbers(count, seed)).expect("the shape's elements")
}

pub(crate) fn input(graph: &mut Graph, name: &str, shape: &[usize]) -> ValueId {
    let shape = shape.iter().map(|&size| size.into()).collect();
    graph.add_input(name, Fact::new(ElementType::F32, shape))
}

pub(crate) fn preset(name: &str, bits: u32) -> Quantizer {
    let recipe = name.parse::<&Preset>().expect("a preset").recipe().expect("a recipe");
    let recipe = recipe.set("bit_width", bits.into()).expect("a width");
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer of one scale") };
    quantizer
}

/// A quantizer of codes from `low` to `high` with one scale and zero point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) low: i64,
    pub(crate) high: i64,
    pub(crate) scale: f32,
    pub(crate) zero: i64,
}

impl Grid {
    pub(crate) fn signed(bits: u32, scale: f32) -> Self {
        Self { low: -(1 << (bits - 1)), high: (1 << (bits - 1)) - 1, scale, zero: 0 }
    }

    pub(crate) fn unsigned(bits: u32, scale: f32, zero: i64) -> Self {
        Self { low: 0, high: (1 << bits) - 1, scale, zero }
    }

    pub(crate) fn quantizer(&self) -> Quantizer {
        let bits = (self.high - self.low + 1).ilog2();
        let (name, zero_point) = match (self.low, self.zero) {
            (0, 0) => ("Uint8ActPerTensorFloat", None),
            (0, zero) => ("ShiftedUint8ActPerTensorFloat", Some(arr0(zero as f32).into_dyn())),
            _ => ("Int8ActPerTensorFloat", None),
        };
        let parameters = Parameters { scale: arr0(self.scale).into_dyn(), zero_point };
        preset(name, bits).with_parameters(parameters).expect("parameters")
    }

    pub(crate) fn put(&self, graph: &mut Graph, name: &str, x: ValueId) -> ValueId {
        graph.add(name, Quantize::new(self.quantizer()), &[x])
    }

    pub(crate) fn codes(&self, x: &ArrayD<f32>) -> ArrayD<i64> {
        let code = |x: f32| (x / self.scale + self.zero as f32).round_ties_even() as i64;
        x.mapv(|x| code(x).clamp(self.low, self.high))
    }

    /// What every code stands for.
    pub(crate) fn values(&self) -> Vec<f32> {
        (self.low..=self.high).map(|code| (code - self.zero) as f32 * self.scale).collect()
    }
}

/// A register of one stage that products enter one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Narrow {
    Exact,
    Saturates(u32),
    Wraps(u32),
}

impl Narrow {
    pub(crate) const ALL: [Self; 4] =
        [Self::Exact, Self::Saturates(12), Self::Wraps(12), Self::Wraps(9)];

    pub(crate) fn options(self) -> IntegerOptions {
        let accumulator = match self {
            Self::Exact => "exact".to_owned(),
            Self::Saturates(bits) => format!("int{bits}-sat"),
            Self::Wraps(bits) => format!("int{bits}-wrap"),
        };
        IntegerOptions {
            accumulator: accumulator.parse().expect("an accumulator"),
            requantization: None,
            report: ReportLevel::Events,
        }
    }

    /// The sum, and how often it left the range.
    pub(crate) fn sum(self, products: impl IntoIterator<Item = i64>) -> (i64, u64) {
        let (mut sum, mut events) = (0i64, 0);
        for product in products {
            sum += product;
            let (bits, saturates) = match self {
                Self::Exact => continue,
                Self::Saturates(bits) => (bits, true),
                Self::Wraps(bits) => (bits, false),
            };
            let (low, high) = (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
            if sum < low || sum > high {
                events += 1;
                sum = if saturates {
                    sum.clamp(low, high)
                } else {
                    (sum - low).rem_euclid(1 << bits) + low
                };
            }
        }
        (sum, events)
    }
}

pub(crate) fn fake(graph: &Graph, inputs: &[Tensor]) -> Vec<f32> {
    let outputs = run_batch(graph, inputs, QuantizerMode::Apply, &Constants::default());
    floats(&outputs.expect("outputs")[0])
}

pub(crate) fn float(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    run_batch(graph, inputs, QuantizerMode::Skip, &Constants::default()).expect("outputs")
}

pub(crate) fn integer(graph: &Graph, inputs: &[Tensor], options: &IntegerOptions) -> IntegerRun {
    run_integer(graph, inputs, options).expect("outputs")
}

pub(crate) fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.get::<f32>().expect("floats").iter().copied().collect()
}

pub(crate) fn events(run: &IntegerRun) -> u64 {
    run.nodes.iter().map(|node| node.total_events()).sum()
}

/// The quantizers of what is computed, by name, with their formats.
pub(crate) fn quantizers(graph: &Graph) -> Vec<(String, String)> {
    let mut found: Vec<_> = graph
        .nodes()
        .filter_map(|(_, node)| match &node.op {
            Op::Quantize(op) if graph.data(node.input(0)?).is_none() => {
                Some((node.name.clone(), op.quantizer.scheme().format.to_string()))
            }
            _ => None,
        })
        .collect();
    found.sort();
    found
}

pub(crate) fn assert_close(one: &[f32], other: &[f32], tolerance: f32) {
    assert_eq!(one.len(), other.len());
    let far = one.iter().zip(other).find(|(a, b)| {
        let same = a.to_bits() == b.to_bits() || (*a - *b).abs() <= tolerance * (1.0 + a.abs());
        !same
    });
    assert_eq!(far, None);
}
