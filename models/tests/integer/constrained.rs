//! Codes that an accumulator holds whatever the input: of transposed convolutions, and of products within loops.

use fewbit::Accumulator;
use fewbit::algorithms::Effort;
use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit_models::eval::{NodeBounds, network_bounds};
use fewbit_models::exec::integer::IntegerOptions;
use fewbit_models::graph::{Graph, products};
use fewbit_models::ops::{ConvTranspose, Op, Padding};
use fewbit_models::passes::{NoJournal, SolveInputs, SolveParams, insert_weight_quantizers, solve};
use fewbit_models::tensor::Tensor;
use ndarray::{Array4, ArrayD, Ix4};

use crate::support::{Grid, array, events, fake, float, floats, input, integer, preset};

const X: [usize; 4] = [3, 4, 6, 5];
const KERNEL: [usize; 2] = [3, 2];
const TILE: usize = 4;

/// A transposed convolution of so many groups to six channels, and the same with quantizers: codes of 8 bits times 4.
fn network(groups: usize, strides: [usize; 2], x: Grid) -> (Graph, Graph) {
    let op = ConvTranspose {
        strides: strides.to_vec(),
        groups,
        padding: Padding { pads: vec![1, 0, 0, 1], ..Padding::default() },
        ..ConvTranspose::default()
    };
    let mut float = Graph::new("up");
    let value = input(&mut float, "x", &X);
    let w = float.add_constant("w", array(&[X[1], 6 / groups, KERNEL[0], KERNEL[1]], 9));
    let y = float.add("y", op, &[value, w]);
    float.add_output(y);
    float.sort().expect("an order");
    float.infer().expect("shapes");
    let mut quantized = float.clone();
    let rounded = x.put(&mut quantized, "x.quantizer", value);
    let (node, _) = float.producer(y).expect("a node");
    quantized.node_mut(node).inputs[0] = Some(rounded);
    quantized.sort().expect("an order");
    insert_weight_quantizers(&mut quantized, &preset("Int8WeightPerChannelFloat", 4))
        .expect("a quantizer");
    (float, quantized)
}

fn batches() -> Vec<Vec<Tensor>> {
    (0..6).map(|seed| vec![array(&X, 20 + seed).into()]).collect()
}

fn solved(float: &Graph, graph: &Graph, solver: &str, constraint: AccumulatorConstraint) -> Graph {
    let mut graph = graph.clone();
    let params = SolveParams {
        solver: solver.parse().expect("a solver"),
        constraint,
        effort: Effort::default(),
        inputs: SolveInputs::Rounded,
    };
    let hear = &mut |_, _| ();
    let (report, _) =
        solve(float, &mut graph, &batches(), &params, None, &mut NoJournal, hear).expect("codes");
    assert_eq!(report.changed, 1);
    graph
}

fn error(original: &Graph, graph: &Graph) -> f64 {
    let of = |batch: &Vec<Tensor>| {
        let (y, z) = (floats(&float(original, batch)[0]), fake(graph, batch));
        y.iter().zip(&z).map(|(y, z)| f64::from(y - z).powi(2)).sum::<f64>()
    };
    batches().iter().map(of).sum()
}

/// Codes of the weights, `[in, out / groups, rows, columns]`.
fn codes(graph: &Graph) -> Array4<i64> {
    let product = products(graph).swap_remove(0);
    let Op::Quantize(op) = &graph.node(product.weight_quantizer.expect("one")).op else {
        panic!("a quantizer")
    };
    let weights = graph.data(product.weight).expect("weights").get::<f32>().expect("floats");
    let codes = op.codes(weights).expect("codes");
    codes.ints().expect("integers").mapv(i64::from).into_dimensionality::<Ix4>().expect("four axes")
}

fn with_accumulator(graph: &Graph, bits: u32) -> (Graph, Accumulator) {
    let acc: Accumulator = format!("int{bits}-sat/{TILE},int32-wrap").parse().expect("one");
    let mut graph = graph.clone();
    graph.set_accumulators(&acc);
    (graph, acc)
}

fn all_events(graph: &Graph, batches: &[Vec<Tensor>]) -> u64 {
    let options =
        IntegerOptions { report: fewbit::ReportLevel::Events, ..IntegerOptions::default() };
    batches.iter().map(|batch| events(&integer(graph, batch, &options))).sum()
}

#[test]
fn algorithms_leave_less_error_than_rounding() {
    for (groups, strides) in [(1, [2, 2]), (2, [1, 3])] {
        let (float, nearest) = network(groups, strides, Grid::signed(8, 0.01));
        let rounded = error(&float, &nearest);
        for solver in ["gptq", "gpfq", "qronos"] {
            let found = solved(&float, &nearest, solver, AccumulatorConstraint::None);
            let left = error(&float, &found);
            assert!(left < 0.95 * rounded, "{solver}, {groups} groups: {left} of {rounded}");
        }
    }
}

/// An image in which one output meets a tile's greatest sum: with every weight of the tile the greatest code if it is positive, else
/// the least one; each tap of a stride of 1 meets an input of its own. Tiles are in the order of execution: channels, then
/// taps from the last to the first.
fn witness(w: &Array4<i64>, groups: usize, output: usize, tile: usize, grid: Grid) -> Tensor {
    let (inputs, per_group) = (X[1] / groups, 6 / groups);
    let group = output / per_group;
    let mut x = ArrayD::<f32>::zeros(&X[..]);
    for k in tile * TILE..((tile + 1) * TILE).min(inputs * KERNEL[0] * KERNEL[1]) {
        let (c, tap) = (k / (KERNEL[0] * KERNEL[1]), k % (KERNEL[0] * KERNEL[1]));
        let tap = KERNEL[0] * KERNEL[1] - 1 - tap;
        let (ty, tx) = (tap / KERNEL[1], tap % KERNEL[1]);
        let c = group * inputs + c;
        let code = if w[[c, output % per_group, ty, tx]] > 0 { grid.high } else { grid.low };
        // Output (3, 3), behind padding of (1, 0).
        x[[0, c, 4 - ty, 3 - tx]] = code as f32 * grid.scale;
    }
    x.into()
}

#[test]
fn bounds_are_reached_and_codes_within_a_budget_never_leave_it() {
    for (groups, grid) in [(1, Grid::signed(8, 0.01)), (2, Grid::unsigned(8, 0.01, 0))] {
        let (float, nearest) = network(groups, [1, 1], grid);
        let w = codes(&nearest);
        // 1. The bound of nearest codes is that of a tile that some image reaches.
        let (_, acc) = with_accumulator(&nearest, 24);
        let bounds: Vec<NodeBounds> = network_bounds(&nearest, &acc);
        let [NodeBounds { rows, required_bits, .. }] = &bounds[..] else { panic!("one product") };
        let bits = required_bits[0];
        let tiles = (X[1] / groups * KERNEL[0] * KERNEL[1]).div_ceil(TILE);
        let all: Vec<Vec<Tensor>> = (0..6)
            .flat_map(|output| (0..tiles).map(move |tile| (output, tile)))
            .map(|(output, tile)| vec![witness(&w, groups, output, tile, grid)])
            .collect();
        assert_eq!(rows.len(), 6);
        assert_eq!(all_events(&with_accumulator(&nearest, bits).0, &all), 0);
        assert!(all_events(&with_accumulator(&nearest, bits - 1).0, &all) > 0);
        // 2. Two bits less, and codes that keep them.
        let (graph, acc) = with_accumulator(&nearest, bits - 2);
        assert!(all_events(&graph, &all) > 0 && !network_bounds(&graph, &acc)[0].fits);
        for (solver, constraint) in [
            ("gptq", AccumulatorConstraint::Axe),
            ("qronos", AccumulatorConstraint::Axe),
            ("gptq", AccumulatorConstraint::Joint),
        ] {
            let found = solved(&float, &graph, solver, constraint);
            assert!(network_bounds(&found, &acc)[0].fits, "{solver} {constraint}");
            let w = codes(&found);
            assert!(w.iter().any(|&code| code != 0));
            let own = (0..6).flat_map(|output| (0..tiles).map(move |tile| (output, tile)));
            let own = own.map(|(output, tile)| vec![witness(&w, groups, output, tile, grid)]);
            let own: Vec<Vec<Tensor>> = own.chain(batches()).collect();
            assert_eq!(all_events(&found, &own), 0, "{solver} {constraint}");
        }
    }
}
