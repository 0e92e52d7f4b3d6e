//! A low-rank part beside quantized weights.

use fewbit::algorithms::AlgorithmError;
use fewbit::algorithms::Grid;
use fewbit::algorithms::lowrank::{SvdQuantParams, svd_quant};
use fewbit::algorithms::scale::{Codebook, absmax_scales};
use fewbit::formats::Format;
use ndarray::{Array2, ArrayView2, array};

use crate::data::{Matrices, Random};

fn quantize(w: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
    let codebook = Codebook::of_format(Format::INT4)?;
    let cols = w.ncols();
    let grid = Grid::new(Format::INT4, cols, absmax_scales(w, cols, &codebook)?, None, cols)?;
    let mut values = Array2::zeros(w.dim());
    for ((row, col), x) in w.indexed_iter() {
        let (mut code, mut value) = ([0], [0f32]);
        grid.round(row, col, &[*x], &mut code, &mut value);
        values[[row, col]] = value[0];
    }
    Ok(values)
}

fn norm(m: &Array2<f32>) -> f64 {
    m.mapv(|x| f64::from(x).powi(2)).sum().sqrt()
}

/// Outliers along two directions.
fn weights() -> Array2<f32> {
    let mut random = Random(1);
    let (u, v) = (random.matrix(40, 2), random.matrix(2, 30));
    random.matrix(40, 30) * 0.1 + u.dot(&v) * 2.0
}

#[test]
fn outliers_of_low_rank_are_absorbed() {
    let w = weights();
    let plain = norm(&(&w - &quantize(w.view()).expect("fits"))) / norm(&w);
    let params = SvdQuantParams { rank: 2, iterations: 5, seed: 3 };
    let result = svd_quant(w.view(), &params, quantize).expect("fits");
    assert_eq!((result.left.dim(), result.right.dim()), ((40, 2), (2, 30)));
    assert_eq!(result.errors.len(), 5);
    let least = result.errors.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(result.errors[result.best], least);
    assert!(least < 0.2 * plain, "{least} {plain}");
    // The error is that of the values returned.
    let error = norm(&(&w - &result.values())) / norm(&w);
    assert!((error / least - 1.0).abs() < 1e-4, "{error} {least}");
    assert_eq!(result.quantized, quantize(result.residual.view()).expect("fits"));
    assert_eq!(result, svd_quant(w.view(), &params, quantize).expect("fits"));
    // The best approximation of rank 2 leaves nothing larger: power iteration on the residual against its Frobenius norm.
    assert!(norm(&result.residual) < 0.11 * (40.0f64 * 30.0).sqrt());
    let orthonormal = result.right.dot(&result.right.t()) - Array2::<f32>::eye(2);
    assert!(orthonormal.iter().all(|e| e.abs() < 1e-5));
}

#[test]
fn more_iterations_are_never_worse() {
    let w = weights();
    let mut before = f64::INFINITY;
    for iterations in [1, 2, 4, 8] {
        let params = SvdQuantParams { rank: 4, iterations, seed: 0 };
        let result = svd_quant(w.view(), &params, quantize).expect("fits");
        assert!(result.errors[result.best] <= before);
        before = result.errors[result.best];
    }
}

#[test]
fn edges_and_bad_input() {
    let params = SvdQuantParams::default();
    // A rank above both sides: nothing is left to quantize but rounding.
    let w = array![[3.0f32, 1.0], [1.0, 2.0]];
    let full = svd_quant(w.view(), &params, quantize).expect("fits");
    assert!(full.errors[0] < 1e-6 && full.left.dim() == (2, 2));
    let none = svd_quant(w.view(), &SvdQuantParams { rank: 0, ..params }, quantize).expect("fits");
    assert_eq!((none.residual, none.quantized), (w.clone(), quantize(w.view()).expect("fits")));
    for w in
        [Array2::<f32>::zeros((2, 3)), array![[2.0]], array![[1.0, -2.0]], array![[1.0], [5.0]]]
    {
        let result = svd_quant(w.view(), &params, quantize).expect("fits");
        assert!(result.errors[0] < 1e-6, "{w}: {}", result.errors[0]);
    }
    let nan = svd_quant(array![[1.0, f32::NAN]].view(), &params, quantize);
    assert!(matches!(nan, Err(AlgorithmError::NotFinite { col: 1, .. })));
    assert!(svd_quant(Array2::zeros((0, 1)).view(), &params, quantize).is_err());
    assert!(svd_quant(w.view(), &SvdQuantParams { iterations: 0, ..params }, quantize).is_err());
    let refusing = |_: ArrayView2<'_, f32>| Err(AlgorithmError::NoSamples);
    assert_eq!(svd_quant(w.view(), &params, refusing), Err(AlgorithmError::NoSamples));
}
