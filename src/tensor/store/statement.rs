//! What a file says of itself, so that what is missing or was changed is seen.
//!
//! ```text
//! schema    1
//! tensors   {"codes": {"dtype": "U8", "shape": [2, 3]}, ...}     every tensor that the values depend on
//! digest    16 hexadecimal digits
//! ```
//! The digest is of these bytes: the text of `schema`, `tensors` and the tensor's own entries of the metadata as one JSON
//! object, without spaces and with its keys in order; then the bytes of each of the `tensors`, in the order of their names.

use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use super::digest::Digest;
use super::error::StoreError;
use super::file::{Contents, Stored};
use super::kinds;
use super::saved::Saved;

/// The version of what is stated.
const SCHEMA: u64 = 1;

/// What a file states.
pub(super) struct Statement {
    tensors: Map<String, Value>,
    digest: String,
}

/// `tensors` of these arrays.
fn tensors(arrays: &[Stored]) -> Value {
    let one =
        |a: &Stored| (a.name.to_owned(), json!({ "dtype": a.dtype.to_string(), "shape": a.shape }));
    Value::Object(arrays.iter().map(one).collect())
}

/// Adds what is stated of a tensor to its own entries.
pub(super) fn state(own: &mut Map<String, Value>, arrays: &[Stored]) {
    own.insert("schema".into(), json!(SCHEMA));
    own.insert("tensors".into(), tensors(arrays));
    let mut order: Vec<&Stored> = arrays.iter().collect();
    order.sort_by_key(|array| array.name);
    let digest = digest_of(own, order.iter().map(|array| array.bytes.as_slice()));
    own.insert("digest".into(), json!(digest.to_string()));
}

fn digest_of<'a>(own: &Map<String, Value>, arrays: impl Iterator<Item = &'a [u8]>) -> Digest {
    let mut digest = Digest::default();
    digest.add(ordered(&Value::Object(own.clone())).as_bytes());
    arrays.for_each(|bytes| digest.add(bytes));
    digest
}

/// JSON with the keys in order, whatever order the maps have.
fn ordered(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entry = |(key, value): (&String, &Value)| {
                format!("{}:{}", Value::String(key.clone()), ordered(value))
            };
            format!("{{{}}}", entries.into_iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(ordered).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// An entry of the metadata as an error shows it.
fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), ordered)
}

fn differs(key: &str, found: Option<&Value>, expected: impl Into<String>) -> StoreError {
    StoreError::Entry { key: key.to_owned(), found: shown(found), expected: expected.into() }
}

impl Statement {
    /// What the metadata state; none in a file of an earlier version, which states nothing.
    pub(super) fn of(metadata: &Map<String, Value>) -> Result<Option<Self>, StoreError> {
        let entry = |key: &str| metadata.get(key);
        let (schema, tensors, digest) = (entry("schema"), entry("tensors"), entry("digest"));
        if schema.is_none() && tensors.is_none() && digest.is_none() {
            return Ok(None);
        }
        if schema.and_then(Value::as_u64) != Some(SCHEMA) {
            return Err(differs("schema", schema, SCHEMA.to_string()));
        }
        let Some(Value::Object(stated)) = tensors else {
            return Err(differs("tensors", tensors, "an object of dtypes and shapes"));
        };
        let Some(Value::String(digest)) = digest else {
            return Err(differs("digest", digest, "a text of 16 hexadecimal digits"));
        };
        Ok(Some(Self { tensors: stated.clone(), digest: digest.clone() }))
    }

    /// Whether everything that is stated is there, the tensor that was read is the one that is stated, and nothing was
    /// changed since it was written.
    pub(super) fn check(
        &self,
        contents: &Contents<'_>,
        metadata: &Map<String, Value>,
        saved: &Saved,
    ) -> Result<(), StoreError> {
        let parts = saved.parts();
        for (name, stated) in &self.tensors {
            let array = contents.array(name)?;
            let found = json!({ "dtype": array.dtype().to_string(), "shape": array.shape() });
            if ordered(&found) != ordered(stated) {
                let expected = format!("{}, as the file has it,", ordered(&found));
                return Err(differs(&format!("tensors.{name}"), Some(stated), expected));
            }
        }
        for (name, dtype) in &parts {
            match self.tensors.get(*name) {
                Some(stated) if stated["dtype"] == json!(dtype.to_string()) => {}
                stated => return Err(needs(name, stated, *dtype)),
            }
        }
        let needed = |name: &str| parts.iter().any(|(part, _)| *part == name);
        if let Some(name) = self.tensors.keys().find(|name| !needed(name)) {
            let expected = format!("only what {} has", saved.format());
            return Err(differs(&format!("tensors.{name}"), self.tensors.get(name), expected));
        }
        check_others(contents, &parts)?;
        let mut own = saved.metadata();
        for (key, expected) in &own {
            let found = metadata.get(key);
            if found.map(ordered).as_ref() != Some(&ordered(expected)) {
                return Err(differs(key, found, ordered(expected)));
            }
        }
        own.insert("schema".into(), json!(SCHEMA));
        own.insert("tensors".into(), Value::Object(self.tensors.clone()));
        let mut names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let arrays = names.into_iter().map(|name| contents.array(name));
        let arrays = arrays.collect::<Result<Vec<_>, StoreError>>()?;
        let expected = digest_of(&own, arrays.iter().map(|array| array.data())).to_string();
        if expected != self.digest {
            return Err(StoreError::Digest { found: self.digest.clone(), expected });
        }
        Ok(())
    }
}

fn needs(name: &str, stated: Option<&Value>, dtype: Dtype) -> StoreError {
    let found = stated.map(|stated| &stated["dtype"]);
    differs(&format!("tensors.{name}.dtype"), found, format!("\"{dtype}\""))
}

/// Whether a tensor with a name of ours stands there that this one has no use for.
fn check_others(
    contents: &Contents<'_>,
    parts: &[(&'static str, Dtype)],
) -> Result<(), StoreError> {
    let needed = |name: &str| parts.iter().any(|(part, _)| *part == name);
    match kinds::NAMES.into_iter().find(|name| !needed(name) && contents.has(name)) {
        Some(name) => Err(StoreError::Unstated(name.to_owned())),
        None => Ok(()),
    }
}

/// Whether the values of a file of an earlier version, which states nothing, are those of its codes.
pub(super) fn check_values(contents: &Contents<'_>, saved: &Saved) -> Result<(), StoreError> {
    check_others(contents, &saved.parts())?;
    if !contents.has("values") {
        return Err(StoreError::Unchecked);
    }
    // A quantizer's simulation on floats keeps a NaN that its codes have not, and signs of zeros.
    kinds::compare(contents, "values", &saved.values()?, |computed, found| {
        computed == found || found.is_nan()
    })
}
