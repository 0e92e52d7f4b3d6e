//! Equalization leaves the float function alone, and no objective rises.

use fewbit::algorithms::equalize::{
    AwqParams, ChainLayer, ClipParams, CrossLayerParams, MagrParams, Range, ScaleValues,
    SmoothParams, awq_clip, awq_scale, correct_bias, correct_bias_from_data, equalize_layers, magr,
    output_error, smoothquant, split_channels, split_outputs,
};
use fewbit::algorithms::scale::{Codebook, absmax_scales};
use fewbit::algorithms::{AlgorithmError, Grid};
use fewbit::formats::Format;
use ndarray::{Array1, Array2, ArrayView2, Axis, array, s};

use crate::data::{Matrices, Random};

fn product(x: &Array2<f32>, w: &Array2<f32>) -> Array2<f64> {
    x.mapv(f64::from).dot(&w.mapv(f64::from).t())
}

fn departure(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let scale = b.fold(0f64, |w, x| w.max(x.abs()));
    (a - b).fold(0f64, |w, x| w.max(x.abs())) / scale
}

/// Four-bit rounding to nearest with absmax scales per group.
fn quantize(w: ArrayView2<'_, f32>, group: usize) -> Result<Array2<f32>, AlgorithmError> {
    let codebook = Codebook::of_format(Format::INT4N)?;
    let grid =
        Grid::new(Format::INT4N, w.ncols(), absmax_scales(w, group, &codebook)?, None, group)?;
    let mut values = Array2::zeros(w.dim());
    for ((row, col), x) in w.indexed_iter() {
        let (mut code, mut value) = ([0], [0f32]);
        grid.round(row, col, &[*x], &mut code, &mut value);
        values[[row, col]] = value[0];
    }
    Ok(values)
}

/// Inputs with some large channels.
fn inputs(random: &mut Random, samples: usize, n: usize) -> Array2<f32> {
    let mut x = random.matrix(samples, n);
    for j in (0..n).step_by(7) {
        x.column_mut(j).mapv_inplace(|x| x * 30.0);
    }
    x
}

fn gram(x: &Array2<f32>) -> Array2<f64> {
    let x = x.mapv(f64::from);
    x.t().dot(&x)
}

#[test]
fn smoothing_keeps_the_product_and_evens_out_the_ranges() {
    let mut random = Random(1);
    let x = inputs(&mut random, 40, 21);
    let (w, other) = (random.matrix(9, 21), random.matrix(4, 21));
    let abs_max = x.fold_axis(Axis(0), 0f64, |m, x| m.max(f64::from(x.abs())));
    for alpha in [0.0, 0.3, 0.5, 1.0] {
        for values in [ScaleValues::Any, ScaleValues::PowersOfTwo] {
            let params = SmoothParams { alpha, values };
            let smoothing =
                smoothquant(&[w.view(), other.view()], abs_max.view(), &params).expect("fits");
            let (ws, xs) = (
                smoothing.weights(w.view()).expect("fits"),
                smoothing.inputs(x.view()).expect("fits"),
            );
            match values {
                // Every product is the same number.
                ScaleValues::PowersOfTwo => assert_eq!(product(&xs, &ws), product(&x, &w)),
                ScaleValues::Any => assert!(departure(&product(&xs, &ws), &product(&x, &w)) < 1e-6),
            }
            let h = smoothing.gram(gram(&x).view()).expect("fits");
            assert!(departure(&h, &gram(&xs)) < 1e-6);
            if values == ScaleValues::Any && alpha == 0.5 {
                let both = ndarray::concatenate![
                    Axis(0),
                    ws,
                    smoothing.weights(other.view()).expect("fits")
                ];
                for j in 0..21 {
                    let most = |m: &Array2<f32>| m.column(j).fold(0f32, |m, x| m.max(x.abs()));
                    assert!((most(&both) / most(&xs) - 1.0).abs() < 1e-5);
                }
            }
        }
    }
    // Fused into the layer before.
    let (mut producer, mut bias) =
        (random.matrix(21, 5), Array1::from_vec(random.matrix(1, 21).into_raw_vec_and_offset().0));
    let params = SmoothParams { values: ScaleValues::PowersOfTwo, ..Default::default() };
    let smoothing = smoothquant(&[w.view()], abs_max.view(), &params).expect("fits");
    let z = random.matrix(7, 5);
    let before = (z.dot(&producer.t()) + &bias).dot(&w.t());
    smoothing.scale_producer(producer.view_mut(), Some(&mut bias)).expect("fits");
    let after = (z.dot(&producer.t()) + &bias).dot(&smoothing.weights(w.view()).expect("fits").t());
    assert!(departure(&after.mapv(f64::from), &before.mapv(f64::from)) < 1e-6);
}

#[test]
fn smoothing_refuses_bad_input_and_leaves_dead_channels() {
    let w = array![[0.0f32, 1.0, 2.0], [0.0, -3.0, 1.0]];
    let params = SmoothParams::default();
    let smoothing = smoothquant(&[w.view()], array![5.0, 0.0, 8.0].view(), &params).expect("fits");
    assert_eq!(smoothing.scale, array![1.0, 1.0, 2.0]);
    let refused =
        |maxima: Array1<f64>, params| smoothquant(&[w.view()], maxima.view(), &params).is_err();
    assert!(refused(array![1.0, f64::NAN, 1.0], params));
    assert!(refused(array![1.0, f64::INFINITY, 1.0], params));
    assert!(refused(array![1.0, -1.0, 1.0], params));
    assert!(refused(array![1.0, 1.0], params));
    assert!(refused(array![1.0, 1.0, 1.0], SmoothParams { alpha: 1.5, ..params }));
    assert!(refused(array![1.0, 1.0, 1.0], SmoothParams { alpha: f64::NAN, ..params }));
    assert!(smoothquant(&[], array![1.0].view(), &params).is_err());
    let nan = array![[f32::NAN]];
    assert!(smoothquant(&[nan.view()], array![1.0].view(), &params).is_err());
    // The ends of f32 stay positive and finite, both ways.
    let tiny = array![[1e-44f32]];
    let extreme =
        smoothquant(&[tiny.view()], array![3e38].view(), &SmoothParams { alpha: 1.0, ..params });
    assert!(extreme.is_ok_and(|s| s.scale.iter().all(|s| s.is_finite() && (1.0 / s) > 0.0)));
}

fn chain(random: &mut Random) -> Vec<ChainLayer> {
    [(12, 8), (10, 12), (6, 10)]
        .map(|(rows, cols)| ChainLayer {
            // Ranges that differ by orders of magnitude.
            weights: Array2::from_shape_fn((rows, cols), |(i, _)| {
                (random.normal() * 2f64.powi(i as i32 - 5)) as f32
            }),
            bias: Some(Array1::from_shape_fn(rows, |_| random.normal() as f32)),
        })
        .to_vec()
}

fn run(layers: &[ChainLayer], x: &Array2<f32>) -> Array2<f64> {
    let mut x = x.mapv(f64::from);
    for (index, layer) in layers.iter().enumerate() {
        x = x.dot(&layer.weights.mapv(f64::from).t());
        if let Some(bias) = &layer.bias {
            x += &bias.mapv(f64::from);
        }
        if index + 1 < layers.len() {
            x.mapv_inplace(|x| x.max(0.0));
        }
    }
    x
}

#[test]
fn cross_layer_equalization_keeps_the_function() {
    let mut random = Random(2);
    let x = random.matrix(15, 8);
    for values in [ScaleValues::Any, ScaleValues::PowersOfTwo] {
        for range in [Range::AbsMax, Range::MaxMin] {
            let original = chain(&mut random);
            let mut layers = original.clone();
            let params = CrossLayerParams { values, range, sweeps: 50, ..Default::default() };
            let info = equalize_layers(&mut layers, &params).expect("fits");
            let (before, after) = (run(&original, &x), run(&layers, &x));
            match values {
                ScaleValues::PowersOfTwo => assert_eq!(after, before),
                ScaleValues::Any => {
                    assert!(departure(&after, &before) < 1e-5);
                    // Converged: ranges on both sides of every channel within the threshold.
                    assert!(info.changes.last().is_some_and(|c| *c < 0.05), "{:?}", info.changes);
                }
            }
            assert_eq!(info.factors.len(), 2);
            assert_ne!(layers, original);
        }
    }
}

/// For one pair, `sum (c r₁)² + (r₂ / c)²` is least at the factors chosen.
#[test]
fn one_pair_is_equalized_in_one_sweep() {
    let mut random = Random(3);
    let mut layers = chain(&mut random)[..2].to_vec();
    let objective = |layers: &[ChainLayer], factors: Option<(usize, f32)>| -> f64 {
        (0..12)
            .map(|i| {
                let c = factors.map_or(1.0, |(at, c)| if at == i { c } else { 1.0 });
                let most = |w: ndarray::ArrayView1<'_, f32>| w.fold(0f32, |m, w| m.max(w.abs()));
                let (r1, r2) =
                    (most(layers[0].weights.row(i)) * c, most(layers[1].weights.column(i)) / c);
                f64::from(r1).powi(2) + f64::from(r2).powi(2)
            })
            .sum()
    };
    let before = objective(&layers, None);
    let params = CrossLayerParams { sweeps: 1, ..Default::default() };
    equalize_layers(&mut layers, &params).expect("fits");
    let after = objective(&layers, None);
    assert!(after < before);
    for i in 0..12 {
        assert!(
            objective(&layers, Some((i, 1.1))) > after
                && objective(&layers, Some((i, 0.9))) > after
        );
    }
}

#[test]
fn cross_layer_equalization_refuses_bad_input_untouched() {
    let good = ChainLayer { weights: array![[1.0, 2.0]], bias: None };
    let params = CrossLayerParams::default();
    let mut one = [good.clone()];
    assert!(equalize_layers(&mut one, &params).is_err());
    let mut misfit = [good.clone(), good.clone()];
    assert!(matches!(equalize_layers(&mut misfit, &params), Err(AlgorithmError::Shape { .. })));
    let sink = |w| ChainLayer { weights: w, bias: None };
    let mut nan = [good.clone(), sink(array![[f32::NAN]])];
    assert!(matches!(equalize_layers(&mut nan, &params), Err(AlgorithmError::NotFinite { .. })));
    assert_eq!(nan[0], good);
    let mut bias =
        [ChainLayer { bias: Some(array![1.0, 2.0]), ..good.clone() }, sink(array![[1.0]])];
    assert!(equalize_layers(&mut bias, &params).is_err());
    let mut zero = [sink(array![[0.0, 0.0]]), sink(array![[4.0]])];
    let info = equalize_layers(&mut zero, &params).expect("dead channels are left alone");
    assert_eq!((info.changes, zero[1].weights[[0, 0]]), (vec![0.0], 4.0));
}

#[test]
fn splitting_keeps_the_product_exactly_and_lowers_the_maximum() {
    let mut random = Random(4);
    let (w, x) = (random.matrix(6, 10), random.matrix(8, 10));
    let split = split_channels(w.view(), 5).expect("finite");
    assert_eq!(split.weights.dim(), (6, 15));
    assert_eq!(split.merged(), w);
    let most = |m: &Array2<f32>| m.fold(0f32, |m, x| m.max(x.abs()));
    assert!(most(&split.weights) < most(&w));
    let xs = split.inputs(x.view()).expect("fits");
    assert!(departure(&product(&xs, &split.weights), &product(&x, &w)) < 1e-15);
    // Repeating the producer's rows makes the same inputs.
    let (producer, z) = (random.matrix(10, 3), random.matrix(8, 3));
    let bias = Array1::from_shape_fn(10, |i| i as f32);
    let (repeated, more) = split.producer(producer.view(), Some(bias.view())).expect("fits");
    let before = z.dot(&producer.t()) + &bias;
    let after = z.dot(&repeated.t()) + &more.expect("a bias");
    assert_eq!(after, split.inputs(before.view()).expect("fits"));
    assert!(split_channels(array![[f32::NAN]].view(), 1).is_err());
    assert!(split_channels(Array2::zeros((0, 2)).view(), 1).is_err());
    let zero = split_channels(Array2::zeros((1, 1)).view(), 2).expect("finite");
    assert_eq!((zero.weights, zero.source), (Array2::zeros((1, 3)), vec![0, 0, 0]));
    assert!(split.inputs(Array2::zeros((1, 9)).view()).is_err());
}

#[test]
fn awq_is_never_worse_than_no_scale_and_no_clip() {
    let mut random = Random(5);
    for group in [24, 8] {
        let x = inputs(&mut random, 60, 24);
        let w = random.matrix(10, 24);
        let h = gram(&x);
        let mean = x.mapv(|x| f64::from(x.abs())).mean_axis(Axis(0)).expect("samples");
        let q = |w: ArrayView2<'_, f32>| quantize(w, group);
        let plain =
            output_error(w.view(), q(w.view()).expect("fits").view(), h.view()).expect("fits");
        let awq =
            awq_scale(w.view(), mean.view(), h.view(), &AwqParams::default(), q).expect("fits");
        assert_eq!(awq.errors.len(), 20);
        // The exponent 0 scales by one.
        assert!((awq.errors[0] - plain).abs() <= 1e-9 * plain);
        let best = awq.errors.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(best < 0.9 * plain, "{best} {plain}");
        // The scales returned are those of the least error.
        let mut values = q(awq.smoothing.weights(w.view()).expect("fits").view()).expect("fits");
        awq.smoothing.scale_inputs(values.view_mut()).expect("fits");
        assert_eq!(output_error(w.view(), values.view(), h.view()), Ok(best));

        let clip = awq_clip(w.view(), h.view(), group, &ClipParams::default(), q).expect("fits");
        let clipped = q(clip.weights.view()).expect("fits");
        let part = |values: &Array2<f32>| -> f64 {
            (0..24 / group)
                .map(|g| {
                    let columns = g * group..(g + 1) * group;
                    let (w, v) =
                        (w.slice(s![.., columns.clone()]), values.slice(s![.., columns.clone()]));
                    output_error(w, v, h.slice(s![columns.clone(), columns])).expect("fits")
                })
                .sum()
        };
        assert!(part(&clipped) <= part(&q(w.view()).expect("fits")));
        assert!(
            clip.clip.iter().any(|c| *c < 1.0) && clip.clip.iter().all(|c| *c > 0.5 && *c <= 1.0)
        );
    }
}

#[test]
fn awq_refuses_bad_input() {
    let (w, h) = (array![[1.0f32, 2.0]], Array2::<f64>::eye(2));
    let mean = array![1.0, 1.0];
    let q = |w: ArrayView2<'_, f32>| quantize(w, 2);
    let params = AwqParams::default();
    assert!(
        awq_scale(w.view(), mean.view(), h.view(), &AwqParams { grid: 0, ..params }, q).is_err()
    );
    assert!(
        awq_scale(w.view(), mean.view(), h.view(), &AwqParams { floor: 0.0, ..params }, q).is_err()
    );
    assert!(awq_scale(w.view(), array![1.0].view(), h.view(), &params, q).is_err());
    assert!(awq_scale(w.view(), array![1.0, f64::NAN].view(), h.view(), &params, q).is_err());
    assert!(awq_scale(w.view(), mean.view(), Array2::eye(3).view(), &params, q).is_err());
    let nan = array![[f32::NAN, 1.0]];
    assert!(awq_scale(nan.view(), mean.view(), h.view(), &params, q).is_err());
    let mut infinite = h.clone();
    infinite[[1, 0]] = f64::INFINITY;
    assert!(awq_scale(w.view(), mean.view(), infinite.view(), &params, q).is_err());
    let broken = |w: ArrayView2<'_, f32>| Ok::<_, AlgorithmError>(w.mapv(|_| f32::NAN));
    let scaled = awq_scale(w.view(), mean.view(), h.view(), &params, broken);
    assert!(matches!(scaled, Err(AlgorithmError::NotFinite { what: "the quantized weights", .. })));
    let clip = ClipParams::default();
    assert!(awq_clip(w.view(), h.view(), 2, &clip, broken).is_err());
    assert!(awq_clip(w.view(), infinite.view(), 2, &clip, q).is_err());
    assert!(awq_clip(w.view(), h.view(), 0, &clip, q).is_err());
    assert!(awq_clip(w.view(), h.view(), 2, &ClipParams { shrink: 1.0, ..clip }, q).is_err());
    assert!(awq_clip(w.view(), h.view(), 2, &ClipParams { grid: 0, ..clip }, q).is_err());
    // Dead inputs and zero weights are no reason to refuse.
    let zeros =
        awq_scale(w.view(), array![0.0, 0.0].view(), (h * 0.0).view(), &params, q).expect("fits");
    assert!(zeros.smoothing.scale.iter().all(|s| s.is_finite() && *s > 0.0));
    let zero = Array2::<f32>::zeros((1, 2));
    assert!(awq_clip(zero.view(), Array2::eye(2).view(), 2, &clip, q).is_ok());
}

#[test]
fn magr_lowers_the_maxima_and_its_objective_never_rises() {
    let mut random = Random(6);
    let x = random.matrix(50, 30).mapv(f64::from);
    // Fewer samples than needed: a singular H, where MagR works best.
    for (samples, share) in [(50, 0.97), (12, 0.9)] {
        let x = x.slice(s![..samples, ..]);
        let h = x.t().dot(&x) / samples as f64;
        let w = random.matrix(7, 30);
        let params = MagrParams { alpha: 0.05, steps: 300 };
        let result = magr(w.view(), h.view(), &params).expect("fits");
        assert!(result.objective.windows(2).all(|p| p[1] <= p[0] * (1.0 + 1e-9)), "rises");
        assert!(result.objective.last() < result.objective.first());
        let most = |m: &Array2<f32>| -> f64 {
            m.rows().into_iter().map(|r| f64::from(r.fold(0f32, |m, x| m.max(x.abs())))).sum()
        };
        assert!(most(&result.weights) < share * most(&w), "{} {}", most(&result.weights), most(&w));
        let change = output_error(w.view(), result.weights.view(), h.view()).expect("fits");
        let norm = output_error(w.view(), Array2::zeros(w.dim()).view(), h.view()).expect("fits");
        assert!(change < 0.05 * norm);
    }
}

/// For H = I the minimiser is `w - P(w)` with P the projection onto the L1 ball of radius α: by hand, (3, 1) with α = 1 gives
/// (2, 1).
#[test]
fn magr_by_hand_and_at_the_edges() {
    let w = array![[3.0f32, 1.0]];
    let result = magr(w.view(), Array2::eye(2).view(), &MagrParams { alpha: 1.0, steps: 50 });
    let weights = result.expect("fits").weights;
    assert!((&weights - &array![[2.0, 1.0]]).iter().all(|e| e.abs() < 1e-5), "{weights}");
    let none = magr(w.view(), Array2::eye(2).view(), &MagrParams { alpha: 0.0, steps: 5 });
    assert_eq!(none.expect("fits").weights, w);
    let zero = magr(w.view(), Array2::zeros((2, 2)).view(), &MagrParams { alpha: 1.0, steps: 3 });
    assert_eq!(zero.expect("fits").weights, array![[0.0, 0.0]]);
    let params = MagrParams::default();
    assert!(magr(array![[f32::NAN, 0.0]].view(), Array2::eye(2).view(), &params).is_err());
    assert!(magr(w.view(), Array2::eye(3).view(), &params).is_err());
    assert!(magr(w.view(), (Array2::<f64>::eye(2) * f64::NAN).view(), &params).is_err());
    assert!(magr(w.view(), Array2::eye(2).view(), &MagrParams { alpha: -1.0, ..params }).is_err());
    assert!(magr(Array2::zeros((0, 2)).view(), Array2::eye(2).view(), &params).is_err());
}

#[test]
fn bias_correction_removes_the_mean_error_both_ways() {
    let mut random = Random(7);
    let (x, w) = (random.matrix(64, 12) + 1.0, random.matrix(5, 12));
    let noisy = &x + &(random.matrix(64, 12) * 0.1);
    let q = quantize(w.view(), 12).expect("fits");
    let bias = Array1::from_shape_fn(5, |i| i as f32);
    let mean = |m: &Array2<f32>| m.mapv(f64::from).mean_axis(Axis(0)).expect("samples");
    let (mx, mq) = (mean(&x), mean(&noisy));
    let corrected =
        correct_bias(bias.view(), (w.view(), mx.view()), (q.view(), mq.view())).expect("fits");
    let outputs =
        |x: &Array2<f32>, w: &Array2<f32>, b: &Array1<f32>| product(x, w) + &b.mapv(f64::from);
    let (float, before) = (outputs(&x, &w, &bias), outputs(&noisy, &q, &bias));
    let after = outputs(&noisy, &q, &corrected);
    let mean_error =
        |a: &Array2<f64>| (a - &float).mean_axis(Axis(0)).expect("samples").mapv(f64::abs).sum();
    let squared = |a: &Array2<f64>| (a - &float).mapv(|e| e * e).sum();
    assert!(mean_error(&before) > 0.1 && mean_error(&after) < 1e-5);
    assert!(squared(&after) <= squared(&before));
    let single = |m: &Array2<f64>| m.mapv(|x| x as f32);
    let data = correct_bias_from_data(bias.view(), single(&float).view(), single(&before).view());
    let difference = data.expect("fits") - &corrected;
    assert!(difference.iter().all(|d| d.abs() < 1e-5));

    let nan = array![f64::NAN];
    let (one, m) = (array![[1.0f32]], array![1.0]);
    let b = array![0.0f32];
    assert!(correct_bias(b.view(), (one.view(), nan.view()), (one.view(), m.view())).is_err());
    assert!(
        correct_bias(b.view(), (one.view(), m.view()), (array![[f32::NAN]].view(), m.view()))
            .is_err()
    );
    assert!(
        correct_bias(array![0.0, 0.0].view(), (one.view(), m.view()), (one.view(), m.view()))
            .is_err()
    );
    let empty = Array2::<f32>::zeros((0, 1));
    let none = correct_bias_from_data(b.view(), empty.view(), empty.view());
    assert_eq!(none, Err(AlgorithmError::NoSamples));
    assert!(correct_bias_from_data(b.view(), array![[f32::INFINITY]].view(), one.view()).is_err());
}

#[test]
fn splitting_outputs_keeps_the_function_exactly() {
    let mut random = Random(8);
    let (w1, w2, x) = (random.matrix(9, 5), random.matrix(3, 9), random.matrix(20, 5));
    let bias = Array1::from_shape_fn(9, |i| i as f32 - 4.0);
    let split = split_outputs(w1.view(), Some(bias.view()), 6).expect("finite");
    assert_eq!(split.weights.dim(), (15, 5));
    let consumer = split.consumer(w2.view()).expect("fits");
    let run = |w1: &Array2<f32>, b: &Array1<f32>, w2: &Array2<f32>| {
        (product(&x, w1) + &b.mapv(f64::from)).mapv(|y| y.max(0.0)).dot(&w2.mapv(f64::from).t())
    };
    let (before, after) = (
        run(&w1, &bias, &w2),
        run(&split.weights, split.bias.as_ref().expect("a bias"), &consumer),
    );
    assert!(departure(&after, &before) < 1e-15);
    // A row that dominates is split into quarters.
    let big = split_outputs(array![[8.0f32, 1.0], [1.0, 1.0]].view(), None, 3).expect("finite");
    assert_eq!(big.source, [0, 1, 0, 0, 0]);
    assert_eq!(big.weights.column(0), array![2.0, 1.0, 2.0, 2.0, 2.0]);
    assert!(split.consumer(Array2::zeros((1, 8)).view()).is_err());
    assert!(split_outputs(w1.view(), Some(array![0.0].view()), 1).is_err());
    assert!(split_outputs(array![[f32::INFINITY]].view(), None, 1).is_err());
}
