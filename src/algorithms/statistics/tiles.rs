//! A Gram matrix as tiles that grow side by side.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};

use super::panel::Panel;
use super::products::{Pair, Part, Products};
use crate::algorithms::linalg::{Precision, Scalar};
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

    /// Writes the sums where they belong in the matrix of the group whose first input is `origin`.
    pub(super) fn write(&self, panels: &[Panel], origin: usize, matrix: &mut Array2<f64>) {
        for ((left, right, part), sums) in self.pairs().zip(&self.sums) {
            let (left, right) = (&panels[left], &panels[right]);
            let (from, to) = (left.within(origin), right.within(origin));
            let sums = ArrayView2::from_shape((left.width, right.width), sums);
            let sums = sums.unwrap_or_else(|_| unreachable!("as many sums as products"));
            let sums = sums.slice_move(s![..from.len(), ..to.len()]);
            let mut above = matrix.slice_mut(s![from.clone(), to.clone()]);
            match (self.shape, part) {
                (Shape::Full, _) => above.assign(&sums),
                (Shape::Symmetric, Part::Full) => {
                    above.assign(&sums);
                    matrix.slice_mut(s![to, from]).assign(&sums.t());
                }
                (Shape::Symmetric, Part::Upper) => {
                    for (i, sums) in sums.rows().into_iter().enumerate() {
                        above.slice_mut(s![i, i..]).assign(&sums.slice(s![i..]));
                        above.slice_mut(s![i.., i]).assign(&sums.slice(s![i..]));
                    }
                }
            }
        }
    }
}
