//! The answer: worst cases, widths, guarantees.

use super::range::DataType;
use super::{BoundsError, Side, a2q_bits, a2q_plus_bits};
use crate::accumulate::{
    Accumulator, Register, Stage, int_range, required_bits, required_bits_of_range,
};

/// The worst case of one stage of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageBounds {
    /// The least value that the register takes for any input; the value it starts from counts.
    pub min: i128,
    /// The greatest value that the register takes for any input; the value it starts from counts.
    pub max: i128,
    /// The two's complement width that holds both.
    pub required_bits: u32,
    /// The sum of the weights' magnitudes; of the largest tile, in an inner stage.
    pub norm: u128,
}

impl StageBounds {
    pub(super) fn new(min: i128, max: i128, norm: u128) -> Self {
        Self { min, max, required_bits: required_bits_of_range(min, max), norm }
    }

    pub(super) fn update_bits(&mut self) {
        self.required_bits = required_bits_of_range(self.min, self.max);
    }

    /// The side that needs `required_bits`; of two that do, the larger in magnitude.
    pub fn side(&self) -> Side {
        let (lower, upper) = (required_bits(self.min), required_bits(self.max));
        let tie = lower == upper && self.min.unsigned_abs() > self.max.unsigned_abs();
        if lower > upper || tie { Side::Lower } else { Side::Upper }
    }

    /// Whether a register holds every value.
    pub fn fits(&self, register: Register) -> bool {
        match register {
            Register::Int { bits, .. } => {
                let (low, high) = int_range(bits);
                low <= self.min && self.max <= high
            }
            _ => true,
        }
    }
}

/// The worst case of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowBounds {
    /// One entry per stage, innermost first.
    pub stages: Vec<StageBounds>,
}

/// Which rows cannot overflow, whatever the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// Per row and stage: whether the stage's worst case fits its register.
    pub fits: Vec<Vec<bool>>,
}

impl Guarantee {
    /// Whether no stage of `row` ever has an event.
    pub fn row(&self, row: usize) -> bool {
        self.fits[row].iter().all(|&fits| fits)
    }

    /// Whether no row has.
    pub fn all(&self) -> bool {
        self.fits.iter().flatten().all(|&fits| fits)
    }

    /// How many rows have no event.
    pub fn rows(&self) -> usize {
        (0..self.fits.len()).filter(|&row| self.row(row)).count()
    }
}

/// The worst cases of a layer, for the tiles of one accumulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    acc: Accumulator,
    rows: Vec<RowBounds>,
    input: DataType,
}

impl Bounds {
    pub(super) fn new(acc: Accumulator, rows: Vec<RowBounds>, input: DataType) -> Self {
        Self { acc, rows, input }
    }

    /// One entry per output row.
    pub fn rows(&self) -> &[RowBounds] {
        &self.rows
    }

    /// The width that keeps every row of `stage` from overflowing; 1 where there is no row.
    pub fn required_bits(&self, stage: usize) -> u32 {
        self.rows.iter().map(|row| row.stages[stage].required_bits).max().unwrap_or(1)
    }

    /// The A2Q weight bound of a row and stage (of its largest tile); biases are not part of it.
    pub fn a2q_bits(&self, row: usize, stage: usize) -> u32 {
        a2q_bits(self.rows[row].stages[stage].norm, self.input)
    }

    /// The A2Q+ bound of a row and stage (of its largest tile); only for zero-centred weights, see [`a2q_plus_bits`].
    pub fn a2q_plus_bits(&self, row: usize, stage: usize) -> u32 {
        a2q_plus_bits(self.rows[row].stages[stage].norm, self.input)
    }

    /// Which rows fit the registers of `acc`.
    ///
    /// # Errors
    /// An accumulator whose widths, registers in turn and counts are not those that the bounds were made for.
    pub fn guarantees(&self, acc: &Accumulator) -> Result<Guarantee, BoundsError> {
        let shape = |stage: &Stage| (stage.width, stage.interleave, stage.count);
        if !acc.is_integer() {
            return Err(BoundsError::NotInteger(acc.to_string()));
        }
        if !acc.stages().iter().map(shape).eq(self.acc.stages().iter().map(shape)) {
            let (expected, found) = (self.acc.to_string(), acc.to_string());
            return Err(BoundsError::OtherTiles { expected, found });
        }
        let fits = |row: &RowBounds| {
            row.stages.iter().zip(acc.stages()).map(|(b, s)| b.fits(s.register)).collect()
        };
        Ok(Guarantee { fits: self.rows.iter().map(fits).collect() })
    }

    /// The same accumulator with the narrowest integer registers that no row overflows.
    ///
    /// # Errors
    /// A stage that needs more than 64 bits.
    pub fn narrowest(&self) -> Result<Accumulator, BoundsError> {
        let mut stages = self.acc.stages().to_vec();
        for (index, stage) in stages.iter_mut().enumerate() {
            if let Register::Int { bits, .. } = &mut stage.register {
                // A register of the grammar has at least 2 bits.
                let needed = self.required_bits(index).max(2);
                if needed > 64 {
                    return Err(BoundsError::NoRegister { stage: index, bits: needed });
                }
                *bits = needed;
            }
        }
        Ok(Accumulator::new(stages)?)
    }
}
