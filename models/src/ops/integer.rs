//! Products of 8-bit integers: `MatMulInteger`, `ConvInteger`, `QLinearMatMul`, `QLinearConv`, each sum exact in 32 bits.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::{ElementType, Tensor};

use super::conv::infer_conv;
use super::convolve::unfold;
use super::matmul::{infer_matmul, shapes};
use super::quantize::numbers;
use super::set::attributes;
use super::shape::elements;
use super::typed::{array, dense};
use super::{AttributeSet, Attributes, Conv, Fact, Inputs, OpError, Operator};

attributes! {
    /// (A - zero point) (B - zero point) in `int32`.
    MatMulInteger {}
    /// The same and requantized.
    QLinearMatMul {}
}

/// `Conv` of integers: inputs x, w, and their zero points; `int32` comes out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConvInteger {
    /// The attributes, which are those of `Conv`.
    pub conv: Conv,
}

/// `Conv` of integers, requantized: inputs x, its scale and zero point, w, its, those of the output, bias.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QLinearConv {
    /// The attributes, which are those of `Conv`.
    pub conv: Conv,
}

macro_rules! convolutions {
    ($($name:ident)*) => {$(
        impl AttributeSet for $name {
            fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError> {
                Ok(Self { conv: Conv::from_attributes(attributes)? })
            }

            fn put_attributes(&self, attributes: &mut Attributes) {
                self.conv.put_attributes(attributes);
            }
        }
    )*};
}
convolutions! { ConvInteger QLinearConv }

/// Integers of 8 bits.
fn small(
    inputs: Inputs<'_, Tensor>,
    place: usize,
    name: &'static str,
) -> Result<ArcArray<i32, IxDyn>, OpError> {
    Ok(match inputs.required(place, name)? {
        Tensor::I8(a) => a.mapv(i32::from).into_shared(),
        Tensor::U8(a) => a.mapv(i32::from).into_shared(),
        other => {
            let found = other.element_type();
            return Err(OpError::Unsupported(format!("{name} of {found}: int8 or uint8")));
        }
    })
}

/// Zero points, one or as many as there are rows or columns; 0 where there are none.
fn zeros(inputs: Inputs<'_, Tensor>, place: usize, count: usize) -> Result<Vec<i32>, OpError> {
    let given = inputs.integers(place, "zero point")?.unwrap_or_else(|| vec![0]);
    match given.len() {
        1 => Ok(vec![given[0] as i32; count]),
        n if n == count => Ok(given.into_iter().map(|n| n as i32).collect()),
        n => Err(OpError::Shape(format!("{n} zero points for {count} rows or columns"))),
    }
}

/// Sums of products of integers less their zero points, and the number of columns.
fn matmul(
    inputs: Inputs<'_, Tensor>,
    [a, a_zero, b, b_zero]: [usize; 4],
) -> Result<(ArcArray<i32, IxDyn>, usize), OpError> {
    let (a, b) = (small(inputs, a, "A")?, small(inputs, b, "B")?);
    let plan = shapes(a.shape(), b.shape())?;
    let (m, k, n) = (plan.m, plan.k, plan.n);
    // Zero points lie along rows of A and columns of B; in batches, those of each batch come after each other.
    let batched = |place: usize, count: usize, size: usize| -> Result<Vec<i32>, OpError> {
        let given = inputs.optional(place).map_or(1, Tensor::len);
        match given == count * size && count > 1 {
            true => zeros(inputs, place, given),
            false => Ok(zeros(inputs, place, size)?.repeat(count.max(1))),
        }
    };
    let count = |x: &ArcArray<i32, IxDyn>| x.shape().iter().rev().skip(2).product::<usize>();
    let a_zero = batched(a_zero, count(&a), m)?;
    let b_zero = batched(b_zero, count(&b), n)?;
    let (a, b) = (dense(&a), dense(&b));
    let mut out = vec![0i32; elements(&plan.out)?];
    super::parallel::rows(&mut out, n, n * k, |row, out| {
        let (batch, i) = (row / m, row % m);
        let (at_a, at_b) = plan.pairs[batch];
        let zero = a_zero[at_a * m + i];
        let b_zero = &b_zero[at_b * n..][..n];
        for (p, &x) in a[(at_a * m + i) * k..][..k].iter().enumerate() {
            let b = &b[(at_b * k + p) * n..][..n];
            for ((out, &w), &b_zero) in out.iter_mut().zip(b).zip(b_zero) {
                *out = out.wrapping_add((x - zero).wrapping_mul(w - b_zero));
            }
        }
    });
    Ok((array(&plan.out, out)?, n))
}

/// Sums of a convolution of integers less their zero points.
fn conv(
    op: &Conv,
    inputs: Inputs<'_, Tensor>,
    [x, x_zero, w, w_zero]: [usize; 4],
) -> Result<ArcArray<i32, IxDyn>, OpError> {
    let (x, w) = (small(inputs, x, "x")?, small(inputs, w, "w")?);
    let slides = op.windows(x.shape(), w.shape())?;
    let zero = zeros(inputs, x_zero, 1)?[0];
    let filters = w.shape()[0];
    let w_zero = zeros(inputs, w_zero, filters)?;
    // Padding stands for real zeros, which is what is left of a zero point.
    let x = x.mapv(|x| x - zero).into_shared();
    let (x_data, w_data) = (dense(&x), dense(&w));
    let (channels, groups) = (x.shape()[1], op.groups);
    let (depth, per_group) = (channels / groups, filters / groups);
    let size: usize = slides.iter().map(|slide| slide.input).product();
    let plane: usize = slides.iter().map(|slide| slide.output).product();
    let taps: usize = slides.iter().map(|slide| slide.kernel).product();
    let mut shape = vec![x.shape()[0], filters];
    shape.extend(slides.iter().map(|slide| slide.output));
    let mut out = vec![0i32; elements(&shape)?];
    elements(&[depth * taps, plane])?;
    let lead = slides[0].output;
    super::parallel::rows(&mut out, per_group * plane, usize::MAX, |part, out| {
        let mut columns = vec![0i32; depth * taps * plane];
        for (channel, columns) in columns.chunks_mut(taps * plane).enumerate() {
            let x = &x_data[(part * depth + channel) * size..][..size];
            unfold(x, &slides, (0, lead), columns);
        }
        for (filter, out) in out.chunks_mut(plane).enumerate() {
            let filter = part % groups * per_group + filter;
            let w = &w_data[filter * depth * taps..][..depth * taps];
            for (&w, columns) in w.iter().zip(columns.chunks(plane)) {
                let w = w - w_zero[filter];
                let pairs = out.iter_mut().zip(columns);
                pairs.for_each(|(out, &x)| *out = out.wrapping_add(w.wrapping_mul(x)));
            }
        }
    });
    array(&shape, out)
}

/// Sums times a factor per channel, rounded to even, plus a zero point, in the type of that.
fn requantize(
    sums: &ArcArray<i32, IxDyn>,
    factor: impl Fn(usize) -> f32,
    zero: &Tensor,
) -> Result<Tensor, OpError> {
    let point =
        zero.integers().map_err(|source| OpError::Input { name: "y_zero_point", source })?;
    let point = point.first().copied().unwrap_or(0) as f32;
    let sums_data = dense(sums);
    let codes = sums_data.iter().enumerate();
    let codes = codes.map(|(i, &sum)| (sum as f32 * factor(i)).round_ties_even() + point);
    Ok(match zero.element_type() {
        ElementType::U8 => array(sums.shape(), codes.map(|x| x as u8).collect())?.into(),
        ElementType::I8 => array(sums.shape(), codes.map(|x| x as i8).collect())?.into(),
        other => return Err(OpError::Unsupported(format!("requantized to {other}"))),
    })
}

/// Scales in `f32`.
fn scales(
    inputs: Inputs<'_, Tensor>,
    place: usize,
    name: &'static str,
) -> Result<Vec<f32>, OpError> {
    let scales = numbers(inputs.required(place, name)?);
    match scales.is_empty() {
        true => Err(OpError::Shape(format!("{name} has no elements"))),
        false => Ok(scales.into_iter().map(|s| s as f32).collect()),
    }
}

impl Operator for MatMulInteger {
    fn since(&self) -> i64 {
        10
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
        let element = Some(ElementType::I32);
        Ok(vec![Fact { element, shape: infer_matmul(a, b)?, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![matmul(inputs, [0, 2, 1, 3])?.0.into()])
    }
}

impl Operator for QLinearMatMul {
    fn since(&self) -> i64 {
        10
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (a, b) = (inputs.required(0, "a")?, inputs.required(3, "b")?);
        let element = inputs.required(7, "y_zero_point")?.element;
        Ok(vec![Fact { element, shape: infer_matmul(a, b)?, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (sums, n) = matmul(inputs, [0, 2, 3, 5])?;
        let (a, b) = (scales(inputs, 1, "a_scale")?, scales(inputs, 4, "b_scale")?);
        let y = scales(inputs, 6, "y_scale")?[0];
        let rows = sums.len() / n.max(1);
        let fits = |scales: &[f32], count: usize| scales.len() == 1 || scales.len() == count;
        if !fits(&a, rows) || !fits(&b, n) {
            return Err(OpError::Unsupported("scales that are not one per row or column".into()));
        }
        let factor = |i: usize| a[(i / n.max(1)) % a.len()] * b[i % n.max(1) % b.len()] / y;
        Ok(vec![requantize(&sums, factor, inputs.required(7, "y_zero_point")?)?])
    }
}

impl Operator for ConvInteger {
    fn since(&self) -> i64 {
        10
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let shape = infer_conv(&self.conv, inputs.required(0, "x")?, inputs.required(1, "w")?)?;
        Ok(vec![Fact { element: Some(ElementType::I32), shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![conv(&self.conv, inputs, [0, 2, 1, 3])?.into()])
    }
}

impl Operator for QLinearConv {
    fn since(&self) -> i64 {
        10
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let shape = infer_conv(&self.conv, inputs.required(0, "x")?, inputs.required(3, "w")?)?;
        let element = inputs.required(7, "y_zero_point")?.element;
        Ok(vec![Fact { element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let mut sums = conv(&self.conv, inputs, [0, 2, 3, 5])?;
        let (filters, plane) =
            (sums.shape()[1], sums.shape()[2..].iter().product::<usize>().max(1));
        let (x, w) = (scales(inputs, 1, "x_scale")?[0], scales(inputs, 4, "w_scale")?);
        let y = scales(inputs, 6, "y_scale")?[0];
        if w.len() != 1 && w.len() != filters {
            return Err(OpError::Shape(format!("{} scales for {filters} filters", w.len())));
        }
        if let Some(bias) = inputs.integers(8, "B")? {
            if bias.len() != filters {
                return Err(OpError::Shape(format!("{} biases for {filters}", bias.len())));
            }
            let mut data = dense(&sums).into_owned();
            for (i, sum) in data.iter_mut().enumerate() {
                *sum = sum.wrapping_add(bias[i / plane % filters] as i32);
            }
            sums = array(sums.shape(), data)?;
        }
        let factor = |i: usize| x * w[i / plane % filters % w.len()] / y;
        Ok(vec![requantize(&sums, factor, inputs.required(7, "y_zero_point")?)?])
    }
}
