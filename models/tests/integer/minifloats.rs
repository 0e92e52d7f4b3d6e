//! Codes of floats, alone and under scales of groups, through exact registers; convolutions of any codes.

use fewbit::formats::GroupFormat;
use fewbit::quantize::{Preset, Quantizer, Recipe};
use fewbit::reference;
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::exec::integer::{IntegerOptions, run_integer};
use fewbit_models::graph::Graph;
use fewbit_models::ops::{Conv, ConvTranspose, Op, Padding, Quantize};
use fewbit_models::tensor::Tensor;
use ndarray::ArrayD;

use crate::layer::{Layer, in_groups, named, operands};
use crate::support::{array, assert_close, events, fake, floats, input, integer};

/// A preset with another format of its codes.
fn with_format(name: &str, format: &str) -> Quantizer {
    let recipe = name.parse::<&Preset>().expect("a preset").recipe().expect("a recipe");
    let Recipe::Quantizer(quantizer) = recipe.set("format", format.into()).expect("a format")
    else {
        panic!("a quantizer")
    };
    quantizer
}

fn options(acc: &str) -> IntegerOptions {
    IntegerOptions {
        accumulator: acc.parse().expect("an accumulator"),
        report: ReportLevel::Events,
        ..IntegerOptions::default()
    }
}

/// The exact sum of `(a - z) s (w - v) t` over k, as a multiple of a power of two in 128 bits.
fn exact(layer: &Layer) -> Vec<f64> {
    const UNIT: i32 = -60;
    let ([a, s, _], [w, t, _]) = (layer.elements(0), layer.elements(1));
    let whole = |x: f64| -> i128 {
        let scaled = x * 2f64.powi(-UNIT / 2);
        assert_eq!(scaled.fract(), 0.0, "{x}");
        scaled as i128
    };
    let mut values = Vec::new();
    for i in 0..a.nrows() {
        for j in 0..w.nrows() {
            let products = (0..a.ncols()).map(|k| {
                // Of 8-bit floats under powers of two, or 4-bit ones under 8-bit scales: f64 holds both factors.
                whole(a[[i, k]] * s[[i, k]]) * whole(w[[j, k]] * t[[j, k]])
            });
            values.push(products.sum::<i128>() as f64 * 2f64.powi(UNIT));
        }
    }
    values
}

/// Sums of products under the scales of their groups: those of whole numbers of 128 bits, rounded once.
#[test]
fn exact_registers_take_blocks_of_floats() {
    let nvfp4: GroupFormat = "nvfp4".parse().expect("a format");
    let policy = "torchao-0.13-nvfp4".parse::<fewbit::formats::PolicyPreset>().expect("a policy");
    let nvfp4 = Quantizer::of_groups(nvfp4, -1, policy.group_policy(&nvfp4)).expect("one");
    let pairs = [
        ("mxfp8", named("MXFloat8e4m3Act"), named("MXFloat8e4m3Weight")),
        ("mxfp4", named("MXFloat4e2m1Act"), named("MXFloat4e2m1Weight")),
        ("mxint8 by mxfp8", named("MXInt8Act"), named("MXFloat8e4m3Weight")),
    ];
    for (name, of_x, of_w) in &pairs {
        for k in [96, 83] {
            let layer = Layer::new(of_x, of_w, [3, k, 5], false);
            let run = integer(&layer.graph, &layer.inputs(), &options("exact"));
            assert_eq!(run.in_floats, Vec::<String>::new(), "{name}");
            let expected: Vec<f32> = exact(&layer).into_iter().map(|y| y as f32).collect();
            assert_eq!(floats(&run.outputs[0]), expected, "{name} {k}");
            assert_eq!((run.nodes.len(), events(&run)), (1, 0));
            let fake = fake(&layer.graph, &layer.inputs());
            assert_close(&floats(&run.outputs[0]), &fake, 1e-5);
        }
    }
    // Under one number for all of a tensor, whose product is rounded.
    let layer = Layer::new(&nvfp4, &nvfp4, [3, 96, 5], true);
    let run = integer(&layer.graph, &layer.inputs(), &options("exact"));
    assert_eq!(run.in_floats, Vec::<String>::new());
    let fake = fake(&layer.graph, &layer.inputs());
    assert_close(&floats(&run.outputs[0]), &fake, 1e-5);
}

/// Codes under one scale per row and column: the sums are those of the scalar reference, to the last bit, also where an operand
/// is cut into slices, where registers are chained, and where only the reference has room.
#[test]
fn exact_sums_are_those_of_the_reference() {
    let formats = ["e4m3fn", "e5m2", "e3m4fn", "e2m3fn", "f16", "bf16"];
    for x_format in formats {
        for w_format in ["e4m3fn", "e5m2"] {
            let of_x = with_format("FP8e4m3OCPDynamicActPerRowFloat", x_format);
            let of_w = with_format("Fp8e4m3OCPWeightPerChannelFloat", w_format);
            let layer = Layer::new(&of_x, &of_w, [2, 83, 5], true);
            let bias = layer.bias.clone().expect("a bias");
            for acc in ["exact", "exact/7,exact"] {
                let accumulator: Accumulator = acc.parse().expect("an accumulator");
                let (left, right) = operands(&layer, None);
                let sums = reference::matmul_float(&left, &right, &accumulator, None, 0);
                let sums = sums.expect("sums").values;
                let ([_, s, _], [_, t, _]) = (layer.elements(0), layer.elements(1));
                let expected = sums.indexed_iter().map(|((i, j), sum)| {
                    let (s, t) = (s[[i, 0]], t[[j, 0]]);
                    (sum * s * t + f64::from(bias[j])) as f32
                });
                let nearest = sums.indexed_iter().map(|((i, j), sum)| {
                    (sum * (s[[i, 0]] * t[[j, 0]]) + f64::from(bias[j])) as f32
                });
                let run = integer(&layer.graph, &layer.inputs(), &options(acc));
                assert_eq!(run.in_floats, Vec::<String>::new());
                let found = floats(&run.outputs[0]);
                let (expected, nearest) =
                    (expected.collect::<Vec<_>>(), nearest.collect::<Vec<_>>());
                // The product of two scales is one of f64, in this order or the other.
                let fits =
                    found.iter().zip(&expected).zip(&nearest).all(|((y, a), b)| y == a || y == b);
                assert!(fits, "{x_format} {w_format} {acc}");
            }
        }
    }
}

/// A register of integers has no unit for products of floats, and says of which power of two they are multiples.
#[test]
fn integer_registers_say_why_they_take_no_floats() {
    let fp8 = (named("MXFloat8e4m3Act"), named("MXFloat8e4m3Weight"));
    let fp4 = (named("MXFloat4e2m1Act"), named("MXFloat4e2m1Weight"));
    for ((of_x, of_w), acc, unit) in [
        (&fp8, "int16-sat", "2^-18"),
        (&fp8, "int16-sat/32,f32", "2^-18"),
        (&fp4, "int8-wrap", "2^-2"),
    ] {
        let layer = Layer::new(of_x, of_w, [2, 64, 3], false);
        let run = integer(&layer.graph, &layer.inputs(), &options(acc));
        assert!(run.nodes.is_empty() && run.in_floats.len() == 1, "{:?}", run.in_floats);
        let said = &run.in_floats[0];
        assert!(said.starts_with("y (") && said.contains(unit), "{said}");
        assert_eq!(floats(&run.outputs[0]), fake(&layer.graph, &layer.inputs()));
    }
}

/// A convolution of two groups with padding and strides.
struct Convolution {
    graph: Graph,
    x: ArrayD<f32>,
    values: [ArrayD<f32>; 2],
    bias: ArrayD<f32>,
}

impl Convolution {
    fn new(of_x: &Quantizer, of_w: &Quantizer) -> Self {
        let mut graph = Graph::new("convolution");
        let id = input(&mut graph, "x", &[2, 4, 5, 6]);
        let (x, w, bias) = (array(&[2, 4, 5, 6], 1), array(&[6, 2, 3, 2], 2), array(&[6], 3));
        let weights = graph.add_constant("w", w.clone());
        let b = graph.add_constant("b", bias.clone());
        let qx = graph.add("qx", Quantize::new(of_x.clone()), &[id]);
        let qw = graph.add("qw", Quantize::new(of_w.clone()), &[weights]);
        let op = Conv {
            groups: 2,
            strides: vec![2, 1],
            padding: Padding { pads: vec![1, 0, 1, 1], ..Padding::default() },
            ..Conv::default()
        };
        let y = graph.add("y", op, &[qx, qw, b]);
        graph.add_output(y);
        let values = [(of_x, &x), (of_w, &w)].map(|(quantizer, array)| {
            quantizer.quantize(&array.view()).expect("codes").dequantize()
        });
        Self { graph, x, values, bias }
    }

    fn inputs(&self) -> [Tensor; 1] {
        [self.x.clone().into()]
    }

    /// Products of every output in ascending (channel, row, column) of its patch, and its bias.
    fn products(&self) -> Vec<(Vec<[f64; 2]>, f64)> {
        let [x, w] = &self.values;
        let mut all = Vec::new();
        for (image, o) in (0..2).flat_map(|i| (0..6).map(move |o| (i, o))) {
            // (5 + 2 - 3) / 2 + 1 rows of 6 + 1 - 2 + 1 columns.
            for (row, column) in (0..3).flat_map(|r| (0..6).map(move |c| (r, c))) {
                let mut products = Vec::new();
                for c in 0..2 {
                    for (i, j) in (0..3).flat_map(|i| (0..2).map(move |j| (i, j))) {
                        let (at, place) = ((row * 2 + i) as isize - 1, column + j);
                        let inside = (0..5).contains(&at) && place < 6;
                        let channel = o / 3 * 2 + c;
                        let x = match inside {
                            true => x[[image, channel, at as usize, place]],
                            false => 0.0,
                        };
                        products.push([x.into(), w[[o, c, i, j]].into()]);
                    }
                }
                all.push((products, self.bias[[o]].into()));
            }
        }
        all
    }
}

/// Convolutions of floats, and of integers through registers of floats.
#[test]
fn convolutions_take_any_codes() {
    let act = |format: &str| with_format("Fp8e4m3OCPActPerTensorFloat", format);
    let int = crate::support::Grid::signed(8, 0.01).quantizer();
    let shifted = crate::support::Grid::unsigned(8, 0.01, 117).quantizer();
    let per_tensor = crate::support::Grid::signed(4, 0.125).quantizer();
    for (what, of_x, of_w, acc) in [
        ("e4m3", act("e4m3fn"), named("Fp8e4m3OCPWeightPerChannelFloat"), "exact"),
        ("e5m2", act("e5m2"), with_format("Fp8e4m3OCPWeightPerTensorFloat", "e5m2"), "exact"),
        ("e4m3 in f32", act("e4m3fn"), named("Fp8e4m3OCPWeightPerChannelFloat"), "f32"),
        ("int8 in f32", int, per_tensor.clone(), "f32"),
        ("uint8 in f32", shifted, per_tensor, "f32"),
    ] {
        let layer = Convolution::new(&of_x, &of_w);
        let run = integer(&layer.graph, &layer.inputs(), &options(acc));
        assert_eq!(run.in_floats, Vec::<String>::new(), "{what}");
        assert_eq!(run.nodes.len(), 1, "{what}");
        let expected = layer.products().into_iter().map(|(products, bias)| {
            (products.iter().map(|[x, w]| x * w).sum::<f64>() + bias) as f32
        });
        let found = floats(&run.outputs[0]);
        assert_close(&found, &expected.collect::<Vec<_>>(), 2e-6);
        assert_close(&found, &fake(&layer.graph, &layer.inputs()), 2e-6);
    }
    // A narrow register is that of the layer: every step rounds.
    let (of_x, of_w) = (act("e4m3fn"), named("Fp8e4m3OCPWeightPerTensorFloat"));
    let layer = Convolution::new(&of_x, &of_w);
    let scale = |quantizer: &Quantizer, x: &ArrayD<f32>| {
        let codes = quantizer.quantize(&x.view()).expect("codes");
        f64::from(codes.scale().iter().copied().next().expect("a scale"))
    };
    let (s, t) = (scale(&of_x, &layer.x), scale(&of_w, &array(&[6, 2, 3, 2], 2)));
    let f16 = fewbit::formats::Format::F16;
    let policy = fewbit::formats::Policy::new(
        fewbit::formats::Rounding::TiesEven,
        fewbit::formats::Overflow::Special,
    );
    let rounded = |x: f64| f16.decode(f16.encode(x, &policy, 0).expect("a number").code);
    let expected = layer.products().into_iter().map(|(products, bias)| {
        // Codes, not values: scales stand outside. A value is a code of few digits times a scale in f32.
        let code = |x: f64, scale: f64| {
            let near = x / scale;
            let format: fewbit::formats::Format = "e4m3fn".parse().expect("a format");
            format.decode(format.encode(near, &policy, 0).expect("a code").code)
        };
        let sum = products.iter().fold(0.0, |sum, &[x, w]| rounded(sum + code(x, s) * code(w, t)));
        (sum * (s * t) + bias) as f32
    });
    let run = integer(&layer.graph, &layer.inputs(), &options("f16"));
    assert_eq!(floats(&run.outputs[0]), expected.collect::<Vec<_>>());
}

/// Scales of groups along channels, and transposed convolutions of floats, stay in floats and say why.
#[test]
fn convolutions_that_run_in_floats_say_why() {
    let groups = in_groups(named("MXFloat8e4m3Act"), 1, 2);
    let layer = Convolution::new(&groups, &named("Fp8e4m3OCPWeightPerTensorFloat"));
    let run = integer(&layer.graph, &layer.inputs(), &options("exact"));
    assert!(run.nodes.is_empty() && run.in_floats[0].contains("a patch"), "{:?}", run.in_floats);
    assert_eq!(floats(&run.outputs[0]), fake(&layer.graph, &layer.inputs()));
    let mut graph = layer.graph.clone();
    let node = graph.nodes().find(|(_, node)| node.name == "y").map(|(id, _)| id).expect("y");
    graph.node_mut(node).op = Op::from(ConvTranspose { groups: 2, ..ConvTranspose::default() });
    let weights = graph.find("w").expect("weights");
    graph.set_data(weights, array(&[4, 3, 3, 2], 2));
    let run = run_integer(&graph, &layer.inputs(), &options("exact")).expect("a run");
    assert!(run.in_floats[0].contains("transposed"), "{:?}", run.in_floats);
}
