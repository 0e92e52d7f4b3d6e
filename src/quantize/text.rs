//! How fields are written in descriptions: names as text, arrays as a number or as shape and values.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer};

/// A value by its name.
pub(super) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// A value from its name.
pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// An array of numbers.
pub(super) mod array {
    use ndarray::{ArrayD, IxDyn};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts {
        shape: Vec<usize>,
        values: Vec<f32>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Array {
        One(f32),
        Several(Parts),
    }

    pub(in crate::quantize) fn serialize<S: Serializer>(
        array: &ArrayD<f32>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let parts = match (array.ndim(), array.first()) {
            (0, Some(&value)) => Array::One(value),
            _ => Array::Several(Parts {
                shape: array.shape().to_vec(),
                values: array.iter().copied().collect(),
            }),
        };
        parts.serialize(to)
    }

    pub(in crate::quantize) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<ArrayD<f32>, D::Error> {
        let (shape, values) = match Array::deserialize(from) {
            Ok(Array::One(value)) => (Vec::new(), vec![value]),
            Ok(Array::Several(parts)) => (parts.shape, parts.values),
            Err(_) => {
                return Err(D::Error::custom(
                    "an array is a number, or `shape` and `values` as lists of numbers",
                ));
            }
        };
        let count = values.len();
        ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|_| {
            D::Error::custom(format!("{count} values were given for an array of shape {shape:?}"))
        })
    }
}

/// [`array`], or nothing.
pub(super) mod optional_array {
    use ndarray::ArrayD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Array(#[serde(with = "super::array")] ArrayD<f32>);

    pub(in crate::quantize) fn serialize<S: Serializer>(
        array: &Option<ArrayD<f32>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        array.as_ref().map(|array| Array(array.clone())).serialize(to)
    }

    pub(in crate::quantize) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<ArrayD<f32>>, D::Error> {
        Ok(Option::<Array>::deserialize(from)?.map(|Array(array)| array))
    }
}

/// A value with axes: every axis by its name; what is not said is as in `$default`.
macro_rules! axes {
    ($policy:ident = $default:expr; $($axis:ident: $type:ty),* $(,)?) => {
        #[derive(Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Axes {
            $(#[serde(with = "super")] $axis: $type,)*
        }

        impl Default for Axes {
            fn default() -> Self {
                let $policy { $($axis),* } = $default;
                Self { $($axis),* }
            }
        }

        pub(in crate::quantize) fn serialize<S: Serializer>(
            policy: &$policy,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            let $policy { $($axis),* } = *policy;
            Axes { $($axis),* }.serialize(to)
        }

        pub(in crate::quantize) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<$policy, D::Error> {
            let Axes { $($axis),* } = Axes::deserialize(from)?;
            Ok($policy { $($axis),* })
        }
    };
}

/// The policy of elements, by default rounded to nearest even and saturated.
pub(super) mod policy {
    use fewbit_formats::{
        InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy, Rounding, SubnormalInput,
        SubnormalOutput, ZeroSign,
    };
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    axes! {
        Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
        rounding: Rounding,
        overflow: Overflow,
        nan: NanPolicy,
        nan_sign: NanSign,
        nan_payload: NanPayload,
        infinity: InfinityPolicy,
        zero_sign: ZeroSign,
        subnormal_input: SubnormalInput,
        subnormal_output: SubnormalOutput,
    }
}

/// The policy of scales, by default the floor of the OCP MX text.
pub(super) mod scale_policy {
    use fewbit_formats::{
        BlockMaximum, ExponentRule, InfiniteBlock, LeastScale, NanBlock, ScaleArithmetic,
        ScalePolicy, ZeroBlock,
    };
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    axes! {
        ScalePolicy = ScalePolicy::new(ExponentRule::Floor);
        rule: ExponentRule,
        arithmetic: ScaleArithmetic,
        zero_block: ZeroBlock,
        nan_block: NanBlock,
        infinite_block: InfiniteBlock,
        least: LeastScale,
        maximum: BlockMaximum,
    }
}
