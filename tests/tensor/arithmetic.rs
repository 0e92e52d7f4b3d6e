//! Sums and products against rational arithmetic; the widths against what can happen.

use fewbit::accumulate::bounds::{DataType, Sign};
use fewbit::tensor::{BitGrowth, Granularity, IntError, IntTensor, QuantTensor, ScaleMatch};
use fewbit_formats::{Format, Int8, IntRange, Signedness};
use ndarray::{ArrayD, IxDyn, arr0, array};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;

use crate::data::{Random, ends, exact, granularity, int, integer_format, is_sound, tensor};

const RULES: [BitGrowth; 3] = [BitGrowth::Brevitas, BitGrowth::Range, BitGrowth::Values];

/// What every rule says of one operation: the exact values, within the stated type. Only Brevitas's may refuse, and then
/// for a result that is indeed outside.
fn check(
    operation: impl Fn(BitGrowth) -> Result<IntTensor, IntError>,
    expected: &[BigRational],
) -> [Option<DataType>; 3] {
    RULES.map(|growth| match operation(growth) {
        Ok(result) => {
            assert_eq!(exact(&result), expected, "{growth:?}");
            assert!(is_sound(&result), "{growth:?} {:?} {:?}", result.data_type(), result.range());
            Some(result.data_type())
        }
        Err(IntError::Growth { value, data_type, .. }) if growth == BitGrowth::Brevitas => {
            let (low, high) = ends(data_type);
            assert!(BigInt::from(value) < low || BigInt::from(value) > high);
            None
        }
        Err(error) => panic!("{growth:?}: {error}"),
    })
}

fn shape(random: &mut Random) -> Vec<usize> {
    (0..random.below(4)).map(|_| random.below(5)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn elementwise_operations_are_exact(seed: u64) {
        let mut random = Random(seed);
        let shape = shape(&mut random);
        let mut shared = granularity(&mut random, shape.len());
        let zeros = random.below(2) == 0;
        let (f, g) = (integer_format(&mut random, 20), integer_format(&mut random, 20));
        let a = tensor(&mut random, f, &shape, shared, zeros).to_int().unwrap();
        if random.below(3) == 0 {
            shared = Granularity::Tensor;
        }
        let b = tensor(&mut random, g, &shape, shared, zeros).to_int().unwrap();
        let (x, y) = (exact(&a), exact(&b));
        let of = |f: &dyn Fn(&BigRational, &BigRational) -> BigRational| {
            x.iter().zip(&y).map(|(x, y)| f(x, y)).collect::<Vec<_>>()
        };
        check(|growth| a.neg(growth), &x.iter().map(|x| -x).collect::<Vec<_>>());
        let positive = |x: &BigRational| x.max(&BigRational::zero()).clone();
        let expected: Vec<_> = x.iter().map(positive).collect();
        check(|growth| a.relu(growth), &expected);
        // Sums need one scale: that of a.
        let b_scaled = IntTensor::new(
            b.ints().clone(), b.data_type(), a.scale().clone(), a.zero_point().cloned(), a.granularity(),
        ).unwrap();
        let y_scaled = exact(&b_scaled);
        let sum: Vec<_> = x.iter().zip(&y_scaled).map(|(x, y)| x + y).collect();
        let difference: Vec<_> = x.iter().zip(&y_scaled).map(|(x, y)| x - y).collect();
        let equal = ScaleMatch::Equal;
        check(|growth| a.add(&b_scaled, growth, equal), &sum);
        check(|growth| a.sub(&b_scaled, growth, equal), &difference);
        if zeros {
            prop_assert!(a.mul(&b, BitGrowth::Range).is_err() && a.abs(BitGrowth::Range).is_err());
            let folded = a.without_zero_point().unwrap();
            prop_assert!(is_sound(&folded));
            prop_assert_eq!(exact(&folded), x);
        } else {
            check(|growth| a.mul(&b, growth), &of(&|x, y| x * y));
            check(|growth| a.abs(growth), &x.iter().map(Signed::abs).collect::<Vec<_>>());
        }
    }

    #[test]
    fn matrix_products_are_exact(seed: u64) {
        let mut random = Random(seed);
        let (m, k, n) = (random.below(4), random.below(7), random.below(4));
        let (f, g) = (integer_format(&mut random, 16), integer_format(&mut random, 16));
        let of_rows = random.pick(&[
            Granularity::Tensor, Granularity::Row, Granularity::Channel { axis: 0 }, Granularity::Group { axis: 1, size: 8 },
        ]);
        let of_columns = random.pick(&[
            Granularity::Tensor, Granularity::Channel { axis: 1 }, Granularity::Group { axis: -2, size: 8 },
        ]);
        let a = tensor(&mut random, f, &[m, k], of_rows, false).to_int().unwrap();
        let b = tensor(&mut random, g, &[k, n], of_columns, false).to_int().unwrap();
        // Without elements a tensor of groups has no scales that a result could have.
        prop_assume!(m * k * n > 0);
        let (x, y) = (exact(&a), exact(&b));
        let dot = |i: usize, j: usize| (0..k).map(|l| &x[i * k + l] * &y[l * n + j]).sum();
        let places = (0..m).flat_map(|i| (0..n).map(move |j| (i, j)));
        let expected: Vec<BigRational> = places.map(|(i, j)| dot(i, j)).collect();
        check(|growth| a.matmul(&b, growth), &expected);
        let weights = b.transposed().unwrap();
        check(|growth| a.linear(&weights, None, growth), &expected);
    }

    #[test]
    fn a_bias_is_added_in_the_scale_of_the_products(seed: u64) {
        let mut random = Random(seed);
        let (m, k, n) = (1 + random.below(3), 1 + random.below(6), 1 + random.below(4));
        let format = |random: &mut Random| integer_format(random, 10);
        let (f, g, h) = (format(&mut random), format(&mut random), format(&mut random));
        let x = tensor(&mut random, f, &[2, m, k], Granularity::Tensor, false).to_int().unwrap();
        let of_weights = random.pick(&[Granularity::Tensor, Granularity::Channel { axis: 0 }]);
        let w = tensor(&mut random, g, &[n, k], of_weights, false).to_int().unwrap();
        let product = x.linear(&w, None, BitGrowth::Range).unwrap();
        let b = tensor(&mut random, h, &[n], Granularity::Tensor, false).to_int().unwrap();
        let scale = w.expand(w.scale()).slice_move(ndarray::s![.., 0]).into_dyn() * *x.scale().first().unwrap();
        let bias = IntTensor::new(
            b.ints().clone(), b.data_type(), scale, None, Granularity::Channel { axis: 0 },
        ).unwrap();
        let (sums, biases) = (exact(&product), exact(&bias));
        let expected: Vec<_> = sums.iter().enumerate().map(|(i, sum)| sum + &biases[i % n]).collect();
        check(|growth| x.linear(&w, Some(&bias), growth), &expected);
        let other = IntTensor::new(
            b.ints().clone(), b.data_type(), arr0(1e30).into_dyn(), None, Granularity::Tensor,
        ).unwrap();
        let refused = x.linear(&w, Some(&other), BitGrowth::Range);
        let differs = matches!(refused, Err(IntError::Scales { .. }));
        prop_assert!(differs);
    }
}

fn one(format: Format, values: &[i64]) -> IntTensor {
    let Format::Int(integer) = format else { panic!("{format}") };
    let codes = ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).unwrap();
    let codes = codes.mapv(|value| integer.code(value));
    let scale = arr0(1f32).into_dyn();
    let tensor = fewbit::tensor::AnyQuantTensor::new(
        format,
        &codes.view(),
        scale,
        None,
        Granularity::Tensor,
    );
    tensor.unwrap().to_int().unwrap()
}

/// The range rule is tight: the extreme operands need every bit that it states.
#[test]
fn a_bit_less_than_the_range_states_overflows() {
    let formats = |bits| {
        [Signedness::Signed, Signedness::Unsigned].into_iter().flat_map(move |sign| {
            [IntRange::Full, IntRange::Narrow].map(|range| int(bits, sign, range))
        })
    };
    for (f, g) in (2..=6)
        .flat_map(|a| (2..=6).map(move |b| (a, b)))
        .flat_map(|(a, b)| formats(a).flat_map(move |f| formats(b).map(move |g| (f, g))))
    {
        let ends = |format| match format {
            Format::Int(int) => [int.min(), int.max()],
            _ => unreachable!(),
        };
        let pairs = ends(f).into_iter().flat_map(|a| ends(g).map(|b| (a, b)));
        let (x, y): (Vec<i64>, Vec<i64>) = pairs.unzip();
        let (a, b) = (one(f, &x), one(g, &y));
        let results = |growth| {
            [
                a.add(&b, growth, ScaleMatch::Equal),
                a.sub(&b, growth, ScaleMatch::Equal),
                a.mul(&b, growth),
                a.neg(growth),
                a.abs(growth),
            ]
        };
        for (all, seen) in results(BitGrowth::Range).into_iter().zip(results(BitGrowth::Values)) {
            let (all, seen) = (all.unwrap(), seen.unwrap());
            assert_eq!(all.data_type(), seen.data_type(), "{f} {g}");
        }
        for k in 1..5 {
            // Four products of each pair of ends; every sum of products lies between two of them.
            let row = |value: i64, format| one(format, &vec![value; k]).reshaped(&[1, k]).unwrap();
            let column =
                |value: i64, format| one(format, &vec![value; k]).reshaped(&[k, 1]).unwrap();
            let product = |a: i64, b: i64, growth| row(a, f).matmul(&column(b, g), growth).unwrap();
            let stated = product(x[0], y[0], BitGrowth::Range).data_type();
            let needed = x.iter().zip(&y).map(|(&a, &b)| product(a, b, BitGrowth::Values).range());
            let (low, high) = needed.fold((0, 0), |(l, h), (a, b)| (l.min(a), h.max(b)));
            let whole = IntTensor::new(
                array![low as i64, high as i64].into_dyn(),
                stated,
                arr0(1.0).into_dyn(),
                None,
                Granularity::Tensor,
            );
            assert!(whole.is_ok(), "{f} {g} {k}: {stated:?}");
            let less = DataType { bits: stated.bits - 1, ..stated };
            let narrow = IntTensor::new(
                array![low as i64, high as i64].into_dyn(),
                less,
                arr0(1.0).into_dyn(),
                None,
                Granularity::Tensor,
            );
            assert!(narrow.is_err(), "{f} {g} {k}: {less:?} holds {low} and {high}");
        }
    }
}

/// The known misjudgements of Brevitas's rules are refused with the value that does not fit.
#[test]
fn what_brevitas_states_too_narrow_is_refused() {
    let (bit, byte) = (one("uint1".parse().unwrap(), &[1]), one(Format::UINT8, &[255]));
    let error = bit.add(&byte, BitGrowth::Brevitas, ScaleMatch::Equal).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the result 256 at index [0] does not fit uint8, the type that the rule Brevitas states for a sum; \
         BitGrowth::Range states one that no result leaves"
    );
    let sum = bit.add(&byte, BitGrowth::Range, ScaleMatch::Equal).unwrap();
    assert_eq!(sum.data_type(), DataType { bits: 9, sign: Sign::Unsigned });
    let ones = one("uint1".parse().unwrap(), &[1; 1024]).reshaped(&[1, 1024]).unwrap();
    let error = ones.linear(&ones, None, BitGrowth::Brevitas).unwrap_err();
    assert!(matches!(
        error,
        IntError::Growth { value: 1024, data_type: DataType { bits: 10, .. }, .. }
    ));
    let least = one(Format::INT8, &[-128]);
    assert!(least.neg(BitGrowth::Brevitas).is_err() && least.abs(BitGrowth::Brevitas).is_err());
    assert_eq!(least.abs(BitGrowth::Range).unwrap().data_type().bits, 8);
    assert_eq!(least.neg(BitGrowth::Range).unwrap().data_type().bits, 9);
}

#[test]
fn results_beyond_64_bits_are_refused_and_wide_types_are_not() {
    let wide = int(32, Signedness::Unsigned, IntRange::Full);
    let most = one(wide, &[u32::MAX.into()]);
    let error = most.mul(&most, BitGrowth::Range).unwrap_err();
    assert!(matches!(error, IntError::TooWide { .. }), "{error}");
    let few = one(wide, &[3; 6]).reshaped(&[2, 3]).unwrap();
    let product = few.linear(&few, None, BitGrowth::Range).unwrap();
    assert_eq!((product.ints()[[0, 0]], product.data_type().bits), (27, 66));
    assert_eq!(few.linear(&few, None, BitGrowth::Brevitas).unwrap().data_type().bits, 66);
    assert_eq!(few.linear(&few, None, BitGrowth::Values).unwrap().data_type().bits, 5);
    let cube = product.mul(&product, BitGrowth::Range);
    assert!(matches!(cube, Err(IntError::Extent { .. })), "{cube:?}");
    assert_eq!(product.mul(&product, BitGrowth::Values).unwrap().data_type().bits, 10);
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let of = |scale: Vec<f32>, granularity| {
        let codes = array![[1u8, 2], [3, 4]].into_dyn();
        let shape = crate::data::scale_shape(&[2, 2], granularity);
        let scale = ArrayD::from_shape_vec(IxDyn(&shape), scale).unwrap();
        QuantTensor::<Int8>::new(codes, scale, None, granularity).unwrap().to_int().unwrap()
    };
    let rows = of(vec![1.0, 2.0], Granularity::Row);
    let columns = of(vec![1.0, 2.0], Granularity::Channel { axis: 1 });
    let range = BitGrowth::Range;
    let message = |error: Result<IntTensor, IntError>| error.unwrap_err().to_string();
    assert_eq!(
        message(rows.mul(&columns, range)),
        "a product of a tensor with one scale per row and one with one scale per index of axis 1: give both the same \
         (`with_granularity`)"
    );
    let each = Granularity::Group { axis: 1, size: 1 };
    let (a, b) = (rows.with_granularity(each).unwrap(), columns.with_granularity(each).unwrap());
    assert_eq!(a.mul(&b, range).unwrap().dequantize(), array![[1.0, 8.0], [18.0, 64.0]].into_dyn());
    assert_eq!(
        message(columns.matmul(&columns, range)),
        "a matrix product takes elements of axis 1 together, but with one scale per index of axis 1 they have different \
         scales"
    );
    let product = rows.matmul(&columns, range).unwrap();
    assert_eq!(product.granularity(), each);
    assert_eq!(
        message(rows.add(&of(vec![1.0, 2.00001], Granularity::Row), range, ScaleMatch::Equal)),
        "a sum needs equal scales, and scale 1 is 2e0 of one operand and 2.0000100135803223e0 of the other"
    );
    let near = of(vec![1.0, 2.00001], Granularity::Row);
    let sum = rows.add(&near, range, ScaleMatch::Close).unwrap();
    assert_eq!(sum.scale()[[1, 0]], (2.0 + f64::from(2.00001f32)) / 2.0);
    let negative = of(vec![-1.0, 2.0], Granularity::Row);
    assert!(matches!(negative.relu(range), Err(IntError::Scale { index: 0, .. })));
    assert_eq!(negative.abs(range).unwrap().dequantize()[[0, 1]], 2.0);
    assert!(
        rows.matmul(&of(vec![1.0], Granularity::Tensor).reshaped(&[4, 1]).unwrap(), range).is_err()
    );
}
