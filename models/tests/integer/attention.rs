//! Attention as its parts: the same function, and both products in integers.

use fewbit_models::graph::{Graph, Node, multiplying};
use fewbit_models::ops::{Attention, Op};
use fewbit_models::passes::{
    ActivationQuantizers, OutputCodes, calibrate, decompose_attention, insert_activation_quantizers,
};
use fewbit_models::tensor::Tensor;
use ndarray::ArrayD;

use crate::support::{
    Narrow, array, assert_close, events, fake, float, floats, integer, preset, quantizers,
};

/// A graph of one node of attention, with its inputs.
fn graph(op: Attention, inputs: &[(usize, Tensor)], outputs: usize) -> (Graph, Vec<Tensor>) {
    let mut graph = Graph::new("attention");
    let count = inputs.iter().map(|(place, _)| place + 1).max().unwrap_or(0);
    let mut places = vec![None; count];
    for (place, tensor) in inputs {
        let fact = fewbit_models::ops::Fact::of(tensor).without_known();
        places[*place] = Some(graph.add_input(&format!("input{place}"), fact));
    }
    let values: Vec<_> =
        (0..outputs).map(|at| graph.add_value(&format!("y{at}"), Default::default())).collect();
    graph.add_node(Node {
        name: "attention".into(),
        op: op.into(),
        inputs: places,
        outputs: values.iter().map(|&value| Some(value)).collect(),
    });
    values.into_iter().for_each(|value| graph.add_output(value));
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    (graph, inputs.iter().map(|(_, tensor)| tensor.clone()).collect())
}

fn has_attention(graph: &Graph) -> bool {
    graph.nodes().any(|(_, node)| matches!(node.op, Op::Attention(_)))
}

#[test]
fn the_parts_are_the_same_function() {
    let tensor = |shape: &[usize], seed| -> Tensor { array(shape, seed).into() };
    let flat = Attention { query_heads: 4, key_heads: 2, ..Attention::default() };
    let qkv = |places: usize, keys: usize| {
        vec![
            (0, tensor(&[2, places, 20], 1)),
            (1, tensor(&[2, keys, 10], 2)),
            (2, tensor(&[2, keys, 6], 3)),
        ]
    };
    let four = |heads: usize, own: usize| {
        vec![
            (0, tensor(&[2, heads, 3, 5], 4)),
            (1, tensor(&[2, own, 7, 5], 5)),
            (2, tensor(&[2, own, 7, 6], 6)),
        ]
    };
    let past = |inputs: Vec<(usize, Tensor)>| {
        let more = vec![(4, tensor(&[2, 2, 3, 5], 7)), (5, tensor(&[2, 2, 3, 3], 8))];
        inputs.into_iter().chain(more).collect::<Vec<_>>()
    };
    let with = |inputs: Vec<(usize, Tensor)>, mask: Tensor| {
        inputs.into_iter().chain([(3, mask)]).collect::<Vec<_>>()
    };
    let seen = ArrayD::from_shape_fn(vec![3, 7], |at| (at[0] * 3 + at[1]) % 4 != 1);
    let seen = Tensor::from(seen);
    let plain = Attention::default;
    let cases = vec![
        ("plain", plain(), four(2, 2), 1),
        ("groups", plain(), four(4, 2), 1),
        ("one head of keys", plain(), four(4, 1), 1),
        ("side by side", flat.clone(), qkv(3, 7), 1),
        ("causal", Attention { causal: true, ..flat.clone() }, qkv(7, 7), 1),
        ("causal with a past", Attention { causal: true, ..flat.clone() }, past(qkv(4, 4)), 3),
        ("a past alone", flat.clone(), past(qkv(4, 4)), 3),
        ("present alone", plain(), four(2, 2), 3),
        ("added mask", plain(), with(four(2, 2), tensor(&[2, 1, 3, 7], 9)), 1),
        ("added mask of groups", plain(), with(four(4, 2), tensor(&[2, 1, 3, 7], 9)), 1),
        ("truth", plain(), with(four(4, 2), seen), 1),
        ("cap", Attention { softcap: 0.4, scale: Some(0.7), ..plain() }, four(2, 2), 1),
    ];
    for (name, op, inputs, outputs) in cases {
        let (mut graph, inputs) = graph(op, &inputs, outputs);
        let expected = float(&graph, &inputs);
        let report = decompose_attention(&mut graph).expect("parts");
        assert_eq!((report.changed, has_attention(&graph)), (1, false), "{name}");
        let found = float(&graph, &inputs);
        assert_eq!(found.len(), outputs);
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected.shape(), found.shape(), "{name}");
            println!("{name}");
            assert_close(&floats(expected), &floats(found), 2e-6);
        }
    }
}

#[test]
fn what_parts_cannot_say_stays() {
    let qkv = || {
        let shape = [1, 2, 3, 4];
        (0..3).map(|at| (at, array(&shape, at).into())).collect::<Vec<(usize, Tensor)>>()
    };
    let window = Attention { left: 1, ..Attention::default() };
    let (mut graph, _) = graph(window, &qkv(), 1);
    let report = decompose_attention(&mut graph).expect("nothing");
    assert_eq!(report.detail, "nothing to do: no nodes of attention");
    assert!(has_attention(&graph));
}

/// Quantizers on queries, keys, values, and unsigned ones on probabilities; both products through accumulators.
#[test]
fn attention_runs_in_integers() {
    let op = Attention { query_heads: 4, key_heads: 2, causal: true, ..Attention::default() };
    let shapes = [[2usize, 9, 32], [2, 9, 16], [2, 9, 16]];
    let batch = |seed: usize| -> Vec<Tensor> {
        shapes.iter().enumerate().map(|(at, shape)| array(shape, seed + at).into()).collect()
    };
    let inputs: Vec<_> = batch(1).into_iter().enumerate().collect();
    let (mut graph, inputs) = graph(op, &inputs, 1);
    let reference = floats(&float(&graph, &inputs)[0]);
    decompose_attention(&mut graph).expect("parts");
    let all = ActivationQuantizers {
        signed: preset("Int8ActPerTensorFloat", 8),
        unsigned: preset("Uint8ActPerTensorFloat", 8),
        outputs: OutputCodes::Sums,
    };
    insert_activation_quantizers(&mut graph, &all).expect("quantizers");
    let found = quantizers(&graph);
    let found: Vec<_> =
        found.iter().map(|(name, format)| (name.as_str(), format.as_str())).collect();
    let expected = [
        ("attention.probabilities.quantizer", "uint8"),
        ("input0.quantizer", "int8"),
        ("input1.quantizer", "int8"),
        ("input2.quantizer", "int8"),
    ];
    assert_eq!(found, expected);
    calibrate(&mut graph, &[batch(1), batch(11)]).expect("scales");
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_eq!(
        run.nodes.iter().map(|node| &node.name[..]).collect::<Vec<_>>(),
        ["attention.scores", "attention.attended"]
    );
    let rounded = fake(&graph, &inputs);
    assert_close(&rounded, &floats(&run.outputs[0]), 1e-5);
    assert_close(&reference, &rounded, 3e-2);
    // Accumulators of their own: eight bits are not enough for either product.
    for node in multiplying(&graph) {
        graph.set_accumulator(node, "int10-sat".parse().expect("an accumulator"));
    }
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert!(run.nodes.iter().all(|node| node.accumulator == "int10-sat"));
    assert!(events(&run) > 100, "{}", events(&run));
}
