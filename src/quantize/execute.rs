//! Every element of a tensor through the quantizer.

use std::borrow::Cow;

use fewbit_formats::{Format, Policy, philox};

use crate::convert::{ConvertError, Encoder};
use crate::reference;
use crate::simd::{Detected, Vectorized};
use crate::tasks;
use crate::tensor::{Arrangement, Code, array, unravel};

use super::parameters::Parameters;
use super::{QuantizeError, Scheme};

/// Elements of one task; results do not depend on it.
pub(crate) const TASK: usize = 1 << 15;
/// Quotients that are made before they are encoded; they stay in the first-level cache.
const TILE: usize = 1 << 11;

/// Groups of one task that goes group by group.
pub(super) fn groups_of_task(arrangement: &Arrangement) -> usize {
    (TASK / arrangement.group.max(1)).max(1)
}

/// What all elements of one tensor have in common.
pub(crate) struct Run<'a> {
    pub(crate) arrangement: &'a Arrangement,
    /// Arranged.
    pub(crate) scale: Cow<'a, [f32]>,
    /// Arranged.
    pub(crate) zero_point: Option<Cow<'a, [f32]>>,
    pub(crate) scheme: &'a Scheme,
    pub(crate) policy: Policy,
    pub(crate) seed: u64,
    /// The group that the first of the scales and zero points is of.
    pub(crate) first_group: usize,
}

/// Neighbouring elements of one group.
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) group: usize,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        arrangement: &'a Arrangement,
        parameters: &'a Parameters,
        scheme: &'a Scheme,
        policy: Policy,
        seed: u64,
    ) -> Self {
        Self {
            arrangement,
            scale: arrangement.arrange(parameters.scale.view()),
            zero_point: parameters.zero_point.as_ref().map(|zero| arrangement.arrange(zero.view())),
            scheme,
            policy,
            seed,
            first_group: 0,
        }
    }

    /// Whether elements go through the specification one by one.
    pub(crate) fn is_one_by_one(scheme: &Scheme, policy: &Policy) -> bool {
        policy.rounding.random_bits().is_some()
            || scheme.dead_zone.is_some()
            || scheme.format == Format::Binary
    }

    /// The codes of arranged elements: those of [`reference::quantize::code`].
    pub(crate) fn encode<C: Code>(&self, x: &[f32]) -> Result<Vec<C>, QuantizeError> {
        let indices = self.indices(x.len())?;
        let one_by_one = Self::is_one_by_one(self.scheme, &self.policy);
        let mut codes = vec![C::default(); x.len()];
        let parts = x.chunks(TASK).zip(codes.chunks_mut(TASK)).enumerate();
        let encoder = Encoder::new(self.scheme.format, self.policy);
        tasks::try_for_each(parts, |(part, (x, codes))| match one_by_one {
            true => self.each(part * TASK, x, codes, indices.as_deref(), |x, place| {
                let (scale, zero_point, random) = place;
                let target = self.scheme.target();
                reference::quantize::code(x, scale, zero_point, target, &self.policy, random)
                    .map(|encoded| C::from_u32(encoded.code))
            }),
            false => self.tiles(part * TASK, x, codes, &encoder),
        })?;
        Ok(codes)
    }

    /// The values of arranged elements: those of [`reference::quantize::simulated`].
    pub(crate) fn simulate(&self, x: &[f32]) -> Result<Vec<f32>, QuantizeError> {
        let indices = self.indices(x.len())?;
        let mut values = vec![0.0; x.len()];
        let parts = x.chunks(TASK).zip(values.chunks_mut(TASK)).enumerate();
        tasks::try_for_each(parts, |(part, (x, values))| {
            self.each(part * TASK, x, values, indices.as_deref(), |x, place| {
                let (scale, zero_point, random) = place;
                let target = self.scheme.target();
                reference::quantize::simulated(x, scale, zero_point, target, &self.policy, random)
            })
        })?;
        Ok(values)
    }

    /// The pieces of the elements `first..first + length`, which are counted from `first`.
    #[inline(always)]
    pub(crate) fn pieces(&self, first: usize, length: usize) -> Pieces {
        let (row, size) = (self.arrangement.length.max(1), self.arrangement.group);
        let place = first % row;
        let group = first / row * row.div_ceil(size) + place / size - self.first_group;
        Pieces { row, size, length, start: 0, place, group }
    }

    /// The group that begins with element `first`, where all groups have `N` elements.
    #[inline(always)]
    pub(super) fn whole_groups<const N: usize>(&self, first: usize) -> Option<usize> {
        let (row, size) = (self.arrangement.length.max(1), self.arrangement.group);
        let whole = size == N && row.is_multiple_of(N) && first.is_multiple_of(N);
        whole.then(|| first / N - self.first_group)
    }

    #[inline(always)]
    pub(crate) fn zero_point_of(&self, group: usize) -> f32 {
        self.zero_point.as_ref().map_or(0.0, |zero_points| zero_points[group])
    }

    fn each<T>(
        &self,
        first: usize,
        x: &[f32],
        results: &mut [T],
        indices: Option<&[u64]>,
        element: impl Fn(f32, (f32, f32, u32)) -> Result<T, fewbit_formats::EncodeError>,
    ) -> Result<(), QuantizeError> {
        for Piece { start, end, group } in self.pieces(first, x.len()) {
            let (scale, zero_point) = (self.scale[group], self.zero_point_of(group));
            for place in start..end {
                let random = indices.map_or(0, |i| philox::bits(self.seed, i[first + place]));
                let found = element(x[place], (scale, zero_point, random));
                results[place] = found.map_err(|source| self.refused(first + place, source))?;
            }
        }
        Ok(())
    }

    /// Codes without random bits: quotients, then the encoder of slices.
    pub(super) fn tiles<C: Code>(
        &self,
        first: usize,
        x: &[f32],
        codes: &mut [C],
        encoder: &Encoder,
    ) -> Result<(), QuantizeError> {
        let mut quotients = [0.0; TILE];
        for (tile, (x, codes)) in x.chunks(TILE).zip(codes.chunks_mut(TILE)).enumerate() {
            let first = first + tile * TILE;
            let quotients = &mut quotients[..x.len()];
            let fill = Quotients { run: self, first, x, quotients };
            Detected::best().vectorize(fill);
            encoder.encode(quotients, codes).map_err(|error| match error {
                ConvertError::Value { index, source } => self.refused(first + index, source),
                other => QuantizeError::Tensor(other.into()),
            })?;
        }
        Ok(())
    }

    /// The row-major index of each arranged element, where random bits are needed.
    fn indices(&self, elements: usize) -> Result<Option<Vec<u64>>, QuantizeError> {
        if self.policy.rounding.random_bits().is_none() {
            return Ok(None);
        }
        let row_major = array(self.arrangement.shape(), (0..elements as u64).collect())?;
        Ok(Some(self.arrangement.arrange(row_major.view()).into_owned()))
    }

    fn refused(&self, arranged: usize, source: fewbit_formats::EncodeError) -> QuantizeError {
        let places = array(self.arrangement.shape(), (0..self.elements()).collect::<Vec<usize>>());
        let flat = match places {
            Ok(places) => self.arrangement.arrange(places.view())[arranged],
            Err(_) => arranged,
        };
        QuantizeError::Encode { index: unravel(flat, self.arrangement.shape()), source }
    }

    fn elements(&self) -> usize {
        self.arrangement.shape().iter().product()
    }
}

/// Runs of elements that share a scale.
pub(crate) struct Pieces {
    row: usize,
    size: usize,
    length: usize,
    start: usize,
    /// The place in its row of the next element.
    place: usize,
    group: usize,
}

impl Iterator for Pieces {
    type Item = Piece;

    #[inline(always)]
    fn next(&mut self) -> Option<Piece> {
        if self.start == self.length {
            return None;
        }
        let left = (self.size - self.place % self.size).min(self.row - self.place);
        let end = (self.start + left).min(self.length);
        let piece = Piece { start: self.start, end, group: self.group };
        self.place += end - self.start;
        self.start = end;
        self.group += 1;
        if self.place == self.row {
            self.place = 0;
        }
        Some(piece)
    }
}

/// `x / scale`. Where the scale is a power of two whose reciprocal is one too, the product with that is the same number,
/// rounded or not.
#[inline(always)]
fn divided<const N: usize>(x: &[f32; N], scale: f32) -> [f32; N] {
    let (fraction, field) = (scale.to_bits() & 0x7f_ffff, scale.to_bits() >> 23);
    if fraction == 0 && (1..=253).contains(&field) {
        let inverse = 1.0 / scale;
        std::array::from_fn(|i| x[i] * inverse)
    } else {
        std::array::from_fn(|i| x[i] / scale)
    }
}

/// Elements in the format's own units.
struct Quotients<'r, 'a> {
    run: &'r Run<'a>,
    first: usize,
    x: &'r [f32],
    quotients: &'r mut [f32],
}

impl Vectorized for Quotients<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { run, first, x, quotients } = self;
        // The usual size has a loop of its own.
        if let Some(group) = run.whole_groups::<32>(first)
            && run.zero_point.is_none()
        {
            let (blocks, _) = x.as_chunks::<32>();
            let (places, _) = quotients.as_chunks_mut::<32>();
            for ((x, place), scale) in blocks.iter().zip(places).zip(&run.scale[group..]) {
                *place = divided(x, *scale);
            }
            // Tasks and tiles end with a group, or the tensor does.
            let done = x.len() / 32 * 32;
            if done == x.len() {
                return;
            }
        }
        for Piece { start, end, group } in run.pieces(first, x.len()) {
            let scale = run.scale[group];
            let pairs = quotients[start..end].iter_mut().zip(&x[start..end]);
            match &run.zero_point {
                None => pairs.for_each(|(q, x)| *q = x / scale),
                Some(zero_points) => {
                    let zero_point = zero_points[group];
                    pairs.for_each(|(q, x)| *q = x / scale + zero_point);
                }
            }
        }
    }
}
