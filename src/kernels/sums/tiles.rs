//! Products of bytes in tiles of 16 by 16 sums, by [`amx`](crate::simd::amx): exact sums of bytes of any sign.
//!
//! ```text
//! block of A:  step: 32 outputs, their k at 64 s..64 (s + 1)
//! panel of B:  step: two tiles: word u: 16 outputs, their k at 64 s + 4 u..64 s + 4 (u + 1)
//! ```
//! What is not full is filled with zeros.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::bytes::CHUNK;
use super::job::{At, Fill, TileSums, in_parts};
use super::output::{Kept, Output};
use super::rows::Rows;
use crate::kernels::operand::{Codes, Matrix};
use crate::kernels::pack::{Line, Panels};
use crate::kernels::quads::{Byte, Bytes, TAKES};
use crate::kernels::split::Part;
use crate::simd::amx::{Amx, DEPTH, OUTPUTS, STEP, Signs, Tiles};
use crate::simd::{Isa, IsaError, Lanes, Simd, Task, run};

/// Outputs of a tile.
const TILE: usize = OUTPUTS / 2;

/// The columns of an operand of bytes as panels of tiles.
#[derive(Debug)]
pub(in crate::kernels) struct TileColumns {
    panels: Panels,
    bytes: Bytes,
}

impl TileColumns {
    /// Those of `matrix`, `[K, N]`; none of other codes than bytes.
    pub(in crate::kernels) fn new(matrix: &Matrix<'_>) -> Self {
        let (panels, bytes) = match &matrix.codes {
            Codes::U8(codes) => (panels(codes.view()), Bytes::Unsigned),
            Codes::I8(codes) => (panels(codes.view()), Bytes::Signed),
            _ => (panels(ArrayView2::<u8>::from(&[[0u8; 0]; 0])), Bytes::Unsigned),
        };
        Self { panels, bytes }
    }
}

/// `view` is `[K, N]`.
fn panels<T: Byte>(view: ArrayView2<'_, T>) -> Panels {
    let (k, outputs) = view.dim();
    let bytes = k.div_ceil(DEPTH) * STEP;
    Panels::filled(outputs.div_ceil(OUTPUTS), bytes, |panel, bytes| {
        let first = panel * OUTPUTS;
        let here = OUTPUTS.min(outputs - first);
        let words: &mut [[u8; TAKES]] = bytes.as_chunks_mut().0;
        // Where word `unit` of an output lies.
        let at = |unit: usize, output: usize| {
            let (step, unit) = (unit / TILE, unit % TILE);
            step * (STEP / TAKES) + output / TILE * TILE * TILE + unit * TILE + output % TILE
        };
        let whole = (first..first + here).map(|output| view.column(output).to_slice());
        if let Some(columns) = whole.collect::<Option<Vec<_>>>() {
            for (output, column) in columns.into_iter().enumerate() {
                for (unit, codes) in column.chunks(TAKES).enumerate() {
                    for (byte, code) in words[at(unit, output)].iter_mut().zip(codes) {
                        *byte = code.bits();
                    }
                }
            }
            return;
        }
        for (unit, start) in (0..k).step_by(TAKES).enumerate() {
            let rows: [_; TAKES] = std::array::from_fn(|place| {
                let k = start + place;
                (k < view.nrows()).then(|| view.row(k))
            });
            let slices = rows.each_ref().map(|row| {
                let row = row.as_ref().and_then(|row| row.to_slice());
                row.map(|row| &row[first..first + here])
            });
            for from in (0..here).step_by(TILE) {
                let words = &mut words[at(unit, from)..][..TILE.min(here - from)];
                if let [Some(a), Some(b), Some(c), Some(d)] = slices {
                    let all = a[from..].iter().zip(&b[from..]).zip(&c[from..]).zip(&d[from..]);
                    for (word, (((a, b), c), d)) in words.iter_mut().zip(all) {
                        *word = [a.bits(), b.bits(), c.bits(), d.bits()];
                    }
                    continue;
                }
                for (place, row) in rows.iter().enumerate() {
                    let codes = row.iter().flatten().skip(first + from);
                    for (word, code) in words.iter_mut().zip(codes) {
                        word[place] = code.bits();
                    }
                }
            }
        }
    })
}

/// Fewer rows leave too much of a tile empty.
const LEAST_ROWS: usize = 8;

/// The token, if `m` rows are multiplied in tiles by `isa`.
pub(super) fn amx(isa: Isa, m: usize) -> Option<Amx> {
    if isa == Isa::Amx && m >= LEAST_ROWS { Amx::detect() } else { None }
}

/// Two operands.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) rows: &'a Rows<'a>,
    pub(super) columns: &'a TileColumns,
    pub(super) k: usize,
}

/// Writes the product to `out`.
pub(super) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    operands: Operands<'_>,
    kept: Kept,
    amx: Amx,
) -> Result<(), IsaError> {
    let Operands { rows, columns, k } = operands;
    let signs = match (rows.bytes, columns.bytes) {
        (Bytes::Unsigned, Bytes::Unsigned) => Signs::UnsignedUnsigned,
        (Bytes::Unsigned, Bytes::Signed) => Signs::UnsignedSigned,
        (Bytes::Signed, Bytes::Unsigned) => Signs::SignedUnsigned,
        (Bytes::Signed, Bytes::Signed) => Signs::SignedSigned,
    };
    let least = (1 << 20) / k.max(1);
    in_parts(out, (OUTPUTS, OUTPUTS), least, |part| {
        let tiles = InTiles {
            tiles: Tiles::new(amx),
            operands,
            block: vec![Line::ZERO; k.min(CHUNK).div_ceil(DEPTH) * STEP / size_of::<Line>()],
            signs,
        };
        run(Isa::Avx512, Job { part, tiles, kept })
    })
}

/// One part of the outputs.
struct Job<'a, 'o, T> {
    part: Part<'o, T>,
    tiles: InTiles<'a>,
    kept: Kept,
}

impl<T: Output> Task for Job<'_, '_, T> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Self { part, tiles, kept } = self;
        simd.lanes32().vectorize(Fill { part, tiles, kept });
    }
}

/// Two operands in tiles.
struct InTiles<'a> {
    tiles: Tiles,
    operands: Operands<'a>,
    /// The rows that all panels meet next, as tiles.
    block: Vec<Line>,
    signs: Signs,
}

impl TileSums for InTiles<'_> {
    type Sum = i32;

    const HEIGHT: usize = OUTPUTS;
    const WIDTH: usize = OUTPUTS;

    #[inline(always)]
    fn chunks(&self) -> usize {
        self.operands.k.div_ceil(CHUNK)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.operands.k.min(CHUNK) * OUTPUTS
    }

    #[inline(always)]
    fn start(&mut self, block: usize, height: usize, chunk: usize) {
        let to: &mut [u8] = bytemuck::cast_slice_mut(&mut self.block);
        let rows = &self.operands.rows.all()[block * OUTPUTS..][..height];
        for (index, row) in rows.iter().enumerate() {
            let row = &row[chunk * CHUNK..row.len().min((chunk + 1) * CHUNK)];
            let (codes, rest) = row.as_chunks::<DEPTH>();
            let mut steps = to.as_chunks_mut::<STEP>().0.iter_mut();
            for (codes, step) in codes.iter().zip(steps.by_ref()) {
                step.as_chunks_mut().0[index] = *codes;
            }
            if let Some(step) = steps.next() {
                // What lies behind the last codes is zero, whatever an earlier chunk had there.
                let to = &mut step[index * DEPTH..][..DEPTH];
                to.fill(0);
                to[..rest.len()].copy_from_slice(rest);
            }
        }
    }

    #[inline(always)]
    fn sum(&self, at: At, sums: &mut [i32]) {
        const LENGTH: usize = CHUNK / DEPTH * STEP;
        let panel = self.operands.columns.panels.panel(at.panel);
        let panel: &[u8] = &panel[at.chunk * LENGTH..panel.len().min((at.chunk + 1) * LENGTH)];
        let block: &[u8] = bytemuck::cast_slice(&self.block);
        self.tiles.sum(&block[..panel.len()], panel, self.signs, sums);
    }
}
