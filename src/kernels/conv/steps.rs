//! The words that a direct convolution multiplies: those of the input, in [planes](super::planes), and those of the weights,
//! step by step.

use super::planes::Planes;
use super::problem::Problem;
use crate::kernels::operand::element::Operand;
use crate::simd::Vectorized;

/// How the words of a step are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// One code.
    Codes,
    /// Bytes of four channels.
    Channels,
    /// Four bytes that are neighbours in a row.
    Neighbours,
}

/// What words are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) words: Words,
    /// What makes a byte of the input an unsigned one.
    pub(super) flip: u8,
}

/// Steps of a group, with the weights of its output channels.
pub(super) struct Steps {
    /// Where the word of the first position is, in the words of all channels of the group.
    pub(super) taps: Vec<usize>,
    /// Weights of a step and output channel: `[step][channel]`, as many of them as `weight` gives.
    words: Vec<i32>,
    /// What the sums of each output channel start from.
    start: Vec<i32>,
    channels: usize,
}

impl Steps {
    pub(super) fn new<X: Operand>(
        form: Form,
        problem: &Problem<'_, X>,
        planes: &Planes,
        group: usize,
    ) -> Self {
        let (depth, [u, v]) = (problem.depth(), problem.kernel);
        let channels = problem.per_group();
        let weights = problem.weights.as_slice().unwrap_or(&[]);
        let weight = |o: usize, c: usize, du: usize, dv: usize| {
            weights[(group * channels + o) * problem.k() + (c * u + du) * v + dv]
        };
        let mut steps =
            Self { taps: Vec::new(), words: Vec::new(), start: vec![0; channels], channels };
        let bytes =
            |codes: [Option<i64>; 4]| i32::from_le_bytes(codes.map(|code| code.unwrap_or(0) as u8));
        match form.words {
            Words::Codes => {
                for (c, du, dv) in triples(depth, u, v) {
                    steps.taps.push(c * planes.len() + planes.tap(du, dv));
                    // The other code of the word is zero.
                    let word = |o| i32::from(weight(o, c, du, dv) as u16);
                    steps.words.extend((0..channels).map(word));
                }
            }
            Words::Channels => {
                for (four, du, dv) in triples(depth.div_ceil(4), u, v) {
                    steps.taps.push(four * planes.len() + planes.tap(du, dv));
                    let word = |o| {
                        let code = |i: usize| {
                            let c = 4 * four + i;
                            (c < depth).then(|| weight(o, c, du, dv))
                        };
                        bytes([0, 1, 2, 3].map(code))
                    };
                    steps.words.extend((0..channels).map(word));
                }
            }
            Words::Neighbours => {
                for (c, du, four) in triples(depth, u, v.div_ceil(4)) {
                    steps.taps.push(c * planes.len() + planes.tap(du, 4 * four));
                    let word = |o| {
                        let code = |i: usize| {
                            let dv = 4 * four + i;
                            (dv < v).then(|| weight(o, c, du, dv))
                        };
                        bytes([0, 1, 2, 3].map(code))
                    };
                    steps.words.extend((0..channels).map(word));
                }
            }
        }
        if form.flip != 0 {
            for (o, start) in steps.start.iter_mut().enumerate() {
                let sum = (0..problem.k()).map(|k| problem.weights[[group * channels + o, k]]);
                *start = sum.fold(0, |sum, w| sum - 128 * w) as i32;
            }
        }
        steps
    }

    /// Those of `R` channels from `first` on, and what they start from; 0 past the last.
    pub(super) fn of<const R: usize>(&self, first: usize) -> (Vec<i32>, [i32; R]) {
        let here = R.min(self.channels - first);
        let mut words = vec![0; self.taps.len() * R];
        for (to, from) in words.chunks_exact_mut(R).zip(self.words.chunks_exact(self.channels)) {
            to[..here].copy_from_slice(&from[first..first + here]);
        }
        let mut start = [0; R];
        start[..here].copy_from_slice(&self.start[first..first + here]);
        (words, start)
    }
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}

/// Fills the words of an image and a group.
pub(super) struct FillWords<'a, 'p, X> {
    pub(super) form: Form,
    pub(super) problem: &'a Problem<'p, X>,
    pub(super) planes: &'a Planes,
    pub(super) at: (usize, usize),
    pub(super) words: &'a mut [i32],
    /// Memory for the bytes of a channel.
    pub(super) codes: &'a mut Vec<u8>,
}

impl<X: Operand> Vectorized for FillWords<'_, '_, X> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { form, problem, planes, at: (image, group), words, codes } = self;
        let (depth, (_, _, rows, cols)) = (problem.depth(), problem.shape);
        let (padding, flip, size) = (problem.conv.padding_code, form.flip, [rows, cols]);
        let channel = |c: usize| problem.channel(image, group * depth + c);
        let byte = |x: X| x.to_i64() as u8 ^ flip;
        let words = words.chunks_exact_mut(planes.len());
        match form.words {
            Words::Codes => {
                let code = |[x]: [X; 1]| x.to_i64() as i32;
                for (c, words) in words.take(depth).enumerate() {
                    planes.fill([channel(c)], size, code([padding]), code, words);
                }
            }
            Words::Neighbours => {
                let apart = problem.conv.dilation[1];
                codes.resize(planes.len() + 3 * apart, 0);
                for (c, words) in words.take(depth).enumerate() {
                    let code = |[x]: [X; 1]| byte(x);
                    planes.fill([channel(c)], size, byte(padding), code, codes);
                    let [a, b, c, d] = [0, 1, 2, 3].map(|i| &codes[i * apart..][..words.len()]);
                    for (index, word) in words.iter_mut().enumerate() {
                        *word = i32::from_le_bytes([a[index], b[index], c[index], d[index]]);
                    }
                }
            }
            Words::Channels => {
                let four = |x: [X; 4]| i32::from_le_bytes(x.map(byte));
                for (index, words) in words.take(depth.div_ceil(4)).enumerate() {
                    // Weights past the last channel are zero, whatever they meet.
                    let channels = [0, 1, 2, 3].map(|c| channel((4 * index + c).min(depth - 1)));
                    planes.fill(channels, size, four([padding; 4]), four, words);
                }
            }
        }
    }
}
