//! The question: weights, inputs, biases.

use ndarray::{ArrayView1, ArrayView2};

use super::range::DataType;
use super::steps::Steps;
use super::{Bounds, BoundsError, Inputs, RowBounds, Side, StageBounds, data_type_bits};
use crate::accumulate::{Accumulator, required_bits};
use crate::room;
use crate::tasks;

/// What is added to a row besides its products, in units of the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowBias<'a> {
    /// Nothing.
    None,
    /// The last stage's register starts at the row's value instead of 0.
    Initial(&'a [i64]),
    /// The row's value enters the last stage in a step of its own, after the last product.
    Added(&'a [i64]),
}

/// Integer weights `[out, in]`, the inputs that they can meet, and biases.
///
/// ```
/// use fewbit::accumulate::bounds::{InputRange, Inputs, Layer};
/// use ndarray::array;
/// let weights = array![[3, -2, 1]];
/// let layer = Layer::new(weights.view(), Inputs::Same(InputRange::unsigned(4)))?;
/// let bounds = layer.bounds(&"int8-sat".parse()?)?;
/// let stage = &bounds.rows()[0].stages[0];
/// assert_eq!((stage.min, stage.max, stage.required_bits), (-2 * 15, 4 * 15, 7));
/// assert_eq!(layer.witness(0, stage.side()), [15, 0, 15]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    weights: ArrayView2<'a, i64>,
    inputs: Inputs<'a>,
    bias: RowBias<'a>,
}

impl<'a> Layer<'a> {
    /// A layer without bias.
    ///
    /// # Errors
    /// A range whose low end exceeds its high end; per-channel ranges that are not one per column.
    pub fn new(weights: ArrayView2<'a, i64>, inputs: Inputs<'a>) -> Result<Self, BoundsError> {
        inputs.check(weights.ncols())?;
        Ok(Self { weights, inputs, bias: RowBias::None })
    }

    /// The same layer with biases.
    ///
    /// # Errors
    /// Biases that are not one per row.
    pub fn with_bias(self, bias: RowBias<'a>) -> Result<Self, BoundsError> {
        let (RowBias::Initial(values) | RowBias::Added(values)) = bias else {
            return Ok(Self { bias, ..self });
        };
        if values.len() != self.weights.nrows() {
            return Err(BoundsError::Biases { biases: values.len(), rows: self.weights.nrows() });
        }
        Ok(Self { bias, ..self })
    }

    /// The exact worst case of every row and stage over all inputs and all steps.
    ///
    /// Only the tiles and widths of `acc` matter, not the `P` of its registers.
    ///
    /// # Errors
    /// A floating-point stage; biases that are added after the last product to registers that take turns; sums beyond 127 bits; more rows than memory can hold bounds of.
    pub fn bounds(&self, acc: &Accumulator) -> Result<Bounds, BoundsError> {
        if !acc.is_integer() {
            return Err(BoundsError::NotInteger(acc.to_string()));
        }
        let last = acc.stages().last().filter(|stage| stage.is_interleaved());
        if let (RowBias::Added(_), Some(stage)) = (self.bias, last) {
            return Err(BoundsError::InterleavedBias(stage.to_string()));
        }
        room::check::<StageBounds>(&[self.weights.nrows(), acc.stages().len()])?;
        let steps = Steps::of(acc.stages(), self.weights.ncols());
        let rows = tasks::try_map(0..self.weights.nrows(), |row| {
            self.row(row, &steps).ok_or(BoundsError::TooWide { row })
        })?;
        Ok(Bounds::new(acc.clone(), rows, self.inputs.data_type()))
    }

    /// The inputs for which every register of `row`, in every stage, reaches its `side`.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn witness(&self, row: usize, side: Side) -> Vec<i64> {
        let flip = |weight: i64| match side {
            Side::Upper => weight.signum(),
            Side::Lower => -weight.signum(),
        };
        let weights = self.weights.row(row);
        weights.iter().enumerate().map(|(k, &w)| self.inputs.at(k).best(flip(w))).collect()
    }

    /// The bound from data types alone; weights of `weight_bits`, or the narrowest that hold them all.
    pub fn data_type_bits(&self, weight_bits: Option<u32>) -> u32 {
        let narrowest = || self.weights.iter().map(|&w| required_bits(w.into())).max().unwrap_or(1);
        let bits = weight_bits.unwrap_or_else(narrowest);
        data_type_bits(self.weights.ncols() as u64, bits, self.inputs.data_type())
    }

    /// The narrowest type that holds every input.
    pub fn input_type(&self) -> DataType {
        self.inputs.data_type()
    }

    fn row(&self, row: usize, steps: &[Steps]) -> Option<RowBounds> {
        let sums = PrefixSums::new(self.weights.row(row), &self.inputs)?;
        let mut stages = steps.iter().map(|&s| sums.stage(s)).collect::<Option<Vec<_>>>()?;
        let total = sums.range(0, self.weights.ncols())?;
        if let Some(last) = stages.last_mut() {
            match self.bias {
                RowBias::None => {}
                RowBias::Initial(values) => {
                    // The register starts at the bias, and every value it takes is that much higher. The other registers
                    // start at zero.
                    let bias = i128::from(values[row]);
                    let reach = sums.reach(*steps.last()?)?;
                    let (min, max) = reach.first.unwrap_or((0, 0));
                    let (low, high) = reach.others.unwrap_or((bias, bias));
                    last.min = bias.min(bias.checked_add(min)?).min(low);
                    last.max = bias.max(bias.checked_add(max)?).max(high);
                }
                RowBias::Added(values) => {
                    let bias = i128::from(values[row]);
                    last.min = last.min.min(total.0.checked_add(bias)?);
                    last.max = last.max.max(total.1.checked_add(bias)?);
                }
            }
            last.update_bits();
        }
        Some(RowBounds { stages })
    }
}

/// What the registers of a stage reach; `None` of those that make no step.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    /// The first register, which the others are folded into.
    first: Option<(i128, i128)>,
    /// The others.
    others: Option<(i128, i128)>,
}

fn add(a: (i128, i128), b: (i128, i128)) -> Option<(i128, i128)> {
    Some((a.0.checked_add(b.0)?, a.1.checked_add(b.1)?))
}

fn extend(reach: &mut Option<(i128, i128)>, (low, high): (i128, i128)) {
    let (min, max) = reach.unwrap_or((low, high));
    *reach = Some((low.min(min), high.max(max)));
}

/// Sums over `0..k` of the extreme products and of the weights' magnitudes.
struct PrefixSums {
    lower: Vec<i128>,
    upper: Vec<i128>,
    norm: Vec<u128>,
}

impl PrefixSums {
    /// `None` where a sum is beyond 127 bits.
    fn new(weights: ArrayView1<'_, i64>, inputs: &Inputs<'_>) -> Option<Self> {
        let depth = weights.len();
        let (mut lower, mut upper) = (Vec::with_capacity(depth + 1), Vec::with_capacity(depth + 1));
        let mut norm = Vec::with_capacity(depth + 1);
        let (mut low, mut high, mut magnitude) = (0i128, 0i128, 0u128);
        lower.push(low);
        upper.push(high);
        norm.push(magnitude);
        for (k, &weight) in weights.iter().enumerate() {
            let range = inputs.at(k);
            let a = i128::from(weight) * i128::from(range.low);
            let b = i128::from(weight) * i128::from(range.high);
            low = low.checked_add(a.min(b))?;
            high = high.checked_add(a.max(b))?;
            magnitude += u128::from(weight.unsigned_abs());
            lower.push(low);
            upper.push(high);
            norm.push(magnitude);
        }
        Some(Self { lower, upper, norm })
    }

    /// The extremes of the sum of products `start..end`.
    fn range(&self, start: usize, end: usize) -> Option<(i128, i128)> {
        let lower = self.lower[end].checked_sub(self.lower[start])?;
        let upper = self.upper[end].checked_sub(self.upper[start])?;
        Some((lower, upper))
    }

    /// The extremes over all steps of all tiles.
    fn reach(&self, steps: Steps) -> Option<Reach> {
        let mut reach = Reach::default();
        for tile in steps.tiles() {
            let mut registers = vec![(0, 0); steps.registers];
            for (step, (start, end)) in steps.steps(tile).enumerate() {
                let register = step % steps.registers;
                let sum = add(registers[register], self.range(start, end)?)?;
                registers[register] = sum;
                extend(if register == 0 { &mut reach.first } else { &mut reach.others }, sum);
            }
            // The fold: register 0 takes the others, one by one.
            let mut sum = registers[0];
            for &other in &registers[1..] {
                sum = add(sum, other)?;
                extend(&mut reach.first, sum);
            }
        }
        Some(reach)
    }

    fn stage(&self, steps: Steps) -> Option<StageBounds> {
        let Reach { first, others } = self.reach(steps)?;
        let (min, max) = first.unwrap_or((0, 0));
        let (low, high) = others.unwrap_or((0, 0));
        let (min, max) = (min.min(low), max.max(high));
        let norm = steps.tiles().map(|(start, end)| self.norm[end] - self.norm[start]).max();
        Some(StageBounds::new(min.min(0), max.max(0), norm.unwrap_or(0)))
    }
}
