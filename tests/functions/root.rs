//! Integer roots.

use fewbit::reference::functions::{ibert_sqrt, isqrt};
use fewbit_testkit::Random;
use num_bigint::BigUint;

/// Whether `root` is the root: its square is at most n, and the next one's is above.
fn is_root(n: u128, root: u64) -> bool {
    let square = |x: u128| BigUint::from(x).pow(2);
    square(root.into()) <= n.into() && square(u128::from(root) + 1) > n.into()
}

fn inputs() -> impl Iterator<Item = u128> {
    let mut random = Random(3);
    let squares = [0, 1, 2, 1000, 46340, 65535, 1 << 32, (1 << 32) - 1, u64::MAX];
    let near = squares.map(|x| u128::from(x).pow(2)).into_iter();
    let near = near.flat_map(|x| [x.saturating_sub(1), x, x.saturating_add(1)]);
    let powers = (0..128).flat_map(|n| [(1 << n) - 1, 1 << n, u128::MAX >> n]);
    let any = (0..20_000).map(move |n| {
        let wide = u128::from(random.next()) << 64 | u128::from(random.next());
        wide >> (n % 128)
    });
    (0..1 << 16).chain(near).chain(powers).chain(any)
}

#[test]
fn roots_are_exact() {
    for n in inputs() {
        assert!(is_root(n, isqrt(n)), "{n}");
        assert_eq!(ibert_sqrt(n).root, isqrt(n), "{n}");
    }
    assert!(!is_root(8, 3) && !is_root(9, 2));
}

/// The paper says at most four for 32 bits; here there are five, and the one that ends the iteration.
#[test]
fn iterations_of_newton() {
    let most = |bits: u32| {
        let of = |n: u128| ibert_sqrt(n).iterations;
        let near = (0..1u128 << (bits / 2)).step_by(1.max(1 << (bits / 2) >> 18));
        let near = near.flat_map(|x| [x * x, x * x + x, x * x + 2 * x]);
        near.filter(|&n| n >> bits == 0).map(of).max().unwrap()
    };
    assert_eq!((most(16), most(32), most(64)), (5, 6, 7));
}
