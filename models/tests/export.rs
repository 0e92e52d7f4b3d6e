//! What is written, read again: the same codes, the same sums, the same events.

use std::collections::BTreeMap;

use fewbit::ReportLevel;
use fewbit::formats::{Format, Overflow, Policy, Rounding};
use fewbit::quantize::{Parameters, Quantizer, ScaleRule, Scheme};
use fewbit::tensor::Granularity;
use fewbit_models::exec::integer::{IntegerOptions, run_integer};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch, run_float};
use fewbit_models::export::{QonnxActivations, to_qcdq, to_qonnx};
use fewbit_models::flow::{Sharing, Symmetry, ValueFormat, VisionConfig, VisionFlow};
use fewbit_models::graph::{Graph, ValueId, products};
use fewbit_models::import::recognize_quantizers;
use fewbit_models::onnx::{read_bytes, write_bytes};
use fewbit_models::ops::{
    Add, Conv, ConvTranspose, Dim, Fact, Flatten, Gemm, GlobalAveragePool, MaxPool, Op, Padding,
    Quantize, Relu, Trunc,
};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArrayD, IxDyn, arr0};

/// Numbers from a counter: fractions of the golden ratio's multiples, centred.
fn tensor(shape: &[usize], seed: usize) -> Tensor {
    let number = |i: usize| {
        let x = ((i + 1) * (2 * seed + 3)) as f64 * 0.618_033_988_749_894_9;
        ((x.fract() + (x * 7.3).fract() + (x * 3.1).fract() - 1.5) * 0.8) as f32
    };
    let values = (0..shape.iter().product()).map(number).collect();
    ArrayD::from_shape_vec(IxDyn(shape), values).expect("the shape's elements").into()
}

fn weights(graph: &mut Graph, name: &str, shape: &[usize], out: usize) -> [ValueId; 2] {
    let seed = name.len() + shape.len() + out;
    [
        graph.add_constant(&format!("{name}.weight"), tensor(shape, seed)),
        graph.add_constant(&format!("{name}.bias"), tensor(&[out], seed + 1)),
    ]
}

/// A residual network with depthwise, transposed and grouped convolutions.
fn network() -> Graph {
    let mut graph = Graph::new("network");
    let shape = vec![Dim::Named("batch".into()), 2.into(), 8.into(), 8.into()];
    let x = graph.add_input("x", Fact::new(ElementType::F32, shape));
    let conv = |graph: &mut Graph, name: &str, x: ValueId, shape: [usize; 4], groups: usize| {
        let padding = Padding { pads: vec![shape[2] / 2; 4], ..Padding::default() };
        let [w, b] = weights(graph, name, &shape, shape[0]);
        let y = graph.add(name, Conv { groups, padding, ..Conv::default() }, &[x, w, b]);
        graph.add(&format!("{name}.relu"), Relu {}, &[y])
    };
    let stem = conv(&mut graph, "stem", x, [6, 2, 3, 3], 1);
    let pool = MaxPool { kernel: vec![2, 2], strides: vec![2, 2], ..MaxPool::default() };
    let pool = graph.add("pool", pool, &[stem]);
    let left = conv(&mut graph, "depthwise", pool, [6, 1, 3, 3], 6);
    let left = conv(&mut graph, "grouped", left, [6, 3, 1, 1], 2);
    let sum = graph.add("sum", Add {}, &[left, pool]);
    let sum = graph.add("sum.relu", Relu {}, &[sum]);
    let [w, b] = weights(&mut graph, "up", &[6, 4, 2, 2], 4);
    let up = ConvTranspose { strides: vec![2, 2], ..ConvTranspose::default() };
    let up = graph.add("up", up, &[sum, w, b]);
    let up = graph.add("up.relu", Relu {}, &[up]);
    let mean = graph.add("mean", GlobalAveragePool {}, &[up]);
    let flat = graph.add("flat", Flatten::default(), &[mean]);
    let [w, b] = weights(&mut graph, "fc", &[5, 4], 5);
    let y = graph.add("fc", Gemm { transpose_b: true, ..Gemm::default() }, &[flat, w, b]);
    graph.add_output(y);
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    graph
}

fn quantized(config: &VisionConfig) -> Graph {
    let batches: Vec<Vec<Tensor>> = (0..3).map(|i| vec![tensor(&[8, 2, 8, 8], 30 + i)]).collect();
    let flow = VisionFlow { config };
    let found = flow.run(&network(), &batches, &mut |_: &str, _, _| ()).expect("a network");
    found.graph
}

fn of_bits(weights: u32, acts: u32) -> VisionConfig {
    VisionConfig {
        weight_bit_width: weights,
        act_bit_width: acts,
        weight_quant_granularity: Sharing::Channel,
        accumulator: Some("int6-sat/16,int20-wrap".into()),
        ..VisionConfig::default()
    }
}

/// Written and read.
fn again(graph: &Graph, opset: i64) -> Graph {
    let bytes = write_bytes(graph, opset).expect("a file");
    let mut graph = read_bytes(bytes, None).expect("a network");
    recognize_quantizers(&mut graph).expect("quantizers");
    graph.infer().expect("shapes");
    graph
}

fn fake(graph: &Graph, x: &Tensor) -> Tensor {
    let constants = Constants::of(graph, QuantizerMode::Apply).expect("constants");
    let batch = [x.clone()];
    run_batch(graph, &batch, QuantizerMode::Apply, &constants).expect("outputs").swap_remove(0)
}

/// Whether both give the same codes, sums, outputs and reports in integers, and the same numbers in floats.
fn assert_same(one: &Graph, other: &Graph, what: &str) {
    let count = |graph: &Graph| graph.nodes().filter(|(_, n)| n.op.name() == "Quantize").count();
    assert_eq!(count(one), count(other), "{what}");
    let x = tensor(&[16, 2, 8, 8], 77);
    assert!(fake(one, &x) == fake(other, &x), "{what}: fake execution");
    let options = IntegerOptions { report: ReportLevel::Full, ..IntegerOptions::default() };
    let run = |graph| run_integer(graph, std::slice::from_ref(&x), &options).expect("a run");
    let (one, other) = (run(one), run(other));
    assert!(one.outputs == other.outputs, "{what}: integer execution");
    assert_eq!(one.nodes, other.nodes, "{what}");
    let events: u64 = one.nodes.iter().map(|node| node.total_events()).sum();
    assert!(events > 0 || what.starts_with("float"), "{what}: no event");
}

#[test]
fn qcdq_comes_back_with_its_accumulators() {
    for (weights, acts, opset) in
        [(8, 8, 13), (4, 8, 21), (4, 4, 25), (3, 5, 17), (2, 8, 25), (6, 12, 21), (12, 16, 21)]
    {
        let graph = quantized(&of_bits(weights, acts));
        let what = format!("w{weights}a{acts} in operator set {opset}");
        let written = to_qcdq(&graph, opset).expect(&what);
        // Constants are integers.
        for product in products(&graph) {
            let name = &graph.node(product.weight_quantizer.expect("a quantizer")).name;
            let codes = written.find(&format!("{name}.codes")).expect("codes");
            let element = written.data(codes).expect("a constant").element_type();
            assert_ne!(element, ElementType::F32, "{what}: {name}");
        }
        assert_same(&graph, &again(&written, opset), &what);
    }
    let narrow = VisionConfig { weight_narrow_range: true, ..of_bits(4, 8) };
    let asymmetric = VisionConfig { act_quant_type: Symmetry::Asymmetric, ..of_bits(4, 8) };
    for (config, what) in [(narrow, "narrow"), (asymmetric, "asymmetric")] {
        let graph = quantized(&config);
        assert_same(&graph, &again(&to_qcdq(&graph, 21).expect(what), 21), what);
    }
}

#[test]
fn qonnx_comes_back_with_its_accumulators() {
    for (weights, acts) in [(8, 8), (4, 8), (3, 4), (12, 16)] {
        let graph = quantized(&of_bits(weights, acts));
        for activations in [QonnxActivations::Quant, QonnxActivations::MultiThreshold] {
            let what = format!("w{weights}a{acts} {activations:?}");
            let written = to_qonnx(&graph, activations).expect(&what);
            let has = |name: &str| written.nodes().any(|(_, node)| node.op.name() == name);
            let thresholds = activations == QonnxActivations::MultiThreshold && acts <= 8;
            assert_eq!(has("MultiThreshold"), thresholds, "{what}");
            // Biases and wide activations stay.
            assert!(has("Quant"), "{what}");
            // QONNX's own operators compute the same numbers.
            let x = tensor(&[4, 2, 8, 8], 78);
            let inputs = BTreeMap::from([(written.inputs()[0], x.clone())]);
            let outputs = run_float(&written, &inputs).expect(&what);
            assert!(outputs[0] == fake(&graph, &x), "{what}");
            assert_same(&graph, &again(&written, 17), &what);
        }
    }
}

#[test]
fn small_floats_go_through_both() {
    for (format, opset) in [(ValueFormat::FloatOcp, 19), (ValueFormat::Float, 0)] {
        for (exponent, mantissa) in [(4, 3), (5, 2), (3, 2)] {
            let config = VisionConfig {
                quant_format: format,
                weight_exponent_bit_width: exponent,
                weight_mantissa_bit_width: mantissa,
                act_exponent_bit_width: exponent,
                act_mantissa_bit_width: mantissa,
                accumulator: None,
                bias_bit_width: None,
                ..of_bits(8, 8)
            };
            let what = format!("float {format:?} e{exponent}m{mantissa}");
            let graph = quantized(&config);
            let x = tensor(&[4, 2, 8, 8], 78);
            let expected = fake(&graph, &x);
            let written = to_qonnx(&graph, QonnxActivations::MultiThreshold).expect(&what);
            let inputs = BTreeMap::from([(written.inputs()[0], x.clone())]);
            assert!(run_float(&written, &inputs).expect(&what)[0] == expected, "{what}");
            let back = again(&written, 17);
            assert!(fake(&back, &x) == expected, "{what}");
            assert!(!back.nodes().any(|(_, node)| node.op.name() == "FloatQuant"), "{what}");
            let ocp = opset > 0 && exponent + mantissa == 7;
            match to_qcdq(&graph, opset.max(21)) {
                Ok(written) if ocp => {
                    assert!(fake(&again(&written, 21), &x) == expected, "{what}");
                    let error = to_qcdq(&graph, 18).map(|_| ()).expect_err("no type");
                    assert!(error.to_string().contains("need operator set 19"), "{error}");
                }
                Err(error) if !ocp => {
                    assert!(error.to_string().contains("there is no type for"), "{error}");
                }
                other => panic!("{what}: {:?}", other.map(|_| ())),
            }
        }
    }
}

/// A graph of one quantized constant.
fn constant(format: &str, granularity: Granularity, scale: ArrayD<f32>, policy: Policy) -> Graph {
    let mut graph = Graph::new("constant");
    let scheme = Scheme::new(format.parse::<Format>().expect("a format"));
    let scheme = scheme.with_granularity(granularity);
    let quantizer = Quantizer::new(scheme, ScaleRule::abs_max(), policy).expect("a quantizer");
    let parameters = Parameters { scale, zero_point: None };
    let quantizer = quantizer.with_parameters(parameters).expect("scales");
    let x = graph.add_input("x", Fact::new(ElementType::F32, vec![2.into(), 6.into()]));
    let w = graph.add_constant("w", tensor(&[2, 6], 3));
    let w = graph.add("w.quantizer", Quantize::new(quantizer), &[w]);
    let y = graph.add("sum", Add {}, &[x, w]);
    graph.add_output(y);
    graph.infer().expect("shapes");
    graph
}

#[test]
fn an_operator_set_that_cannot_express_codes_is_named() {
    let nearest = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let one = || arr0(0.1f32).into_dyn();
    let groups = ArrayD::from_shape_vec(IxDyn(&[2, 3]), vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    let groups = groups.expect("six");
    let group = Granularity::Group { axis: -1, size: 2 };
    for (format, granularity, scale, policy, opset, problem) in [
        (
            "int12",
            Granularity::Tensor,
            one(),
            nearest,
            20,
            "int12 need operator set 21, and it is 20",
        ),
        ("e2m1fn", Granularity::Tensor, one(), nearest, 21, "e2m1fn need operator set 23"),
        ("int4", group, groups.clone(), nearest, 20, "scales in groups need operator set 21"),
        ("e3m2fn", Granularity::Tensor, one(), nearest, 25, "there is no type for e3m2fn"),
        (
            "int4",
            Granularity::Tensor,
            one(),
            nearest.with_rounding(Rounding::Down),
            21,
            "rounds to nearest even",
        ),
        (
            "int4",
            Granularity::Tensor,
            one(),
            nearest.with_overflow(Overflow::Wrap),
            21,
            "saturates",
        ),
    ] {
        let error = to_qcdq(&constant(format, granularity, scale, policy), opset).map(|_| ());
        let error = error.expect_err(problem).to_string();
        assert!(error.contains("`w.quantizer`") && error.contains(problem), "{error}");
    }
    let x = tensor(&[2, 6], 5);
    for (format, granularity, scale, opset) in [
        ("int4", group, groups.clone(), 21),
        ("int3", group, groups, 21),
        ("e2m1fn", Granularity::Tensor, one(), 23),
        ("int2", Granularity::Tensor, one(), 25),
        ("uint2", Granularity::Tensor, one(), 13),
    ] {
        let graph = constant(format, granularity, scale, nearest);
        let back = again(&to_qcdq(&graph, opset).expect(format), opset);
        assert!(fake(&back, &x) == fake(&graph, &x), "{format}");
        assert!(back.nodes().any(|(_, node)| node.op.name() == "Quantize"), "{format}");
    }
}

#[test]
fn what_qonnx_cannot_express_is_named() {
    let nearest = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let one = || arr0(0.1f32).into_dyn();
    for (format, policy, problem) in [
        ("int4", nearest.with_overflow(Overflow::Wrap), "Quant saturates"),
        ("int4", nearest.with_rounding(Rounding::Odd), "rounding"),
        ("e8m0fnu", nearest, "FloatQuant has a sign and a zero"),
    ] {
        let graph = constant(format, Granularity::Tensor, one(), policy);
        let error = to_qonnx(&graph, QonnxActivations::Quant).map(|_| ()).expect_err(problem);
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn truncation_is_written_as_it_is() {
    let mut graph = Graph::new("trunc");
    let x = graph.add_input("x", Fact::new(ElementType::F32, vec![4.into()]));
    let numbers = [0.25f32, 0.0, 8.0, 1.0, 4.0];
    let mut inputs = vec![x];
    inputs.extend(numbers.map(|n| graph.add_constant("n", Tensor::scalar(n))));
    let y = graph.add("trunc", Trunc { signed: false, ..Trunc::default() }, &inputs);
    graph.add_output(y);
    graph.infer().expect("shapes");
    let written = to_qonnx(&graph, QonnxActivations::Quant).expect("a graph");
    let back = again(&written, 17);
    assert!(back.nodes().any(|(_, node)| matches!(node.op, Op::Trunc(_))));
    // Of 0.25 n, the low two bits of n fall away.
    let x = Tensor::vector(vec![0.75f32, 1.0, 1.75, 2.0]);
    let inputs = BTreeMap::from([(back.inputs()[0], x)]);
    let expected = Tensor::vector(vec![0.0f32, 1.0, 1.0, 2.0]);
    assert_eq!(run_float(&back, &inputs).expect("a run"), [expected]);
}

#[test]
fn an_accumulator_that_is_none_is_refused() {
    let graph = quantized(&of_bits(4, 8));
    let bytes = write_bytes(&to_qcdq(&graph, 21).expect("a graph"), 21).expect("a file");
    let place = |bytes: &[u8]| bytes.windows(8).position(|w| w == b"int6-sat").expect("its text");
    let mut broken = bytes.clone();
    let at = place(&bytes);
    broken[at + 5..at + 8].copy_from_slice(b"sit");
    let error = read_bytes(broken, None).map(|_| ()).expect_err("no accumulator");
    assert!(error.to_string().contains("ai.fewbit.accumulator"), "{error}");
}
