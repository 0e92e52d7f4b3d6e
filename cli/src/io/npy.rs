//! NumPy's `.npy` files.

use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;

use fewbit::advise_large_pages;
use ndarray::Array2;
use npyz::{AutoSerialize, DType, Endianness, NpyFile, NpyHeader, Order, TypeChar, WriterBuilder};

use super::input::Input;
use super::log::InputLog;
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
/// The header is read first, then as many bytes as it says.
///
/// # Errors
/// A file that cannot be read, is not a whole `.npy` file, or holds another type; more than memory holds.
pub(crate) fn read(path: &Path, log: &InputLog) -> Result<Npy, CliError> {
    Opened::new(path, log)?.whole()
}

/// A `.npy` file whose header was read and is sound.
pub(crate) struct Opened {
    input: Input,
    /// The file up to its data.
    bytes: Vec<u8>,
    header: NpyHeader,
    shape: Vec<usize>,
    /// Bytes of one element.
    size: u64,
    /// Bytes of all.
    needed: u64,
}

impl Opened {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// As [`read`].
    pub(crate) fn new(path: &Path, log: &InputLog) -> Result<Self, CliError> {
        let mut input = Input::open(path, log)?;
        let bytes = read_header(&mut input)?;
        let header = NpyHeader::from_reader(bytes.as_slice());
        let header = header.map_err(|error| input.wrong(format!("not a .npy file: {error}")))?;
        let shape = header.shape().iter().map(|&n| usize::try_from(n));
        let shape = shape.collect::<Result<Vec<_>, _>>();
        let shape = shape.map_err(|_| input.wrong("a dimension is too large".into()))?;
        let DType::Plain(kind) = header.dtype() else {
            return Err(input.wrong("holds records, not numbers".into()));
        };
        let size = kind.size_field();
        let count = header.shape().iter().try_fold(1u64, |count, &n| count.checked_mul(n));
        let needed = count.and_then(|count| count.checked_mul(size));
        let needed = needed.ok_or_else(|| input.wrong(TOO_MANY.into()))?;
        let found = input.length.saturating_sub(bytes.len() as u64);
        if found < needed {
            return Err(input.wrong(format!(
                "is cut short: {found} bytes of data where its shape needs {needed}"
            )));
        }
        Ok(Self { input, bytes, header, shape, size, needed })
    }

    /// Rows and columns.
    ///
    /// # Errors
    /// Not two axes.
    pub(crate) fn matrix_shape(&self) -> Result<(usize, usize), CliError> {
        matrix_shape(&self.shape).map_err(|reason| self.input.wrong(reason))
    }

    /// The whole array.
    ///
    /// # Errors
    /// As [`read`].
    pub(crate) fn whole(mut self) -> Result<Npy, CliError> {
        // As they are, and as numbers.
        self.input.check_memory(self.needed.saturating_mul(2))?;
        self.input.read(self.needed, &mut self.bytes)?;
        self.decoded(&self.bytes)
    }

    /// The block of rows and columns of a matrix, which alone is read.
    ///
    /// # Errors
    /// As [`read`]; not two axes.
    pub(crate) fn block(
        mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Npy, CliError> {
        let (m, n) = self.matrix_shape()?;
        if (&rows, &columns) == (&(0..m), &(0..n)) {
            return self.whole();
        }
        let (rows, columns) = (rows.start..rows.end.min(m), columns.start..columns.end.min(n));
        let shape = [rows.len(), columns.len()];
        let needed = (rows.len() as u64).saturating_mul(columns.len() as u64);
        self.input.check_memory(needed.saturating_mul(self.size).saturating_mul(2))?;
        let mut bytes = self.header_of(shape);
        // One run of neighbours for a row where they lie so, else element by element.
        let (order, size) = (self.header.order(), self.size as usize);
        let run = if order == Order::C { columns.len() } else { 1 };
        let mut now = self.bytes.len() as u64;
        let start = now;
        let mut reader = BufReader::with_capacity(AT_ONCE, &mut self.input.file);
        for row in rows {
            for column in columns.clone().step_by(run.max(1)) {
                let index = if order == Order::C { row * n + column } else { column * m + row };
                let place = start + index as u64 * self.size;
                let old = bytes.len();
                bytes.resize(old + run * size, 0);
                // Both are places in a file, which are below 2^63.
                let read = reader.seek_relative(place as i64 - now as i64);
                let read = read.and_then(|()| reader.read_exact(&mut bytes[old..]));
                read.map_err(|source| CliError::Read { path: self.input.path.clone(), source })?;
                now = place + (run * size) as u64;
            }
        }
        self.decoded(&bytes)
    }

    /// The header of a row-major file of such numbers.
    fn header_of(&self, [rows, columns]: [usize; 2]) -> Vec<u8> {
        let descr = self.header.dtype().descr();
        let text =
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    /// The array in the bytes of a whole file.
    fn decoded(&self, bytes: &[u8]) -> Result<Npy, CliError> {
        let name = self.input.path.display().to_string();
        decode(bytes)
            .map(|(shape, values)| Npy { shape, values, name })
            .map_err(|reason| self.input.wrong(reason))
    }
}

/// The array in bytes that are in memory, as in an archive; `name` is the file's.
///
/// # Errors
/// What is not a whole `.npy` file of numbers, and why.
pub(crate) fn of_bytes(name: &str, bytes: &[u8]) -> Result<Npy, String> {
    check_header(bytes)?;
    let (shape, values) = decode(bytes)?;
    Ok(Npy { shape, values, name: name.to_owned() })
}

/// Bytes that are read at once where elements lie apart.
const AT_ONCE: usize = 4096;

/// Reads the header and no more; it is sound as far as [`check_header`] says.
///
/// # Errors
/// What is not the header of a `.npy` file.
pub(super) fn read_header(input: &mut Input) -> Result<Vec<u8>, CliError> {
    /// More than any header of numbers.
    const LONGEST: u64 = 1 << 16;
    let mut bytes = Vec::new();
    input.read(input.length.min(10), &mut bytes)?;
    let length = match bytes[..] {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b] => u16::from_le_bytes([a, b]).into(),
        [0x93, b'N', b'U', b'M', b'P', b'Y', _, _, a, b] if input.length >= 12 => {
            input.read(2, &mut bytes)?;
            u64::from(u32::from_le_bytes([a, b, bytes[10], bytes[11]]))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => u64::MAX,
        _ => return Err(input.wrong("not a .npy file: it does not begin with \\x93NUMPY".into())),
    };
    if input.length.saturating_sub(bytes.len() as u64) < length {
        return Err(input.wrong("not a .npy file: it ends within its header".into()));
    }
    if length > LONGEST {
        return Err(input.wrong(format!(
            "not a .npy file of numbers: its header has {length} bytes, more than {LONGEST}"
        )));
    }
    input.read(length, &mut bytes)?;
    check_header(&bytes).map_err(|reason| input.wrong(reason))?;
    Ok(bytes)
}

/// The array in the bytes of a file whose header was checked.
fn decode(bytes: &[u8]) -> Result<(Vec<usize>, Values), String> {
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
    if (class, size, kind.endianness()) == (TypeChar::Float, 4, Endianness::Little) {
        // What most files hold, without a call per element.
        return Ok((shape.clone(), Values::F32(row_major(floats(file)?, &shape, order))));
    }
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

const TOO_MANY: &str = "its shape has more elements than memory can hold";

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
            elements = elements.checked_mul(value).filter(|&n| n < 1 << 60).ok_or(TOO_MANY)?;
        }
        if depth > DEEPEST {
            return Err("not a .npy file: its header is nested too deeply".into());
        }
    }
    Ok(())
}

fn elements<T: npyz::Deserialize>(file: NpyFile<&[u8]>, size: u64) -> Result<Vec<T>, String> {
    let header = file.header().clone();
    let data = data(file, size)?;
    NpyFile::with_header(header, data).into_vec().map_err(|e| e.to_string())
}

/// Floats of 32 bits, the low byte first.
fn floats(file: NpyFile<&[u8]>) -> Result<Vec<f32>, String> {
    let count = usize::try_from(file.len()).map_err(|_| TOO_MANY.to_owned())?;
    let data = data(file, 4)?.as_chunks::<4>().0.iter().take(count);
    let mut floats = Vec::with_capacity(data.len());
    advise_large_pages(floats.spare_capacity_mut());
    floats.extend(data.map(|&bytes| f32::from_le_bytes(bytes)));
    Ok(floats)
}

/// The bytes of all elements, of so many bytes each.
fn data(file: NpyFile<&[u8]>, size: u64) -> Result<&[u8], String> {
    let count = file.len();
    let data = file.into_inner();
    let (wanted, found) = (count.saturating_mul(size), data.len() as u64);
    if found < wanted {
        return Err(format!("is cut short: {found} bytes of data where its shape needs {wanted}"));
    }
    Ok(data)
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

fn matrix_shape(shape: &[usize]) -> Result<(usize, usize), String> {
    match *shape {
        [rows, columns] => Ok((rows, columns)),
        _ => Err(format!("has shape {shape:?}; a matrix (2 axes) is needed")),
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
        matrix_shape(&self.shape).map_err(|reason| self.wrong(reason))
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
