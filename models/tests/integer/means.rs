//! Means of windows and over axes.

use fewbit_models::graph::Graph;
use fewbit_models::ops::{AveragePool, Op, Pad, Padding, ReduceMean, ReduceSum, Relu};
use fewbit_models::tensor::Tensor;
use ndarray::Ix4;

use crate::support::{Grid, Narrow, array, assert_close, fake, floats, input, integer};

fn run(op: Op, constants: &[Tensor], grid: Grid, shape: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let mut graph = Graph::new("mean");
    let x = input(&mut graph, "x", shape);
    let x = grid.put(&mut graph, "qx", x);
    let mut inputs = vec![x];
    inputs.extend(constants.iter().map(|tensor| graph.add_constant("c", tensor.clone())));
    let y = graph.add("y", op, &inputs);
    graph.add_output(y);
    let inputs = [array(shape, 8).into()];
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_eq!(run.in_floats, Vec::<String>::new());
    assert_close(&floats(&run.outputs[0]), &fake(&graph, &inputs), 1e-6);
    (floats(&run.outputs[0]), run.outputs[0].shape().to_vec())
}

#[test]
fn means_of_windows_are_sums_of_codes() {
    let shape = [2, 3, 7, 6];
    for grid in [Grid::signed(8, 0.01), Grid::unsigned(8, 0.012, 77)] {
        let codes = grid.codes(&array(&shape, 8)).into_dimensionality::<Ix4>().expect("four");
        for (stride, pads, count_padding) in
            [(1, [0, 0, 0, 0], false), (2, [1, 1, 1, 1], false), (2, [1, 1, 1, 1], true)]
        {
            let pool = AveragePool {
                kernel: vec![3, 2],
                strides: vec![stride; 2],
                count_padding,
                padding: Padding { pads: pads.to_vec(), ..Padding::default() },
                ..AveragePool::default()
            };
            let (found, out) = run(pool.into(), &[], grid, &shape);
            let mut expected = Vec::new();
            for at in ndarray::indices(ndarray::IxDyn(&out)) {
                let (mut sum, mut count) = (0, 0);
                for (ty, tx) in (0..3).flat_map(|ty| (0..2).map(move |tx| (ty, tx))) {
                    let y = (at[2] * stride + ty).checked_sub(pads[0]).filter(|&y| y < 7);
                    let x = (at[3] * stride + tx).checked_sub(pads[1]).filter(|&x| x < 6);
                    match (y, x) {
                        (Some(y), Some(x)) => {
                            sum += codes[[at[0], at[1], y, x]] - grid.zero;
                            count += 1;
                        }
                        _ => count += i64::from(count_padding),
                    }
                }
                expected.push((f64::from(grid.scale) * sum as f64 / count as f64) as f32);
            }
            assert_close(&expected, &found, 2e-7);
        }
    }
}

#[test]
fn reductions_are_sums_of_codes() {
    let grid = Grid::unsigned(8, 0.012, 77);
    let shape = [2, 3, 4];
    let codes = grid.codes(&array(&shape, 8));
    let axes = Tensor::vector(vec![-1i64, 0]);
    let (found, out) = run(ReduceSum::default().into(), std::slice::from_ref(&axes), grid, &shape);
    assert_eq!(out, [1, 3, 1]);
    let sums: Vec<i64> = (0..3)
        .map(|j| codes.index_axis(ndarray::Axis(1), j).iter().map(|q| q - grid.zero).sum())
        .collect();
    let expected: Vec<f32> = sums.iter().map(|&sum| sum as f32 * grid.scale).collect();
    assert_eq!(found, expected);
    let mean = ReduceMean { keep: false, ..ReduceMean::default() };
    let (found, out) = run(mean.into(), &[axes], grid, &shape);
    assert_eq!(out, [3]);
    let expected: Vec<f32> = sums.iter().map(|&sum| sum as f32 * (grid.scale / 8.0)).collect();
    assert_eq!(found, expected);
}

/// ReLU and padding with zeros leave codes that a product could take.
#[test]
fn relu_and_padding_keep_codes() {
    let grid = Grid::unsigned(8, 0.012, 77);
    let codes = grid.codes(&array(&[5], 8));
    let (found, _) = run(Relu::default().into(), &[], grid, &[5]);
    let value = |&q: &i64| (q.max(77) - 77) as f32 * grid.scale;
    assert_eq!(found, codes.iter().map(value).collect::<Vec<_>>());
    let (found, _) = run(Pad::default().into(), &[Tensor::vector(vec![1i64, 0])], grid, &[5]);
    let value = |&q: &i64| (q - 77) as f32 * grid.scale;
    let expected: Vec<f32> = std::iter::once(0.0).chain(codes.iter().map(value)).collect();
    assert_eq!(found, expected);
}
