//! Everything that a table is determined by.

use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding};

use super::address::TableAddress;
use super::choices::{EntryArithmetic, EntryOrder, Fill, Interpolation, Outside};
use super::error::TableError;
use super::function::Function;
use super::scaled::{ScaledFormat, check_rounding};

/// A table, described: function, input, address, entries, what lies between and beyond.
///
/// It is read and printed as one line; parts that are not given are those of [`TableSpec::new`]:
///
/// ```text
/// table := function ("," key "=" value)*
/// in      input format, scale, zero point            ScaledFormat
/// out     format of the entries                      ScaledFormat
/// address which entry an input has                   TableAddress      [every code]
/// round   rounding of the address                    Rounding          [down]
/// outside an input beyond the table                  Outside           [clamp]
/// between                                            Interpolation     [none]
/// fill    where entries are sampled                  Fill              [points]
/// by      whose arithmetic                           EntryArithmetic        [f64]
/// out-round, out-overflow, nan   of entries          Rounding, Overflow, NanPolicy  [ties-even, saturate, error]
/// order   of entries in memory                       EntryOrder        [ascending]
/// ```
///
/// ```
/// use fewbit::functions::table::TableSpec;
/// let text = "sigmoid,in=fix16.10,out=fix18.10,address=step64:-512:1024,round=toward-zero,out-round=down,out-overflow=wrap";
/// let table: TableSpec = text.parse()?;
/// assert_eq!(table.to_string().parse::<TableSpec>()?, table);
/// assert_eq!(table.entry_count(), 1024);
/// # Ok::<(), fewbit::functions::table::TableError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableSpec {
    pub(super) function: Function,
    pub(super) input: ScaledFormat,
    pub(super) output: ScaledFormat,
    pub(super) address: TableAddress,
    pub(super) rounding: Rounding,
    pub(super) outside: Outside,
    pub(super) interpolation: Interpolation,
    pub(super) fill: Fill,
    pub(super) evaluation: EntryArithmetic,
    pub(super) policy: Policy,
    pub(super) order: EntryOrder,
}

impl TableSpec {
    /// An entry for every code, computed in f64 and rounded to the nearest; saturated; NaN is an error.
    ///
    /// # Errors
    /// An input of more than 20 bits.
    ///
    /// ```
    /// use fewbit::functions::table::{Function, Table, TableSpec};
    /// let spec = TableSpec::new(Function::Sigmoid, "int8*0.0625".parse()?, "uint8*0.00390625".parse()?)?;
    /// let table = Table::new(spec)?;
    /// assert_eq!(table.entries().len(), 256);
    /// assert_eq!(table.entries()[128], 128); // sigmoid(0) = 1/2
    /// # Ok::<(), fewbit::functions::table::TableError>(())
    /// ```
    pub fn new(
        function: Function,
        input: ScaledFormat,
        output: ScaledFormat,
    ) -> Result<Self, TableError> {
        Self::unchecked(function, input, output).checked()
    }

    pub(super) const fn unchecked(
        function: Function,
        input: ScaledFormat,
        output: ScaledFormat,
    ) -> Self {
        Self {
            function,
            input,
            output,
            address: TableAddress::every_code(input.format()),
            rounding: Rounding::Down,
            outside: Outside::Clamp,
            interpolation: Interpolation::None,
            fill: Fill::Points,
            evaluation: EntryArithmetic::F64,
            policy: Policy::new(Rounding::TiesEven, Overflow::Saturate),
            order: EntryOrder::Ascending,
        }
    }

    /// With another address rule, its rounding, and a policy for inputs beyond it.
    ///
    /// # Errors
    /// Bits that a code does not have; more than 2^20 entries; a stochastic rounding.
    pub fn with_address(
        self,
        address: TableAddress,
        rounding: Rounding,
        outside: Outside,
    ) -> Result<Self, TableError> {
        Self { address, rounding, outside, ..self }.checked()
    }

    /// With lines between entries, which take the low bits of the address.
    ///
    /// # Errors
    /// As many bits as the address has, or more; entries or inputs that are no integers or fixed point.
    pub fn with_interpolation(self, interpolation: Interpolation) -> Result<Self, TableError> {
        Self { interpolation, ..self }.checked()
    }

    /// With entries by another arithmetic, sampled elsewhere.
    ///
    /// # Errors
    /// A function that the stack has no table of; TFLite's correction for what is not its table.
    pub fn with_entries(self, evaluation: EntryArithmetic, fill: Fill) -> Result<Self, TableError> {
        Self { evaluation, fill, ..self }.checked()
    }

    /// With other policies for the entries.
    ///
    /// # Errors
    /// A stochastic rounding.
    pub fn with_policy(
        self,
        rounding: Rounding,
        overflow: Overflow,
        nan: NanPolicy,
    ) -> Result<Self, TableError> {
        Self { policy: Policy::new(rounding, overflow).with_nan(nan), ..self }.checked()
    }

    /// With another order of entries in memory.
    ///
    /// # Errors
    /// The order of codes for an address that is not bits of a code, or with lines between entries.
    pub fn with_order(self, order: EntryOrder) -> Result<Self, TableError> {
        Self { order, ..self }.checked()
    }

    /// The function.
    #[must_use]
    pub const fn function(&self) -> Function {
        self.function
    }

    /// The input.
    #[must_use]
    pub const fn input(&self) -> ScaledFormat {
        self.input
    }

    /// What entries are codes of.
    #[must_use]
    pub const fn output(&self) -> ScaledFormat {
        self.output
    }

    /// The address rule.
    #[must_use]
    pub const fn address(&self) -> TableAddress {
        self.address
    }

    /// How the address is rounded.
    #[must_use]
    pub const fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// What becomes of an input beyond the table.
    #[must_use]
    pub const fn outside(&self) -> Outside {
        self.outside
    }

    /// What lies between entries.
    #[must_use]
    pub const fn interpolation(&self) -> Interpolation {
        self.interpolation
    }

    /// Where entries are sampled.
    #[must_use]
    pub const fn fill(&self) -> Fill {
        self.fill
    }

    /// Whose arithmetic makes the entries.
    #[must_use]
    pub const fn evaluation(&self) -> EntryArithmetic {
        self.evaluation
    }

    /// How entries are rounded, and what stands for those that have no code.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// The order of entries in memory.
    #[must_use]
    pub const fn order(&self) -> EntryOrder {
        self.order
    }

    /// The number of entries, the one that the last line ends at included.
    #[must_use]
    pub const fn entry_count(&self) -> usize {
        let (addresses, end) = match self.interpolation {
            Interpolation::None => (self.address_count(), 0),
            Interpolation::Linear { .. } => (self.address_count(), 1),
        };
        addresses + end
    }

    /// The number of addresses.
    pub(crate) const fn address_count(&self) -> usize {
        match self.address {
            TableAddress::Slice { high, low } => {
                1 << (high - low + 1 - self.interpolation.fraction_bits())
            }
            TableAddress::Step { size, .. } => size as usize,
        }
    }

    /// The least step of the address: that of the first entry, offset included.
    pub(crate) const fn least_step(&self) -> i64 {
        match self.address {
            TableAddress::Slice { high, low } if self.has_signed_codes() => -(1 << (high - low)),
            TableAddress::Slice { .. } => 0,
            TableAddress::Step { first, .. } => first << self.interpolation.fraction_bits(),
        }
    }

    /// Whether codes are taken as signed integers.
    const fn has_signed_codes(&self) -> bool {
        matches!(self.input.format(), Format::Int(_) | Format::Fixed(_))
            && self.input.format().is_signed()
    }

    /// The input at which an entry is sampled.
    pub(crate) fn sample(&self, index: usize) -> f64 {
        let step = self.least_step() + ((index as i64) << self.interpolation.fraction_bits());
        match self.address {
            TableAddress::Slice { low, .. } => {
                let integer = step << low;
                match self.input.fraction_bits() {
                    Some(_) => self.input.of_integer(integer),
                    None => self.input.decode(integer as u32),
                }
            }
            TableAddress::Step { per_unit, first, .. } => (first + index as i64) as f64 / per_unit,
        }
    }

    pub(super) fn checked(self) -> Result<Self, TableError> {
        check_rounding("an address", self.rounding)?;
        check_rounding("entries", self.policy.rounding)?;
        self.address.check(self.input.format(), self.interpolation.fraction_bits())?;
        self.evaluation.check(self.function)?;
        if self.interpolation != Interpolation::None {
            for scaled in [self.input, self.output] {
                if scaled.fraction_bits().is_none() {
                    let remedy = "lines take integers or fixed point";
                    return Err(TableError::together(self.interpolation, scaled.format(), remedy));
                }
            }
        }
        if self.order == EntryOrder::Code {
            let remedy = "entries in the order of codes are addressed by bits alone";
            if !matches!(self.address, TableAddress::Slice { .. }) {
                return Err(TableError::together("order=code", self.address, remedy));
            }
            if self.interpolation != Interpolation::None {
                return Err(TableError::together("order=code", self.interpolation, remedy));
            }
        }
        if self.fill == Fill::TfliteMidpoint {
            let whole = self.address == TableAddress::every_code(self.input.format());
            let integers = [self.input, self.output].map(|s| matches!(s.format(), Format::Int(_)));
            if !whole
                || integers != [true; 2]
                || self.interpolation == Interpolation::None
                || self.evaluation != EntryArithmetic::Tflite
            {
                let with = "this table";
                let remedy = "it takes integers, by=tflite, lines between entries and an address of all bits";
                return Err(TableError::together("fill=tflite-midpoint", with, remedy));
            }
        }
        Ok(self)
    }
}
