//! The codes of sums in the vectors that hold them.

use super::finish::{Finish, LinearCodes};
use super::words::Field;
use crate::kernels::output::StoreMode;
use crate::simd::{ByteLanes, Detected, IsaKernel, Linear, ROUNDING, Simd, Vectorized};

/// Sums whose codes are in doubt together.
const CHUNK: usize = 64;
/// Bytes that a row of codes may be moved at once.
const PIECE: usize = 16;
/// How much further from a whole number what is computed with other roundings may lie: below `2^9`, each of at most four is less
/// than `2^-16`.
const ROUNDINGS: f32 = 1.0 / 16_384.0;

/// Where the codes of sums go.
pub(super) struct CodeSink<'a> {
    field: &'a Field,
    store: StoreMode,
    finish: &'a dyn Finish,
    linear: &'a LinearCodes,
    /// The number of the first output channel that is here, among those of all images.
    first: usize,
    codes: &'a mut [u8],
    /// Codes in the rows of the field.
    padded: Vec<u8>,
    /// 1 for each chunk of a plane that may have other codes.
    doubts: Vec<u8>,
    /// Whether all codes could be made.
    pub(super) are_made: bool,
}

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

/// The sums of an output channel at all positions of an image, in the rows of a field.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    /// Its number among those of all images, and its channel.
    pub(super) number: usize,
    pub(super) channel: usize,
    pub(super) sums: &'a [i32],
}

impl<'a> CodeSink<'a> {
    /// For the codes of output channels from the `first` one of all images on.
    pub(super) fn new(
        field: &'a Field,
        store: StoreMode,
        (finish, linear): (&'a dyn Finish, &'a LinearCodes),
        first: usize,
        codes: &'a mut [u8],
    ) -> Self {
        let (padded, doubts) = (Vec::new(), Vec::new());
        Self { field, store, finish, linear, first, codes, padded, doubts, are_made: true }
    }

    /// Writes the codes of some planes, in ascending order.
    pub(super) fn take<'p, L: ByteLanes>(
        &mut self,
        lanes: L,
        planes: impl Iterator<Item = Plane<'p>> + Clone,
    ) {
        let sums: usize = planes.clone().map(|plane| plane.sums.len()).sum();
        let bytes = sums + self.field.pitch + PIECE;
        if self.padded.len() < bytes {
            self.padded.resize(bytes, 0);
            self.doubts.resize(bytes, 0);
        }
        lanes.vectorize(WriteCodes { lanes, sink: self, planes: planes.clone() });
        for (index, plane) in planes.enumerate() {
            let chunks = plane.sums.len().div_ceil(CHUNK);
            for chunk in 0..chunks {
                if self.doubts[index * chunks + chunk] != 0 {
                    self.are_made &= self.settle(plane, chunk * CHUNK);
                }
            }
        }
    }

    /// Asks for the codes of the sums from `at` on that may be others.
    #[cold]
    fn settle(&mut self, plane: Plane<'_>, at: usize) -> bool {
        let Self { field, store, finish, linear, first, .. } = *self;
        let (plus, factor) = linear.channels[plane.channel];
        let [rows, columns] = field.outputs;
        let codes = &mut self.codes[(plane.number - first) * rows * columns..];
        let end = (at + CHUNK).min(field.span());
        let mut places = (at..end).filter(|at| at % field.pitch < columns);
        places.all(|at| {
            let sum = match store {
                StoreMode::LowBits(bits) if bits < 32 => {
                    plane.sums[at] << (32 - bits) >> (32 - bits)
                }
                StoreMode::LowBits(_) | StoreMode::Whole => plane.sums[at],
            };
            let near = sum.wrapping_add(plus).max(linear.least) as f32 * factor + linear.zero_point;
            let near = near.clamp(linear.low, linear.high);
            let far = (near - ((near + ROUNDING) - ROUNDING)).abs();
            let to = at / field.pitch * columns + at % field.pitch;
            far <= linear.sure - ROUNDINGS
                || finish.finish(plane.channel, &[sum], &mut codes[to..=to])
        })
    }
}

/// [`CodeSink::take`], compiled for its lanes. No function is called between the vectors, so that what they share stays in registers.
struct WriteCodes<'s, 'a, L, P> {
    lanes: L,
    sink: &'s mut CodeSink<'a>,
    planes: P,
}

impl<'p, L, P> Vectorized for WriteCodes<'_, '_, L, P>
where
    L: ByteLanes,
    P: Iterator<Item = Plane<'p>> + Clone,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, sink, planes } = self;
        let (field, linear) = (sink.field, sink.linear);
        let (positions, is_dense) = (field.positions(), field.pitch == field.outputs[1]);
        let splat = |x: f32| lanes.splat(x.to_bits().cast_signed());
        let bits = match sink.store {
            StoreMode::LowBits(bits) if bits < 32 => bits,
            StoreMode::LowBits(_) | StoreMode::Whole => 32,
        };
        let mask = lanes.splat((u32::MAX >> (32 - bits)).cast_signed());
        let sign = lanes.splat((1u32 << (bits - 1)).cast_signed());
        let (least, sure) = (lanes.splat(linear.least), splat(linear.sure));
        let (zero_point, low, high) =
            (splat(linear.zero_point), splat(linear.low), splat(linear.high));
        for (index, plane) in planes.clone().enumerate() {
            let (plus, factor) = linear.channels[plane.channel];
            let (plus, factor) = (lanes.splat(plus), splat(factor));
            let stride = plane.sums.len();
            let start = (plane.number - sink.first) * positions;
            // What is written beyond a plane is its successor's, which comes later.
            let to = match sink.codes.get_mut(start..start + stride) {
                Some(to) if is_dense => to,
                _ => &mut sink.padded[index * stride..][..stride],
            };
            let doubts = &mut sink.doubts[index * stride.div_ceil(CHUNK)..];
            let chunks = plane.sums.chunks(CHUNK).zip(to.chunks_mut(CHUNK));
            for ((sums, to), doubt) in chunks.zip(doubts) {
                let mut furthest = lanes.splat(0);
                for (sums, to) in sums.chunks_exact(L::N).zip(to.chunks_exact_mut(L::N)) {
                    let sum = lanes.wrap(lanes.load(sums), mask, sign);
                    let number = lanes.max(lanes.add(sum, plus), least);
                    let by = Linear { factor, zero_point, low, high };
                    let [codes, far] = lanes.nearest(number, by);
                    furthest = lanes.max(furthest, far);
                    to.copy_from_slice(&lanes.low_bytes(codes)[..L::N]);
                }
                *doubt = u8::from(lanes.any_greater(furthest, sure));
            }
        }
        for (index, plane) in planes.enumerate() {
            let stride = plane.sums.len();
            let start = (plane.number - sink.first) * positions;
            if !is_dense || start + stride > sink.codes.len() {
                let (from, to) = (&sink.padded[index * stride..], &mut sink.codes[start..]);
                unpad(from, field.pitch, field.outputs, to);
            }
        }
    }
}

/// Rows of bytes side by side, which lie `pitch` apart in `from`. What is behind them may be written, too.
#[inline(always)]
fn unpad(from: &[u8], pitch: usize, [rows, columns]: [usize; 2], to: &mut [u8]) {
    if from.len() < rows * pitch + PIECE || to.len() < rows * columns + PIECE {
        for row in 0..rows {
            let from = &from[row * pitch..][..columns];
            to[row * columns..][..columns].copy_from_slice(from);
        }
        return;
    }
    for row in 0..rows {
        let (from, to) = (&from[row * pitch..], &mut to[row * columns..]);
        for at in (0..columns).step_by(PIECE) {
            to[at..at + PIECE].copy_from_slice(&from[at..at + PIECE]);
        }
    }
}
