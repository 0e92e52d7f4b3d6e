//! The norm bound: how far a block of products can move a register at most, from norms of each operand by itself.
//!
//! Within a block, the sum of row i and column j moves by no more than `Σ |a_i| · max |b_j|`, the product of a 1-norm and a
//! maximum norm. That is looser than the [block bound](super::block_bound), but both norms are found once for many tiles:
//! where it suffices, a block costs little more than an exact sum.

use super::block::{BLOCK_UNITS, BroadcastCodes, EIGHTIES, Grid};
use super::block_bound::Limits;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::simd::{ByteLanes, Vectorized};

/// The norms of the operands of a tile of outputs; of none, if nothing is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct NormBound<'a> {
    /// Per block: the greatest `Σ |a|` of the rows.
    rows: &'a [i32],
    /// Per block: `max |b|` of the columns of the panel, from the tile's first column on.
    columns: &'a [i32],
}

impl NormBound<'_> {
    /// Whether no output of a tile can leave `limits` in `block`.
    #[inline(always)]
    pub(crate) fn holds<L: ByteLanes, const R: usize, const V: usize>(
        self,
        lanes: L,
        block: usize,
        registers: &Grid<L::V, R, V>,
        limits: &Limits<L::V>,
    ) -> bool {
        let (Some(&row), Some(columns)) = (self.rows.get(block), self.columns.get(block * NR..))
        else {
            return false;
        };
        let mut most = lanes.splat(0);
        for col in 0..V {
            most = lanes.max(most, lanes.load(&columns[col * L::N..]));
        }
        // Both are less than 2^15: a pair whose other half is zero.
        let reach = lanes.dot(lanes.splat(0), lanes.splat(row), most);
        let [mut least, mut greatest] = [registers[0][0]; 2];
        for &register in registers.as_flattened() {
            least = lanes.min(least, register);
            greatest = lanes.max(greatest, register);
        }
        let (least, greatest) = (lanes.sub(least, reach), lanes.add(greatest, reach));
        !lanes.any_greater(lanes.add(greatest, greatest), limits.high)
            && !lanes.any_greater(limits.low, lanes.add(least, least))
    }
}

/// 1 in every byte.
const ONES: i32 = i32::from_ne_bytes([1; 4]);

/// The norms for all tiles of a job, those of columns for one panel at a time.
pub(crate) struct NormBounds {
    /// Units of a tile of k.
    units: usize,
    /// Per panel of rows.
    rows: Vec<Vec<i32>>,
    columns: Vec<i32>,
    panel: Option<usize>,
}

impl NormBounds {
    /// None yet. `tile` is the products of a tile of k.
    pub(crate) fn new(tile: usize) -> Self {
        Self {
            units: tile.div_ceil(K_TILE).max(1),
            rows: Vec::new(),
            columns: Vec::new(),
            panel: None,
        }
    }

    /// Finds the norms of the job's panels of rows, if that was not done.
    pub(crate) fn of_rows<'a, L: ByteLanes, S: BroadcastCodes<L>>(
        &mut self,
        lanes: L,
        codes: S,
        panels: impl Iterator<Item = &'a [i32]>,
    ) {
        if self.rows.is_empty() {
            let units = self.units;
            let panels =
                panels.map(|words| lanes.vectorize(RowNorms { lanes, codes, words, units }));
            self.rows.extend(panels);
        }
    }

    /// Finds the norms of the columns of a panel, if it is not the last one.
    pub(crate) fn of_columns<L: ByteLanes>(&mut self, lanes: L, panel: usize, words: &[i32]) {
        if self.panel != Some(panel) {
            self.panel = Some(panel);
            self.columns.clear();
            lanes.vectorize(ColumnNorms { words, units: self.units, to: &mut self.columns });
        }
    }

    /// Those of a tile: the job's panel of rows, the first column in the panel.
    pub(crate) fn of(&self, panel: usize, from: usize) -> NormBound<'_> {
        NormBound {
            rows: self.rows.get(panel).map_or(&[], Vec::as_slice),
            columns: self.columns.get(from..).unwrap_or(&[]),
        }
    }
}

/// The blocks of a panel of `width` outputs whose tiles have so many units.
pub(super) fn blocks(words: &[i32], width: usize, units: usize) -> impl Iterator<Item = &[i32]> {
    words.chunks(width * units).flat_map(move |tile| tile.chunks(width * BLOCK_UNITS))
}

/// The greatest `Σ |a|` of the rows of a panel, per block.
struct RowNorms<'a, L, S> {
    lanes: L,
    codes: S,
    words: &'a [i32],
    units: usize,
}

/// Vectors that hold whole units of rows, whether they have 8 lanes or 16.
const TOGETHER: usize = 3;

impl<L: ByteLanes, S: BroadcastCodes<L>> Vectorized for RowNorms<'_, L, S> {
    type Output = Vec<i32>;

    #[inline(always)]
    fn call(self) -> Vec<i32> {
        const { assert!(L::N <= 16 && (TOGETHER * L::N).is_multiple_of(MR)) };
        const { assert!((MR * BLOCK_UNITS).is_multiple_of(TOGETHER * L::N)) };
        let Self { lanes, codes, words, units } = self;
        let mut all = Vec::with_capacity(words.len().div_ceil(MR * BLOCK_UNITS));
        for block in blocks(words, MR, units) {
            // Padding is the code 0.
            let mut full = [if S::OFFSET == 0 { 0 } else { EIGHTIES }; MR * BLOCK_UNITS];
            full[..block.len()].copy_from_slice(block);
            let mut sums = [lanes.splat(0); TOGETHER];
            for words in full.chunks_exact(TOGETHER * L::N) {
                for (sum, words) in sums.iter_mut().zip(words.chunks_exact(L::N)) {
                    let magnitudes = codes.magnitudes(lanes, lanes.load(words));
                    *sum = lanes.dot_bytes(*sum, magnitudes, lanes.splat(ONES));
                }
            }
            let mut words = [0; TOGETHER * 16];
            for (sum, to) in sums.iter().zip(words.chunks_exact_mut(L::N)) {
                lanes.store(*sum, to);
            }
            let mut rows = [0; MR];
            for words in words[..TOGETHER * L::N].chunks_exact(MR) {
                for (row, word) in rows.iter_mut().zip(words) {
                    *row += word;
                }
            }
            all.push(rows.into_iter().fold(0, i32::max));
        }
        all
    }
}

/// `max |b|` of the columns of a panel, per block.
struct ColumnNorms<'a> {
    words: &'a [i32],
    units: usize,
    to: &'a mut Vec<i32>,
}

impl Vectorized for ColumnNorms<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { words, units, to } = self;
        for block in blocks(words, NR, units) {
            let mut most = [0u8; NR * K_TILE];
            for unit in block.chunks_exact(NR) {
                for (most, byte) in most.iter_mut().zip(bytemuck::cast_slice::<i32, i8>(unit)) {
                    *most = (*most).max(byte.unsigned_abs());
                }
            }
            let columns = most.as_chunks::<K_TILE>().0;
            to.extend(
                columns.iter().map(|bytes| i32::from(bytes.iter().fold(0, |a, &b| a.max(b)))),
            );
        }
    }
}
