//! Products whose scales and zero points are those of rows, columns and groups.

use fewbit::formats::{Format, GroupFormat};
use fewbit::quantize::Quantizer;
use fewbit::reference::{self, FloatOperand};
use fewbit::tensor::AnyQuantTensor;
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::exec::integer::{IntegerOptions, IntegerWeights, run_integer, run_integer_with};
use fewbit_models::graph::Graph;
use fewbit_models::ops::{Gemm, MatMul, Quantize, Transpose};
use fewbit_models::tensor::Tensor;
use ndarray::{Array2, Ix2};

use crate::layer::{Layer, in_groups, named, operands, with_float_zero_points};
use crate::support::{Narrow, array, assert_close, fake, floats, input, integer, preset};

fn inputs() -> Vec<(&'static str, Quantizer)> {
    let shifted = preset("ShiftedUint8DynamicActPerRowFloat", 8);
    let by_tensor = preset("ShiftedUint8DynamicActPerTensorFloat", 8);
    let wide = preset("Int8DynamicActPerRowFloat", 10);
    vec![
        ("rows with fractional zero points", with_float_zero_points(shifted.clone())),
        ("rows with zero points among the codes", shifted),
        ("symmetric rows", preset("Int8DynamicActPerRowFloat", 8)),
        ("rows of ten bits", wide),
        ("a tensor with a fractional zero point", with_float_zero_points(by_tensor)),
    ]
}

#[test]
fn rows_times_channels_are_sums_of_their_codes() {
    let channels = preset("Int8WeightPerChannelFloat", 4);
    let tensor = preset("Int8WeightPerTensorFloat", 8);
    let shifted = preset("ShiftedUint8WeightPerChannelFloat", 4);
    let weights = [
        ("channels", channels),
        ("a tensor", tensor),
        ("channels with fractional zero points", with_float_zero_points(shifted.clone())),
        ("channels with zero points", shifted),
    ];
    for (x_name, of_x) in inputs() {
        for (w_name, of_w) in &weights {
            for has_bias in [false, true] {
                let layer = Layer::new(&of_x, of_w, [3, 83, 7], has_bias);
                layer.check(83, &format!("{x_name}, {w_name}, {has_bias}"));
            }
        }
    }
}

/// Inputs whose one scale is known, and weights with zero points.
#[test]
fn a_known_scale_meets_weights_with_zero_points() {
    let of_x = crate::support::Grid::unsigned(8, 0.02, 77).quantizer();
    for zero in ["whole", "fractional"] {
        let of_w = preset("ShiftedUint8WeightPerChannelFloat", 4);
        let of_w = if zero == "whole" { of_w } else { with_float_zero_points(of_w) };
        Layer::new(&of_x, &of_w, [3, 83, 7], true).check(83, zero);
    }
}

/// Scales in groups along k: a register of integers is read out where the scales change.
#[test]
fn groups_run_block_by_block() {
    let rows = preset("Int8DynamicActPerRowFloat", 8);
    let shifted = with_float_zero_points(preset("ShiftedUint8DynamicActPerRowFloat", 8));
    let groups = named("Int8DynamicActPerGroupFloat");
    let zero_groups = with_float_zero_points(preset("ShiftedUint8DynamicActPerGroupFloat", 8));
    let weights = named("IntWeightSymmetricGroupQuant");
    let channels = preset("Int8WeightPerChannelFloat", 8);
    let zero_weights =
        with_float_zero_points(in_groups(preset("ShiftedUint8WeightPerChannelFloat", 8), 1, 16));
    let cases = [
        (rows, in_groups(weights.clone(), 1, 32), 32),
        (shifted.clone(), in_groups(weights.clone(), 1, 24), 24),
        (in_groups(groups.clone(), -1, 32), in_groups(weights.clone(), 1, 32), 32),
        (in_groups(groups.clone(), -1, 16), in_groups(weights.clone(), 1, 48), 16),
        (in_groups(zero_groups, -1, 24), in_groups(weights, 1, 16), 8),
        (in_groups(groups, -1, 32), channels, 32),
        (shifted, zero_weights, 16),
    ];
    for (at, (of_x, of_w, block)) in cases.iter().enumerate() {
        // The last group is shorter.
        let layer = Layer::new(of_x, of_w, [2, 83, 5], at % 2 == 0);
        layer.check(*block, &format!("case {at}"));
    }
}

/// Tiles, and the events of every stage, are those of the reference.
#[test]
fn stages_are_those_of_the_reference() {
    let of_x = with_float_zero_points(preset("ShiftedUint8DynamicActPerRowFloat", 8));
    let of_w = preset("Int8WeightPerChannelFloat", 4);
    let layer = Layer::new(&of_x, &of_w, [5, 150, 9], false);
    let ints = |at: usize| {
        let ints = layer.operands[at].ints().expect("integers");
        ints.into_dimensionality::<Ix2>().expect("a matrix")
    };
    for acc in ["int10-sat/16,int13-wrap", "int16-sat/64,int32-wrap", "int9-wrap/8,int11-sat"] {
        let accumulator: Accumulator = acc.parse().expect("an accumulator");
        let (a, b) = (ints(0), ints(1).reversed_axes());
        let (_, expected) = reference::matmul(a.view(), b.view(), &accumulator).expect("sums");
        for level in [ReportLevel::Events, ReportLevel::Full] {
            let options = IntegerOptions {
                accumulator: accumulator.clone(),
                report: level,
                ..IntegerOptions::default()
            };
            let run = run_integer(&layer.graph, &layer.inputs(), &options).expect("a run");
            assert_eq!(run.nodes[0].total_events(), expected.events(), "{acc}");
            if level == ReportLevel::Full {
                assert_eq!(run.nodes[0].report.as_ref(), Some(&expected), "{acc}");
            }
        }
    }
}

/// Groups of floats, and of integers, under their scales through registers of floats and through machines.
#[test]
fn float_registers_take_products_under_the_scales_of_their_groups() {
    let cases = [
        ("MXFloat8e4m3Act", "MXFloat8e4m3Weight", Some(32)),
        ("MXFloat4e2m1Act", "MXFloat4e2m1Weight", Some(32)),
        ("MXInt8Act", "MXInt8Weight", Some(32)),
        ("FP8e4m3OCPDynamicActPerRowFloat", "Fp8e4m3OCPWeightPerChannelFloat", None),
    ];
    for (x_name, w_name, block) in cases {
        let layer = Layer::new(&named(x_name), &named(w_name), [3, 96, 5], false);
        for acc in ["f32", "bf16", "f16*4/32,f32"] {
            let accumulator: Accumulator = acc.parse().expect("an accumulator");
            let (left, right) = operands(&layer, block);
            let expected = reference::matmul_float(&left, &right, &accumulator, None, 0);
            let Ok(expected) = expected else { panic!("{x_name} {acc}: {expected:?}") };
            let options = IntegerOptions {
                accumulator,
                report: ReportLevel::Events,
                ..IntegerOptions::default()
            };
            let run = run_integer(&layer.graph, &layer.inputs(), &options).expect("a run");
            assert_eq!(run.in_floats, Vec::<String>::new());
            let node = &run.nodes[0];
            assert_eq!(node.float.as_ref(), Some(&expected.report), "{x_name} {acc}");
            assert_eq!(node.total_events(), expected.report.events());
            let ([_, s, _], [_, t, _]) = (layer.elements(0), layer.elements(1));
            let scaled = expected.values.indexed_iter().map(|((i, j), value)| match block {
                Some(_) => *value as f32,
                None => (value * (s[[i, 0]] * t[[j, 0]])) as f32,
            });
            // Registers of f16 may become NaN, which is not itself.
            let bits = |y: f32| (!y.is_nan()).then(|| y.to_bits());
            let found: Vec<_> = floats(&run.outputs[0]).into_iter().map(bits).collect();
            assert_eq!(found, scaled.map(bits).collect::<Vec<_>>(), "{x_name} {acc}");
            if acc == "f32" {
                let fake = fake(&layer.graph, &layer.inputs());
                assert_close(&floats(&run.outputs[0]), &fake, 2e-4);
            }
        }
    }
}

/// A machine that takes no scales of groups runs group by group; one that takes them has them in its steps; each refuses what it
/// does not take.
#[test]
fn machines_take_groups_as_they_can() {
    let options = |acc: &str| IntegerOptions {
        accumulator: acc.parse().expect("an accumulator"),
        report: ReportLevel::Events,
        ..IntegerOptions::default()
    };
    let acc = "preset:h100-wgmma-fp8";
    let layer =
        Layer::new(&named("MXFloat8e4m3Act"), &named("MXFloat8e4m3Weight"), [3, 96, 5], true);
    let ([a, s, _], [w, t, _]) = (layer.elements(0), layer.elements(1));
    let mut sums = a.dot(&w.t()) * 0.0;
    let mut steps = 0;
    for first in (0..96).step_by(32) {
        let part = |x: &Array2<f64>| {
            let part = x.slice(ndarray::s![.., first..first + 32]);
            FloatOperand::from_values(part, Format::E4M3FN).expect("values").values().to_owned()
        };
        let of = |x: ndarray::ArrayView2<'_, f64>| FloatOperand::from_values(x, Format::E4M3FN);
        let (left, right) = (of(part(&a).view()), of(part(&w).t()));
        let accumulator = acc.parse().expect("an accumulator");
        let (left, right) = (left.expect("values"), right.expect("values"));
        let product = reference::matmul_float(&left, &right, &accumulator, None, 0).expect("sums");
        for ((i, j), value) in product.values.indexed_iter() {
            sums[[i, j]] += value * (s[[i, first]] * t[[j, first]]);
        }
        steps += product.report.stages[0].steps;
    }
    let bias = layer.bias.clone().expect("a bias");
    let expected = sums.indexed_iter().map(|((_, j), sum)| (sum + f64::from(bias[j])) as f32);
    let run = integer(&layer.graph, &layer.inputs(), &options(acc));
    assert_eq!(floats(&run.outputs[0]), expected.collect::<Vec<_>>());
    assert_eq!(run.nodes[0].float.as_ref().map(|float| float.stages[0].steps), Some(steps));
    assert_close(&floats(&run.outputs[0]), &fake(&layer.graph, &layer.inputs()), 1e-2);

    let row = Layer::new(
        &named("FP8e4m3OCPDynamicActPerRowFloat"),
        &named("Fp8e4m3OCPWeightPerChannelFloat"),
        [3, 96, 5],
        false,
    );
    let (left, right) = operands(&row, None);
    let accumulator = acc.parse().expect("an accumulator");
    let product = reference::matmul_float(&left, &right, &accumulator, None, 0).expect("sums");
    let run = integer(&row.graph, &row.inputs(), &options(acc));
    assert_eq!(run.nodes[0].float.as_ref(), Some(&product.report));

    let ints = Layer::new(&named("MXInt8Act"), &named("MXInt8Weight"), [3, 96, 5], false);
    let run = integer(&ints.graph, &ints.inputs(), &options(acc));
    assert!(run.in_floats[0].contains("takes e4m3fn, e5m2"), "{:?}", run.in_floats);
}

/// Scales of NVFP4 are codes under one number for the whole tensor.
#[test]
fn nvfp4_is_a_product_of_blocks() {
    let format: GroupFormat = "nvfp4".parse().expect("a format");
    let policy = "torchao-0.13-nvfp4".parse::<fewbit::formats::PolicyPreset>().expect("a policy");
    let quantizer = Quantizer::of_groups(format, -1, policy.group_policy(&format));
    let quantizer = quantizer.expect("a quantizer");
    let layer = Layer::new(&quantizer, &quantizer, [3, 96, 5], true);
    let options = |acc: &str| IntegerOptions {
        accumulator: acc.parse().expect("an accumulator"),
        ..IntegerOptions::default()
    };
    let fake = fake(&layer.graph, &layer.inputs());
    let run = integer(&layer.graph, &layer.inputs(), &options("exact/16,f32"));
    assert_eq!(run.in_floats, Vec::<String>::new());
    assert_close(&floats(&run.outputs[0]), &fake, 1e-5);
    let narrow = integer(&layer.graph, &layer.inputs(), &options("e5m2"));
    assert_ne!(floats(&narrow.outputs[0]), floats(&run.outputs[0]));
}

/// Zero points stand outside float registers too.
#[test]
fn integers_with_zero_points_go_through_float_registers() {
    let shifted = with_float_zero_points(preset("ShiftedUint8DynamicActPerRowFloat", 8));
    let weights = with_float_zero_points(preset("ShiftedUint8WeightPerChannelFloat", 4));
    let grouped = in_groups(weights.clone(), 1, 16);
    for (at, of_w) in [weights, grouped].iter().enumerate() {
        let layer = Layer::new(&shifted, of_w, [3, 83, 5], true);
        let options = IntegerOptions {
            accumulator: "f32".parse().expect("an accumulator"),
            ..IntegerOptions::default()
        };
        let run = integer(&layer.graph, &layer.inputs(), &options);
        let (expected, _) = layer.sums(Narrow::Exact, if at == 0 { 83 } else { 16 });
        let expected: Vec<f32> = expected.iter().map(|&y| y as f32).collect();
        assert_close(&floats(&run.outputs[0]), &expected, 3e-5);
    }
}

/// Queries, keys and values with a scale per token, a scale per token, and a scale per column.
#[test]
fn attention_takes_rows_on_the_left_and_columns_on_the_right() {
    let shifted = with_float_zero_points(preset("ShiftedUint8DynamicActPerRowFloat", 8));
    let signed = preset("Int8DynamicActPerRowFloat", 8);
    for quantizer in [shifted, signed] {
        let mut graph = Graph::new("attention");
        let q = input(&mut graph, "q", &[2, 2, 3, 5, 8]);
        let k = input(&mut graph, "k", &[2, 2, 1, 6, 8]);
        let v = input(&mut graph, "v", &[2, 2, 1, 6, 8]);
        let swap = || Transpose { order: vec![0, 1, 2, 4, 3] };
        let quantize = || Quantize::new(quantizer.clone());
        let q = graph.add("qq", quantize(), &[q]);
        let k = graph.add("qk", quantize(), &[k]);
        let k = graph.add("keys", swap(), &[k]);
        let s = graph.add("scores", MatMul {}, &[q, k]);
        let p = graph.add("qp", quantize(), &[s]);
        let v = graph.add("columns", swap(), &[v]);
        let v = graph.add("qv", quantize(), &[v]);
        let v = graph.add("values", swap(), &[v]);
        let y = graph.add("y", MatMul {}, &[p, v]);
        graph.add_output(s);
        graph.add_output(y);
        let inputs: Vec<Tensor> = [(3, 5, 1), (1, 6, 2), (1, 6, 3)]
            .map(|(groups, places, seed)| array(&[2, 2, groups, places, 8], seed).into())
            .to_vec();
        let run = integer(&graph, &inputs, &Narrow::Exact.options());
        assert_eq!(run.in_floats, Vec::<String>::new());
        assert_eq!(run.outputs[1].shape(), [2, 2, 3, 5, 8]);
        assert_close(&floats(&run.outputs[0]), &fake(&graph, &inputs), 1e-5);
        // The first product against loops, with a register that overflows.
        let tensors: Vec<AnyQuantTensor> = inputs[..2]
            .iter()
            .map(|x| quantizer.quantize(&x.get::<f32>().expect("floats").view()).expect("codes"))
            .collect();
        let run = integer(&graph, &inputs, &Narrow::Wraps(12).options());
        let [a, b] = [&tensors[0], &tensors[1]].map(|tensor| tensor.ints().expect("integers"));
        let mut count = 0;
        for at in ndarray::indices([2, 2, 3, 5, 6]) {
            let (n, h, g, i, j) = at;
            let products = (0..8).map(|d| a[[n, h, g, i, d]] * b[[n, h, 0, j, d]]);
            count += Narrow::Wraps(12).sum(products).1;
        }
        assert_eq!(run.nodes[0].total_events(), count);
        assert!(count > 0);
    }
}

/// Values with a scale per token: every product of a sum has its own, which registers of integers cannot add.
#[test]
fn a_scale_per_place_of_the_sum_needs_float_registers() {
    let rows = preset("Int8DynamicActPerRowFloat", 8);
    let mut graph = Graph::new("values");
    let (p, v) = (input(&mut graph, "p", &[4, 6]), input(&mut graph, "v", &[6, 8]));
    let p = graph.add("qp", Quantize::new(rows.clone()), &[p]);
    let v = graph.add("qv", Quantize::new(rows), &[v]);
    let y = graph.add("y", MatMul {}, &[p, v]);
    graph.add_output(y);
    let inputs: [Tensor; 2] = [array(&[4, 6], 1).into(), array(&[6, 8], 2).into()];
    let fake = fake(&graph, &inputs);
    let run = integer(&graph, &inputs, &Narrow::Wraps(12).options());
    assert!(run.in_floats.len() == 1 && run.in_floats[0].contains("scale of its own"));
    assert_eq!(floats(&run.outputs[0]), fake);
    // An exact register has no unit.
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_eq!(run.in_floats, Vec::<String>::new());
    assert_close(&floats(&run.outputs[0]), &fake, 1e-6);
    let options = IntegerOptions { accumulator: "f32".parse().expect("one"), ..Default::default() };
    let run = integer(&graph, &inputs, &options);
    assert_eq!(run.in_floats, Vec::<String>::new());
    assert_close(&floats(&run.outputs[0]), &fake, 1e-5);
}

/// Weights are prepared once: for other batches, other accumulators, several threads.
#[test]
fn prepared_weights_serve_all_batches_accumulators_and_threads() {
    let of_x = with_float_zero_points(preset("ShiftedUint8DynamicActPerRowFloat", 8));
    let groups = in_groups(named("IntWeightSymmetricGroupQuant"), 1, 32);
    for of_w in [preset("Int8WeightPerChannelFloat", 4), groups] {
        let mut layer = Layer::new(&of_x, &of_w, [40, 96, 33], true);
        let weights = IntegerWeights::of(&layer.graph).expect("weights");
        for acc in ["exact", "int10-sat/16,int13-wrap", "f32"] {
            for batch in 0..2 {
                layer.x.mapv_inplace(|x| x * 1.5 - 0.1 * batch as f32);
                let options = IntegerOptions {
                    accumulator: acc.parse().expect("an accumulator"),
                    report: ReportLevel::Events,
                    ..IntegerOptions::default()
                };
                let expected = run_integer(&layer.graph, &layer.inputs(), &options).expect("a run");
                for threads in [1, 4] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let run = pool.expect("threads").install(|| {
                        run_integer_with(&layer.graph, &weights, &layer.inputs(), &options)
                    });
                    assert_eq!(run.expect("a run"), expected, "{acc} {threads}");
                }
            }
        }
    }
}

/// Two quantizers that do the same with one value are one.
#[test]
fn equal_quantizers_of_a_value_run_once() {
    let rows = preset("Int8DynamicActPerRowFloat", 8);
    let mut graph = Graph::new("twice");
    let x = input(&mut graph, "x", &[4, 16]);
    let of_w = preset("Int8WeightPerChannelFloat", 8);
    for seed in [1, 2] {
        let w = graph.add_constant(&format!("w{seed}"), array(&[5, 16], seed));
        let qw = graph.add(&format!("qw{seed}"), Quantize::new(of_w.clone()), &[w]);
        let qx = graph.add(&format!("qx{seed}"), Quantize::new(rows.clone()), &[x]);
        let gemm = Gemm { transpose_b: true, ..Gemm::default() };
        let y = graph.add(&format!("y{seed}"), gemm, &[qx, qw]);
        graph.add_output(y);
        if seed == 2 {
            // The second quantizer's output is the network's too.
            graph.add_output(qx);
        }
    }
    let inputs: [Tensor; 1] = [array(&[4, 16], 3).into()];
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    let mode = fewbit_models::exec::QuantizerMode::Apply;
    let fake = fewbit_models::exec::run_batch(&graph, &inputs, mode, &Default::default());
    for (found, expected) in run.outputs.iter().zip(fake.expect("outputs")) {
        assert_close(&floats(found), &floats(&expected), 1e-6);
    }
    assert_eq!(run.outputs.len(), 3);
}
