//! Streaming statistics: batches, pairs, groups, shards, files.

use crate::data::{Layer, Matrices, Random};
use fewbit::Conv2d;
use fewbit::algorithms::{
    AlgorithmError, BLOCK, Collector, Precision, Statistics, WindowCollector, unfold,
};
use ndarray::{Array2, Array4, Axis, array, s};
use proptest::prelude::*;

fn collect(x: &Array2<f32>, cuts: &[usize], groups: usize, arithmetic: Precision) -> Statistics {
    let mut collector = Collector::new(x.ncols(), groups, arithmetic).unwrap();
    let mut start = 0;
    for &cut in cuts.iter().chain([&x.nrows()]) {
        collector.push(x.slice(s![start..cut, ..])).unwrap();
        start = cut;
    }
    collector.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cutting_into_batches_changes_no_bit(seed: u64, a in 0usize..2500, b in 0usize..2500) {
        let x = Random(seed).matrix(2 * BLOCK + 300, 7);
        let (a, b) = (a.min(x.nrows()), b.min(x.nrows()));
        let whole = collect(&x, &[], 1, Precision::Single);
        prop_assert_eq!(collect(&x, &[a.min(b), a.max(b)], 1, Precision::Single), whole);
    }

    #[test]
    fn gram_matrices_are_the_sums_of_products(seed: u64, samples in 1usize..60, inputs in 1usize..300) {
        let layer = Layer::new(seed, 1, inputs, samples, 0.5);
        let double = |m: &Array2<f32>| m.mapv(f64::from);
        let (x, xq) = (double(&layer.float), double(&layer.quantized));
        for (arithmetic, tolerance) in [(Precision::Double, 1e-12), (Precision::Single, 1e-5)] {
            let mut collector = Collector::new(inputs, 1, arithmetic).unwrap();
            collector.push_pairs(layer.quantized.view(), layer.float.view()).unwrap();
            let statistics = collector.finish();
            let scale = xq.mapv(|x| x * x).sum().max(x.mapv(|x| x * x).sum());
            let gram = &statistics.grams[0];
            for (found, wanted) in [(&gram.h, xq.t().dot(&xq)), (gram.g.as_ref().unwrap(), xq.t().dot(&x))] {
                prop_assert!((found - &wanted).iter().all(|e| e.abs() <= tolerance * scale));
            }
            prop_assert_eq!(&gram.h, &gram.h.t());
            let sum = x.sum_axis(Axis(0));
            prop_assert!((&statistics.float.sum - &sum).iter().all(|e| e.abs() < 1e-9));
            let peak = xq.map_axis(Axis(0), |c| c.fold(0f64, |m, x| m.max(x.abs())));
            prop_assert_eq!(&statistics.quantized.abs_max, &peak);
        }
    }
}

#[test]
fn groups_are_the_blocks_on_the_diagonal() {
    let x = Random(1).matrix(100, 12);
    let whole = collect(&x, &[], 1, Precision::Double);
    for groups in [2, 3, 12] {
        let parts = collect(&x, &[], groups, Precision::Double);
        let width = 12 / groups;
        for (index, gram) in parts.grams.iter().enumerate() {
            let block = s![index * width..(index + 1) * width, index * width..(index + 1) * width];
            let apart = &gram.h - &whole.grams[0].h.slice(block);
            assert!(apart.iter().all(|e| e.abs() < 1e-10));
        }
    }
}

/// Images with a group per channel or per two channels, strides, padding and dilation, against sums over windows.
#[test]
fn convolutions_are_unfolded() {
    use fewbit::Conv2d;
    use ndarray::Array4;
    let mut random = Random(12);
    let mut images = || Array4::from_shape_simple_fn((3, 4, 7, 6), || random.normal() as f32);
    let (xq, x) = (images(), images());
    for (groups, stride, padding, dilation) in
        [(1, 1, 0, 1), (4, 1, 1, 1), (2, 2, 1, 2), (4, 3, 2, 1)]
    {
        let conv = Conv2d {
            stride: [stride, 1],
            padding: [(padding, 0), (1, padding)],
            dilation: [1, dilation],
            groups,
            padding_code: 0.5,
        };
        let (u, v) = (3, 2);
        let mut collector = Collector::new(4 * u * v, groups, Precision::Double).unwrap();
        collector.push_image_pairs(xq.view(), x.view(), [u, v], &conv).unwrap();
        let statistics = collector.finish();
        let pixel =
            |images: &Array4<f32>, n: usize, c: usize, i: usize, j: usize, du: usize, dv: usize| {
                let row = (i * stride + du) as isize - padding as isize;
                let col = (j + dv * dilation) as isize - 1;
                let inside = (0..7).contains(&row) && (0..6).contains(&col);
                if inside { f64::from(images[[n, c, row as usize, col as usize]]) } else { 0.5 }
            };
        let height = (7 + padding - u) / stride + 1;
        let width = 6 + 1 + padding - (dilation + 1) + 1;
        assert_eq!(statistics.samples, (3 * height * width) as u64);
        let per = 4 / groups;
        for (group, gram) in statistics.grams.iter().enumerate() {
            for ((a, b), &h) in gram.h.indexed_iter() {
                let place = |k: usize| (group * per + k / (u * v), k / v % u, k % v);
                let ((ca, ua, va), (cb, ub, vb)) = (place(a), place(b));
                let (mut hh, mut gg) = (0.0, 0.0);
                for n in 0..3 {
                    for i in 0..height {
                        for j in 0..width {
                            let left = pixel(&xq, n, ca, i, j, ua, va);
                            hh += left * pixel(&xq, n, cb, i, j, ub, vb);
                            gg += left * pixel(&x, n, cb, i, j, ub, vb);
                        }
                    }
                }
                assert!((h - hh).abs() < 1e-9, "{groups} {a} {b}");
                assert!((gram.g.as_ref().unwrap()[[a, b]] - gg).abs() < 1e-9);
            }
        }
        // Single batches, and what does not fit.
        let mut collector = Collector::new(4 * u * v, groups, Precision::Double).unwrap();
        collector.push_images(xq.view(), [u, v], &conv).unwrap();
        assert_eq!(collector.finish().grams[0].h, statistics.grams[0].h);
        let mut collector = Collector::new(4 * u * v, groups, Precision::Double).unwrap();
        assert!(collector.push_images(xq.view(), [u, v + 1], &conv).is_err());
        assert!(collector.push_images(xq.view(), [9, v], &conv).is_err());
        let mut bad = xq.clone();
        bad[[2, 0, 0, 0]] = f32::NAN;
        assert!(collector.push_images(bad.view(), [u, v], &conv).is_err());
        assert_eq!(collector.finish().samples, 0);
    }
}

#[test]
fn shards_merge_to_the_whole() {
    let x = Random(2).matrix(3 * BLOCK, 9);
    let part =
        |a: usize, b: usize| collect(&x.slice(s![a..b, ..]).to_owned(), &[], 1, Precision::Single);
    let (a, b) = (part(0, BLOCK), part(BLOCK, 3 * BLOCK));
    let merged = a.clone().merge(&b).unwrap();
    assert_eq!(merged, b.clone().merge(&a).unwrap(), "merging is commutative");
    let whole = collect(&x, &[], 1, Precision::Single);
    assert_eq!(merged.samples, whole.samples);
    let apart = &merged.grams[0].h - &whole.grams[0].h;
    assert!(apart.iter().all(|e| e.abs() <= 1e-11 * whole.grams[0].h[[0, 0]]));
}

#[test]
fn files_hold_everything_and_refuse_what_is_cut_or_changed() {
    let layer = Layer::new(3, 1, 10, 40, 0.5);
    for groups in [1, 5] {
        let mut collector = Collector::new(10, groups, Precision::Single).unwrap();
        collector.push_pairs(layer.quantized.view(), layer.float.view()).unwrap();
        let statistics = collector.finish();
        let bytes = statistics.to_bytes().unwrap();
        assert_eq!(Statistics::from_bytes(&bytes).unwrap(), statistics);
        for end in 0..bytes.len() {
            assert!(matches!(
                Statistics::from_bytes(&bytes[..end]),
                Err(AlgorithmError::File { .. })
            ));
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.safetensors");
        statistics.save(&path).unwrap();
        assert_eq!(Statistics::load(&path).unwrap(), statistics);
        // A terabyte of zeros that takes no space on the disk.
        let zeros = dir.path().join("zeros");
        std::fs::File::create(&zeros).unwrap().set_len(1 << 40).unwrap();
        let why = |path| Statistics::load(path).unwrap_err().to_string();
        assert!(why(&zeros).contains("does not begin"), "{}", why(&zeros));
        assert!(why(dir.path()).contains("regular file"), "{}", why(dir.path()));
    }
    assert!(Statistics::load("no such file".as_ref()).is_err());
}

#[test]
fn what_cannot_be_collected_is_named() {
    let mut collector = Collector::new(2, 1, Precision::Single).unwrap();
    collector.push(array![[1.0, 2.0]].view()).unwrap();
    let error = collector.push(array![[1.0, 2.0], [3.0, f32::NAN]].view()).unwrap_err();
    assert!(matches!(error, AlgorithmError::NotFinite { row: 2, col: 1, .. }), "{error}");
    let error = collector.push(array![[f32::INFINITY, 2.0]].view()).unwrap_err();
    assert!(error.to_string().contains("inf at row 1, column 0"), "{error}");
    assert!(collector.push(array![[1.0]].view()).is_err());
    assert!(collector.push_pairs(array![[1.0, 1.0]].view(), array![[1.0, 1.0]].view()).is_err());
    assert_eq!(collector.finish().samples, 1, "nothing of a refused batch is kept");
    assert!(Collector::new(0, 1, Precision::Single).is_err());
    assert!(Collector::new(10, 3, Precision::Single).is_err());
    assert!(Collector::new(10, 0, Precision::Single).is_err());
}

/// Whole numbers, so that every sum is exact in any order: the statistics of windows are those of their rows to the bit.
#[test]
fn windows_have_the_statistics_of_their_rows() {
    let mut random = Random(11);
    for (channels, size, kernel, padding, images) in [
        (9, [5, 6], [3, 3], [(1, 1), (1, 1)], 70),
        (8, [7, 7], [3, 3], [(0, 0), (0, 0)], 3),
        (16, [4, 5], [2, 3], [(0, 1), (2, 0)], 5),
        (40, [1, 40], [1, 3], [(0, 0), (1, 1)], 30),
        (17, [2, 2], [3, 3], [(1, 1), (1, 1)], 2),
        (8, [3, 4], [3, 2], [(3, 4), (5, 0)], 2),
        (12, [30, 31], [5, 1], [(2, 2), (0, 0)], 2),
    ] {
        let mut numbers = || {
            let number = || (random.next() >> 60) as f32 - 7.0;
            Array4::from_shape_simple_fn((images, channels, size[0], size[1]), number)
        };
        let (quantized, float) = (numbers(), numbers());
        let conv = Conv2d { padding, ..Conv2d::default() };
        let rows = [&quantized, &float].map(|x| unfold(x.view(), kernel, &conv).unwrap());
        let inputs = channels * kernel[0] * kernel[1];
        let (mut alone, mut pairs) = (
            Collector::new(inputs, 1, Precision::Double).unwrap(),
            Collector::new(inputs, 1, Precision::Double).unwrap(),
        );
        alone.push(rows[0].view()).unwrap();
        pairs.push_pairs(rows[0].view(), rows[1].view()).unwrap();
        let collector = || WindowCollector::new(channels, size, kernel, &conv).unwrap().unwrap();
        let (mut one, mut two) = (collector(), collector());
        for (x, y) in quantized.outer_iter().zip(float.outer_iter()) {
            let (x, y) = (x.as_slice().unwrap(), y.as_slice().unwrap());
            one.push(x).unwrap();
            two.push_pair(x, y).unwrap();
        }
        assert_eq!(one.finish(), alone.finish(), "{channels} {size:?} {kernel:?} {padding:?}");
        assert_eq!(two.finish(), pairs.finish(), "{channels} {size:?} {kernel:?} {padding:?}");
    }
}

#[test]
fn windows_that_rows_are_better_for_are_left_to_them() {
    let collector = |channels, conv: Conv2d<f32>| {
        WindowCollector::new(channels, [6, 6], [3, 3], &conv).map(|found| found.is_some())
    };
    let plain = Conv2d::default();
    assert_eq!(collector(8, plain), Ok(true));
    assert_eq!(collector(7, plain), Ok(false));
    assert_eq!(collector(129, plain), Ok(false));
    assert_eq!(collector(8, Conv2d { stride: [1, 2], ..plain }), Ok(false));
    assert_eq!(collector(8, Conv2d { dilation: [2, 1], ..plain }), Ok(false));
    assert_eq!(collector(8, Conv2d { padding_code: 1.0, ..plain }), Ok(false));
    assert!(collector(8, Conv2d { dilation: [9, 9], ..plain }).is_err());
}

#[test]
fn images_that_do_not_fit_are_refused() {
    let conv = Conv2d::default();
    let mut collector = WindowCollector::new(8, [3, 3], [3, 3], &conv).unwrap().unwrap();
    assert!(matches!(collector.push(&[0.0; 71]), Err(AlgorithmError::Shape { .. })));
    let mut image = [1.0; 72];
    image[20] = f32::NAN;
    let error = collector.push(&image).unwrap_err();
    assert!(matches!(error, AlgorithmError::NotFinite { row: 2, col: 2, .. }), "{error}");
    collector.push(&[1.0; 72]).unwrap();
    let error = collector.push_pair(&[1.0; 72], &[1.0; 72]).unwrap_err();
    assert!(matches!(error, AlgorithmError::NeedsPairs(_)));
    assert_eq!(collector.finish().samples, 1);
}
