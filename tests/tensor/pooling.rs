//! Pooling against the definition.

use fewbit::tensor::{BitGrowth, Granularity, IntError, Window};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use proptest::prelude::*;

use crate::data::{Random, exact, integer_format, is_sound, tensor};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_have_the_average_and_the_greatest_of_their_elements(seed: u64) {
        let mut random = Random(seed);
        let (channels, rows, columns) = (1 + random.below(3), 1 + random.below(6), 1 + random.below(6));
        let shape = [2, channels, rows, columns];
        let granularity = random.pick(&[Granularity::Tensor, Granularity::Channel { axis: 1 }]);
        let (format, zeros) = (integer_format(&mut random, 10), random.below(2) == 0);
        let t = tensor(&mut random, format, &shape, granularity, zeros).to_int().unwrap();
        let kernel = [1 + random.below(rows), 1 + random.below(columns)];
        let stride = [1 + random.below(3), 1 + random.below(3)];
        let padding = kernel.map(|k| random.below(k / 2 + 1));
        let window = Window { kernel, stride, padding };
        let values = exact(&t);
        let (mut averages, mut greatest) = (Vec::new(), Vec::new());
        let places = |n: usize, axis: usize| (n + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1;
        for plane in values.chunks(rows * columns) {
            for i in 0..places(rows, 0) {
                for j in 0..places(columns, 1) {
                    let (mut sum, mut most) = (BigRational::zero(), None);
                    for (y, x) in (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| (y, x))) {
                        let row = (i * stride[0] + y).wrapping_sub(padding[0]);
                        let column = (j * stride[1] + x).wrapping_sub(padding[1]);
                        if row < rows && column < columns {
                            let value = &plane[row * columns + column];
                            sum += value;
                            most = most.max(Some(value.clone()));
                        }
                    }
                    averages.push(sum);
                    greatest.push(most.unwrap());
                }
            }
        }
        for growth in [BitGrowth::Brevitas, BitGrowth::Range, BitGrowth::Values] {
            let pooled = t.max_pool2d(window, growth).unwrap();
            prop_assert_eq!(exact(&pooled), greatest.clone());
            prop_assert!(is_sound(&pooled));
            let pooled = match t.avg_pool2d(window, growth) {
                Ok(pooled) => pooled,
                Err(IntError::Growth { .. }) if growth == BitGrowth::Brevitas => continue,
                Err(error) => panic!("{error}"),
            };
            prop_assert!(is_sound(&pooled));
            // The integers are exact sums; the scale is the nearest f64 to the exact one.
            let k = kernel[0] * kernel[1];
            let scales = t.scale().iter().map(|scale| scale / k as f64);
            prop_assert!(pooled.scale().iter().copied().eq(scales));
            let restored = t.scale().clone();
            let undivided = fewbit::tensor::IntTensor::new(
                pooled.ints().clone(), pooled.data_type(), restored, pooled.zero_point().cloned(), pooled.granularity(),
            ).unwrap();
            prop_assert_eq!(exact(&undivided), averages.clone());
            prop_assert!(BigInt::from(pooled.range().0) <= BigInt::from(pooled.range().1));
        }
    }
}

#[test]
fn scales_that_differ_within_a_window_are_refused() {
    let mut random = Random(1);
    let format = "int4".parse().unwrap();
    for granularity in [
        Granularity::Row,
        Granularity::Channel { axis: 3 },
        Granularity::Group { axis: 2, size: 2 },
    ] {
        let t = tensor(&mut random, format, &[1, 2, 4, 4], granularity, false).to_int().unwrap();
        let error = t.avg_pool2d(Window::square(2), BitGrowth::Range).unwrap_err();
        assert!(matches!(error, IntError::Contracted { .. }), "{error}");
        assert!(t.max_pool2d(Window::square(2), BitGrowth::Range).is_err());
    }
    let t = tensor(&mut random, format, &[4], Granularity::Tensor, false).to_int().unwrap();
    let error = t.max_pool2d(Window::square(2), BitGrowth::Range).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a window of [2, 2] with stride [2, 2] and padding [0, 0] over [4]: expected at least two axes"
    );
}
