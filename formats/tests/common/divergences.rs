//! Where other stacks are known to give another result than the preset that follows them.

/// One case of a golden file on which two results differ.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// The section of the file: a format, and the choices that go with it.
    pub(crate) section: &'a str,
    /// The input.
    pub(crate) input: f32,
    /// The code here, if there is one.
    pub(crate) ours: Option<u32>,
    /// The code there, if there is one.
    pub(crate) theirs: Option<u32>,
}

/// One disagreement.
pub(crate) struct Divergence {
    /// A short name.
    pub(crate) name: &'static str,
    /// Whose results, and of which version.
    pub(crate) stack: &'static str,
    /// The preset that follows the stack, if the comparison takes one.
    pub(crate) preset: Option<&'static str>,
    /// What they do.
    pub(crate) theirs: &'static str,
    /// What fewbit does, and why.
    pub(crate) ours: &'static str,
    /// Whether a case falls under it.
    pub(crate) covers: fn(&Case<'_>) -> bool,
}

/// Every disagreement known.
pub(crate) const DIVERGENCES: &[Divergence] = &[
    Divergence {
        name: "e8m0fnu of f32 subnormals",
        stack: "ml_dtypes 0.5.4",
        preset: Some("ml_dtypes-0.5"),
        theirs: "every value between 2^-127 and 2^-126, subnormal in f32, becomes 2^-126",
        ours: "the nearer of the two, a tie to the greater, as everywhere else in the format",
        covers: |case| case.section == "e8m0fnu" && between_the_first_two(case.input),
    },
    Divergence {
        name: "f16 NaN payload",
        stack: "ml_dtypes 0.5.4",
        preset: Some("ml_dtypes-0.5"),
        theirs: "NumPy's float16 keeps the leading payload bits, and a signaling NaN signaling",
        ours: "the canonical quiet NaN, as in ml_dtypes' own types",
        covers: |case| case.section == "f16" && case.input.is_nan(),
    },
    Divergence {
        name: "integers of infinities",
        stack: "ml_dtypes 0.5.4",
        preset: Some("ml_dtypes-0.5"),
        theirs: "infinity becomes 0, as x86's conversion to int32 leaves it",
        ours: "an error: infinity cannot be wrapped",
        covers: |case| {
            case.section.contains("int") && case.input.is_infinite() && case.ours.is_none()
        },
    },
    Divergence {
        name: "e8m0fnu of f32 subnormals",
        stack: "torch 2.8.0",
        preset: Some("torch-2.8"),
        theirs: "every value between 2^-127 and 2^-126, subnormal in f32, becomes 2^-126",
        ours: "the nearer of the two, a tie to the greater, as everywhere else in the format",
        covers: |case| case.section == "e8m0fnu" && between_the_first_two(case.input),
    },
    Divergence {
        name: "e8m0fnu of zero",
        stack: "torch 2.8.0",
        preset: Some("torch-2.8"),
        theirs: "zero becomes 2^-127",
        ours: "NaN under `special`, 2^-127 under `saturate`: the format has no zero",
        covers: |case| case.section == "e8m0fnu" && case.input == 0.0,
    },
    Divergence {
        name: "e8m0fnu of negative values",
        stack: "torch 2.8.0",
        preset: Some("torch-2.8"),
        theirs: "the sign is dropped",
        ours: "a negative value lies outside an unsigned format: NaN under `special`, 2^-127 under `saturate`",
        covers: |case| case.section == "e8m0fnu" && case.input < 0.0,
    },
    Divergence {
        name: "bf16 NaN",
        stack: "torch 2.8.0",
        preset: Some("torch-2.8"),
        theirs: "0xffff in the vectorised body of a tensor, 0x7fc0 in its tail",
        ours: "the canonical quiet NaN of the same sign, wherever it stands",
        covers: |case| case.section == "bf16" && case.input.is_nan() && case.theirs == Some(0xffff),
    },
    Divergence {
        name: "overflow without special values",
        stack: "gfloat 0.5.2",
        preset: None,
        theirs: "an error where a value overflows, or is infinite, and the format has neither infinity nor NaN",
        ours: "the largest value",
        covers: |case| {
            let format = case.section.split(' ').next();
            matches!(format, Some("e2m1fn" | "e2m3fn" | "e3m2fn"))
                && case.theirs.is_none()
                && case.ours.is_some()
        },
    },
    Divergence {
        name: "P3109 overflow in a finite format",
        stack: "gfloat 0.5.2",
        preset: None,
        theirs: "NaN where a value lies beyond a format without infinities and is not saturated: an earlier draft",
        ours: "the largest value, SatNone of the draft of June 2026",
        covers: |case| {
            let format = case.section.split(' ').next().unwrap_or_default();
            format.starts_with("binary")
                && format.ends_with('f')
                && case.section.ends_with("ieee")
                && case.theirs == Some(u32::MAX)
                && case.ours.is_some_and(|code| code != u32::MAX)
        },
    },
    Divergence {
        name: "e8m0fnu below its smallest value",
        stack: "gfloat 0.5.2",
        preset: None,
        theirs: "NaN for 2^-128",
        ours: "2^-127, the nearest value",
        covers: |case| case.section.starts_with("e8m0fnu") && case.input == f32::from_bits(1 << 21),
    },
    Divergence {
        name: "RCEIL one step above a power of two",
        stack: "torchao 0.13.0",
        preset: Some("torchao-0.13-rceil"),
        theirs: "amax one f32 above the element's largest value times a power of two: the f32 log2 of the quotient is a \
                 whole number, and the scale a binade too small, so that amax clamps",
        ours: "the smallest power of two with which amax does not clamp",
        covers: above_a_largest_value,
    },
    Divergence {
        name: "RCEIL one step above a power of two",
        stack: "torchao 0.13.0 blocks",
        preset: None,
        theirs: "as in its scales alone",
        ours: "the smallest power of two with which amax does not clamp",
        covers: above_a_largest_value,
    },
    Divergence {
        name: "elements under the scale 2^-127",
        stack: "torchao 0.13.0 blocks",
        preset: None,
        theirs: "FLOOR, CEIL and EVEN store the scale 2^-127 and divide by 2^-126, so the values come out halved",
        ours: "elements are divided by the scale that is stored",
        covers: |case| case.section.ends_with("scale 00") && !case.section.contains("rceil"),
    },
    Divergence {
        name: "RCEIL elements under the scale 2^-127",
        stack: "torchao 0.13.0 blocks",
        preset: None,
        theirs: "the scale 2^-127 is stored and the elements are not divided at all, so they become zero",
        ours: "elements are divided by the scale that is stored",
        covers: |case| case.section.ends_with("rceil scale 00"),
    },
    Divergence {
        name: "elements under the scale NaN",
        stack: "torchao 0.13.0 blocks",
        preset: None,
        theirs: "what the quotient by infinity or by NaN becomes",
        ours: "every element as NaN is encoded: none of them has a value",
        covers: |case| case.section.ends_with("scale ff"),
    },
    Divergence {
        name: "infinite reciprocals",
        stack: "gguf 0.19.0",
        preset: None,
        theirs: "where 1 / scale is infinite, what NumPy's conversion of infinities and NaN to integers gives",
        ours: "the nearest code, and that of zero for NaN; ggml's own result is undefined",
        covers: |case| match case.section {
            "q4_0" | "q4_1" => case.input < 2f32.powi(-124),
            "q8_0" => case.input < 2f32.powi(-121),
            "tq2_0" => case.input < 2f32.powi(-128),
            _ => false,
        },
    },
    Divergence {
        name: "MXFP4 of tiny blocks",
        stack: "gguf 0.19.0",
        preset: None,
        theirs: "below 2^-125 the exponent is negative and is taken modulo 256, so that the scale is huge",
        ours: "the smallest scale",
        covers: |case| case.section == "mxfp4" && case.input < 2f32.powi(-125),
    },
    Divergence {
        name: "a half added in f32",
        stack: "quant_cy_npu HIFxV14",
        preset: Some("hifloat4"),
        theirs: "a quotient just below an eighth is carried to a quarter when one half is added to its four-fold in f32",
        ours: "the nearer of the two, zero",
        covers: |case| case.ours == Some(0),
    },
];

/// Between the two smallest values of e8m0fnu, 2^-127 and 2^-126.
fn between_the_first_two(x: f32) -> bool {
    (0x0040_0001..0x0080_0000).contains(&x.to_bits())
}

/// A magnitude one `f32` above an element's largest value times a power of two, and a scale half as large there.
fn above_a_largest_value(case: &Case<'_>) -> bool {
    let fractions = [0x60_0001, 0x70_0001, 0x40_0001];
    case.section.ends_with("rceil")
        && fractions.contains(&(case.input.to_bits() & 0x7f_ffff))
        && case.theirs.zip(case.ours).is_some_and(|(theirs, ours)| theirs + 1 == ours)
}
