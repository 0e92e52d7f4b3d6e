//! Tensors for the tests, from a seeded generator that owes nothing to fewbit; their exact values.

use fewbit::accumulate::bounds::{DataType, Sign};
use fewbit::tensor::{AnyQuantTensor, Granularity, IntTensor};
use fewbit_formats::{Excerpt, Format, IntFormat, IntRange, Signedness};
pub(crate) use fewbit_testkit::Random;
use ndarray::{ArrayD, IxDyn};
use num_bigint::BigInt;
use num_rational::BigRational;

/// A scale that is no round number.
pub(crate) fn scale(random: &mut Random) -> f32 {
    (1.0 + random.below(1 << 20) as f32 / 1048576.0) * 2f32.powi(random.below(13) as i32 - 9)
}

pub(crate) fn int(bits: u32, signedness: Signedness, range: IntRange) -> Format {
    Format::Int(IntFormat::new(bits, signedness, range, Excerpt::new("test")).unwrap())
}

/// Integers of 2 to `widest` bits, fixed point, ternary and binary.
pub(crate) fn integer_format(random: &mut Random, widest: u32) -> Format {
    let bits = 2 + random.below(widest as usize - 1) as u32;
    let signedness = random.pick(&[Signedness::Signed, Signedness::Unsigned]);
    match random.below(8) {
        0 => Format::Ternary,
        1 => Format::Binary,
        2 => "fix8.4".parse().unwrap(),
        3 => int(bits, signedness, IntRange::Narrow),
        _ => int(bits, signedness, IntRange::Full),
    }
}

pub(crate) fn granularity(random: &mut Random, axes: usize) -> Granularity {
    if axes == 0 {
        return random.pick(&[Granularity::Tensor, Granularity::Row]);
    }
    // Counted from either end.
    let axis = random.below(axes) as isize - if random.below(2) == 0 { 0 } else { axes as isize };
    match random.below(4) {
        0 => Granularity::Tensor,
        1 => Granularity::Channel { axis },
        2 => Granularity::Row,
        _ => Granularity::Group { axis, size: 1 + random.below(5) },
    }
}

/// The same with its axis counted from the front.
pub(crate) fn from_the_front(granularity: Granularity, shape: &[usize]) -> Granularity {
    let place = |axis: isize| axis.rem_euclid(shape.len() as isize);
    match granularity {
        Granularity::Channel { axis } => Granularity::Channel { axis: place(axis) },
        Granularity::Group { axis, size } => Granularity::Group { axis: place(axis), size },
        other => other,
    }
}

/// The shape of the scales, said once more.
pub(crate) fn scale_shape(shape: &[usize], granularity: Granularity) -> Vec<usize> {
    let place = |axis: isize| axis.rem_euclid(shape.len() as isize) as usize;
    let mut scales = shape.to_vec();
    match granularity {
        Granularity::Tensor => scales.clear(),
        Granularity::Row => scales.last_mut().into_iter().for_each(|n| *n = 1),
        Granularity::Channel { axis } => {
            scales.fill(1);
            scales[place(axis)] = shape[place(axis)];
        }
        Granularity::Group { axis, size } => {
            scales[place(axis)] = shape[place(axis)].div_ceil(size);
        }
    }
    scales
}

/// A code that stands for a value; the ends of the range more often than others.
pub(crate) fn code(random: &mut Random, format: Format) -> u32 {
    let stands = |code: u32| !format.decode(code).is_nan();
    loop {
        let code = match (random.below(4), format) {
            (0, Format::Int(int)) => int.code(random.pick(&[int.min(), int.max()])),
            _ => (random.next() & (format.code_count() - 1)) as u32,
        };
        if stands(code) {
            return code;
        }
    }
}

pub(crate) fn tensor(
    random: &mut Random,
    format: Format,
    shape: &[usize],
    granularity: Granularity,
    zero_points: bool,
) -> AnyQuantTensor {
    let codes = ArrayD::from_shape_simple_fn(IxDyn(shape), || code(random, format));
    let scales = IxDyn(&scale_shape(shape, granularity));
    let scale = ArrayD::from_shape_simple_fn(scales.clone(), || scale(random));
    let zero = |random: &mut Random| {
        ArrayD::from_shape_simple_fn(scales.clone(), || random.below(200) as f32 - 100.0)
    };
    let zero_point = zero_points.then(|| zero(random));
    AnyQuantTensor::new(format, &codes.view(), scale, zero_point, granularity).unwrap()
}

/// `(integer - zero point) * scale`, exactly.
pub(crate) fn exact(tensor: &IntTensor) -> Vec<BigRational> {
    let number = |x: f64| BigRational::from_float(x).unwrap();
    let scale = tensor.expand(tensor.scale());
    let zero = tensor.zero_point().map(|zero| tensor.expand(zero));
    let mut zeros = zero.iter().flatten();
    tensor
        .ints()
        .iter()
        .zip(&scale)
        .map(|(&int, &scale)| {
            let int = BigRational::from(BigInt::from(int));
            (int - number(zeros.next().copied().unwrap_or(0.0))) * number(scale)
        })
        .collect()
}

/// The ends of a type, said once more.
pub(crate) fn ends(data_type: DataType) -> (BigInt, BigInt) {
    let power = |n: u32| BigInt::from(1) << n;
    match data_type.sign {
        Sign::Signed => (-power(data_type.bits - 1), power(data_type.bits - 1) - 1),
        Sign::Unsigned => (BigInt::from(0), power(data_type.bits) - 1),
    }
}

/// Whether every integer lies within the stated type and the known range.
pub(crate) fn is_sound(tensor: &IntTensor) -> bool {
    let (low, high) = ends(tensor.data_type());
    let (least, most) = tensor.range();
    let range_in_type = low <= BigInt::from(least) && BigInt::from(most) <= high;
    range_in_type
        && tensor.ints().iter().all(|&int| least <= i128::from(int) && i128::from(int) <= most)
}
