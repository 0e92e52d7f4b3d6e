//! What is known to differ from Brevitas 0.12.1, and why.

/// A preset that cannot always be equal.
pub(crate) struct Difference {
    /// The preset.
    pub(crate) preset: &'static str,
    /// When it differs.
    pub(crate) when: &'static str,
    /// Why.
    pub(crate) why: &'static str,
    /// A case of the golden file that shows it, as `preset input fields`; empty where none of its tensors does.
    pub(crate) shown_by: &'static str,
}

const POWERS: &str = "torch takes the last powers of a tensor, those beyond a multiple of its vectors, with another function than the \
                      others; followed here are the vectors of AVX-512";
const LOGARITHM: &str = "scale and norm go through `2^(log2 x)`; torch's logarithm errs in the last bit for one of 5,000 arguments, \
                         and beyond a multiple of its vectors it takes powers with another function (followed here: AVX-512)";

/// Every difference.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        preset: "Int8WeightPerTensorFloatHQO",
        when: "torch runs on AVX2 or without vectors",
        why: POWERS,
        shown_by: "",
    },
    Difference {
        preset: "Int8WeightPerChannelFloatHQO",
        when: "torch runs on AVX2 or without vectors",
        why: POWERS,
        shown_by: "",
    },
    Difference {
        preset: "Int8WeightPerChannelFloatHQO",
        when: "a weight of more than two axes",
        why: "Brevitas flattens the weight and not the scales, so that each channel's scale is optimised on all channels",
        shown_by: "",
    },
    Difference {
        preset: "Int8WeightNormL2PerChannelFixedPoint",
        when: "rarely",
        why: LOGARITHM,
        shown_by: "",
    },
    Difference {
        preset: "Int8AccumulatorAwareWeightQuant",
        when: "rarely",
        why: LOGARITHM,
        shown_by: "",
    },
    Difference {
        preset: "Int8AccumulatorAwareZeroCenterWeightQuant",
        when: "rarely",
        why: LOGARITHM,
        shown_by: "",
    },
    Difference {
        preset: "ShiftedMXUInt8WeightMSE",
        when: "always",
        why: "Brevitas takes the minimum for the zero point over axis 2 of the weight as it is: an error for a matrix, and for a \
              convolution another axis than the group's. Here it is the group's minimum",
        shown_by: "ShiftedMXUInt8WeightMSE conv",
    },
    Difference {
        preset: "ShiftedUint8DynamicActPerGroupFloat",
        when: "always, but where it has a result by chance",
        why: "Brevitas pads the zero points as though they were elements, which is an error of shapes; with \
              `zero_point.shifted.rounding=float` the two are equal",
        shown_by: "",
    },
];
