//! Optimal scales against an oracle that tries every interval between breakpoints, and against each other.

use fewbit::algorithms::scale::{
    Codebook, Importance, absmax_scales, piso, piso_scales, quantizer_scales,
};
use fewbit::algorithms::{AlgorithmError, Grid};
use fewbit::formats::Format;
use fewbit::quantize::{Guard, HqoScale, MseSearch, ScaleSource, Statistic};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

use crate::data::{Matrices, Random};

/// `s² qᵀHq - 2 s qᵀGw` for a given q.
fn loss(s: f64, q: &[f64], w: &[f64], h: &Array2<f64>, g: &Array2<f64>) -> f64 {
    let (q, w) = (ndarray::aview1(q), ndarray::aview1(w));
    s * s * q.dot(&h.dot(&q)) - 2.0 * s * q.dot(&g.dot(&w))
}

/// By the definition: all breakpoints in any order, the nearest values at a point inside each interval, the vertex of the parabola
/// held to the interval.
fn oracle(w: &[f64], values: &[f64], h: &Array2<f64>, g: &Array2<f64>) -> Option<(f64, f64)> {
    let mut cuts = vec![0.0];
    for &w in w {
        for pair in values.windows(2) {
            let s = w / ((pair[0] + pair[1]) / 2.0);
            if s > 0.0 && s.is_finite() {
                cuts.push(s);
            }
        }
    }
    cuts.sort_by(f64::total_cmp);
    cuts.push(f64::INFINITY);
    let mut best: Option<(f64, f64)> = None;
    for pair in cuts.windows(2).filter(|pair| pair[0] < pair[1]) {
        let inside =
            if pair[1].is_finite() { (pair[0] + pair[1]) / 2.0 } else { pair[0] * 2.0 + 1.0 };
        let q: Vec<f64> = w
            .iter()
            .map(|w| {
                let distance = |v: &f64| (w / inside - v).abs();
                *values.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("values")
            })
            .collect();
        let (b, a) = (loss(1.0, &q, w, h, &(g * 0.0)), loss(1.0, &q, w, &(h * 0.0), g) / -2.0);
        if b <= 0.0 || a <= 0.0 {
            continue;
        }
        let s = (a / b).clamp(pair[0], pair[1]);
        let value = loss(s, &q, w, h, g);
        if best.is_none_or(|(least, _)| value < least) {
            best = Some((value, s));
        }
    }
    best
}

/// The best of Brevitas's grid, or the absmax scale.
fn mse() -> ScaleSource {
    ScaleSource::Mse(MseSearch::grid(Statistic::AbsMax).with_guard(Guard::NeverWorse))
}

fn hqo(params: HqoScale) -> ScaleSource {
    ScaleSource::Hqo(params)
}

fn positive(random: &mut Random, n: usize) -> Array2<f64> {
    let x = random.matrix(n + 3, n).mapv(f64::from);
    x.t().dot(&x)
}

fn codebooks() -> Vec<Codebook> {
    let format = |f| Codebook::of_format(f).expect("narrow");
    vec![
        format(Format::INT4),
        format(Format::INT4N),
        format(Format::E2M1FN),
        format(Format::INT2),
        format(Format::BINARY),
        format(Format::UINT4),
        Codebook::new(vec![-2.5, -1.0, 0.25, 3.0]).expect("values"),
    ]
}

#[test]
fn piso_finds_the_least_loss_of_all_intervals() {
    let mut random = Random(11);
    for codebook in codebooks() {
        for n in [1, 2, 5, 12] {
            for _ in 0..6 {
                let mut w: Vec<f64> = (0..n).map(|_| f64::from(random.normal() as f32)).collect();
                if n > 3 {
                    // Ties between breakpoints, a zero.
                    w[1] = w[0];
                    w[2] = 0.0;
                    w[3] = -w[0];
                }
                let diagonal = Array1::from_shape_fn(n, |_| random.uniform() * 3.0);
                let (h, g) = (positive(&mut random, n), positive(&mut random, n));
                let eye = Array2::<f64>::eye(n);
                let spread = Array2::from_diag(&diagonal);
                let cases = [
                    (Importance::Equal, &eye, &eye),
                    (Importance::Diagonal(diagonal.view()), &spread, &spread),
                    (Importance::Full { h: h.view(), g: None }, &h, &h),
                    (Importance::Full { h: h.view(), g: Some(g.view()) }, &h, &g),
                ];
                for (importance, h, g) in cases {
                    let found = piso(&w, &codebook, importance).expect("finite");
                    let wanted = oracle(&w, codebook.values(), h, g);
                    let Some((value, s)) = wanted else {
                        assert_eq!((found.exact, found.loss, found.scale), (1.0, 0.0, 1.0));
                        continue;
                    };
                    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
                    assert!(close(found.loss, value), "{found:?} against {value} at {s} for {w:?}");
                    // The f32 is nearly as good, with the values that rounding to nearest gives.
                    let scale = f64::from(found.scale);
                    let q: Vec<f64> = w.iter().map(|w| codebook.nearest(w / scale)).collect();
                    let single = loss(scale, &q, &w, h, g);
                    assert!(
                        (single - value).abs() <= 1e-5 * (1.0 + value.abs()),
                        "{single} {value}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_oracle_objects_to_a_scale_that_is_not_optimal() {
    let w = [1.0, 0.1, 0.8];
    let eye = Array2::<f64>::eye(3);
    let (value, s) = oracle(&w, &[-1.0, 0.0, 1.0], &eye, &eye).expect("a scale");
    assert!((s - 0.9).abs() < 1e-15 && (value + 1.62).abs() < 1e-12);
    assert!(loss(0.95, &[1.0, 0.0, 1.0], &w, &eye, &eye) > value + 1e-3);
}

/// Squared error as the grid rounds, in f32.
fn grid_error(w: &Array2<f32>, format: Format, scale: &Array2<f32>, group: usize) -> Vec<f64> {
    let grid = Grid::new(format, w.ncols(), scale.clone(), None, group).expect("a grid");
    let mut errors = vec![0.0; w.nrows()];
    for ((row, col), &x) in w.indexed_iter() {
        let (mut code, mut value) = ([0], [0f32]);
        grid.round(row, col, &[x], &mut code, &mut value);
        errors[row] += (f64::from(x) - f64::from(value[0])).powi(2);
    }
    errors
}

#[test]
fn no_scale_is_worse_than_absmax_and_none_is_better_than_piso() {
    let mut random = Random(5);
    let w = random.matrix(24, 48).mapv(|x| x * x * x);
    for format in
        [Format::INT4, Format::INT4N, Format::INT2, Format::INT8, Format::E2M1FN, Format::E4M3FN]
    {
        let codebook = Codebook::of_format(format).expect("narrow");
        for group in [48, 16, 7] {
            let absmax = absmax_scales(w.view(), group, &codebook).expect("finite");
            let mse = quantizer_scales(w.view(), group, format, mse()).expect("finite");
            let piso = piso_scales(w.view(), group, &codebook, Importance::Equal).expect("finite");
            let [absmax, mse, piso] =
                [absmax, mse, piso].map(|scale| grid_error(&w, format, &scale, group));
            for row in 0..w.nrows() {
                let slack = 1.0 + 1e-5;
                assert!(mse[row] <= absmax[row] * slack, "{format} {group}");
                assert!(
                    piso[row] <= mse[row] * slack,
                    "{format} {group}: {} {}",
                    piso[row],
                    mse[row]
                );
            }
            let sum = |e: &[f64]| e.iter().sum::<f64>();
            if format == Format::INT4 {
                assert!(sum(&piso) < 0.99 * sum(&absmax), "the data have something to gain");
            }
        }
    }
}

#[test]
fn hqo_is_never_worse_than_absmax_in_mean_magnitude() {
    let mut random = Random(6);
    let w = random.matrix(16, 64).mapv(|x| x * x * x * 0.01);
    let codebook = Codebook::of_format(Format::INT4N).expect("narrow");
    let error = |scale: f32, row: usize| {
        let s = f64::from(scale);
        let each = w.row(row).mapv(|w| {
            let w = f64::from(w);
            (w - s * codebook.nearest(w / s)).abs()
        });
        each.sum()
    };
    let hqo =
        quantizer_scales(w.view(), 64, Format::INT4N, hqo(HqoScale::per_group())).expect("finite");
    let absmax = absmax_scales(w.view(), 64, &codebook).expect("finite");
    let mut better = 0;
    for row in 0..w.nrows() {
        let (a, b) = (error(hqo[[row, 0]], row), error(absmax[[row, 0]], row));
        assert!(a <= b);
        better += usize::from(a < b);
    }
    assert!(better >= 4, "{better} of 16 rows gained");
}

proptest! {
    #[test]
    fn piso_beats_any_scale(
        w in prop::collection::vec(-10.0f32..10.0, 1..20),
        s in 1e-3f64..20.0,
    ) {
        let codebook = Codebook::of_format(Format::INT4).expect("narrow");
        let w: Vec<f64> = w.into_iter().map(f64::from).collect();
        let best = piso(&w, &codebook, Importance::Equal).expect("finite");
        let q: Vec<f64> = w.iter().map(|w| codebook.nearest(w / s)).collect();
        let eye = Array2::<f64>::eye(w.len());
        prop_assert!(best.loss <= loss(s, &q, &w, &eye, &eye) + 1e-9);
    }
}

#[test]
fn bad_input_and_the_edges() {
    let int4 = Codebook::of_format(Format::INT4).expect("narrow");
    for bad in [f32::NAN, f32::INFINITY] {
        let w = array![[1.0, 2.0], [bad, 0.0]];
        let refused = |e: Result<Array2<f32>, AlgorithmError>| {
            matches!(e, Err(AlgorithmError::NotFinite { row: 1, col: 0, .. }))
        };
        assert!(refused(absmax_scales(w.view(), 2, &int4)));
        assert!(refused(quantizer_scales(w.view(), 2, Format::INT4, mse())));
        assert!(refused(quantizer_scales(w.view(), 2, Format::INT4, hqo(HqoScale::per_group()))));
        assert!(refused(piso_scales(w.view(), 2, &int4, Importance::Equal)));
        assert!(piso(&[bad.into()], &int4, Importance::Equal).is_err());
    }
    // Zeros, one row, one column, constant weights.
    for w in
        [Array2::<f32>::zeros((2, 3)), array![[1.5]], array![[1.0], [-2.0]], array![[3.0, 3.0]]]
    {
        for scale in [
            absmax_scales(w.view(), 2, &int4),
            quantizer_scales(w.view(), 2, Format::INT4, mse()),
            quantizer_scales(w.view(), 2, Format::INT4, hqo(HqoScale::per_group())),
            piso_scales(w.view(), 2, &int4, Importance::Equal),
        ] {
            let scale = scale.expect("a scale");
            assert_eq!(scale.dim(), (w.nrows(), w.ncols().div_ceil(2)));
            assert!(scale.iter().all(|s| *s > 0.0 && s.is_finite()), "{scale}");
        }
    }
    let zeros = Array2::<f32>::zeros((1, 2));
    assert_eq!(piso_scales(zeros.view(), 2, &int4, Importance::Equal), Ok(array![[1.0]]));
    // One weight is exact.
    let one = piso(&[1.5], &int4, Importance::Equal).expect("finite");
    assert!((one.loss + 2.25).abs() < 1e-12);
    // Numbers at the ends of f32.
    for tiny in [1e-44f32, 1e-38, 3e38] {
        let scale = piso_scales(array![[tiny, -tiny]].view(), 2, &int4, Importance::Equal);
        assert!(scale.is_ok_and(|s| s.iter().all(|s| *s > 0.0 && s.is_finite())));
    }
    assert!(piso_scales(Array2::zeros((0, 3)).view(), 1, &int4, Importance::Equal).is_err());
    assert!(piso_scales(zeros.view(), 0, &int4, Importance::Equal).is_err());
    let negative = array![1.0, -1.0];
    assert!(piso(&[1.0, 1.0], &int4, Importance::Diagonal(negative.view())).is_err());
    assert!(piso(&[1.0], &int4, Importance::Diagonal(negative.view())).is_err());
    let nan = array![[f64::NAN]];
    assert!(piso(&[1.0], &int4, Importance::Full { h: nan.view(), g: None }).is_err());
    for steps in [0, 1, 65] {
        let search = ScaleSource::Mse(MseSearch { steps, ..MseSearch::grid(Statistic::AbsMax) });
        assert!(quantizer_scales(zeros.view(), 2, Format::INT4, search).is_err());
    }
    assert!(quantizer_scales(zeros.view(), 0, Format::INT4, mse()).is_err());
    assert!(quantizer_scales(Array2::zeros((0, 3)).view(), 1, Format::INT4, mse()).is_err());
    for params in [
        HqoScale { p: 0.0, ..HqoScale::per_group() },
        HqoScale { p: f64::NAN, ..HqoScale::per_group() },
        HqoScale { beta: -1.0, ..HqoScale::per_group() },
        HqoScale { kappa: f64::INFINITY, ..HqoScale::per_group() },
    ] {
        assert!(quantizer_scales(zeros.view(), 2, Format::INT4, hqo(params)).is_err());
    }
    assert!(Codebook::new(vec![1.0]).is_err() && Codebook::new(vec![0.0, f64::NAN]).is_err());
    assert!(Codebook::of_format(Format::F32).is_err());
}
