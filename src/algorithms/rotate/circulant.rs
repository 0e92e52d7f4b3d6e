//! The array of Goethals and Seidel (1967, "Orthogonal matrices with zero diagonal"): four circulants of order n make a
//! Hadamard matrix of order 4 n.
//!
//! ```text
//! [  A    B R   C R   D R ]
//! [-B R    A    DᵀR  -CᵀR ]      A Aᵀ + B Bᵀ + C Cᵀ + D Dᵀ = 4 n I,   R the reversal of n things
//! [-C R  -DᵀR    A    BᵀR ]
//! [-D R   CᵀR  -BᵀR    A  ]
//! ```
//!
//! The first rows of order 39 and 43 were found by `tests/golden/hadamard_rows.py` with the arguments `39 16` and `43 6`.

use ndarray::{Array2, s};

/// Four first rows of signs.
pub(super) type FirstRows = [&'static str; 4];

/// Of order 156.
pub(super) const ROWS_39: FirstRows = [
    "+-------------+--+-+-+-++-+-++-+-+-+--+",
    "+--+---+++-+-----+--++-++-++-----++--++",
    "+-+--++-+--+++-+--+++-----+-+-+++---+--",
    "+-----+++--++-++--+++-----+-++++--++++-",
];

/// Of order 172.
pub(super) const ROWS_43: FirstRows = [
    "+------+-+++-++-++-+++-+-++++--+++++-++++++",
    "+--------+++--+-++-+++-+-++++--++++----+++-",
    "+-+++--+----++++--++--+-+---++-+---+-+++-++",
    "+-+-+--+-+-++--+---+++-+++--++--+-+--+-++-+",
];

/// The matrix of four circulants.
pub(super) fn goethals_seidel(rows: FirstRows) -> Array2<i8> {
    let signs = rows.map(|row| row.bytes().map(|c| if c == b'+' { 1i8 } else { -1 }).collect());
    let [a, b, c, d] = signs.map(|row: Vec<i8>| {
        let n = row.len();
        Array2::from_shape_fn((n, n), |(i, j)| row[(j + n - i) % n])
    });
    let n = a.nrows();
    let reversed = |m: &Array2<i8>| m.slice(s![.., ..;-1]).to_owned();
    let (br, cr, dr) = (reversed(&b), reversed(&c), reversed(&d));
    let transposed = |m: Array2<i8>| reversed(&m.reversed_axes());
    let (bt, ct, dt) = (transposed(b), transposed(c), transposed(d));
    let blocks = [
        [(1, &a), (1, &br), (1, &cr), (1, &dr)],
        [(-1, &br), (1, &a), (1, &dt), (-1, &ct)],
        [(-1, &cr), (-1, &dt), (1, &a), (1, &bt)],
        [(-1, &dr), (1, &ct), (-1, &bt), (1, &a)],
    ];
    Array2::from_shape_fn((4 * n, 4 * n), |(i, j)| {
        let (sign, block): (i8, &Array2<i8>) = blocks[i / n][j / n];
        sign * block[[i % n, j % n]]
    })
}
