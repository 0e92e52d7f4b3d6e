//! Integer square roots.

/// `floor(sqrt n)`, digit by digit: from the greatest power of two down, each is added whose sum's square is at most `n`.
///
/// ```
/// use fewbit::reference::functions::isqrt;
/// assert_eq!([0, 1, 3, 4, 99, 100].map(isqrt), [0, 1, 1, 2, 9, 10]);
/// assert_eq!(isqrt(u128::MAX), u64::MAX);
/// ```
#[must_use]
pub fn isqrt(n: u128) -> u64 {
    let mut root = 0u64;
    for bit in (0..64).rev() {
        let longer = root | 1 << bit;
        if u128::from(longer) * u128::from(longer) <= n {
            root = longer;
        }
    }
    root
}

/// A root by Newton's iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewtonRoot {
    /// `floor(sqrt n)`.
    pub root: u64,
    /// How many times the iteration was applied, the one that ends it included.
    pub iterations: u32,
}

/// I-BERT's integer square root (arXiv 2101.01321, algorithm 4), which is [`isqrt`] with the number of its iterations.
///
/// ```text
/// x_0 = 2^ceil(bits(n) / 2)                 bits(n) = floor(log2 n) + 1
/// x_(i+1) = floor((x_i + floor(n / x_i)) / 2)
/// the result is x_i where x_(i+1) >= x_i; 0 for n = 0
/// ```
///
/// ```
/// use fewbit::reference::functions::{NewtonRoot, ibert_sqrt};
/// // 16, then (16 + 6) / 2 = 11, then (11 + 9) / 2 = 10, then (10 + 10) / 2 = 10.
/// assert_eq!(ibert_sqrt(100), NewtonRoot { root: 10, iterations: 3 });
/// ```
#[must_use]
pub fn ibert_sqrt(n: u128) -> NewtonRoot {
    if n == 0 {
        return NewtonRoot { root: 0, iterations: 0 };
    }
    let bits = u128::BITS - n.leading_zeros();
    let mut x = 1u128 << bits.div_ceil(2);
    let mut iterations = 0;
    loop {
        let next = (x + n / x) / 2;
        iterations += 1;
        if next >= x {
            // The root of 128 bits has 64.
            return NewtonRoot { root: x as u64, iterations };
        }
        x = next;
    }
}
