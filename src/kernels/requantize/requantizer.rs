//! Slices of values to slices of outputs.

use bytemuck::cast_slice_mut;

use super::chunk::{CHUNK, Chunk, Fit, OddBlocks, Scaled};
use super::columns::BLOCK;
use super::error::RequantizeSliceError;
use super::input::{AnyInputs, AnyOutputs, RequantizeInput, RequantizeOutput, each_requantized};
use super::plan::Plan;
use super::sums::Sums;
use crate::reference::requantize::element;
use crate::requantize::Requantization;
use crate::simd::{Detected, Isa, IsaError, prefetch_to_write};
use crate::tasks;

/// Elements of one task, about; results do not depend on it.
const TASK: usize = 1 << 16;

/// Requantizes slices, in vector lanes.
///
/// Output `i` is [`element`]`(job, i, x[i])` on every instruction set and any number of threads. Runs on rayon's current
/// pool.
///
/// ```
/// use fewbit::Requantizer;
/// use fewbit::formats::Format;
/// use fewbit::requantize::{PerChannel, RequantizePolicy, Requantization};
///
/// let Format::Int(int8) = Format::INT8 else { unreachable!() };
/// let policy: RequantizePolicy = "gemmlowp".parse()?;
/// // Two channels, of scales 1/4 and 1/8.
/// let numbers = policy.parameters(&PerChannel::Channels(vec![0.25, 0.125]))?;
/// let requantizer = Requantizer::new(Requantization::new(policy, numbers, int8)?);
/// let mut outputs = [0i8; 4];
/// requantizer.run(&[10, 10, -6, 5000], &mut outputs)?;
/// assert_eq!(outputs, [3, 1, -2, 127]); // 2.5, 1.25, -1.5, 625
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Requantizer {
    job: Requantization,
    /// `None`: the specification has all of it.
    plan: Option<Plan>,
    isa: Detected,
}

impl Requantizer {
    /// With the widest instruction set of this CPU.
    #[must_use]
    pub fn new(job: Requantization) -> Self {
        let plan = Plan::new(&job);
        Self { job, plan, isa: Detected::best() }
    }

    /// With another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        Ok(Self { isa: isa.detect()?, ..self })
    }

    /// What is computed.
    #[must_use]
    pub fn requantization(&self) -> &Requantization {
        &self.job
    }

    /// The instruction set that runs.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa.isa()
    }

    /// Requantizes `values`, whose last axis has the channels where there are any, to as many outputs.
    ///
    /// # Errors
    /// Slices of different lengths; no whole number of channels; outputs too narrow for the format; a value that is
    /// refused: of several the one with the least index. The contents of `outputs` are then unspecified.
    pub fn run<X: RequantizeInput, O: RequantizeOutput>(
        &self,
        values: &[X],
        outputs: &mut [O],
    ) -> Result<(), RequantizeSliceError> {
        self.run_any(X::any(values), O::any(outputs))
    }

    /// Whatever the types: the loops of all of them are compiled here, and not anew in every crate that requantizes.
    fn run_any(
        &self,
        values: AnyInputs<'_>,
        outputs: AnyOutputs<'_>,
    ) -> Result<(), RequantizeSliceError> {
        each_requantized!(values, outputs, (values, outputs) => self.run_of(values, outputs))
    }

    fn run_of<X: RequantizeInput, O: RequantizeOutput>(
        &self,
        values: &[X],
        outputs: &mut [O],
    ) -> Result<(), RequantizeSliceError> {
        let length = values.len();
        if length != outputs.len() {
            return Err(RequantizeSliceError::Length { from: length, to: outputs.len() });
        }
        if let Some(channels) = self.job.channels().filter(|&n| !length.is_multiple_of(n)) {
            return Err(RequantizeSliceError::Channels { length, channels });
        }
        let format = self.job.format();
        if !O::holds(format) {
            return Err(RequantizeSliceError::Storage { format, storage: O::NAME });
        }
        let row = self.plan.as_ref().map_or(1, |plan| plan.columns.row());
        let task = row * TASK.div_ceil(row);
        if length <= task || rayon::current_num_threads() == 1 {
            return self.task(0, values, outputs);
        }
        let parts = values.chunks(task).zip(outputs.chunks_mut(task)).enumerate();
        tasks::try_for_each(parts, |(number, (values, outputs))| {
            self.task(number * task, values, outputs)
        })
    }

    /// On this thread; the first value is `first`, at the start of a row.
    fn task<X: RequantizeInput, O: RequantizeOutput>(
        &self,
        first: usize,
        values: &[X],
        outputs: &mut [O],
    ) -> Result<(), RequantizeSliceError> {
        let Some(plan) = &self.plan else { return self.specification(first, values, outputs) };
        let row = plan.columns.row();
        let rows = values.chunks(row).zip(outputs.chunks_mut(row)).enumerate();
        for (number, (values, outputs)) in rows {
            let chunks = values.chunks(CHUNK).zip(outputs.chunks_mut(CHUNK)).enumerate();
            for (chunk, (values, outputs)) in chunks {
                let odd = self.chunk(plan, chunk * (CHUNK / BLOCK), values, outputs);
                if odd != 0 {
                    self.odd_blocks(odd, first + number * row + chunk * CHUNK, values, outputs)?;
                }
            }
        }
        Ok(())
    }

    /// A chunk in lanes; the blocks that have to go through the specification.
    fn chunk<X: RequantizeInput, O: RequantizeOutput>(
        &self,
        plan: &Plan,
        first: usize,
        values: &[X],
        outputs: &mut [O],
    ) -> OddBlocks {
        prefetch_to_write(outputs);
        let (isa, ends) = (self.isa, plan.ends);
        let direct = plan.takes_any_i32() && self.job.bias().is_none();
        let x = X::as_i32(values).filter(|_| direct);
        if let Some(x) = x.filter(|_| size_of::<O>() == 1) {
            let scaled = cast_slice_mut(outputs);
            return plan.scale(isa, Chunk { x, scaled, sink: ends, first });
        }
        let mut scaled = [0i32; CHUNK];
        let scaled = &mut scaled[..values.len()];
        let odd = match x {
            Some(x) => plan.scale(isa, Chunk { x, scaled, sink: Scaled, first }),
            None => {
                let mut sums = [0i64; CHUNK];
                let sums = &mut sums[..values.len()];
                let odd = self.sums(plan, first, values, sums);
                odd | plan.scale(isa, Chunk { x: sums, scaled, sink: Scaled, first })
            }
        };
        isa.vectorize(Fit { scaled, out: outputs, ends });
        odd
    }

    /// Values with their bias.
    fn sums<X: RequantizeInput>(
        &self,
        plan: &Plan,
        first: usize,
        x: &[X],
        sums: &mut [i64],
    ) -> OddBlocks {
        let (least, most) = plan.takes;
        match plan.columns.uniform() {
            Some(bias) => self.isa.vectorize(Sums { x, sums, bias, first, least, most }),
            None => {
                let bias = plan.columns.each();
                self.isa.vectorize(Sums { x, sums, bias, first, least, most })
            }
        }
    }

    /// The blocks that are marked, by the specification.
    fn odd_blocks<X: RequantizeInput, O: RequantizeOutput>(
        &self,
        odd: OddBlocks,
        first: usize,
        values: &[X],
        outputs: &mut [O],
    ) -> Result<(), RequantizeSliceError> {
        let blocks = values.chunks(BLOCK).zip(outputs.chunks_mut(BLOCK)).enumerate();
        for (number, (values, outputs)) in blocks {
            if odd >> number & 1 != 0 {
                self.specification(first + number * BLOCK, values, outputs)?;
            }
        }
        Ok(())
    }

    /// By the specification.
    fn specification<X: RequantizeInput, O: RequantizeOutput>(
        &self,
        first: usize,
        values: &[X],
        outputs: &mut [O],
    ) -> Result<(), RequantizeSliceError> {
        for (offset, (&value, output)) in values.iter().zip(outputs).enumerate() {
            let index = first + offset;
            let found = element(&self.job, index, value.into());
            let refused = |source| RequantizeSliceError::Value { index, source };
            *output = O::from_i64(found.map_err(refused)?);
        }
        Ok(())
    }
}
