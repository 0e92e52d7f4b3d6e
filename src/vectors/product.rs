//! Sums of products through an accumulator.

use std::fmt;

use fewbit_formats::{Format, GroupFormat, GroupZeroPoint, Overflow, Policy, Rounding};

use super::field::{FieldFormat, FieldRole, VectorField};
use super::table::split;
use super::{VectorError, VectorOp};
use crate::accumulate::{Accumulator, Register, required_bits};
use crate::machine::{CodeMachine, OperandFormat};
use crate::reference::{RandomBits, Value};

/// An operand: codes of a format, alone or under block scales along k.
///
/// ```
/// use fewbit::formats::{Format, GroupFormat};
/// use fewbit::vectors::ProductOperand;
/// let mxfp4 = ProductOperand::of_groups(&GroupFormat::MXFP4)?;
/// assert_eq!((mxfp4.format, mxfp4.scale), (Format::E2M1FN, Some((Format::E8M0FNU, 32))));
/// # Ok::<(), fewbit::vectors::VectorError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductOperand {
    /// The format of an element.
    pub format: Format,
    /// The format of scales, and how many elements along k share one.
    pub scale: Option<(Format, u32)>,
}

impl From<Format> for ProductOperand {
    fn from(format: Format) -> Self {
        Self { format, scale: None }
    }
}

impl ProductOperand {
    /// The elements and the scales of a group format.
    ///
    /// # Errors
    /// One with zero points, coupled scales or scales of scales.
    pub fn of_groups(groups: &GroupFormat) -> Result<Self, VectorError> {
        let plain = groups.zero_point() == GroupZeroPoint::None && groups.coupled() == 1;
        if !plain || groups.scale().outer.is_some() {
            return Err(VectorError::Operand(*groups));
        }
        let scale = Some((groups.scale().format, groups.size() as u32));
        Ok(Self { format: groups.element(), scale })
    }

    fn operand(self) -> OperandFormat {
        OperandFormat { format: self.format, scale: self.scale.map(|(format, _)| format) }
    }

    /// Whether all values are integers.
    pub(super) fn is_integer(self) -> bool {
        let integers = matches!(self.format, Format::Int(_) | Format::Binary | Format::Ternary);
        integers && self.scale.is_none()
    }

    /// Scales of `k` elements.
    pub(super) fn blocks(self, k: usize) -> Option<usize> {
        self.scale.map(|(_, size)| k.div_ceil(size.max(1) as usize))
    }
}

impl fmt::Display for ProductOperand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scale {
            None => self.format.fmt(f),
            Some((scale, size)) => write!(f, "mx({},{scale},{size})", self.format),
        }
    }
}

/// Rows, products of an output, columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductShape {
    /// Rows of the left operand.
    pub m: usize,
    /// Products of an output.
    pub k: usize,
    /// Columns of the right operand.
    pub n: usize,
}

/// A sum of products, or a product of matrices, through an accumulator.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::vectors::{ProductJob, ProductShape, VectorOp};
/// let shape = ProductShape { m: 1, k: 4, n: 1 };
/// let job = ProductJob::new(VectorOp::Dot, "int8-sat".parse()?, [Format::INT8.into(); 2], shape)?;
/// assert_eq!(job.result_format().to_string(), "int8");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ProductJob {
    op: VectorOp,
    acc: Accumulator,
    operands: [ProductOperand; 2],
    shape: ProductShape,
    result: FieldFormat,
}

/// Whether the number of products is a field of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lengths {
    /// All of K.
    Whole,
    /// Some rows have fewer.
    Drawn,
}

/// What an output's codes are.
#[derive(Clone, Debug)]
pub(super) struct OutputCodes {
    pub(super) left: Vec<(u32, Option<u32>)>,
    pub(super) right: Vec<(u32, Option<u32>)>,
}

/// An output and what happened on the way.
pub(super) struct Summed {
    pub(super) value: u64,
    /// Bit s: an overflow event in stage s.
    pub(super) events: u64,
}

impl ProductJob {
    /// A product of these operands and shape.
    ///
    /// # Errors
    /// Another operation than `dot` and `matmul`; a shape with a zero, or one of a `dot` that has rows or columns; an exact
    /// register that can need more than 64 bits; operands that a preset does not take.
    pub fn new(
        op: VectorOp,
        acc: Accumulator,
        operands: [ProductOperand; 2],
        shape: ProductShape,
    ) -> Result<Self, VectorError> {
        let ProductShape { m, k, n } = shape;
        if !matches!(op, VectorOp::Dot | VectorOp::Matmul)
            || op == VectorOp::Dot && (m, n) != (1, 1)
        {
            return Err(VectorError::Entry {
                key: "op".into(),
                found: op.to_string(),
                reason: "expected matmul, or dot with one row and one column".into(),
            });
        }
        for (what, extent) in
            [("the number of rows, m,", m), ("k", k), ("the number of columns, n,", n)]
        {
            if extent == 0 {
                return Err(VectorError::Zero { what });
            }
        }
        // A bit of a word for each stage.
        if acc.stages().len() > 64 {
            let reason =
                format!("it has {} stages, and at most 64 are taken here", acc.stages().len());
            return Err(VectorError::entry("acc", &acc.to_string(), &reason));
        }
        let [a, b] = operands;
        acc.machine_for(a.operand(), b.operand())?;
        let result = result_format(&acc, operands, k)?;
        Ok(Self { op, acc, operands, shape, result })
    }

    /// The operation.
    #[must_use]
    pub fn op(&self) -> VectorOp {
        self.op
    }

    /// The accumulator.
    #[must_use]
    pub fn acc(&self) -> &Accumulator {
        &self.acc
    }

    /// The operands.
    #[must_use]
    pub fn operands(&self) -> [ProductOperand; 2] {
        self.operands
    }

    /// Rows, products, columns.
    #[must_use]
    pub fn shape(&self) -> ProductShape {
        self.shape
    }

    /// What an output's word stands for: the last register's integer or code; of an exact register the integer, or the
    /// nearest float64.
    #[must_use]
    pub fn result_format(&self) -> FieldFormat {
        self.result
    }

    /// Whether integers run through integer stages.
    pub(super) fn is_integer(&self) -> bool {
        self.acc.is_integer() && self.operands.iter().all(|operand| operand.is_integer())
    }

    /// What the word of a register of stage `stage` stands for.
    pub(super) fn register_format(&self, stage: usize) -> FieldFormat {
        match self.acc.stages().get(stage).map(|stage| stage.register) {
            Some(Register::Int { bits, .. }) => FieldFormat::Signed(bits),
            Some(register) => match register.format() {
                Some(format) => FieldFormat::Codes(format),
                None if self.is_integer() => FieldFormat::Signed(64),
                None => FieldFormat::Float64,
            },
            None => FieldFormat::Float64,
        }
    }

    /// What the word of a product stands for.
    pub(super) fn product_format(&self) -> FieldFormat {
        let bits: u32 = self.operands.iter().map(|operand| operand.format.bits()).sum();
        // One more for the product of unsigned integers.
        if self.is_integer() {
            FieldFormat::Signed((bits + 1).min(64))
        } else {
            FieldFormat::Float64
        }
    }

    pub(super) fn stages(&self) -> u32 {
        self.acc.stages().len() as u32
    }

    /// Whether a register rounds at random.
    pub(super) fn is_random(&self) -> bool {
        self.acc.stages().iter().any(|stage| match stage.register {
            Register::Float { rounding, .. } => rounding.random_bits().is_some(),
            Register::Aligned { rounding, alignment, .. } => {
                rounding.random_bits().is_some() || alignment.random_bits().is_some()
            }
            _ => false,
        })
    }

    pub(super) fn fields(&self, lengths: Lengths) -> Vec<VectorField> {
        let ProductShape { m, k, n } = self.shape;
        let [a, b] = self.operands;
        let shaped = |rows: usize, cols: usize, along: usize| -> Vec<usize> {
            if self.op == VectorOp::Dot { vec![along] } else { vec![rows, cols] }
        };
        let outputs = if self.op == VectorOp::Dot { Vec::new() } else { vec![m, n] };
        let input = |name: &str, format: Format, shape: Vec<usize>| {
            VectorField::new(name, FieldRole::Input, FieldFormat::Codes(format), &shape)
        };
        let mut fields = Vec::new();
        if lengths == Lengths::Drawn {
            let bits = usize::BITS - k.leading_zeros();
            let format = FieldFormat::Unsigned(bits);
            fields.push(VectorField::new("length", FieldRole::Input, format, &[]));
        }
        fields.push(input("a", a.format, shaped(m, k, k)));
        if let (Some((scale, _)), Some(blocks)) = (a.scale, a.blocks(k)) {
            fields.push(input("a_scale", scale, shaped(m, blocks, blocks)));
        }
        fields.push(input("b", b.format, shaped(k, n, k)));
        if let (Some((scale, _)), Some(blocks)) = (b.scale, b.blocks(k)) {
            fields.push(input("b_scale", scale, shaped(blocks, n, blocks)));
        }
        if self.is_random() {
            let format = FieldFormat::Unsigned(64);
            fields.push(VectorField::new("random_output", FieldRole::Random, format, &outputs));
        }
        fields.push(VectorField::new("result", FieldRole::Expected, self.result, &outputs));
        let events = FieldFormat::Unsigned(self.stages());
        fields.push(VectorField::new("events", FieldRole::Expected, events, &outputs));
        fields
    }

    /// The products of a row: its length, or all of K.
    pub(super) fn length(&self, lengths: Lengths, inputs: &[u64]) -> Result<usize, String> {
        let k = self.shape.k;
        match lengths {
            Lengths::Whole => Ok(k),
            Lengths::Drawn => {
                let found = inputs.first().copied().unwrap_or(0);
                let length = usize::try_from(found).ok().filter(|length| (1..=k).contains(length));
                length.ok_or_else(|| format!("length {found} is none of 1 to {k}"))
            }
        }
    }

    /// The codes of output `(row, col)` among the inputs of a row.
    pub(super) fn output_codes(
        &self,
        lengths: Lengths,
        inputs: &[u64],
        (row, col): (usize, usize),
    ) -> Result<OutputCodes, String> {
        let (length, fields) = (self.length(lengths, inputs)?, self.fields(lengths));
        let of = |name: &str| {
            split(&fields, inputs).find(|(field, _)| field.name == name).map(|(_, words)| words)
        };
        let (left, right) = (of("a"), of("b"));
        let (left_scales, right_scales) = (of("a_scale"), of("b_scale"));
        let ProductShape { k, n, .. } = self.shape;
        let code = |words: Option<&[u64]>, at: usize| {
            words.and_then(|words| words.get(at)).copied().map(|word| word as u32)
        };
        let [a, b] = self.operands;
        let blocks = a.blocks(k).unwrap_or(0);
        let left = (0..length).map(|at| {
            let block = |size: u32| row * blocks + at / size.max(1) as usize;
            let scale = a.scale.and_then(|(_, size)| code(left_scales, block(size)));
            (code(left, row * k + at).unwrap_or(0), scale)
        });
        let right = (0..length).map(|at| {
            let block = |size: u32| at / size.max(1) as usize * n + col;
            let scale = b.scale.and_then(|(_, size)| code(right_scales, block(size)));
            (code(right, at * n + col).unwrap_or(0), scale)
        });
        Ok(OutputCodes { left: left.collect(), right: right.collect() })
    }

    /// The index that an output's random bits depend on.
    pub(super) fn output_index(&self, index: u64, (row, col): (usize, usize)) -> u64 {
        let ProductShape { m, n, .. } = self.shape;
        index.wrapping_mul((m as u64).wrapping_mul(n as u64)).wrapping_add((row * n + col) as u64)
    }

    /// The machine of an output.
    pub(super) fn machine(&self, random: RandomBits) -> Result<CodeMachine, String> {
        let [a, b] = self.operands;
        let machine = self.acc.machine_for(a.operand(), b.operand());
        machine.map(|machine| machine.with_random(random)).map_err(|error| error.to_string())
    }

    /// An output of its codes.
    pub(super) fn sum(&self, codes: &OutputCodes, random: RandomBits) -> Result<Summed, String> {
        let mut machine = self.machine(random)?;
        for (&(a, scale_a), &(b, scale_b)) in codes.left.iter().zip(&codes.right) {
            machine.push_scaled(a, b, scale_a, scale_b).map_err(|error| error.to_string())?;
        }
        let value = machine.drain().map_err(|error| error.to_string())?;
        let overflowed: Vec<bool> = match (machine.as_integer(), machine.as_float()) {
            (Some(machine), _) => machine.traces().iter().map(|trace| trace.events > 0).collect(),
            (_, Some(machine)) => {
                let reports = machine.traces().iter().map(|trace| trace.clone().report(0, 0));
                reports.map(|report| report.events > 0).collect()
            }
            _ => Vec::new(),
        };
        let bits = overflowed.iter().enumerate();
        let events = bits.fold(0, |bits, (stage, &event)| bits | u64::from(event) << stage.min(63));
        Ok(Summed { value: word(&value, self.result, "result")?, events })
    }

    /// The row of these inputs.
    pub(super) fn complete(
        &self,
        lengths: Lengths,
        inputs: &[u64],
        seed: u64,
        index: u64,
    ) -> Result<Vec<u64>, String> {
        let ProductShape { m, n, .. } = self.shape;
        let (mut outputs, mut results, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for place in (0..m).flat_map(|row| (0..n).map(move |col| (row, col))) {
            let output = self.output_index(index, place);
            let codes = self.output_codes(lengths, inputs, place)?;
            let summed = self.sum(&codes, RandomBits { seed, output })?;
            outputs.push(output);
            results.push(summed.value);
            events.push(summed.events);
        }
        let mut row = inputs.to_vec();
        if self.is_random() {
            row.extend(outputs);
        }
        row.extend(results);
        row.extend(events);
        Ok(row)
    }
}

/// The format of results.
fn result_format(
    acc: &Accumulator,
    [a, b]: [ProductOperand; 2],
    k: usize,
) -> Result<FieldFormat, VectorError> {
    let last = acc.stages().last().map_or(Register::Exact, |stage| stage.register);
    if let Register::Int { bits, .. } = last {
        return Ok(FieldFormat::Signed(bits));
    }
    if let Some(format) = last.format() {
        return Ok(FieldFormat::Codes(format));
    }
    if !(acc.is_integer() && a.is_integer() && b.is_integer()) {
        return Ok(FieldFormat::Float64);
    }
    let ends = |operand: ProductOperand| {
        [operand.format.min_finite() as i128, operand.format.max_finite() as i128]
    };
    let products = ends(a).into_iter().flat_map(|x| ends(b).map(|y| x * y));
    let sums = products.map(|product| product.saturating_mul(k as i128));
    let bits = sums.map(required_bits).max().unwrap_or(1).max(2);
    if bits > 64 {
        let (a, b) = (a.to_string(), b.to_string());
        return Err(VectorError::Wide { k, a, b, bits });
    }
    Ok(FieldFormat::Signed(bits))
}

/// A value as the word of a field.
pub(super) fn word(value: &Value, format: FieldFormat, field: &str) -> Result<u64, String> {
    let beyond = || {
        let (value, format) = (value.to_string(), format.to_string());
        VectorError::Value { value, format, field: field.into() }.to_string()
    };
    match format {
        FieldFormat::Float64 => Ok(value.to_f64().to_bits()),
        FieldFormat::Codes(format) => {
            let exact = Policy::new(Rounding::TiesEven, Overflow::Special);
            let encoded = format.encode_real(value.to_real(), &exact, 0).map_err(|_| beyond())?;
            Ok(encoded.code.into())
        }
        FieldFormat::Signed(bits) | FieldFormat::Unsigned(bits) => {
            let whole = value.finite().and_then(crate::reference::Dyadic::to_i128);
            let fits = |whole: &i128| required_bits(*whole) <= bits;
            let whole = whole.filter(fits).ok_or_else(beyond)?;
            Ok(whole as u64 & format.mask())
        }
    }
}
