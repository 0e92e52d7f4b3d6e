//! Functions of codes as tables: the same bits as in floats, over all codes.

use fewbit_models::graph::{Graph, ValueId};
use fewbit_models::ops::{
    Add, Clip, Div, Elu, Erf, Exp, Gelu, GeluForm, HardSigmoid, HardSwish, LeakyRelu, Mish, Mul,
    Op, Reshape, Sigmoid, Softplus, Sqrt, Swish, Tanh,
};
use fewbit_models::tensor::Tensor;

use crate::support::{Grid, Narrow, fake, floats, input, integer};

/// `q(f(q(x)))` in floats and in integers, for x every value of the first quantizer.
fn compare(of: Grid, to: Grid, f: impl Fn(&mut Graph, ValueId) -> ValueId) {
    let values = of.values();
    let mut graph = Graph::new("function");
    let x = input(&mut graph, "x", &[values.len()]);
    let x = of.put(&mut graph, "qx", x);
    let y = f(&mut graph, x);
    let z = to.put(&mut graph, "qy", y);
    graph.add_output(z);
    graph.add_output(y);
    let inputs = [Tensor::vector(values)];
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_eq!(run.in_floats, Vec::<String>::new());
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(floats(&run.outputs[0])), bits(fake(&graph, &inputs)));
    let unrounded = {
        let mut graph = Graph::new("function alone");
        let x = input(&mut graph, "x", &[inputs[0].len()]);
        let x = of.put(&mut graph, "qx", x);
        let y = f(&mut graph, x);
        graph.add_output(y);
        fake(&graph, &inputs)
    };
    assert_eq!(bits(floats(&run.outputs[1])), bits(unrounded));
}

#[test]
fn tables_hold_what_floats_compute_of_every_code() {
    let functions: Vec<(&str, Op)> = vec![
        ("sigmoid", Sigmoid::default().into()),
        ("tanh", Tanh::default().into()),
        ("gelu", Gelu::default().into()),
        ("gelu by tanh", Gelu { form: GeluForm::Tanh }.into()),
        ("silu", Swish::default().into()),
        ("hard swish", HardSwish::default().into()),
        ("hard sigmoid", HardSigmoid::default().into()),
        ("exp", Exp::default().into()),
        ("erf", Erf::default().into()),
        ("elu", Elu::default().into()),
        ("leaky relu", LeakyRelu::default().into()),
        ("mish", Mish::default().into()),
        ("softplus", Softplus::default().into()),
    ];
    for (name, op) in functions {
        for bits in [8, 16] {
            let half = 6.0 / f32::from(1u16 << (bits - 1));
            println!("{name} {bits}");
            compare(Grid::signed(bits, half), Grid::signed(bits, half * 1.3), |graph, x| {
                graph.add("f", op.clone(), &[x])
            });
        }
    }
    let shifted = Grid::unsigned(8, 0.03, 60);
    compare(shifted, Grid::unsigned(8, 0.01, 30), |graph, x| {
        let (low, high) =
            (graph.add_constant("low", Tensor::scalar(-1.0f32)), Tensor::scalar(2.5f32));
        let high = graph.add_constant("high", high);
        graph.add("clip", Clip::default(), &[x, low, high])
    });
    compare(Grid::unsigned(8, 0.03, 0), Grid::unsigned(8, 0.01, 0), |graph, x| {
        graph.add("root", Sqrt::default(), &[x])
    });
}

/// GELU as PyTorch exports it is one table: `x * 0.5 * (1 + erf(x / sqrt(2)))`, moved on its way.
#[test]
fn functions_of_the_same_codes_are_one_table() {
    for bits in [8, 12] {
        let grid = Grid::signed(bits, 5.0 / f32::from(1u16 << (bits - 1)));
        compare(grid, Grid::signed(bits, grid.scale * 0.9), |graph, x| {
            let number = |graph: &mut Graph, x: f32| graph.add_constant("c", Tensor::scalar(x));
            let root = number(graph, 2.0f32.sqrt());
            let t = graph.add("scaled", Div {}, &[x, root]);
            let t = graph.add("erf", Erf::default(), &[t]);
            let one = number(graph, 1.0);
            let t = graph.add("one more", Add {}, &[t, one]);
            let t = graph.add("product", Mul {}, &[x, t]);
            let half = number(graph, 0.5);
            let t = graph.add("half", Mul {}, &[half, t]);
            let shape = graph.add_constant("shape", Tensor::vector(vec![-1i64]));
            graph.add("moved", Reshape::default(), &[t, shape])
        });
    }
}

/// Arithmetic between functions of other codes, and with numbers per channel, is no table, and named.
#[test]
fn what_is_no_function_of_one_code_runs_in_floats() {
    let grid = Grid::signed(8, 0.05);
    let mut graph = Graph::new("two");
    let (x, y) = (input(&mut graph, "x", &[2, 3]), input(&mut graph, "y", &[2, 3]));
    let x = grid.put(&mut graph, "qx", x);
    let y = grid.put(&mut graph, "qy", y);
    let channels = graph.add_constant("c", Tensor::vector(vec![1.0f32, 2.0, 3.0]));
    let x = graph.add("by channel", Mul {}, &[x, channels]);
    let y = graph.add("tanh", Tanh::default(), &[y]);
    let z = graph.add("both", Mul {}, &[x, y]);
    graph.add_output(z);
    let inputs =
        [crate::support::array(&[2, 3], 1).into(), crate::support::array(&[2, 3], 2).into()];
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_eq!(run.in_floats, ["by channel", "both"]);
    assert_eq!(floats(&run.outputs[0]), fake(&graph, &inputs));
}
