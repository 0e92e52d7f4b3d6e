//! Codes of the sums of one output channel.

use super::codes::{CodeSink, Plane};
use super::finish::Finish;
use super::words::Field;
use crate::kernels::output::StoreMode;
use crate::simd::{Detected, IsaKernel, Simd};

/// Writes the codes of sums below `2^30` of an output channel; `false` where one cannot be made.
///
/// ```
/// use fewbit::{Finish, LinearCodes, linear_codes};
/// struct Halves(LinearCodes);
/// impl Finish for Halves {
///     fn finish(&self, _: usize, sums: &[i32], codes: &mut [u8]) -> bool {
///         let half = |&sum: &i32| (f64::from(sum) / 2.0).round_ties_even().clamp(0.0, 255.0) as u8;
///         codes.iter_mut().zip(sums).for_each(|(code, sum)| *code = half(sum));
///         true
///     }
///     fn linear(&self) -> Option<&LinearCodes> {
///         Some(&self.0)
///     }
/// }
/// let (channels, least) = (vec![(0, 0.5)], i32::MIN);
/// let (zero_point, low, high, sure) = (0.0, 0.0, 255.0, 0.499);
/// let halves = Halves(LinearCodes { channels, least, zero_point, low, high, sure });
/// let mut codes = [0; 4];
/// assert!(linear_codes(&halves, 0, &[-3, 5, 8, 1000], &mut codes));
/// assert_eq!(codes, [0, 2, 4, 255]);
/// ```
pub fn linear_codes(finish: &dyn Finish, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool {
    let count = sums.len().min(codes.len());
    let Some(linear) = finish.linear().filter(|linear| linear.has_room()) else {
        return finish.finish(channel, &sums[..count], &mut codes[..count]);
    };
    let write = |sums: &[i32], codes: &mut [u8]| {
        let columns = codes.len();
        let field = Field { pitch: columns, outputs: [1, columns], len: 0, taps: Vec::new() };
        let mut sink = CodeSink::new(&field, StoreMode::Whole, (finish, linear), 0, codes);
        Detected::best().run_without_vnni(OfOne { sink: &mut sink, channel, sums });
        sink.are_made
    };
    // No vector has more lanes.
    let whole = count - count % 16;
    let mut last = [0; 16];
    last[..count - whole].copy_from_slice(&sums[whole..count]);
    (whole == 0 || write(&sums[..whole], &mut codes[..whole]))
        & (whole == count || write(&last, &mut codes[whole..count]))
}

/// [`CodeSink::take`] of one plane.
struct OfOne<'a, 's> {
    sink: &'a mut CodeSink<'s>,
    channel: usize,
    sums: &'a [i32],
}

impl IsaKernel for OfOne<'_, '_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Self { sink, channel, sums } = self;
        sink.take(simd.int32(), std::iter::once(Plane { number: 0, channel, sums }));
    }
}
