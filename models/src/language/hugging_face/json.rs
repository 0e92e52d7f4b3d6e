//! Objects of `.json` files, read key by key.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::language::LanguageError;

/// What a file of keys may have, in bytes; a list of all weights of the largest models has a tenth of it.
const MOST: u64 = 100_000_000;

/// An object of a file.
#[derive(Clone, Debug)]
pub(super) struct Object {
    path: PathBuf,
    /// Where in the file, as `rope_scaling.`.
    prefix: String,
    entries: Map<String, Value>,
}

impl Object {
    /// The object that a file is.
    pub(super) fn read(path: &Path) -> Result<Self, LanguageError> {
        let wrong = |problem: String| LanguageError::File { path: path.to_owned(), problem };
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let mut text = Vec::new();
        file.take(MOST + 1).read_to_end(&mut text).map_err(|error| wrong(error.to_string()))?;
        if text.len() as u64 > MOST {
            return Err(wrong(format!("has more than {MOST} bytes")));
        }
        match serde_json::from_slice(&text) {
            Ok(Value::Object(entries)) => {
                Ok(Self { path: path.to_owned(), prefix: String::new(), entries })
            }
            Ok(_) => Err(wrong("is no JSON object".into())),
            Err(error) => Err(wrong(format!("is no JSON: {error}"))),
        }
    }

    /// The value of a key, where it is there and not null.
    fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key).filter(|value| !value.is_null())
    }

    /// An error about a key.
    pub(super) fn wrong(&self, key: &str, problem: impl Into<String>) -> LanguageError {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let key = format!("{file}: {}{key}", self.prefix);
        LanguageError::Config { key, problem: problem.into() }
    }

    fn expected<T>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, LanguageError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || {
            let mut found = value.to_string();
            if found.len() > 60 {
                found = format!("{}...", found.chars().take(60).collect::<String>());
            }
            self.wrong(key, format!("{found}: expected {what}"))
        };
        read(value).map(Some).ok_or_else(wrong)
    }

    fn required<T>(&self, key: &str, found: Option<T>) -> Result<T, LanguageError> {
        found.ok_or_else(|| self.wrong(key, "is missing"))
    }

    /// Whether a key is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A number of things.
    pub(super) fn count(&self, key: &str) -> Result<Option<usize>, LanguageError> {
        self.expected(key, "a number of at most 2^31", |value| {
            usize::try_from(value.as_u64()?).ok().filter(|&count| count <= 1 << 31)
        })
    }

    /// The same; it must be there.
    pub(super) fn some_count(&self, key: &str) -> Result<usize, LanguageError> {
        self.required(key, self.count(key)?)
    }

    /// A finite number.
    pub(super) fn float(&self, key: &str) -> Result<Option<f32>, LanguageError> {
        self.expected(key, "a number", |value| {
            Some(value.as_f64()? as f32).filter(|x| x.is_finite())
        })
    }

    /// The same; it must be there.
    pub(super) fn some_float(&self, key: &str) -> Result<f32, LanguageError> {
        self.required(key, self.float(key)?)
    }

    /// A truth value.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, LanguageError> {
        self.expected(key, "true or false", Value::as_bool)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, LanguageError> {
        self.expected(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// The same; it must be there.
    pub(super) fn some_text(&self, key: &str) -> Result<String, LanguageError> {
        self.required(key, self.text(key)?)
    }

    /// Texts.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, LanguageError> {
        self.expected(key, "a list of texts", |value| {
            value.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect()
        })
    }

    /// A number of a token, or several.
    pub(super) fn tokens(&self, key: &str) -> Result<Option<Vec<u32>>, LanguageError> {
        let token = |value: &Value| u32::try_from(value.as_u64()?).ok();
        self.expected(key, "a token's number, or a list of such", |value| match value {
            Value::Array(all) => all.iter().map(token).collect(),
            one => Some(vec![token(one)?]),
        })
    }

    /// An object within.
    pub(super) fn object(&self, key: &str) -> Result<Option<Self>, LanguageError> {
        self.expected(key, "an object", |value| {
            let (path, prefix) = (self.path.clone(), format!("{}{key}.", self.prefix));
            Some(Self { path, prefix, entries: value.as_object()?.clone() })
        })
    }

    /// The same; it must be there.
    pub(super) fn some_object(&self, key: &str) -> Result<Self, LanguageError> {
        self.required(key, self.object(key)?)
    }

    /// All entries, which are texts.
    pub(super) fn all_texts(&self) -> Result<Vec<(String, String)>, LanguageError> {
        let keys = self.entries.keys();
        keys.map(|key| Ok((key.clone(), self.some_text(key)?))).collect()
    }
}
