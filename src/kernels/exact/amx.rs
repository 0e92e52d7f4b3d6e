//! The AMX micro-kernel: exact sums of bytes of any signedness in tiles of 16 by 16, by [`amx`](crate::simd::amx).
//!
//! ```text
//! block of A:  step: 32 outputs, their k at 64 s..64 (s + 1)
//! panel of B:  as crate::kernels::operand::amx has it
//! ```
//! Padding is zeros.

use super::blocking::{MicroKernel, PackedOperands, TileIndex};
use super::int8::CHUNK;
use crate::kernels::operand::amx::AmxPanels;
use crate::kernels::operand::byte_rows::ByteRows;
use crate::kernels::operand::bytes::ByteSign;
use crate::kernels::operand::panels::Line;
use crate::simd::ByteLanes;
use crate::simd::amx::{Amx, DEPTH, OUTPUTS, STEP, Signs, Tiles};

/// Rows where they lie in memory, packed columns, and the proof that there are tiles.
pub(crate) struct AmxOperands<'a> {
    pub(crate) rows: &'a ByteRows<'a>,
    pub(crate) columns: &'a AmxPanels,
    pub(crate) k: usize,
    pub(crate) amx: Amx,
}

impl PackedOperands for AmxOperands<'_> {
    type Kernel<'s, L: ByteLanes>
        = AmxKernel<'s>
    where
        Self: 's;

    const SIZE: (usize, usize) = (OUTPUTS, OUTPUTS);
    const LEAST_PRODUCTS: usize = 1 << 20;

    fn k(&self) -> usize {
        self.k
    }

    fn micro_kernel<L: ByteLanes>(&self, _: L) -> AmxKernel<'_> {
        let signs = match (self.rows.sign, self.columns.sign) {
            (ByteSign::Unsigned, ByteSign::Unsigned) => Signs::UnsignedUnsigned,
            (ByteSign::Unsigned, ByteSign::Signed) => Signs::UnsignedSigned,
            (ByteSign::Signed, ByteSign::Unsigned) => Signs::SignedUnsigned,
            (ByteSign::Signed, ByteSign::Signed) => Signs::SignedSigned,
        };
        let steps = self.k.min(CHUNK).div_ceil(DEPTH);
        AmxKernel {
            tiles: Tiles::new(self.amx),
            operands: self,
            block: vec![Line::ZERO; steps * STEP / size_of::<Line>()],
            signs,
        }
    }
}

/// The micro-kernel.
pub(crate) struct AmxKernel<'a> {
    tiles: Tiles,
    operands: &'a AmxOperands<'a>,
    /// The rows that all panels meet next, as tiles.
    block: Vec<Line>,
    signs: Signs,
}

impl MicroKernel for AmxKernel<'_> {
    type Sum = i32;

    const MR: usize = OUTPUTS;
    const NR: usize = OUTPUTS;

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
    fn sum(&self, at: TileIndex, sums: &mut [i32]) {
        const LENGTH: usize = CHUNK / DEPTH * STEP;
        let panel = self.operands.columns.panels.panel(at.panel);
        let panel: &[u8] = &panel[at.chunk * LENGTH..panel.len().min((at.chunk + 1) * LENGTH)];
        let block: &[u8] = bytemuck::cast_slice(&self.block);
        self.tiles.sum(&block[..panel.len()], panel, self.signs, sums);
    }
}
