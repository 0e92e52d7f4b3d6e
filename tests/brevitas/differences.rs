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

const SLEEF: &str = "torch's vectorised `pow` errs in the last bit for 1.5 % of its arguments, and its powers are those of the \
                     nearest f32 here";
const LOGARITHM: &str = "scale and norm go through `2^(log2 x)`, of which torch's logarithm or power errs in the last bit now and \
                         then";

/// Every difference.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        preset: "Int8WeightPerTensorFloatHQO",
        when: "an outlier's power decides a rounding",
        why: SLEEF,
        shown_by: "",
    },
    Difference {
        preset: "Int8WeightPerChannelFloatHQO",
        when: "an outlier's power decides a rounding",
        why: SLEEF,
        shown_by: "",
    },
    Difference {
        preset: "Int8WeightNormL2PerChannelFixedPoint",
        when: "more than 15 channels",
        why: LOGARITHM,
        shown_by: "",
    },
    Difference {
        preset: "Int8AccumulatorAwareWeightQuant",
        when: "more than 15 channels",
        why: LOGARITHM,
        shown_by: "",
    },
    Difference {
        preset: "Int8AccumulatorAwareZeroCenterWeightQuant",
        when: "more than 15 channels",
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
        when: "always",
        why: "Brevitas pads the zero points as though they were elements, which is an error of shapes; with \
              `zero_point.shifted.rounding=float` the two are equal",
        shown_by: "",
    },
];
