//! Arrays of values and codes.

use std::ffi::c_void;

use fewbit::convert::{Code, Decoder, Encoder, Source};
use fewbit::formats::{Encoded, Format, Policy, philox};
use rayon::prelude::*;

use crate::format::{FewbitFormat, format};
use crate::handle;
use crate::memory::{self, FewbitType, apart};
use crate::policy::FewbitPolicy;
use crate::status::{OrValue, Outcome, done};
use crate::threads::{FewbitThreads, on};

/// `$body` with `$type` as the type of codes.
macro_rules! of_codes {
    ($element:expr, $what:literal, $type:ident => $body:expr) => {
        match $element {
            $crate::memory::FewbitType::U8 => {
                type $type = u8;
                $body
            }
            $crate::memory::FewbitType::U16 => {
                type $type = u16;
                $body
            }
            $crate::memory::FewbitType::U32 => {
                type $type = u32;
                $body
            }
            other => Err(other.refuse($what, "FEWBIT_TYPE_U8, U16 or U32")),
        }
    };
}
pub(crate) use of_codes;

/// `$body` with `$type` as the type of values.
macro_rules! of_values {
    ($element:expr, $what:literal, $type:ident => $body:expr) => {
        of_values!(@ $element, $what, $type => $body, [
            I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64, F32 f32, F64 f64
        ])
    };
    (@ $element:expr, $what:literal, $type:ident => $body:expr, [$($variant:ident $as:ty),+]) => {
        match $element {
            $(FewbitType::$variant => {
                type $type = $as;
                $body
            })+
        }
    };
}

/// The codes of `length` values, whose first has the index `first` (the random bits of stochastic rounding depend on `seed` and
/// index). Equal to `fewbit_encode` of each, with `fewbit_random_bits(seed, first + i)`; on all cores, or on those of `threads`.
///
/// After an error what `codes` holds is not defined.
///
/// # Safety
/// The handles are null or of their kinds; `x` and `codes` are null or have `length` elements of the stated types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_encode_array(
    to: *const FewbitFormat,
    policy: *const FewbitPolicy,
    seed: u64,
    first: u64,
    x: *const c_void,
    x_type: u32,
    length: usize,
    codes: *mut c_void,
    code_type: u32,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (to, policy, threads) =
            unsafe { (format(to)?, handle::get(policy)?, handle::get_optional(threads)?) };
        let encoder = Encoder::new(to, policy.of(to)).with_seed(seed);
        let (x_type, code_type) = (FewbitType::of(x_type)?, FewbitType::of(code_type)?);
        of_values!(x_type, "values", X => of_codes!(code_type, "codes", C => {
            let (x, codes) = (x.cast::<X>(), codes.cast::<C>());
            // SAFETY: the caller vouches for it.
            let values = unsafe { memory::input(x, length, "values") }?;
            apart((x, length), (codes.cast_const(), length), "codes")?;
            // SAFETY: the caller vouches for it; they do not overlap.
            let codes = unsafe { memory::output(codes, length, "codes") }?;
            on(threads, || encode(&encoder, first, values, codes))
        }))
    })
}

fn encode<X: Source, C: Code>(
    encoder: &Encoder,
    first: u64,
    x: &[X],
    codes: &mut [C],
) -> Outcome<()> {
    encoder.encode_from(first, x, codes).or_value()
}

/// The values of `length` codes, as floats or doubles. Equal to `fewbit_decode` of each, rounded to a float where `x_type` is
/// that. Bits above the format's width are ignored.
///
/// # Safety
/// The handles are null or of their kinds; `codes` and `x` are null or have `length` elements of the stated types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_decode_array(
    from: *const FewbitFormat,
    codes: *const c_void,
    code_type: u32,
    length: usize,
    x: *mut c_void,
    x_type: u32,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (from, threads) = unsafe { (format(from)?, handle::get_optional(threads)?) };
        let (code_type, x_type) = (FewbitType::of(code_type)?, FewbitType::of(x_type)?);
        of_codes!(code_type, "codes", C => {
            let codes = codes.cast::<C>();
            // SAFETY: the caller vouches for it.
            let read = unsafe { memory::input(codes, length, "codes") }?;
            match x_type {
                FewbitType::F32 => {
                    let x = x.cast::<f32>();
                    apart((codes, length), (x.cast_const(), length), "values")?;
                    // SAFETY: the caller vouches for it; they do not overlap.
                    let x = unsafe { memory::output(x, length, "values") }?;
                    let decoder = Decoder::new(from);
                    on(threads, || decoder.decode(read, x).or_value())
                }
                FewbitType::F64 => {
                    let x = x.cast::<f64>();
                    apart((codes, length), (x.cast_const(), length), "values")?;
                    // SAFETY: the caller vouches for it; they do not overlap.
                    let x = unsafe { memory::output(x, length, "values") }?;
                    let mask = (from.code_count() - 1) as u32;
                    on(threads, || {
                        x.par_iter_mut().zip(read).with_min_len(PART).for_each(|(x, code)| {
                            *x = from.decode(code.to_u32() & mask);
                        });
                        Ok(())
                    })
                }
                other => Err(other.refuse("values", "FEWBIT_TYPE_F32 or F64")),
            }
        })
    })
}

/// Elements of one task; results do not depend on it.
const PART: usize = 1 << 13;

/// The code of another code's value.
fn converted(from: Format, code: u32, to: Format, policy: &Policy, random: u32) -> Outcome<u32> {
    let code = crate::format::code(from, code.into())?;
    let value = from.decode_real(code);
    let Encoded { code, .. } = to.encode_real(value, policy, random).or_value()?;
    Ok(code)
}

/// The codes in one format of codes in another: `fewbit_convert` of each, with `fewbit_random_bits(seed, first + i)`.
///
/// After an error what `results` holds is not defined.
///
/// # Safety
/// The handles are null or of their kinds; `codes` and `results` are null or have `length` elements of the stated types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_convert_array(
    from: *const FewbitFormat,
    codes: *const c_void,
    code_type: u32,
    length: usize,
    to: *const FewbitFormat,
    policy: *const FewbitPolicy,
    seed: u64,
    first: u64,
    results: *mut c_void,
    result_type: u32,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (from, to, policy, threads) = unsafe {
            (format(from)?, format(to)?, handle::get(policy)?, handle::get_optional(threads)?)
        };
        let policy = policy.of(to);
        let (code_type, result_type) = (FewbitType::of(code_type)?, FewbitType::of(result_type)?);
        of_codes!(code_type, "codes", C => of_codes!(result_type, "results", R => {
            if R::BITS < to.bits() {
                return Err(result_type.refuse("results", &format!("room for the {} bits of {to}", to.bits())));
            }
            let (codes, results) = (codes.cast::<C>(), results.cast::<R>());
            // SAFETY: the caller vouches for it.
            let read = unsafe { memory::input(codes, length, "codes") }?;
            apart((codes, length), (results.cast_const(), length), "results")?;
            // SAFETY: the caller vouches for it; they do not overlap.
            let results = unsafe { memory::output(results, length, "results") }?;
            on(threads, || convert(from, read, (to, &policy), (seed, first), results))
        }))
    })
}

fn convert<C: Code, R: Code>(
    from: Format,
    codes: &[C],
    (to, policy): (Format, &Policy),
    (seed, first): (u64, u64),
    results: &mut [R],
) -> Outcome<()> {
    // Every code once, where there are more codes to convert than the format has, and no random bits.
    let all = from.code_count();
    if policy.rounding.random_bits().is_none() && all <= (1 << 16) && codes.len() as u64 >= all {
        let table: Vec<Option<u32>> =
            (0..all as u32).map(|code| converted(from, code, to, policy, 0).ok()).collect();
        let one = |(result, code): (&mut R, &C)| {
            let code = code.to_u32();
            match table.get(code as usize).copied().flatten() {
                Some(found) => *result = R::from_u32(found),
                None => *result = R::from_u32(converted(from, code, to, policy, 0)?),
            }
            Outcome::Ok(())
        };
        return results.par_iter_mut().zip(codes).with_min_len(PART).try_for_each(one);
    }
    let one = |(index, (result, code)): (usize, (&mut R, &C))| {
        let random = philox::bits(seed, first.wrapping_add(index as u64));
        *result = R::from_u32(converted(from, code.to_u32(), to, policy, random)?);
        Outcome::Ok(())
    };
    results.par_iter_mut().zip(codes).enumerate().with_min_len(PART).try_for_each(one)
}
