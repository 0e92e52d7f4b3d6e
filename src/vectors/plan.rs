//! What is to be generated, or was: the header of a file as a value.

use super::draw::Draw;
use super::product::{Lengths, ProductShape};
use super::table::VectorTable;
use super::trace::{self, Place};
use super::{
    FieldRole, ProductJob, QuantizeJob, RequantizeJob, ScalarJob, VectorClass, VectorContent,
    VectorError, VectorField, VectorOp, VectorStyle,
};
use crate::reference::RandomBits;

/// Combinations that are enumerated.
const MOST_COMBINATIONS: u64 = 1 << 22;
/// Words of all rows together.
const MOST_WORDS: u64 = 1 << 27;
/// Stimuli that are drawn for a row before it is given up.
const ATTEMPTS: u32 = 16;

/// What a vector is of, with everything that its result is determined by.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VectorJob {
    /// An operation on codes, or a conversion.
    Scalar(ScalarJob),
    /// Numbers as codes, or as codes and scales.
    Quantize(QuantizeJob),
    /// Accumulators' values as integers.
    Requantize(RequantizeJob),
    /// Sums of products.
    Product(ProductJob),
}

/// Where stimuli come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorSource {
    /// They are drawn.
    Drawn {
        /// Which ones.
        style: VectorStyle,
        /// How many; of all combinations as many as there are.
        count: u64,
    },
    /// They are given, so many.
    Given {
        /// How many.
        count: u64,
    },
}

/// A file of vectors, but for its rows.
///
/// ```
/// use fewbit::formats::{Format, Overflow, Policy, Rounding};
/// use fewbit::vectors::{
///     ScalarJob, VectorContent, VectorJob, VectorOp, VectorPlan, VectorSource, VectorStyle,
/// };
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let job = ScalarJob::new(VectorOp::Mul, &[Format::E2M1FN; 2], Format::E2M1FN, policy)?;
/// let plan = VectorPlan {
///     job: VectorJob::Scalar(job),
///     source: VectorSource::Drawn { style: VectorStyle::Exhaustive, count: 0 },
///     seed: 0,
///     content: VectorContent::Vectors,
/// };
/// let table = plan.generate()?.table;
/// assert_eq!(table.len(), 256);
/// assert_eq!(table.row(0x77), [7, 7, 7, 5]); // 6 * 6 = 36 saturates to 6: inexact, overflow
/// # Ok::<(), fewbit::vectors::VectorError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct VectorPlan {
    /// What vectors are of.
    pub job: VectorJob,
    /// Where stimuli come from.
    pub source: VectorSource,
    /// The seed of stimuli and of roundings.
    pub seed: u64,
    /// What a row is.
    pub content: VectorContent,
}

/// Stimuli that are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Their class.
    pub class: VectorClass,
    /// How many.
    pub count: u64,
    /// Why.
    pub reason: String,
}

/// Rows, and stimuli that are not among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The rows.
    pub table: VectorTable,
    /// Stimuli that the formats cannot have or that have no result, by class and reason.
    pub left_out: Vec<LeftOut>,
}

impl VectorPlan {
    /// The operation.
    #[must_use]
    pub fn op(&self) -> VectorOp {
        match &self.job {
            VectorJob::Scalar(job) => job.op(),
            VectorJob::Quantize(_) => VectorOp::Quantize,
            VectorJob::Requantize(_) => VectorOp::Requantize,
            VectorJob::Product(job) => job.op(),
        }
    }

    fn lengths(&self) -> Lengths {
        match self.source {
            VectorSource::Drawn { style: VectorStyle::Edges | VectorStyle::Mixed, .. } => {
                Lengths::Drawn
            }
            _ => Lengths::Whole,
        }
    }

    /// The fields of a vector: stimuli first, then random bits, then what is expected.
    #[must_use]
    pub fn vector_fields(&self) -> Vec<VectorField> {
        match &self.job {
            VectorJob::Scalar(job) => job.fields(),
            VectorJob::Quantize(job) => job.fields(),
            VectorJob::Requantize(job) => job.fields(),
            VectorJob::Product(job) => job.fields(self.lengths()),
        }
    }

    /// The fields of a row.
    ///
    /// # Errors
    /// A trace of what has no steps.
    pub fn fields(&self) -> Result<Vec<VectorField>, VectorError> {
        match (self.content, &self.job) {
            (VectorContent::Vectors, _) => Ok(self.vector_fields()),
            (VectorContent::Trace, VectorJob::Product(job)) => Ok(trace::fields(job)),
            _ => Err(VectorError::NoSteps { op: self.op().name() }),
        }
    }

    /// Rows of the plan, as far as they are known before the stimuli are: of a trace the most.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let (VectorSource::Drawn { count, .. } | VectorSource::Given { count }) = self.source;
        match (&self.job, self.content) {
            (VectorJob::Product(job), VectorContent::Trace) => {
                let ProductShape { m, k, n } = job.shape();
                let outputs = (m as u64).saturating_mul(n as u64);
                outputs.saturating_mul(k as u64).saturating_mul(count)
            }
            _ => count,
        }
    }

    /// Bits of a vector's stimuli: 2 to the power of it is the number of combinations.
    #[must_use]
    pub fn input_bits(&self) -> u64 {
        let fields = self.vector_fields();
        let inputs = fields.iter().filter(|field| field.role == FieldRole::Input);
        inputs.fold(0u64, |sum, field| {
            sum.saturating_add(u64::from(field.format.bits()).saturating_mul(field.words() as u64))
        })
    }

    /// Refuses what is more than is kept.
    ///
    /// # Errors
    /// Too many words, or rows of none.
    pub fn check(&self) -> Result<(), VectorError> {
        let fields = self.fields()?;
        let words = |fields: &[VectorField]| {
            fields.iter().fold(0u64, |sum, field| sum.saturating_add(field.words() as u64))
        };
        let (VectorSource::Drawn { count, .. } | VectorSource::Given { count }) = self.source;
        let is_exhaustive =
            matches!(self.source, VectorSource::Drawn { style: VectorStyle::Exhaustive, .. });
        if count == 0 && !is_exhaustive {
            return Err(VectorError::Zero { what: "the number of vectors" });
        }
        let vectors = words(&self.vector_fields());
        for (rows, words) in [(self.rows(), words(&fields)), (count, vectors)] {
            if rows.max(1).saturating_mul(words) > MOST_WORDS {
                return Err(VectorError::TooMany { rows, words, most: MOST_WORDS });
            }
        }
        Ok(())
    }

    /// The rows that the plan says.
    ///
    /// The stimuli of a vector depend on the seed and on its index alone.
    ///
    /// # Errors
    /// As [`Self::check`]; more combinations than are enumerated; stimuli that are given; none that has a result.
    pub fn generate(&self) -> Result<Generated, VectorError> {
        self.check()?;
        let VectorSource::Drawn { style, count } = self.source else {
            return Err(VectorError::Given);
        };
        let generated = match style {
            VectorStyle::Exhaustive => self.enumerate()?,
            _ => self.draw(style, count)?,
        };
        match self.content {
            VectorContent::Vectors => Ok(generated),
            VectorContent::Trace => {
                Ok(Generated { table: self.trace_of(&generated.table)?, ..generated })
            }
        }
    }

    /// Rows of given stimuli: the words of the input fields, vector by vector.
    ///
    /// # Errors
    /// Words that make no vectors; a vector that has no result.
    pub fn given(&self, inputs: &[u64]) -> Result<VectorTable, VectorError> {
        let fields = self.vector_fields();
        let width = inputs_of(&fields);
        if width == 0 || !inputs.len().is_multiple_of(width) {
            return Err(VectorError::Words { found: inputs.len(), row: width });
        }
        let mut table = VectorTable::new(fields);
        for (index, inputs) in inputs.chunks(width).enumerate() {
            let row = self.complete(inputs, index as u64);
            let row = row.map_err(|reason| VectorError::NoResult { reason })?;
            table.push(VectorClass::Given, &row);
        }
        match self.content {
            VectorContent::Vectors => Ok(table),
            VectorContent::Trace => self.trace_of(&table),
        }
    }

    /// The rows that `found` should be, by its own stimuli; a row without a result, or one that is not there, is as it was
    /// found.
    ///
    /// # Errors
    /// Rows that are not the plan's.
    pub fn recompute(&self, found: &VectorTable) -> Result<VectorTable, VectorError> {
        let fields = self.fields()?;
        if found.fields() != fields {
            return Err(VectorError::Words { found: found.words().len(), row: found.stride() });
        }
        if self.content == VectorContent::Trace {
            return self.recompute_trace(found);
        }
        let width = inputs_of(&fields);
        let mut table = VectorTable::new(fields);
        for row in 0..found.len() {
            let words = found.row(row);
            let inputs = words.get(..width).unwrap_or_default();
            match self.complete(inputs, row as u64) {
                Ok(row) => table.push(VectorClass::Given, &row),
                Err(_) => table.push(VectorClass::Given, words),
            }
        }
        Ok(table)
    }

    /// The row of these inputs of vector `index`.
    pub(super) fn complete(&self, inputs: &[u64], index: u64) -> Result<Vec<u64>, String> {
        match &self.job {
            VectorJob::Scalar(job) => job.complete(inputs, self.seed, index),
            VectorJob::Quantize(job) => job.complete(inputs, self.seed, index),
            VectorJob::Requantize(job) => job.complete(inputs, self.seed, index),
            VectorJob::Product(job) => job.complete(self.lengths(), inputs, self.seed, index),
        }
    }

    fn classes(&self) -> &'static [VectorClass] {
        match &self.job {
            VectorJob::Scalar(job) => job.classes(),
            VectorJob::Quantize(job) => job.classes(),
            VectorJob::Requantize(job) => job.classes(),
            VectorJob::Product(job) => job.classes(),
        }
    }

    fn stimulus(&self, class: VectorClass, draw: &mut Draw) -> Option<Vec<u64>> {
        match &self.job {
            VectorJob::Scalar(job) => job.stimulus(class, draw),
            VectorJob::Quantize(job) => job.stimulus(class, draw),
            VectorJob::Requantize(job) => job.stimulus(class, draw),
            VectorJob::Product(job) => job.stimulus(self.lengths(), class, draw),
        }
    }

    fn draw(&self, style: VectorStyle, count: u64) -> Result<Generated, VectorError> {
        let mut table = VectorTable::new(self.vector_fields());
        let mut left_out = Vec::new();
        let classes = self.classes();
        for index in 0..count {
            let mut draw = Draw::new(self.seed, index);
            let edge = match style {
                VectorStyle::Edges => Some(index),
                VectorStyle::Mixed if index % 2 == 0 => Some(index / 2),
                _ => None,
            };
            // From the row's own class on, and anything where no class has a stimulus.
            let turn = |edge: u64| {
                let start = (edge % classes.len().max(1) as u64) as usize;
                classes[start..].iter().chain(&classes[..start]).copied().collect::<Vec<_>>()
            };
            let mut order = edge.map(turn).unwrap_or_default();
            order.push(VectorClass::Random);
            let (class, row) = self.first_of(&order, &mut draw, index, &mut left_out)?;
            table.push(class, &row);
        }
        Ok(Generated { table, left_out })
    }

    /// The first class of these that has a stimulus with a result.
    fn first_of(
        &self,
        order: &[VectorClass],
        draw: &mut Draw,
        index: u64,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<(VectorClass, Vec<u64>), VectorError> {
        let mut last = "no stimulus was found".to_owned();
        for &class in order {
            for _ in 0..ATTEMPTS {
                let Some(inputs) = self.stimulus(class, draw) else {
                    note(left_out, class, "these formats have none, or none was found");
                    break;
                };
                match self.complete(&inputs, index) {
                    Ok(row) => return Ok((class, row)),
                    Err(reason) => {
                        note(left_out, class, &general(&reason));
                        last = reason;
                    }
                }
            }
        }
        Err(VectorError::NoResult { reason: last })
    }

    fn enumerate(&self) -> Result<Generated, VectorError> {
        let fields = self.vector_fields();
        let inputs: Vec<_> = fields.iter().filter(|field| field.role == FieldRole::Input).collect();
        let bits = self.input_bits();
        if bits > u64::from(MOST_COMBINATIONS.ilog2()) {
            let count = match bits {
                ..=40 => (1u64 << bits).to_string(),
                _ => format!("2^{bits}"),
            };
            return Err(VectorError::Exhaustive { count, most: MOST_COMBINATIONS });
        }
        let formats: Vec<_> = inputs
            .iter()
            .flat_map(|field| std::iter::repeat_n(field.format, field.words()))
            .collect();
        let (mut table, mut left_out) = (VectorTable::new(fields), Vec::new());
        for combination in 0..1u64 << bits {
            let mut rest = combination;
            let mut words: Vec<u64> = formats
                .iter()
                .rev()
                .map(|format| {
                    let word = rest & format.mask();
                    rest = rest.checked_shr(format.bits()).unwrap_or(0);
                    word
                })
                .collect();
            words.reverse();
            if let Some(format) =
                formats.iter().zip(&words).find_map(|(format, &word)| match format {
                    super::FieldFormat::Codes(codes)
                        if !super::codes::is_code(*codes, word as u32) =>
                    {
                        Some(codes)
                    }
                    _ => None,
                })
            {
                let reason = format!("a code that stands for nothing in {format}");
                note(&mut left_out, VectorClass::Exhaustive, &reason);
                continue;
            }
            match self.complete(&words, table.len() as u64) {
                Ok(row) => table.push(VectorClass::Exhaustive, &row),
                Err(reason) => note(&mut left_out, VectorClass::Exhaustive, &general(&reason)),
            }
        }
        match table.is_empty() {
            true => Err(VectorError::NoResult { reason: "all combinations were".into() }),
            false => Ok(Generated { table, left_out }),
        }
    }

    /// The cycles of all outputs of these vectors.
    fn trace_of(&self, vectors: &VectorTable) -> Result<VectorTable, VectorError> {
        let VectorJob::Product(job) = &self.job else {
            return Err(VectorError::NoSteps { op: self.op().name() });
        };
        let mut table = VectorTable::new(trace::fields(job));
        let width = inputs_of(vectors.fields());
        let refused = |reason| VectorError::NoResult { reason };
        let ProductShape { m, n, .. } = job.shape();
        for index in 0..vectors.len() {
            let inputs = vectors.row(index).get(..width).unwrap_or_default();
            let class = vectors.classes().get(index).copied().unwrap_or(VectorClass::Given);
            for (row, col) in (0..m).flat_map(|row| (0..n).map(move |col| (row, col))) {
                let codes =
                    job.output_codes(self.lengths(), inputs, (row, col)).map_err(refused)?;
                let output = job.output_index(index as u64, (row, col));
                let random = RandomBits { seed: self.seed, output };
                let place = Place { vector: index as u64, row, col };
                trace::cycles(job, &mut table, class, place, &codes, random).map_err(refused)?;
            }
        }
        Ok(table)
    }

    /// The cycles that given ones should be: outputs of K cycles each, in order.
    fn recompute_trace(&self, found: &VectorTable) -> Result<VectorTable, VectorError> {
        let VectorJob::Product(job) = &self.job else {
            return Err(VectorError::NoSteps { op: self.op().name() });
        };
        let ProductShape { m, k, n } = job.shape();
        let mut table = VectorTable::new(trace::fields(job));
        let outputs = m.saturating_mul(n).max(1);
        for first in (0..found.len()).step_by(k.max(1)) {
            let length = k.min(found.len() - first);
            let output = first / k.max(1);
            let (vector, within) = (output / outputs, output % outputs);
            let place =
                Place { vector: vector as u64, row: within / n.max(1), col: within % n.max(1) };
            let codes = trace::codes_of(found, first, length);
            let random = RandomBits {
                seed: self.seed,
                output: job.output_index(place.vector, (place.row, place.col)),
            };
            let before = table.len();
            let made = trace::cycles(job, &mut table, VectorClass::Given, place, &codes, random);
            if made.is_err() {
                for row in first + (table.len() - before)..first + length {
                    table.push(VectorClass::Given, found.row(row));
                }
            }
        }
        Ok(table)
    }
}

/// Words of the stimuli, which come first.
pub(super) fn inputs_of(fields: &[VectorField]) -> usize {
    let inputs = fields.iter().filter(|field| field.role == FieldRole::Input);
    inputs.fold(0usize, |sum, field| sum.saturating_add(field.words()))
}

/// Counts a stimulus that is not there.
fn note(left_out: &mut Vec<LeftOut>, class: VectorClass, reason: &str) {
    match left_out.iter_mut().find(|old| old.class == class && old.reason == reason) {
        Some(old) => old.count += 1,
        None => left_out.push(LeftOut { class, count: 1, reason: reason.to_owned() }),
    }
}

/// A refusal without the numbers of the case, so that those of one kind are counted together.
fn general(reason: &str) -> String {
    let mut text = String::with_capacity(reason.len());
    for word in reason.split(' ') {
        let is_number = word
            .starts_with(|c: char| c.is_ascii_digit() || c == '-' && word.len() > 1)
            && !word
                .contains(|c: char| c.is_ascii_alphabetic() && c != 'x' && c != 'e' && c != 'p');
        let word = if is_number { "N" } else { word };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
