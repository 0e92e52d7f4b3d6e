//! Tables of keys and of the names that they take.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::FlowError;
use super::key::Keys;

/// Declares a configuration by its keys: name, type, default, what it is for.
macro_rules! keys {
    ($(#[$doc:meta])* $config:ident $($name:ident: $type:ty = $default:expr, $help:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $config {
            $(#[doc = $help] pub $name: $type,)*
        }

        impl Default for $config {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl $config {
            /// Every key.
            pub const KEYS: &[$crate::flow::Key] =
                &[$($crate::flow::Key { name: stringify!($name), help: $help },)*];
        }
    };
}
pub(super) use keys;

/// Declares an enum of names as keys have them.
macro_rules! choices {
    ($($(#[$doc:meta])* $type:ident { $($(#[$name_doc:meta])* $variant:ident = $name:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$name_doc])* #[serde(rename = $name)] $variant,)*
        }
    )*};
}
pub(super) use choices;

/// The default configuration with these values in the place of its own.
///
/// # Errors
/// A value that a key cannot have.
pub(super) fn filled<T>(keys: Keys) -> Result<T, FlowError>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut whole = serde_json::to_value(T::default()).unwrap_or_default();
    for (name, value) in keys.into_json().as_object().into_iter().flatten() {
        whole[name.as_str()] = value.clone();
        if let Err(error) = serde_json::from_value::<T>(whole.clone()) {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            return Err(FlowError::Value { key: name.clone(), value, problem: error.to_string() });
        }
    }
    serde_json::from_value(whole).map_err(|error| FlowError::Combination(error.to_string()))
}
