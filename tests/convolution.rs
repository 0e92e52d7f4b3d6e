//! Convolutions equal the scalar reference in every value and field, and the reference equals direct sums.

use fewbit::{
    Accumulator, Conv2d, ConvError, ConvShapeError, Isa, MatmulOptions, ReportLevel, conv2d,
    reference,
};
use ndarray::{Array2, Array4};
use proptest::prelude::*;

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

fn array(shape: (usize, usize, usize, usize), seed: u64, low: i64, high: i64) -> Array4<i64> {
    let mut state = seed;
    Array4::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        low + (state >> 33) as i64 % (high - low + 1)
    })
}

fn wide(conv: Conv2d<u8>) -> Conv2d<i64> {
    let Conv2d { stride, padding, dilation, groups, padding_code } = conv;
    Conv2d { stride, padding, dilation, groups, padding_code: padding_code.into() }
}

fn check(x: &Array4<i64>, w: &Array4<i64>, conv: Conv2d<u8>, acc: &Accumulator) {
    let (values, report) = reference::conv2d(x.view(), w.view(), &wide(conv), acc).unwrap();
    let (x, w) = (x.mapv(|x| x as u8), w.mapv(|x| x as i8));
    for isa in Isa::available() {
        for level in [ReportLevel::None, ReportLevel::Events, ReportLevel::Full] {
            let options = MatmulOptions { report: level, isa: Some(isa), init: None };
            let product = conv2d(x.view(), w.view(), &conv, acc, &options).unwrap();
            assert_eq!(product.values, values, "{conv:?} through {acc} on {isa}");
            let expected =
                (level == ReportLevel::Full && !values.is_empty()).then(|| report.clone());
            assert_eq!(product.report, expected);
            if let Some(events) = product.events {
                for (found, stage) in events.iter().zip(&report.stages) {
                    let expected = (stage.events, stage.outputs, stage.first);
                    assert_eq!((found.events, found.outputs, found.first), expected);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_geometry(
        (n, c, o, groups) in (1usize..=2, 1usize..=3, 1usize..=3, 1usize..=3),
        (h, w) in (4usize..=9, 4usize..=9),
        (u, v) in (1usize..=3, 1usize..=3),
        stride in [1usize..=3, 1usize..=3],
        dilation in [1usize..=2, 1usize..=2],
        padding in [(0usize..=2, 0usize..=2), (0usize..=2, 0usize..=2)],
        padding_code in prop_oneof![Just(0u8), Just(128), any::<u8>()],
        text in prop_oneof![Just("int12-sat"), Just("int11-wrap"), Just("exact"), Just("int12-sat/5,int13-wrap")],
        seed in any::<u64>(),
    ) {
        let conv = Conv2d { stride, padding, dilation, groups, padding_code };
        let x = array((n, c * groups, h, w), seed, 0, 255);
        let weights = array((o * groups, c, u, v), !seed, -128, 127);
        prop_assume!((u - 1) * dilation[0] < h && (v - 1) * dilation[1] < w);
        check(&x, &weights, conv, &acc(text));
    }
}

/// Every output starts from its own value, in the order in which reports name them.
#[test]
fn initial_values_by_output() {
    // 1x1 kernels: output o of image n is x * w, two images, two groups of one output.
    let x = Array4::from_shape_vec((2, 2, 1, 2), vec![1u8, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let w = Array4::from_shape_vec((2, 1, 1, 1), vec![10i8, -1]).unwrap();
    let conv = Conv2d { groups: 2, ..Conv2d::default() };
    let init = Array2::from_shape_vec((4, 2), vec![100, 0, 0, 1, 0, 0, -120, 0]).unwrap();
    for report in [ReportLevel::None, ReportLevel::Full] {
        let options = MatmulOptions { report, isa: None, init: Some(init.view()) };
        let product = conv2d(x.view(), w.view(), &conv, &acc("int8-sat"), &options).unwrap();
        let (values, _) = product.values.into_raw_vec_and_offset();
        assert_eq!(values, [110, 20, -3, 1 - 4, 50, 60, -127, -8]);
    }
    let short = Array2::zeros((3, 2));
    let options = MatmulOptions { init: Some(short.view()), ..MatmulOptions::default() };
    let error = conv2d(x.view(), w.view(), &conv, &acc("int8-sat"), &options).unwrap_err();
    assert_eq!(error.to_string(), "the starting values are 3x2, and the result is 4x2");
}

/// By hand: 1x4 input, kernel [1, 10], stride 2, dilation 2, the zero point 5 at both ends.
#[test]
fn the_reference_by_hand() {
    let x = Array4::from_shape_vec((1, 1, 1, 4), vec![1, 2, 3, 4]).unwrap();
    let w = Array4::from_shape_vec((1, 1, 1, 2), vec![1, 10]).unwrap();
    let conv = Conv2d {
        stride: [1, 2],
        dilation: [1, 2],
        padding: [(0, 0), (1, 1)],
        padding_code: 5,
        ..Conv2d::default()
    };
    let (y, report) = reference::conv2d(x.view(), w.view(), &conv, &acc("exact")).unwrap();
    // 5 . [1] 2 ... : positions -1 and 1; then 1 and 3.
    assert_eq!(y.into_raw_vec_and_offset().0, [5 + 10 * 2, 2 + 10 * 4]);
    assert_eq!(report.stages[0].max, 42);
}

/// With the zero point as padding code, subtracting the zero point's share gives the convolution of the numbers.
#[test]
fn the_padding_code_stands_for_zero() {
    let (zero_point, shape) = (77, (1, 2, 6, 5));
    let x = array(shape, 5, 0, 255);
    let w = array((3, 2, 3, 3), 6, -8, 7);
    let padding = [(1, 1); 2];
    let codes = Conv2d { padding, padding_code: zero_point, ..Conv2d::default() };
    let (y, _) = reference::conv2d(x.view(), w.view(), &codes, &acc("exact")).unwrap();
    let zero = Conv2d { padding, ..Conv2d::default() };
    let numbers = x.mapv(|x| x - zero_point);
    let (expected, _) = reference::conv2d(numbers.view(), w.view(), &zero, &acc("exact")).unwrap();
    for ((n, o, i, j), &y) in y.indexed_iter() {
        let share: i64 = w.slice(ndarray::s![o, .., .., ..]).iter().sum::<i64>() * zero_point;
        assert_eq!(y - share, expected[[n, o, i, j]]);
    }
}

#[test]
fn bad_shapes_are_named() {
    let (x, w) = (Array4::<u8>::zeros((1, 4, 5, 5)), Array4::<i8>::zeros((6, 2, 3, 3)));
    let run = |conv: Conv2d<u8>| {
        conv2d(x.view(), w.view(), &conv, &acc("exact"), &MatmulOptions::default()).unwrap_err()
    };
    let zero = |what| ConvError::Shape(ConvShapeError::Zero(what));
    let two = Conv2d { groups: 2, ..Conv2d::default() };
    assert_eq!(
        run(Conv2d::default()).to_string(),
        "the input has 4 channels, and weights of 2 input channels in 1 groups need 2"
    );
    assert_eq!(run(Conv2d { groups: 0, ..two }), zero("the number of groups"));
    assert_eq!(run(Conv2d { stride: [0, 1], ..two }), zero("a stride"));
    assert_eq!(run(Conv2d { dilation: [1, 0], ..two }), zero("a dilation"));
    assert_eq!(
        run(Conv2d { dilation: [3, 1], ..two }).to_string(),
        "a kernel that spans 7 rows does not fit an input of 5 with its padding"
    );
}
