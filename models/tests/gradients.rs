//! Gradients against torch's, against differences, and by hand.

use std::collections::HashMap;

use fewbit::quantize::{Parameters, Preset, Quantizer, Recipe};
use fewbit_models::gradient::{Gradient, Tape, cross_entropy};
use fewbit_models::graph::{Graph, ValueId};
use fewbit_models::onnx::read_bytes;
use fewbit_models::ops::{Conv, Fact, Gemm, Quantize, Relu, TopK};
use fewbit_models::passes::decompose_recurrent;
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArrayD, IxDyn, arr0, arr1, arr2};

#[path = "onnx/support.rs"]
#[expect(dead_code, reason = "reads the same bundles")]
mod support;

use support::{Case, cases};

/// Functions with corners, which differences go across.
const CORNERS: &[&str] = &["relu", "leaky_relu", "hard_", "max_pool", "global_max", "abs"];

fn golden() -> Vec<Case> {
    cases(include_bytes!("golden/gradients.bin.gz"))
}

/// The model of a case, recurrent nodes as loops.
fn model(case: &Case) -> Graph {
    let mut graph = read_bytes(case.model.clone(), None).expect("a model");
    decompose_recurrent(&mut graph).expect("loops");
    graph
}

/// Inputs by value, and the gradients by the outputs.
fn given(case: &Case, graph: &Graph) -> (HashMap<ValueId, Tensor>, Vec<(ValueId, Gradient)>) {
    let inputs = graph.inputs().iter().map(|&id| (id, case.inputs[graph.name_of(id)].clone()));
    let seed = |(at, &id): (usize, &ValueId)| {
        let seed = case.inputs[&format!("seed{at}")].get::<f32>().expect("floats").clone();
        (id, seed)
    };
    (inputs.collect(), graph.outputs().iter().enumerate().map(seed).collect())
}

/// Those of an input that has one.
fn expected(case: &Case, graph: &Graph) -> Vec<(ValueId, ArrayD<f32>)> {
    let gradient = |&id: &ValueId| {
        let tensor = case.outputs.get(&format!("d:{}", graph.name_of(id)))?;
        Some((id, tensor.get::<f32>().expect("floats").to_owned()))
    };
    graph.inputs().iter().filter_map(gradient).collect()
}

/// The greatest difference, in units of the greatest magnitude, of 1 at least.
fn difference(found: &Gradient, expected: &ArrayD<f32>) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let most = expected.iter().fold(1f32, |most, x| most.max(x.abs()));
    let distance = |(a, b): (&f32, &f32)| match (a.is_nan(), b.is_nan()) {
        (true, true) => 0.0,
        (false, false) => (a - b).abs(),
        _ => f32::INFINITY,
    };
    found.iter().zip(expected).map(distance).fold(0f32, f32::max) / most
}

#[test]
fn gradients_are_those_of_torch() {
    let all = golden();
    assert!(all.len() >= 85, "{} cases", all.len());
    let mut failed = Vec::new();
    for case in &all {
        let graph = model(case);
        let (inputs, seeds) = given(case, &graph);
        let expected = expected(case, &graph);
        assert!(!expected.is_empty(), "{}", case.name);
        let tape = Tape::run(&graph, graph.order(), inputs);
        let tape = tape.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let wanted: Vec<ValueId> = expected.iter().map(|(id, _)| *id).collect();
        match tape.backward(seeds, &wanted) {
            Err(error) => failed.push(format!("{}: {error}", case.name)),
            Ok(found) => {
                for (found, (id, expected)) in found.iter().zip(&expected) {
                    let worst = difference(found, expected);
                    if worst > 3e-6 {
                        failed.push(format!("{} by {}: {worst}", case.name, graph.name_of(*id)));
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// `Σ seed y`, summed in `f64`.
fn weighted(graph: &Graph, inputs: HashMap<ValueId, Tensor>, seeds: &[(ValueId, Gradient)]) -> f64 {
    let tape = Tape::run(graph, graph.order(), inputs).expect("a run");
    let of = |(id, seed): &(ValueId, Gradient)| -> f64 {
        let y = tape.value(*id).expect("an output").get::<f32>().expect("floats");
        y.iter().zip(seed).map(|(&y, &seed)| f64::from(y) * f64::from(seed)).sum()
    };
    seeds.iter().map(of).sum()
}

#[test]
fn gradients_are_differences() {
    const STEP: f32 = 1.0 / 128.0;
    for case in golden() {
        if CORNERS.iter().any(|corner| case.name.starts_with(corner)) {
            continue;
        }
        let graph = model(&case);
        let (inputs, seeds) = given(&case, &graph);
        for (id, expected) in expected(&case, &graph) {
            let most = expected.iter().fold(1f32, |most, x| most.max(x.abs()));
            // A power of a negative number has no gradient by its exponent.
            let finite = expected.iter().enumerate().filter(|(_, x)| x.is_finite());
            for (at, &gradient) in finite.take(12) {
                let moved = |by: f32| {
                    let mut inputs = inputs.clone();
                    let mut x = inputs[&id].get::<f32>().expect("floats").to_owned();
                    x.as_slice_mut().expect("a slice")[at] += by;
                    inputs.insert(id, x.into());
                    weighted(&graph, inputs, &seeds)
                };
                let found = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
                let error = (found - f64::from(gradient)).abs() / f64::from(most);
                assert!(error < 2e-3, "{} {at}: {found} and {gradient}", case.name);
            }
        }
    }
}

#[test]
fn cross_entropy_is_torch_s() {
    // F.cross_entropy(torch.tensor([[1., 2., 0.5], [-1., 0., 3.]]), torch.tensor([0, 2])) of torch 2.8.0, in float64.
    let logits = arr2(&[[1.0, 2.0, 0.5], [-1.0, 0.0, 3.0]]).into_dyn().into_shared();
    let (loss, gradient) = cross_entropy(&logits, &[0, 2]).expect("a loss");
    let expected = (
        0.765126343932687,
        [-0.38438806, 0.31426585, 0.07012219, 0.008573913, 0.023306312, -0.031880222],
    );
    assert!((loss - expected.0).abs() < 1e-9, "{loss}");
    let expected = ArrayD::from_shape_vec(IxDyn(&[2, 3]), expected.1.to_vec()).expect("six");
    assert!(difference(&gradient, &expected) < 1e-7, "{gradient}");
    assert!(cross_entropy(&logits, &[0]).is_err());
    assert!(cross_entropy(&logits, &[0, 3]).is_err());
}

fn quantizer(scale: f32) -> Quantizer {
    let preset: &Preset = "Int8ActPerTensorFloat".parse().expect("a preset");
    let recipe = preset.recipe().expect("a recipe").set("bit_width", 3.into()).expect("3 bits");
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer of one scale") };
    let parameters = Parameters { scale: arr0(scale).into_dyn(), zero_point: None };
    quantizer.with_parameters(parameters).expect("parameters")
}

#[test]
fn quantizers_pass_gradients_where_they_do_not_clip() {
    let mut graph = Graph::new("quantizer");
    let x = graph.add_input("x", Fact::new(ElementType::F32, vec![7.into()]));
    let y = graph.add("y", Quantize::new(quantizer(0.5)), &[x]);
    graph.add_output(y);
    // Codes from -4 to 3: 1.7 is 3.4 steps and rounds to 3, 1.8 is 3.6 steps, rounds to 4 and is clipped.
    let values = vec![0.0f32, 1.7, 1.8, -2.2, -2.3, -2.5, 40.0];
    let given = HashMap::from([(x, Tensor::vector(values))]);
    let tape = Tape::run(&graph, graph.order(), given).expect("a run");
    let seed = arr1(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).into_dyn().into_shared();
    let found = tape.backward(vec![(y, seed)], &[x]).expect("a gradient");
    assert_eq!(found[0], arr1(&[1.0, 2.0, 0.0, 4.0, 0.0, 0.0, 0.0]).into_dyn());
}

#[test]
fn an_operator_without_a_rule_is_named() {
    let mut graph = Graph::new("greatest");
    let x = graph.add_input("x", Fact::new(ElementType::F32, vec![3.into()]));
    let k = graph.add_constant("k", Tensor::vector(vec![2i64]));
    let y = graph.add("the two greatest", TopK::default(), &[x, k]);
    graph.add_output(y);
    let given = HashMap::from([(x, Tensor::vector(vec![1.0f32, 3.0, 2.0]))]);
    let tape = Tape::run(&graph, graph.order(), given).expect("a run");
    let seed = || arr1(&[1.0f32, 1.0]).into_dyn().into_shared();
    let error = tape.backward(vec![(y, seed())], &[x]).expect_err("no rule");
    assert_eq!(
        error.to_string(),
        "no gradient through node `the two greatest` (TopK): there is no rule for this operator"
    );
    // A node that no gradient comes to needs no rule.
    let none = tape.backward(vec![], &[x]).expect("no gradient");
    assert_eq!(none[0], arr1(&[0.0f32; 3]).into_dyn());
}

#[test]
fn threads_change_nothing() {
    let number = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 504.5 - 1.0;
    let array = |shape: &[usize], from: usize| {
        let count: usize = shape.iter().product();
        let values = (from..from + count).map(number).collect();
        ArrayD::from_shape_vec(IxDyn(shape), values).expect("as many")
    };
    let mut graph = Graph::new("two products");
    let x = graph.add_input("x", Fact::default());
    let w = graph.add_constant("w", array(&[16, 4, 3, 3], 1));
    let y = graph.add("conv", Conv { groups: 2, ..Conv::default() }, &[x, w]);
    let y = graph.add("relu", Relu {}, &[y]);
    let shape = graph.add_constant("shape", Tensor::vector(vec![-1i64, 16 * 100]));
    let y = graph.add("rows", fewbit_models::ops::Reshape::default(), &[y, shape]);
    let v = graph.add_constant("v", array(&[70, 1600], 7));
    let y = graph.add("gemm", Gemm { transpose_b: true, ..Gemm::default() }, &[y, v]);
    graph.add_output(y);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let given = HashMap::from([(x, array(&[37, 8, 12, 12], 3).into())]);
            let tape = Tape::run(&graph, graph.order(), given).expect("a run");
            let seed = array(&[37, 70], 5).into_shared();
            tape.backward(vec![(y, seed)], &[x, w, v]).expect("gradients")
        })
    };
    assert_eq!(on(1), on(5));
}
