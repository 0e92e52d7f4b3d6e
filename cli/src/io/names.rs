//! Names of files to be written: their endings say what they are.

use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};

/// A kind of file that commands write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An array.
    Npy,
    /// Tensors and metadata.
    Safetensors,
    /// A report.
    Json,
    /// A picture.
    Svg,
    /// A list.
    Csv,
    /// Hexadecimal text, for `$readmemh`.
    Hex,
    /// An array in C.
    Header,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Npy, Self::Safetensors, Self::Json, Self::Svg, Self::Csv, Self::Hex, Self::Header];

    const fn ending(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
            Self::Json => "json",
            Self::Svg => "svg",
            Self::Csv => "csv",
            Self::Hex => "hex",
            Self::Header => "h",
        }
    }

    fn is_of(self, path: &Path) -> bool {
        path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(self.ending()))
    }

    /// The parser of an argument that names a file of this kind.
    ///
    /// A name without an ending, as `/dev/null`, is taken as it is; one with another ending would promise what is not
    /// written, and is refused.
    pub(crate) fn output(self) -> impl TypedValueParser<Value = PathBuf> {
        PathBufValueParser::new().try_map(move |path: PathBuf| {
            if path.extension().is_none() || self.is_of(&path) {
                return Ok(path);
            }
            let ending = self.ending();
            Err(format!("only .{ending} can be written here: expected a name that ends in .{ending}, or in nothing"))
        })
    }
}

/// The parser of an argument that names a folder to be written to; the name of a file is refused.
pub(crate) fn folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path: PathBuf| {
        match Kind::ALL.iter().find(|kind| kind.is_of(&path) && !path.is_dir()) {
            None => Ok(path),
            Some(kind) => Err(format!(
                "this is the folder that files are written to: expected its name, without .{}",
                kind.ending()
            )),
        }
    })
}
