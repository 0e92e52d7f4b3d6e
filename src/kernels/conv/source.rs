//! The codes of an input in their storage, and how images of them become words.

use std::ops::Range;

use super::fill::{FillChannels, FillCodes, Scratch};
use super::neighbours::FillNeighbours;
use super::planes::{Moves, Planes, Splits};
use super::problem::Problem;
use super::words::{Field, Form, Line, Words};
use crate::kernels::operand::element::{Codes, Operand};
use crate::kernels::operand::matrix::Matrix;
use crate::simd::Detected;

/// Words that are made at once, so that they and their sums stay in the cache next to the core.
const BUNDLE: usize = 1 << 12;

/// Codes of at most 16 bits, `[N, C, H, W]` in this order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    U8(&'a [u8]),
    I8(&'a [i8]),
    I16(&'a [i16]),
}

impl<'a> Source<'a> {
    /// Those of a matrix of one row; `None` of wider ones.
    pub(super) fn of(pixels: &'a Matrix<'_>) -> Option<Self> {
        match &pixels.codes {
            Codes::U8(codes) => codes.as_slice().map(Self::U8),
            Codes::I8(codes) => codes.as_slice().map(Self::I8),
            Codes::I16(codes) => codes.as_slice().map(Self::I16),
            Codes::I32(_) | Codes::I64(_) => None,
        }
    }

    /// Bits of a code.
    pub(super) fn bits(&self) -> u32 {
        if matches!(self, Self::I16(_)) { 16 } else { 8 }
    }

    /// The codes as bytes; none of wider ones, which have no words of bytes.
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::U8(codes) => codes,
            Self::I8(codes) => bytemuck::cast_slice(codes),
            Self::I16(_) => &[],
        }
    }

    /// What makes words of them.
    pub(super) fn filler<X: Operand>(
        self,
        form: Form,
        field: &Field,
        problem: &Problem<'_, X>,
        planes: &Planes,
        isa: Detected,
    ) -> Filler<'a> {
        let (_, _, rows, cols) = problem.shape;
        let (size, depth, code) =
            ([rows, cols], problem.depth(), problem.conv.padding_code.to_i64());
        let byte = code as u8 ^ form.flip;
        let (way, padding) = match form.words {
            Words::Codes => (Way::Codes(planes.moves(size, Splits::Never)), code as i32),
            Words::Channels => {
                (Way::Channels(planes.moves(size, Splits::Columns)), i32::from_le_bytes([byte; 4]))
            }
            Words::Neighbours => {
                let (columns, v) = (problem.outputs[1], problem.kernel[1]);
                let line = Line::new(&problem.conv, columns, v);
                let line = line.unwrap_or_else(|| unreachable!("it was asked for"));
                let padded = planes.rows_inside(rows);
                let fours = v.div_ceil(4);
                let way = Way::Neighbours { rows: padded, line, fours, padding: code as u8 };
                (way, i32::from_le_bytes([byte; 4]))
            }
        };
        let parts = match form.words {
            Words::Channels => depth.div_ceil(4),
            Words::Codes | Words::Neighbours => depth,
        };
        // Words of channels have some of one group only.
        let bundle = match form.words {
            Words::Channels => 1,
            Words::Codes | Words::Neighbours => (BUNDLE / field.len.max(1)).max(1),
        };
        Filler {
            source: self,
            form,
            way,
            padding,
            size,
            depth,
            groups: problem.conv.groups,
            bundle: bundle.min(problem.conv.groups),
            all: field.len,
            part: field.len / parts.max(1),
            isa,
        }
    }
}

/// How words are made.
#[derive(Debug)]
enum Way {
    Codes(Moves),
    Channels(Moves),
    Neighbours { rows: Vec<(usize, usize)>, line: Line, fours: usize, padding: u8 },
}

/// Makes the words of an image and some groups.
#[derive(Debug)]
pub(super) struct Filler<'a> {
    source: Source<'a>,
    form: Form,
    way: Way,
    /// The word of the padding.
    padding: i32,
    size: [usize; 2],
    depth: usize,
    groups: usize,
    /// Groups whose words are made at once, at most.
    bundle: usize,
    /// Words of an image and a group, and of each of their parts.
    all: usize,
    part: usize,
    isa: Detected,
}

impl Filler<'_> {
    /// The groups whose words are made together with those of this one, if it is the first.
    pub(super) fn bundle(&self, group: usize) -> Range<usize> {
        group..(group + self.bundle).min(self.groups)
    }

    /// Memory for the words of a bundle, with so many behind them; what lies in the padding is there.
    pub(super) fn memory(&self, behind: usize) -> Vec<i32> {
        let all = self.bundle * self.all;
        let mut words = vec![self.padding; all + behind];
        words[all..].fill(0);
        words
    }

    /// Fills words that [`Self::memory`] gave, with those of some groups, one behind the other.
    pub(super) fn fill(
        &self,
        image: usize,
        groups: Range<usize>,
        words: &mut [i32],
        scratch: &mut Scratch,
    ) {
        let words = &mut words[..groups.len() * self.all];
        let of_group = self.depth * self.size[0] * self.size[1];
        let (start, pixels) =
            ((image * self.groups + groups.start) * of_group, groups.len() * of_group);
        let (size, flip, len) = (self.size, self.form.flip, self.part);
        match &self.way {
            Way::Channels(moves) => {
                let channels = &self.source.bytes()[start..start + pixels];
                self.isa.vectorize(FillChannels {
                    channels,
                    size,
                    moves,
                    len,
                    flip,
                    words,
                    scratch,
                });
            }
            &Way::Neighbours { ref rows, line, fours, padding } => {
                let channels = &self.source.bytes()[start..start + pixels];
                self.isa.run_without_vnni(FillNeighbours {
                    channels,
                    size,
                    rows,
                    line,
                    len: len / fours,
                    fours,
                    padding,
                    flip,
                    words,
                    scratch,
                });
            }
            Way::Codes(moves) => {
                let range = start..start + pixels;
                macro_rules! fill {
                    ($codes:expr) => {{
                        let channels = &$codes[range];
                        self.isa.vectorize(FillCodes { channels, size, moves, len, words });
                    }};
                }
                match self.source {
                    Source::U8(codes) => fill!(codes),
                    Source::I8(codes) => fill!(codes),
                    Source::I16(codes) => fill!(codes),
                }
            }
        }
    }
}
