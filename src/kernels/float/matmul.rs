//! The product as callers see it.

use std::fmt;
use std::time::Instant;

use ndarray::{Array2, ArrayView2};
use thiserror::Error;

use super::operand::PackedOperand;
use super::plan::Plan;
use super::power::Powers;
use super::{driver, stepped, trace};
use crate::accumulate::Accumulator;
use crate::kernels::product::ReportLevel;
use crate::reference::{FloatError, FloatMatmul, FloatOperand, FloatReport};
use crate::room;
use crate::simd::{Detected, Isa, IsaError};

/// How a product through float registers is computed; only the seed and the initial values change its values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FloatOptions<'a> {
    /// What it reports. Every level but [`ReportLevel::None`] gives the whole [`FloatReport`].
    pub report: ReportLevel,
    /// The instruction set; the widest that the CPU has if not given.
    pub isa: Option<Isa>,
    /// The seed of stochastic rounding.
    pub seed: u64,
    /// What the last register of every output starts from, `[M, N]`; 0 if not given.
    pub init: Option<ArrayView2<'a, f64>>,
}

/// What computed a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FloatEngine {
    /// Vectors of outputs.
    Lanes,
    /// The scalar reference, rows in parallel: no lane has these registers, or none reports what they do.
    Reference,
}

/// A product and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatProduct {
    /// `[M, N]`: the last register's values, each the nearest `f64`.
    pub values: Array2<f64>,
    /// How many values are not exact; only those of an `exact` last register may be.
    pub rounded: u64,
    /// What happened on the way, where it was asked for.
    pub report: Option<FloatReport>,
    /// What computed it.
    pub engine: FloatEngine,
    /// The instruction set of the lanes.
    pub isa: Isa,
    /// Wall-clock seconds of the product alone, without checking and packing the operands.
    pub seconds: f64,
}

/// Why a product cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FloatMatmulError {
    /// Operands or a step.
    #[error(transparent)]
    Float(#[from] FloatError),
    /// An instruction set that cannot be used.
    #[error(transparent)]
    Isa(#[from] IsaError),
}

impl fmt::Display for FloatEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lanes => "lanes",
            Self::Reference => "reference",
        })
    }
}

/// [`reference::matmul_float`](crate::reference::matmul_float), as fast as the accumulator allows.
///
/// `C[i, j] = acc(A[i, 0] * B[0, j], A[i, 1] * B[1, j], ...)` from the initial values of the last register.
/// Equal to the reference in every value and every number of the report, on every instruction set and any number of threads. Runs on rayon's current
/// pool.
///
/// # Errors
/// Those of the reference, and an instruction set that the CPU lacks.
///
/// ```
/// use fewbit::reference::FloatOperand;
/// use fewbit::{FloatEngine, FloatOptions, matmul_float};
/// use ndarray::array;
/// let a = FloatOperand::from_values(array![[1.0, 1.0, 1.0]].view(), "e4m3fn".parse()?)?;
/// let b = FloatOperand::from_values(array![[1.0], [0.00390625], [0.00390625]].view(), "e5m2".parse()?)?;
/// let product = matmul_float(&a, &b, &"bf16".parse()?, &FloatOptions::default())?;
/// assert_eq!(product.values[[0, 0]], 1.0); // 1 + 2^-8 is a tie between 1 and 1 + 2^-7
/// assert_eq!(product.engine, FloatEngine::Lanes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_float(
    a: &FloatOperand,
    b: &FloatOperand,
    acc: &Accumulator,
    options: &FloatOptions<'_>,
) -> Result<FloatProduct, FloatMatmulError> {
    let detected = Detected::or_best(options.isa)?;
    let isa = detected.isa();
    let init = options.init;
    let problem = FloatMatmul::new(a, b, acc, init, options.seed)?;
    let shape = (a.values().nrows(), b.values().ncols());
    room::check::<f64>(&[shape.0, shape.1]).map_err(FloatError::from)?;
    let stepped = |problem| {
        let start = Instant::now();
        let product = stepped::all(problem, shape, acc)?;
        let seconds = start.elapsed().as_secs_f64();
        let (values, rounded) = (product.values, product.rounded);
        let report = (options.report != ReportLevel::None).then_some(product.report);
        let engine = FloatEngine::Reference;
        Ok(FloatProduct { values, rounded, report, engine, isa, seconds })
    };
    // Where there is no output, nothing is packed for any.
    if shape.0 == 0 || shape.1 == 0 {
        return stepped(&problem);
    }
    let powers = Powers::of(acc);
    let mut left = PackedOperand::rows(a, powers, detected);
    let mut right = PackedOperand::columns(b, powers, detected);
    let Some(plan) = Plan::new(acc, &left, &right, init, options.report) else {
        return stepped(&problem);
    };
    let engine = FloatEngine::Lanes;
    if let Some(inner) = plan.trace {
        let Some((mut values, tally, mut seconds)) =
            trace::multiply(&plan, inner, &left, &right, init, detected)
        else {
            return stepped(&problem);
        };
        let start = Instant::now();
        let report = trace::report(&problem, acc, tally, (&left, &right), &mut values)?;
        seconds += start.elapsed().as_secs_f64();
        return Ok(FloatProduct { values, rounded: 0, report: Some(report), engine, isa, seconds });
    }
    left.reorder(plan.order);
    right.reorder(plan.order);
    let (mut values, mut seconds) = driver::multiply(&plan, &left, &right, init, detected);
    if plan.needs_finite() {
        let start = Instant::now();
        stepped::patch(&problem, &left, &right, &mut values)?;
        seconds += start.elapsed().as_secs_f64();
    }
    Ok(FloatProduct { values, rounded: 0, report: None, engine, isa, seconds })
}
