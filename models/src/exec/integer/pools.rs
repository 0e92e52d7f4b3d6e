//! Means and sums of codes: sums of whole numbers, exact, with a smaller scale.

use fewbit::{Vectorized, vectorize};
use ndarray::{ArrayD, IxDyn};

use crate::ops::{AveragePool, Inputs, Op, ReduceMean, ReduceSum};
use crate::tensor::Tensor;

use super::datum::{Codes, Scales, Sums};
use super::ints::each;

/// The mean over all positions: `(sum q - n z) (s / n)`.
pub(super) fn global(codes: &Codes) -> Option<Sums> {
    let scale = codes.scales.single()?;
    let mut out = codes.ints.shape().to_vec();
    let positions: usize = out.get(2..)?.iter().product();
    out[2..].fill(1);
    let zero = codes.zero_point * positions as i64;
    let sums: Vec<i64> = each!(&codes.ints, array => {
        let elements = array.as_standard_layout();
        vectorize(Totals { elements: elements.as_slice()?, positions, zero })
    });
    let values = ArrayD::from_shape_vec(IxDyn(&out), sums).ok()?;
    Some(Sums { values, scales: Scales::one(scale / positions as f32) })
}

/// The sum of each plane of so many elements, less `zero`.
struct Totals<'a, T> {
    elements: &'a [T],
    positions: usize,
    zero: i64,
}

impl<T: Copy + Into<i32>> Vectorized for Totals<'_, T> {
    type Output = Vec<i64>;

    #[inline(always)]
    fn call(self) -> Vec<i64> {
        /// Elements of 16 bits whose sum 32 bits hold.
        const PART: usize = 1 << 15;
        let planes = self.elements.chunks_exact(self.positions.max(1));
        let mut totals = Vec::with_capacity(planes.len());
        for plane in planes {
            let mut total = -self.zero;
            for part in plane.chunks(PART) {
                let (mut low, mut high) = (0i32, 0i32);
                for &q in part {
                    let q: i32 = q.into();
                    low += q & 0xffff;
                    high += q >> 16;
                }
                total += (i64::from(high) << 16) + i64::from(low);
            }
            totals.push(total);
        }
        totals
    }
}

/// The mean of each window.
///
/// Windows that hold different numbers of elements get one scale by their least common multiple `L`: `(sum (q - z)) (L / n)` times
/// `s / L`. `None` for several scales, and where a window holds nothing.
pub(super) fn windows(pool: &AveragePool, codes: &Codes) -> Result<Option<Sums>, String> {
    let Some(scale) = codes.scales.single() else { return Ok(None) };
    let shape = codes.ints.shape().to_vec();
    let (slides, counts) = pool.windows(&shape).map_err(|error| error.to_string())?;
    let Some(common) = counts.iter().try_fold(1i64, |l, &n| common_multiple(l, n as i64)) else {
        return Ok(None);
    };
    // The elements of each window, the same in every channel.
    let mut members: Vec<Vec<usize>> = vec![vec![0]];
    for slide in &slides {
        let window = |at: usize| -> Vec<usize> {
            (0..slide.kernel).filter_map(|tap| slide.place(at, tap)).collect()
        };
        let along: Vec<Vec<usize>> = (0..slide.output).map(window).collect();
        let wider = |outer: &Vec<usize>, along: &Vec<usize>| -> Vec<usize> {
            let each = outer.iter().flat_map(|&at| along.iter().map(move |&place| (at, place)));
            each.map(|(at, place)| at * slide.input + place).collect()
        };
        members = members
            .iter()
            .flat_map(|outer| along.iter().map(|along| wider(outer, along)).collect::<Vec<_>>())
            .collect();
    }
    let zero = codes.zero_point;
    let size: usize = shape[2..].iter().product();
    let ints = codes.ints.to_i64();
    let elements: Vec<i64> = ints.iter().map(|&q| q - zero).collect();
    let mut values = Vec::with_capacity(shape[0] * shape[1] * members.len());
    for plane in elements.chunks(size.max(1)) {
        let sums = members.iter().zip(&counts).map(|(members, &n)| {
            members.iter().map(|&at| plane[at]).sum::<i64>() * (common / n as i64)
        });
        values.extend(sums);
    }
    let mut out = shape[..2].to_vec();
    out.extend(slides.iter().map(|slide| slide.output));
    let values = ArrayD::from_shape_vec(IxDyn(&out), values).map_err(|error| error.to_string())?;
    Ok(Some(Sums { values, scales: Scales::one(scale / common as f32) }))
}

fn common_multiple(a: i64, b: i64) -> Option<i64> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    // What sums are multiplied with must leave room for them.
    (b > 0).then(|| a / x).and_then(|part| part.checked_mul(b)).filter(|&least| least < 1 << 24)
}

/// The sum or the mean over axes; `None` for several scales.
pub(super) fn reduced(
    op: &Op,
    codes: &Codes,
    axes: Option<&Tensor>,
) -> Result<Option<Sums>, String> {
    let Some(scale) = codes.scales.single() else { return Ok(None) };
    let sum = match op {
        Op::ReduceSum(sum) => sum.clone(),
        Op::ReduceMean(ReduceMean { keep, nothing_without_axes }) => {
            ReduceSum { keep: *keep, nothing_without_axes: *nothing_without_axes }
        }
        _ => return Ok(None),
    };
    let zero = codes.zero_point;
    let numbers: Tensor = codes.ints.to_i64().mapv(|q| q - zero).into();
    let count = numbers.len();
    let inputs = [Some(&numbers), axes];
    let sums = Op::from(sum).run(Inputs::new(&inputs)).map_err(|error| error.to_string())?;
    let values = sums.first().and_then(|sums| sums.get::<i64>().ok()).map(|sums| sums.to_owned());
    let Some(values) = values else { return Ok(None) };
    let of_each = count.checked_div(values.len()).filter(|&n| n > 0);
    let (Op::ReduceMean(_), Some(n)) = (op, of_each) else {
        return Ok(Some(Sums { values, scales: Scales::one(scale) }));
    };
    Ok(Some(Sums { values, scales: Scales::one(scale / n as f32) }))
}
