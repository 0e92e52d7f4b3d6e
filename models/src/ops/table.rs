//! The table of operators.

use crate::tensor::Tensor;

use super::conv::Conv;
use super::quantize::Quantize;
use super::{Attributes, Fact, Inputs, OpError, Operator, Read};

/// A row per operator: its name in ONNX, and its type.
macro_rules! operators {
    ($($(#[$doc:meta])* $domain:literal $name:ident;)*) => {
        /// An operator.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[$doc])* $name($name),)*
        }

        $(
            impl From<$name> for Op {
                fn from(op: $name) -> Self {
                    Self::$name(op)
                }
            }
        )*

        impl Op {
            /// Domain and name of every operator.
            pub const NAMES: &[(&str, &str)] = &[$(($domain, stringify!($name)),)*];

            /// The operator that a file describes; `None` if there is none of this name.
            ///
            /// # Errors
            /// As [`Operator::read`].
            pub fn read(
                domain: &str,
                name: &str,
                attributes: &mut Attributes,
                opset: i64,
            ) -> Option<Result<Read<Self>, OpError>> {
                match (domain, name) {
                    $(($domain, stringify!($name)) => {
                        let read = <$name as Operator>::read(attributes, opset);
                        Some(read.map(|read| Read { op: read.op.into(), inputs: read.inputs }))
                    })*
                    _ => None,
                }
            }

            /// Its domain; that of ONNX itself is empty.
            #[must_use]
            pub fn domain(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $domain,)*
                }
            }

            /// Its name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// As [`Operator::attributes`].
            #[must_use]
            pub fn attributes(&self) -> Attributes {
                match self {
                    $(Self::$name(op) => op.attributes(),)*
                }
            }

            /// As [`Operator::infer`].
            ///
            /// # Errors
            /// As there.
            pub fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                match self {
                    $(Self::$name(op) => op.infer(inputs),)*
                }
            }

            /// As [`Operator::run`].
            ///
            /// # Errors
            /// As there.
            pub fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                match self {
                    $(Self::$name(op) => op.run(inputs),)*
                }
            }
        }
    };
}

operators! {
    /// Sums of products of a kernel with the patches of its input.
    "" Conv;
    /// The values of codes.
    "ai.fewbit" Quantize;
}
