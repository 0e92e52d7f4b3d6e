//! Prefix sums: the exact trajectory of a tile, step by step, and its extremes.
//!
//! A word is four products. [`dot_bytes`](ByteLanes::dot_bytes) adds any of them to a sum at once, namely those whose
//! columns are not set to zero; so every prefix `x1..x4` of a word comes from the sum before it, with no sum waiting for
//! another. Columns with zeros in the places that a prefix lacks are made once and serve all rows.
//!
//! Where broadcast codes are not negative, the sign of a product is that of its column. Then it is known beforehand which
//! of `x1` and `x2` is the greater, and which of `x3` and `x4`, and half of the comparisons go.

use super::sums::Trajectory;
use crate::kernels::guarded::block::{BroadcastCodes, EIGHTIES, Grid};
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::stages::outer::OuterStages;
use crate::kernels::stages::result::{FinishTile, InnermostStage, TileResult};
use crate::kernels::stages::statistics::Extremes;
use crate::simd::{ByteLanes, Call};

/// The sum, the least and the greatest value of one vector of outputs.
#[derive(Clone, Copy)]
pub(crate) struct State<V> {
    pub(crate) sum: V,
    pub(crate) min: V,
    pub(crate) max: V,
}

impl<V: Copy> State<V> {
    /// A sum that nothing was added to.
    #[inline(always)]
    pub(crate) fn new(sum: V) -> Self {
        Self { sum, min: sum, max: sum }
    }

    #[inline(always)]
    pub(crate) fn record<L: ByteLanes<V = V>>(&mut self, lanes: L, value: V) {
        self.min = lanes.min(self.min, value);
        self.max = lanes.max(self.max, value);
    }
}

/// Which prefix sums of a unit are computed, and how.
pub(crate) trait Prefixes<L: ByteLanes>: Copy + Send + Sync {
    /// Vectors that stand for the columns of a unit.
    const VECTORS: usize;

    /// Writes them.
    fn prepare(self, lanes: L, columns: L::V, to: &mut [i32]);

    /// Adds a unit to the sums of `R` vectors, and records its prefixes but, perhaps, the last one.
    fn unit<const R: usize>(
        self,
        lanes: L,
        a: &[i32],
        columns: &[i32],
        states: &mut [State<L::V>; R],
    );

    /// After the last unit of a step.
    #[inline(always)]
    fn close<const R: usize>(self, lanes: L, states: &mut [State<L::V>; R]) {
        for state in states {
            state.record(lanes, state.sum);
        }
    }
}

/// Every product, where broadcast codes are not negative: the greater and the lesser of each pair of prefixes.
#[derive(Clone, Copy)]
pub(crate) struct PairPrefixes;

impl<L: ByteLanes> Prefixes<L> for PairPrefixes {
    const VECTORS: usize = 5;

    #[inline(always)]
    fn prepare(self, lanes: L, columns: L::V, to: &mut [i32]) {
        // As many bytes, but for those below zero, or those not below zero, in one place.
        let rising = lanes.positives(columns);
        let falling = lanes.xor(columns, rising);
        let without = |part: L::V, place: u32| {
            lanes.xor(columns, lanes.and(part, lanes.splat(place_of(place))))
        };
        let two = lanes.splat(first(2));
        let all = [
            lanes.and(without(falling, 1), two),
            lanes.and(without(rising, 1), two),
            without(falling, 3),
            without(rising, 3),
            columns,
        ];
        for (vector, to) in all.into_iter().zip(to.chunks_exact_mut(L::N)) {
            lanes.store(vector, to);
        }
    }

    #[inline(always)]
    fn unit<const R: usize>(
        self,
        lanes: L,
        a: &[i32],
        columns: &[i32],
        states: &mut [State<L::V>; R],
    ) {
        let [high2, low2, high4, low4, all] = load_vectors::<L, 5>(lanes, columns);
        for (state, a) in states.iter_mut().zip(a) {
            let (a, sum) = (lanes.splat(*a), state.sum);
            state.max = lanes.max(state.max, lanes.dot_bytes(sum, a, high2));
            state.min = lanes.min(state.min, lanes.dot_bytes(sum, a, low2));
            state.max = lanes.max(state.max, lanes.dot_bytes(sum, a, high4));
            state.min = lanes.min(state.min, lanes.dot_bytes(sum, a, low4));
            state.sum = lanes.dot_bytes(sum, a, all);
        }
    }

    #[inline(always)]
    fn close<const R: usize>(self, _: L, _: &mut [State<L::V>; R]) {
        // The last prefix was one of its pair.
    }
}

/// `P` prefixes of a unit, 4, 2 or 1, all as long as another one and the difference of two.
#[derive(Clone, Copy)]
pub(crate) struct StepPrefixes<S, const P: usize>(pub(crate) S);

impl<S, const P: usize> StepPrefixes<S, P> {
    /// The columns of prefix `place`, and what the shift of the broadcast codes adds to its sum.
    #[inline(always)]
    pub(crate) fn prefix<L: ByteLanes>(self, lanes: L, columns: L::V, place: usize) -> [L::V; 2]
    where
        S: BroadcastCodes<L>,
    {
        let prefix = lanes.and(columns, lanes.splat(first((place + 1) * (K_TILE / P))));
        let zero = lanes.splat(0);
        if S::OFFSET == 0 {
            return [prefix, zero];
        }
        [prefix, lanes.dot_bytes(zero, lanes.splat(EIGHTIES), prefix)]
    }
}

impl<L: ByteLanes, S: BroadcastCodes<L>, const P: usize> Prefixes<L> for StepPrefixes<S, P> {
    const VECTORS: usize = if S::OFFSET == 0 { P } else { 2 * P };

    #[inline(always)]
    fn prepare(self, lanes: L, columns: L::V, to: &mut [i32]) {
        let (prefixes, excess) = to.split_at_mut(P * L::N);
        for place in 0..P {
            let [prefix, shift] = self.prefix(lanes, columns, place);
            lanes.store(prefix, &mut prefixes[place * L::N..]);
            if S::OFFSET != 0 {
                lanes.store(shift, &mut excess[place * L::N..]);
            }
        }
    }

    #[inline(always)]
    fn unit<const R: usize>(
        self,
        lanes: L,
        a: &[i32],
        columns: &[i32],
        states: &mut [State<L::V>; R],
    ) {
        let prefixes = load_vectors::<L, P>(lanes, columns);
        let mut excess = [lanes.splat(0); P];
        if S::OFFSET != 0 {
            excess = load_vectors::<L, P>(lanes, &columns[P * L::N..]);
        }
        for (state, a) in states.iter_mut().zip(a) {
            let (a, start) = (lanes.splat(*a), state.sum);
            for place in 0..P {
                let mut sum = lanes.dot_bytes(start, a, prefixes[place]);
                if S::OFFSET != 0 {
                    sum = lanes.sub(sum, excess[place]);
                }
                if place + 1 < P {
                    state.record(lanes, sum);
                } else {
                    state.sum = sum;
                }
            }
        }
    }
}

/// All bits of the first `count` bytes of a word, which are at least one.
const fn first(count: usize) -> i32 {
    (u32::MAX >> (32 - 8 * count)).cast_signed()
}

/// All bits of one byte of a word.
const fn place_of(byte: u32) -> i32 {
    0xffu32.wrapping_shl(8 * byte).cast_signed()
}

/// The columns of a panel of lanes as [`Prefixes`] want them: vector by vector of columns, unit by unit.
#[derive(Default)]
pub(crate) struct PrefixColumns {
    words: Vec<i32>,
    /// Words of one vector of columns.
    per_vector: usize,
}

/// Fills in [`PrefixColumns`].
pub(crate) struct PreparePrefixes<'a, L, F> {
    pub(crate) lanes: L,
    pub(crate) prefixes: F,
    /// The panel of lanes from its first column on.
    pub(crate) b: &'a [i32],
    pub(crate) columns: &'a mut PrefixColumns,
}

impl<L: ByteLanes, F: Prefixes<L>> Call for PreparePrefixes<'_, L, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, prefixes, b, columns } = self;
        let per_unit = F::VECTORS * L::N;
        columns.per_vector = b.len() / NR * per_unit;
        columns.words.resize(columns.per_vector * (NR / L::N), 0);
        let units = b.len() / NR;
        for (index, unit) in b.chunks_exact(NR).enumerate() {
            for (vector, word) in unit.chunks_exact(L::N).enumerate() {
                let at = (vector * units + index) * per_unit;
                prefixes.prepare(lanes, lanes.load(word), &mut columns.words[at..at + per_unit]);
            }
        }
    }
}

impl PrefixColumns {
    /// Those of one vector.
    fn of(&self, vector: usize) -> &[i32] {
        &self.words[vector * self.per_vector..][..self.per_vector]
    }
}

/// Steps a tile of `R` by `V` vectors for its extremes.
pub(crate) struct PrefixTile<'a, L: ByteLanes, F, const R: usize, const V: usize> {
    pub(crate) lanes: L,
    pub(crate) prefixes: F,
    /// The broadcast panel.
    pub(crate) a: &'a [i32],
    pub(crate) columns: &'a PrefixColumns,
    /// The first vector of the panel of lanes.
    pub(crate) vector: usize,
    pub(crate) trajectory: &'a mut Trajectory,
    /// The stages behind the register, without overflow.
    pub(crate) outer: &'a mut OuterStages<L, Extremes<L::V>>,
    pub(crate) result: &'a mut TileResult<i32>,
}

impl<L, F, const R: usize, const V: usize> Call for PrefixTile<'_, L, F, R, V>
where
    L: ByteLanes,
    F: Prefixes<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, prefixes, a, columns, vector, trajectory, outer, result } = self;
        let zero = lanes.splat(0);
        outer.restart(lanes);
        let mut sums: Grid<L::V, R, V> = [[zero; V]; R];
        let mut states = [[State::new(zero); R]; V];
        let per_unit = F::VECTORS * L::N;
        let (units, per_step) = (trajectory.units_per_tile(), trajectory.units_per_step());
        for (tile, a) in a.chunks(MR * units).enumerate() {
            for (col, states) in states.iter_mut().enumerate() {
                for state in states.iter_mut() {
                    state.sum = zero;
                }
                let columns = &columns.of(vector + col)[tile * units * per_unit..];
                let mut now = *states;
                let steps = a.chunks(MR * per_step).zip(columns.chunks(per_unit * per_step));
                for (a, columns) in steps {
                    let units = a.chunks_exact(MR).zip(columns.chunks_exact(per_unit));
                    for (a, columns) in units {
                        prefixes.unit(lanes, a, columns, &mut now);
                    }
                    prefixes.close(lanes, &mut now);
                }
                *states = now;
                for (sums, state) in sums.iter_mut().zip(states) {
                    sums[col] = state.sum;
                }
            }
            outer.take(lanes, sums.as_flattened());
        }
        let inner = InnermostStage { registers: sums.as_flattened(), statistics: &[] };
        lanes.vectorize(FinishTile { lanes, inner, outer, result });
        let [to_min, to_max] = trajectory.reached_mut();
        for (col, states) in states.iter().enumerate() {
            for (row, state) in states.iter().enumerate() {
                let at = (row * V + col) * L::N;
                lanes.store(state.min, &mut to_min[at..]);
                lanes.store(state.max, &mut to_max[at..]);
            }
        }
    }
}
