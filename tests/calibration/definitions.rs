//! Each method against its definition, said once more and slowly.

use fewbit::quantize::Statistic;
use fewbit::quantize::calibration::{
    Average, Binned, CalibrationError, Calibrator, ExactSum, Histogram, Method,
};
use fewbit::tensor::Granularity;
use fewbit_formats::Format;
use ndarray::{Array1, ArrayD, array};
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;

use fewbit_testkit::Random;

use crate::{Numbers, collect, quantizer};

fn exact(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap()
}

/// Whether no f32 is nearer to a rational, and of two that are as near, this is the even one.
fn is_nearest(found: f32, x: &BigRational) -> bool {
    let distance = |y: f32| (exact(y.into()) - x).abs();
    [found.next_up(), found.next_down()].into_iter().filter(|y| y.is_finite()).all(|other| {
        let (a, b) = (distance(found), distance(other));
        a < b || a == b && found.to_bits() & 1 == 0
    })
}

#[test]
fn the_oracle_objects_to_its_neighbours() {
    let third = BigRational::new(1.into(), 3.into());
    let nearest = 1f32 / 3.0;
    assert!(is_nearest(nearest, &third));
    assert!(!is_nearest(nearest.next_up(), &third) && !is_nearest(nearest.next_down(), &third));
}

/// The `k`-th smallest, counted from 1.
fn kth(mut x: Vec<f32>, k: usize) -> f32 {
    x.sort_by(f32::total_cmp);
    x[k.min(x.len()) - 1]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_exact(seed: u64, count in 1usize..60) {
        let mut random = Random(seed);
        let number = |random: &mut Random| loop {
            let x = f64::from_bits(random.next() & random.next().rotate_left(7));
            let x = if random.below(3) == 0 { random.number().into() } else { x };
            if x.is_finite() { break x }
        };
        let mut x: Vec<f64> = (0..count).map(|_| number(&mut random)).collect();
        // Sums that cancel.
        x.extend(x.clone().iter().take(count / 2).map(|x| -x));
        let total: BigRational = x.iter().map(|x| exact(*x)).sum();
        let (mut sum, mut half) = (ExactSum::default(), ExactSum::default());
        for (i, &x) in x.iter().enumerate() {
            if i % 2 == 0 { sum.add(x) } else { half.add(x) }
        }
        sum.merge(&half);
        random.shuffle(&mut x);
        let mut shuffled = ExactSum::default();
        x.iter().for_each(|&x| shuffled.add(x));
        prop_assert_eq!(&shuffled, &sum);
        for n in [1, 3, count as u64] {
            let mean = &total / BigRational::from_integer(n.into());
            let found = sum.quotient(n);
            if found.is_finite() {
                prop_assert!(is_nearest(found, &mean), "{found:e}");
            } else {
                prop_assert!(mean.abs() > exact(f32::MAX.into()));
            }
        }
    }

    #[test]
    fn pooled_statistics_are_those_of_all_elements(seed: u64, count in 2usize..200) {
        let mut random = Random(seed);
        let x: Vec<f32> = (0..count).map(|_| random.number()).collect();
        let middle = random.below(count - 1) + 1;
        let batches: Vec<ArrayD<f32>> =
            x.chunks(middle).map(|batch| Array1::from(batch.to_vec()).into_dyn()).collect();
        let of = |statistic| {
            let method = Method::Pooled(statistic);
            let calibration = collect(&method, Granularity::Tensor, &batches).finish().unwrap();
            (calibration.statistic[[]], calibration.offset.map(|offset| offset[[]]))
        };
        let n = count as f64;
        let magnitudes: Vec<f32> = x.iter().map(|x| x.abs()).collect();
        let (least, most) = (kth(x.clone(), 1), kth(x.clone(), count));
        prop_assert_eq!(of(Statistic::AbsMax), (kth(magnitudes.clone(), count), None));
        prop_assert_eq!(of(Statistic::MinMax), ((most - least.min(0.0)).abs(), Some(least.min(0.0).abs())));
        let range = most.max(0.0) - least.min(0.0);
        prop_assert_eq!(of(Statistic::Range), (range, Some(least.min(0.0).abs())));
        for high in [60.0, 90.0, 99.9] {
            let k = (0.01 * high * n + 0.5).floor() as usize;
            let expected = kth(magnitudes.clone(), k);
            prop_assert_eq!(of(Statistic::AbsPercentile { high }), (expected, None));
            let low = 100.0 - high;
            let below = kth(x.clone(), (0.01 * low * n).ceil() as usize).min(0.0);
            let expected = ((kth(x.clone(), k) - below).abs(), Some(below.abs()));
            prop_assert_eq!(of(Statistic::PercentileInterval { low, high }), expected);
        }
        let sum: BigRational = magnitudes.iter().map(|x| exact((*x).into())).sum();
        let squares: BigRational = magnitudes.iter().map(|x| exact((*x).into())).map(|x| &x * &x).sum();
        let n = BigRational::from_integer(count.into());
        let mean = of(Statistic::AbsMean).0;
        prop_assert!(is_nearest(mean, &(&sum / &n)));
        let variance = (squares - &sum * &sum / &n) / (&n - BigRational::from_integer(1.into()));
        prop_assert!(variance >= BigRational::zero());
        // `mean + sigma sqrt(variance + 1e-8)` of the f32 nearest to the variance.
        let found = of(Statistic::MeanSigma { sigma: 2.0 }).0;
        let near = num_traits::ToPrimitive::to_f64(&variance).unwrap() as f32;
        let candidates = [near, near.next_up(), near.next_down()];
        let variance = candidates.into_iter().find(|v| is_nearest(*v, &variance)).unwrap();
        prop_assert_eq!(found, mean + 2.0 * (variance + 1e-8).sqrt());
    }

    #[test]
    fn histograms_count_every_element_in_its_bin(seed: u64, count in 1usize..200, log_bins in 1u32..10) {
        let mut random = Random(seed);
        let bins = 1 << log_bins;
        let x: Vec<f32> = (0..count).map(|_| random.number()).collect();
        let mut histogram = Histogram::new(bins).unwrap();
        x.chunks(1 + random.below(count)).for_each(|x| histogram.observe(x));
        let width = f64::from(histogram.width());
        let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
        prop_assert!(f64::from(most) < width * f64::from(bins));
        // No narrower bins would do.
        let least = 2f64.powi(-149);
        prop_assert!(width == least || f64::from(most) >= width / 2.0 * f64::from(bins));
        let (positive, negative) = histogram.counts();
        for (sign, counts) in [(false, positive), (true, negative)] {
            for (bin, &found) in counts.iter().enumerate() {
                let (low, high) = (bin as f64 * width, (bin + 1) as f64 * width);
                let inside = |x: &&f32| (low..high).contains(&f64::from(x.abs())) && (**x < 0.0) == sign;
                prop_assert_eq!(found, x.iter().filter(inside).count() as u64);
            }
        }
        let batches = [Array1::from(x.clone()).into_dyn()];
        let n = count as f64;
        for high in [50.0, 90.0, 100.0] {
            let method = Method::Histogram { bins, of: Binned::Percentile { high } };
            let found = collect(&method, Granularity::Tensor, &batches).finish();
            let k = (0.01 * high * n + 0.5).floor() as usize;
            let exact = kth(x.iter().map(|x| x.abs()).collect(), k.max(1));
            match found {
                Ok(found) => {
                    let found = f64::from(found.statistic[[]]);
                    // An end of a bin is rounded to f32 where bins are wider than its last place.
                    prop_assert!(found >= f64::from(exact) && found <= (f64::from(exact) + width) * (1.0 + 1e-7));
                }
                Err(error) => prop_assert!(k == 0, "{error}"),
            }
        }
        let method = Method::Histogram { bins, of: Binned::PercentileInterval { low: 10.0, high: 90.0 } };
        if let Ok(found) = collect(&method, Granularity::Tensor, &batches).finish() {
            let below = f64::from(kth(x.clone(), (0.1 * n).ceil() as usize).min(0.0));
            let offset = f64::from(found.offset.unwrap()[[]]);
            prop_assert!(offset >= -below && offset <= (width - below) * (1.0 + 1e-7));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_best_fraction_is_better_than_all_others(seed: u64, count in 1usize..50) {
        let mut random = Random(seed);
        let x: Vec<f32> = (0..count).map(|_| random.number()).collect();
        for format in [Format::INT4, Format::E2M1FN, Format::INT8N] {
            let quantizer = quantizer(format);
            let method = Method::Mse(Box::new(quantizer.clone()));
            let batches: Vec<ArrayD<f32>> =
                x.chunks(7).map(|batch| Array1::from(batch.to_vec()).into_dyn()).collect();
            let found = collect(&method, Granularity::Tensor, &batches).finish().unwrap().statistic[[]];
            let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
            let error = |statistic: f32| -> BigRational {
                let threshold = match format {
                    Format::INT4 => 8.0,
                    Format::INT8N => 127.0,
                    _ => 6.0,
                };
                // The least statistic of a scale is 1e-10.
                let scale = statistic.max(1e-10) / threshold;
                let levels: Vec<f32> = (0..format.code_count() as u32)
                    .map(|code| format.decode(code) as f32)
                    .filter(|level| !level.is_nan())
                    .collect();
                let squares = x.iter().map(|&x| {
                    let y = x / scale;
                    // Of two that are as near, either has the same error but for the rounding of the product.
                    let off = |level: &f32| (f64::from(y) - f64::from(*level)).abs();
                    let nearest = levels.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
                    let error = exact(x.into()) - exact((nearest.unwrap() * scale).into());
                    &error * &error
                });
                squares.sum()
            };
            if most > 1e-9 {
                let candidates = (2..=20u8).map(|i| most / 20.0 * f32::from(i));
                prop_assert!(candidates.clone().any(|candidate| candidate == found), "{found}");
                let least = candidates.map(error).min().unwrap();
                let slack = exact(1.0 + 1e-5);
                prop_assert!(error(found) <= least * slack);
            }
        }
    }
}

#[test]
fn naive_sums_are_not_exact() {
    let mut sum = ExactSum::default();
    [1e16, 1.0, -1e16].iter().for_each(|x| sum.add(*x));
    assert_eq!(sum.quotient(1), 1.0);
    assert_eq!([1e16f64, 1.0, -1e16].iter().sum::<f64>(), 0.0);
    for (special, expected) in [(f64::INFINITY, f32::INFINITY), (f64::NAN, f32::NAN)] {
        let mut sum = sum.clone();
        sum.add(special);
        assert_eq!(sum.quotient(2).to_bits(), expected.to_bits());
        sum.add(f64::NEG_INFINITY);
        assert!(sum.quotient(2).is_nan());
    }
}

#[test]
fn nan_and_infinities_come_through() {
    let of = |method: Method, x: &[f32]| {
        let batch = Array1::from(x.to_vec()).into_dyn();
        collect(&method, Granularity::Tensor, &[batch]).finish().unwrap().statistic[[]]
    };
    let x = [1.0, f32::NAN, -2.0, f32::INFINITY];
    for statistic in [Statistic::AbsMax, Statistic::MinMax, Statistic::Range, Statistic::AbsMean] {
        assert_eq!(of(Method::Pooled(statistic), &x).to_bits(), f32::NAN.to_bits(), "{statistic}");
    }
    let binned = |high| Method::Histogram { bins: 8, of: Binned::Percentile { high } };
    assert_eq!(of(binned(50.0), &x), 2.0);
    assert_eq!(of(binned(75.0), &x), f32::INFINITY);
    assert!(of(binned(100.0), &x).is_nan());
    assert!(of(Method::Mse(Box::new(quantizer(Format::INT4))), &x).is_nan());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let new = |method| Calibrator::new(method, Granularity::Tensor).unwrap_err();
    let percentile = |high| Statistic::AbsPercentile { high };
    assert!(matches!(new(Method::Pooled(percentile(101.0))), CalibrationError::Quantize(_)));
    for m in [0.0, 1.5, f64::NAN] {
        let average = Average::Momentum(m);
        let method = Method::Batches { statistic: Statistic::AbsMax, average };
        assert!(matches!(new(method), CalibrationError::Momentum(_)));
    }
    let of = Binned::Percentile { high: 99.0 };
    for bins in [0, 1, 3, 1 << 21] {
        assert_eq!(new(Method::Histogram { bins, of: of.clone() }), CalibrationError::Bins(bins));
    }
    let rows = quantizer(Format::INT4);
    let scheme = rows.scheme().clone().per_row();
    let method = Method::Mse(Box::new(rows.with_scheme(scheme).unwrap()));
    assert!(matches!(new(method), CalibrationError::Granularity(_)));
}

#[test]
fn scales_and_zero_points_follow_from_a_calibration() {
    let method = Method::Pooled(Statistic::Range);
    let mut calibrator = Calibrator::new(method, Granularity::Channel { axis: 1 }).unwrap();
    calibrator.observe(&array![[-1f32, 0.0], [3.0, 5.1]].view()).unwrap();
    let calibration = calibrator.finish().unwrap();
    assert_eq!(calibration.statistic, array![[4f32, 5.1]].into_dyn());
    assert_eq!(calibration.offset, Some(array![[1f32, 0.0]].into_dyn()));
    assert_eq!(calibration.scale(255.0), array![[4f32 / 255.0, 5.1 / 255.0]].into_dyn());
}
