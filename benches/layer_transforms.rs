//! What prepares a layer for rounding, at 576x576 and 2048x2048 (outputs x inputs): scales, equalization, low rank, and
//! learned rounding at the smaller size alone. A quick run takes the smaller size, without learned rounding.

mod support;

use std::hint::black_box;

use fewbit::algorithms::equalize::{
    AwqParams, MagrParams, SmoothParams, awq_scale, magr, smoothquant,
};
use fewbit::algorithms::learned::{AdaroundParams, LayerObjective, Target, adaround};
use fewbit::algorithms::lowrank::{SvdQuantParams, svd_quant};
use fewbit::algorithms::random::Normal;
use fewbit::algorithms::rotate::Rotation;
use fewbit::algorithms::scale::{
    Codebook, Importance, absmax_scales, piso_scales, quantizer_scales,
};
use fewbit::algorithms::{AlgorithmError, Collector, Grid, Precision, Statistics};
use fewbit::formats::Format;
use fewbit::quantize::{HqoScale, MseSearch, ScaleSource, Statistic};
use ndarray::{Array2, ArrayView2};
use support::{Bench, Contestant, Unit};

fn normal(seed: u64, rows: usize, cols: usize) -> Array2<f32> {
    let normal = Normal::new(seed, 1);
    Array2::from_shape_fn((rows, cols), |(i, j)| normal.at((i * cols + j) as u64) as f32)
}

fn statistics(inputs: usize) -> Result<Statistics, AlgorithmError> {
    let mut collector = Collector::new(inputs, 1, Precision::Single)?;
    collector.push(normal(2, 2 * inputs, inputs).view())?;
    Ok(collector.finish())
}

/// Values of the nearest `int4` codes with absmax scales.
fn nearest(w: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
    let codebook = Codebook::of_format(Format::INT4N)?;
    let scale = absmax_scales(w, w.ncols(), &codebook)?;
    let mut values = w.to_owned();
    for (mut row, &s) in values.rows_mut().into_iter().zip(&scale) {
        row.mapv_inplace(|w| (w / s).round_ties_even().clamp(-7.0, 7.0) * s);
    }
    Ok(values)
}

fn layer(b: &Bench, n: usize) -> Result<(), AlgorithmError> {
    let w = normal(1, n, n);
    let statistics = statistics(n)?;
    let gram = &statistics.grams[0].h / statistics.samples as f64;
    let mean = &statistics.float.abs_sum / statistics.samples as f64;
    let int4 = Codebook::of_format(Format::INT4N)?;
    let mse = ScaleSource::Mse(MseSearch::grid(Statistic::AbsMax));
    let hqo = ScaleSource::Hqo(HqoScale::per_group());
    let bench = |name: &str, job: &mut (dyn FnMut() + Send)| {
        b.race(&n.to_string(), Unit::Seconds, vec![Contestant::ours(name, 1, job)]);
    };
    bench("rotate", &mut || {
        black_box(Rotation::random_hadamard(n, 1).and_then(|r| r.rotate(w.view()))).ok();
    });
    bench("smoothquant", &mut || {
        let abs_max = statistics.float.abs_max.view();
        black_box(smoothquant(&[w.view()], abs_max, &SmoothParams::default())).ok();
    });
    bench("scale/mse", &mut || {
        black_box(quantizer_scales(w.view(), n, Format::INT4N, mse.clone())).ok();
    });
    bench("scale/piso", &mut || {
        black_box(piso_scales(w.view(), n, &int4, Importance::Equal)).ok();
    });
    bench("scale/hqo", &mut || {
        black_box(quantizer_scales(w.view(), n, Format::INT4N, hqo.clone())).ok();
    });
    bench("awq", &mut || {
        black_box(awq_scale(w.view(), mean.view(), gram.view(), &AwqParams::default(), nearest))
            .ok();
    });
    bench("magr-20-steps", &mut || {
        black_box(magr(w.view(), gram.view(), &MagrParams { steps: 20, ..Default::default() }))
            .ok();
    });
    bench("svdquant-rank-32", &mut || {
        black_box(svd_quant(w.view(), &SvdQuantParams::default(), nearest)).ok();
    });
    if n > 1000 || b.is_quick() {
        return Ok(());
    }
    let scale = absmax_scales(w.view(), n, &int4)?;
    let grid = Grid::new(Format::INT4N, n, scale, None, n)?;
    let target = [Target { weights: w.view(), grid: &grid }];
    let calibration = LayerObjective::new(w.view(), &statistics)?;
    bench("adaround-100-steps", &mut || {
        let params = AdaroundParams { steps: 100, ..Default::default() };
        black_box(adaround(&target, &calibration, &params)).ok();
    });
    Ok(())
}

fn main() {
    let bench = Bench::from_args();
    let sizes: &[usize] = if bench.is_quick() { &[576] } else { &[576, 2048] };
    for &n in sizes {
        layer(&bench, n).unwrap_or_else(|error| panic!("{error}"));
    }
}
