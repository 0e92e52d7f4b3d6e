//! Any order, any shards, any tree of merges.

use fewbit::quantize::Statistic;
use fewbit::quantize::calibration::{Average, CalibrationError, Calibrator, Method};
use fewbit::tensor::Granularity;
use ndarray::{ArrayD, Axis, array};
use proptest::prelude::*;

use fewbit_testkit::Random;

use crate::{Numbers, bits, collect, methods};

const GRANULARITIES: [Granularity; 4] = [
    Granularity::Tensor,
    Granularity::Channel { axis: -1 },
    Granularity::Row,
    Granularity::Group { axis: 1, size: 3 },
];

/// Batches of shapes that the granularity allows, some with NaN or infinities.
fn batches(random: &mut Random, of: Granularity) -> Vec<ArrayD<f32>> {
    let count = 1 + random.below(6);
    let rows = 1 + random.below(4);
    let mut batches: Vec<_> = (0..count)
        .map(|_| {
            let shape = match of {
                Granularity::Tensor => vec![20 + random.below(30)],
                Granularity::Channel { .. } => vec![20 + random.below(6), 4],
                _ => vec![rows, 24],
            };
            random.batch(&shape)
        })
        .collect();
    for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        if random.below(6) == 0 {
            let batch = random.below(count);
            let place = random.below(batches[batch].len());
            if let Some(x) = batches[batch].iter_mut().nth(place) {
                *x = special;
            }
        }
    }
    batches
}

/// The same batches over several calibrators, merged in a random order.
fn sharded(
    random: &mut Random,
    method: &Method,
    of: Granularity,
    batches: &[ArrayD<f32>],
) -> Calibrator {
    let shards = 1 + random.below(4);
    let mut parts: Vec<Calibrator> =
        (0..shards).map(|_| Calibrator::new(method.clone(), of).unwrap()).collect();
    for batch in batches {
        let shard = random.below(shards);
        parts[shard].observe(&batch.view()).unwrap();
    }
    while parts.len() > 1 {
        let last = parts.swap_remove(random.below(parts.len()));
        let into = random.below(parts.len());
        parts[into].merge(&last).unwrap();
    }
    parts.remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_shards_do_not_show(seed: u64) {
        let mut random = Random(seed);
        let of = GRANULARITIES[random.below(4)];
        let mut batches = batches(&mut random, of);
        for method in methods() {
            let first = collect(&method, of, &batches).finish();
            random.shuffle(&mut batches);
            let second = collect(&method, of, &batches).finish();
            let merged = sharded(&mut random, &method, of, &batches).finish();
            match (first, second, merged) {
                (Ok(first), Ok(second), Ok(merged)) => {
                    prop_assert_eq!(bits(&first), bits(&second), "{:?}", method);
                    prop_assert_eq!(bits(&first), bits(&merged), "{:?}", method);
                    prop_assert_eq!(first.batches, merged.batches);
                    prop_assert_eq!(first.elements, merged.elements);
                }
                (Err(_), Err(_), Err(_)) => {}
                other => panic!("{method:?}: {other:?}"),
            }
            // How elements are batched shows in averages of batches alone.
            let axis = Axis(0);
            let splits = matches!(of, Granularity::Tensor | Granularity::Channel { .. });
            if splits && !matches!(method, Method::Batches { .. }) {
                let pieces: Vec<ArrayD<f32>> = batches
                    .iter()
                    .flat_map(|batch| {
                        let middle = batch.len_of(axis) / 2;
                        let (a, b) = batch.view().split_at(axis, middle);
                        [a.to_owned(), b.to_owned()]
                    })
                    .collect();
                if let (Ok(whole), Ok(cut)) =
                    (collect(&method, of, &batches).finish(), collect(&method, of, &pieces).finish())
                {
                    prop_assert_eq!(bits(&whole), bits(&cut), "{:?}", method);
                }
            }
        }
    }
}

#[test]
fn averages_that_depend_on_the_order_say_so() {
    let mut random = Random(4);
    let batches: Vec<ArrayD<f32>> = (0..20)
        .map(|_| ArrayD::from_shape_simple_fn(vec![30], || random.below(1 << 24) as f32))
        .collect();
    let reversed: Vec<_> = batches.iter().rev().cloned().collect();
    for average in [Average::Cumulative, Average::Momentum(0.1)] {
        let method = Method::Batches { statistic: Statistic::AbsMax, average };
        let of = |batches| collect(&method, Granularity::Tensor, batches).finish().unwrap();
        assert_ne!(bits(&of(&batches)), bits(&of(&reversed)), "{average:?}");
        let mut calibrator = collect(&method, Granularity::Tensor, &batches);
        let other = collect(&method, Granularity::Tensor, &batches);
        assert_eq!(calibrator.merge(&other), Err(CalibrationError::Order(average)));
        assert_eq!(bits(&calibrator.finish().unwrap()), bits(&of(&batches)));
    }
    let cumulative = Method::Batches { statistic: Statistic::AbsMax, average: Average::Cumulative };
    let mean = Method::Batches { statistic: Statistic::AbsMax, average: Average::Mean };
    let of =
        |method| collect(&method, Granularity::Tensor, &batches).finish().unwrap().statistic[[]];
    let (running, exact) = (of(cumulative), of(mean));
    assert!((running - exact).abs() <= exact * 1e-5, "{running} {exact}");
}

#[test]
fn what_cannot_be_observed_changes_nothing() {
    let of = Granularity::Channel { axis: 1 };
    let mut calibrator = Calibrator::new(Method::Pooled(Statistic::AbsMax), of).unwrap();
    assert_eq!(calibrator.finish(), Err(CalibrationError::NoBatch));
    calibrator.observe(&array![[1f32, 2.0]].view()).unwrap();
    let before = calibrator.clone();
    let error = calibrator.observe(&array![[1f32, 2.0, 3.0]].view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a batch of shape [1, 3] has scales of shape [1, 3]: those of the first batch have shape [1, 2]"
    );
    assert!(calibrator.observe(&array![1f32].view()).is_err());
    assert!(calibrator.observe(&ArrayD::<f32>::zeros(vec![0, 2]).view()).is_err());
    let other = Calibrator::new(Method::Pooled(Statistic::AbsMean), of).unwrap();
    assert_eq!(calibrator.merge(&other), Err(CalibrationError::Different));
    let mut three = Calibrator::new(Method::Pooled(Statistic::AbsMax), of).unwrap();
    three.observe(&array![[1f32, 2.0, 3.0]].view()).unwrap();
    assert!(matches!(calibrator.merge(&three), Err(CalibrationError::Scales { .. })));
    assert_eq!(calibrator, before);
    // A percentile of a batch too small for it.
    let statistic = Statistic::AbsPercentile { high: 10.0 };
    let method = Method::Batches { statistic, average: Average::Mean };
    let mut small = Calibrator::new(method, Granularity::Tensor).unwrap();
    assert!(small.observe(&array![1f32].view()).is_err());
    assert_eq!(small.finish(), Err(CalibrationError::NoBatch));
    small.observe(&array![1f32, 2.0, 3.0, 4.0, 5.0].view()).unwrap();
    let before = small.clone();
    assert!(small.observe(&array![1f32].view()).is_err());
    assert_eq!(small, before);
}
