//! Products of codes of any format through `exact`: the sum of all products under their scales, rounded once to f64.
//!
//! ```text
//! y[i, j] = f64( sum over blocks b of  s[i, b] t[j, b] sum over k in b of  a[i, k] w[k, j] )
//! ```
//! 1. Numbers of a format are whole multiples of its smallest one; cut into slices of few digits, the products of two slices
//!    over a block of k have sums that f64 holds, whatever their order: a product of matrices gives them exactly.
//! 2. Such a sum times both scales is two f64, its nearest and what is left; all of them are added into a pair of f64, and what
//!    would be lost even there is noticed.
//! 3. Where something is lost, or a number is no finite one, the scalar reference computes the product.

use fewbit::formats::Format;
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::blocks;
use super::ints::each;
use super::line_job::LineProduct;
use super::lines::{Elements, Lines};

/// Neighbours along k of which sums are made, at most.
const PIECE: usize = 1 << 12;
/// Rows of a task.
const ROWS: usize = 32;
/// Digits of f64.
const DIGITS: u32 = 53;
/// Slices of an operand at most.
const SLICES: u32 = 3;
/// Formats of at most so many bits have tables of their numbers.
const BITS: u32 = 16;

/// The sums; `None` where the scalar reference must compute them.
///
/// Scales are those of blocks; those of whole lines, and what multiplies all, are left out.
pub(super) fn product(job: &LineProduct<'_>) -> Option<Array2<f64>> {
    let (x, w) = (job.x, &job.w.lines);
    let (m, k, n) = (x.dim().0, x.dim().1, w.dim().0);
    let has_scales = !(x.is_whole() && w.is_whole());
    let size = blocks::size(x, w).clamp(1, PIECE);
    let length = usize::BITS - size.leading_zeros();
    let (of_x, of_w) = (Numbers::of(x.format)?, Numbers::of(w.format)?);
    let width = (DIGITS - length) / 2;
    let (slices_x, slices_w) = (of_x.digits.div_ceil(width), of_w.digits.div_ceil(width));
    if slices_x > SLICES || slices_w > SLICES {
        return None;
    }
    let (tables_x, tables_w) = (of_x.slices(slices_x, width), of_w.slices(slices_w, width));
    let places: Vec<(usize, usize)> = x.places(size).collect();
    // [slice][K, columns], whole.
    let right: Vec<Array2<f64>> = tables_w
        .par_iter()
        .map(|table| table.values(w, 0, w.dim().0))
        .collect::<Option<Vec<_>>>()?;
    let rows = |first: usize| -> Option<Array2<f64>> {
        let count = ROWS.min(m - first);
        let left = tables_x.iter().map(|table| table.values(x, first, count));
        let left = left.collect::<Option<Vec<_>>>()?;
        let mut sums = Pairs::new(count * n);
        for &(start, end) in &places {
            let at = (start / x.block, start / w.block);
            let of_columns: Vec<f64> = (0..n).map(|j| of_block(w, j, at.1)).collect();
            for a in &left {
                for b in &right {
                    let a: ArrayView2<'_, f64> = a.slice(s![.., start..end]);
                    let b = b.slice(s![.., start..end]);
                    let part = a.dot(&b.t());
                    for (i, part) in part.rows().into_iter().enumerate() {
                        let of_row = of_block(x, first + i, at.0);
                        let to = i * n..(i + 1) * n;
                        match has_scales {
                            false => sums.add(to, part.iter().map(|&p| (p, 0.0))),
                            true => {
                                let scaled = part.iter().zip(&of_columns);
                                sums.add(to, scaled.map(|(&p, t)| two_product(p, of_row * t)));
                            }
                        }
                    }
                }
            }
        }
        Array2::from_shape_vec((count, n), sums.finish()?).ok()
    };
    let starts: Vec<usize> = (0..m).step_by(ROWS).collect();
    let parts: Vec<Array2<f64>> =
        starts.par_iter().map(|&first| rows(first)).collect::<Option<Vec<_>>>()?;
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    match views.is_empty() || k == 0 {
        true => Some(Array2::zeros((m, n))),
        false => ndarray::concatenate(ndarray::Axis(0), &views).ok(),
    }
}

/// The scale of a block, without what multiplies all; 1 of whole lines.
fn of_block(lines: &Lines, line: usize, at: usize) -> f64 {
    match lines.is_whole() {
        true => 1.0,
        false => f64::from(lines.scales[[if lines.scales.nrows() == 1 { 0 } else { line }, at]]),
    }
}

/// The numbers of a format.
struct Numbers {
    format: Format,
    /// By their codes.
    values: Vec<f64>,
    /// The power of two that all of them are whole multiples of.
    least: i32,
    /// Digits that a multiple has at most.
    digits: u32,
}

impl Numbers {
    /// Those of a format of few bits that are finite.
    fn of(format: Format) -> Option<Self> {
        if format.bits() > BITS {
            return None;
        }
        let values: Vec<f64> = (0..1u32 << format.bits()).map(|code| format.decode(code)).collect();
        let finite = || values.iter().filter(|x| x.is_finite() && **x != 0.0);
        let least = finite().map(|&x| last_place(x)).min().unwrap_or(0);
        let most = finite().map(|&x| exponent(x)).max().unwrap_or(0);
        Some(Self { format, least, digits: (most - least + 1).max(1) as u32, values })
    }

    /// Tables of the parts of all numbers: each has so many digits, and they add up to the number.
    fn slices(&self, count: u32, width: u32) -> Vec<Table> {
        let mut rest = self.values.clone();
        let mut tables = Vec::new();
        for slice in (0..count).rev() {
            let unit = 2f64.powi(self.least + (slice * width) as i32);
            let parts: Vec<f64> = rest.iter().map(|x| (x / unit).trunc() * unit).collect();
            rest.iter_mut().zip(&parts).for_each(|(rest, part)| *rest -= part);
            tables.push(Table { format: self.format, parts });
        }
        tables
    }
}

/// Parts of numbers by their codes.
struct Table {
    format: Format,
    parts: Vec<f64>,
}

impl Table {
    /// The parts of some lines, `[lines, K]`; `None` where a number is not finite.
    fn values(&self, lines: &Lines, first: usize, count: usize) -> Option<Array2<f64>> {
        let k = lines.dim().1;
        let mut out = Vec::with_capacity(count * k);
        match (&lines.elements, self.format) {
            (Elements::Codes(codes), _) => {
                let rows = codes.slice(s![first..first + count, ..]);
                out.extend(rows.iter().map(|&code| self.parts[code as usize]));
            }
            (Elements::Ints(ints), Format::Int(format)) => each!(ints, array => {
                for row in array.outer_iter().skip(first).take(count) {
                    out.extend(row.iter().map(|&x| self.parts[format.code(x.into()) as usize]));
                }
            }),
            _ => return None,
        }
        let finite = out.iter().all(|x| x.is_finite());
        Array2::from_shape_vec((count, k), out).ok().filter(|_| finite)
    }
}

/// Sums as pairs of f64.
struct Pairs {
    high: Vec<f64>,
    low: Vec<f64>,
    /// Whether something was lost.
    is_lost: bool,
}

impl Pairs {
    fn new(len: usize) -> Self {
        Self { high: vec![0.0; len], low: vec![0.0; len], is_lost: false }
    }

    /// Adds numbers, each of two parts, to some of the sums.
    fn add(&mut self, to: std::ops::Range<usize>, numbers: impl Iterator<Item = (f64, f64)>) {
        let sums = self.high[to.clone()].iter_mut().zip(&mut self.low[to]);
        let mut lost = 0.0f64;
        for ((high, low), (number, rest)) in sums.zip(numbers) {
            let (sum, left) = two_sum(*high, number);
            let (left, one) = two_sum(left, rest);
            let (left, other) = two_sum(*low, left);
            (*high, *low) = (sum, left);
            lost += one.abs() + other.abs();
        }
        // An infinity or a NaN among the numbers is one here, too.
        self.is_lost |= lost != 0.0;
    }

    /// The sums, rounded once; `None` where something was lost.
    fn finish(self) -> Option<Vec<f64>> {
        let all: Vec<f64> = self.high.iter().zip(&self.low).map(|(high, low)| high + low).collect();
        (!self.is_lost && all.iter().all(|x| x.is_finite())).then_some(all)
    }
}

/// A sum, and what it lacks (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// A product, and what it lacks (Dekker), of numbers far from the ends of the range; NaN beyond.
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    const SPLIT: f64 = 134_217_729.0;
    let halves = |x: f64| {
        let high = x * SPLIT;
        let high = high - (high - x);
        (high, x - high)
    };
    let product = a * b;
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    let rest = ((ah * bh - product) + ah * bl + al * bh) + al * bl;
    // Below this, a product of last places is no number of f64.
    let near = product == 0.0 && (a == 0.0 || b == 0.0) || product.abs() > 1e-200;
    (product, if near { rest } else { f64::NAN })
}

/// The power of two of a number's first digit.
fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// The power of two of a number's last digit.
fn last_place(x: f64) -> i32 {
    let fraction = (x.to_bits() & ((1 << 52) - 1)) | 1 << 52;
    exponent(x) - 52 + fraction.trailing_zeros() as i32
}
