//! A Gram matrix as tiles that grow side by side.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::panel::Panel;
use super::products::{Pair, Part, Products};
use crate::algorithms::linalg::{Precision, Scalar, transpose_into};
use crate::simd::{Detected, Isa};

/// Left panels of a tile, and right ones: as many as stay in the second cache with one of the left.
const SHARES: (usize, usize) = (4, 2);

/// Which products are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Left and right factor are the same matrix: what is on and above the diagonal.
    Symmetric,
    /// All of it.
    Full,
}

/// The products of some panels with some others.
pub(super) struct Tile {
    shape: Shape,
    left: Range<usize>,
    right: Range<usize>,
    /// Of every pair of panels, the left one first: `[left width, right width]`.
    sums: Vec<Vec<f64>>,
}

impl Tile {
    /// The tiles of the products of panels with each other, in ascending order of the right ones.
    pub(super) fn of_panels(panels: &[Panel], range: Range<usize>, shape: Shape) -> Vec<Self> {
        let mut tiles = Vec::new();
        for first in range.clone().step_by(SHARES.1) {
            let right = first..(first + SHARES.1).min(range.end);
            let end = if shape == Shape::Symmetric { right.end } else { range.end };
            for first in (range.start..end).step_by(SHARES.0) {
                let left = first..(first + SHARES.0).min(end);
                let mut tile = Self { shape, left, right: right.clone(), sums: Vec::new() };
                let zeros = |(left, right, _)| {
                    let (left, right): (usize, usize) = (left, right);
                    vec![0.0; panels[left].width * panels[right].width]
                };
                tile.sums = tile.pairs().map(zeros).collect();
                tiles.push(tile);
            }
        }
        tiles
    }

    /// The pairs of panels whose products are kept, the left one first.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize, Part)> + use<> {
        let (shape, right) = (self.shape, self.right.clone());
        self.left.clone().flat_map(move |left| {
            right.clone().filter_map(move |right| match shape {
                Shape::Full => Some((left, right, Part::Full)),
                Shape::Symmetric if left == right => Some((left, right, Part::Upper)),
                Shape::Symmetric => (left < right).then_some((left, right, Part::Full)),
            })
        })
    }

    /// Adds the products of the first `count` rows.
    pub(super) fn add(
        &mut self,
        left: &[Panel],
        right: &[Panel],
        count: usize,
        precision: Precision,
    ) {
        let isa = Detected::best();
        match precision {
            // It would have to imitate fused products.
            Precision::Single if isa.isa() == Isa::Portable => {
                self.multiply::<f32>(left, right, count);
            }
            Precision::Single => {
                let pairs = self.pairs();
                let mut pairs = pairs.zip(&mut self.sums).peekable();
                while let Some(((index, ..), _)) = pairs.peek() {
                    let index = *index;
                    let mut of_left = Vec::with_capacity(SHARES.1);
                    while let Some(((_, to, part), sums)) = pairs.next_if(|pair| pair.0.0 == index)
                    {
                        of_left.push(Pair { right: &right[to], part, sums });
                    }
                    isa.run_without_vnni(Products { left: &left[index], count, pairs: of_left });
                }
            }
            Precision::Double => self.multiply::<f64>(left, right, count),
        }
    }

    fn multiply<T: Scalar>(&mut self, left: &[Panel], right: &[Panel], count: usize) {
        let x = Panel::matrix::<T>(&left[self.left.clone()], count);
        let y = Panel::matrix::<T>(&right[self.right.clone()], count);
        let mut product = Array2::zeros((x.ncols(), y.ncols()));
        general_mat_mul(T::one(), &x.t(), &y, T::zero(), &mut product);
        let origin = |panels: &[Panel], range: &Range<usize>| panels[range.start].columns.start;
        let origins = (origin(left, &self.left), origin(right, &self.right));
        let pairs = self.pairs();
        for ((i, j, _), sums) in pairs.zip(&mut self.sums) {
            let (left, right) = (&left[i], &right[j]);
            let product = product.slice(s![left.within(origins.0), right.within(origins.1)]);
            for (sums, product) in sums.chunks_exact_mut(right.width).zip(product.rows()) {
                sums.iter_mut().zip(product).for_each(|(sum, p)| *sum += p.to_double());
            }
        }
    }
}

/// The sums of the tiles of a group, for the rows of each panel.
pub(super) struct Sums<'a> {
    panels: &'a [Panel],
    origin: usize,
    shape: Shape,
    /// By left and right panel.
    of_pairs: Vec<Option<&'a [f64]>>,
}

impl<'a> Sums<'a> {
    /// Those of a group whose first panel is `first`.
    pub(super) fn new(panels: &'a [Panel], first: usize, count: usize, tiles: &'a [Tile]) -> Self {
        let mut of_pairs = vec![None; count * count];
        for tile in tiles {
            for ((left, right, _), sums) in tile.pairs().zip(&tile.sums) {
                of_pairs[(left - first) * count + right - first] = Some(sums.as_slice());
            }
        }
        let panels = &panels[first..first + count];
        let origin = panels.first().map_or(0, |panel| panel.columns.start);
        let shape = tiles.first().map_or(Shape::Full, |tile| tile.shape);
        Self { panels, origin, shape, of_pairs }
    }

    /// Writes the rows of a panel, counted from the group's first one; what lies on one side of the diagonal alone stands on
    /// both.
    pub(super) fn write(&self, row: usize, mut rows: ArrayViewMut2<'_, f64>) {
        let count = self.panels.len();
        let pair = |left: usize, right: usize| {
            let sums = self.of_pairs[left * count + right]?;
            let (left, right) = (&self.panels[left], &self.panels[right]);
            let sums = ArrayView2::from_shape((left.width, right.width), sums);
            let sums = sums.unwrap_or_else(|_| unreachable!("as many sums as products"));
            Some(sums.slice_move(s![..left.columns.len(), ..right.columns.len()]))
        };
        for (column, panel) in self.panels.iter().enumerate() {
            let mut to = rows.slice_mut(s![.., panel.within(self.origin)]);
            match (pair(row, column), pair(column, row)) {
                (Some(sums), _) if row == column && self.shape == Shape::Symmetric => {
                    for (i, sums) in sums.rows().into_iter().enumerate() {
                        to.slice_mut(s![i, i..]).assign(&sums.slice(s![i..]));
                        to.slice_mut(s![i.., i]).assign(&sums.slice(s![i..]));
                    }
                }
                (Some(sums), _) => to.assign(&sums),
                (None, Some(sums)) => transpose_into(sums, to, |x| x),
                (None, None) => {}
            }
        }
    }
}
