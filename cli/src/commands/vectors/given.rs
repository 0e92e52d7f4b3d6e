//! Operands that are given.

use std::path::Path;

use fewbit::vectors::{ProductShape, VectorOp};
use fewbit_formats::{Format, Overflow, Policy, Rounding};

use super::args::Args;
use crate::error::CliError;
use crate::io::npy::{self, Npy, Values};
use crate::quantized::Target;

/// Codes of both operands, and their formats.
pub(super) struct Given {
    pub(super) formats: [Format; 2],
    pub(super) shape: ProductShape,
    pub(super) vectors: u64,
    /// Vector by vector the left codes, then the right ones.
    pub(super) words: Vec<u64>,
}

/// A matrix of codes.
struct Matrix {
    format: Format,
    rows: usize,
    cols: usize,
    codes: Vec<u64>,
}

/// The operands of `--from`.
///
/// # Errors
/// Files that are no matrices of codes or of values of their formats; shapes that do not fit.
pub(super) fn read(args: &Args) -> Result<Option<Given>, CliError> {
    let Some([a, b]) = args.from.as_deref().and_then(|paths| paths.first_chunk::<2>()) else {
        return Ok(None);
    };
    let left = matrix(args, a, ("--a", args.a.or(args.format)))?;
    let right = matrix(args, b, ("--b", args.b.or(args.format)))?;
    let formats = [left.format, right.format];
    let wrong = |expected: &str| {
        Err(CliError::Arguments(format!(
            "{} is {}x{} and {} is {}x{}: {expected}",
            a.display(),
            left.rows,
            left.cols,
            b.display(),
            right.rows,
            right.cols
        )))
    };
    Ok(Some(match args.op() {
        VectorOp::Dot => {
            if (left.rows, left.cols) != (right.rows, right.cols) {
                return wrong("of dot both are [vectors, K]");
            }
            let shape = ProductShape { m: 1, k: left.cols, n: 1 };
            let k = left.cols.max(1);
            let pairs = left.codes.chunks(k).zip(right.codes.chunks(k));
            let words = pairs.flat_map(|(a, b)| a.iter().chain(b).copied()).collect();
            Given { formats, shape, vectors: left.rows as u64, words }
        }
        _ => {
            if left.cols != right.rows {
                return wrong("of matmul they are [M, K] and [K, N]");
            }
            let shape = ProductShape { m: left.rows, k: left.cols, n: right.cols };
            let words = [left.codes, right.codes].concat();
            Given { formats, shape, vectors: 1, words }
        }
    }))
}

fn matrix(
    args: &Args,
    path: &Path,
    (flag, format): (&str, Option<Target>),
) -> Result<Matrix, CliError> {
    let npy = npy::read(path, &args.form.inputs)?;
    let own = match npy.values {
        Values::I8(_) => Some(Format::INT8),
        Values::U8(_) => Some(Format::UINT8),
        Values::F16(_) => Some(Format::F16),
        Values::F32(_) => Some(Format::F32),
        Values::I16(_) | Values::U16(_) | Values::I32(_) => npy.dtype().parse().ok(),
        _ => None,
    };
    let format = match (format, own) {
        (Some(Target::Tensor(format)), _) => format,
        (Some(other), _) => {
            return Err(CliError::Arguments(format!(
                "{other} has scales, and --from takes operands without: expected a scalar format for {flag}"
            )));
        }
        (None, Some(format)) => format,
        (None, None) => {
            return Err(npy.wrong(format!(
                "holds {}; {flag} FORMAT says which format its numbers have",
                npy.dtype()
            )));
        }
    };
    let is_named = args.format.is_some()
        || args.a.is_some() && flag == "--a"
        || args.b.is_some() && flag == "--b";
    let codes = if is_named { npy.code_matrix()? } else { None };
    let (dim, codes) = match codes {
        Some(codes) => (codes.dim(), codes.iter().map(|&code| u64::from(code)).collect()),
        None => values(&npy, format, flag)?,
    };
    if let Some(place) = codes.iter().position(|&code| {
        code >= format.code_count() || format.decode(code as u32).is_nan() && !format.has_nan()
    }) {
        return Err(npy.wrong(format!("holds {:#x}, which is no code of {format}", codes[place])));
    }
    Ok(Matrix { format, rows: dim.0, cols: dim.1, codes })
}

/// The codes of values, each of which the format has.
fn values(npy: &Npy, format: Format, flag: &str) -> Result<((usize, usize), Vec<u64>), CliError> {
    let matrix = npy.real_matrix()?;
    let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    let code = |((row, col), &x): ((usize, usize), &f64)| {
        let found = format.encode(x, &policy, 0).ok().map(|encoded| encoded.code);
        let same = |code: u32| {
            let value = format.decode(code);
            value == x || value.is_nan() && x.is_nan()
        };
        found.filter(|&code| same(code)).map(u64::from).ok_or_else(|| {
            npy.wrong(format!(
                "holds {x} at ({row}, {col}), which {format} does not have: `fewbit cast --to {format}` rounds it, {flag} \
                 names another format"
            ))
        })
    };
    let codes = matrix.indexed_iter().map(code).collect::<Result<_, _>>()?;
    Ok((matrix.dim(), codes))
}
