//! Recurrent nodes of a graph: the quantized network of Brevitas's recurrent layers, in floats and in integers.

use fewbit::quantize::{Parameters, Quantizer, Recipe};
use fewbit::tensor::Granularity;
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::exec::integer::{IntegerOptions, IntegerRun, run_integer};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::{Graph, Node, NodeId};
use fewbit_models::ops::{Activation, Direction, Fact, GRU, LSTM, Op, Quantize, RNN, Recurrence};
use fewbit_models::passes::{
    ActivationQuantizers, OutputCodes, decompose_recurrent, insert_recurrent_quantizers,
    quantize_biases,
};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{Array2, ArrayD, Axis, IxDyn, concatenate};

use crate::golden::{Case, cases};
use crate::recurrent::{lstm, rnn};

/// A quantizer whose scale is a number.
fn quantizer(recipe: &Recipe) -> Quantizer {
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer of one scale") };
    let parameters = quantizer.parameters(&ArrayD::zeros(vec![1]).view()).expect("parameters");
    quantizer.clone().with_parameters(parameters).expect("a quantizer")
}

/// The weights of both kinds of all gates of a direction, `[gates * hidden, ..]`, and their scales, one per row.
struct Weights {
    input: Array2<f32>,
    hidden: Array2<f32>,
    bias: Vec<f32>,
    scales: Vec<f32>,
}

impl Weights {
    fn of(case: &Case, direction: usize, gates: &[&str]) -> Self {
        let Some(Recipe::Quantizer(of_weights)) = case.recipe("weight") else { panic!("weights") };
        let shared = case.flag("shared_intra_layer_weight_quant");
        let at = |gate: &str, what: &str| format!("0.{direction}.{gate}.{what}");
        let matrix = |gate: &str, what: &str| case.matrix(&at(gate, what));
        let both = |gate: &str| {
            let (w, r) = (matrix(gate, "input"), matrix(gate, "hidden"));
            concatenate(Axis(1), &[w.view(), r.view()]).expect("one matrix")
        };
        let scales_of = |all: Array2<f32>, rows: usize| -> Vec<f32> {
            let found = of_weights.parameters(&all.into_dyn().view()).expect("parameters");
            let found: Vec<f32> = found.scale.iter().copied().collect();
            (0..rows).map(|row| found[row % found.len()]).collect()
        };
        let rows = matrix(gates[0], "hidden").nrows();
        let own: Vec<Array2<f32>> = gates.iter().map(|gate| both(gate)).collect();
        let views: Vec<_> = own.iter().map(|all| all.view()).collect();
        let scales = match shared {
            true => {
                let all = concatenate(Axis(1), &views).expect("one matrix");
                scales_of(all, rows).repeat(gates.len())
            }
            false => own.iter().flat_map(|all| scales_of(all.clone(), rows)).collect(),
        };
        let all = |what: &str| {
            let parts: Vec<Array2<f32>> = gates.iter().map(|gate| matrix(gate, what)).collect();
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            concatenate(Axis(0), &views).expect("one matrix")
        };
        let bias = gates.iter().flat_map(|gate| match case.vector(&at(gate, "bias")) {
            Some(bias) => bias.to_vec(),
            None => vec![0.0; rows],
        });
        Self { input: all("input"), hidden: all("hidden"), bias: bias.collect(), scales }
    }
}

/// The node of a case behind a quantizer of its input.
fn network(case: &Case, op: impl Into<Op>, gates: &[&str]) -> Graph {
    let directions = 1 + usize::from(case.flag("bidirectional"));
    let all: Vec<Weights> = (0..directions).map(|d| Weights::of(case, d, gates)).collect();
    let stack = |of: &dyn Fn(&Weights) -> Array2<f32>| -> ArrayD<f32> {
        let parts: Vec<Array2<f32>> = all.iter().map(of).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::stack(Axis(0), &views).expect("one array").into_dyn()
    };
    let mut graph = Graph::new("recurrent");
    let shape = case.f32("x").expect("an input").shape().to_vec();
    let fact = Fact::new(ElementType::F32, shape.iter().map(|&size| size.into()).collect());
    let x = graph.add_input("x", fact);
    let io = case.recipe("io").expect("a quantizer of inputs");
    let quantized = graph.add("x.quantizer", Quantize::new(quantizer(&io)), &[x]);
    let w = graph.add_constant("W", stack(&|weights| weights.input.clone()));
    let r = graph.add_constant("R", stack(&|weights| weights.hidden.clone()));
    let b = stack(&|weights| {
        let row = [weights.bias.clone(), vec![0.0; weights.bias.len()]].concat();
        Array2::from_shape_vec((1, row.len()), row).expect("a row")
    });
    let b = graph.add_constant("B", b.remove_axis(Axis(1)));
    let outputs: Vec<_> = ["y", "h", "c"].map(|name| graph.add_value(name, Fact::default())).into();
    let op = op.into();
    let count = if matches!(op, Op::LSTM(_)) { 3 } else { 2 };
    graph.add_node(Node {
        name: "cell".into(),
        op,
        inputs: vec![Some(quantized), Some(w), Some(r), Some(b)],
        outputs: outputs[..count].iter().copied().map(Some).collect(),
    });
    outputs[..count].iter().for_each(|&id| graph.add_output(id));
    graph.infer().expect("shapes");
    let report = decompose_recurrent(&mut graph).expect("a loop");
    assert_eq!(report.changed, 1, "{}", report.detail);
    let placeholder = quantizer(&io);
    let quantizers = ActivationQuantizers {
        signed: placeholder.clone(),
        unsigned: placeholder,
        outputs: OutputCodes::Sums,
    };
    insert_recurrent_quantizers(&mut graph, &quantizers).expect("quantizers");
    let Some(Recipe::Quantizer(of_weights)) = case.recipe("weight") else { panic!("weights") };
    let columns = |scales: &[f32]| {
        let scheme = of_weights.scheme().clone();
        let scheme = scheme.with_granularity(Granularity::Channel { axis: 1 });
        let scale = ArrayD::from_shape_vec(vec![1, scales.len()], scales.to_vec()).expect("a row");
        let parameters = Parameters { scale, zero_point: None };
        of_weights
            .clone()
            .with_scheme(scheme)
            .expect("one")
            .with_parameters(parameters)
            .expect("one")
    };
    for (direction, weights) in all.iter().enumerate() {
        let name = match (directions, direction) {
            (1, _) => "cell",
            (_, 0) => "cell.forward",
            _ => "cell.backward",
        };
        let of_weights = columns(&weights.scales);
        put_weights(&mut graph, &format!("{name}.x"), &of_weights);
        let id = find(&graph, name);
        let Op::Scan(scan) = &mut graph.node_mut(id).op else { panic!("a loop") };
        put_weights(&mut scan.body, &format!("{name}.h.product"), &of_weights);
        let ids: Vec<NodeId> = scan.body.order().to_vec();
        for id in ids {
            let node = scan.body.node(id);
            let input = node.input(0).expect("an input");
            let value = scan.body.name_of(input).to_owned();
            if !matches!(node.op, Op::Quantize(_)) || scan.body.data(input).is_some() {
                continue;
            }
            let role = value.strip_prefix(&format!("{name}.")).expect("its name");
            let field = match role.trim_end_matches(".quantized") {
                "h" | "h.next" => "io",
                "c" | "c.kept" | "c.new" | "c.next" => "cell_state",
                "g.function" | "c.function" => "tanh",
                "i.function" | "f.function" | "o.function" => "sigmoid",
                "i" | "f" | "o" | "g" | "gate" => "gate_acc",
                other => panic!("a quantizer on {other}"),
            };
            match case.recipe(field) {
                Some(recipe) => {
                    scan.body.node_mut(id).op = Quantize::new(quantizer(&recipe)).into();
                }
                None => scan.body.bypass(id),
            }
        }
    }
    if case.recipe("bias").is_some() {
        let report = quantize_biases(&mut graph, "int32".parse().expect("a format"));
        assert_eq!(report.expect("biases").changed, directions);
    }
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    graph
}

fn find(graph: &Graph, name: &str) -> NodeId {
    graph.nodes().find(|(_, node)| node.name == name).map(|(id, _)| id).expect("a node")
}

fn put_weights(graph: &mut Graph, product: &str, quantizer: &Quantizer) {
    let id = find(graph, product);
    let weights = graph.node(id).input(1).expect("weights");
    let name = format!("{product}.weights");
    let quantized = graph.add(&name, Quantize::new(quantizer.clone()), &[weights]);
    graph.node_mut(id).inputs[1] = Some(quantized);
    graph.sort().expect("an order");
}

fn recurrence(case: &Case) -> Recurrence {
    let direction = match case.flag("bidirectional") {
        true => Direction::Bidirectional,
        false => Direction::Forward,
    };
    let activations = match case.attrs["nonlinearity"].as_str() {
        Some("relu") => vec![Activation::Relu; 1 + usize::from(case.flag("bidirectional"))],
        _ => Vec::new(),
    };
    Recurrence { direction, activations, ..Recurrence::default() }
}

/// Cases that ONNX's nodes can be: one layer, whose directions share no weights, without initial states.
fn plain(kind: &str) -> Vec<Case> {
    let all = cases(kind).into_iter().filter(|case| {
        let layers = case.attrs["num_layers"].as_u64().unwrap_or(1);
        let other =
            ["shared_input_hidden_weights", "coupled_input_forget_gates", "batch_first", "hx"];
        layers == 1 && !other.iter().any(|flag| case.flag(flag)) && !case.has("hx")
    });
    let all: Vec<Case> = all.collect();
    assert!(all.len() >= 4, "{} cases of {kind}", all.len());
    all
}

/// What Brevitas has: values, or those of its codes.
fn expected(case: &Case, name: &str) -> ArrayD<f32> {
    case.f32(name).unwrap_or_else(|| {
        let codes = case.f32(&format!("{name}.codes")).expect("codes");
        let scale = case.f32(&format!("{name}.scale")).expect("a scale");
        let zero = case.f32(&format!("{name}.zero")).expect("a zero point");
        (codes - zero.first().copied().unwrap_or(0.0)) * scale.first().copied().unwrap_or(1.0)
    })
}

/// The outputs with directions side by side, as Brevitas has them.
fn outputs(outputs: &[Tensor]) -> Vec<ArrayD<f32>> {
    let mut all: Vec<ArrayD<f32>> =
        outputs.iter().map(|tensor| tensor.clone().try_into().expect("floats")).collect();
    let y = all[0].clone().permuted_axes(IxDyn(&[0, 2, 1, 3])).as_standard_layout().into_owned();
    let (steps, batch) = (y.shape()[0], y.shape()[1]);
    let width = y.len() / (steps * batch);
    all[0] = y.into_shape_with_order(IxDyn(&[steps, batch, width])).expect("side by side");
    all
}

fn integer(graph: &Graph, case: &Case, acc: &str) -> IntegerRun {
    let options = IntegerOptions {
        accumulator: acc.parse().expect("an accumulator"),
        report: ReportLevel::Events,
        ..IntegerOptions::default()
    };
    run_integer(graph, &[case.f32("x").expect("an input").into()], &options).expect("a run")
}

fn check(case: &Case, graph: &Graph, names: &[&str]) {
    let x: Tensor = case.f32("x").expect("an input").into();
    let fake = run_batch(graph, &[x], QuantizerMode::Apply, &Constants::default()).expect("a run");
    let exact = integer(graph, case, "exact");
    for (what, found) in [("fake", outputs(&fake)), ("integer", outputs(&exact.outputs))] {
        for (name, found) in names.iter().zip(&found) {
            assert_eq!(found, &expected(case, name), "{}: {name}, {what}", case.name);
        }
    }
    let products: Vec<&str> = exact.nodes.iter().map(|node| node.name.as_str()).collect();
    let directions = 1 + usize::from(case.flag("bidirectional"));
    assert_eq!(products.len(), 2 * directions, "{products:?}");
    assert!(products.iter().all(|name| name.ends_with(".x") || name.ends_with(".h.product")));
    // Every step, every sample, every gate of both.
    assert!(exact.nodes.windows(2).all(|pair| pair[0].outputs == pair[1].outputs));
}

/// The codes of Brevitas's layers, in floats and in integers through exact accumulators.
#[test]
fn long_short_term_memory_is_that_of_brevitas() {
    for case in plain("lstm") {
        let op = LSTM { recurrence: recurrence(&case), coupled: false };
        let graph = network(&case, op, &["input", "output", "forget", "cell"]);
        check(&case, &graph, &["y", "h", "c"]);
    }
}

#[test]
fn elman_networks_are_those_of_brevitas() {
    for case in plain("rnn") {
        let op = RNN { recurrence: recurrence(&case) };
        check(&case, &network(&case, op, &["gate"]), &["y", "h"]);
    }
}

/// Narrow registers: the loop over a graph's products gives what the layer by hand gives, and as many events.
#[test]
fn narrow_accumulators_are_those_of_the_layers() {
    let mut events = 0;
    for acc in ["int9-wrap", "int10-sat"] {
        let accumulator: Accumulator = acc.parse().expect("an accumulator");
        for case in plain("lstm").iter().filter(|case| case.recipe("bias").is_some()) {
            let op = LSTM { recurrence: recurrence(case), coupled: false };
            let graph = network(case, op, &["input", "output", "forget", "cell"]);
            let run = integer(&graph, case, acc);
            let (by_hand, own) = lstm(case)
                .forward_integer(&case.value("x"), None, None, &accumulator)
                .expect("one");
            let found = outputs(&run.outputs);
            let layer = [&by_hand.output, &by_hand.hidden, &by_hand.cell];
            for (found, layer) in found.iter().zip(layer) {
                assert_eq!(found, &layer.values, "{} {acc}", case.name);
            }
            let total: u64 = run.nodes.iter().map(|node| node.total_events()).sum();
            assert_eq!(total, own.iter().sum::<u64>(), "{} {acc}", case.name);
            events += total;
        }
        for case in plain("rnn").iter().filter(|case| case.recipe("bias").is_some()) {
            let graph = network(case, RNN { recurrence: recurrence(case) }, &["gate"]);
            let run = integer(&graph, case, acc);
            let (by_hand, own) =
                rnn(case).forward_integer(&case.value("x"), None, &accumulator).expect("one");
            assert_eq!(outputs(&run.outputs)[0], by_hand.output.values, "{} {acc}", case.name);
            let total: u64 = run.nodes.iter().map(|node| node.total_events()).sum();
            assert_eq!(total, own.iter().sum::<u64>(), "{} {acc}", case.name);
        }
    }
    assert!(events > 100, "{events}");
}

/// Numbers from a counter, roughly between -1 and 1.
fn numbers(shape: &[usize], seed: usize) -> ArrayD<f32> {
    let count: usize = shape.iter().product();
    let number = |i: usize| {
        let x = ((i + 1) * (2 * seed + 3)) as f64 * 0.618_033_988_749_894_9;
        ((x.fract() + (x * 7.3).fract() - 1.0) * 1.1) as f32
    };
    ArrayD::from_shape_vec(IxDyn(shape), (0..count).map(number).collect()).expect("a shape")
}

/// A node with all that it can have; in floats it is the operator, which ONNX Runtime has judged.
#[test]
fn the_loop_is_the_node() {
    let (steps, batch, width, hidden) = (5, 3, 4, 6);
    let directions = [Direction::Forward, Direction::Reverse, Direction::Bidirectional];
    let mut count = 0;
    for (direction, layout) in directions.iter().flat_map(|&d| [(d, 0), (d, 1)]) {
        let ways = if direction == Direction::Bidirectional { 2 } else { 1 };
        for (clip, given, bias) in
            [(None, true, true), (Some(0.4), false, true), (None, false, false)]
        {
            let recurrence = |activations: Vec<Activation>| Recurrence {
                direction,
                hidden: Some(hidden),
                activations,
                clip,
                layout,
            };
            let other = [Activation::HardSigmoid, Activation::Softsign, Activation::Relu];
            let ops: Vec<(Op, usize, usize)> = vec![
                (LSTM { recurrence: recurrence(vec![]), coupled: false }.into(), 4, 3),
                (LSTM { recurrence: recurrence(other.repeat(ways)), coupled: true }.into(), 4, 3),
                (GRU { recurrence: recurrence(vec![]), reset_after: true }.into(), 3, 2),
                (
                    GRU { recurrence: recurrence(other[..2].repeat(ways)), reset_after: false }
                        .into(),
                    3,
                    2,
                ),
                (RNN { recurrence: recurrence(vec![]) }.into(), 1, 2),
            ];
            for (op, gates, outputs) in ops {
                let mut graph = Graph::new("recurrent");
                let turned = |a: usize, b: usize, rest: usize| match layout {
                    0 => vec![a, b, rest],
                    _ => vec![b, a, rest],
                };
                let mut inputs = Vec::new();
                let mut input = |graph: &mut Graph, name: &str, shape: Vec<usize>, seed| {
                    let fact =
                        Fact::new(ElementType::F32, shape.iter().map(|&n| n.into()).collect());
                    inputs.push(Tensor::from(numbers(&shape, seed)));
                    graph.add_input(name, fact)
                };
                let x = input(&mut graph, "x", turned(steps, batch, width), 1);
                let states: Vec<_> = match given {
                    true => (0..outputs - 1)
                        .map(|at| {
                            let shape = turned(ways, batch, hidden);
                            Some(input(&mut graph, &format!("s{at}"), shape, 7 + at))
                        })
                        .collect(),
                    false => Vec::new(),
                };
                let rows = gates * hidden;
                let w = graph.add_constant("W", numbers(&[ways, rows, width], 2));
                let r = graph.add_constant("R", numbers(&[ways, rows, hidden], 3));
                let b = graph.add_constant("B", numbers(&[ways, 2 * rows], 4));
                let b = bias.then_some(b);
                let made: Vec<_> = (0..outputs)
                    .map(|at| graph.add_value(&format!("y{at}"), Fact::default()))
                    .collect();
                let mut all = vec![Some(x), Some(w), Some(r), b, None];
                all.extend(states);
                graph.add_node(Node {
                    name: "cell".into(),
                    op: op.clone(),
                    inputs: all,
                    outputs: made.iter().copied().map(Some).collect(),
                });
                made.iter().for_each(|&id| graph.add_output(id));
                graph.infer().expect("shapes");
                let run = |graph: &Graph| {
                    let constants = Constants::default();
                    run_batch(graph, &inputs, QuantizerMode::Skip, &constants).expect("a run")
                };
                let before = run(&graph);
                let report = decompose_recurrent(&mut graph).expect("a loop");
                assert_eq!(report.changed, 1, "{}", report.detail);
                assert!(graph.nodes().all(|(_, node)| node.op.name() != op.name()));
                let after = run(&graph);
                for (one, other) in before.iter().zip(&after) {
                    assert_eq!(one.shape(), other.shape(), "{op:?}");
                    let [one, other]: [ArrayD<f32>; 2] =
                        [one, other].map(|tensor| tensor.clone().try_into().expect("floats"));
                    let far =
                        one.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(far < 2e-6, "{op:?} {layout} {given}: {far}");
                    assert!(one.iter().any(|&y| y != 0.0));
                }
                count += 1;
            }
        }
    }
    assert_eq!(count, 90);
}

/// What no loop is made of stays, and the report says why.
#[test]
fn nodes_that_stay_are_named() {
    let mut graph = Graph::new("recurrent");
    let fact = Fact::new(ElementType::F32, vec![5.into(), 2.into(), 3.into()]);
    let x = graph.add_input("x", fact);
    let w = graph.add_constant("W", numbers(&[1, 8, 3], 1));
    let r = graph.add_constant("R", numbers(&[1, 8, 2], 2));
    let p = graph.add_constant("P", numbers(&[1, 6], 3));
    let lengths = graph.add_constant("lengths", Tensor::vector(vec![5i32, 3]));
    let recurrence = Recurrence { hidden: Some(2), ..Recurrence::default() };
    for (name, inputs) in [
        ("peeps", vec![Some(x), Some(w), Some(r), None, None, None, None, Some(p)]),
        ("ends", vec![Some(x), Some(w), Some(r), None, Some(lengths)]),
    ] {
        let y = graph.add_value(&format!("{name}.y"), Fact::default());
        graph.add_node(Node {
            name: name.into(),
            op: LSTM { recurrence: recurrence.clone(), coupled: false }.into(),
            inputs,
            outputs: vec![Some(y)],
        });
        graph.add_output(y);
    }
    graph.infer().expect("shapes");
    let report = decompose_recurrent(&mut graph).expect("a graph");
    assert_eq!(report.changed, 0);
    for part in
        ["`peeps` stays in floats: its cell has peepholes", "`ends` stays in floats: its sequences"]
    {
        assert!(report.detail.contains(part), "{}", report.detail);
    }
}
