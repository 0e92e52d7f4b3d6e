//! Projection onto the L1 ball: Michelot's method against sorting, bisection, every support, and the conditions of Karush,
//! Kuhn and Tucker.

use fewbit::algorithms::{l1_threshold, project_l1};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;

use fewbit_testkit::Random;

fn exact(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap()
}

fn magnitudes(v: &[f64]) -> Vec<BigRational> {
    v.iter().map(|v| exact(v.abs())).collect()
}

/// By sorting (Duchi et al., 2008), in exact arithmetic.
fn by_sorting(v: &[f64], radius: f64) -> BigRational {
    let (mut u, radius) = (magnitudes(v), exact(radius));
    if u.iter().sum::<BigRational>() <= radius {
        return BigRational::zero();
    }
    u.sort_by(|a, b| b.cmp(a));
    let mut theta = BigRational::zero();
    let mut sum = BigRational::zero();
    for (j, u) in u.iter().enumerate() {
        sum += u;
        let candidate = (&sum - &radius) / BigRational::from(BigInt::from(j + 1));
        if *u > candidate {
            theta = candidate;
        }
    }
    theta
}

/// By halving the interval in which `sum max(|v| - θ, 0) - radius` changes its sign.
fn by_bisection(v: &[f64], radius: f64) -> f64 {
    let excess = |theta: f64| v.iter().map(|v| (v.abs() - theta).max(0.0)).sum::<f64>() - radius;
    if excess(0.0) <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, v.iter().fold(0f64, |most, v| most.max(v.abs())));
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// By trying every support: the θ that is consistent with its own.
fn by_supports(v: &[f64], radius: f64) -> BigRational {
    let (u, radius) = (magnitudes(v), exact(radius));
    if u.iter().sum::<BigRational>() <= radius {
        return BigRational::zero();
    }
    let mut found: Vec<BigRational> = (1u32..1 << u.len())
        .filter_map(|support| {
            let inside = |i: usize| support >> i & 1 == 1;
            let sum: BigRational =
                u.iter().enumerate().filter(|(i, _)| inside(*i)).map(|(_, u)| u).sum();
            let theta = (sum - &radius) / BigRational::from(BigInt::from(support.count_ones()));
            let consistent = u.iter().enumerate().all(|(i, u)| (*u > theta) == inside(i));
            consistent.then_some(theta)
        })
        .collect();
    assert_eq!(found.len(), 1, "one support is consistent");
    found.remove(0)
}

/// Whether θ gives the projection, up to `slack` of the greatest magnitude: the norm is the radius (or θ is 0 and the norm
/// less), signs are kept, and what is left of each element is `max(|v| - θ, 0)`. For a projection onto a convex set these
/// conditions are necessary and sufficient.
fn satisfies_kkt(v: &[f64], projected: &[f64], radius: f64, slack: f64) -> bool {
    let most = v.iter().fold(0f64, |most, v| most.max(v.abs()));
    let near =
        |a: &BigRational, b: &BigRational| (a - b).abs() <= exact(slack) * exact(most.max(radius));
    let norm: BigRational = magnitudes(projected).iter().sum();
    let free = magnitudes(v).iter().sum::<BigRational>() <= exact(radius);
    if free {
        return v == projected;
    }
    // What was taken from the elements that are left is the same for all, and at least as much as the others were.
    let taken = |i: usize| exact(v[i].abs()) - exact(projected[i].abs());
    let (left, gone): (Vec<usize>, Vec<usize>) = (0..v.len()).partition(|&i| projected[i] != 0.0);
    let Some(&first) = left.first() else { return exact(radius) <= exact(slack) * exact(most) };
    let theta = taken(first);
    near(&norm, &exact(radius))
        && left.iter().all(|&i| near(&taken(i), &theta) && projected[i].signum() == v[i].signum())
        && gone.iter().all(|&i| exact(v[i].abs()) <= &theta + exact(slack) * exact(most))
        && theta >= BigRational::zero()
}

const SLACK: f64 = 1e-12;

fn vector(random: &mut Random, n: usize) -> Vec<f64> {
    let ties = random.below(3) == 0;
    (0..n)
        .map(|_| match random.below(6) {
            0 => 0.0,
            _ if ties => random.below(4) as f64 - 2.0,
            1 => random.normal() * 2f64.powi(random.below(40) as i32 - 20),
            _ => random.normal(),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn four_ways_to_the_same_threshold(seed: u64, n in 1usize..9, share in 0.001f64..1.5) {
        let mut random = Random(seed);
        let v = vector(&mut random, n);
        let radius = (share * v.iter().map(|v| v.abs()).sum::<f64>()).max(1e-3);
        let found = l1_threshold(v.iter().copied(), radius);
        let sorted = by_sorting(&v, radius);
        prop_assert_eq!(&sorted, &by_supports(&v, radius));
        let most = v.iter().fold(radius, |most, v| most.max(v.abs()));
        let theta = sorted.to_f64().unwrap();
        prop_assert!((found - theta).abs() <= SLACK * most, "{found} {theta}");
        prop_assert!((found - by_bisection(&v, radius)).abs() <= SLACK * most);
    }

    #[test]
    fn projections_satisfy_the_conditions_and_nothing_else_does(seed: u64, n in 1usize..120, share in 0.001f64..1.2) {
        let mut random = Random(seed);
        let v = vector(&mut random, n);
        let norm = v.iter().map(|v| v.abs()).sum::<f64>();
        let radius = (share * norm).max(1e-3);
        let mut projected = v.clone();
        project_l1(&mut projected, radius);
        prop_assert!(satisfies_kkt(&v, &projected, radius, SLACK));
        // Points of the ball are not nearer; the oracle objects to them.
        let distance = |p: &[f64]| v.iter().zip(p).map(|(v, p)| (v - p) * (v - p)).sum::<f64>();
        let least = distance(&projected);
        for _ in 0..20 {
            let mut other: Vec<f64> =
                projected.iter().map(|p| p + random.normal() * 0.1 * radius / n as f64).collect();
            let length = other.iter().map(|p| p.abs()).sum::<f64>();
            if length > radius {
                other.iter_mut().for_each(|p| *p *= radius / length);
            }
            prop_assert!(distance(&other) >= least * (1.0 - 1e-9) - 1e-12);
            if norm > radius * 1.01 && n > 1 {
                prop_assert!(!satisfies_kkt(&v, &other, radius, SLACK));
            }
        }
    }
}

#[test]
fn the_oracle_objects_to_wrong_answers() {
    let v = [3.0, -1.0, 0.5];
    assert!(satisfies_kkt(&v, &[2.0, 0.0, 0.0], 2.0, SLACK));
    for wrong in [
        [1.9, 0.0, 0.0],  // too short
        [2.1, 0.0, 0.0],  // too long
        [1.5, -0.5, 0.0], // on the ball, not the nearest
        [-2.0, 0.0, 0.0], // another sign
        [1.5, 0.0, 0.5],
        v, // outside
    ] {
        assert!(!satisfies_kkt(&v, &wrong, 2.0, SLACK), "{wrong:?}");
    }
    assert!(!satisfies_kkt(&v, &[2.9, -1.0, 0.5], 5.0, SLACK), "inside, nothing changes");
}
