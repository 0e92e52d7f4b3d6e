//! NumPy's `.npy` files.

use std::fs;
use std::io::Read;
use std::path::Path;

use ndarray::Array2;
use npyz::{AutoSerialize, DType, NpyFile, Order, TypeChar, WriterBuilder};

use crate::error::CliError;

/// Numbers of one of NumPy's types, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F16(Vec<half::f16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// An array read from a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Npy {
    /// The extent of each axis.
    pub(crate) shape: Vec<usize>,
    /// The numbers, row-major whatever the order in the file.
    pub(crate) values: Values,
    pub(super) name: String,
}

/// Reads the array at `path`: any integer or floating-point type, either byte order, row- or column-major.
///
/// # Errors
/// A file that cannot be read, is not a whole `.npy` file, or holds another type.
pub(crate) fn read(path: &Path) -> Result<Npy, CliError> {
    let bytes =
        fs::read(path).map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    decode(&bytes)
        .map(|(shape, values)| Npy { shape, values, name: path.display().to_string() })
        .map_err(|reason| CliError::Array { path: path.to_owned(), reason })
}

fn decode(bytes: &[u8]) -> Result<(Vec<usize>, Values), String> {
    check_header(bytes)?;
    let file = NpyFile::new(bytes).map_err(|e| format!("not a .npy file: {e}"))?;
    let dtype = file.dtype();
    let shape = file
        .shape()
        .iter()
        .map(|&n| usize::try_from(n).map_err(|_| format!("a dimension of {n} is too large")))
        .collect::<Result<Vec<_>, _>>()?;
    let DType::Plain(kind) = &dtype else {
        return Err("holds records, not numbers".into());
    };
    let (class, size) = (kind.type_char(), kind.size_field());
    let order = file.order();
    macro_rules! numbers {
        ($($class:pat, $size:literal => $variant:ident),* $(,)?) => {
            match (class, size) {
                $(($class, $size) => Values::$variant(row_major(elements(file, $size)?, &shape, order)),)*
                _ => return Err(format!(
                    "holds {}, not integers or floats of up to 64 bits", dtype.descr()
                )),
            }
        };
    }
    let values = numbers! {
        TypeChar::Int, 1 => I8, TypeChar::Int, 2 => I16, TypeChar::Int, 4 => I32, TypeChar::Int, 8 => I64,
        TypeChar::Uint, 1 => U8, TypeChar::Uint, 2 => U16, TypeChar::Uint, 4 => U32, TypeChar::Uint, 8 => U64,
        TypeChar::Float, 2 => F16, TypeChar::Float, 4 => F32, TypeChar::Float, 8 => F64,
    };
    Ok((shape, values))
}

/// As [`check_header`], of a file that is still to be read.
///
/// # Errors
/// What is not the header of a `.npy` file.
pub(super) fn check_header_of(file: &mut fs::File) -> Result<(), String> {
    /// More than any header of numbers.
    const LONGEST: u64 = 1 << 16;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    check_header(&bytes)
}

/// Refuses what the header's parser takes unchecked: a literal nested beyond any use, and dimensions whose product
/// leaves 63 bits.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    const DEEPEST: usize = 8;
    let text = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, rest @ ..] => {
            rest.get(..usize::from(u16::from_le_bytes([*a, *b])))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', _, _, a, b, c, d, rest @ ..] => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]);
            usize::try_from(length).ok().and_then(|length| rest.get(..length))
        }
        _ => return Err("not a .npy file: it does not begin with \\x93NUMPY".into()),
    };
    let text = text.ok_or("not a .npy file: it ends within its header")?;
    let (mut depth, mut elements, mut number, mut quote) = (0usize, 1u64, None::<u64>, None);
    for &byte in text {
        match (quote, byte) {
            (Some(open), _) => quote = Some(open).filter(|&open| open != byte),
            (None, b'0'..=b'9') => {
                let digit = u64::from(byte - b'0');
                let value = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit));
                number = Some(value.ok_or("its shape has a dimension beyond 64 bits")?);
                continue;
            }
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(value) = number.take().filter(|&v| v > 0) {
            elements = elements
                .checked_mul(value)
                .filter(|&n| n < 1 << 60)
                .ok_or("its shape has more elements than memory can hold")?;
        }
        if depth > DEEPEST {
            return Err("not a .npy file: its header is nested too deeply".into());
        }
    }
    Ok(())
}

fn elements<T: npyz::Deserialize>(file: NpyFile<&[u8]>, size: u64) -> Result<Vec<T>, String> {
    let (count, header) = (file.len(), file.header().clone());
    let data = file.into_inner();
    let (wanted, found) = (count.saturating_mul(size), data.len() as u64);
    if found < wanted {
        return Err(format!("is cut short: {found} bytes of data where its shape needs {wanted}"));
    }
    NpyFile::with_header(header, data).into_vec().map_err(|e| e.to_string())
}

/// Brings column-major elements into row-major order.
fn row_major<T: Copy>(elements: Vec<T>, shape: &[usize], order: Order) -> Vec<T> {
    if order == Order::C || shape.len() < 2 {
        return elements;
    }
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    match ndarray::ArrayView::from_shape(reversed, &elements) {
        Ok(view) => view.reversed_axes().iter().copied().collect(),
        Err(_) => elements,
    }
}

impl Npy {
    pub(crate) fn wrong(&self, reason: String) -> CliError {
        CliError::Array { path: self.name.clone().into(), reason }
    }

    /// NumPy's name of the type.
    pub(crate) fn dtype(&self) -> &'static str {
        match self.values {
            Values::I8(_) => "int8",
            Values::I16(_) => "int16",
            Values::I32(_) => "int32",
            Values::I64(_) => "int64",
            Values::U8(_) => "uint8",
            Values::U16(_) => "uint16",
            Values::U32(_) => "uint32",
            Values::U64(_) => "uint64",
            Values::F16(_) => "float16",
            Values::F32(_) => "float32",
            Values::F64(_) => "float64",
        }
    }

    fn matrix_shape(&self) -> Result<(usize, usize), CliError> {
        match self.shape[..] {
            [rows, columns] => Ok((rows, columns)),
            _ => {
                Err(self.wrong(format!("has shape {:?}; a matrix (2 axes) is needed", self.shape)))
            }
        }
    }

    /// The integers of at most 32 bits that an accumulator's products are made of, as a matrix.
    ///
    /// # Errors
    /// Another type, or not two axes.
    pub(crate) fn into_integer_matrix(self) -> Result<Array2<i64>, CliError> {
        fn wide<T: Into<i64> + Copy>(values: &[T]) -> Vec<i64> {
            values.iter().map(|&v| v.into()).collect()
        }
        let shape = self.matrix_shape()?;
        let values = match &self.values {
            Values::I8(v) => wide(v),
            Values::I16(v) => wide(v),
            Values::I32(v) => wide(v),
            Values::U8(v) => wide(v),
            Values::U16(v) => wide(v),
            Values::U32(v) => wide(v),
            _ => {
                let dtype = self.dtype();
                return Err(self.wrong(format!(
                    "holds {dtype}; integers of at most 32 bits (int8 to uint32) are needed"
                )));
            }
        };
        Array2::from_shape_vec(shape, values).map_err(|e| self.wrong(e.to_string()))
    }

    /// The numbers as float32, where every one is such a number.
    ///
    /// # Errors
    /// A number that float32 does not have.
    pub(crate) fn f32_values(&self) -> Result<Vec<f32>, CliError> {
        fn exact<T: Copy + Into<f64>>(values: &[T]) -> Result<Vec<f32>, (usize, f64)> {
            let mut narrow = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                let wide: f64 = (*value).into();
                let value = wide as f32;
                if f64::from(value) != wide && !wide.is_nan() {
                    return Err((index, wide));
                }
                narrow.push(value);
            }
            Ok(narrow)
        }
        let narrow = match &self.values {
            Values::F32(v) => Ok(v.clone()),
            Values::F16(v) => Ok(v.iter().map(|v| v.to_f32()).collect()),
            Values::F64(v) => exact(v),
            Values::I8(v) => exact(v),
            Values::I16(v) => exact(v),
            Values::I32(v) => exact(v),
            Values::U8(v) => exact(v),
            Values::U16(v) => exact(v),
            Values::U32(v) => exact(v),
            Values::I64(_) | Values::U64(_) => {
                let dtype = self.dtype();
                return Err(self.wrong(format!("holds {dtype}; float32 numbers are needed")));
            }
        };
        narrow.map_err(|(index, value)| {
            let dtype = self.dtype();
            self.wrong(format!(
                "holds {dtype}, and element {index}, {value:e}, is no float32: round it first, with `fewbit cast --to f32`"
            ))
        })
    }

    /// The integers, of int64 too, as a matrix.
    ///
    /// # Errors
    /// Another type, a number beyond int64, or not two axes.
    pub(crate) fn into_int64_matrix(self) -> Result<Array2<i64>, CliError> {
        let shape = self.matrix_shape()?;
        let values: Vec<i64> = match &self.values {
            Values::I64(v) => v.clone(),
            Values::U64(v) => v
                .iter()
                .map(|&v| i64::try_from(v))
                .collect::<Result<_, _>>()
                .map_err(|_| self.wrong("holds a number beyond int64".into()))?,
            _ => return self.into_integer_matrix(),
        };
        Array2::from_shape_vec(shape, values).map_err(|e| self.wrong(e.to_string()))
    }

    /// The integers, of int64 too, as a list: one axis, or a second one of a single place.
    ///
    /// # Errors
    /// Another type, a number beyond int64, or a matrix.
    pub(crate) fn into_int64_list(mut self) -> Result<Vec<i64>, CliError> {
        self.shape = match self.shape[..] {
            [n] | [n, 1] | [1, n] => vec![1, n],
            _ => {
                let shape = &self.shape;
                return Err(self.wrong(format!("has shape {shape:?}; one axis is needed")));
            }
        };
        Ok(self.into_int64_matrix()?.into_raw_vec_and_offset().0)
    }

    /// The unsigned integers of at most 32 bits as a matrix of codes; `None` where the type is another.
    ///
    /// # Errors
    /// Not two axes.
    pub(crate) fn code_matrix(&self) -> Result<Option<Array2<u32>>, CliError> {
        let codes: Vec<u32> = match &self.values {
            Values::U8(v) => v.iter().map(|&v| v.into()).collect(),
            Values::U16(v) => v.iter().map(|&v| v.into()).collect(),
            Values::U32(v) => v.clone(),
            _ => return Ok(None),
        };
        let matrix = Array2::from_shape_vec(self.matrix_shape()?, codes);
        matrix.map(Some).map_err(|e| self.wrong(e.to_string()))
    }

    /// The numbers as a matrix of float64.
    ///
    /// # Errors
    /// An integer that float64 does not have, or not two axes.
    pub(crate) fn real_matrix(&self) -> Result<Array2<f64>, CliError> {
        let whole = |v: i128| -> Result<f64, CliError> {
            let x = v as f64;
            if x as i128 == v {
                Ok(x)
            } else {
                Err(self.wrong(format!("holds {v}, which float64 does not have")))
            }
        };
        let values: Vec<f64> = match &self.values {
            Values::I8(v) => v.iter().map(|&v| v.into()).collect(),
            Values::I16(v) => v.iter().map(|&v| v.into()).collect(),
            Values::I32(v) => v.iter().map(|&v| v.into()).collect(),
            Values::I64(v) => v.iter().map(|&v| whole(v.into())).collect::<Result<_, _>>()?,
            Values::U8(v) => v.iter().map(|&v| v.into()).collect(),
            Values::U16(v) => v.iter().map(|&v| v.into()).collect(),
            Values::U32(v) => v.iter().map(|&v| v.into()).collect(),
            Values::U64(v) => v.iter().map(|&v| whole(v.into())).collect::<Result<_, _>>()?,
            Values::F16(v) => v.iter().map(|v| v.to_f64()).collect(),
            Values::F32(v) => v.iter().map(|&v| v.into()).collect(),
            Values::F64(v) => v.clone(),
        };
        Array2::from_shape_vec(self.matrix_shape()?, values).map_err(|e| self.wrong(e.to_string()))
    }

    /// The floats as a matrix of float32; float64 is rounded to it.
    ///
    /// # Errors
    /// Another type, not two axes, no element, or a number that is not finite.
    pub(crate) fn into_float_matrix(self) -> Result<Array2<f32>, CliError> {
        let shape = self.matrix_shape()?;
        let values: Vec<f32> = match &self.values {
            Values::F16(v) => v.iter().map(|v| v.to_f32()).collect(),
            Values::F32(v) => v.clone(),
            Values::F64(v) => v.iter().map(|&v| v as f32).collect(),
            _ => {
                let dtype = self.dtype();
                return Err(
                    self.wrong(format!("holds {dtype}; floats (float16 to float64) are needed"))
                );
            }
        };
        if values.is_empty() {
            return Err(self.wrong(format!("has shape {:?} and no numbers", self.shape)));
        }
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            let (row, column) = (index / shape.1, index % shape.1);
            let value = values[index];
            return Err(self.wrong(format!(
                "holds {value} at ({row}, {column}); finite float32 numbers are needed"
            )));
        }
        Array2::from_shape_vec(shape, values).map_err(|e| self.wrong(e.to_string()))
    }
}

/// `values` of this shape as the bytes of a `.npy` file, row-major.
///
/// # Errors
/// A number of values that is not the shape's.
pub(crate) fn encode<T: AutoSerialize + Copy>(
    shape: &[usize],
    values: &[T],
) -> Result<Vec<u8>, std::io::Error> {
    let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    let mut bytes = Vec::new();
    let mut writer =
        npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}
