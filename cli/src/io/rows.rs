//! The rows of a `.npy` file, some at a time: memory does not grow with their number.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ndarray::{Array2, s};
use npyz::{DType, NpyHeader, Order, TypeChar};

use super::input::Input;
use super::log::InputLog;
use super::npy;
use crate::error::CliError;

/// A file of floats `[..., columns]`; all axes but the last count as rows.
pub(crate) struct RowFile {
    path: PathBuf,
    rows: usize,
    columns: usize,
    source: Source,
}

enum Source {
    /// Row-major floats in a file, read when asked for.
    Disk { file: File, start: u64, float: Float },
    /// A column-major matrix, read at once.
    Memory(Array2<f32>),
}

/// A type of float in a file.
#[derive(Clone, Copy)]
struct Float {
    size: usize,
    big_endian: bool,
}

impl RowFile {
    /// Opens a file.
    ///
    /// # Errors
    /// A file that cannot be read, is not a whole `.npy` file of floats, or has no rows or no columns.
    pub(crate) fn open(path: &Path, log: &InputLog) -> Result<Self, CliError> {
        let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
        let mut input = Input::open(path, log)?;
        let bytes = npy::read_header(&mut input)?;
        let header = NpyHeader::from_reader(bytes.as_slice())
            .map_err(|error| wrong(format!("not a .npy file: {error}")))?;
        let (start, file) = (bytes.len() as u64, input.file);
        let (dtype, shape) = (header.dtype(), header.shape().to_vec());
        let (Some((&columns, rows)), DType::Plain(kind)) = (shape.split_last(), &dtype) else {
            return Err(wrong("rows of floats are needed, [samples, inputs]".into()));
        };
        if rows.is_empty() {
            return Err(wrong(format!("has shape {shape:?}; [samples, inputs] is needed")));
        }
        // Their product was checked with the header.
        let (rows, columns) = (rows.iter().product::<u64>() as usize, columns as usize);
        if rows == 0 || columns == 0 {
            return Err(wrong(format!("has shape {shape:?} and no numbers")));
        }
        let size = match (kind.type_char(), kind.size_field()) {
            (TypeChar::Float, size @ (2 | 4 | 8)) => size as usize,
            _ => {
                let name = dtype.descr();
                return Err(wrong(format!("holds {name}; floats (float16 to float64) are needed")));
            }
        };
        let found = input.length.saturating_sub(start);
        let needed = (rows * columns * size) as u64;
        if found < needed {
            return Err(wrong(format!(
                "is cut short: {found} bytes of data where its shape needs {needed}"
            )));
        }
        let source = if header.order() == Order::C {
            let big_endian = kind.endianness() == npyz::Endianness::Big;
            Source::Disk { file, start, float: Float { size, big_endian } }
        } else {
            Source::Memory(npy::read(path, log)?.into_float_matrix()?)
        };
        Ok(Self { path: path.to_owned(), rows, columns, source })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Rows and columns.
    pub(crate) fn dim(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// `count` rows from `first` on, as float32; float64 is rounded to it.
    ///
    /// # Errors
    /// A file that cannot be read any more, a number that is not finite.
    pub(crate) fn read(&mut self, first: usize, count: usize) -> Result<Array2<f32>, CliError> {
        let columns = self.columns;
        let block = match &mut self.source {
            Source::Memory(matrix) => matrix.slice(s![first..first + count, ..]).to_owned(),
            Source::Disk { file, start, float } => {
                let row = (columns * float.size) as u64;
                let mut bytes = vec![0; count * columns * float.size];
                file.seek(SeekFrom::Start(*start + first as u64 * row))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|source| CliError::Read { path: self.path.clone(), source })?;
                Array2::from_shape_vec((count, columns), float.decode(&bytes))?
            }
        };
        if let Some(((row, column), value)) = block.indexed_iter().find(|(_, x)| !x.is_finite()) {
            let reason = format!(
                "holds {value} in row {}, column {column}; finite float32 numbers are needed",
                first + row
            );
            return Err(CliError::Array { path: self.path.clone(), reason });
        }
        Ok(block)
    }
}

impl Float {
    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        fn words<const N: usize>(
            bytes: &[u8],
            big_endian: bool,
            value: impl Fn([u8; N]) -> f32,
        ) -> Vec<f32> {
            let words = bytes.as_chunks::<N>().0.iter().copied();
            if !big_endian {
                return words.map(value).collect();
            }
            let reversed = |mut word: [u8; N]| {
                word.reverse();
                value(word)
            };
            words.map(reversed).collect()
        }
        match self.size {
            2 => words(bytes, self.big_endian, |word| half::f16::from_le_bytes(word).to_f32()),
            4 => words(bytes, self.big_endian, f32::from_le_bytes),
            _ => words(bytes, self.big_endian, |word| f64::from_le_bytes(word) as f32),
        }
    }
}
