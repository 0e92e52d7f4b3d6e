//! TFLite's entries of interpolated tables, in float32: `LUTPopulateInt16` of `tensorflow/lite/kernels/internal/common.h`
//! (tflite-micro at 006a71b).

use fewbit_formats::{IntFormat, NanPolicy};

use super::choices::EntryArithmetic;
use super::spec::TableSpec;

/// The entries.
///
/// ```text
/// step    = (greatest - least input) / n          n intervals, whose ends lie between codes
/// inverse = 2^bits / (greatest - least output)
/// entry_i = round(f(x_i) inverse) - round((m - round(f(x_i + step / 2) inverse)) / 2)
/// m       = round((f(x_(i+1)) inverse + round(f(x_i) inverse)) / 2)
/// ```
pub(super) fn entries(spec: &TableSpec, input: IntFormat, output: IntFormat) -> Vec<u32> {
    let end = |format: IntFormat, scaled: super::ScaledFormat, value: i64| {
        debug_assert!(value >= format.min() && value <= format.max());
        scaled.scale() as f32 * (value - scaled.zero_point()) as f32
    };
    let input_min = end(input, spec.input, input.min());
    let input_max = end(input, spec.input, input.max());
    let output_min = end(output, spec.output, output.min());
    let output_max = end(output, spec.output, output.max());
    let intervals = spec.address_count();
    let step = (input_max - input_min) / intervals as f32;
    let half_step = step / 2.0;
    let inverse = (output.max() - output.min() + 1) as f32 / (output_max - output_min);
    let f = |x: f32| match EntryArithmetic::Tflite.single(spec.function, x) {
        // Where TFLite's function gives an end of the output's range.
        Some(y) if y.is_nan() && spec.policy.nan == NanPolicy::Largest => output_max,
        Some(y) if y.is_nan() => output_min,
        Some(y) => y,
        None => 0.0,
    };
    let (table_min, table_max) = (output.min() as f32, output.max() as f32);
    let code = |x: f32| output.code(x.max(table_min).min(table_max) as i64);
    let mut entries: Vec<u32> = (0..intervals)
        .map(|i| {
            let at = input_min + i as f32 * step;
            let (value, middle) = (f(at), f(at + half_step));
            let next = f(input_min + (i + 1) as f32 * step);
            let sample = (value * inverse).round();
            let interpolated = ((next * inverse + (value * inverse).round()) / 2.0).round();
            let error = interpolated - (middle * inverse).round();
            code(sample - (error / 2.0).round())
        })
        .collect();
    entries.push(code((f(input_max) * inverse).round()));
    entries
}
