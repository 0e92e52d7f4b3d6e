//! One value at a time: encode, decode, convert, and arithmetic that is rounded once.

use fewbit::formats::philox;
use fewbit::formats::{Arithmetic, Class, EncodeError, Encoded, Format, Real, Status};

use crate::format::{FewbitFormat, code, format};
use crate::handle;
use crate::memory;
use crate::policy::FewbitPolicy;
use crate::status::{Failure, OrValue, Outcome, guard};

/// An operation of `fewbit_operate`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FewbitOperation {
    /// `a + b`
    Add = 0,
    /// `a - b`
    Sub = 1,
    /// `a * b`
    Mul = 2,
    /// `a / b`
    Div = 3,
    /// The remainder of `a / b`, the quotient truncated.
    Rem = 4,
    /// The square root of `a`.
    Sqrt = 5,
    /// `a * b + c`, rounded once.
    Fma = 6,
    /// IEEE 754-2019 minimum.
    Minimum = 7,
    /// IEEE 754-2019 maximum.
    Maximum = 8,
    /// IEEE 754-2019 minimumNumber.
    MinimumNumber = 9,
    /// IEEE 754-2019 maximumNumber.
    MaximumNumber = 10,
}

impl FewbitOperation {
    const ALL: [Self; 11] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Rem,
        Self::Sqrt,
        Self::Fma,
        Self::Minimum,
        Self::Maximum,
        Self::MinimumNumber,
        Self::MaximumNumber,
    ];

    fn of(number: u32) -> Outcome<Self> {
        Self::ALL.get(number as usize).copied().ok_or_else(|| {
            Failure::value(format!("operation {number}: expected FEWBIT_OPERATION_ADD (0) to 10"))
        })
    }

    /// How many operands it has.
    fn operands(self) -> usize {
        match self {
            Self::Sqrt => 1,
            Self::Fma => 3,
            _ => 2,
        }
    }

    #[inline(always)]
    fn run(self, unit: Arithmetic, x: [Real; 3], random: u32) -> Result<Encoded, EncodeError> {
        let [a, b, c] = x;
        match self {
            Self::Add => unit.add(a, b, random),
            Self::Sub => unit.sub(a, b, random),
            Self::Mul => unit.mul(a, b, random),
            Self::Div => unit.div(a, b, random),
            Self::Rem => unit.rem(a, b, random),
            Self::Sqrt => unit.sqrt(a, random),
            Self::Fma => unit.mul_add(a, b, c, random),
            Self::Minimum => unit.minimum(a, b, random),
            Self::Maximum => unit.maximum(a, b, random),
            Self::MinimumNumber => unit.minimum_number(a, b, random),
            Self::MaximumNumber => unit.maximum_number(a, b, random),
        }
    }
}

/// The number that a code stands for.
#[inline(always)]
fn real(of: Format, number: u64) -> Outcome<Real> {
    let code = code(of, number)?;
    let value = of.decode_real(code);
    if matches!(value.class(), Class::Nan) && !of.has_nan() {
        return Err(Failure::value(format!("code {code:#x} stands for nothing in {of}")));
    }
    Ok(value)
}

/// Encodes a number under a policy.
///
/// # Safety
/// The handles are null or of their kinds; `result` is null or can be written.
#[inline(always)]
unsafe fn encode(
    to: *const FewbitFormat,
    policy: *const FewbitPolicy,
    random: u32,
    result: *mut u64,
    value: impl FnOnce() -> Real,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let to = format(to)?;
            let policy = handle::get(policy)?.of(to);
            let Encoded { code, status } = to.encode_real(value(), &policy, random).or_value()?;
            memory::put(result, code.into(), "code")?;
            Ok(status)
        }
    })
}

/// The code of `x`: one rounding. `random` has the bits of stochastic rounding in its low bits (see `fewbit_random_bits`).
///
/// # Safety
/// The handles are null or of their kinds; `code` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_encode(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    x: f64,
    random: u32,
    code: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { encode(format, policy, random, code, || Real::from_f64(x)) }
}

/// As `fewbit_encode`, of a float: what is subnormal there is one to the policy's subnormal-input axis.
///
/// # Safety
/// As `fewbit_encode`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_encode_f32(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    x: f32,
    random: u32,
    code: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { encode(format, policy, random, code, || Real::from_f32(x)) }
}

/// As `fewbit_encode`, of an integer.
///
/// # Safety
/// As `fewbit_encode`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_encode_i64(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    x: i64,
    random: u32,
    code: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { encode(format, policy, random, code, || Real::from(x)) }
}

/// The value of a code. It is exact, but for formats whose values exceed a double (NX, and the nearest).
///
/// # Safety
/// `format` is null or a format; `x` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_decode(
    handle: *const FewbitFormat,
    number: u64,
    x: *mut f64,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let format = format(handle)?;
            let value = format.decode(code(format, number)?);
            memory::put(x, value, "x")?;
        }
        Ok(Status::NONE)
    })
}

/// The code of another code's value: one rounding.
///
/// # Safety
/// The handles are null or of their kinds; `result` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_convert(
    from: *const FewbitFormat,
    code: u64,
    to: *const FewbitFormat,
    policy: *const FewbitPolicy,
    random: u32,
    result: *mut u64,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let (from, to) = (format(from)?, format(to)?);
            let policy = handle::get(policy)?.of(to);
            let Encoded { code, status } =
                to.encode_real(real(from, code)?, &policy, random).or_value()?;
            memory::put(result, code.into(), "result")?;
            Ok(status)
        }
    })
}

/// An operation on codes of one format.
///
/// # Safety
/// The handles are null or of their kinds; `result` is null or can be written.
#[inline(always)]
unsafe fn within(
    operation: FewbitOperation,
    handle: *const FewbitFormat,
    policy: *const FewbitPolicy,
    codes: [u64; 3],
    random: u32,
    result: *mut u64,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let format = format(handle)?;
            let policy = handle::get(policy)?.of(format);
            let mut x = [Real::zero(false); 3];
            for (x, code) in x.iter_mut().zip(codes).take(operation.operands()) {
                *x = real(format, code)?;
            }
            let unit = Arithmetic::new(format, policy);
            let Encoded { code, status } = operation.run(unit, x, random).or_value()?;
            memory::put(result, code.into(), "result")?;
            Ok(status)
        }
    })
}

/// `a + b` of one format, rounded once.
///
/// # Safety
/// The handles are null or of their kinds; `result` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_add(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    a: u64,
    b: u64,
    random: u32,
    result: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { within(FewbitOperation::Add, format, policy, [a, b, 0], random, result) }
}

/// `a - b` of one format, rounded once.
///
/// # Safety
/// As `fewbit_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_sub(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    a: u64,
    b: u64,
    random: u32,
    result: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { within(FewbitOperation::Sub, format, policy, [a, b, 0], random, result) }
}

/// `a * b` of one format, rounded once.
///
/// # Safety
/// As `fewbit_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_mul(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    a: u64,
    b: u64,
    random: u32,
    result: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { within(FewbitOperation::Mul, format, policy, [a, b, 0], random, result) }
}

/// `a / b` of one format, rounded once.
///
/// # Safety
/// As `fewbit_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_div(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    a: u64,
    b: u64,
    random: u32,
    result: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { within(FewbitOperation::Div, format, policy, [a, b, 0], random, result) }
}

/// The square root of `a`, rounded once.
///
/// # Safety
/// As `fewbit_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_sqrt(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    a: u64,
    random: u32,
    result: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { within(FewbitOperation::Sqrt, format, policy, [a, 0, 0], random, result) }
}

/// `a * b + c` of one format, rounded once.
///
/// # Safety
/// As `fewbit_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_fma(
    format: *const FewbitFormat,
    policy: *const FewbitPolicy,
    a: u64,
    b: u64,
    c: u64,
    random: u32,
    result: *mut u64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { within(FewbitOperation::Fma, format, policy, [a, b, c], random, result) }
}

/// Any operation on codes of any formats into any format, rounded once. `operation` is a `fewbit_operation`; formats of operands
/// that it has not may be null.
///
/// # Safety
/// The handles are null or of their kinds; `result` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_operate(
    operation: u32,
    format_a: *const FewbitFormat,
    a: u64,
    format_b: *const FewbitFormat,
    b: u64,
    format_c: *const FewbitFormat,
    c: u64,
    to: *const FewbitFormat,
    policy: *const FewbitPolicy,
    random: u32,
    result: *mut u64,
) -> u32 {
    guard(|| {
        let operation = FewbitOperation::of(operation)?;
        let operands = [(format_a, a), (format_b, b), (format_c, c)];
        let mut x = [Real::zero(false); 3];
        // SAFETY: the caller vouches for it.
        unsafe {
            for (x, (of, code)) in x.iter_mut().zip(operands).take(operation.operands()) {
                *x = real(format(of)?, code)?;
            }
            let to = format(to)?;
            let unit = Arithmetic::new(to, handle::get(policy)?.of(to));
            let Encoded { code, status } = operation.run(unit, x, random).or_value()?;
            memory::put(result, code.into(), "result")?;
            Ok(status)
        }
    })
}

/// 32 random bits that depend on a seed and an index alone: those that arrays take for their element of this index.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_random_bits(seed: u64, index: u64) -> u32 {
    philox::bits(seed, index)
}
