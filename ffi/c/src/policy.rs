//! Policies: every choice of a conversion.

use std::ffi::c_char;

use fewbit::formats::{Format, Overflow, Policy, PolicyPreset, Rounding};

use crate::handle::{self, handles};
use crate::status::{Failure, Outcome, answer, done};
use crate::text;

/// What a conversion does where mathematics leaves a choice. It never changes: any number of threads may use one.
pub struct FewbitPolicy {
    _opaque: [u8; 0],
}

/// One policy for all formats, or a stack's, which depends on the format.
pub(crate) enum AnyPolicy {
    Stated(Policy),
    Preset(&'static PolicyPreset),
}

handles! {
    FewbitPolicy(AnyPolicy) = "policy", b"fb:polcy";
}

impl AnyPolicy {
    #[inline(always)]
    pub(crate) fn of(&self, format: Format) -> Policy {
        match self {
            Self::Stated(policy) => *policy,
            Self::Preset(preset) => preset.policy(format),
        }
    }

    /// The rounding and the overflow policy, then other axes as `axis=choice`; or a preset.
    fn parse(text: &str) -> Outcome<Self> {
        if let Some(preset) =
            PolicyPreset::all().iter().find(|preset| preset.name.eq_ignore_ascii_case(text))
        {
            return Ok(Self::Preset(preset));
        }
        let mut parts = text.split(',').map(str::trim);
        let (Some(rounding), Some(overflow)) = (parts.next(), parts.next()) else {
            return Err(Failure::name(format!(
                "policy `{text}`: expected a rounding mode, an overflow policy and perhaps other axes, such as \
                 `ties-even,saturate` or `rz,special,nan=zero`; or a preset such as `ocp-1.0`"
            )));
        };
        let rounding: Rounding = rounding.parse().map_err(Failure::name)?;
        let overflow: Overflow = overflow.parse().map_err(Failure::name)?;
        let start = Policy::new(rounding, overflow);
        parts.try_fold(start, axis).map(Self::Stated)
    }
}

/// A policy with one more axis.
fn axis(policy: Policy, part: &str) -> Outcome<Policy> {
    let (name, choice) = part.split_once('=').unwrap_or((part, ""));
    macro_rules! with {
        ($set:ident) => {
            choice.parse().map(|choice| policy.$set(choice)).map_err(Failure::name)
        };
    }
    match name {
        "nan" => with!(with_nan),
        "nan-sign" => with!(with_nan_sign),
        "nan-payload" => with!(with_nan_payload),
        "infinity" => with!(with_infinity),
        "zero-sign" => with!(with_zero_sign),
        "subnormal-input" => with!(with_subnormal_input),
        "subnormal-output" => with!(with_subnormal_output),
        _ => Err(Failure::name(format!(
            "policy `{part}`: expected nan=, nan-sign=, nan-payload=, infinity=, zero-sign=, subnormal-input= or \
             subnormal-output="
        ))),
    }
}

/// A policy from text: a rounding mode, an overflow policy, and other axes as `axis=choice`, as in `ties-even,saturate` and
/// `rz,special,nan=zero`; or a stack's name, as `ocp-1.0`. Null where the text is none of these.
///
/// Axes that are not named keep most of the value: a NaN stays a NaN and is an error where the format has none, infinities
/// overflow, zeros keep their sign, subnormals are kept.
///
/// # Safety
/// `text` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_policy_new(text: *const c_char) -> *mut FewbitPolicy {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let text = unsafe { text::read(text, "policy") }?;
        Ok(handle::make(AnyPolicy::parse(text)?))
    })
}

/// Frees a policy; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_policy_free(policy: *mut FewbitPolicy) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(policy) });
}
