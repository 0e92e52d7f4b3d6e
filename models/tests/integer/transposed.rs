//! Transposed convolutions.

use fewbit_models::graph::Graph;
use fewbit_models::ops::{ConvTranspose, Padding};
use ndarray::{Ix4, IxDyn};

use crate::support::{Grid, Narrow, array, assert_close, events, fake, floats, input, integer};

/// Against loops over outputs: products in ascending channel and descending tap.
#[test]
fn transposed_convolutions_are_sums_of_codes() {
    let (batch, depth, filters, size, kernel) = (2, 6, 4, [5, 4], [3, 2]);
    let weights = Grid::signed(5, 0.06);
    for (input_grid, groups) in [
        (Grid::signed(8, 0.01), 1),
        (Grid::unsigned(8, 0.01, 0), 2),
        (Grid::unsigned(8, 0.015, 90), 2),
    ] {
        for (strides, dilations, pads, extra) in [
            ([1, 1], [1, 1], [0, 0, 0, 0], [0, 0]),
            ([2, 3], [1, 1], [1, 0, 0, 1], [1, 2]),
            ([2, 1], [2, 1], [1, 1, 2, 0], [1, 0]),
        ] {
            let op = ConvTranspose {
                strides: strides.to_vec(),
                dilations: dilations.to_vec(),
                groups,
                output_padding: extra.to_vec(),
                padding: Padding { pads: pads.to_vec(), ..Padding::default() },
                ..ConvTranspose::default()
            };
            let x_shape = [batch, depth, size[0], size[1]];
            let w_shape = [depth, filters / groups, kernel[0], kernel[1]];
            let (x, w) = (array(&x_shape, 5), array(&w_shape, 6));
            let mut graph = Graph::new("up");
            let value = input(&mut graph, "x", &x_shape);
            let value = input_grid.put(&mut graph, "qx", value);
            let constant = graph.add_constant("w", w.clone());
            let constant = weights.put(&mut graph, "qw", constant);
            let y = graph.add("y", op, &[value, constant]);
            graph.add_output(y);
            let four =
                |codes: ndarray::ArrayD<i64>| codes.into_dimensionality::<Ix4>().expect("four");
            let (a, b) = (four(input_grid.codes(&x)), four(weights.codes(&w)));
            let extent = |axis: usize| {
                (size[axis] - 1) * strides[axis]
                    + (kernel[axis] - 1) * dilations[axis]
                    + 1
                    + extra[axis]
                    - pads[axis]
                    - pads[axis + 2]
            };
            let out = [batch, filters, extent(0), extent(1)];
            // What a tap of an output meets along an axis: an input, or nothing.
            let place = |axis: usize, at: usize, tap: usize| {
                let from = (at + pads[axis]).checked_sub(tap * dilations[axis])?;
                let place = from / strides[axis];
                (from % strides[axis] == 0 && place < size[axis]).then_some(place)
            };
            for narrow in Narrow::ALL {
                let (mut expected, mut count) = (Vec::new(), 0);
                for at in ndarray::indices(IxDyn(&out)) {
                    let (own, inputs) = (filters / groups, depth / groups);
                    let (group, filter) = (at[1] / own, at[1] % own);
                    let (mut products, mut outside) = (Vec::new(), 0);
                    for c in 0..inputs {
                        for ty in (0..kernel[0]).rev() {
                            for tx in (0..kernel[1]).rev() {
                                let c = group * inputs + c;
                                let weight = b[[c, filter, ty, tx]];
                                let code = match (place(0, at[2], ty), place(1, at[3], tx)) {
                                    (Some(y), Some(x)) => a[[at[0], c, y, x]],
                                    _ => input_grid.zero,
                                };
                                products.push(code * weight);
                                outside -= input_grid.zero * weight;
                            }
                        }
                    }
                    let (sum, found) = narrow.sum(products);
                    expected.push((sum + outside) as f32 * (input_grid.scale * weights.scale));
                    count += found;
                }
                let inputs = [x.clone().into()];
                let run = integer(&graph, &inputs, &narrow.options());
                assert_eq!(run.outputs[0].shape(), out);
                assert_eq!(floats(&run.outputs[0]), expected, "{narrow:?} {strides:?}");
                assert_eq!(events(&run), count, "{narrow:?} {strides:?}");
                if let Narrow::Exact = narrow {
                    assert_close(&expected, &fake(&graph, &inputs), 1e-5);
                }
            }
        }
    }
}
