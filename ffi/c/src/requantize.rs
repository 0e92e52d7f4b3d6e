//! From an accumulator's values to the next layer's integers.

use std::ffi::{c_char, c_void};

use fewbit::formats::{Format, IntFormat, Overflow};
use fewbit::reference;
use fewbit::requantize::{PerChannel, Requantization, RequantizePolicy, ScaleParameters};
use fewbit::{RequantizeInput, RequantizeOutput, Requantizer};

use crate::format::{FewbitFormat, format};
use crate::handle::{self, handles};
use crate::memory::{self, FewbitType, apart};
use crate::status::{Failure, OrValue, Outcome, answer, done};
use crate::text;
use crate::threads::{FewbitThreads, on};

/// A policy with its numbers, bias, zero point and output format. Any number of threads may use one that nobody changes.
pub struct FewbitRequantizer {
    _opaque: [u8; 0],
}

/// What is computed, and its fast form.
pub(crate) struct Job {
    job: Requantization,
    lanes: Requantizer,
}

handles! {
    FewbitRequantizer(Job) = "requantizer", b"fb:requa";
}

impl Job {
    fn new(job: Requantization) -> Self {
        Self { lanes: Requantizer::new(job.clone()), job }
    }

    fn change<E: std::fmt::Display>(
        &mut self,
        with: impl FnOnce(Requantization) -> Result<Requantization, E>,
    ) -> Outcome<()> {
        *self = Self::new(with(self.job.clone()).or_value()?);
        Ok(())
    }
}

/// # Safety
/// `handle` is null or a format.
unsafe fn integers(handle: *const FewbitFormat) -> Outcome<IntFormat> {
    // SAFETY: the caller vouches for it.
    match unsafe { format(handle) }? {
        Format::Int(format) => Ok(format),
        other => Err(Failure::value(format!(
            "output format {other}: expected an integer format, such as int8 or uint8"
        ))),
    }
}

/// # Safety
/// `name` is null or ends with a zero.
unsafe fn policy(name: *const c_char) -> Outcome<RequantizePolicy> {
    // SAFETY: the caller vouches for it.
    unsafe { text::read(name, "requantization policy") }?.parse().map_err(Failure::name)
}

fn channels<T: Clone>(list: &[T]) -> PerChannel<T> {
    match list {
        [one] => PerChannel::Tensor(one.clone()),
        more => PerChannel::Channels(more.to_vec()),
    }
}

/// A policy with one multiplier and one shift for all channels: `tosa32`, `tosa32-double`, `gemmlowp`, `tflite-single`, `cmsis`, ...;
/// in the policy's own convention (TOSA's shift is to the right, TFLite's is the exponent). The output saturates. Null where
/// it goes wrong.
///
/// # Safety
/// `name` is null or ends with a zero; `out` is null or a format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_new(
    name: *const c_char,
    out: *const FewbitFormat,
    multiplier: i32,
    shift: i32,
) -> *mut FewbitRequantizer {
    // SAFETY: the caller vouches for it.
    unsafe { fewbit_requantizer_of_multipliers(name, out, &multiplier, &shift, 1) }
}

/// A policy with a multiplier and a shift per channel; one for all where `length` is 1.
///
/// # Safety
/// As `fewbit_requantizer_new`; the lists are null or have `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_of_multipliers(
    name: *const c_char,
    out: *const FewbitFormat,
    multipliers: *const i32,
    shifts: *const i32,
    length: usize,
) -> *mut FewbitRequantizer {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        unsafe {
            let (policy, format) = (policy(name)?, integers(out)?);
            let scale = ScaleParameters::MultiplierShift {
                multiplier: channels(memory::input(multipliers, length, "multipliers")?),
                shift: channels(memory::input(shifts, length, "shifts")?),
            };
            Ok(handle::make(Job::new(Requantization::new(policy, scale, format).or_value()?)))
        }
    })
}

/// A policy with real scales, one per channel or one for all where `length` is 1: what the policy's stack makes of them (a
/// multiplier and a shift, an exponent, a float, or the scale itself).
///
/// # Safety
/// As `fewbit_requantizer_new`; the list is null or has `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_of_scales(
    name: *const c_char,
    out: *const FewbitFormat,
    scales: *const f64,
    length: usize,
) -> *mut FewbitRequantizer {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        unsafe {
            let (policy, format) = (policy(name)?, integers(out)?);
            let scales = channels(memory::input(scales, length, "scales")?);
            let scale = policy.parameters(&scales).or_value()?;
            Ok(handle::make(Job::new(Requantization::new(policy, scale, format).or_value()?)))
        }
    })
}

/// Thresholds, `count` for each of `channel_count` channels one after the other: an output is how many of its channel's are reached,
/// times `out_scale`, plus `out_bias`.
///
/// # Safety
/// As `fewbit_requantizer_new`; `thresholds` is null or has `count * channel_count` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_of_thresholds(
    out: *const FewbitFormat,
    thresholds: *const i64,
    count: usize,
    channel_count: usize,
    out_scale: i64,
    out_bias: i64,
) -> *mut FewbitRequantizer {
    answer(std::ptr::null_mut(), || {
        let length = count.checked_mul(channel_count).ok_or_else(|| {
            Failure::length(format!("{count} thresholds of {channel_count} channels are too many"))
        })?;
        // SAFETY: the caller vouches for it.
        let (format, list) =
            unsafe { (integers(out)?, memory::input(thresholds, length, "thresholds")?) };
        if channel_count == 0 || channel_count > 1 << 32 {
            return Err(Failure::length(format!("thresholds of {channel_count} channels")));
        }
        let lists: Vec<Vec<i64>> = (0..channel_count)
            .map(|channel| list.iter().skip(channel * count).take(count).copied().collect())
            .collect();
        let thresholds = channels(&lists);
        let scale = ScaleParameters::Thresholds { thresholds, out_scale, out_bias };
        let policy = RequantizePolicy::Thresholds;
        Ok(handle::make(Job::new(Requantization::new(policy, scale, format).or_value()?)))
    })
}

/// Frees a requantizer; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_free(requantizer: *mut FewbitRequantizer) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(requantizer) });
}

/// Adds a zero point, in units of the output, to every scaled value.
///
/// # Safety
/// `requantizer` is null or a requantizer that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_set_zero_point(
    requantizer: *mut FewbitRequantizer,
    zero_point: i64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::get_mut(requantizer) }?.change(|job| job.with_zero_point(zero_point)))
}

/// Adds a bias, in units of the accumulator, to every value before it is scaled.
///
/// # Safety
/// `requantizer` is null or a requantizer that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_set_bias(
    requantizer: *mut FewbitRequantizer,
    bias: i64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { fewbit_requantizer_set_biases(requantizer, &bias, 1) }
}

/// Adds a bias per channel to every value before it is scaled; one for all where `length` is 1.
///
/// # Safety
/// As `fewbit_requantizer_set_bias`; the list is null or has `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_set_biases(
    requantizer: *mut FewbitRequantizer,
    biases: *const i64,
    length: usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let biases = channels(memory::input(biases, length, "biases")?);
            handle::get_mut(requantizer)?.change(|job| job.with_bias(biases))
        }
    })
}

/// What becomes of an output beyond its format, by an overflow policy's name; `saturate` at first.
///
/// # Safety
/// As `fewbit_requantizer_set_bias`; `name` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_set_overflow(
    requantizer: *mut FewbitRequantizer,
    name: *const c_char,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let overflow: Overflow =
                text::read(name, "overflow policy")?.parse().map_err(Failure::name)?;
            handle::get_mut(requantizer)?.change(|job| job.with_overflow(overflow))
        }
    })
}

/// The seed of a stochastic rounding mode.
///
/// # Safety
/// As `fewbit_requantizer_set_bias`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_set_seed(
    requantizer: *mut FewbitRequantizer,
    seed: u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let requantizer = unsafe { handle::get_mut(requantizer) }?;
        requantizer.change(|job| Outcome::Ok(job.with_seed(seed)).map_err(|_| ""))
    })
}

/// Requantizes one value; `index` is its place in the tensor, whose last axis has the channels.
///
/// # Safety
/// `requantizer` is null or a requantizer; `result` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_run(
    requantizer: *const FewbitRequantizer,
    index: u64,
    value: i64,
    result: *mut i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let job = &unsafe { handle::get(requantizer) }?.job;
        let index = usize::try_from(index).map_err(|_| {
            Failure::length(format!("index {index}: no array has so many elements"))
        })?;
        let found = reference::requantize::element(job, index, value).or_value()?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(result, found, "result") }
    })
}

/// Requantizes `length` values of int32 or int64, whose last axis has the channels, to as many outputs of an integer type that holds
/// the output's format.
///
/// After an error what `results` holds is not defined.
///
/// # Safety
/// The handles are null or of their kinds; the arrays are null or have `length` elements of their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_requantizer_run_array(
    requantizer: *const FewbitRequantizer,
    values: *const c_void,
    value_type: u32,
    length: usize,
    results: *mut c_void,
    result_type: u32,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (job, threads) =
            unsafe { (&handle::get(requantizer)?.lanes, handle::get_optional(threads)?) };
        let result_type = FewbitType::of(result_type)?;
        macro_rules! run {
            ($value:ty: $($variant:ident $result:ty),+) => {
                match result_type {
                    // SAFETY: the caller vouches for it.
                    $(FewbitType::$variant => unsafe {
                        run(job, values.cast::<$value>(), results.cast::<$result>(), length, threads)
                    },)+
                    other => Err(other.refuse("results", "an integer type of at most 32 bits")),
                }
            };
        }
        match FewbitType::of(value_type)? {
            FewbitType::I32 => run!(i32: I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32),
            FewbitType::I64 => run!(i64: I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32),
            other => Err(other.refuse("values", "FEWBIT_TYPE_I32 or I64")),
        }
    })
}

/// # Safety
/// As `fewbit_requantizer_run_array`.
unsafe fn run<X: RequantizeInput, O: RequantizeOutput>(
    job: &Requantizer,
    values: *const X,
    results: *mut O,
    length: usize,
    threads: Option<&rayon::ThreadPool>,
) -> Outcome<()> {
    // SAFETY: the caller vouches for it.
    let read = unsafe { memory::input(values, length, "values") }?;
    apart((values, length), (results.cast_const(), length), "results")?;
    // SAFETY: the caller vouches for it; they do not overlap.
    let results = unsafe { memory::output(results, length, "results") }?;
    on(threads, || job.run(read, results).or_value())
}
