//! Groups along the last axis with a zero point each: scales by the specification, quotients for the lanes.

use fewbit_formats::{BlockScale, GroupError};

use super::quotient::magnitude;
use super::rows::Tile;
use super::shifted::ShiftedQuotient;
use crate::convert::lane::INFINITY;

/// The least and the greatest of finite values, with zero between them.
#[inline(always)]
fn extremes(x: &[f32]) -> (f32, f32) {
    const WIDTH: usize = 8;
    let (parts, rest) = x.as_chunks::<WIDTH>();
    let (mut low, mut high) = ([0f32; WIDTH], [0f32; WIDTH]);
    for x in parts {
        for ((low, high), &x) in low.iter_mut().zip(&mut high).zip(x) {
            *low = if x < *low { x } else { *low };
            *high = if x > *high { x } else { *high };
        }
    }
    let low = low.iter().chain(rest).fold(0f32, |low, &x| if x < low { x } else { low });
    let high = high.iter().chain(rest).fold(0f32, |high, &x| if x > high { x } else { high });
    (low, high)
}

impl Tile<'_> {
    /// Groups of any size, of which the last one of a row may be shorter: how many elements and groups.
    #[inline(always)]
    pub(super) fn shifted(
        self,
        shifted: ShiftedQuotient,
    ) -> Result<(usize, usize), (usize, GroupError)> {
        let Self { encoder, first, x, row, outers, scales, quotients, set_aside } = self;
        let (format, policy) = (&encoder.format, &encoder.policy);
        let size = format.size();
        let (mut start, mut place, mut group) = (0, first % row, 0);
        while start < x.len() {
            let length = size.min(row - place).min(x.len() - start);
            let end = start + length;
            if end > quotients.len() {
                break;
            }
            let (block, to) = (&x[start..end], &mut quotients[start..end]);
            let most = magnitude(block);
            let mut scale = None;
            if most < INFINITY {
                let (low, high) = extremes(block);
                let found = format.scale_of_extremes(low, high, outers.of(first + start), policy);
                let found = found.map_err(|error| (first + start, error))?;
                let is_divisor = encoder.plan.divides(most, found.value, 1.0 / found.value);
                scale = Some(found).filter(|_| is_divisor);
            }
            match scale {
                Some(scale) => {
                    let BlockScale { value, zero_point, .. } = scale;
                    let zero_point = format.element().decode(zero_point) as f32;
                    scales[group] = scale;
                    shifted.fill(block, value, 1.0 / value, zero_point, to);
                }
                None => {
                    to.fill(0.0);
                    set_aside.push((group, start, end));
                }
            }
            place = if place + length == row { 0 } else { place + length };
            (start, group) = (end, group + 1);
        }
        Ok((start, group))
    }
}
