//! proptest strategies: stage lists with awkward widths and counts, and whole products.

use proptest::prelude::*;
use proptest::sample::select;

use super::{Matrix, Overflow, Pattern, Range, Spec, StageSpec};

/// A product to compute.
#[derive(Clone, Debug)]
pub struct Case {
    /// `[M, K]`
    pub a: Matrix,
    /// `[K, N]`
    pub b: Matrix,
    /// The accumulator.
    pub spec: Spec,
}

/// One to four stages.
pub fn any_spec() -> impl Strategy<Value = Spec> {
    let inner = (any_register(), any_width(), any_interleave(), any_count()).prop_map(
        |(register, width, interleave, count)| StageSpec {
            register,
            width,
            interleave,
            count: Some(count),
        },
    );
    let last = (any_register(), any_width(), any_interleave()).prop_map(
        |(register, width, interleave)| StageSpec { register, width, interleave, count: None },
    );
    (prop::collection::vec(inner, 0..=3), last).prop_map(|(mut stages, last)| {
        stages.push(last);
        Spec(stages)
    })
}

fn any_register() -> impl Strategy<Value = Option<(u32, Overflow)>> {
    let overflow = || select(vec![Overflow::Wrap, Overflow::Saturate]);
    prop_oneof![
        1 => Just(None),
        3 => (2u32..=64, overflow()).prop_map(Some),
        4 => (2u32..=20, overflow()).prop_map(Some),
    ]
}

fn any_width() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(1usize), 2 => 2usize..=9, 1 => select(vec![16, 32, 64, 100])]
}

/// Mostly one register; several, and more than there are steps.
fn any_interleave() -> impl Strategy<Value = usize> {
    prop_oneof![9 => Just(1usize), 2 => 2usize..=5, 1 => select(vec![8, 80])]
}

fn any_count() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(1usize), 4 => 2usize..=9, 1 => select(vec![16, 32, 64, 100])]
}

/// A product of up to 3 x 70 x 3 with operands of any width up to 32 bits, signed or not, in any pattern.
pub fn any_case() -> impl Strategy<Value = Case> {
    let range = || {
        prop_oneof![
            (1u32..=32).prop_map(Range::signed),
            (1u32..=8).prop_map(Range::unsigned),
            (1u32..=32).prop_map(Range::unsigned),
        ]
    };
    let depth = prop_oneof![1 => Just(0usize), 1 => Just(1), 6 => 2usize..=70];
    let operand = || (range(), select(Pattern::ALL.to_vec()), any::<u64>());
    (0usize..=3, depth, 0usize..=3, operand(), operand(), any_spec()).prop_map(
        |(m, k, n, left, right, spec)| Case {
            a: Matrix::left(m, k, left.0, left.1, left.2),
            b: Matrix::right(k, n, right.0, right.1, right.2),
            spec,
        },
    )
}
