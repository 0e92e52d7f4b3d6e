//! The entries of a table.

use fewbit_formats::{EncodeError, Format, IntFormat};

use super::address::TableAddress;
use super::choices::{EntryArithmetic, EntryOrder, Fill};
use super::error::TableError;
use super::midpoint;
use super::spec::TableSpec;

/// A description with its entries.
///
/// ```
/// use fewbit::functions::table::{Table, TablePreset};
/// let spec = TablePreset::TfliteInt8.spec("tanh".parse()?, "int8*0.0625".parse()?, "int8*0.0078125".parse()?, None)?;
/// let table = Table::new(spec)?;
/// // From the least input to the greatest, and as TFLite has them in memory, by the bits of the code.
/// assert_eq!(table.entries()[128], 0);
/// assert_eq!(table.memory()[0], 0);
/// assert_eq!(table.memory()[16], 97); // tanh(1) = 0.7616 of 128
/// # Ok::<(), fewbit::functions::table::TableError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    spec: TableSpec,
    entries: Vec<u32>,
}

impl Table {
    /// Computes the entries.
    ///
    /// # Errors
    /// An entry that its format refuses: NaN, or infinity under a policy that wraps.
    pub fn new(spec: TableSpec) -> Result<Self, TableError> {
        let entries = match (spec.fill, spec.input.format(), spec.output.format()) {
            (Fill::TfliteMidpoint, Format::Int(input), Format::Int(output)) => {
                midpoint::entries(&spec, input, output)
            }
            _ => (0..spec.entry_count())
                .map(|index| entry(&spec, index))
                .collect::<Result<_, _>>()?,
        };
        Ok(Self { spec, entries })
    }

    /// The description.
    #[must_use]
    pub const fn spec(&self) -> &TableSpec {
        &self.spec
    }

    /// The codes of the entries, from the least input to the greatest.
    #[must_use]
    pub fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// The codes of the entries as they lie in memory.
    #[must_use]
    pub fn memory(&self) -> Vec<u32> {
        let mut memory = self.entries.clone();
        if let (EntryOrder::Code, TableAddress::Slice { .. }) = (self.spec.order, self.spec.address)
        {
            // Of signed codes, half are negative: those come last.
            memory.rotate_left(self.spec.least_step().unsigned_abs() as usize);
        }
        memory
    }

    /// The input at which an entry of [`Self::entries`] is sampled; of TFLite's corrected entries, the end of its interval
    /// that a code has.
    #[must_use]
    pub fn sample(&self, index: usize) -> f64 {
        self.spec.sample(index)
    }
}

/// An entry at its point.
fn entry(spec: &TableSpec, index: usize) -> Result<u32, TableError> {
    let input = spec.sample(index);
    let refused =
        |value: f64| move |source: EncodeError| TableError::Entry { index, input, value, source };
    let encoded = |value: f64| spec.output.encode(value, &spec.policy).map_err(refused(value));
    match (spec.evaluation, spec.output.format()) {
        (EntryArithmetic::F64, _) => encoded(spec.function.value(input)),
        (EntryArithmetic::Tflite, Format::Int(format)) => {
            // The integer is exact in float32, the scale is one: TFLite's product.
            let input = spec.input.scale() as f32 * (input / spec.input.scale()).round() as f32;
            let value = spec.evaluation.single(spec.function, input).unwrap_or_default();
            if value.is_nan() {
                return encoded(value.into());
            }
            tflite_code(spec, format, value).map_err(refused(value.into()))
        }
        (evaluation, _) => {
            encoded(evaluation.single(spec.function, input as f32).unwrap_or_default().into())
        }
    }
}

/// `LUTPopulateInt8`: product with the reciprocal, rounding and zero point in float32.
fn tflite_code(spec: &TableSpec, format: IntFormat, value: f32) -> Result<u32, EncodeError> {
    let inverse = 1.0 / spec.output.scale() as f32;
    let rescaled = (value * inverse).round();
    let quantized = (rescaled + spec.output.zero_point() as f32) as i32;
    Ok(format.encode(i64::from(quantized).into(), &spec.policy, 0)?.code)
}
