//! Matrices of real numbers of a format.

use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding};
use ndarray::{Array2, ArrayView2};

use super::{Addend, FloatError, Value};

/// A matrix whose elements are values of a format, with or without block scales.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatOperand {
    format: Format,
    values: Array2<f64>,
    scales: Option<Scales>,
}

/// Block scales of an operand: one for every `block` elements along k.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// The format of a scale.
    pub format: Format,
    /// Elements that share a scale.
    pub block: usize,
    /// The scales: `[M, K / block]` of a left operand, `[K / block, N]` of a right one, rounded up.
    pub values: Array2<f64>,
}

impl Scales {
    /// The scales that these codes of `format` stand for.
    ///
    /// # Errors
    /// The first code that has bits above the format's width.
    ///
    /// ```
    /// use fewbit::reference::Scales;
    /// use fewbit_formats::Format;
    /// use ndarray::array;
    /// let scales = Scales::from_codes(array![[127u32, 130]].view(), Format::E8M0FNU, 32)?;
    /// assert_eq!(scales.values, array![[1.0, 8.0]]);
    /// # Ok::<(), fewbit::reference::FloatError>(())
    /// ```
    pub fn from_codes(
        codes: ArrayView2<'_, u32>,
        format: Format,
        block: usize,
    ) -> Result<Self, FloatError> {
        let values = FloatOperand::from_codes(codes, format)?.values;
        Ok(Self { format, block, values })
    }
}

impl FloatOperand {
    /// The values of codes.
    ///
    /// # Errors
    /// The first code that has bits above the format's width, or stands for nothing.
    pub fn from_codes(codes: ArrayView2<'_, u32>, format: Format) -> Result<Self, FloatError> {
        for ((row, col), &code) in codes.indexed_iter() {
            let nothing = format.decode(code).is_nan() && !format.has_nan();
            if u64::from(code) >= format.code_count() || nothing {
                return Err(FloatError::Code { row, col, code, format, bits: format.bits() });
            }
        }
        Ok(Self { format, values: codes.mapv(|code| format.decode(code)), scales: None })
    }

    /// Numbers that are values of the format already.
    ///
    /// # Errors
    /// The first number that the format does not have.
    ///
    /// ```
    /// use fewbit::reference::FloatOperand;
    /// use ndarray::array;
    /// let e4m3fn = "e4m3fn".parse()?;
    /// assert!(FloatOperand::from_values(array![[1.125, 448.0]].view(), e4m3fn).is_ok());
    /// let error = FloatOperand::from_values(array![[1.0, 1.1]].view(), e4m3fn).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "element (0, 1) is 1.1, which e4m3fn does not have; the nearest it has is 1.125"
    /// );
    /// # Ok::<(), fewbit_formats::FormatError>(())
    /// ```
    pub fn from_values(values: ArrayView2<'_, f64>, format: Format) -> Result<Self, FloatError> {
        for ((row, col), &value) in values.indexed_iter() {
            let nearest = nearest(value, format, Rounding::TiesEven, 0);
            if nearest != value && !(nearest.is_nan() && value.is_nan()) {
                let (value, nearest) = (value.to_string(), nearest.to_string());
                return Err(FloatError::NotRepresentable { row, col, value, format, nearest });
            }
        }
        Ok(Self { format, values: values.to_owned(), scales: None })
    }

    /// Any numbers, rounded to the format; beyond its range they saturate.
    ///
    /// Stochastic modes take the bits of `seed` and of the element's row-major index.
    ///
    /// # Errors
    /// NaN where the format has none.
    pub fn rounded(
        values: ArrayView2<'_, f64>,
        format: Format,
        rounding: Rounding,
        seed: u64,
    ) -> Result<Self, FloatError> {
        let columns = values.ncols();
        Self::rounded_at(values, format, rounding, seed, |row, col| (row * columns + col) as u64)
    }

    /// [`Self::rounded`] of a part of a matrix, whose elements have the indices that `place` says of row and column.
    ///
    /// # Errors
    /// As [`Self::rounded`].
    ///
    /// ```
    /// use fewbit::reference::FloatOperand;
    /// use ndarray::{array, s};
    /// let (x, e2m1fn, random) = (array![[2.5, 2.2, 2.8, 2.4]], "e2m1fn".parse()?, "stochastic8".parse()?);
    /// let whole = FloatOperand::rounded(x.view(), e2m1fn, random, 7)?;
    /// let part = x.slice(s![.., 2..]);
    /// let part = FloatOperand::rounded_at(part, e2m1fn, random, 7, |_, col| col as u64 + 2)?;
    /// assert_eq!(part.values(), whole.values().slice(s![.., 2..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rounded_at(
        values: ArrayView2<'_, f64>,
        format: Format,
        rounding: Rounding,
        seed: u64,
        place: impl Fn(usize, usize) -> u64,
    ) -> Result<Self, FloatError> {
        let mut rounded = values.to_owned();
        for ((row, col), value) in rounded.indexed_iter_mut() {
            let random = fewbit_formats::philox::bits(seed, place(row, col));
            let result = nearest(*value, format, rounding, random);
            if value.is_nan() && !result.is_nan() {
                let (value, nearest) = (value.to_string(), result.to_string());
                return Err(FloatError::NotRepresentable { row, col, value, format, nearest });
            }
            *value = result;
        }
        Ok(Self { format, values: rounded, scales: None })
    }

    /// The same elements under block scales; whether they fit is checked when the operand's side is known.
    pub fn with_scales(self, scales: Scales) -> Self {
        Self { scales: Some(scales), ..self }
    }

    /// The format of the elements.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The elements, without their scales.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// The block scales.
    pub fn scales(&self) -> Option<&Scales> {
        self.scales.as_ref()
    }

    /// Element `(row, col)` under its scale, of which `along` is the coordinate that counts k.
    pub(super) fn addend(&self, row: usize, col: usize, along: Along) -> Addend {
        let element = Addend::new(Value::from_f64(self.values[[row, col]]), Some(self.format));
        let Some(scales) = &self.scales else {
            return element;
        };
        let scale = match along {
            Along::Columns => scales.values[[row, col / scales.block]],
            Along::Rows => scales.values[[row / scales.block, col]],
        };
        element.scaled(&Addend::new(Value::from_f64(scale), Some(scales.format)))
    }

    pub(super) fn check_scales(&self, along: Along) -> Result<(), FloatError> {
        let Some(Scales { block, values, .. }) = &self.scales else {
            return Ok(());
        };
        // A right operand is looked at transposed.
        let turn = |(rows, cols): (usize, usize)| match along {
            Along::Columns => (rows, cols),
            Along::Rows => (cols, rows),
        };
        let ((m, k), (rows, cols)) = (turn(self.values.dim()), turn(values.dim()));
        let expected = if *block == 0 { 0 } else { k.div_ceil(*block) };
        if *block == 0 || (rows, cols) != (m, expected) {
            return Err(FloatError::Scales { rows, cols, m, k, block: *block, expected });
        }
        Ok(())
    }
}

/// Which index of an operand runs along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// The second: a left operand.
    Columns,
    /// The first: a right operand.
    Rows,
}

fn nearest(value: f64, format: Format, rounding: Rounding, random: u32) -> f64 {
    let overflow = if value.is_infinite() && format.has_infinity() {
        Overflow::Special
    } else {
        Overflow::Saturate
    };
    let policy = Policy::new(rounding, overflow).with_nan(NanPolicy::Zero);
    // Both overflow policies exist in all formats, and NaN is never an error.
    format.encode(value, &policy, random).map_or(f64::NAN, |encoded| format.decode(encoded.code))
}
