//! The presets, a row each.

use fewbit_formats::Rounding;

use super::build::{
    accumulator, act_mse, act_range_mse, bare, batch, bias, built, channel, channel_2d, collected,
    collected_interval, collected_max, constant, dynamic, fixed, floored, group, hqo, max, min_max,
    minimum, mse, percentile, range_mse, row, row_group, tensor, to_percentile, truncation,
    unscaled, weight_norm, zero_hqo, zero_mse,
};
use super::row::{Family, Origin, Preset};
use crate::quantize::{Centring, Statistic, Trial, TruncationScale};

/// Declares the presets of a family and an origin.
macro_rules! rows {
    ($($family:ident $origin:ident {
        $($name:literal, $description:literal, $format:expr, $build:expr;)*
    })*) => {
        pub(super) const ROWS: &[Preset] = &[$($(Preset {
            name: $name,
            family: Family::$family,
            origin: Origin::$origin,
            description: $description,
            format: $format,
            build: $build,
        },)*)*];
    };
}

rows! {
    Weight Brevitas {
        "Int8WeightPerTensorFloat", "narrow int8, one scale: max |w| / 127", Some("int8n"), |f| built(tensor(f), max());
        "Int8WeightPerTensorFloatMSE", "narrow int8, one scale of least squared error", Some("int8n"), |f| built(tensor(f), mse(max()));
        "Int8WeightPerTensorFloatHQO", "narrow int8, one scale by half-quadratic optimisation", Some("int8n"), |f| built(tensor(f), hqo(max()));
        "Int8WeightPerTensorFixedPoint", "narrow int8, one scale: a power of two, rounded up", Some("int8n"), |f| built(tensor(f), fixed(max()));
        "Int8WeightPerTensorFixedPointMSE", "narrow int8, one scale: the power of two of least squared error", Some("int8n"), |f| built(tensor(f), mse(fixed(max())));
        "Int8WeightPerChannelFloat", "narrow int8, a scale per output channel: max |w| / 127", Some("int8n"), |f| built(channel(f), max());
        "Int8WeightPerChannelFloatMSE", "narrow int8, a scale per output channel of least squared error", Some("int8n"), |f| built(channel(f), mse(max()));
        "Int8WeightPerChannelFloatHQO", "narrow int8, a scale per output channel by half-quadratic optimisation", Some("int8n"), |f| built(channel(f), hqo(max()));
        "Int8WeightPerChannelFixedPoint", "narrow int8, a scale per output channel: a power of two, rounded up", Some("int8n"), |f| built(channel(f), fixed(max()));
        "Int8WeightPerChannelFixedPointMSE", "narrow int8, a scale per output channel: the power of two of least squared error", Some("int8n"), |f| built(channel(f), mse(fixed(max())));
        "Int4WeightPerTensorFloatDecoupled", "narrow int4, root mean square of the largest magnitudes of the channels / 7", Some("int4n"), |f| built(tensor(f), bare(Statistic::NormOfMaxima { axis: 0 }));
        "Int4WeightPerTensorFixedPointDecoupled", "narrow int4, the same to a power of two, rounded up", Some("int4n"), |f| built(tensor(f), fixed(bare(Statistic::NormOfMaxima { axis: 0 })));
        "Int8WeightPerChannelFloatDecoupled", "narrow int8, a scale per output channel without a least one", Some("int8n"), |f| built(channel(f), bare(Statistic::AbsMax));
        "Int8WeightNormL2PerChannelFixedPoint", "narrow int8, weight normalisation by |w|_2; scale and norm as logarithms", Some("int8n"), |f| weight_norm(f);
        "Int8AccumulatorAwareWeightQuant", "narrow int8 toward zero, |w|_1 bounded for an accumulator (A2Q): needs input_bits", Some("int8n"), |f| accumulator(f, Centring::None);
        "Int8AccumulatorAwareZeroCenterWeightQuant", "the same on centred weights (A2Q+): needs input_bits", Some("int8n"), |f| accumulator(f, Centring::Mean);
        "ShiftedUint8WeightPerTensorFloat", "uint8 with zero point, one scale", Some("uint8"), |f| built(minimum(tensor(f)), min_max());
        "ShiftedUint8WeightPerTensorFloatMSE", "uint8, one scale and zero point of least squared error", Some("uint8"), |f| built(zero_mse(tensor(f), Trial::Restricted), range_mse(min_max()));
        "ShiftedUint8WeightPerTensorFloatHQO", "uint8, one scale, fractional zero point by half-quadratic optimisation", Some("uint8"), |f| built(zero_hqo(tensor(f), Trial::Restricted), min_max());
        "ShiftedUint8WeightPerChannelFloat", "uint8 with zero point, a scale per output channel", Some("uint8"), |f| built(minimum(channel(f)), min_max());
        "ShiftedUint8WeightPerChannelFloatMSE", "uint8, a scale per output channel and zero point of least squared error", Some("uint8"), |f| built(zero_mse(channel(f), Trial::Restricted), range_mse(min_max()));
        "ShiftedUint8WeightPerChannelFloatHQO", "uint8, a scale per output channel, fractional zero point by half-quadratic optimisation", Some("uint8"), |f| built(zero_hqo(channel(f), Trial::Restricted), min_max());
        "ShiftedUint8WeightPerGroupFloatHQO", "the same in groups of 32 input channels", Some("uint8"), |f| built(zero_hqo(group(f, 32), Trial::Restricted), min_max());
        "ShiftedUint8WeightGroupQuantFloat", "uint8 with zero point in groups of input channels, here of 32", Some("uint8"), |f| built(minimum(group(f, 32)), min_max());
        "SignedBinaryWeightPerTensorConst", "plus and minus 0.1 (scaling_const)", Some("binary"), |f| built(tensor(f), constant(0.1));
        "SignedTernaryWeightPerTensorConst", "-0.1, 0, 0.1, rounded at half of it", Some("int2n"), |f| built(tensor(f), constant(0.1));
        "NoneWeightQuant", "no quantization: f32", Some("f32"), |f| built(tensor(f), unscaled());
        "Fp8e4m3Weight", "e4m3 without special codes (to 480), scale 1", Some("e4m3fin"), |f| built(tensor(f), unscaled());
        "Fp8e4m3WeightPerTensorFloat", "e4m3 without special codes (to 480), one scale", Some("e4m3fin"), |f| built(tensor(f), max());
        "Fp8e4m3WeightPerTensorFloatMSE", "e4m3 without special codes (to 480), one scale of least squared error", Some("e4m3fin"), |f| built(tensor(f), mse(max()));
        "Fp8e4m3WeightPerChannelFloat", "e4m3 without special codes (to 480), a scale per output channel", Some("e4m3fin"), |f| built(channel(f), max());
        "Fp8e4m3WeightPerChannelFloatMSE", "e4m3 without special codes (to 480), a scale per output channel of least squared error", Some("e4m3fin"), |f| built(channel(f), mse(max()));
        "Fp8e5m2Weight", "e5m2 without special codes (to 114688), scale 1", Some("e5m2fin"), |f| built(tensor(f), unscaled());
        "Fp8e5m2WeightPerTensorFloat", "e5m2 without special codes (to 114688), one scale", Some("e5m2fin"), |f| built(tensor(f), max());
        "Fp8e5m2WeightPerChannelFloat", "e5m2 without special codes (to 114688), a scale per output channel", Some("e5m2fin"), |f| built(channel(f), max());
        "Fp8e4m3OCPWeight", "OCP e4m3 (to 448), scale 1", Some("e4m3fn"), |f| built(tensor(f), unscaled());
        "Fp8e4m3OCPWeightPerTensorFloat", "OCP e4m3 (to 448), one scale", Some("e4m3fn"), |f| built(tensor(f), max());
        "Fp8e4m3OCPWeightPerTensorFloatMSE", "OCP e4m3 (to 448), one scale of least squared error", Some("e4m3fn"), |f| built(tensor(f), mse(max()));
        "Fp8e4m3OCPWeightPerChannelFloat", "OCP e4m3 (to 448), a scale per output channel", Some("e4m3fn"), |f| built(channel(f), max());
        "Fp8e4m3OCPWeightPerChannelFloatMSE", "OCP e4m3 (to 448), a scale per output channel of least squared error", Some("e4m3fn"), |f| built(channel(f), mse(max()));
        "Fp8e5m2OCPWeight", "OCP e5m2 (to 57344), scale 1", Some("e5m2"), |f| built(tensor(f), unscaled());
        "Fp8e5m2OCPWeightPerTensorFloat", "OCP e5m2 (to 57344), one scale", Some("e5m2"), |f| built(tensor(f), max());
        "Fp8e5m2OCPWeightPerTensorFloatMSE", "OCP e5m2 (to 57344), one scale of least squared error", Some("e5m2"), |f| built(tensor(f), mse(max()));
        "Fp8e5m2OCPWeightPerChannelFloat", "OCP e5m2 (to 57344), a scale per output channel", Some("e5m2"), |f| built(channel(f), max());
        "Fp8e5m2OCPWeightPerChannelFloatMSE", "OCP e5m2 (to 57344), a scale per output channel of least squared error", Some("e5m2"), |f| built(channel(f), mse(max()));
        "Fp8e4m3FNUZWeight", "FNUZ e4m3 (to 240), scale 1", Some("e4m3fnuz"), |f| built(tensor(f), unscaled());
        "Fp8e4m3FNUZWeightPerTensorFloat", "FNUZ e4m3 (to 240), one scale", Some("e4m3fnuz"), |f| built(tensor(f), max());
        "Fp8e4m3FNUZWeightPerTensorFloatMSE", "FNUZ e4m3 (to 240), one scale of least squared error", Some("e4m3fnuz"), |f| built(tensor(f), mse(max()));
        "Fp8e4m3FNUZWeightPerChannelFloat", "FNUZ e4m3 (to 240), a scale per output channel", Some("e4m3fnuz"), |f| built(channel(f), max());
        "Fp8e4m3FNUZWeightPerChannelFloatMSE", "FNUZ e4m3 (to 240), a scale per output channel of least squared error", Some("e4m3fnuz"), |f| built(channel(f), mse(max()));
        "Fp8e5m2FNUZWeight", "FNUZ e5m2 (to 57344), scale 1", Some("e5m2fnuz"), |f| built(tensor(f), unscaled());
        "Fp8e5m2FNUZWeightPerTensorFloat", "FNUZ e5m2 (to 57344), one scale", Some("e5m2fnuz"), |f| built(tensor(f), max());
        "Fp8e5m2FNUZWeightPerTensorFloatMSE", "FNUZ e5m2 (to 57344), one scale of least squared error", Some("e5m2fnuz"), |f| built(tensor(f), mse(max()));
        "Fp8e5m2FNUZWeightPerChannelFloat", "FNUZ e5m2 (to 57344), a scale per output channel", Some("e5m2fnuz"), |f| built(channel(f), max());
        "Fp8e5m2FNUZWeightPerChannelFloatMSE", "FNUZ e5m2 (to 57344), a scale per output channel of least squared error", Some("e5m2fnuz"), |f| built(channel(f), mse(max()));
        "FpOCPWeight", "an OCP float (format must be set), scale 1", None, |f| built(tensor(f), unscaled());
        "FpOCPWeightPerTensorFloat", "an OCP float (format must be set), one scale", None, |f| built(tensor(f), max());
        "FpOCPWeightPerTensorFloatMSE", "an OCP float (format must be set), one scale of least squared error", None, |f| built(tensor(f), mse(max()));
        "FpOCPWeightPerChannelFloat", "an OCP float (format must be set), a scale per output channel", None, |f| built(channel(f), max());
        "FpOCPWeightPerChannelFloatMSE", "an OCP float (format must be set), a scale per output channel of least squared error", None, |f| built(channel(f), mse(max()));
        "FpFNUZWeight", "an FNUZ float (format must be set), scale 1", None, |f| built(tensor(f), unscaled());
        "FpFNUZWeightPerTensorFloat", "an FNUZ float (format must be set), one scale", None, |f| built(tensor(f), max());
        "FpFNUZWeightPerTensorFloatMSE", "an FNUZ float (format must be set), one scale of least squared error", None, |f| built(tensor(f), mse(max()));
        "FpFNUZWeightPerChannelFloat", "an FNUZ float (format must be set), a scale per output channel", None, |f| built(channel(f), max());
        "FpFNUZWeightPerChannelFloatMSE", "an FNUZ float (format must be set), a scale per output channel of least squared error", None, |f| built(channel(f), mse(max()));
        "MXFloat8e4m3Weight", "FP8e4m3 in groups of 32 input channels with a power of two", Some("e4m3fn"), |f| built(group(f, 32), floored(max()));
        "MXFloat8e4m3WeightMSE", "the same; Brevitas' name, whose search is not reached", Some("e4m3fn"), |f| built(group(f, 32), floored(max()));
        "MXInt8Weight", "int8 in groups of 32 input channels with a power of two over 128", Some("int8"), |f| built(group(f, 32), floored(max()));
        "MXInt8WeightMSE", "the same, of least squared error", Some("int8"), |f| built(group(f, 32), mse(floored(max())));
        "ShiftedMXUInt8Weight", "uint8 with zero point in groups of 32 input channels with a power of two over 256", Some("uint8"), |f| built(minimum(group(f, 32)), floored(min_max()));
        "ShiftedMXUInt8WeightMSE", "the same, of least squared error", Some("uint8"), |f| built(minimum(group(f, 32)), range_mse(floored(min_max())));
    }
    Activation Brevitas {
        "Int8ActPerTensorFloat", "int8, percentile 99.999 of |x|", Some("int8"), |f| built(tensor(f), collected());
        "Int8ActPerTensorFloatMSE", "int8, one scale of least squared error", Some("int8"), |f| built(tensor(f), act_mse(collected()));
        "Int8ActPerTensorFixedPoint", "int8, percentile 99.999 of |x| to a power of two, rounded up", Some("int8"), |f| built(tensor(f), fixed(collected()));
        "Int8ActPerTensorFixedPointMSE", "int8, squared error tried before the scale is a power of two", Some("int8"), |f| built(tensor(f), act_mse(fixed(collected())));
        "Int8ActPerTensorFloatMinMaxInit", "int8, a given range: scaling_const = max(|min_val|, |max_val|), here 1", Some("int8"), |f| built(tensor(f), constant(1.0));
        "Int8ActPerTensorFixedPointMinMaxInit", "int8, a given range to a power of two: scaling_const, here 1", Some("int8"), |f| built(tensor(f), fixed(constant(1.0)));
        "Int8ActPerTensorFloatBatchQuant1d", "int8, the mean of the largest magnitudes of the channels, axis 1", Some("int8"), |f| built(tensor(f), batch());
        "Int8ActPerTensorFloatBatchQuant2d", "int8, the mean of the largest magnitudes of the channels, axis 1", Some("int8"), |f| built(tensor(f), batch());
        "Uint8ActPerTensorFloat", "uint8, percentile 99.999 of |x|", Some("uint8"), |f| built(tensor(f), collected());
        "Uint8ActPerTensorFloatMSE", "uint8, one scale of least squared error", Some("uint8"), |f| built(tensor(f), act_mse(collected()));
        "Uint8ActPerTensorFixedPoint", "uint8, percentile 99.999 of |x| to a power of two, rounded up", Some("uint8"), |f| built(tensor(f), fixed(collected()));
        "Uint8ActPerTensorFixedPointMSE", "uint8, squared error tried before the scale is a power of two", Some("uint8"), |f| built(tensor(f), act_mse(fixed(collected())));
        "Uint8ActPerTensorFloatMaxInit", "uint8, a given range: scaling_const = max(|min_val|, |max_val|), here 1", Some("uint8"), |f| built(tensor(f), constant(1.0));
        "Uint8ActPerTensorFixedPointMaxInit", "uint8, a given range to a power of two: scaling_const, here 1", Some("uint8"), |f| built(tensor(f), fixed(constant(1.0)));
        "Uint8ActPerTensorFloatBatchQuant1d", "uint8, the mean of the largest magnitudes of the channels, axis 1", Some("uint8"), |f| built(tensor(f), batch());
        "Uint8ActPerTensorFloatBatchQuant2d", "uint8, the mean of the largest magnitudes of the channels, axis 1", Some("uint8"), |f| built(tensor(f), batch());
        "ShiftedUint8ActPerTensorFloat", "uint8 with zero point between percentiles 0.001 and 99.999", Some("uint8"), |f| built(percentile(tensor(f)), collected_interval());
        "ShiftedUint8ActPerTensorFloatMSE", "uint8, scale and zero point of least squared error", Some("uint8"), |f| built(zero_mse(tensor(f), Trial::Unrestricted), act_range_mse(collected_interval()));
        "ShiftedUint8ActPerTensorFloatHQO", "uint8, fractional zero point by half-quadratic optimisation", Some("uint8"), |f| built(zero_hqo(tensor(f), Trial::Unrestricted), collected_interval());
        "ShiftedUint8ActPerTensorFixedPoint", "uint8 with zero point, a power of two, rounded up", Some("uint8"), |f| built(percentile(tensor(f)), fixed(collected_interval()));
        "ShiftedUint8ActPerTensorFixedPointMSE", "uint8, squared error tried before the scale is a power of two", Some("uint8"), |f| built(zero_mse(tensor(f), Trial::Unrestricted), act_range_mse(fixed(collected_interval())));
        "SignedBinaryActPerTensorConst", "plus and minus 1 (scaling_const)", Some("binary"), |f| built(tensor(f), constant(1.0));
        "SignedTernaryActPerTensorConst", "-1, 0, 1, rounded at a half", Some("int2n"), |f| built(tensor(f), constant(1.0));
        "NoneActQuant", "no quantization: f32", Some("f32"), |f| built(tensor(f), unscaled());
        "Fp8e4m3Act", "e4m3 without special codes (to 480), scale 1", Some("e4m3fin"), |f| built(tensor(f), unscaled());
        "Fp8e4m3ActPerTensorFloat", "e4m3 without special codes (to 480), one scale", Some("e4m3fin"), |f| built(tensor(f), collected_max());
        "Fp8e4m3ActPerTensorFloatMSE", "e4m3 without special codes (to 480), one scale of least squared error", Some("e4m3fin"), |f| built(tensor(f), act_mse(collected_max()));
        "Fp8e4m3ActPerChannelFloat2d", "e4m3 without special codes (to 480), a scale per channel of an image", Some("e4m3fin"), |f| built(channel_2d(f), collected_max());
        "Fp8e4m3ActPerChannelFloat2dMSE", "e4m3 without special codes (to 480), a scale per channel of an image of least squared error", Some("e4m3fin"), |f| built(channel_2d(f), act_mse(collected_max()));
        "Fp8e5m2Act", "e5m2 without special codes (to 114688), scale 1", Some("e5m2fin"), |f| built(tensor(f), unscaled());
        "Fp8e5m2ActPerTensorFloat", "e5m2 without special codes (to 114688), one scale", Some("e5m2fin"), |f| built(tensor(f), collected_max());
        "Fp8e5m2ActPerTensorFloatMSE", "e5m2 without special codes (to 114688), one scale of least squared error", Some("e5m2fin"), |f| built(tensor(f), act_mse(collected_max()));
        "Fp8e5m2ActPerChannelFloat2d", "e5m2 without special codes (to 114688), a scale per channel of an image", Some("e5m2fin"), |f| built(channel_2d(f), collected_max());
        "Fp8e5m2ActPerChannelFloat2dMSE", "e5m2 without special codes (to 114688), a scale per channel of an image of least squared error", Some("e5m2fin"), |f| built(channel_2d(f), act_mse(collected_max()));
        "Fp8e4m3OCPAct", "OCP e4m3 (to 448), scale 1", Some("e4m3fn"), |f| built(tensor(f), unscaled());
        "Fp8e4m3OCPActPerTensorFloat", "OCP e4m3 (to 448), one scale", Some("e4m3fn"), |f| built(tensor(f), collected_max());
        "Fp8e4m3OCPActPerTensorFloatMSE", "OCP e4m3 (to 448), one scale of least squared error", Some("e4m3fn"), |f| built(tensor(f), act_mse(collected_max()));
        "Fp8e5m2OCPAct", "OCP e5m2 (to 57344), scale 1", Some("e5m2"), |f| built(tensor(f), unscaled());
        "Fp8e5m2OCPActPerTensorFloat", "OCP e5m2 (to 57344), one scale", Some("e5m2"), |f| built(tensor(f), collected_max());
        "Fp8e5m2OCPActPerTensorFloatMSE", "OCP e5m2 (to 57344), one scale of least squared error", Some("e5m2"), |f| built(tensor(f), act_mse(collected_max()));
        "Fp8e4m3FNUZAct", "FNUZ e4m3 (to 240), scale 1", Some("e4m3fnuz"), |f| built(tensor(f), unscaled());
        "Fp8e4m3FNUZActPerTensorFloat", "FNUZ e4m3 (to 240), one scale", Some("e4m3fnuz"), |f| built(tensor(f), collected_max());
        "Fp8e4m3FNUZActPerTensorFloatMSE", "FNUZ e4m3 (to 240), one scale of least squared error", Some("e4m3fnuz"), |f| built(tensor(f), act_mse(collected_max()));
        "Fp8e5m2FNUZAct", "FNUZ e5m2 (to 57344), scale 1", Some("e5m2fnuz"), |f| built(tensor(f), unscaled());
        "Fp8e5m2FNUZActPerTensorFloat", "FNUZ e5m2 (to 57344), one scale", Some("e5m2fnuz"), |f| built(tensor(f), collected_max());
        "Fp8e5m2FNUZActPerTensorFloatMSE", "FNUZ e5m2 (to 57344), one scale of least squared error", Some("e5m2fnuz"), |f| built(tensor(f), act_mse(collected_max()));
        "FpOCPAct", "an OCP float (format must be set), scale 1", None, |f| built(tensor(f), unscaled());
        "FpOCPActPerTensorFloat", "an OCP float (format must be set), one scale", None, |f| built(tensor(f), collected_max());
        "FpOCPActPerTensorFloatMSE", "an OCP float (format must be set), one scale of least squared error", None, |f| built(tensor(f), act_mse(collected_max()));
        "FpOCPActPerChannelFloat2d", "an OCP float (format must be set), a scale per channel of an image", None, |f| built(channel_2d(f), collected_max());
        "FpOCPActPerChannelFloat2dMSE", "an OCP float (format must be set), a scale per channel of an image of least squared error", None, |f| built(channel_2d(f), act_mse(collected_max()));
        "FpFNUZAct", "an FNUZ float (format must be set), scale 1", None, |f| built(tensor(f), unscaled());
        "FpFNUZActPerTensorFloat", "an FNUZ float (format must be set), one scale", None, |f| built(tensor(f), collected_max());
        "FpFNUZActPerTensorFloatMSE", "an FNUZ float (format must be set), one scale of least squared error", None, |f| built(tensor(f), act_mse(collected_max()));
        "FpFNUZActPerChannelFloat2d", "an FNUZ float (format must be set), a scale per channel of an image", None, |f| built(channel_2d(f), collected_max());
        "FpFNUZActPerChannelFloat2dMSE", "an FNUZ float (format must be set), a scale per channel of an image of least squared error", None, |f| built(channel_2d(f), act_mse(collected_max()));
        "MXFloat8e4m3Act", "FP8e4m3 in groups of 32 of a row with a power of two", Some("e4m3fn"), |f| built(row_group(f, 32), floored(max()));
        "MXInt8Act", "int8 in groups of 32 of a row with a power of two over 128", Some("int8"), |f| built(row_group(f, 32), floored(max()));
    }
    Bias Brevitas {
        "IntBias", "32, or any-bit integers in the scale input_scale * weight_scale", Some("int32"), |f| bias(f);
        "Int8Bias", "8-bit integers in the scale input_scale * weight_scale", Some("int8"), |f| bias(f);
        "Int16Bias", "16-bit integers in the scale input_scale * weight_scale", Some("int16"), |f| bias(f);
        "Int24Bias", "24-bit integers in the scale input_scale * weight_scale", Some("int24"), |f| bias(f);
        "Int32Bias", "32-bit integers in the scale input_scale * weight_scale", Some("int32"), |f| bias(f);
        "Int8BiasPerTensorFloatInternalScaling", "int8 in a scale of its own: max |b| / 128", Some("int8"), |f| built(tensor(f), max());
        "Int8BiasPerTensorFixedPointInternalScaling", "int8 in a power of two of its own, rounded up", Some("int8"), |f| built(tensor(f), fixed(max()));
        "NoneBiasQuant", "no quantization: f32", Some("f32"), |f| built(tensor(f), unscaled());
    }
    Truncation Brevitas {
        "TruncTo8bit", "the high 8 bits, what is below cut off", Some("int8"), |f| truncation(f, Rounding::Down, TruncationScale::Msb);
        "RoundTo8bit", "the high 8 bits, rounded to nearest even", Some("int8"), |f| truncation(f, Rounding::TiesEven, TruncationScale::Msb);
        "ShiftRoundSaturateTo8bit", "8 bits from where percentile 99.999 of the magnitudes needs them, rounded, saturated", Some("int8"), |f| truncation(f, Rounding::TiesEven, to_percentile());
        "NoneTruncQuant", "no quantization: f32", Some("f32"), |f| built(tensor(f), unscaled());
        "NoneClampQuant", "no quantization: f32", Some("f32"), |f| built(tensor(f), unscaled());
    }
    Weight BrevitasExamples {
        "IntWeightSymmetricGroupQuant", "narrow int8 in groups of input channels, here of 128", Some("int8n"), |f| built(group(f, 128), max());
        "Fp8e4m3WeightSymmetricGroupQuant", "e4m3 without special codes in groups of input channels, here of 128", Some("e4m3fin"), |f| built(group(f, 128), max());
        "Fp8e4m3OCPWeightSymmetricGroupQuant", "OCP e4m3 in groups of input channels, here of 128", Some("e4m3fn"), |f| built(group(f, 128), max());
        "Fp8e4m3OCPWeightPerChannelFixedPointMSE", "OCP e4m3, a power of two per output channel of least squared error", Some("e4m3fn"), |f| built(channel(f), mse(fixed(max())));
    }
    Activation BrevitasExamples {
        "Int8DynamicActPerTensorFloat", "int8, max - min(min, 0) of the tensor over 128: half of the range is left unused", Some("int8"), |f| built(tensor(f), dynamic());
        "Int8DynamicActPerRowFloat", "the same per row", Some("int8"), |f| built(row(f), dynamic());
        "Int8DynamicActPerRowFixedPoint", "the same per row to a power of two, rounded down", Some("int8"), |f| built(row(f), floored(dynamic()));
        "Int8DynamicActPerGroupFloat", "the same in groups of a row, here of 64", Some("int8"), |f| built(row_group(f, 64), min_max());
        "ShiftedUint8DynamicActPerTensorFloat", "uint8 with zero point from the extremes of the tensor", Some("uint8"), |f| built(minimum(tensor(f)), dynamic());
        "ShiftedUint8DynamicActPerRowFloat", "the same per row", Some("uint8"), |f| built(minimum(row(f)), dynamic());
        "ShiftedUint8DynamicActPerGroupFloat", "the same in groups of a row, here of 64", Some("uint8"), |f| built(minimum(row_group(f, 64)), min_max());
        "Fp8e4m3DynamicActPerGroupFloat", "e4m3 without special codes in groups of a row, here of 64; max - min(min, 0)", Some("e4m3fin"), |f| built(row_group(f, 64), min_max());
        "Fp8e4m3OCPDynamicActPerGroupFloat", "OCP e4m3 in groups of a row, here of 64; max - min(min, 0)", Some("e4m3fn"), |f| built(row_group(f, 64), min_max());
        "FP8e4m3OCPDynamicActPerRowFloat", "OCP e4m3 per row; max - min(min, 0)", Some("e4m3fn"), |f| built(row(f), dynamic());
        "FP8e4m3OCPDynamicActPerRowFixedPoint", "OCP e4m3 per row to a power of two, rounded down", Some("e4m3fn"), |f| built(row(f), floored(dynamic()));
        "Fp8e4m3FNUZDynamicActPerTensorFloat", "FNUZ e4m3; max - min(min, 0) of the tensor", Some("e4m3fnuz"), |f| built(tensor(f), dynamic());
        "FP8e4m3FNUZDynamicActPerRowFloat", "FNUZ e4m3 per row; max - min(min, 0)", Some("e4m3fnuz"), |f| built(row(f), dynamic());
    }
    Weight Derived {
        "MXFloat8e5m2Weight", "FP8e5m2 in groups of 32 input channels with a power of two", Some("e5m2"), |f| built(group(f, 32), floored(max()));
        "MXFloat8e5m2WeightMSE", "the same; Brevitas' name, whose search is not reached", Some("e5m2"), |f| built(group(f, 32), floored(max()));
        "MXFloat6e3m2Weight", "FP6e3m2 in groups of 32 input channels with a power of two", Some("e3m2fn"), |f| built(group(f, 32), floored(max()));
        "MXFloat6e3m2WeightMSE", "the same; Brevitas' name, whose search is not reached", Some("e3m2fn"), |f| built(group(f, 32), floored(max()));
        "MXFloat6e2m3Weight", "FP6e2m3 in groups of 32 input channels with a power of two", Some("e2m3fn"), |f| built(group(f, 32), floored(max()));
        "MXFloat6e2m3WeightMSE", "the same; Brevitas' name, whose search is not reached", Some("e2m3fn"), |f| built(group(f, 32), floored(max()));
        "MXFloat4e2m1Weight", "FP4e2m1 in groups of 32 input channels with a power of two", Some("e2m1fn"), |f| built(group(f, 32), floored(max()));
        "MXFloat4e2m1WeightMSE", "the same; Brevitas' name, whose search is not reached", Some("e2m1fn"), |f| built(group(f, 32), floored(max()));
    }
    Activation Derived {
        "MXFloat8e5m2Act", "FP8e5m2 in groups of 32 of a row with a power of two", Some("e5m2"), |f| built(row_group(f, 32), floored(max()));
        "MXFloat6e3m2Act", "FP6e3m2 in groups of 32 of a row with a power of two", Some("e3m2fn"), |f| built(row_group(f, 32), floored(max()));
        "MXFloat6e2m3Act", "FP6e2m3 in groups of 32 of a row with a power of two", Some("e2m3fn"), |f| built(row_group(f, 32), floored(max()));
        "MXFloat4e2m1Act", "FP4e2m1 in groups of 32 of a row with a power of two", Some("e2m1fn"), |f| built(row_group(f, 32), floored(max()));
    }
}
