//! The one blocked loop over exact sums, whatever micro-kernel computes them.
//!
//! 1. Outputs are cut into parts, one job each ([`multiply`]).
//! 2. In a part, as many panels of lanes as the cache holds are taken together;
//! 3. k is cut into chunks whose sums a micro-kernel holds exactly;
//! 4. every block of MR broadcast outputs passes by the panels: one tile of MR x NR sums each;
//! 5. a tile is stored, or added to what earlier chunks of k stored; where outputs are sums of the first chunk and nothing
//!    else, the micro-kernel writes them.

use bytemuck::Pod;
use ndarray::ArrayViewMut2;

use super::store::Lines;
use crate::kernels::operand::panels::Line;
use crate::kernels::output::{Output, StoreMode};
use crate::kernels::parallel::{Grain, Part, split};
use crate::simd::{ByteLanes, Detected, IsaKernel, Lanes, Simd, Vectorized};

/// Bytes of panels that are taken together: less than a core's second cache, which the block and the outputs need a part
/// of.
const CACHED: usize = 3 << 18;

/// Sums of tiles: MR outputs of the broadcast operand by NR in lanes.
pub(crate) trait MicroKernel {
    /// The sum over a chunk of k.
    type Sum: Pod + Into<i64>;

    /// Outputs in a block of the broadcast operand.
    const MR: usize;
    /// Outputs in a panel of lanes.
    const NR: usize;
    /// Whether [`Self::sum_rows`] does anything.
    const SUMS_ROWS: bool = false;

    /// Chunks of k.
    fn chunks(&self) -> usize;

    /// Bytes of a chunk of a panel of lanes.
    fn panel_bytes(&self) -> usize;

    /// Before the tiles of a chunk of a block of `height` outputs; `#[inline(always)]`.
    #[inline(always)]
    fn start(&mut self, block: usize, height: usize, chunk: usize) {
        let _ = (block, height, chunk);
    }

    /// Writes the sums of a tile, [`Self::NR`] to a row; `#[inline(always)]`.
    fn sum(&self, at: TileIndex, sums: &mut [Self::Sum]);

    /// Writes the sums of a tile to the rows of outputs, [`Self::NR`] of each from column `left` on, where
    /// [`Self::SUMS_ROWS`]; `#[inline(always)]`.
    #[inline(always)]
    fn sum_rows(&self, at: TileIndex, rows: &mut [&mut [i32]], left: usize) {
        let _ = (at, rows, left);
    }
}

/// Packed operands that a micro-kernel multiplies.
pub(crate) trait PackedOperands: Sync {
    /// Their micro-kernel, in lanes.
    type Kernel<'s, L: ByteLanes>: MicroKernel
    where
        Self: 's;

    /// MR and NR of the micro-kernel.
    const SIZE: (usize, usize);
    /// A job has at least so many products.
    const LEAST_PRODUCTS: usize;

    /// Products per output.
    fn k(&self) -> usize;

    /// Their micro-kernel, in `lanes`.
    fn micro_kernel<L: ByteLanes>(&self, lanes: L) -> Self::Kernel<'_, L>;
}

/// A tile: block, panel, how many of their outputs there are, and the chunk of k.
#[derive(Clone, Copy)]
pub(crate) struct TileIndex {
    pub(crate) block: usize,
    pub(crate) panel: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) chunk: usize,
}

/// Writes the product to `out`: the broadcast operand's outputs by those in lanes.
pub(crate) fn multiply<T: Output, P: PackedOperands>(
    out: ArrayViewMut2<'_, T>,
    operands: &P,
    store: StoreMode,
    isa: Detected,
) {
    in_parts(out, P::SIZE, P::LEAST_PRODUCTS / operands.k().max(1), |part| {
        isa.run(Job { part, operands, store });
    });
}

/// Runs `work` on parts of the outputs in parallel, cut at multiples of `(MR, NR)`; none has less than `least` outputs,
/// unless there are no more.
pub(crate) fn in_parts<T: Output>(
    out: ArrayViewMut2<'_, T>,
    size: (usize, usize),
    least: usize,
    work: impl Fn(Part<'_, T>) + Sync,
) {
    let grain = Grain::coarse(size, out.len(), least);
    split(Part::whole(out), grain, &work, &|(), ()| ());
}

/// One part of the outputs.
struct Job<'a, 'o, T, P> {
    part: Part<'o, T>,
    operands: &'a P,
    store: StoreMode,
}

impl<T: Output, P: PackedOperands> IsaKernel for Job<'_, '_, T, P> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Self { part, operands, store } = self;
        let lanes = simd.int32();
        lanes.vectorize(Fill { part, kernel: operands.micro_kernel(lanes), store });
    }
}

/// Stores the sums of one part of the outputs.
pub(crate) struct Fill<'o, T, K> {
    pub(crate) part: Part<'o, T>,
    pub(crate) kernel: K,
    pub(crate) store: StoreMode,
}

impl<T: Output, K: MicroKernel> Vectorized for Fill<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { part: Part { mut out, row, col }, mut kernel, store } = self;
        let ((rows, cols), store) = (out.dim(), store.in_bits(T::BITS));
        let bytes = K::MR * K::NR * size_of::<K::Sum>();
        let mut buffer = vec![Line::ZERO; bytes.div_ceil(size_of::<Line>())];
        let sums: &mut [K::Sum] = bytemuck::cast_slice_mut(&mut buffer);
        let chunks = kernel.chunks();
        if chunks == 0 {
            out.fill(T::default());
        }
        let mut lines = Lines::new(out);
        let group = (CACHED / kernel.panel_bytes().max(1)).max(1) * K::NR;
        for start in (0..cols).step_by(group) {
            let end = cols.min(start + group);
            for chunk in 0..chunks {
                let store = if chunk + 1 == chunks { store } else { StoreMode::Whole };
                for top in (0..rows).step_by(K::MR) {
                    let height = K::MR.min(rows - top);
                    let block = (row + top) / K::MR;
                    kernel.start(block, height, chunk);
                    let mut lines = lines.block(top..top + height);
                    let tile = |left: usize| {
                        let (panel, width) = ((col + left) / K::NR, K::NR.min(cols - left));
                        TileIndex { block, panel, height, width, chunk }
                    };
                    let mut done = start;
                    while K::SUMS_ROWS
                        && chunk == 0
                        && done + K::NR <= end
                        && let Some(rows) = lines.as_sums(store)
                    {
                        // Stores wait for their lines while the next tile is summed.
                        kernel.sum_rows(tile(done), rows, done);
                        done += K::NR;
                    }
                    for left in (done..end).step_by(K::NR) {
                        let at = tile(left);
                        lines.prefetch(left, at.width);
                        kernel.sum(at, sums);
                        let rows = sums.chunks_exact(K::NR).map(|sums| &sums[..at.width]);
                        lines.write(left, rows, store, chunk == 0);
                    }
                }
            }
        }
    }
}
