//! proptest strategies of real products.

use proptest::prelude::*;
use proptest::sample::select;

use super::Overflow;
use super::real::{Elements, Mode, RealFormat, RealMatrix, RealRegister, RealSpec, RealStage};

/// A product to compute.
#[derive(Clone, Debug)]
pub struct RealCase {
    /// `[M, K]`
    pub a: RealMatrix,
    /// `[K, N]`
    pub b: RealMatrix,
    /// The accumulator.
    pub spec: RealSpec,
}

/// One to three stages of any register.
pub fn any_real_spec() -> impl Strategy<Value = RealSpec> {
    let turns = || prop_oneof![4 => Just(1usize), 1 => 2usize..=4, 1 => Just(50)];
    let stage =
        move || {
            (any_register(), any_size(), turns()).prop_map(|(register, width, interleave)| {
                RealStage { register, width, interleave, count: None }
            })
        };
    let inner =
        (stage(), any_size()).prop_map(|(stage, count)| RealStage { count: Some(count), ..stage });
    let last = stage();
    (prop::collection::vec(inner, 0..=2), last).prop_map(|(mut stages, last)| {
        stages.push(last);
        RealSpec(stages)
    })
}

fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(1usize), 3 => 2usize..=5, 1 => select(vec![8, 16, 32])]
}

fn any_mode() -> impl Strategy<Value = Mode> {
    select(Mode::ALL.map(|(mode, _)| mode).to_vec())
}

/// Small formats, so that sums leave them, and the usual ones.
pub fn any_real_format() -> impl Strategy<Value = RealFormat> {
    prop_oneof![
        (2u32..=8, 1u32..=13),
        select(vec![(5, 10), (8, 7), (8, 13), (8, 23), (5, 2), (4, 3), (11, 8)]),
    ]
    .prop_map(|(exponent_bits, fraction_bits)| RealFormat { exponent_bits, fraction_bits })
}

fn any_register() -> impl Strategy<Value = RealRegister> {
    let overflow = select(vec![Overflow::Wrap, Overflow::Saturate]);
    prop_oneof![
        1 => (2u32..=64, overflow).prop_map(|(bits, overflow)| RealRegister::Int(bits, overflow)),
        1 => Just(RealRegister::Exact),
        4 => (any_real_format(), any_mode()).prop_map(|(f, m)| RealRegister::Float(f, m)),
        4 => (0u32..=40, any_mode(), any_real_format(), any_mode()).prop_map(
            |(fraction_bits, alignment, format, rounding)| RealRegister::Aligned {
                fraction_bits,
                alignment,
                format,
                rounding,
            }
        ),
    ]
}

fn any_elements() -> impl Strategy<Value = Elements> {
    prop_oneof![
        3 => any_real_format().prop_filter("codes of at most 32 bits", |f| f.exponent_bits + f.fraction_bits < 32).prop_map(Elements::Float),
        1 => (1u32..=16).prop_map(Elements::Int),
    ]
}

/// Finite codes: uniform, or of few exponents so that sums cancel.
fn any_matrix(rows: usize, cols: usize) -> impl Strategy<Value = RealMatrix> {
    (any_elements(), any::<bool>()).prop_flat_map(move |(elements, few)| {
        let code: BoxedStrategy<u32> = match elements {
            Elements::Int(bits) => (0u32..(1 << bits)).boxed(),
            Elements::Float(format) => {
                let top = format.finite_magnitudes();
                let middle = top / 2;
                let spread = (3 << format.fraction_bits).min(middle);
                let range = if few { middle - spread..middle + spread } else { 0..top };
                (range, any::<bool>(), 0u32..8)
                    .prop_map(move |(code, negative, zero)| {
                        let code = if zero == 0 { 0 } else { code };
                        if negative { code | format.sign() } else { code }
                    })
                    .boxed()
            }
        };
        prop::collection::vec(code, rows * cols).prop_map(move |codes| RealMatrix {
            elements,
            rows,
            cols,
            codes,
        })
    })
}

/// A product of up to 2 x 40 x 2.
pub fn any_real_case() -> impl Strategy<Value = RealCase> {
    let depth = prop_oneof![1 => Just(0usize), 1 => Just(1), 8 => 2usize..=40];
    (1usize..=2, depth, 1usize..=2, any_real_spec()).prop_flat_map(|(m, k, n, spec)| {
        (any_matrix(m, k), any_matrix(k, n)).prop_map(move |(a, b)| RealCase {
            a,
            b,
            spec: spec.clone(),
        })
    })
}
