//! Elements of sequences, and sequences of elements.

use ndarray::{ArcArray, ArrayD, ArrayViewD, Axis, IxDyn, stack};

use super::datum::{Codes, Datum, Scales, Sums};
use super::ints::{Ints, each, map_ints};

/// One element along the first axis, which there is; codes and sums stay what they are, where scales allow it.
pub(super) fn element(datum: &Datum, at: usize) -> Datum {
    fn one<T: Copy>(array: &ArcArray<T, IxDyn>, at: usize) -> ArcArray<T, IxDyn> {
        array.index_axis(Axis(0), at).to_owned().into_shared()
    }
    match datum {
        Datum::Codes(codes) => match behind(&codes.scales, at) {
            Some(scales) => {
                let ints = map_ints!(&codes.ints, array => one(array, at));
                Datum::Codes(Codes { ints, scales, ..codes.clone() })
            }
            None => Datum::Plain(crate::exec::scan::element(&datum.tensor(), at)),
        },
        Datum::Sums(sums) => match behind(&sums.scales, at) {
            Some(scales) => {
                Datum::Sums(Sums { values: sums.values.index_axis(Axis(0), at).to_owned(), scales })
            }
            None => Datum::Plain(crate::exec::scan::element(&datum.tensor(), at)),
        },
        Datum::Table(table) => {
            Datum::Table(table.moved(map_ints!(&table.ints, array => one(array, at))))
        }
        _ => Datum::Plain(crate::exec::scan::element(&datum.tensor(), at)),
    }
}

/// The scales of one element along the first axis.
fn behind(scales: &Scales, at: usize) -> Option<Scales> {
    match (scales.single(), scales.axis) {
        (Some(scale), _) => Some(Scales::one(scale)),
        (None, 0) => Some(Scales::one(*scales.values.get(at)?)),
        (None, axis) => Some(Scales { values: scales.values.clone(), axis: axis - 1 }),
    }
}

/// Elements along a new first axis: codes and sums of one scale stay so.
///
/// # Errors
/// Elements of different shapes.
pub(super) fn stacked(all: &[Datum]) -> Result<Datum, String> {
    let of = |error: ndarray::ShapeError| error.to_string();
    if let Some(Datum::Codes(first)) = all.first() {
        let codes: Option<Vec<ArrayD<i64>>> = all
            .iter()
            .map(|one| match one {
                Datum::Codes(codes) => {
                    let alike = codes.format == first.format
                        && codes.scales == first.scales
                        && codes.zero_point == first.zero_point
                        && codes.scales.single().is_some();
                    alike.then(|| codes.ints.to_i64())
                }
                _ => None,
            })
            .collect();
        if let Some(codes) = codes {
            let views: Vec<ArrayViewD<'_, i64>> = codes.iter().map(|array| array.view()).collect();
            let values = stack(Axis(0), &views).map_err(of)?;
            let ints = Ints::new(&values, (first.format.min(), first.format.max()));
            return Ok(Datum::Codes(Codes { ints, ..first.clone() }));
        }
    }
    let tensors: Vec<_> = all.iter().map(Datum::tensor).collect();
    crate::exec::scan::stacked(&tensors).map(Datum::Plain)
}

/// Sums and products, element by element, of arrays that broadcast; `None` where they do not.
pub(super) fn zipped(
    a: &ArrayD<i64>,
    b: &ArrayD<i64>,
    f: impl Fn(i64, i64) -> i64,
) -> Option<ArrayD<i64>> {
    let (x, y) = (a.shape(), b.shape());
    let rank = x.len().max(y.len());
    let extent = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(at) => shape[at],
        None => 1,
    };
    let shape: Option<Vec<usize>> = (0..rank)
        .map(|axis| match (extent(x, axis), extent(y, axis)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect();
    let shape = IxDyn(&shape?);
    let (a, b) = (a.broadcast(shape.clone())?, b.broadcast(shape)?);
    let mut out = a.to_owned();
    out.zip_mut_with(&b, |x, &y| *x = f(*x, y));
    Some(out)
}

/// The codes less their zero point.
pub(super) fn differences(codes: &Codes) -> ArrayD<i64> {
    let zero = codes.zero_point;
    each!(&codes.ints, array => array.mapv(|x| i64::from(x) - zero))
}
