//! Rotations leave the layer's output alone, and the descent over them finds the closed-form optimum.

use fewbit::algorithms::rotate::{CayleyParams, Orders, Rotation, cayley_sgd};
use fewbit::algorithms::scale::{Codebook, absmax_scales};
use fewbit::algorithms::{AlgorithmError, Collector, GptqParams, Grid, Precision, Problem, gptq};
use fewbit::formats::Format;
use ndarray::{Array2, array, s};

use crate::data::{Layer, Matrices, Random, channel_scales, relative_error};

fn departure(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    (a - b).fold(0f64, |w, x| w.max(x.abs()))
}

fn rotations() -> Vec<(&'static str, Rotation)> {
    let made = |r: Result<Rotation, AlgorithmError>| r.expect("a rotation");
    vec![
        ("hadamard 24", made(Rotation::hadamard(24))),
        ("random hadamard 64", made(Rotation::random_hadamard(64, 3))),
        ("random hadamard 172", made(Rotation::random_hadamard(172, 3))),
        ("orthogonal 33", made(Rotation::random_orthogonal(33, 5))),
        ("mx groups", made(Rotation::random_hadamard(32, 1).and_then(|r| r.per_group(96)))),
        ("dense groups", made(Rotation::random_orthogonal(16, 1).and_then(|r| r.per_group(48)))),
        ("expansion", made(Rotation::expansion(32, 2, Orders::Published, Some(4)))),
        ("expansion to all", made(Rotation::expansion(30, 1, Orders::All, None))),
        ("padded", made(Rotation::random_orthogonal(9, 2).and_then(|r| r.padded(7)))),
    ]
}

#[test]
fn outputs_stay_and_the_way_back_is_the_transpose() {
    let mut random = Random(3);
    for (name, rotation) in rotations() {
        let (n, wide) = (rotation.inputs(), rotation.outputs());
        let r = rotation.matrix().expect("R");
        assert_eq!(r.dim(), (n, wide));
        assert!(departure(&r.dot(&r.t()), &Array2::eye(n)) < 1e-13, "{name}");
        let x = random.matrix(11, n).mapv(f64::from);
        let w = random.matrix(5, n).mapv(f64::from);
        let (xr, wr) =
            (rotation.rotate(x.view()).expect("fits"), rotation.rotate(w.view()).expect("fits"));
        assert!(departure(&xr, &x.dot(&r)) < 1e-12, "{name}");
        assert!(departure(&xr.dot(&wr.t()), &x.dot(&w.t())) < 1e-11, "{name}");
        assert!(departure(&rotation.unrotate(xr.view()).expect("fits"), &x) < 1e-12, "{name}");
        // From the left.
        let p = random.matrix(n, 6).mapv(f64::from);
        let rotated = rotation.rotate_outputs(p.view()).expect("fits");
        assert!(departure(&rotated, &r.t().dot(&p)) < 1e-12, "{name}");
        assert!(departure(&rotation.unrotate_outputs(rotated.view()).expect("fits"), &p) < 1e-12);
        let gram = rotation.rotate_gram(x.t().dot(&x).view()).expect("fits");
        assert!(departure(&gram, &xr.t().dot(&xr)) < 1e-10, "{name}");
        // f32 as well.
        let single = rotation.rotate(x.mapv(|x| x as f32).view()).expect("fits").mapv(f64::from);
        assert!(departure(&single, &xr) < 1e-5, "{name}");
        if n == wide {
            let mut in_place = x.clone();
            rotation.rotate_in_place(in_place.view_mut()).expect("square");
            assert_eq!(in_place, xr);
        } else {
            assert!(rotation.rotate_in_place(x.clone().view_mut()).is_err());
        }
        assert!(rotation.rotate(Array2::<f32>::zeros((2, n + 1)).view()).is_err());
        assert!(rotation.unrotate(Array2::<f32>::zeros((2, wide + 1)).view()).is_err());
        assert!(rotation.rotate_outputs(Array2::<f32>::zeros((n + 1, 2)).view()).is_err());
        assert!(rotation.unrotate_outputs(Array2::<f32>::zeros((wide + 1, 2)).view()).is_err());
    }
}

#[test]
fn seeds_repeat_and_differ() {
    let r = |seed| Rotation::random_hadamard(64, seed).and_then(|r| r.matrix()).expect("R");
    assert_eq!(r(1), r(1));
    assert_ne!(r(1), r(2));
    let q = |seed| Rotation::random_orthogonal(8, seed).and_then(|r| r.matrix()).expect("R");
    assert_eq!(q(1), q(1));
    assert_ne!(q(1), q(2));
}

/// Haar: the trace of a random orthogonal matrix has mean 0 and variance 1, and both determinants occur.
#[test]
fn random_orthogonal_matrices_are_spread_evenly() {
    let count = 2000;
    let traces: Vec<f64> = (0..count)
        .map(|seed| {
            let r = Rotation::random_orthogonal(4, seed).and_then(|r| r.matrix()).expect("R");
            r.diag().sum()
        })
        .collect();
    let mean = traces.iter().sum::<f64>() / count as f64;
    let variance = traces.iter().map(|t| t * t).sum::<f64>() / count as f64;
    // Four standard deviations of both estimates.
    assert!(mean.abs() < 4.0 / (count as f64).sqrt(), "{mean}");
    assert!((variance - 1.0).abs() < 4.0 * 1.5 / (count as f64).sqrt(), "{variance}");
}

#[test]
fn what_is_not_a_rotation_is_refused() {
    assert!(matches!(
        Rotation::dense(array![[1.0, 0.0], [0.0, 1.001]]),
        Err(AlgorithmError::Parameter { value, .. }) if (value - 0.002_001).abs() < 1e-9
    ));
    assert!(matches!(
        Rotation::dense(array![[f64::NAN]]),
        Err(AlgorithmError::Parameter { value, .. }) if value.is_nan()
    ));
    let hidden = array![[1.0, 0.0], [f64::NAN, 1.0]];
    assert!(Rotation::dense(hidden).is_err());
    assert!(Rotation::dense(array![[1.0, 0.0]]).is_err());
    assert!(Rotation::dense(Array2::zeros((0, 0))).is_err());
    assert!(Rotation::dense(array![[0.6, 0.8], [0.8, -0.6]]).is_ok());
    assert!(Rotation::random_orthogonal(0, 1).is_err());
    assert!(Rotation::hadamard(0).is_err() && Rotation::hadamard(22).is_err());
    let eight = || Rotation::hadamard(8).expect("known");
    assert!(eight().per_group(12).is_err() && eight().per_group(0).is_err());
    assert!(eight().padded(9).is_err() && eight().padded(0).is_err());
    assert!(eight().padded(7).and_then(|r| r.per_group(16)).is_err());
    assert_eq!(Rotation::hadamard(1).and_then(|r| r.matrix()), Ok(array![[1.0]]));
}

#[test]
fn nan_and_infinities_stay_in_their_block() {
    let rotation = Rotation::hadamard(4).and_then(|r| r.per_group(8)).expect("known");
    let x = array![[f32::NAN, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]];
    let y = rotation.rotate(x.view()).expect("fits");
    assert!(y.slice(s![0, ..4]).iter().all(|x| x.is_nan()));
    assert_eq!(y.slice(s![0, 4..]), array![2.0, 0.0, 0.0, 0.0]);
}

/// Orthogonal Procrustes: `min |A R - B|` over R has the solution `U Vᵀ` of `AᵀB = U S Vᵀ` and the value
/// `|A|² + |B|² - 2 tr S`.
#[test]
fn cayley_descent_solves_the_orthogonal_procrustes_problem() {
    for seed in 0..5u64 {
        let n = 6;
        // U and V with a known singular value decomposition between them.
        let q = |k: u64| Rotation::random_orthogonal(n, 10 * seed + k).and_then(|r| r.matrix());
        let (u, v) = (q(1).expect("R"), q(2).expect("R"));
        let singular = Array2::from_diag(&array![3.0, 2.5, 2.0, 1.5, 1.2, 1.0]);
        let optimum = u.dot(&v.t());
        // Start on the optimum's side: both determinants alike.
        let turn = q(3).expect("R");
        let same_side = determinant(&turn) * determinant(&optimum) > 0.0;
        let mut start = turn;
        if !same_side {
            start.row_mut(0).mapv_inplace(|x| -x);
        }
        // A = I and B = U S Vᵀ.
        let b = u.dot(&singular).dot(&v.t());
        let least = n as f64 + (&b * &b).sum() - 2.0 * singular.diag().sum();
        let params = CayleyParams { rate: 0.1, momentum: 0.5, steps: 600, ..Default::default() };
        let (x, info) = cayley_sgd(start.view(), &params, |x, _| {
            let difference = &x - &b;
            ((&difference * &difference).sum(), difference * 2.0)
        })
        .expect("finite");
        assert!(departure(&x.dot(&x.t()), &Array2::eye(n)) < 1e-12);
        let loss = info.losses[info.best];
        assert!(
            (loss - least).abs() < 1e-8 * least.max(1.0),
            "seed {seed}: {loss} against {least}"
        );
        assert!(departure(&x, &optimum) < 1e-4, "seed {seed}: {}", departure(&x, &optimum));
        assert!(loss <= info.losses[0]);
    }
}

/// By elimination with pivots.
fn determinant(m: &Array2<f64>) -> f64 {
    let mut a = m.clone();
    let mut product = 1.0;
    for j in 0..a.nrows() {
        let pivot = (j..a.nrows()).max_by(|&p, &q| a[[p, j]].abs().total_cmp(&a[[q, j]].abs()));
        let pivot = pivot.expect("a row");
        if pivot != j {
            product = -product;
            let (mut x, mut y) = a.multi_slice_mut((s![pivot, ..], s![j, ..]));
            x.iter_mut().zip(&mut y).for_each(|(x, y)| std::mem::swap(x, y));
        }
        product *= a[[j, j]];
        for i in j + 1..a.nrows() {
            let factor = a[[i, j]] / a[[j, j]];
            let row = a.row(j).to_owned();
            a.row_mut(i).scaled_add(-factor, &row);
        }
    }
    product
}

#[test]
fn tall_matrices_stay_orthonormal_and_bad_input_is_refused() {
    // The leading eigenvectors of a diagonal matrix: max tr(XᵀDX) = 9 + 5.
    let d = Array2::from_diag(&array![1.0, 9.0, 0.5, 5.0, 2.0]);
    let start = Rotation::random_orthogonal(5, 8).and_then(|r| r.matrix()).expect("R");
    let start = start.slice(s![.., ..2]);
    let params = CayleyParams { rate: 0.05, momentum: 0.3, steps: 800, ..Default::default() };
    let (x, info) = cayley_sgd(start, &params, |x, _| {
        let image = d.dot(&x);
        (-(&x * &image).sum(), image * -2.0)
    })
    .expect("finite");
    assert!(departure(&x.t().dot(&x), &Array2::eye(2)) < 1e-12);
    assert!((info.losses[info.best] + 14.0).abs() < 1e-8, "{}", info.losses[info.best]);

    let params = CayleyParams::default();
    let eye = Array2::<f64>::eye(3);
    let nan = cayley_sgd(eye.view(), &params, |x, _| (f64::NAN, x.to_owned()));
    assert!(matches!(nan, Err(AlgorithmError::Parameter { name: "the loss", .. })));
    let shape = cayley_sgd(eye.view(), &params, |_, _| (0.0, Array2::zeros((2, 3))));
    assert!(matches!(shape, Err(AlgorithmError::Shape { .. })));
    let dependent = cayley_sgd(Array2::zeros((3, 3)).view(), &params, |x, _| (0.0, x.to_owned()));
    assert!(dependent.is_err());
    for bad in [
        CayleyParams { rate: 0.0, ..params },
        CayleyParams { rate: f64::NAN, ..params },
        CayleyParams { momentum: 1.0, ..params },
        CayleyParams { retract_every: 0, ..params },
    ] {
        assert!(cayley_sgd(eye.view(), &bad, |x, _| (0.0, x.to_owned())).is_err());
    }
}

/// Squared error of an INT4 round trip with one scale per row.
fn quantization_error(x: &Array2<f32>) -> f64 {
    let codebook = Codebook::of_format(Format::INT4N).expect("narrow");
    let scale = absmax_scales(x.view(), x.ncols(), &codebook).expect("finite");
    let mut error = 0.0;
    for (row, scale) in x.rows().into_iter().zip(&scale) {
        let s = f64::from(*scale);
        error +=
            row.mapv(|x| (f64::from(x) - s * codebook.nearest(f64::from(x) / s)).powi(2)).sum();
    }
    error
}

#[test]
fn rotations_spread_outliers() {
    let mut random = Random(12);
    let mut x = random.matrix(64, 128);
    x.column_mut(17).mapv_inplace(|x| x * 50.0);
    let before = quantization_error(&x);
    for rotation in [
        Rotation::hadamard(128),
        Rotation::random_hadamard(128, 1),
        Rotation::random_orthogonal(128, 1),
        Rotation::random_hadamard(32, 1).and_then(|r| r.per_group(128)),
    ] {
        let rotated = rotation.and_then(|r| r.rotate(x.view())).expect("fits");
        let after = quantization_error(&rotated);
        assert!(after < before / 2.0, "{after} against {before}");
    }
}

/// Error-correcting rounding uses the dimensions that an expansion adds.
#[test]
fn expansion_lowers_the_error_of_gptq() {
    let error = |rotation: &Rotation, layer: &Layer| {
        let (w, x) = (rotation.rotate(layer.weights.view()), rotation.rotate(layer.float.view()));
        let (w, x) = (w.expect("fits"), x.expect("fits"));
        let mut collector = Collector::new(x.ncols(), 1, Precision::Double).expect("inputs");
        collector.push(x.view()).expect("finite");
        let statistics = collector.finish();
        let int3: Format = "int3".parse().expect("a format");
        let scale = channel_scales(w.view(), 3.0).insert_axis(ndarray::Axis(1));
        let grid = Grid::new(int3, x.ncols(), scale, None, x.ncols()).expect("a grid");
        let problem =
            Problem { weights: w.view(), statistics: &statistics, grid: &grid, constraint: None };
        let q = gptq(&problem, &GptqParams::default()).expect("solvable").values;
        relative_error(&x, &x, &w, &q)
    };
    let mut mean = [0.0; 2];
    for seed in 0..6 {
        let layer = Layer::new(seed, 24, 64, 600, 0.0);
        let plain = Rotation::random_hadamard(64, seed).expect("known");
        let more = Rotation::expansion(64, 3, Orders::Published, Some(seed)).expect("known");
        assert_eq!(more.outputs(), 96);
        mean[0] += error(&plain, &layer) / 6.0;
        mean[1] += error(&more, &layer) / 6.0;
    }
    println!("plain {:.4} expanded {:.4}", mean[0], mean[1]);
    assert!(mean[1] < 0.9 * mean[0], "{mean:?}");
}

#[test]
fn larger_random_rotations_are_orthogonal_too() {
    for seed in 0..3 {
        let r = Rotation::random_orthogonal(200, seed).and_then(|r| r.matrix()).expect("R");
        assert!(departure(&r.dot(&r.t()), &Array2::eye(200)) < 1e-12);
    }
}
