//! A network that Brevitas made for an accumulator of 16 bits, and what becomes of it in one.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use fewbit::ReportLevel;
use fewbit_models::eval::network_bounds;
use fewbit_models::exec::integer::{IntegerOptions, run_integer};
use fewbit_models::graph::Graph;
use fewbit_models::import::recognize_quantizers;
use fewbit_models::onnx;
use fewbit_models::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn network() -> Graph {
    let mut graph = onnx::read(&golden("a2gptq.onnx")).expect("a network");
    assert_eq!(recognize_quantizers(&mut graph).expect("quantizers"), 2);
    graph.infer().expect("shapes");
    graph
}

fn inputs() -> HashMap<String, Tensor> {
    let bytes = std::fs::read(golden("a2gptq.safetensors.gz")).expect("a file");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).expect("gzip");
    let file = safetensors::SafeTensors::deserialize(&plain).expect("safetensors");
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        let (words, _) = view.data().as_chunks::<4>();
        let numbers = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let array = ArrayD::from_shape_vec(IxDyn(view.shape()), numbers).expect("a shape");
        (name.to_owned(), Tensor::from(array))
    };
    file.iter().map(tensor).collect()
}

#[test]
fn the_promise_is_broken_where_the_accumulator_runs() {
    let (graph, inputs) = (network(), inputs());
    // The bound of its weights, over all inputs: 9 of 32 rows leave the range that A2GPTQ promises, the worst by 555.
    let bounds = network_bounds(&graph, &"int16-sat".parse().expect("an accumulator"));
    assert_eq!(bounds.len(), 1);
    let beyond: Vec<usize> = (0..32)
        .filter(|&row| {
            let stage = bounds[0].rows[row].stages[0];
            stage.min < -(1 << 15) || stage.max >= 1 << 15
        })
        .collect();
    assert_eq!(beyond, [4, 6, 7, 11, 14, 17, 20, 21, 23]);
    assert!(!bounds[0].fits);
    assert_eq!(bounds[0].required_bits, [17]);
    let least = bounds[0].rows.iter().map(|row| row.stages[0].min).min();
    assert_eq!(least, Some(-33323));
    // An input that does it, executed.
    let options = |acc: &str| IntegerOptions {
        accumulator: acc.parse().expect("an accumulator"),
        report: ReportLevel::Full,
        ..IntegerOptions::default()
    };
    let events = |input: &Tensor, acc: &str| {
        let run = run_integer(&graph, std::slice::from_ref(input), &options(acc)).expect("outputs");
        assert_eq!((run.nodes.len(), run.in_floats.len()), (1, 0));
        run.nodes[0].total_events()
    };
    let witness = &inputs["witness"];
    assert!(events(witness, "int16-sat") > 0);
    assert_eq!(events(witness, "int17-sat"), 0);
    // Ordinary inputs do not show it.
    assert_eq!(events(&inputs["x"], "int16-sat"), 0);
}
