//! Files of vectors: how rows are written, and read again.

mod csv;
mod header;
mod hex;
mod jsonl;
mod npz;
mod read;
mod readmemh;
mod render;
mod results;
mod rows;
mod struct_text;
mod testfloat;

pub(crate) use header::Header;
pub(crate) use read::{Document, read};
pub(crate) use render::{FileKind, Rendered, render};
pub(crate) use results::{Radix, Results, results};
pub(crate) use rows::Rows;
