//! Thresholds, counted.

use super::chunk::{LaneInput, Sink};
use super::columns::BLOCK;
use crate::simd::Vectorized;

/// More thresholds than this are searched for instead of all being compared.
pub(super) const COMPARED: usize = 256;

/// Thresholds of every element of a row: the first ones, the second ones and so on, each as long as a row in whole blocks
/// (or one for all).
#[derive(Clone, Debug)]
pub(super) struct Planes {
    pub(super) planes: Vec<Vec<i64>>,
    pub(super) out_scale: i64,
    pub(super) out_bias: i64,
    /// The output's range less the zero point.
    pub(super) least: i64,
    pub(super) most: i64,
}

/// Counts a chunk's thresholds.
pub(super) struct Count<'a, X, S: Sink> {
    pub(super) planes: &'a Planes,
    pub(super) x: &'a [X],
    pub(super) scaled: &'a mut [S::Out],
    pub(super) sink: S,
    /// The first block's number in the row.
    pub(super) first: usize,
}

impl<X: LaneInput, S: Sink> Vectorized for Count<'_, X, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { planes, x, scaled, sink, first } = self;
        let Planes { planes, out_scale, out_bias, least, most } = planes;
        for (number, (x, scaled)) in x.chunks(BLOCK).zip(scaled.chunks_mut(BLOCK)).enumerate() {
            let (mut padded, mut counts) = ([0i64; BLOCK], [0i64; BLOCK]);
            for (padded, &x) in padded.iter_mut().zip(x) {
                *padded = x.into();
            }
            for plane in planes {
                match plane[..] {
                    [threshold] => {
                        for (count, x) in counts.iter_mut().zip(&padded) {
                            *count += i64::from(*x >= threshold);
                        }
                    }
                    _ => {
                        let thresholds = &plane.as_chunks::<BLOCK>().0[first + number];
                        for (count, (x, t)) in counts.iter_mut().zip(padded.iter().zip(thresholds))
                        {
                            *count += i64::from(x >= t);
                        }
                    }
                }
            }
            for (scaled, count) in scaled.iter_mut().zip(counts) {
                let value = (count * out_scale + out_bias).max(*least).min(*most);
                *scaled = sink.put(value as i32);
            }
        }
    }
}
