//! A small detector of voices against ONNX Runtime, which ran it in floats and quantized (`golden/recurrent_network.py`).

use std::collections::BTreeMap;
use std::io::Read;

use fewbit::Accumulator;
use fewbit_models::eval::{batches, layer_results, network_bounds};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::flow::{VisionConfig, VisionFlow};
use fewbit_models::graph::Graph;
use fewbit_models::import::recognize_quantizers;
use fewbit_models::onnx::{read_bytes, write_bytes};
use fewbit_models::ops::Op;
use fewbit_models::tensor::Tensor;
use flate2::read::GzDecoder;
use ndarray::{ArrayD, IxDyn};
use safetensors::SafeTensors;

use crate::support::{Narrow, assert_close, events, floats, integer};

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut all).expect("a packed file");
    all
}

fn graph(packed: &[u8]) -> Graph {
    let mut graph = read_bytes(unpacked(packed), None).expect("a model");
    recognize_quantizers(&mut graph).expect("quantizers");
    graph.infer().expect("shapes");
    graph
}

fn float_graph() -> Graph {
    graph(include_bytes!("../golden/recurrent_network.onnx.gz"))
}

/// An array of the golden file.
fn golden(name: &str) -> ArrayD<f32> {
    let bytes = unpacked(include_bytes!("../golden/recurrent_network.safetensors.gz"));
    let file = SafeTensors::deserialize(&bytes).expect("arrays");
    let view = file.tensor(name).expect("an array");
    let (elements, _) = view.data().as_chunks::<4>();
    let elements = elements.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    ArrayD::from_shape_vec(IxDyn(view.shape()), elements).expect("its elements")
}

/// The inputs of a graph; a rate is one of its inputs where branches are.
fn inputs(graph: &Graph) -> Vec<Tensor> {
    let input = |&id: &_| match graph.name_of(id) {
        "rate" => Tensor::scalar(16000i64),
        name => golden(name).into(),
    };
    graph.inputs().iter().map(input).collect()
}

/// The inputs by name.
fn arrays() -> Vec<(String, Tensor)> {
    vec![
        ("x".into(), golden("x").into()),
        ("state".into(), golden("state").into()),
        ("rate".into(), Tensor::scalar(16000i64)),
    ]
}

fn expected(name: &str) -> Vec<Vec<f32>> {
    ["output", "last"]
        .map(|what| golden(&format!("{name}.{what}")).iter().copied().collect())
        .into()
}

#[test]
fn floats_are_those_of_onnx_runtime() {
    let graph = float_graph();
    let outputs = run_batch(&graph, &inputs(&graph), QuantizerMode::Apply, &Constants::default());
    for (found, expected) in outputs.expect("outputs").iter().zip(expected("float")) {
        assert_close(&expected, &floats(found), 1e-5);
    }
}

/// The file that `ptq` writes: loops with quantizers inside, as ONNX Runtime computes them, and in integers.
#[test]
fn the_quantized_network_is_that_of_onnx_runtime_in_floats_and_in_integers() {
    let graph = graph(include_bytes!("../golden/recurrent_network.quantized.onnx.gz"));
    let inputs = inputs(&graph);
    let fake = run_batch(&graph, &inputs, QuantizerMode::Apply, &Constants::default());
    let fake = fake.expect("outputs");
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    for ((fake, integer), expected) in fake.iter().zip(&run.outputs).zip(expected("quantized")) {
        assert_close(&expected, &floats(fake), 1e-6);
        assert_close(&expected, &floats(integer), 1e-6);
    }
    // Two convolutions, two products of each direction and of the other cell, a linear layer.
    assert_eq!(run.nodes.len(), 2 + 4 + 2 + 1);
    let steps = run.nodes.iter().filter(|node| node.name.contains(".h.product"));
    let outputs: Vec<u64> = steps.map(|node| node.outputs).collect();
    assert_eq!(outputs, [7 * 32 * 24, 7 * 32 * 24, 7 * 32 * 18]);
    assert_eq!(events(&run), 0);
    let narrow = integer(&graph, &inputs, &Narrow::Saturates(12).options());
    let of_states = narrow.nodes.iter().filter(|node| node.name.contains(".h.product"));
    assert!(of_states.map(|node| node.total_events()).sum::<u64>() > 0);
    // Written and read once more, it is the same network.
    let bytes = write_bytes(&fewbit_models::export::to_qcdq(&graph, 21).expect("a graph"), 21);
    let mut again = read_bytes(bytes.expect("a file"), None).expect("a model");
    recognize_quantizers(&mut again).expect("quantizers");
    again.infer().expect("shapes");
    let once_more = integer(&again, &inputs, &Narrow::Exact.options());
    assert_eq!(once_more.outputs, run.outputs);
    assert_eq!(once_more.in_floats, run.in_floats);
}

/// The flow, from branches to rows of the report.
#[test]
fn the_flow_quantizes_what_is_within_branches_and_loops() {
    let graph = float_graph();
    let batches = batches(&graph, &arrays(), 8, usize::MAX).expect("batches");
    assert_eq!(batches.len(), 4);
    assert_eq!(batches[3][1].shape(), [2, 2, 8, 6]);
    let config = VisionConfig { gptq: true, ..VisionConfig::default() };
    let flow = VisionFlow { config: &config };
    let network = flow.run(&graph, &batches, &mut |_: &str, _, _| ()).expect("a network");
    let detail = |name: &str| {
        let pass = network.passes.iter().find(|pass| pass.name == name).expect("a pass");
        pass.detail.clone()
    };
    assert!(
        detail("inline branches").contains("`else` of `If_0`"),
        "{}",
        detail("inline branches")
    );
    // Two convolutions, a linear layer, two products of each direction and of the other cell.
    assert!(detail("gptq").starts_with("9 products"), "{}", detail("gptq"));
    assert!(network.graph.nodes().all(|(_, node)| !matches!(node.op, Op::If(_) | Op::LSTM(_))));
    let run = integer(&network.graph, &batches[0], &Narrow::Exact.options());
    let rows = layer_results(&network.float, &network.graph, &batches, &[], &run.nodes);
    let rows = rows.expect("rows");
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let run_names: Vec<&str> = run.nodes.iter().map(|node| node.name.as_str()).collect();
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(sorted(names), sorted(run_names));
    for row in &rows {
        assert!(row.events == Some(0) && row.guaranteed_bits.is_some(), "{row:?}");
        assert!(row.sqnr_db.is_some_and(|db| db > 20.0), "{row:?}");
    }
    // Whatever the input, no register is wider than its bound.
    let bounds = network_bounds(&network.graph, &Accumulator::exact());
    let bits: BTreeMap<&str, u32> =
        bounds.iter().map(|bound| (bound.name.as_str(), bound.required_bits[0])).collect();
    assert_eq!(bits.len(), rows.len());
    // In integers alone: gates of two scales meet by the policy.
    let options = fewbit_models::exec::integer::IntegerOptions {
        requantization: Some("tosa32".parse().expect("a policy")),
        ..Narrow::Exact.options()
    };
    let own = integer(&network.graph, &batches[0], &options);
    let gates = |names: &[String]| names.iter().filter(|name| name.contains(".gates")).count();
    assert_eq!((gates(&run.in_floats), gates(&own.in_floats)), (2, 0), "{:?}", own.in_floats);
    for (one, other) in run.outputs.iter().zip(&own.outputs) {
        assert_close(&floats(one), &floats(other), 0.05);
    }
}

/// Products within loops have codes that keep their accumulator's budget, and that err less than the nearest ones.
#[test]
fn algorithms_choose_the_codes_within_loops() {
    let graph = float_graph();
    let batches = batches(&graph, &arrays(), 8, usize::MAX).expect("batches");
    let acc: Accumulator = "int12-sat/4,int32-wrap".parse().expect("one");
    let run = |config: &VisionConfig| {
        let flow = VisionFlow { config };
        flow.run(&graph, &batches, &mut |_: &str, _, _| ()).expect("a network")
    };
    let common = VisionConfig { weight_bit_width: 4, ..VisionConfig::default() };
    let narrow = VisionConfig { accumulator: Some(acc.to_string()), ..common.clone() };
    let nearest = run(&narrow);
    let of_states = |network: &Graph| -> Vec<(bool, u64)> {
        let bounds = network_bounds(network, &acc);
        let nodes: Vec<_> = batches
            .iter()
            .flat_map(|batch| {
                let options = fewbit_models::exec::integer::IntegerOptions {
                    report: fewbit::ReportLevel::Events,
                    ..Default::default()
                };
                integer(network, batch, &options).nodes
            })
            .collect();
        let all = bounds.iter().filter(|bound| bound.name.contains(".h.product"));
        all.map(|bound| {
            let own = nodes.iter().filter(|node| node.name == bound.name);
            (bound.fits, own.map(|node| node.total_events()).sum())
        })
        .collect()
    };
    let found = of_states(&nearest.graph);
    assert_eq!(found.len(), 3);
    assert!(found.iter().any(|&(fits, _)| !fits), "{found:?}");
    for (gptq, qronos) in [(true, false), (false, true)] {
        let network = run(&VisionConfig { gptq, qronos, ..narrow.clone() });
        assert_eq!(of_states(&network.graph), [(true, 0); 3]);
    }
    // Without a budget: the error of what the loops give.
    let error = |network: &fewbit_models::flow::QuantizedNetwork| -> f64 {
        let rows = layer_results(&network.float, &network.graph, &batches, &[], &[]).expect("rows");
        let of_states = rows.iter().filter(|row| row.name.contains(".h.product"));
        of_states.map(|row| row.sqnr_db.expect("an error")).sum()
    };
    let (before, after) =
        (error(&run(&common)), error(&run(&VisionConfig { gptq: true, ..common })));
    assert!(after > before + 3.0, "{before} and {after} dB");
}

/// Branches that data take both ways stay, and are named.
#[test]
fn branches_that_go_both_ways_stay() {
    let mut graph = float_graph();
    let batch = |rate: i64| -> Vec<Tensor> {
        vec![golden("x").into(), golden("state").into(), Tensor::scalar(rate)]
    };
    let report = fewbit_models::passes::inline_branches(&mut graph, &[batch(16000), batch(8000)])
        .expect("a graph");
    assert!(report.detail.contains("both ways: If_0"), "{}", report.detail);
    assert!(graph.nodes().any(|(_, node)| matches!(node.op, Op::If(_))));
    // In integers a branch runs as the graph around it.
    let both = [8000i64, 16000].map(|rate| {
        let inputs = batch(rate);
        let run = integer(&graph, &inputs, &Narrow::Exact.options());
        let float = run_batch(&graph, &inputs, QuantizerMode::Apply, &Constants::default());
        assert_close(&floats(&float.expect("outputs")[0]), &floats(&run.outputs[0]), 1e-6);
        floats(&run.outputs[0])
    });
    assert_ne!(both[0], both[1]);
}
