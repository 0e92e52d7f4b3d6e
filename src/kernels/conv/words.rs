//! The words that a direct convolution multiplies: how they are made, where those of an image lie, and which of them each step meets.

use super::planes::Planes;
use crate::convolution::Conv2d;

/// How the words of a step are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// One code.
    Codes,
    /// Bytes of four channels.
    Channels,
    /// Four bytes that four neighbours in the kernel's row meet.
    Neighbours,
}

/// How the words of a convolution are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) words: Words,
    /// What makes a byte of the input an unsigned one.
    pub(super) flip: u8,
}

/// What a step takes: up to four weights, by their k.
pub(super) type Step = [Option<usize>; 4];

impl Words {
    /// The steps of a kernel, in ascending k.
    pub(super) fn steps(self, depth: usize, [u, v]: [usize; 2]) -> Vec<Step> {
        let k =
            |c: usize, du: usize, dv: usize| (c < depth && dv < v).then(|| (c * u + du) * v + dv);
        match self {
            Self::Codes => (0..depth * u * v).map(|k| [Some(k), None, None, None]).collect(),
            Self::Channels => triples(depth.div_ceil(4), u, v)
                .map(|(four, du, dv)| std::array::from_fn(|i| k(4 * four + i, du, dv)))
                .collect(),
            Self::Neighbours => triples(depth, u, v.div_ceil(4))
                .map(|(c, du, four)| std::array::from_fn(|i| k(c, du, 4 * four + i)))
                .collect(),
        }
    }

    /// The word of a step, of the weights of an output channel.
    pub(super) fn word(self, weights: &[i64], step: &Step) -> i32 {
        let code = |at: usize| step[at].map_or(0, |k| weights[k]);
        match self {
            // The other code of the word is zero.
            Self::Codes => i32::from(code(0) as u16),
            Self::Channels | Self::Neighbours => {
                i32::from_le_bytes([0, 1, 2, 3].map(|at| code(at) as u8))
            }
        }
    }
}

/// Where the words of an image and a group lie.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Words from a row of outputs to the next.
    pub(super) pitch: usize,
    /// Rows and columns of the output.
    pub(super) outputs: [usize; 2],
    /// All words.
    pub(super) len: usize,
    /// The word that each step meets at the first position.
    pub(super) taps: Vec<usize>,
}

impl Field {
    pub(super) fn new(words: Words, depth: usize, [u, v]: [usize; 2], planes: &Planes) -> Self {
        let (pitch, outputs, len) = (planes.pitch(), planes.outputs, planes.len());
        if words == Words::Neighbours {
            let (fours, rows) = (v.div_ceil(4), planes.padded_rows());
            let tap = |(c, du, four): (usize, usize, usize)| {
                ((c * fours + four) * rows + planes.row(du)) * pitch
            };
            let taps = triples(depth, u, fours).map(tap).collect();
            return Self { pitch, outputs, len: depth * fours * rows * pitch, taps };
        }
        let parts = if words == Words::Codes { depth } else { depth.div_ceil(4) };
        let tap = |(c, du, dv): (usize, usize, usize)| c * len + planes.tap(du, dv);
        let taps = triples(parts, u, v).map(tap).collect();
        Self { pitch, outputs, len: parts * len, taps }
    }

    /// Outputs of a channel.
    pub(super) fn positions(&self) -> usize {
        self.outputs[0] * self.outputs[1]
    }

    /// Outputs counted over rows of words, from the first to the last.
    pub(super) fn span(&self) -> usize {
        (self.outputs[0] - 1) * self.pitch + self.outputs[1]
    }
}

/// The rows of bytes that words of neighbours are made of: byte `stride j + apart i` is what word j meets with weight i. Behind the
/// last output's lies what nobody asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Bytes of a row: `stride` of them to a word.
    pub(super) pitch: usize,
    /// Positions before the first of the input.
    pub(super) before: usize,
    pub(super) stride: usize,
    pub(super) apart: usize,
}

impl Line {
    /// That for rows of `columns` outputs and `v` weights; `None` where it is many times as long.
    pub(super) fn new<T>(conv: &Conv2d<T>, columns: usize, v: usize) -> Option<Self> {
        let (stride, apart) = (conv.stride[1], conv.dilation[1]);
        let words = (v - 1).checked_mul(apart)? / stride;
        let pitch = columns.checked_add(words)?.checked_mul(stride)?;
        let four = 4usize.checked_mul(apart)?;
        let line = Self { pitch, before: conv.padding[1].0, stride, apart };
        (pitch.max(four) <= 8 * columns + (1 << 8)).then_some(line)
    }
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}
