//! The matrix product through integer stages in big integers, whole lists at a time.
//!
//! A stage maps the list of its inputs to the list of what it hands on: the list is cut into tiles of `count`, each
//! tile into groups of `width`, and a group is one step. The groups are dealt out to `interleave` registers, each of which
//! sums its own list; what they give is a list again, which is summed one by one. Everything that a report says is read off the lists of steps
//! afterwards, once with the registers' widths and once without.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::{Matrix, Overflow, Spec, StageSpec};

/// The first overflow of the first output that had one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstEvent {
    /// Row of the output.
    pub row: u64,
    /// Column of the output.
    pub col: u64,
    /// The last product of the step.
    pub k: u64,
    /// The exact value.
    pub value: BigInt,
}

/// What one stage did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageReport {
    /// Steps outside the range.
    pub events: u64,
    /// Outputs with such a step.
    pub outputs: u64,
    /// The first of them.
    pub first: Option<FirstEvent>,
    /// Least value before overflow handling, and 0.
    pub min: BigInt,
    /// Greatest value before overflow handling, and 0.
    pub max: BigInt,
    /// Greatest width of the exact trajectories.
    pub required_bits: u32,
    /// Outputs per width.
    pub histogram: BTreeMap<u32, u64>,
}

/// A product and its report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// `[M * N]`, row-major.
    pub values: Vec<BigInt>,
    /// One entry per stage.
    pub stages: Vec<StageReport>,
}

/// A value on its way into a stage, and the last product that it holds.
#[derive(Clone)]
struct Input {
    value: BigInt,
    k: u64,
}

/// One check of a register.
struct Step {
    exact: BigInt,
    overflow: bool,
    k: u64,
}

/// What a step takes.
type Group<'a> = &'a [Input];

/// `A B` through `spec`: `a` is `[M, K]`, `b` is `[K, N]`.
pub fn matmul(a: &Matrix, b: &Matrix, spec: &Spec) -> Product {
    assert_eq!(a.cols, b.rows, "inner dimensions");
    let mut values = Vec::new();
    let mut outputs = Vec::new();
    for row in 0..a.rows {
        for col in 0..b.cols {
            let products: Vec<Input> = (0..a.cols)
                .map(|k| Input {
                    value: BigInt::from(a.at(row, k)) * BigInt::from(b.at(k, col)),
                    k: k as u64,
                })
                .collect();
            let (value, bounded) = evaluate(&products, &spec.0);
            let unbounded: Vec<StageSpec> =
                spec.0.iter().map(|stage| StageSpec { register: None, ..*stage }).collect();
            let (_, exact) = evaluate(&products, &unbounded);
            values.push(value);
            outputs.push((row as u64, col as u64, bounded, exact));
        }
    }
    let stages = (0..spec.0.len())
        .map(|stage| {
            let per_output: Vec<_> =
                outputs.iter().map(|(r, c, b, e)| (*r, *c, &b[stage], &e[stage])).collect();
            report(&per_output)
        })
        .collect();
    Product { values, stages }
}

/// The value of the last stage and the steps of each.
fn evaluate(products: &[Input], stages: &[StageSpec]) -> (BigInt, Vec<Vec<Step>>) {
    let mut inputs = products.to_vec();
    let mut steps = Vec::new();
    for stage in stages {
        let mut done = Vec::new();
        let tile = stage.count.unwrap_or(inputs.len()).max(1);
        inputs = inputs.chunks(tile).map(|tile| sum_tile(tile, stage, &mut done)).collect();
        steps.push(done);
    }
    let value = inputs.pop().map_or_else(BigInt::zero, |last| last.value);
    (value, steps)
}

/// The sum of one tile, of which a register's is `sum(groups) = fit(sum(all groups but the last) + last group)`.
fn sum_tile(tile: &[Input], stage: &StageSpec, steps: &mut Vec<Step>) -> Input {
    let groups: Vec<Group<'_>> = tile.chunks(stage.width).collect();
    let mut dealt = vec![Vec::new(); stage.interleave];
    for (index, group) in groups.iter().enumerate() {
        dealt[index % stage.interleave].push(*group);
    }
    let mut made = Vec::new();
    let sums: Vec<BigInt> = dealt
        .iter()
        .map(|groups| {
            let mut own = Vec::new();
            let sum = sum_groups(groups, stage, &mut own);
            made.push(own);
            sum
        })
        .collect();
    // In the order in which they were made: a round of all registers at a time.
    let mut made: Vec<_> = made.into_iter().map(Vec::into_iter).collect();
    for index in 0..groups.len() {
        steps.extend(made[index % stage.interleave].next());
    }
    let k = tile.last().map_or(0, |last| last.k);
    let sums: Vec<Input> = sums.into_iter().map(|value| Input { value, k }).collect();
    let (first, others) = (&sums[0], &sums[1..]);
    let value = others.iter().fold(first.value.clone(), |before, other| {
        let exact = before + &other.value;
        let value = fit(&exact, stage.register);
        steps.push(Step { overflow: value != exact, exact, k });
        value
    });
    Input { value, k }
}

/// The sum of groups in one register.
fn sum_groups(groups: &[Group<'_>], stage: &StageSpec, steps: &mut Vec<Step>) -> BigInt {
    let Some((last, before)) = groups.split_last() else {
        return BigInt::zero();
    };
    let before = sum_groups(before, stage, steps);
    let exact = last.iter().fold(before, |sum, input| sum + &input.value);
    let value = fit(&exact, stage.register);
    let k = last.last().map_or(0, |input| input.k);
    steps.push(Step { overflow: value != exact, exact, k });
    value
}

fn fit(exact: &BigInt, register: Option<(u32, Overflow)>) -> BigInt {
    let Some((bits, overflow)) = register else {
        return exact.clone();
    };
    let modulus = BigInt::one() << bits;
    let half = BigInt::one() << (bits - 1);
    match overflow {
        Overflow::Saturate => exact.clone().min(&half - 1).max(-half),
        Overflow::Wrap => {
            let residue = ((exact % &modulus) + &modulus) % &modulus;
            if residue < half { residue } else { residue - modulus }
        }
    }
}

fn report(outputs: &[(u64, u64, &Vec<Step>, &Vec<Step>)]) -> StageReport {
    let overflows = |steps: &[Step]| steps.iter().filter(|s| s.overflow).count() as u64;
    let mut histogram = BTreeMap::new();
    for (_, _, _, exact) in outputs {
        let bits = exact.iter().map(|s| width(&s.exact)).max().unwrap_or(1);
        *histogram.entry(bits).or_insert(0) += 1;
    }
    let reached = || {
        let values = outputs.iter().flat_map(|(_, _, steps, _)| steps.iter());
        values.map(|s| s.exact.clone()).chain([BigInt::zero()])
    };
    StageReport {
        events: outputs.iter().map(|(_, _, steps, _)| overflows(steps)).sum(),
        outputs: outputs.iter().filter(|(_, _, steps, _)| overflows(steps) > 0).count() as u64,
        first: outputs.iter().find_map(|&(row, col, steps, _)| {
            let step = steps.iter().find(|s| s.overflow)?;
            Some(FirstEvent { row, col, k: step.k, value: step.exact.clone() })
        }),
        min: reached().min().unwrap_or_default(),
        max: reached().max().unwrap_or_default(),
        required_bits: histogram.keys().next_back().copied().unwrap_or(1),
        histogram,
    }
}

/// The smallest two's complement width, found by trying.
fn width(value: &BigInt) -> u32 {
    let fits = |bits: u32| {
        let half = BigInt::one() << (bits - 1);
        -&half <= *value && *value < half
    };
    (1..).find(|&bits| fits(bits)).unwrap_or(u32::MAX)
}
