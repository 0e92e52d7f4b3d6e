//! Tallies of whole tiles of outputs: widths are counted and extremes found in lanes.
//!
//! Of a tile, the least and the greatest width are found first; they are close. All outputs count for the least one, and
//! for each width below the greatest, those that need more are counted, lane by lane: they move up by one. Lanes are
//! added up once per job.

use super::tally::StageTally;
use crate::simd::{ByteLanes, Call};

/// How many outputs need how many bits, in lanes of 32.
const WIDTHS: usize = 33;

/// A stage's tally, in lanes.
pub(crate) struct LaneTally<V> {
    /// Per width, and lane: outputs that need more, of those tiles where not all do.
    more: [V; WIDTHS],
    /// Per width: lanes of the tiles in which it is the least.
    least: [u64; WIDTHS],
    /// Per width: lanes that were no outputs.
    padding: [u64; WIDTHS],
    /// Least and greatest value.
    extremes: [V; 2],
}

/// The outputs of a tile: `rows` of `columns`, at least one each, `stride` words apart. What fills up the last vector of a
/// row is zero.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
}

impl Area {
    /// The vectors with outputs: the index in the tile, the first word, the outputs.
    #[inline(always)]
    fn vectors<L: ByteLanes>(self) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..self.rows).flat_map(move |row| {
            (0..self.columns).step_by(L::N).map(move |from| {
                let at = row * self.stride + from;
                (at / L::N, at, L::N.min(self.columns - from))
            })
        })
    }
}

impl<V: Copy> LaneTally<V> {
    pub(crate) fn new<L: ByteLanes<V = V>>(lanes: L) -> Self {
        let zero = lanes.splat(0);
        let none = [0; WIDTHS];
        Self { more: [zero; WIDTHS], least: none, padding: none, extremes: [zero; 2] }
    }

    /// The extremes so far.
    pub(crate) fn extremes<L: ByteLanes<V = V>>(&self, lanes: L) -> (i32, i32) {
        lanes.vectorize(Reduce { lanes, extremes: self.extremes })
    }

    /// Adds it all to `tally`.
    pub(crate) fn finish<L: ByteLanes<V = V>>(&self, lanes: L, tally: &mut StageTally) {
        let (min, max) = self.extremes(lanes);
        tally.add_extremes(min.into(), max.into());
        let mut moved = 0;
        for bits in 0..WIDTHS {
            let mut words = [0; MOST_LANES];
            lanes.store(self.more[bits], &mut words);
            let up: u64 = words.iter().map(|&count| u64::from(count.cast_unsigned())).sum();
            tally.add_widths(bits, self.least[bits] + moved - up - self.padding[bits]);
            moved = up;
        }
    }
}

/// What has as many bits as the values from `min` to `max`: a trajectory starts at 0, so `min <= 0 <= max`.
fn magnitude(min: i32, max: i32) -> i32 {
    max.max(!min)
}

/// The bits of values of a magnitude, as [`required_bits_of_range`](crate::accumulate::required_bits_of_range).
fn width(magnitude: i32) -> usize {
    (33 - magnitude.leading_zeros()) as usize
}

/// Lanes of 32 bits in the widest vector.
const MOST_LANES: usize = 16;

/// Vectors in the largest tile.
const MOST_VECTORS: usize = 16;

/// `[min(words), max(words)]` over the lanes of two vectors.
struct Reduce<L: ByteLanes> {
    lanes: L,
    extremes: [L::V; 2],
}

impl<L: ByteLanes> Call for Reduce<L> {
    type Output = (i32, i32);

    #[inline(always)]
    fn call(self) -> (i32, i32) {
        let Self { lanes, extremes: [min, max] } = self;
        let mut words = [[0; MOST_LANES]; 2];
        lanes.store(min, &mut words[0]);
        lanes.store(max, &mut words[1]);
        let [min, max] = words;
        let (mut least, mut greatest) = (min[0], max[0]);
        for lane in 1..L::N {
            least = least.min(min[lane]);
            greatest = greatest.max(max[lane]);
        }
        (least, greatest)
    }
}

/// Counts the widths of some outputs that reach `min` and `max`, and tells which of their vectors leave `range`.
pub(crate) struct CountWidths<'a, L: ByteLanes> {
    pub(crate) lanes: L,
    pub(crate) area: Area,
    pub(crate) min: &'a [i32],
    pub(crate) max: &'a [i32],
    pub(crate) range: (i32, i32),
    pub(crate) tally: &'a mut LaneTally<L::V>,
}

impl<L: ByteLanes> Call for CountWidths<'_, L> {
    /// A bit per vector.
    type Output = u32;

    #[inline(always)]
    fn call(self) -> u32 {
        const { assert!(L::N <= MOST_LANES) };
        let Self { lanes, area, min, max, range, tally } = self;
        let (low, high) = (lanes.splat(range.0), lanes.splat(range.1));
        let ones = lanes.splat(-1);
        let mut magnitudes = [lanes.splat(0); MOST_VECTORS];
        let mut count = 0;
        let (mut least, mut greatest) = (lanes.splat(i32::MAX), lanes.splat(0));
        let [mut lowest, mut highest] = [lanes.splat(0); 2];
        for (_, at, outputs) in area.vectors::<L>() {
            let (mut to_min, mut to_max) = (lanes.load(&min[at..]), lanes.load(&max[at..]));
            lowest = lanes.min(lowest, to_min);
            highest = lanes.max(highest, to_max);
            if outputs < L::N {
                // What is no output counts as the first one, and is taken off again.
                let mut words = [[min[at]; MOST_LANES], [max[at]; MOST_LANES]];
                words[0][..outputs].copy_from_slice(&min[at..at + outputs]);
                words[1][..outputs].copy_from_slice(&max[at..at + outputs]);
                (to_min, to_max) = (lanes.load(&words[0]), lanes.load(&words[1]));
                tally.padding[width(magnitude(min[at], max[at]))] += (L::N - outputs) as u64;
            }
            magnitudes[count] = lanes.max(to_max, lanes.xor(to_min, ones));
            least = lanes.min(least, magnitudes[count]);
            greatest = lanes.max(greatest, magnitudes[count]);
            count += 1;
        }
        let (least, greatest) = Reduce { lanes, extremes: [least, greatest] }.call();
        let (least, greatest) = (width(least), width(greatest));
        tally.least[least] += (count * L::N) as u64;
        for bits in least..greatest {
            // Those above the greatest value of `bits` bits need more.
            let fits = lanes.splat(!(-1 << (bits - 1)));
            let mut more = tally.more[bits];
            for &magnitude in &magnitudes[..count] {
                more = lanes.count_changed(more, lanes.max(magnitude, fits), fits);
            }
            tally.more[bits] = more;
        }
        let leaves = |min, max| lanes.any_greater(max, high) || lanes.any_greater(low, min);
        if !leaves(lowest, highest) {
            return 0;
        }
        let mut leave = 0;
        for (index, at, _) in area.vectors::<L>() {
            let leaves = leaves(lanes.load(&min[at..]), lanes.load(&max[at..]));
            leave |= u32::from(leaves) << index;
        }
        leave
    }
}

/// Takes up the extremes of the vectors of an area that are not in `without`, a bit per vector.
pub(crate) struct FindExtremes<'a, L: ByteLanes> {
    pub(crate) lanes: L,
    pub(crate) area: Area,
    pub(crate) without: u32,
    pub(crate) min: &'a [i32],
    pub(crate) max: &'a [i32],
    pub(crate) tally: &'a mut LaneTally<L::V>,
}

impl<L: ByteLanes> Call for FindExtremes<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, area, without, min, max, tally } = self;
        let [mut least, mut greatest] = tally.extremes;
        for (index, at, _) in area.vectors::<L>() {
            if without >> index & 1 == 0 {
                least = lanes.min(least, lanes.load(&min[at..]));
                greatest = lanes.max(greatest, lanes.load(&max[at..]));
            }
        }
        tally.extremes = [least, greatest];
    }
}
