//! Passes: what they change, and that the function stays the same where they promise it.

use fewbit::algorithms::Effort;
use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::quantize::{Preset, Quantizer, Recipe, Restriction};
use fewbit_models::eval::network_bounds;
use fewbit_models::exec::integer::{IntegerOptions, run_integer};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::{Graph, NodeId, ValueId, products};
use fewbit_models::ops::{
    Add, BatchNormalization, Conv, Dim, Fact, Flatten, Gemm, GlobalAveragePool, MatMul, MaxPool,
    Op, Padding, Relu,
};
use fewbit_models::passes::{
    ActivationQuantizers, ChannelMeans, EqualizeParams, NoJournal, OutputCodes, SolveInputs,
    SolveParams, calibrate, correct_biases, equalize, insert_activation_quantizers,
    insert_weight_quantizers, merge_batch_norm, quantize_biases, regions, solve,
};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArrayD, IxDyn};

/// Numbers from a counter: the fraction of the golden ratio's multiples, centred.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| {
            let x = ((i + 1) * (2 * seed + 3)) as f64 * 0.618_033_988_749_894_9;
            ((x.fract() + (x * 7.3).fract() + (x * 3.1).fract() - 1.5) * 0.8) as f32
        })
        .collect()
}

fn tensor(shape: &[usize], seed: usize) -> Tensor {
    let count = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), numbers(count, seed)).expect("the shape's elements").into()
}

fn conv(kernel: usize, groups: usize) -> Conv {
    let pad = kernel / 2;
    let padding = Padding { pads: vec![pad; 4], ..Padding::default() };
    Conv { groups, padding, ..Conv::default() }
}

/// Adds a convolution with weights and bias of its own.
fn add_conv(
    graph: &mut Graph,
    name: &str,
    x: ValueId,
    [out, depth, kernel, groups]: [usize; 4],
) -> ValueId {
    let seed = name.len() + out + depth;
    let w = graph.add_constant(&format!("{name}.w"), tensor(&[out, depth, kernel, kernel], seed));
    let b = graph.add_constant(&format!("{name}.b"), tensor(&[out], seed + 1));
    graph.add(name, conv(kernel, groups), &[x, w, b])
}

fn add_norm(graph: &mut Graph, name: &str, x: ValueId, channels: usize) -> ValueId {
    let positive = |seed| {
        let values = numbers(channels, seed).into_iter().map(|x| x.abs() + 0.3).collect();
        Tensor::vector::<f32>(values)
    };
    let inputs = [
        x,
        graph.add_constant(&format!("{name}.gamma"), positive(5)),
        graph.add_constant(&format!("{name}.beta"), tensor(&[channels], 6)),
        graph.add_constant(&format!("{name}.mean"), tensor(&[channels], 7)),
        graph.add_constant(&format!("{name}.variance"), positive(8)),
    ];
    graph.add(name, BatchNormalization::default(), &inputs)
}

fn relu(graph: &mut Graph, name: &str, x: ValueId) -> ValueId {
    graph.add(name, Relu::default(), &[x])
}

/// A residual network with batch normalization, a depthwise convolution, a pool, and a linear layer.
fn network() -> Graph {
    let mut graph = Graph::new("residual");
    let shape = vec![Dim::Named("batch".into()), 2.into(), 8.into(), 8.into()];
    let x = graph.add_input("x", Fact::new(ElementType::F32, shape));
    let stem = add_conv(&mut graph, "stem", x, [6, 2, 3, 1]);
    let stem = add_norm(&mut graph, "stem_norm", stem, 6);
    let stem = relu(&mut graph, "stem_relu", stem);
    let pool = MaxPool { kernel: vec![2, 2], strides: vec![2, 2], ..MaxPool::default() };
    let pool = graph.add("pool", pool, &[stem]);
    let left = add_conv(&mut graph, "left", pool, [6, 1, 3, 6]);
    let left = add_norm(&mut graph, "left_norm", left, 6);
    let left = relu(&mut graph, "left_relu", left);
    let left = add_conv(&mut graph, "left2", left, [6, 6, 1, 1]);
    let sum = graph.add("sum", Add::default(), &[left, pool]);
    let sum = relu(&mut graph, "sum_relu", sum);
    let mean = graph.add("mean", GlobalAveragePool::default(), &[sum]);
    let flat = graph.add("flat", Flatten::default(), &[mean]);
    let w = graph.add_constant("fc.w", tensor(&[5, 6], 40));
    let b = graph.add_constant("fc.b", tensor(&[5], 41));
    let gemm = Gemm { transpose_b: true, ..Gemm::default() };
    let y = graph.add("fc", gemm, &[flat, w, b]);
    graph.add_output(y);
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    graph
}

fn batches() -> Vec<Vec<Tensor>> {
    (0..4).map(|batch| vec![tensor(&[8, 2, 8, 8], 100 + batch)]).collect()
}

fn outputs(graph: &Graph, mode: QuantizerMode) -> Vec<f32> {
    let run = |batch: &Vec<Tensor>| {
        run_batch(graph, batch, mode, &Constants::default()).expect("outputs").swap_remove(0)
    };
    batches()
        .iter()
        .map(run)
        .flat_map(|tensor| tensor.get::<f32>().expect("floats").iter().copied().collect::<Vec<_>>())
        .collect()
}

fn assert_close(one: &[f32], other: &[f32], tolerance: f32) {
    assert_eq!(one.len(), other.len());
    let far = one.iter().zip(other).find(|(a, b)| (*a - *b).abs() > tolerance * (1.0 + a.abs()));
    assert_eq!(far, None);
}

fn preset(name: &str, bits: u32) -> Quantizer {
    let recipe = name.parse::<&Preset>().expect("a preset").recipe().expect("a recipe");
    let recipe = recipe.set("bit_width", bits.into()).expect("a width");
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer of one scale") };
    quantizer
}

fn activations(bits: u32) -> ActivationQuantizers {
    ActivationQuantizers {
        signed: preset("Int8ActPerTensorFloat", bits),
        unsigned: preset("Uint8ActPerTensorFloat", bits),
        outputs: OutputCodes::Sums,
    }
}

/// Float and quantized network, calibrated, and the means of the former.
fn quantized(weight_bits: u32) -> (Graph, Graph, ChannelMeans) {
    quantized_with(&preset("Int8WeightPerChannelFloat", weight_bits))
}

fn quantized_with(weights: &Quantizer) -> (Graph, Graph, ChannelMeans) {
    let mut float = network();
    merge_batch_norm(&mut float).expect("merged");
    let mut graph = float.clone();
    insert_activation_quantizers(&mut graph, &activations(8)).expect("quantizers");
    insert_weight_quantizers(&mut graph, weights).expect("quantizers");
    let (_, means) = calibrate(&mut graph, &batches()).expect("scales");
    (float, graph, means)
}

fn error(float: &Graph, graph: &Graph) -> f64 {
    let (y, z) = (outputs(float, QuantizerMode::Skip), outputs(graph, QuantizerMode::Apply));
    y.iter().zip(&z).map(|(y, z)| f64::from(y - z).powi(2)).sum()
}

#[test]
fn batch_norms_merge_without_changing_the_function() {
    let mut graph = network();
    let before = outputs(&graph, QuantizerMode::Apply);
    let report = merge_batch_norm(&mut graph).expect("merged");
    assert_eq!(report.changed, 2);
    assert!(graph.nodes().all(|(_, node)| !matches!(node.op, Op::BatchNormalization(_))));
    assert_close(&before, &outputs(&graph, QuantizerMode::Apply), 1e-4);
    let again = merge_batch_norm(&mut graph).expect("nothing left");
    assert_eq!(again.detail, "nothing to do: no batch normalizations behind a product");
}

#[test]
fn equalization_evens_out_ranges_and_keeps_the_function() {
    let mut graph = network();
    merge_batch_norm(&mut graph).expect("merged");
    let name = |node: NodeId| graph.node(node).name.clone();
    let found: Vec<_> = regions(&graph)
        .iter()
        .map(|region| -> (Vec<String>, Vec<String>) {
            let sources = region.sources.iter().map(|source| name(source.node()));
            (sources.collect(), region.sinks.iter().map(|sink| name(sink.node)).collect())
        })
        .collect();
    let all = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let expected =
        vec![(all(&["stem", "left2"]), all(&["left", "fc"])), (all(&["left"]), all(&["left2"]))];
    assert_eq!(found, expected);
    let before = outputs(&graph, QuantizerMode::Apply);
    let params = EqualizeParams { sweeps: 30, threshold: 1e-4, ..EqualizeParams::default() };
    let report = equalize(&mut graph, &params).expect("equalized");
    assert_eq!(report.changed, 2);
    assert_close(&before, &outputs(&graph, QuantizerMode::Apply), 1e-4);
}

#[test]
fn quantizers_stand_where_the_graph_demands_them() {
    let (_, graph, _) = quantized(8);
    let mut found: Vec<_> = graph
        .nodes()
        .filter_map(|(_, node)| match &node.op {
            Op::Quantize(op) if node.input(0).is_some_and(|id| graph.data(id).is_none()) => {
                let format = op.quantizer.scheme().format.to_string();
                Some((node.name.clone(), format, op.shared_scale.clone()))
            }
            _ => None,
        })
        .collect();
    found.sort();
    // The convolution into the addition shares its scale with the ReLU whose pool is the other summand; nothing is rounded
    // twice: not the pool's values, not the sum that a ReLU follows.
    let shared = graph
        .nodes()
        .find_map(|(_, node)| match &node.op {
            Op::Quantize(op) => op.shared_scale.clone(),
            _ => None,
        })
        .expect("two that share a scale");
    let row = |name: &str, format: &str, scale: Option<&String>| {
        (format!("{name}.quantizer"), format.to_owned(), scale.cloned())
    };
    let expected = [
        row("left2", "int8", Some(&shared)),
        row("left_relu", "uint8", None),
        row("mean", "uint8", None),
        row("stem_relu", "uint8", Some(&shared)),
        row("sum_relu", "uint8", None),
        row("x", "int8", None),
    ];
    assert_eq!(found, expected);
    assert!(graph.nodes().all(|(_, node)| match &node.op {
        Op::Quantize(op) => op.is_static(),
        _ => true,
    }));
}

#[test]
fn algorithms_leave_less_error_than_rounding() {
    let (float, nearest, _) = quantized(3);
    let rounded = error(&float, &nearest);
    for solver in ["gptq", "gpfq", "qronos"] {
        let mut graph = nearest.clone();
        let params = SolveParams {
            solver: solver.parse().expect("a solver"),
            constraint: AccumulatorConstraint::None,
            effort: Effort::default(),
            inputs: SolveInputs::Rounded,
        };
        let mut steps = Vec::new();
        let (report, layers) = solve(
            &float,
            &mut graph,
            &batches(),
            &params,
            None,
            &mut NoJournal,
            &mut |done, of| steps.push((done, of)),
        )
        .expect("solved");
        assert_eq!((report.changed, layers.len()), (4, 4));
        assert_eq!(steps.last(), Some(&(4, 4)));
        let solved = error(&float, &graph);
        assert!(solved < rounded, "{solver}: {solved} and {rounded}");
        // On the same grid: what was solved is rounded to itself.
        let before = outputs(&graph, QuantizerMode::Apply);
        for product in products(&graph) {
            let weights = graph.data(product.weight).expect("weights").clone();
            let Op::Quantize(op) = &graph.node(product.weight_quantizer.expect("one")).op else {
                panic!("a quantizer")
            };
            let weights = weights.get::<f32>().expect("floats");
            assert_eq!(op.codes(weights).expect("codes").dequantize(), weights.to_owned());
        }
        assert_eq!(before, outputs(&graph, QuantizerMode::Apply));
    }
}

#[test]
fn corrected_biases_leave_less_mean_error() {
    let (float, mut graph, means) = quantized(3);
    let mean = |graph: &Graph| {
        let (y, z) = (outputs(&float, QuantizerMode::Skip), outputs(graph, QuantizerMode::Apply));
        let mut sums = [0f64; 5];
        for (index, (y, z)) in y.iter().zip(&z).enumerate() {
            sums[index % 5] += f64::from(y - z);
        }
        sums.iter().map(|sum| (sum / y.len() as f64).abs()).fold(0.0, f64::max)
    };
    let before = mean(&graph);
    let report = correct_biases(&means, &mut graph, &batches(), &mut |_, _| ()).expect("corrected");
    assert_eq!(report.changed, 4);
    assert!(before > 1e-3, "{before}");
    assert!(mean(&graph) < 1e-6, "{} of {before}", mean(&graph));
}

#[test]
fn integers_agree_with_floats() {
    let (_, mut graph, means) = quantized(4);
    correct_biases(&means, &mut graph, &batches(), &mut |_, _| ()).expect("corrected");
    let report = quantize_biases(&mut graph, fewbit::formats::Format::INT32).expect("biases");
    assert_eq!(report.changed, 4);
    let options = IntegerOptions::default();
    for batch in batches() {
        let fake = run_batch(&graph, &batch, QuantizerMode::Apply, &Constants::default())
            .expect("outputs");
        let run = run_integer(&graph, &batch, &options).expect("outputs");
        assert_eq!(run.nodes.len(), 4);
        assert_eq!(run.in_floats, Vec::<String>::new());
        let (fake, integer) =
            (fake[0].get::<f32>().expect("floats"), run.outputs[0].get::<f32>().expect("floats"));
        assert_close(
            &fake.iter().copied().collect::<Vec<_>>(),
            &integer.iter().copied().collect::<Vec<_>>(),
            1e-5,
        );
    }
}

#[test]
fn a_narrow_accumulator_overflows_and_a_constrained_network_does_not() {
    for weights in [
        "Int8WeightPerChannelFloat",
        "Int8WeightPerTensorFloat",
        "Int8WeightPerChannelFixedPoint",
        "Int8WeightPerTensorFixedPoint",
    ] {
        constrained(&preset(weights, 4));
    }
}

fn constrained(weights: &Quantizer) {
    let (float, mut graph, _) = quantized_with(weights);
    let acc: fewbit::Accumulator = "int12-sat".parse().expect("an accumulator");
    for product in products(&graph) {
        graph.set_accumulator(product.node, acc.clone());
    }
    let options =
        IntegerOptions { report: fewbit::ReportLevel::Events, ..IntegerOptions::default() };
    let events = |graph: &Graph| -> u64 {
        let run = |batch: &Vec<Tensor>| run_integer(graph, batch, &options).expect("outputs");
        batches().iter().flat_map(|batch| run(batch).nodes).map(|node| node.total_events()).sum()
    };
    assert!(events(&graph) > 0);
    for constraint in [AccumulatorConstraint::Axe, AccumulatorConstraint::Joint] {
        let mut graph = graph.clone();
        let solver = "gptq".parse().expect("a solver");
        let inputs = SolveInputs::Rounded;
        let params = SolveParams { solver, constraint, effort: Effort::default(), inputs };
        solve(&float, &mut graph, &batches(), &params, None, &mut NoJournal, &mut |_, _| ())
            .expect("solved");
        assert_eq!(events(&graph), 0, "{constraint}");
        for product in products(&graph) {
            let Op::Quantize(op) = &graph.node(product.weight_quantizer.expect("one")).op else {
                panic!("a quantizer")
            };
            let weights =
                graph.data(product.weight).expect("weights").get::<f32>().expect("floats");
            let parameters = op.quantizer.parameters(&weights.view()).expect("scales");
            let is_power = |scale: &f32| scale.log2().fract() == 0.0;
            let fixed = op.quantizer.scale_rule().restriction != Restriction::Float;
            assert!(!fixed || parameters.scale.iter().all(is_power), "{constraint}");
        }
        // Not of these inputs alone.
        let bounds = network_bounds(&graph, &acc);
        assert_eq!(bounds.len(), 4);
        assert!(bounds.iter().all(|bound| bound.fits), "{constraint}: {bounds:?}");
    }
}

#[test]
fn a_matrix_product_has_its_bias_in_the_addition_behind_it() {
    let mut float = Graph::new("dense");
    let shape = vec![Dim::Named("batch".into()), 6.into()];
    let x = float.add_input("x", Fact::new(ElementType::F32, shape));
    let w = float.add_constant("w", tensor(&[6, 4], 3));
    let b = float.add_constant("b", tensor(&[4], 4));
    let y = float.add("product", MatMul {}, &[x, w]);
    let y = float.add("biased", Add {}, &[y, b]);
    let v = float.add_constant("v", tensor(&[4, 3], 5));
    let y = relu(&mut float, "relu", y);
    let y = float.add("last", MatMul {}, &[y, v]);
    float.add_output(y);
    float.sort().expect("an order");
    float.infer().expect("shapes");
    let batches: Vec<Vec<Tensor>> =
        (0..3).map(|batch| vec![tensor(&[32, 6], 60 + batch)]).collect();
    let mut graph = float.clone();
    insert_activation_quantizers(&mut graph, &activations(8)).expect("quantizers");
    insert_weight_quantizers(&mut graph, &preset("Int8WeightPerChannelFloat", 3))
        .expect("quantizers");
    let (_, means) = calibrate(&mut graph, &batches).expect("scales");
    let before = graph.data(b).expect("a bias").clone();
    correct_biases(&means, &mut graph, &batches, &mut |_, _| ()).expect("corrected");
    assert_ne!(graph.data(b), Some(&before));
    for (_, node) in graph.nodes() {
        assert!(!matches!(node.op, Op::MatMul(_)) || node.inputs.len() == 2, "{}", node.name);
    }
    for batch in &batches {
        let constants = Constants::default();
        let fake = run_batch(&graph, batch, QuantizerMode::Apply, &constants).expect("outputs");
        let integer = run_integer(&graph, batch, &IntegerOptions::default()).expect("outputs");
        let numbers = |tensor: &Tensor| -> Vec<f32> {
            tensor.get::<f32>().expect("floats").iter().copied().collect()
        };
        assert_close(&numbers(&fake[0]), &numbers(&integer.outputs[0]), 1e-5);
    }
}
