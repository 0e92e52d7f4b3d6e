//! Packed panels: an operand in the order in which a micro-kernel reads it.

use bytemuck::{Pod, Zeroable};

use crate::memory::Buffer;
use crate::simd::IntLanes;
use crate::tasks;

/// A cache line; panels start on one, so that no aligned vector straddles two.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; 64]);
const _: () = assert!(size_of::<Line>() == 64);

impl Line {
    /// Zeros.
    pub(crate) const ZERO: Self = Self([0; 64]);
}

/// Panels of equal length, each from a cache line on.
#[derive(Debug)]
pub(crate) struct Panels {
    lines: Buffer<Line>,
    lines_per_panel: usize,
    bytes_per_panel: usize,
}

impl Panels {
    /// `panels` panels of `bytes_per_panel` bytes, each filled from zeros by `fill`, in parallel.
    pub(crate) fn filled(
        panels: usize,
        bytes_per_panel: usize,
        fill: impl Fn(usize, &mut [u8]) + Sync,
    ) -> Self {
        let mut all = Self::zeros(panels, bytes_per_panel);
        tasks::for_each(all.iter_mut().enumerate(), |(panel, bytes)| fill(panel, bytes));
        all
    }

    /// `panels` panels of `bytes_per_panel` bytes.
    pub(crate) fn zeros(panels: usize, bytes_per_panel: usize) -> Self {
        let lines_per_panel = bytes_per_panel.div_ceil(size_of::<Line>());
        let lines = Buffer::filled(Line::ZERO, panels * lines_per_panel);
        Self { lines, lines_per_panel, bytes_per_panel }
    }

    /// The bytes of every panel.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let bytes = self.bytes_per_panel;
        let panels = self.lines.chunks_mut(self.lines_per_panel.max(1));
        panels.map(move |lines| &mut bytemuck::cast_slice_mut::<Line, u8>(lines)[..bytes])
    }

    /// The words of one panel.
    pub(crate) fn panel<W: Pod>(&self, index: usize) -> &[W] {
        self.words().panel(index)
    }

    /// The words of all panels.
    pub(crate) fn words<W: Pod>(&self) -> PanelWords<'_, W> {
        let words = bytemuck::cast_slice::<Line, _>(&self.lines);
        let stride = self.lines_per_panel * size_of::<Line>() / size_of::<W>();
        PanelWords { words, stride, length: self.bytes_per_panel / size_of::<W>() }
    }
}

/// The words of panels, borrowed: where a panel lies follows from what is here.
#[derive(Clone, Copy)]
pub(crate) struct PanelWords<'a, W> {
    words: &'a [W],
    /// From one panel to the next.
    stride: usize,
    length: usize,
}

impl<'a, W> PanelWords<'a, W> {
    /// Those of one panel.
    #[inline(always)]
    pub(crate) fn panel(self, index: usize) -> &'a [W] {
        &self.words[index * self.stride..][..self.length]
    }
}

/// `V` vectors from the start of `words`.
#[inline(always)]
pub(crate) fn load_vectors<L: IntLanes, const V: usize>(
    lanes: L,
    words: &[L::Element],
) -> [L::V; V] {
    let words = &words[..V * L::N];
    let mut vectors = [lanes.splat(Zeroable::zeroed()); V];
    for v in 0..V {
        vectors[v] = lanes.load(&words[v * L::N..]);
    }
    vectors
}
