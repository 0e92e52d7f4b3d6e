//! A rotation as it is applied to inputs and fused into weights.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::hadamard::{Factors, Hadamard};
use super::order::{Orders, expanded_order};
use super::reference::Direction;
use super::transform::Rotatable;
use crate::Isa;
use crate::algorithms::AlgorithmError;
use crate::algorithms::linalg::{orthonormalize, product};
use crate::algorithms::random::{Normal, Uniform};

/// Keys of the random numbers.
const SIGNS: u32 = 0x5167;
const HAAR: u32 = 0x4a61;
/// How far `RᵀR` of a given matrix may lie from the identity.
const TOLERANCE: f64 = 1e-6;

/// A matrix R `[inputs, outputs]` with orthonormal rows, `R Rᵀ = I`: orthogonal where it is square.
///
/// ```text
/// W [out, in], X [samples, in]:   X Wᵀ = (X R)(W R)ᵀ
/// ```
///
/// so the rows of weights and of inputs are rotated alike ([`Self::rotate`]), statistics with [`Self::rotate_gram`], and
/// what comes out of the layer before, weights `[inputs, k]` or a bias as one column, with [`Self::rotate_outputs`].
/// A number that is not finite spreads over all numbers of its block, as it does in the product with R.
///
/// ```
/// use fewbit::algorithms::rotate::Rotation;
/// use ndarray::array;
/// let rotation = Rotation::hadamard(4)?; // H / 2
/// let (x, w) = (array![[1.0f32, 0.0, 0.0, 8.0]], array![[2.0f32, 1.0, 0.0, 1.0]]);
/// let (xr, wr) = (rotation.rotate(x.view())?, rotation.rotate(w.view())?);
/// assert_eq!(xr, array![[4.5, -3.5, -3.5, 4.5]]); // the outlier is spread
/// assert_eq!(xr.dot(&wr.t()), x.dot(&w.t()));
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Rows of R.
    inputs: usize,
    /// Columns of R.
    width: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// `D H / sqrt(n)` per block of n; the signs D over one block.
    Hadamard { transform: Hadamard, signs: Option<Vec<f64>> },
    /// One orthogonal block.
    Dense(Array2<f64>),
}

impl Rotation {
    /// `H_n / sqrt(n)`.
    ///
    /// # Errors
    /// [`AlgorithmError::HadamardOrder`] where there is no Hadamard matrix of order n here.
    pub fn hadamard(n: usize) -> Result<Self, AlgorithmError> {
        let kind = Kind::Hadamard { transform: Hadamard::new(n)?, signs: None };
        Ok(Self { inputs: n, width: n, kind })
    }

    /// `D H_n / sqrt(n)`, D a diagonal of random signs.
    ///
    /// # Errors
    /// As [`Self::hadamard`].
    pub fn random_hadamard(n: usize, seed: u64) -> Result<Self, AlgorithmError> {
        let uniform = Uniform::new(seed, SIGNS);
        let kind = Kind::Hadamard {
            transform: Hadamard::new(n)?,
            signs: Some((0..n as u64).map(|i| uniform.sign(i).into()).collect()),
        };
        Ok(Self { inputs: n, width: n, kind })
    }

    /// An orthogonal matrix drawn from Haar's measure: the Q of a matrix of normal variables, with `R_ii > 0`.
    ///
    /// # Errors
    /// None for n of at least 1 but [`AlgorithmError::NotPositiveDefinite`], with a probability of zero.
    pub fn random_orthogonal(n: usize, seed: u64) -> Result<Self, AlgorithmError> {
        if n == 0 {
            return Err(AlgorithmError::Empty { what: "the rotation", rows: 0, cols: 0 });
        }
        let normal = Normal::new(seed, HAAR);
        let matrix = Array2::from_shape_fn((n, n), |(i, j)| normal.at((i * n + j) as u64));
        Ok(Self { inputs: n, width: n, kind: Kind::Dense(orthonormalize(matrix.view())?) })
    }

    /// A given orthogonal matrix.
    ///
    /// # Errors
    /// A matrix that is not square, or that has an entry of `RᵀR - I` beyond 10⁻⁶ in magnitude.
    pub fn dense(matrix: Array2<f64>) -> Result<Self, AlgorithmError> {
        let (rows, cols) = matrix.dim();
        AlgorithmError::check_shape("the rotation", (rows, cols), (rows, rows))?;
        if rows == 0 {
            return Err(AlgorithmError::Empty { what: "the rotation", rows, cols });
        }
        let departure = (product(matrix.t(), matrix.view()) - Array2::<f64>::eye(rows)).fold(
            0.0,
            |worst: f64, x| if worst.is_nan() || x.abs() <= worst { worst } else { x.abs() },
        );
        if departure.is_nan() || departure > TOLERANCE {
            return Err(AlgorithmError::Parameter {
                name: "the departure of RᵀR from the identity",
                value: departure,
                expected: "at most 1e-6",
            });
        }
        Ok(Self { inputs: rows, width: rows, kind: Kind::Dense(matrix) })
    }

    /// The same rotation in every group of consecutive inputs: `I ⊗ R`. With groups as those of an MX format, a scale's
    /// elements mix among themselves only.
    ///
    /// # Errors
    /// [`AlgorithmError::Group`] where the rotation's size does not divide `inputs`, or where it is an expansion.
    pub fn per_group(self, inputs: usize) -> Result<Self, AlgorithmError> {
        if inputs == 0 || self.inputs != self.width || !inputs.is_multiple_of(self.width) {
            let (group, what) = (self.width, "a rotation per group");
            return Err(AlgorithmError::Group { group, inputs, what });
        }
        Ok(Self { inputs, width: inputs, kind: self.kind })
    }

    /// The first `inputs` rows of this rotation: inputs are padded with zeros before they are rotated, weights likewise.
    ///
    /// The rotated weights have rank `inputs` at most; rounding that corrects errors uses the dimensions gained.
    ///
    /// # Errors
    /// [`AlgorithmError::Parameter`] for more inputs than the rotation has, or none.
    pub fn padded(self, inputs: usize) -> Result<Self, AlgorithmError> {
        if inputs == 0 || inputs > self.inputs {
            return Err(AlgorithmError::Parameter {
                name: "the number of inputs of an expansion",
                value: inputs as f64,
                expected: "at least 1 and at most the size of the rotation",
            });
        }
        Ok(Self { inputs, ..self })
    }

    /// Expansion: padding to the order that `steps` steps lead to ([`expanded_order`]), then its Hadamard rotation; with
    /// random signs where there is a seed.
    ///
    /// # Errors
    /// As [`expanded_order`] and [`Self::padded`].
    pub fn expansion(
        inputs: usize,
        steps: usize,
        orders: Orders,
        seed: Option<u64>,
    ) -> Result<Self, AlgorithmError> {
        let order = expanded_order(inputs, steps, orders)?;
        match seed {
            None => Self::hadamard(order)?.padded(inputs),
            Some(seed) => Self::random_hadamard(order, seed)?.padded(inputs),
        }
    }

    /// Rows of R.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Columns of R; more than rows in an expansion.
    pub fn outputs(&self) -> usize {
        self.width
    }

    /// R.
    ///
    /// # Errors
    /// None; the shapes fit.
    pub fn matrix(&self) -> Result<Array2<f64>, AlgorithmError> {
        self.rotate(Array2::eye(self.inputs).view())
    }

    /// `M R` for the rows of M `[m, inputs]`: inputs, or the weights that take them.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where M has other columns.
    pub fn rotate<T: Rotatable>(&self, m: ArrayView2<'_, T>) -> Result<Array2<T>, AlgorithmError> {
        let rows = m.nrows();
        AlgorithmError::check_shape("the matrix to rotate", m.dim(), (rows, self.inputs))?;
        let mut padded = Array2::zeros((rows, self.width));
        padded.slice_mut(s![.., ..self.inputs]).assign(&m);
        self.turn(padded.view_mut(), Axis(1), Direction::Forward)?;
        Ok(padded)
    }

    /// [`Self::rotate`] in place, for square R.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where M has other columns than R, or R is an expansion.
    pub fn rotate_in_place<T: Rotatable>(
        &self,
        m: ArrayViewMut2<'_, T>,
    ) -> Result<(), AlgorithmError> {
        let rows = m.nrows();
        AlgorithmError::check_shape(
            "the rotation",
            (self.inputs, self.width),
            (m.ncols(), m.ncols()),
        )?;
        AlgorithmError::check_shape("the matrix to rotate", m.dim(), (rows, self.inputs))?;
        self.turn(m, Axis(1), Direction::Forward)
    }

    /// `M Rᵀ` for the rows of M `[m, outputs]`: what [`Self::rotate`] was given, up to rounding.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where M has other columns.
    pub fn unrotate<T: Rotatable>(
        &self,
        m: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, AlgorithmError> {
        let rows = m.nrows();
        AlgorithmError::check_shape("the matrix to rotate back", m.dim(), (rows, self.width))?;
        let mut copy = m.as_standard_layout().into_owned();
        self.turn(copy.view_mut(), Axis(1), Direction::Backward)?;
        copy.slice_collapse(s![.., ..self.inputs]);
        Ok(copy.as_standard_layout().into_owned())
    }

    /// `Rᵀ W` for W `[inputs, k]`: the layer whose outputs are rotated, so that the next one gets `x R`.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where W has other rows.
    pub fn rotate_outputs<T: Rotatable>(
        &self,
        w: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, AlgorithmError> {
        let cols = w.ncols();
        AlgorithmError::check_shape("the matrix to rotate", w.dim(), (self.inputs, cols))?;
        let mut padded = Array2::zeros((self.width, cols));
        padded.slice_mut(s![..self.inputs, ..]).assign(&w);
        self.turn(padded.view_mut(), Axis(0), Direction::Forward)?;
        Ok(padded)
    }

    /// `R W` for W `[outputs, k]`: what [`Self::rotate_outputs`] was given, up to rounding.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where W has other rows.
    pub fn unrotate_outputs<T: Rotatable>(
        &self,
        w: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, AlgorithmError> {
        let cols = w.ncols();
        AlgorithmError::check_shape("the matrix to rotate back", w.dim(), (self.width, cols))?;
        let mut copy = w.as_standard_layout().into_owned();
        self.turn(copy.view_mut(), Axis(0), Direction::Backward)?;
        copy.slice_collapse(s![..self.inputs, ..]);
        Ok(copy)
    }

    /// `Rᵀ H R`: the Gram matrix of rotated inputs, from that of the inputs.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where H is not `[inputs, inputs]`.
    pub fn rotate_gram<T: Rotatable>(
        &self,
        h: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, AlgorithmError> {
        self.rotate_outputs(self.rotate(h)?.view())
    }

    /// Turns the vectors that lie along an axis: rows for `Axis(1)`, columns for `Axis(0)`.
    fn turn<T: Rotatable>(
        &self,
        mut m: ArrayViewMut2<'_, T>,
        along: Axis,
        direction: Direction,
    ) -> Result<(), AlgorithmError> {
        match &self.kind {
            Kind::Hadamard { transform, signs } => {
                let width = m.len_of(along);
                let (before, after) = factors::<T>(transform, signs.as_deref(), direction, width);
                let factors = Factors { before: before.as_deref(), after: Some(&after) };
                match along {
                    Axis(1) => transform.rows(m, direction, factors, Isa::best()),
                    _ => transform.columns(m, direction, factors, Isa::best()),
                }
            }
            Kind::Dense(matrix) => {
                let matrix = matrix.mapv(T::of);
                let right = match direction {
                    Direction::Forward => matrix.view(),
                    Direction::Backward => matrix.t(),
                };
                for mut block in m.axis_chunks_iter_mut(along, matrix.nrows()) {
                    let turned = match along {
                        Axis(1) => product(block.view(), right),
                        _ => product(right.t(), block.view()),
                    };
                    block.assign(&turned);
                }
                Ok(())
            }
        }
    }
}

/// What is multiplied before and after the transform, over `width` positions. The signs come first on the way there and
/// last on the way back; multiplying by them is exact, so that each number is rounded once besides the additions.
fn factors<T: Rotatable>(
    transform: &Hadamard,
    signs: Option<&[f64]>,
    direction: Direction,
    width: usize,
) -> (Option<Vec<T>>, Vec<T>) {
    let scale = T::of(1.0 / (transform.order() as f64).sqrt());
    let Some(signs) = signs else { return (None, vec![scale; width]) };
    let signs = signs.iter().cycle().take(width).map(|&sign| T::of(sign));
    match direction {
        Direction::Forward => (Some(signs.collect()), vec![scale; width]),
        Direction::Backward => (None, signs.map(|sign| sign * scale).collect()),
    }
}
