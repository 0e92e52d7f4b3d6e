//! Convolutions of `f32` equal, to the bit, the sum that their documentation states, on every instruction set and number of
//! threads.

use fewbit::{Conv2d, ConvError, Isa, conv2d_f32};
use ndarray::{Array4, s};
use rayon::ThreadPoolBuilder;

fn numbers(shape: (usize, usize, usize, usize), seed: u64) -> Array4<f32> {
    let mut state = seed;
    Array4::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 40) as f32 / 8_388_608.0 - 1.0) * 2f32.powi((state >> 33 & 7) as i32)
    })
}

/// `sum = bias; for (c, u, v): sum = fma(input, weight, sum)`, from the definition alone.
fn direct(
    x: &Array4<f32>,
    w: &Array4<f32>,
    bias: Option<&[f32]>,
    conv: &Conv2d<f32>,
) -> Array4<f32> {
    let [rows, columns] = conv.output(x.dim(), w.dim()).unwrap();
    let (filters, depth, kernel_rows, kernel_columns) = w.dim();
    Array4::from_shape_fn((x.dim().0, filters, rows, columns), |(n, o, i, j)| {
        let group = o / (filters / conv.groups);
        let mut sum = bias.map_or(0.0, |bias| bias[o]);
        for c in 0..depth {
            for u in 0..kernel_rows {
                for v in 0..kernel_columns {
                    let row =
                        (i * conv.stride[0] + u * conv.dilation[0]).wrapping_sub(conv.padding[0].0);
                    let column =
                        (j * conv.stride[1] + v * conv.dilation[1]).wrapping_sub(conv.padding[1].0);
                    let input = x.get((n, group * depth + c, row, column));
                    sum = input.copied().unwrap_or(conv.padding_code).mul_add(w[[o, c, u, v]], sum);
                }
            }
        }
        sum
    })
}

fn check(
    shape: (usize, usize, usize, usize),
    kernels: (usize, usize, usize, usize),
    conv: Conv2d<f32>,
) {
    let (x, w) = (numbers(shape, 1), numbers(kernels, 2));
    let bias: Vec<f32> = (0..kernels.0).map(|o| o as f32 * 0.37 - 1.0).collect();
    for bias in [None, Some(&bias[..])] {
        let expected = direct(&x, &w, bias, &conv);
        for isa in Isa::available() {
            for threads in [1, 3] {
                let mut found = Array4::from_elem(expected.dim(), f32::NAN);
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    conv2d_f32(x.view(), w.view(), bias, &conv, Some(isa), found.view_mut())
                        .unwrap();
                });
                let same = found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{shape:?} {kernels:?} {conv:?} {isa} {threads} {}", bias.is_some());
            }
        }
    }
}

#[test]
fn sums_are_those_of_the_definition() {
    let same = [(1, 1); 2];
    let plain = Conv2d::default();
    check((2, 3, 9, 7), (5, 3, 3, 3), Conv2d { padding: same, ..plain });
    check((3, 16, 28, 28), (16, 16, 3, 3), Conv2d { padding: same, ..plain });
    check((2, 8, 14, 14), (20, 8, 3, 3), Conv2d { stride: [2, 2], padding: same, ..plain });
    check((2, 5, 7, 7), (9, 5, 1, 1), plain);
    check((2, 5, 8, 8), (9, 5, 1, 1), Conv2d { stride: [2, 2], ..plain });
    check((2, 12, 14, 14), (12, 1, 3, 3), Conv2d { padding: same, groups: 12, ..plain });
    check((2, 6, 6, 9), (12, 2, 2, 4), Conv2d { padding: [(0, 2), (3, 1)], groups: 3, ..plain });
    check((1, 2, 30, 17), (3, 2, 3, 5), Conv2d { stride: [3, 1], dilation: [2, 3], ..plain });
    check((1, 4, 1, 60), (33, 4, 1, 5), Conv2d { padding: [(0, 0), (2, 2)], ..plain });
    check((1, 1, 5, 5), (1, 1, 3, 3), Conv2d { padding: same, padding_code: 0.5, ..plain });
    // Rows of several pieces, every second or third element of them; groups whose last tile is not full.
    check((2, 3, 12, 41), (9, 3, 3, 3), Conv2d { stride: [2, 2], padding: same, ..plain });
    check((1, 2, 9, 21), (3, 2, 2, 3), Conv2d { stride: [1, 2], padding: same, ..plain });
    check((1, 2, 9, 60), (3, 2, 3, 3), Conv2d { stride: [2, 3], padding: same, ..plain });
    check((2, 4, 6, 9), (18, 2, 3, 3), Conv2d { padding: same, groups: 2, ..plain });
    check(
        (2, 3, 6, 33),
        (3, 1, 3, 3),
        Conv2d { stride: [1, 2], padding: same, groups: 3, ..plain },
    );
    // Weights so far apart that there are no planes.
    let far = Conv2d { dilation: [100, 100], padding: [(40, 110), (60, 90)], ..plain };
    check((1, 2, 4, 5), (3, 2, 2, 2), far);
}

#[test]
fn memory_may_lie_in_any_order() {
    let (x, w) = (numbers((2, 3, 6, 5), 1), numbers((4, 3, 3, 3), 2));
    let conv = Conv2d { padding: [(1, 1); 2], ..Conv2d::default() };
    let expected = direct(&x, &w, None, &conv);
    let turned = x.view().permuted_axes([1, 0, 3, 2]).as_standard_layout().into_owned();
    let mut found = Array4::zeros((2, 8, 6, 5));
    let x = turned.view().permuted_axes([1, 0, 3, 2]);
    conv2d_f32(x, w.view(), None, &conv, None, found.slice_mut(s![.., ..;2, .., ..])).unwrap();
    assert_eq!(found.slice(s![.., ..;2, .., ..]), expected);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, w) = (numbers((1, 2, 4, 4), 1), numbers((3, 2, 3, 3), 2));
    let conv = Conv2d::default();
    let mut out = Array4::zeros((1, 3, 2, 2));
    let error =
        conv2d_f32(x.view(), w.view(), Some(&[0.0]), &conv, None, out.view_mut()).unwrap_err();
    assert_eq!(error, ConvError::Bias { outputs: 3, found: 1 });
    assert_eq!(error.to_string(), "there are 3 output channels and 1 biases");
    let mut small = Array4::zeros((1, 3, 2, 1));
    let error = conv2d_f32(x.view(), w.view(), None, &conv, None, small.view_mut()).unwrap_err();
    assert!(matches!(error, ConvError::OutputShape { .. }));
    let narrow = numbers((3, 1, 3, 3), 2);
    let error = conv2d_f32(x.view(), narrow.view(), None, &conv, None, out.view_mut()).unwrap_err();
    assert!(matches!(error, ConvError::Shape(_)));
}
