//! Every requantization in lanes equals the reference: outputs and the first refusal.
#![no_main]

use arbitrary::Arbitrary;
use fewbit::formats::Format;
use fewbit::reference::requantize;
use fewbit::requantize::{
    PerChannel, Requantization, RequantizePolicy, ScaleKind, ScaleParameters,
};
use fewbit::{RequantizeSliceError, Requantizer};
use libfuzzer_sys::fuzz_target;

const POLICIES: [&str; 24] = [
    "tosa32",
    "tosa32-wrap",
    "tosa32-double",
    "tosa32-double-saturate",
    "tosa16",
    "gemmlowp",
    "gemmlowp-saturate",
    "gemmlowp-refuse",
    "tflite-single",
    "tflite16",
    "cmsis",
    "cmsis-refuse",
    "cmsis-single",
    "ruy",
    "ruy-saturate",
    "onnx",
    "finn",
    "exact-ties-even",
    "exact-down",
    "exact-sr8",
    "shift-ties-up",
    "shift-odd",
    "shift-toward-zero",
    "thresholds",
];

#[derive(Arbitrary, Debug)]
struct Input {
    policy: u8,
    output: u8,
    /// Multiplier or scale, shift, bias, of each channel.
    channels: Vec<(i32, u8, i32)>,
    has_bias: bool,
    thresholds: Vec<i16>,
    zero_point: i16,
    values: Vec<i32>,
    wide: Vec<i64>,
}

impl Input {
    fn job(&self) -> Option<Requantization> {
        let policy = POLICIES[usize::from(self.policy) % POLICIES.len()];
        let policy: RequantizePolicy = policy.parse().expect("a policy of the list");
        let multiplier = per_channel(self.channels.iter().map(|c| c.0).collect())?;
        let shift = per_channel(self.channels.iter().map(|c| i32::from(c.1 as i8)).collect())?;
        let real = |c: &(i32, u8, i32)| f32::from_bits(c.0 as u32);
        let scale = per_channel(self.channels.iter().map(real).collect())?;
        let scale = match policy.kind() {
            ScaleKind::MultiplierShift => ScaleParameters::MultiplierShift { multiplier, shift },
            ScaleKind::Shift => ScaleParameters::Shift(shift),
            ScaleKind::Float => ScaleParameters::Float(scale),
            ScaleKind::Exact => ScaleParameters::Exact(scale.map(|&x| f64::from(x))),
            ScaleKind::Affine => ScaleParameters::Affine { bias: shift.map(|&x| x as f32), scale },
            _ => ScaleParameters::Thresholds {
                thresholds: PerChannel::Tensor(
                    self.thresholds.iter().map(|&x| i64::from(x)).collect(),
                ),
                out_scale: 1,
                out_bias: -3,
            },
        };
        let names = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int4", "uint3"];
        let format = names[usize::from(self.output) % names.len()].parse();
        let Ok(Format::Int(format)) = format else { return None };
        let job = Requantization::new(policy, scale, format).ok()?;
        let job = match self.has_bias {
            true => {
                let bias = per_channel(self.channels.iter().map(|c| i64::from(c.2)).collect())?;
                job.with_bias(bias).ok()?
            }
            false => job,
        };
        job.with_zero_point(self.zero_point.into()).ok()
    }
}

fn per_channel<T: Copy>(values: Vec<T>) -> Option<PerChannel<T>> {
    match values[..] {
        [] => None,
        [one] => Some(PerChannel::Tensor(one)),
        _ => Some(PerChannel::Channels(values)),
    }
}

fuzz_target!(|input: Input| {
    let Some(job) = input.job() else { return };
    let whole = |length: usize| length - length % job.channels().unwrap_or(1);
    let values = &input.values[..whole(input.values.len())];
    let wide = &input.wide[..whole(input.wide.len())];
    let by = Requantizer::new(job.clone());
    let widened: Vec<i64> = values.iter().map(|&x| x.into()).collect();
    let found = run(&by, values);
    assert_eq!(found, requantize::slice(&job, &widened).map_err(|(index, _)| index));
    assert_eq!(run(&by, &widened), found);
    assert_eq!(run(&by, wide), requantize::slice(&job, wide).map_err(|(index, _)| index));
});

/// Outputs, or the index that is refused.
fn run<X: fewbit::RequantizeInput>(by: &Requantizer, x: &[X]) -> Result<Vec<i64>, usize> {
    fn stored<X, O>(by: &Requantizer, x: &[X]) -> Result<Vec<i64>, usize>
    where
        X: fewbit::RequantizeInput,
        O: fewbit::RequantizeOutput + Into<i64>,
    {
        let mut outputs = vec![O::default(); x.len()];
        match by.run(x, &mut outputs) {
            Ok(()) => Ok(outputs.into_iter().map(Into::into).collect()),
            Err(RequantizeSliceError::Value { index, .. }) => Err(index),
            Err(error) => panic!("{error}"),
        }
    }
    let format = by.requantization().format();
    match (format.is_signed(), format.bits()) {
        (true, ..=8) => stored::<X, i8>(by, x),
        (true, 9..=16) => stored::<X, i16>(by, x),
        (true, _) => stored::<X, i32>(by, x),
        (false, ..=8) => stored::<X, u8>(by, x),
        (false, 9..=16) => stored::<X, u16>(by, x),
        (false, _) => stored::<X, u32>(by, x),
    }
}
