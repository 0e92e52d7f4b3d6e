//! Products of two values that are computed.

use fewbit_models::graph::Graph;
use fewbit_models::ops::{MatMul, Transpose};
use ndarray::{Ix4, IxDyn};

use crate::support::{Grid, Narrow, array, assert_close, events, fake, floats, input, integer};

/// Batches of matrices against loops: sums, events, zero points of either operand, shapes that broadcast.
#[test]
fn products_of_computed_operands_are_sums_of_their_codes() {
    let signed = Grid::signed(8, 0.011);
    let unsigned = Grid::unsigned(8, 0.007, 0);
    let shifted = Grid::unsigned(8, 0.013, 101);
    let wide = Grid::signed(10, 0.003);
    let grids = [
        (signed, signed),
        (unsigned, signed),
        (unsigned, unsigned),
        (signed, unsigned),
        (signed, shifted),
        (shifted, shifted),
        (shifted, signed),
        (wide, signed),
    ];
    let shapes: [(&[usize], &[usize], &[usize]); 3] = [
        (&[2, 3, 4, 29], &[2, 3, 29, 5], &[2, 3, 4, 5]),
        (&[2, 1, 4, 29], &[3, 29, 5], &[2, 3, 4, 5]),
        (&[2, 3, 4, 29], &[29, 5], &[2, 3, 4, 5]),
    ];
    let mut overflowed = 0;
    for (x_grid, w_grid) in grids {
        for (x_shape, w_shape, out) in shapes {
            let mut graph = Graph::new("product");
            let (x, w) = (input(&mut graph, "x", x_shape), input(&mut graph, "w", w_shape));
            let x = x_grid.put(&mut graph, "qx", x);
            let w = w_grid.put(&mut graph, "qw", w);
            let y = graph.add("y", MatMul {}, &[x, w]);
            graph.add_output(y);
            let (x, w) = (array(x_shape, 1), array(w_shape, 2));
            let inputs = [x.clone().into(), w.clone().into()];
            let four = |codes: &ndarray::ArrayD<i64>, last: [usize; 2]| {
                let shape = IxDyn(&[out[0], out[1], last[0], last[1]]);
                let whole = codes.broadcast(shape).expect("a batch").to_owned();
                whole.into_dimensionality::<Ix4>().expect("four axes")
            };
            let (a, b) = (four(&x_grid.codes(&x), [4, 29]), four(&w_grid.codes(&w), [29, 5]));
            for narrow in Narrow::ALL {
                let (mut expected, mut count) = (Vec::new(), 0);
                for at in ndarray::indices(IxDyn(out)) {
                    let (n, h, i, j) = (at[0], at[1], at[2], at[3]);
                    let pairs = || (0..29).map(|k| (a[[n, h, i, k]], b[[n, h, k, j]]));
                    let (sum, found) = narrow.sum(pairs().map(|(a, b)| a * b));
                    let outside: i64 =
                        pairs().map(|(a, b)| (a - x_grid.zero) * (b - w_grid.zero) - a * b).sum();
                    expected.push((sum + outside) as f32 * (x_grid.scale * w_grid.scale));
                    count += found;
                }
                let run = integer(&graph, &inputs, &narrow.options());
                assert_eq!(run.outputs[0].shape(), out);
                assert_eq!(floats(&run.outputs[0]), expected, "{narrow:?} {x_grid:?} {w_grid:?}");
                assert_eq!(events(&run), count, "{narrow:?} {x_grid:?} {w_grid:?}");
                assert_eq!(run.in_floats, Vec::<String>::new());
                overflowed += count;
                if let Narrow::Exact = narrow {
                    assert_close(&expected, &fake(&graph, &inputs), 1e-5);
                }
            }
        }
    }
    assert!(overflowed > 1000, "{overflowed}");
}

/// The first event of a batch is that of its own row, below those of the batches before it.
#[test]
fn reports_count_the_rows_of_all_matrices() {
    let grid = Grid::unsigned(8, 1.0, 0);
    let mut graph = Graph::new("product");
    let (x, w) = (input(&mut graph, "x", &[2, 2, 1]), input(&mut graph, "w", &[2, 1, 1]));
    let x = grid.put(&mut graph, "qx", x);
    let w = grid.put(&mut graph, "qw", w);
    let y = graph.add("y", MatMul {}, &[x, w]);
    graph.add_output(y);
    let x = ndarray::array![[[1.0f32], [1.0]], [[1.0], [200.0]]].into_dyn();
    let w = ndarray::array![[[1.0f32]], [[100.0]]].into_dyn();
    let mut options = Narrow::Saturates(12).options();
    options.report = fewbit::ReportLevel::Full;
    let run = integer(&graph, &[x.into(), w.into()], &options);
    let stage = &run.nodes[0].report.as_ref().expect("a report").stages[0];
    assert_eq!((stage.events, stage.first.map(|first| first.row)), (1, Some(3)));
    assert_eq!(floats(&run.outputs[0]), [1.0, 1.0, 100.0, 2047.0]);
}

#[test]
fn keys_are_transposed_as_codes() {
    let grid = Grid::signed(8, 0.01);
    let mut graph = Graph::new("scores");
    let (q, k) = (input(&mut graph, "q", &[2, 3, 8]), input(&mut graph, "k", &[2, 5, 8]));
    let q = grid.put(&mut graph, "qq", q);
    let k = grid.put(&mut graph, "qk", k);
    let k = graph.add("t", Transpose { order: vec![0, 2, 1] }, &[k]);
    let y = graph.add("y", MatMul {}, &[q, k]);
    graph.add_output(y);
    let inputs = [array(&[2, 3, 8], 3).into(), array(&[2, 5, 8], 4).into()];
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_eq!(run.in_floats, Vec::<String>::new());
    assert_close(&floats(&run.outputs[0]), &fake(&graph, &inputs), 1e-6);
}
