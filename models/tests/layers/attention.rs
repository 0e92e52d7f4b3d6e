//! Attention with and without heads.

use fewbit_models::layers::{
    AttentionMask, AttentionQuantizers, InProjection, LayerQuantizers, QuantLinear,
    QuantMultiheadAttention, QuantScaledDotProductAttention, QuantValue, SequenceLayout,
};
use ndarray::{Array2, ArrayD, Ix2};

use crate::compare::{Bits, Sums, Tally, compare};
use crate::golden::{Case, cases};

pub(crate) fn quantizers(case: &Case) -> AttentionQuantizers {
    AttentionQuantizers {
        q_scaled: case.recipe("q_scaled"),
        k_transposed: case.recipe("k_transposed"),
        softmax_input: case.recipe("softmax_input"),
        attn_output_weights: case.recipe("attn_output_weights"),
        v: case.recipe("v"),
        sdpa_output: case.recipe("sdpa_output"),
    }
}

pub(crate) fn mask(case: &Case) -> AttentionMask {
    let mask = || case.f32("mask").unwrap();
    match case.attrs["mask"].as_str() {
        None => AttentionMask::None,
        Some("causal") => AttentionMask::Causal,
        Some("allowed") => AttentionMask::Allowed(mask().mapv(|m| m == 1.0)),
        // Those of several heads say where nobody attends.
        Some("forbidden") => AttentionMask::Allowed(mask().mapv(|m| m == 0.0)),
        Some("added") => AttentionMask::Added(mask()),
        Some(other) => panic!("{other}"),
    }
}

/// What the last product may err by: sums of weights times values, of weights that err by units in the last place where
/// nothing rounds them.
fn last(values: ArrayD<f32>, most: f32) -> Sums {
    let bound = ArrayD::from_elem(values.raw_dim(), most);
    Sums::new(values, &bound, 12)
}

#[test]
fn scaled_dot_product() {
    let mut tally = Tally::default();
    for case in cases("sdpa") {
        let mut layer =
            QuantScaledDotProductAttention { scale: None, quantizers: quantizers(&case) };
        let [q, k, v] = ["q", "k", "v"].map(|name| case.value(name));
        let found = layer.forward([&q, &k, &v], &mask(&case)).unwrap();
        layer.quantizers.sdpa_output = None;
        let open = layer.forward([&q, &k, &v], &mask(&case)).unwrap();
        let most = v.values.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        let sums = last(open.values, most);
        tally.add(&case, vec![compare(&case, "y", &found, Some(&sums), Bits::Equal)]);
    }
    tally.finish(0);
}

pub(crate) fn multihead(case: &Case) -> QuantMultiheadAttention {
    let linear = |name: &str, prefix: &str, output| {
        let [input, weight, bias] =
            ["input", "weight", "bias"].map(|field| case.recipe(&format!("{prefix}_{field}")));
        let quantizers = LayerQuantizers { input, weight, bias, output };
        let bias = case.vector(&format!("{name}.bias"));
        QuantLinear::new(case.matrix(&format!("{name}.weight")), bias, quantizers)
    };
    let in_projection = if case.has("in_proj.weight") {
        InProjection::Packed(Box::new(linear("in_proj", "in", None)))
    } else {
        let names = ["q_proj", "k_proj", "v_proj"];
        InProjection::Separate(Box::new(names.map(|name| linear(name, "in", None))))
    };
    QuantMultiheadAttention {
        heads: case.attrs["heads"].as_u64().unwrap() as usize,
        in_projection,
        out_projection: linear("out_proj", "out", case.recipe("output")),
        attention: quantizers(case),
        layout: match case.flag("batch_first") {
            true => SequenceLayout::BatchFirst,
            false => SequenceLayout::StepsFirst,
        },
    }
}

pub(crate) fn ignored(case: &Case) -> Option<Array2<bool>> {
    let ignored = case.f32("ignored")?.mapv(|x| x == 1.0);
    Some(ignored.into_dimensionality::<Ix2>().unwrap())
}

#[test]
fn several_heads() {
    let mut tally = Tally::default();
    for case in cases("mha") {
        let layer = multihead(&case);
        let [q, k, v] = ["q", "k", "v"].map(|name| case.value(name));
        let run = |layer: &QuantMultiheadAttention| {
            layer.forward([&q, &k, &v], &mask(&case), ignored(&case).as_ref()).unwrap()
        };
        let (found, weights) = run(&layer);
        let mut open = layer.clone();
        open.out_projection.quantizers.output = None;
        // Codes of at most 127 steps of inputs and weights, eight of them, and a bias.
        let sums = last(run(&open).0.values, 8.0);
        let weights = QuantValue::from(weights);
        // A sum of two numbers and its half.
        tally.add(
            &case,
            vec![
                compare(&case, "y", &found, Some(&sums), Bits::Equal),
                compare(&case, "weights", &weights, None, Bits::Equal),
            ],
        );
    }
    tally.finish(0);
}
