//! Paley's two constructions (R. Paley, "On orthogonal matrices", 1933).
//!
//! With χ the quadratic character of the field of q elements and `Q[a, b] = χ(a - b)`:
//!
//! ```text
//! I:   q = 3 mod 4, order q + 1        H = [ 1  1ᵀ ]
//!                                          [-1  Q + I ]
//! II:  q = 1 mod 4, order 2 (q + 1)    C = [ 0  1ᵀ ]    H = C ⊗ [ 1  1 ] + I ⊗ [ 1 -1 ]
//!                                          [ 1  Q  ]            [ 1 -1 ]       [-1 -1 ]
//! ```

use ndarray::{Array2, array};

use super::field::Field;

/// The matrix of order `q + 1` for q a prime power that leaves 3 modulo 4.
pub(super) fn paley_one(field: &Field) -> Array2<i8> {
    let mut h = bordered(field);
    h.column_mut(0).fill(-1);
    for i in 0..h.nrows() {
        h[[i, i]] = 1;
    }
    h
}

/// The matrix of order `2 (q + 1)` for q a prime power that leaves 1 modulo 4.
pub(super) fn paley_two(field: &Field) -> Array2<i8> {
    let (off, on): (Array2<i8>, Array2<i8>) = (array![[1, 1], [1, -1]], array![[1, -1], [-1, -1]]);
    let c = bordered(field);
    Array2::from_shape_fn((2 * c.nrows(), 2 * c.nrows()), |(i, j)| {
        let (block, inner) = ([i / 2, j / 2], [i % 2, j % 2]);
        if block[0] == block[1] { on[inner] } else { c[block] * off[inner] }
    })
}

/// Q with a first row and a first column of ones; 0 in the corner.
fn bordered(field: &Field) -> Array2<i8> {
    let character = field.character();
    Array2::from_shape_fn((field.size() + 1, field.size() + 1), |(i, j)| match (i, j) {
        (0, 0) => 0,
        (0, _) | (_, 0) => 1,
        (i, j) => character[field.subtract(i - 1, j - 1)],
    })
}
