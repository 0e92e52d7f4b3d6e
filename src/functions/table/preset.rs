//! Tables as stacks have them.

use fewbit_formats::{Format, NanPolicy, Overflow, Rounding};

use super::address::TableAddress;
use super::choices::{EntryArithmetic, EntryOrder, Fill, Interpolation, Outside};
use super::error::TableError;
use super::function::Function;
use super::scaled::ScaledFormat;
use super::spec::TableSpec;
use crate::named::named;

named! {
    TableError;
    /// A table under the name of a stack.
    ///
    /// ```
    /// use fewbit::functions::table::TablePreset;
    /// let preset: TablePreset = "tflite-int16".parse()?;
    /// let spec = preset.spec("exp".parse()?, "int16*0.0003".parse()?, "int16*0.0007".parse()?, None)?;
    /// assert_eq!(spec.entry_count(), 513);
    /// # Ok::<(), fewbit::functions::table::TableError>(())
    /// ```
    "table preset" => pub enum TablePreset {
        /// An entry for every code, computed in f64, ties to even, saturated: 256 entries for 8 bits.
        Direct = "direct",
        /// TFLite's of 8 bits (`LUTPopulateInt8`): an entry for every code, in float32, ties away from zero, saturated, in the
        /// order of the codes' bits. Scales are rounded to float32.
        TfliteInt8 = "tflite-int8",
        /// TFLite's of int16 (`LUTPopulateInt16`, `LUTLookup`): 513 entries, 9 bits of index, 7 of offset, corrected for the
        /// error in the middle of each line. Scales are rounded to float32.
        TfliteInt16 = "tflite-int16",
        /// hls4ml's of sigmoid, softplus, softsign and exp (-8 to 8), tanh (-4 to 4): `size` steps, rounded toward 0, clamped;
        /// entries truncated, wrapping. The size is 1024 unless stated.
        Hls4ml = "hls4ml",
        /// hls4ml's of the softmax's exponential and reciprocal: the top bits of the input, as many as `size` takes; entries
        /// rounded half up, saturated, in the order of the codes' bits.
        Hls4mlSoftmax = "hls4ml-softmax",
    }
}

impl TablePreset {
    /// The table of a function.
    ///
    /// # Errors
    /// A function that the stack has no table of; formats that it does not have; a size for a preset that has none, or one
    /// that is no power of two for bits of a code.
    pub fn spec(
        self,
        function: Function,
        input: ScaledFormat,
        output: ScaledFormat,
        size: Option<u32>,
    ) -> Result<TableSpec, TableError> {
        if let (Some(size), Self::Direct | Self::TfliteInt8 | Self::TfliteInt16) = (size, self) {
            let what = format!("a size of {size}");
            return Err(TableError::together(what, self, "its number of entries is fixed"));
        }
        match self {
            Self::Direct => TableSpec::new(function, input, output),
            Self::TfliteInt8 => {
                let (input, output) = (single(self, input, 8)?, single(self, output, 8)?);
                let spec = TableSpec {
                    evaluation: EntryArithmetic::Tflite,
                    order: EntryOrder::Code,
                    ..TableSpec::unchecked(function, input, output)
                };
                tflite(spec)
            }
            Self::TfliteInt16 => {
                let (input, output) = (single(self, input, 16)?, single(self, output, 16)?);
                let spec = TableSpec {
                    interpolation: Interpolation::Linear { fraction_bits: 7 },
                    fill: Fill::TfliteMidpoint,
                    evaluation: EntryArithmetic::Tflite,
                    ..TableSpec::unchecked(function, input, output)
                };
                tflite(spec)
            }
            Self::Hls4ml => hls4ml(function, input, output, size.unwrap_or(1024)),
            Self::Hls4mlSoftmax => hls4ml_softmax(function, input, output, size.unwrap_or(1024)),
        }
    }
}

/// Entries with ties away from zero, and the end of the range that TFLite takes where there is no value.
fn tflite(spec: TableSpec) -> Result<TableSpec, TableError> {
    let nan = match spec.function {
        Function::Log => NanPolicy::Smallest,
        Function::Rsqrt => NanPolicy::Largest,
        _ => NanPolicy::Error,
    };
    spec.with_policy(Rounding::TiesAway, Overflow::Saturate, nan)
}

/// An integer of so many bits with its scale as float32.
fn single(
    preset: TablePreset,
    scaled: ScaledFormat,
    bits: u32,
) -> Result<ScaledFormat, TableError> {
    let format = scaled.format();
    let signed = bits == 8 || format.is_signed();
    if !matches!(format, Format::Int(int) if int.bits() == bits && signed && int.max() - int.min() == (1 << bits) - 1)
    {
        let remedy = "it has int8 and uint8, or int16, on both sides";
        return Err(TableError::together(preset, format, remedy));
    }
    ScaledFormat::new(format, (scaled.scale() as f32).into(), scaled.zero_point())
}

fn hls4ml(
    function: Function,
    input: ScaledFormat,
    output: ScaledFormat,
    size: u32,
) -> Result<TableSpec, TableError> {
    // The table covers -reach to reach.
    let reach = match function {
        Function::Tanh => 4,
        Function::Sigmoid | Function::Softplus | Function::Softsign | Function::Exp => 8,
        _ => {
            let expected = "sigmoid, tanh, exp, softplus, softsign".to_owned();
            let (function, evaluation) = (function.name(), "hls4ml");
            return Err(TableError::Function { function, evaluation, expected });
        }
    };
    if !size.is_multiple_of(2) {
        return Err(TableError::number(
            "size",
            size,
            "an even number, half of it on either side of 0",
        ));
    }
    let per_unit = f64::from(size) / f64::from(2 * reach);
    let address = TableAddress::Step { per_unit, first: -i64::from(size / 2), size };
    TableSpec {
        evaluation: EntryArithmetic::Hls4ml,
        address,
        rounding: Rounding::TowardZero,
        outside: Outside::Clamp,
        ..TableSpec::unchecked(function, input, output)
    }
    .with_policy(Rounding::Down, Overflow::Wrap, NanPolicy::Error)
}

fn hls4ml_softmax(
    function: Function,
    input: ScaledFormat,
    output: ScaledFormat,
    size: u32,
) -> Result<TableSpec, TableError> {
    if !matches!(function, Function::Exp | Function::ExpNegated | Function::Reciprocal) {
        let expected = "exp, exp-negated, reciprocal".to_owned();
        let (function, evaluation) = (function.name(), "hls4ml's softmax");
        return Err(TableError::Function { function, evaluation, expected });
    }
    let bits = input.format().bits();
    if !size.is_power_of_two() || size < 2 || size.ilog2() > bits {
        let expected = "a power of two from 2 up, of at most as many bits as the input";
        return Err(TableError::number("size", size, expected));
    }
    let address = TableAddress::Slice { high: bits - 1, low: bits - size.ilog2() };
    TableSpec {
        evaluation: EntryArithmetic::Hls4ml,
        address,
        order: EntryOrder::Code,
        ..TableSpec::unchecked(function, input, output)
    }
    .with_policy(Rounding::TiesUp, Overflow::Saturate, NanPolicy::Error)
}
