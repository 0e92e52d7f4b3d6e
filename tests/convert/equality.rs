//! An encoder beside the specification.

use fewbit::Isa;
use fewbit::convert::{Code, ConvertError, Encoder, Source};
use fewbit::formats::{EncodeError, Format, Policy, philox};

/// The seed of stochastic rounding.
pub(crate) const SEED: u64 = 0x5eed;

/// What the specification says: a code or a refusal for every element.
fn expected<X: Source>(format: Format, policy: &Policy, x: &[X]) -> Vec<Result<u32, EncodeError>> {
    let stochastic = policy.rounding.random_bits().is_some();
    let code = |(i, &x): (usize, &X)| {
        let random = if stochastic { philox::bits(SEED, i as u64) } else { 0 };
        format.encode(x, policy, random).map(|encoded| encoded.code)
    };
    x.iter().enumerate().map(code).collect()
}

/// Encodes on every instruction set and compares; then once more without the values that are refused.
pub(crate) fn check<X: Source, C: Code>(format: Format, policy: &Policy, x: &[X]) {
    let mut x = x.to_vec();
    let mut whole = expected(format, policy, &x);
    compare::<X, C>(format, policy, &x, &whole);
    // Random bits may have a value refused in one place and not in another.
    for _ in 0..16 {
        let accepted: Vec<X> =
            x.iter().zip(&whole).filter(|(_, code)| code.is_ok()).map(|(&x, _)| x).collect();
        if accepted.is_empty() || accepted.len() == x.len() {
            return;
        }
        // One far from the ends takes the place of those that are refused.
        for (x, _) in x.iter_mut().zip(&whole).filter(|(_, code)| code.is_err()) {
            *x = accepted[accepted.len() / 2];
        }
        whole = expected(format, policy, &x);
        if whole.iter().all(Result::is_ok) {
            compare::<X, C>(format, policy, &x, &whole);
        }
    }
}

fn compare<X: Source, C: Code>(
    format: Format,
    policy: &Policy,
    x: &[X],
    whole: &[Result<u32, EncodeError>],
) {
    let refusal = whole
        .iter()
        .enumerate()
        .find_map(|(index, code)| code.err().map(|source| ConvertError::Value { index, source }));
    let codes: Vec<C> = whole.iter().map(|code| C::from_u32(code.unwrap_or(0))).collect();
    for isa in Isa::available() {
        let encoder = Encoder::new(format, *policy).with_seed(SEED).with_isa(isa).unwrap();
        let mut found = vec![C::default(); x.len()];
        let result = encoder.encode(x, &mut found).err();
        assert_eq!(result, refusal, "{format} {policy:?} {isa}");
        if refusal.is_none() && found != codes {
            for (i, (found, code)) in found.iter().zip(&codes).enumerate() {
                let x = x[i].into();
                assert_eq!(found, code, "{format} {policy:?} {isa}: element {i}, {x:?}");
            }
        }
    }
}

/// [`check`] with codes of the narrowest type.
pub(crate) fn check_any<X: Source>(format: Format, policy: &Policy, x: &[X]) {
    match format.bits() {
        0..=8 => check::<X, u8>(format, policy, x),
        9..=16 => check::<X, u16>(format, policy, x),
        _ => check::<X, u32>(format, policy, x),
    }
}
