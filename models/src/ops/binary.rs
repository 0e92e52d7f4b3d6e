//! Arithmetic on two numbers, broadcast.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::zip;
use super::set::attributes;
use super::shape::broadcast_facts;
use super::typed::same_number;
use super::{Dim, Fact, Inputs, Known, OpError, Operator};

/// Arithmetic on a type of numbers: integers wrap, and divide toward zero.
pub(crate) trait Number: Copy + Default + Send + Sync + PartialOrd + 'static {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// Of an integer by 0: 0.
    fn div(self, other: Self) -> Self;
    /// The sign of the divisor.
    fn modulo(self, other: Self) -> Self;
    /// The sign of the dividend.
    fn remainder(self, other: Self) -> Self;
    fn power(self, exponent: f64) -> Self;
    /// NaN if either is.
    fn least(self, other: Self) -> Self;
    fn greatest(self, other: Self) -> Self;
    fn wide(self) -> f64;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
            fn mul(self, other: Self) -> Self { self.wrapping_mul(other) }
            fn div(self, other: Self) -> Self {
                if other == 0 { 0 } else { self.wrapping_div(other) }
            }
            fn modulo(self, other: Self) -> Self {
                let rest = self.remainder(other);
                #[allow(unused_comparisons, reason = "unsigned types are among these")]
                if rest != 0 && (rest < 0) != (other < 0) { rest.wrapping_add(other) } else { rest }
            }
            fn remainder(self, other: Self) -> Self {
                if other == 0 { 0 } else { self.wrapping_rem(other) }
            }
            fn power(self, exponent: f64) -> Self {
                match u32::try_from(exponent as i64) {
                    Ok(n) if f64::from(n) == exponent => self.wrapping_pow(n),
                    _ => (self as f64).powf(exponent) as $type,
                }
            }
            fn least(self, other: Self) -> Self { self.min(other) }
            fn greatest(self, other: Self) -> Self { self.max(other) }
            fn wide(self) -> f64 { self as f64 }
        }
    )*};
}
integers! { i64 i32 i16 i8 u64 u32 u16 u8 }

impl Number for f32 {
    fn add(self, other: Self) -> Self {
        self + other
    }
    fn sub(self, other: Self) -> Self {
        self - other
    }
    fn mul(self, other: Self) -> Self {
        self * other
    }
    fn div(self, other: Self) -> Self {
        self / other
    }
    fn modulo(self, other: Self) -> Self {
        let rest = self % other;
        if rest != 0.0 && (rest < 0.0) != (other < 0.0) { rest + other } else { rest }
    }
    fn remainder(self, other: Self) -> Self {
        self % other
    }
    fn power(self, exponent: f64) -> Self {
        if exponent == 2.0 { self * self } else { self.powf(exponent as f32) }
    }
    fn least(self, other: Self) -> Self {
        if self.is_nan() || self < other { self } else { other }
    }
    fn greatest(self, other: Self) -> Self {
        if self.is_nan() || self > other { self } else { other }
    }
    fn wide(self) -> f64 {
        self.into()
    }
}

attributes! {
    /// a + b.
    Add {}
    /// a - b.
    Sub {}
    /// a b.
    Mul {}
    /// a / b, of integers toward zero.
    Div {}
    /// a to the power b; the result has the type of a.
    Pow {}
    /// The rest of a / b.
    Mod {
        /// Whether the rest has the sign of a, as C's `fmod`, and not that of b.
        "fmod" dividend: bool = false;
    }
    /// The least of all inputs.
    Min {}
    /// The greatest of all inputs.
    Max {}
    /// The sum of all inputs.
    Sum {}
    /// The mean of all inputs.
    Mean {}
}

fn infer(inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    let element = inputs.required(0, "A")?.element;
    Ok(vec![Fact { element, shape: broadcast_facts(inputs.iter())?, known: None }])
}

/// The same, with the extents that follow from known ones.
fn infer_dims(
    inputs: Inputs<'_, Fact>,
    f: impl Fn(&Dim, &Dim) -> Dim,
) -> Result<Vec<Fact>, OpError> {
    let mut facts = infer(inputs)?;
    let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
    let integer = facts[0].element == Some(crate::tensor::ElementType::I64);
    if let (true, Some(a), Some(b)) = (integer, a.dims(), b.dims()) {
        let n = if a.is_empty() || b.is_empty() { 0 } else { a.len().max(b.len()) };
        if n < 64 && [a.len(), b.len()].iter().all(|&len| len == n || len == 1) {
            let dims = (0..n).map(|i| f(&a[i % a.len()], &b[i % b.len()])).collect();
            facts[0].known = Some(Known::Dims(dims));
        }
    }
    Ok(facts)
}

fn sizes(a: &Dim, b: &Dim, f: impl Fn(usize, usize) -> Option<usize>) -> Dim {
    match (a.size(), b.size()) {
        (Some(a), Some(b)) => f(a, b).map_or(Dim::Unknown, Dim::Size),
        _ => Dim::Unknown,
    }
}

macro_rules! arithmetic {
    ($($name:ident $method:ident, $dims:expr;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                infer_dims(inputs, $dims)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
                if let (Tensor::F32(a), Tensor::F32(b)) = (a, b) {
                    return Ok(vec![zip(a, b, |a: f32, b: f32| a.$method(b))?.into()]);
                }
                // One loop for all operators: only that of floats is worth one of its own.
                Ok(vec![same_number!(stringify!($name), &[a, b], x => {
                    zip(x[0], x[1], Number::$method as fn(_, _) -> _)?
                })])
            }
        }
    )*};
}

arithmetic! {
    Add add, |a, b| match (a, b) {
        (Dim::Size(0), same) | (same, Dim::Size(0)) => same.clone(),
        _ => sizes(a, b, usize::checked_add),
    };
    Sub sub, |a, b| if *b == Dim::Size(0) { a.clone() } else { sizes(a, b, usize::checked_sub) };
    Mul mul, |a, b| match (a, b) {
        (Dim::Size(1), same) | (same, Dim::Size(1)) => same.clone(),
        _ => sizes(a, b, usize::checked_mul),
    };
    Div div, |a, b| if *b == Dim::Size(1) { a.clone() } else { sizes(a, b, usize::checked_div) };
}

impl Operator for Mod {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
        Ok(vec![same_number!("Mod", &[a, b], x => match self.dividend {
            true => zip(x[0], x[1], Number::remainder as fn(_, _) -> _)?,
            false => zip(x[0], x[1], Number::modulo as fn(_, _) -> _)?,
        })])
    }
}

impl Operator for Pow {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs.required(0, "X")?, inputs.required(1, "Y")?);
        // The exponent's type is its own.
        let exponents: ArcArray<f64, IxDyn> = match b {
            Tensor::F32(b) => b.mapv(f64::from).into_shared(),
            other => {
                let numbers = other.integers();
                let numbers = numbers.map_err(|source| OpError::Input { name: "Y", source })?;
                super::typed::array(b.shape(), numbers.into_iter().map(|n| n as f64).collect())?
            }
        };
        Ok(vec![same_number!("Pow", &[a], x => zip(x[0], &exponents, Number::power)?)])
    }
}

macro_rules! variadic {
    ($($name:ident $method:ident;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                infer(inputs)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let all: Vec<&Tensor> = inputs.iter().flatten().collect();
                Ok(vec![same_number!(stringify!($name), &all, x => {
                    let mut all = x[0].clone();
                    for other in &x[1..] {
                        all = zip(&all, other, Number::$method as fn(_, _) -> _)?;
                    }
                    all
                })])
            }
        }
    )*};
}

variadic! {
    Min least;
    Max greatest;
    Sum add;
}

impl Operator for Mean {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let mut sum = inputs.array::<f32>(0, "data_0")?.clone();
        for place in 1..inputs.len() {
            sum = zip(&sum, inputs.array::<f32>(place, "data")?, Number::add as fn(_, _) -> _)?;
        }
        let count = inputs.len() as f32;
        Ok(vec![sum.mapv(|x| x / count).into()])
    }
}
