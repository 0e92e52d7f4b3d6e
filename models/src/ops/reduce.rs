//! Reductions over axes.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::binary::Number;
use super::parallel::rows;
use super::set::attributes;
use super::shape::{axes, axis, elements};
use super::transpose::permuted;
use super::typed::{array, dense, same_number};
use super::{AttributeSet, Attributes, Dim, Fact, Inputs, OpError, Operator, Read};

/// Changes the elements along some axes, in place, as one row each.
pub(crate) fn along(
    x: &ArcArray<f32, IxDyn>,
    over: &[usize],
    f: impl Fn(&mut [f32]) + Sync,
) -> Result<ArcArray<f32, IxDyn>, OpError> {
    let rank = x.ndim();
    let size: usize = over.iter().map(|&axis| x.shape()[axis]).product();
    let (order, behind) = behind(rank, over);
    let mut data =
        if behind { dense(x).into_owned() } else { permuted(x, &order)?.iter().copied().collect() };
    rows(&mut data, size, 8 * size, |_, row| f(row));
    if behind {
        return array(x.shape(), data);
    }
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape()[axis]).collect();
    let mut back = vec![0; rank];
    order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    permuted(&array(&shape, data)?, &back)
}

/// The axes in an order with some of them last, and whether that is the order that they have.
fn behind(rank: usize, over: &[usize]) -> (Vec<usize>, bool) {
    let mut order: Vec<usize> = (0..rank).filter(|axis| !over.contains(axis)).collect();
    let mut last = over.to_vec();
    last.sort_unstable();
    order.extend(last);
    let same = order.iter().enumerate().all(|(a, &b)| a == b);
    (order, same)
}

/// Folds the elements along some axes to one.
fn fold<T: Copy + Default + Send + Sync>(
    x: &ArcArray<T, IxDyn>,
    over: &[usize],
    keep: bool,
    f: fn(&[T]) -> T,
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let size: usize = over.iter().map(|&axis| x.shape()[axis]).product();
    let (order, same) = behind(x.ndim(), over);
    let data = if same {
        dense(x)
    } else {
        std::borrow::Cow::Owned(dense(&permuted(x, &order)?).into_owned())
    };
    let shape: Vec<usize> = (0..x.ndim())
        .filter(|axis| keep || !over.contains(axis))
        .map(|axis| if over.contains(&axis) { 1 } else { x.shape()[axis] })
        .collect();
    let mut out = vec![T::default(); elements(&shape)?];
    rows(&mut out, 1, 2 * size, |at, out| out[0] = f(&data[at * size..][..size]));
    array(&shape, out)
}

/// What a reduction does with no axes at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NoAxes {
    /// Over all of them.
    All,
    /// Over none: each element by itself.
    Nothing,
}

fn over(inputs: Inputs<'_, Tensor>, rank: usize, none: NoAxes) -> Result<Vec<usize>, OpError> {
    match inputs.integers(1, "axes")? {
        Some(given) if !given.is_empty() => axes(&given, rank),
        _ if none == NoAxes::Nothing => Ok(Vec::new()),
        _ => Ok((0..rank).collect()),
    }
}

fn infer(inputs: Inputs<'_, Fact>, keep: bool, none: NoAxes) -> Result<Vec<Fact>, OpError> {
    let x = inputs.required(0, "data")?;
    let given = match inputs.optional(1) {
        Some(fact) => match fact.tensor().and_then(|tensor| tensor.integers().ok()) {
            Some(given) => given,
            None => return Ok(vec![Fact { element: x.element, ..Fact::default() }]),
        },
        None => Vec::new(),
    };
    let Some(shape) = &x.shape else {
        return Ok(vec![Fact { element: x.element, ..Fact::default() }]);
    };
    let over = match (given.is_empty(), none) {
        (true, NoAxes::Nothing) => return Ok(vec![x.clone().without_known()]),
        (true, NoAxes::All) => (0..shape.len()).collect(),
        (false, _) => axes(&given, shape.len())?,
    };
    let shape = shape.iter().enumerate();
    let shape = shape.filter(|(axis, _)| keep || !over.contains(axis));
    let shape = shape.map(|(at, dim)| if over.contains(&at) { Dim::Size(1) } else { dim.clone() });
    Ok(vec![Fact { element: x.element, shape: Some(shape.collect()), known: None }])
}

/// The partial sums of a function in f64, so that the result does not depend on an order.
fn sum<T: Number>(x: &[T], f: impl Fn(f64) -> f64) -> f64 {
    x.iter().map(|&x| f(x.wide())).sum()
}

/// Back from f64.
pub(crate) trait Narrow {
    fn narrow(x: f64) -> Self;
}

macro_rules! narrow {
    ($($type:ty)*) => {$(
        impl Narrow for $type {
            fn narrow(x: f64) -> Self { x as $type }
        }
    )*};
}
narrow! { f32 i64 i32 i16 i8 u64 u32 u16 u8 }

/// Sums of integers are those of integers.
fn total<T: Number + Narrow>(x: &[T]) -> T {
    x.iter().fold(T::default(), |sum, &x| Number::add(sum, x))
}

fn sum_f32_or<T: Number + Narrow>(x: &[T]) -> T {
    if is_float::<T>() { T::narrow(sum(x, |x| x)) } else { total(x) }
}

fn is_float<T: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<f32>()
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident since $since:literal = $f:expr;)*) => {
        attributes! {$(
            $(#[$doc])*
            $name {
                /// Whether an axis of extent 1 stays.
                "keepdims" keep: bool = true;
                /// Whether no axes stand for none, and not for all.
                "noop_with_empty_axes" nothing_without_axes: bool = false;
            }
        )*}

        $(
            impl $name {
                fn none(&self) -> NoAxes {
                    if self.nothing_without_axes { NoAxes::Nothing } else { NoAxes::All }
                }
            }

            impl Operator for $name {
                /// Older operator sets have the axes as an attribute.
                fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
                    let axes = match opset < $since {
                        true => attributes.ints("axes")?.map(Tensor::vector),
                        false => None,
                    };
                    Ok(Read::from(Self::from_attributes(attributes)?).with(1, axes))
                }

                fn since(&self) -> i64 {
                    $since
                }

                fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                    infer(inputs, self.keep, self.none())
                }

                fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                    let x = inputs.required(0, "data")?;
                    if let Tensor::Bool(truth) = x {
                        // The greatest and the least of truth values are those of 0 and 1.
                        let numbers: Tensor = truth.mapv(u8::from).into_shared().into();
                        let again = [Some(&numbers), inputs.optional(1)];
                        let found = self.run(Inputs::new(&again))?;
                        let truth = |tensor: &Tensor| match tensor {
                            Tensor::U8(a) => a.mapv(|x| x != 0).into_shared().into(),
                            other => other.clone(),
                        };
                        return Ok(found.iter().map(truth).collect());
                    }
                    let over = over(inputs, x.shape().len(), self.none())?;
                    Ok(vec![same_number!(stringify!($name), &[x], a => {
                        fold(a[0], &over, self.keep, $f as fn(&[_]) -> _)?
                    })])
                }
            }
        )*
    };
}

reductions! {
    /// The sum.
    ReduceSum since 13 = |x| sum_f32_or(x);
    /// The mean.
    ReduceMean since 18 = |x| mean(x);
    /// The greatest; without any, the lowest number.
    ReduceMax since 18 = |x| extreme(x, Number::greatest, f64::NEG_INFINITY);
    /// The least; without any, the highest number.
    ReduceMin since 18 = |x| extreme(x, Number::least, f64::INFINITY);
    /// The product.
    ReduceProd since 18 = |x| x.iter().fold(narrow_one(), |product, &x| Number::mul(product, x));
    /// The sum of absolute values.
    ReduceL1 since 18 = |x| narrowed(sum(x, f64::abs));
    /// The root of the sum of squares.
    ReduceL2 since 18 = |x| narrowed(sum(x, |x| x * x).sqrt());
    /// The sum of squares.
    ReduceSumSquare since 18 = |x| narrowed(sum(x, |x| x * x));
    /// The logarithm of the sum.
    ReduceLogSum since 18 = |x| narrowed(sum(x, |x| x).ln());
    /// The logarithm of the sum of e^x.
    ReduceLogSumExp since 18 = |x| narrowed(log_sum_exp(x));
}

fn narrowed<T: Narrow>(x: f64) -> T {
    T::narrow(x)
}

fn narrow_one<T: Narrow>() -> T {
    T::narrow(1.0)
}

fn mean<T: Number + Narrow>(x: &[T]) -> T {
    T::narrow(sum(x, |x| x) / x.len() as f64)
}

fn extreme<T: Number + Narrow>(x: &[T], f: impl Fn(T, T) -> T, none: f64) -> T {
    x.iter().copied().reduce(f).unwrap_or_else(|| T::narrow(none))
}

fn log_sum_exp<T: Number>(x: &[T]) -> f64 {
    let max = x.iter().map(|x| x.wide()).fold(f64::NEG_INFINITY, f64::max);
    if max.is_infinite() { max } else { sum(x, |x| (x - max).exp()).ln() + max }
}

attributes! {
    /// Where the greatest along an axis is.
    ArgMax {
        /// The axis.
        "axis" axis: i64 = 0;
        /// Whether an axis of extent 1 stays.
        "keepdims" keep: bool = true;
        /// Whether the last of equals is taken, and not the first.
        "select_last_index" last: bool = false;
    }
    /// Where the least along an axis is.
    ArgMin {
        /// The axis.
        "axis" axis: i64 = 0;
        /// Whether an axis of extent 1 stays.
        "keepdims" keep: bool = true;
        /// Whether the last of equals is taken, and not the first.
        "select_last_index" last: bool = false;
    }
}

/// The place of the one that none is better than.
fn arg<T: Number>(
    x: &ArcArray<T, IxDyn>,
    at: usize,
    (keep, last): (bool, bool),
    better: fn(T, T) -> bool,
) -> Result<ArcArray<i64, IxDyn>, OpError> {
    if x.shape()[at] == 0 {
        return Err(OpError::Shape("there is none along an axis of extent 0".into()));
    }
    let (order, _) = behind(x.ndim(), &[at]);
    let data = permuted(x, &order)?;
    let (data, size) = (dense(&data), x.shape()[at]);
    let mut shape = x.shape().to_vec();
    if keep {
        shape[at] = 1;
    } else {
        shape.remove(at);
    }
    let mut out = vec![0i64; elements(&shape)?];
    rows(&mut out, 1, 2 * size, |at, out| {
        let x = &data[at * size..][..size];
        let mut best = 0;
        for i in 1..size {
            if better(x[i], x[best]) || (last && !better(x[best], x[i])) {
                best = i;
            }
        }
        out[0] = best as i64;
    });
    array(&shape, out)
}

macro_rules! args {
    ($($name:ident $operator:tt;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                let x = inputs.required(0, "data")?;
                let shape = match x.shape.clone() {
                    Some(mut shape) => {
                        let at = axis(self.axis, shape.len())?;
                        if self.keep {
                            shape[at] = Dim::Size(1);
                        } else {
                            shape.remove(at);
                        }
                        Some(shape)
                    }
                    None => None,
                };
                let element = Some(crate::tensor::ElementType::I64);
                Ok(vec![Fact { element, shape, known: None }])
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let x = inputs.required(0, "data")?;
                let at = axis(self.axis, x.shape().len())?;
                let how = (self.keep, self.last);
                Ok(vec![same_number!(stringify!($name), &[x], a => {
                    arg(a[0], at, how, |a, b| a $operator b)?
                })])
            }
        }
    )*};
}

args! {
    ArgMax >;
    ArgMin <;
}
