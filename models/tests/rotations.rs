//! Rotations and low-rank parts: the float function stays, weights are what NumPy computes, and outliers are spread.

use fewbit::algorithms::lowrank::SvdQuantParams;
use fewbit::algorithms::rotate::CayleyParams;
use fewbit::quantize::{Preset, Quantizer, Recipe};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::{Graph, ValueId, products};
use fewbit_models::ops::{
    Add, Attention, Dim, Fact, Gather, Gemm, MatMul, Mul, Op, RMSNormalization, Reshape, Sigmoid,
};
use fewbit_models::passes::{
    OrphanSinks, RotateParams, RotationKind, RotationMode, SdpaRegions, insert_weight_quantizers,
    rotate, rotate_for_weights, svd_quant, untie_weights,
};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{Array2, ArrayD, IxDyn};
use serde_json::Value;

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
    ArrayD::from_shape_vec(IxDyn(shape), numbers(count, seed)).unwrap().into()
}

/// What a small transformer is made of.
const WIDTH: usize = 16;
const INNER: usize = 24;
const WORDS: usize = 11;

fn linear(graph: &mut Graph, name: &str, x: ValueId, [out, depth]: [usize; 2]) -> ValueId {
    let w = graph.add_constant(&format!("{name}.weight"), tensor(&[out, depth], name.len() + out));
    let b = graph.add_constant(&format!("{name}.bias"), tensor(&[out], name.len()));
    graph.add(name, Gemm { transpose_b: true, ..Gemm::default() }, &[x, w, b])
}

fn norm(graph: &mut Graph, name: &str, x: ValueId, factor: f32) -> ValueId {
    let mut scale = vec![1.0; WIDTH];
    scale[0] = factor;
    let scale = graph.add_constant(&format!("{name}.weight"), Tensor::vector(scale));
    graph.add(name, RMSNormalization::default(), &[x, scale])
}

fn reshape(graph: &mut Graph, name: &str, x: ValueId, shape: &[i64]) -> ValueId {
    let shape = graph.add_constant(&format!("{name}.shape"), Tensor::vector(shape.to_vec()));
    graph.add(name, Reshape::default(), &[x, shape])
}

/// One block between an embedding and a last layer that shares its weights: `factor` is in front of the first channel of norms.
fn transformer(factor: f32) -> Graph {
    let mut g = Graph::new("transformer");
    let dims = vec![Dim::Size(1), Dim::Size(5)];
    let ids = g.add_input("ids", Fact::new(ElementType::I64, dims));
    let table = g.add_constant("table", tensor(&[WORDS, WIDTH], 5));
    let x = g.add("embed", Gather { axis: 0 }, &[table, ids]);
    let x = reshape(&mut g, "rows", x, &[-1, WIDTH as i64]);
    let h = norm(&mut g, "first_norm", x, factor);
    let q = linear(&mut g, "q_proj", h, [16, WIDTH]);
    let k = linear(&mut g, "k_proj", h, [8, WIDTH]);
    let v = linear(&mut g, "v_proj", h, [8, WIDTH]);
    let [q, k, v] = [("q", q, 16), ("k", k, 8), ("v", v, 8)]
        .map(|(name, x, width)| reshape(&mut g, &format!("{name}_tokens"), x, &[1, -1, width]));
    let op = Attention { causal: true, query_heads: 4, key_heads: 2, ..Attention::default() };
    let mixed = g.add("attention", op, &[q, k, v]);
    let mixed = reshape(&mut g, "mixed_rows", mixed, &[-1, 16]);
    let o = linear(&mut g, "o_proj", mixed, [WIDTH, 16]);
    let x = g.add("attention_residual", Add {}, &[x, o]);
    let h = norm(&mut g, "second_norm", x, factor);
    let gate = linear(&mut g, "gate_proj", h, [INNER, WIDTH]);
    let up = linear(&mut g, "up_proj", h, [INNER, WIDTH]);
    let sigmoid = g.add("sigmoid", Sigmoid {}, &[gate]);
    let silu = g.add("silu", Mul {}, &[gate, sigmoid]);
    let gated = g.add("gated", Mul {}, &[silu, up]);
    let down = linear(&mut g, "down_proj", gated, [WIDTH, INNER]);
    let x = g.add("mlp_residual", Add {}, &[x, down]);
    let h = norm(&mut g, "last_norm", x, factor);
    let y = g.add("lm_head", Gemm { transpose_b: true, ..Gemm::default() }, &[h, table]);
    g.add_output(y);
    g.infer().unwrap();
    g
}

fn ids(values: &[i64]) -> Tensor {
    ArrayD::from_shape_vec(IxDyn(&[1, values.len()]), values.to_vec()).unwrap().into()
}

fn run(graph: &Graph, inputs: &[Tensor]) -> ArrayD<f32> {
    let mode = QuantizerMode::Apply;
    let outputs = run_batch(graph, inputs, mode, &Constants::of(graph, mode).unwrap()).unwrap();
    outputs[0].clone().try_into().unwrap()
}

/// The greatest difference, relative to the greatest number expected.
fn apart(found: &ArrayD<f32>, expected: &ArrayD<f32>) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let largest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    apart.map(|d| if d.is_nan() { f32::INFINITY } else { d }).fold(0.0, f32::max) / largest
}

fn constant(graph: &Graph, node: &str, place: usize) -> Array2<f32> {
    let (_, node) = graph.nodes().find(|(_, found)| found.name == node).unwrap();
    let data = graph.data(node.inputs[place].unwrap()).unwrap().clone();
    let array: ArrayD<f32> = data.try_into().unwrap();
    array.into_dimensionality().unwrap()
}

fn has(graph: &Graph, node: &str) -> bool {
    graph.nodes().any(|(_, found)| found.name == node)
}

fn all_of_it() -> RotateParams {
    RotateParams {
        orphan_sinks: OrphanSinks::Rotate,
        sdpa_regions: SdpaRegions::Rotate,
        ..RotateParams::default()
    }
}

#[test]
fn a_transformer_computes_the_same_function() {
    let graph = transformer(1.0);
    let input = [ids(&[3, 1, 4, 10, 5])];
    let expected = run(&graph, &input);
    let layerwise = RotateParams { kind: RotationKind::Layerwise, ..RotateParams::default() };
    let expanded = |kind| RotateParams {
        kind,
        layers_to_expand: vec!["down_proj".into(), "o_proj".into()],
        expansion_step: 2,
        ..all_of_it()
    };
    let cases = [
        (RotateParams::default(), 1),
        (RotateParams { mode: RotationMode::Orthogonal, ..RotateParams::default() }, 1),
        (RotateParams { sdpa_regions: SdpaRegions::Rotate, ..RotateParams::default() }, 2),
        // Behind the rotated values, o_proj is no orphan.
        (all_of_it(), 3),
        (RotateParams { mode: RotationMode::Orthogonal, seed: 3, ..all_of_it() }, 3),
        (RotateParams { orphan_sinks: OrphanSinks::Rotate, ..RotateParams::default() }, 3),
        (layerwise, 8),
        (expanded(RotationKind::FusedNoFx), 4),
        (expanded(RotationKind::Layerwise), 8),
    ];
    for (params, changed) in cases {
        let mut rotated = graph.clone();
        let report = rotate(&mut rotated, &params).unwrap();
        assert_eq!(report.changed, changed, "{report:?}");
        let found = apart(&run(&rotated, &input), &expected);
        assert!(found < 1e-5, "{found}: {params:?}");
        // Weights did change, and products to quantize are as many as before.
        assert_ne!(constant(&rotated, "q_proj", 1), constant(&graph, "q_proj", 1));
        assert_eq!(products(&rotated).len(), products(&graph).len());
    }
}

#[test]
fn a_table_and_a_last_layer_stay_tied_where_the_rotation_is_the_same() {
    let mut graph = transformer(1.0);
    let report = rotate(&mut graph, &RotateParams::default()).unwrap();
    assert!(!report.detail.contains("copied"), "{report:?}");
    assert_eq!(constant(&graph, "embed", 0), constant(&graph, "lm_head", 1));
    // One more rotation for the last layer alone needs weights of its own.
    let mut graph = transformer(1.0);
    let params = RotateParams { kind: RotationKind::Layerwise, ..RotateParams::default() };
    let report = rotate(&mut graph, &params).unwrap();
    assert!(report.detail.contains("1 shared weights copied"), "{report:?}");
    assert_eq!(constant(&graph, "embed", 0), constant(&transformer(1.0), "embed", 0));
}

#[test]
fn untied_weights_share_their_elements_and_not_their_fate() {
    let mut graph = transformer(1.0);
    let before = run(&graph, &[ids(&[7, 2, 0, 0, 9])]);
    let report = untie_weights(&mut graph).unwrap();
    assert_eq!(report.changed, 1);
    assert_eq!(untie_weights(&mut graph).unwrap().changed, 0);
    graph.sort().unwrap();
    assert_eq!(run(&graph, &[ids(&[7, 2, 0, 0, 9])]), before);
    let find = |name: &str| {
        graph.nodes().find(|(_, node)| node.name == name).map(|(_, node)| node.clone()).unwrap()
    };
    assert_ne!(find("embed").inputs[0], find("lm_head").inputs[1]);
}

#[test]
fn what_keeps_rotations_out_is_said() {
    let error =
        |graph: &mut Graph, params: &RotateParams| rotate(graph, params).unwrap_err().to_string();
    let found = error(&mut transformer(2.0), &RotateParams::default());
    assert!(
        found.starts_with("there is nothing to rotate") && found.contains("merged first"),
        "{found}"
    );
    let params = RotateParams { layers_to_expand: vec!["c_proj".into()], ..all_of_it() };
    let found = error(&mut transformer(1.0), &params);
    assert!(found.contains("`c_proj`"), "{found}");
    let mut quantized = transformer(1.0);
    insert_weight_quantizers(&mut quantized, &four_bits()).unwrap();
    let found = error(&mut quantized, &all_of_it());
    assert!(found.contains("is quantized already"), "{found}");
}

#[test]
fn sizes_without_a_hadamard_matrix() {
    // 6 has none: a random orthogonal matrix is fused, and the hidden layer behind a sigmoid stays.
    let mut g = Graph::new("six");
    let x = g.add_input("x", Fact::new(ElementType::F32, vec![Dim::Size(2), Dim::Size(4)]));
    let a = linear(&mut g, "a", x, [6, 4]);
    let b = linear(&mut g, "b", a, [6, 6]);
    let b = g.add("act", Sigmoid {}, &[b]);
    let c = linear(&mut g, "c", b, [3, 6]);
    g.add_output(c);
    g.infer().unwrap();
    let input = [tensor(&[2, 4], 9)];
    let expected = run(&g, &input);
    let params = RotateParams { orphan_sinks: OrphanSinks::Rotate, ..RotateParams::default() };
    let report = rotate(&mut g, &params).unwrap();
    assert!(
        report.detail.contains("no Hadamard matrix of 6: a random orthogonal one"),
        "{report:?}"
    );
    assert!(report.detail.contains("1 products of 6 inputs left"), "{report:?}");
    assert!(has(&g, "a.rotation") && !has(&g, "c.rotation"));
    assert!(apart(&run(&g, &input), &expected) < 1e-5);
}

#[test]
fn a_large_order_is_computed_in_two_factors_of_any_number_of_axes() {
    for (inputs, steps) in [(1024, None), (1152, None), (1000, Some(1))] {
        let mut g = Graph::new("large");
        let dims = [2, 3, inputs].map(Dim::Size).to_vec();
        let x = g.add_input("x", Fact::new(ElementType::F32, dims));
        let w = g.add_constant("w", tensor(&[inputs, 4], 2));
        let y = g.add("product", MatMul {}, &[x, w]);
        g.add_output(y);
        g.infer().unwrap();
        let input = [tensor(&[2, 3, inputs], 4)];
        let expected = run(&g, &input);
        let mut params = RotateParams { kind: RotationKind::Layerwise, ..RotateParams::default() };
        if let Some(step) = steps {
            params.layers_to_expand = vec!["product".into()];
            params.expansion_step = step;
        }
        rotate(&mut g, &params).unwrap();
        assert!(has(&g, "product.rotation.left"));
        let found = apart(&run(&g, &input), &expected);
        assert!(found < 1e-5, "{inputs}: {found}");
    }
}

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/rotate.json")).unwrap()
}

fn matrix(value: &Value) -> Array2<f32> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j] as f32)
}

/// Whether numbers are those of NumPy, up to one rounding of numbers of this size.
fn assert_near(found: &Array2<f32>, expected: &Array2<f32>) {
    assert_eq!(found.dim(), expected.dim());
    let most = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= most * f32::EPSILON, "{a} {b}");
    }
}

#[test]
fn fused_weights_are_those_of_numpy() {
    let case = &golden()["fused"];
    let [t, w1, w2] = [0, 1, 2].map(|i| matrix(&case["before"][i]));
    let mut g = Graph::new("fused");
    let input = g.add_input("ids", Fact::new(ElementType::I64, vec![Dim::Size(1), Dim::Size(3)]));
    let table = g.add_constant("t", t);
    let x = g.add("embed", Gather { axis: 0 }, &[table, input]);
    let ones = g.add_constant("ones", Tensor::vector(vec![1.0f32; 8]));
    let h = g.add("norm", RMSNormalization::default(), &[x, ones]);
    // One product as MatMul has its weights, one of three axes.
    let w1 = g.add_constant("w1", w1.t().to_owned());
    let h = g.add("first", MatMul {}, &[h, w1]);
    let x = g.add("sum", Add {}, &[x, h]);
    let h = g.add("last_norm", RMSNormalization::default(), &[x, ones]);
    let w2 = g.add_constant("w2", w2.t().to_owned());
    let y = g.add("last", MatMul {}, &[h, w2]);
    g.add_output(y);
    let expected = matrix(&case["y"]);
    let ids: Vec<i64> = serde_json::from_value(case["ids"].clone()).unwrap();
    let compare = |g: &Graph| {
        let found = run(g, &[self::ids(&ids)]);
        let found = found.into_shape_with_order(expected.dim()).unwrap();
        let far = apart(&found.into_dyn(), &expected.clone().into_dyn());
        assert!(far < 1e-5, "{far}");
    };
    g.infer().unwrap();
    compare(&g);
    rotate(&mut g, &RotateParams::default()).unwrap();
    compare(&g);
    let after = |i: usize| matrix(&case["after"][i]);
    assert_near(&constant(&g, "embed", 0), &after(0));
    assert_near(&constant(&g, "first", 1), &after(1).t().to_owned());
    assert_near(&constant(&g, "last", 1), &after(2).t().to_owned());
}

#[test]
fn expanded_weights_are_those_of_numpy() {
    let case = &golden()["expanded"];
    let mut g = Graph::new("expanded");
    let x = g.add_input("x", Fact::new(ElementType::F32, vec![Dim::Size(2), Dim::Size(5)]));
    let w = g.add_constant("w", matrix(&case["w"]));
    let y = g.add("product", Gemm { transpose_b: true, ..Gemm::default() }, &[x, w]);
    g.add_output(y);
    g.infer().unwrap();
    let params = RotateParams { layers_to_expand: vec!["prod".into()], ..RotateParams::default() };
    rotate(&mut g, &params).unwrap();
    assert_near(&constant(&g, "product", 1), &matrix(&case["w_rotated"]));
    let input = [Tensor::from(matrix(&case["x"]))];
    assert!(apart(&run(&g, &input), &matrix(&case["y"]).into_dyn()) < 1e-6);
    // What goes into the product.
    let turned = products(&g).last().unwrap().input;
    g.add_output(turned);
    let mode = QuantizerMode::Apply;
    let all = run_batch(&g, &input, mode, &Constants::of(&g, mode).unwrap()).unwrap();
    let found: ArrayD<f32> = all[1].clone().try_into().unwrap();
    assert!(apart(&found, &matrix(&case["x_rotated"]).into_dyn()) < 1e-6);
}

/// Signed codes of four bits, one scale per output channel.
fn four_bits() -> Quantizer {
    let recipe = "Int8WeightPerChannelFloat".parse::<&Preset>().unwrap().recipe().unwrap();
    let recipe = recipe.set("bit_width", 4u32.into()).unwrap();
    let Recipe::Quantizer(quantizer) = recipe else { panic!("one scale") };
    quantizer
}

/// Two products with an outlier channel between them.
fn outliers() -> Graph {
    let mut g = Graph::new("outliers");
    let x = g.add_input("x", Fact::new(ElementType::F32, vec![Dim::Size(8), Dim::Size(32)]));
    let up = g.add_constant("up.weight", tensor(&[64, 32], 3));
    let x = g.add("up", Gemm { transpose_b: true, ..Gemm::default() }, &[x, up]);
    let mut w: ArrayD<f32> = tensor(&[16, 64], 8).try_into().unwrap();
    w.indexed_iter_mut().filter(|(at, _)| at[1] == 17).for_each(|(_, w)| *w += 20.0);
    let w = g.add_constant("down.weight", w);
    let y = g.add("down", Gemm { transpose_b: true, ..Gemm::default() }, &[x, w]);
    g.add_output(y);
    g.infer().unwrap();
    g
}

#[test]
fn outliers_are_spread_and_four_bits_err_less() {
    let peak = |w: &Array2<f32>| {
        let most = w.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        most / (w.iter().map(|x| x * x).sum::<f32>() / w.len() as f32).sqrt()
    };
    let input = [tensor(&[8, 32], 1)];
    let expected = run(&outliers(), &input);
    let mut rotated = outliers();
    rotate(&mut rotated, &RotateParams::default()).unwrap();
    let [before, after] = [&outliers(), &rotated].map(|graph| peak(&constant(graph, "down", 1)));
    assert!(before > 7.0 && after < 4.0, "{before} {after}");
    let error = |mut graph: Graph| {
        insert_weight_quantizers(&mut graph, &four_bits()).unwrap();
        apart(&run(&graph, &input), &expected)
    };
    let [before, after] = [outliers(), rotated].map(error);
    assert!(after < before / 2.0, "{before} {after}");
}

#[test]
fn a_low_rank_part_takes_the_outliers() {
    let params = SvdQuantParams { rank: 2, iterations: 3, seed: 0 };
    let input = [tensor(&[8, 32], 1)];
    let expected = run(&outliers(), &input);
    let error = |graph: &mut Graph| {
        insert_weight_quantizers(graph, &four_bits()).unwrap();
        apart(&run(graph, &input), &expected)
    };
    let mut split = outliers();
    let mut steps = 0;
    let report = svd_quant(&mut split, &four_bits(), &params, &[], &mut |_, _| steps += 1).unwrap();
    assert_eq!((report.changed, steps), (2, 3));
    let far = apart(&run(&split, &input), &expected);
    assert!(far < 1e-5, "{far}");
    assert_eq!(split.name_of(split.outputs()[0]), "down");
    // The parts are no products, and quantizers leave them.
    assert_eq!(products(&split).len(), 2);
    let [whole, after] = [error(&mut outliers()), error(&mut split)];
    assert!(after < whole / 2.0, "{whole} {after}");
    let left = split.nodes().filter(|(_, node)| matches!(node.op, Op::Gemm(_)));
    let parts = left.filter(|(_, node)| node.name.contains("low_rank")).count();
    assert_eq!(parts, 4);
    let none = SvdQuantParams { rank: 0, ..params };
    assert!(svd_quant(&mut outliers(), &four_bits(), &none, &[], &mut |_, _| ()).is_err());
    assert!(svd_quant(&mut split, &four_bits(), &params, &[], &mut |_, _| ()).is_err());
}

#[test]
fn descent_finds_rotations_that_round_weights_better() {
    let graph = transformer(1.0);
    let input = [ids(&[3, 1, 4, 10, 5])];
    let expected = run(&graph, &input);
    let cayley = CayleyParams { rate: 0.1, steps: 40, ..CayleyParams::default() };
    let params = RotateParams { sdpa_regions: SdpaRegions::Rotate, ..RotateParams::default() };
    let mut found = graph.clone();
    let report = rotate_for_weights(&mut found, &params, &four_bits(), &cayley).unwrap();
    assert_eq!(report.changed, 2);
    assert!(apart(&run(&found, &input), &expected) < 1e-5);
    // The error, counted anew from the weights that came out.
    let mut hadamard = graph.clone();
    rotate(&mut hadamard, &params).unwrap();
    let error = |graph: &Graph| -> f64 {
        let names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        let relative = |name: &&str| {
            let w = constant(graph, name, 1);
            let q = four_bits().simulate(&w.view()).unwrap();
            let square = |x: f32| f64::from(x).powi(2);
            let error: f64 = w.iter().zip(&q).map(|(w, q)| square(w - q)).sum();
            error / w.iter().map(|&w| square(w)).sum::<f64>()
        };
        names.iter().map(relative).sum()
    };
    let [before, after] = [&hadamard, &found].map(error);
    assert!(after < 0.95 * before, "{before} {after}: {report:?}");
    let layerwise = RotateParams { kind: RotationKind::Layerwise, ..params };
    assert!(rotate_for_weights(&mut found, &layerwise, &four_bits(), &cayley).is_err());
}

#[test]
fn names_are_those_of_brevitas() {
    for kind in ["fx", "layerwise", "fused_no_fx"] {
        assert_eq!(kind.parse::<RotationKind>().unwrap().to_string(), kind);
    }
    for mode in ["had", "ort"] {
        assert_eq!(mode.parse::<RotationMode>().unwrap().to_string(), mode);
    }
    assert!("hadamard".parse::<RotationMode>().unwrap_err().contains("had, ort"));
}
