//! Sums that become codes at once: convolutions and additions with what stands behind them, in batches that are cut into pieces.

use fewbit::formats::Format;
use fewbit::quantize::Parameters;
use fewbit_models::graph::Graph;
use fewbit_models::ops::{Add, Conv, Dim, Fact, Flatten, MaxPool, Padding, Quantize, Relu};
use fewbit_models::passes::quantize_biases;
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{Array4, ArrayD, Ix4, IxDyn};

use crate::support::{Grid, Narrow, array, events, floats, integer, preset};

/// Images: more than fit into one piece.
const IMAGES: usize = 230;
const SIZE: usize = 13;
const CHANNELS: usize = 3;

/// Every convolution has a kernel of 3 x 3 with padding; the second one is depthwise.
struct Network {
    input: Grid,
    weights: [ArrayD<f32>; 2],
    scales: [Vec<f32>; 2],
    biases: [Vec<f32>; 2],
    hidden: Grid,
    inner: Grid,
    sum: Grid,
}

impl Network {
    fn new(input: Grid) -> Self {
        let weights = [array(&[CHANNELS, 2, 3, 3], 1), array(&[CHANNELS, 1, 3, 3], 2)];
        let scales = [vec![0.11, 0.13, 0.17], vec![0.19, 0.12, 0.14]];
        let biases = [vec![0.3, -0.2, 0.05], vec![-0.4, 0.15, 0.02]];
        let hidden = Grid::unsigned(8, 0.009, 0);
        let (inner, sum) = (Grid::signed(8, 0.021), Grid::unsigned(8, 0.026, 3));
        // What is added has one scale.
        let hidden = Grid { scale: inner.scale, ..hidden };
        Self { input, weights, scales, biases, hidden, inner, sum }
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new("residual");
        let shape = vec![Dim::Named("N".into()), 2.into(), SIZE.into(), SIZE.into()];
        let x = graph.add_input("x", Fact::new(ElementType::F32, shape));
        let x = self.input.put(&mut graph, "qx", x);
        let conv = |graph: &mut Graph, at: usize, x, groups| {
            let scale =
                ArrayD::from_shape_vec(IxDyn(&[CHANNELS, 1, 1, 1]), self.scales[at].clone());
            let parameters = Parameters { scale: scale.expect("scales"), zero_point: None };
            let quantizer = preset("Int8WeightPerChannelFloat", 4).with_parameters(parameters);
            let w = graph.add_constant(&format!("w{at}"), self.weights[at].clone());
            let quantize = Quantize::new(quantizer.expect("a quantizer"));
            let w = graph.add(&format!("qw{at}"), quantize, &[w]);
            let b = graph.add_constant(&format!("b{at}"), Tensor::vector(self.biases[at].clone()));
            let padding = Padding { pads: vec![1; 4], ..Padding::default() };
            let op = Conv { groups, padding, ..Conv::default() };
            graph.add(&format!("conv{at}"), op, &[x, w, b])
        };
        let y = conv(&mut graph, 0, x, 1);
        let y = graph.add("relu0", Relu {}, &[y]);
        let hidden = self.hidden.put(&mut graph, "q0", y);
        let y = conv(&mut graph, 1, hidden, CHANNELS);
        let inner = self.inner.put(&mut graph, "q1", y);
        let y = graph.add("sum", Add {}, &[hidden, inner]);
        let y = graph.add("relu1", Relu {}, &[y]);
        let y = self.sum.put(&mut graph, "q2", y);
        let pool = MaxPool { kernel: vec![3, 2], strides: vec![2, 2], ..MaxPool::default() };
        let y = graph.add("pool", pool, &[y]);
        let y = graph.add("flat", Flatten::default(), &[y]);
        graph.add_output(y);
        graph.infer().expect("shapes");
        assert_eq!(quantize_biases(&mut graph, Format::INT32).expect("biases").changed, 2);
        graph
    }

    /// Codes of a convolution behind ReLU or not, and the events.
    fn convolved(
        &self,
        (at, x, of, to): (usize, &Array4<i64>, Grid, Grid),
        depthwise: bool,
        least: i64,
        register: Narrow,
    ) -> (Array4<i64>, u64) {
        let w = self.weights[at].clone().into_dimensionality::<Ix4>().expect("four axes");
        let mut events = 0;
        let codes = Array4::from_shape_fn((x.dim().0, CHANNELS, SIZE, SIZE), |(n, o, i, j)| {
            let scale = self.scales[at][o];
            let code = |w: f32| ((w / scale).round_ties_even() as i64).clamp(-7, 7);
            let mut products = Vec::new();
            let mut zeros = 0;
            for ((c, u, v), &w) in w.index_axis(ndarray::Axis(0), o).indexed_iter() {
                let c = if depthwise { o } else { c };
                let inside =
                    |at: usize, tap: usize| (at + tap).checked_sub(1).filter(|&p| p < SIZE);
                let x = match (inside(i, u), inside(j, v)) {
                    (Some(i), Some(j)) => x[[n, c, i, j]],
                    _ => of.zero,
                };
                products.push(x * code(w));
                zeros += of.zero * code(w);
            }
            let (sum, some) = register.sum(products);
            events += some;
            let scale = of.scale * scale;
            let bias = (self.biases[at][o] / scale).round_ties_even() as i64;
            let value = (sum - zeros + bias).max(least) as f32 * scale;
            let code = (value / to.scale + to.zero as f32).round_ties_even() as i64;
            code.clamp(to.low, to.high)
        });
        (codes, events)
    }

    /// The output and the events.
    fn expected(&self, x: &ArrayD<f32>, register: Narrow) -> (Vec<f32>, u64) {
        let x = self.input.codes(x).into_dimensionality::<Ix4>().expect("four axes");
        let (hidden, one) = self.convolved((0, &x, self.input, self.hidden), false, 0, register);
        let (inner, other) =
            self.convolved((1, &hidden, self.hidden, self.inner), true, i64::MIN, register);
        let sum = (hidden + inner).mapv(|sum| {
            let value = sum.max(0) as f32 * self.inner.scale / self.sum.scale;
            let code = (value + self.sum.zero as f32).round_ties_even() as i64;
            code.clamp(self.sum.low, self.sum.high)
        });
        let (high, wide) = ((SIZE - 3) / 2 + 1, (SIZE - 2) / 2 + 1);
        let pooled = Array4::from_shape_fn((sum.dim().0, CHANNELS, high, wide), |(n, c, i, j)| {
            let taps = (0..3).flat_map(|u| (0..2).map(move |v| (u, v)));
            let greatest = taps.map(|(u, v)| sum[[n, c, 2 * i + u, 2 * j + v]]).max();
            (greatest.expect("a window") - self.sum.zero) as f32 * self.sum.scale
        });
        (pooled.iter().copied().collect(), one + other)
    }
}

#[test]
fn sums_become_codes_as_loops_say() {
    for grid in [Grid::signed(8, 0.011), Grid::unsigned(8, 0.012, 77)] {
        let network = Network::new(grid);
        let graph = network.graph();
        let x = array(&[IMAGES, 2, SIZE, SIZE], 8);
        let mut all_events = 0;
        for register in Narrow::ALL {
            let (expected, some) = network.expected(&x, register);
            let run = integer(&graph, &[x.clone().into()], &register.options());
            assert_eq!(run.in_floats, Vec::<String>::new());
            assert_eq!(floats(&run.outputs[0]), expected, "{register:?}");
            assert_eq!(events(&run), some, "{register:?}");
            let outputs = (IMAGES * CHANNELS * SIZE * SIZE) as u64;
            assert_eq!(run.nodes.iter().map(|node| node.outputs).collect::<Vec<_>>(), [outputs; 2]);
            all_events += some;
        }
        assert!(all_events > 0);
    }
}

/// The first event of a batch that is cut lies where that of the image alone does, so many rows below.
#[test]
fn first_events_are_named_in_the_whole_batch() {
    let network = Network::new(Grid::signed(8, 0.011));
    let graph = network.graph();
    let options = Narrow::Saturates(12).options();
    let mut x = ArrayD::zeros(IxDyn(&[IMAGES, 2, SIZE, SIZE]));
    let last = array(&[1, 2, SIZE, SIZE], 8);
    x.slice_axis_mut(ndarray::Axis(0), (IMAGES - 1..).into()).assign(&last);
    let (all, alone) =
        (integer(&graph, &[x.into()], &options), integer(&graph, &[last.into()], &options));
    let first = |run: &fewbit_models::exec::integer::IntegerRun| {
        let stages = run.nodes[0].events.as_ref().expect("events");
        stages[0].first.expect("an event")
    };
    let (found, expected) = (first(&all), first(&alone));
    let below = ((IMAGES - 1) * CHANNELS) as u64;
    assert_eq!((found.row, found.col, found.k), (expected.row + below, expected.col, expected.k));
    assert_eq!(events(&all), events(&alone));
}
