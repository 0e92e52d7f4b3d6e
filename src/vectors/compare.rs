//! Rows held against those that they should be.

use super::field::VectorField;
use super::plan::{VectorPlan, VectorSource};
use super::table::VectorTable;
use super::{FieldRole, VectorContent, VectorError};

/// A word that is another one than it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorMismatch {
    /// The row, from 0.
    pub row: usize,
    /// Its field.
    pub field: VectorField,
    /// The word within the field, from 0.
    pub word: usize,
    /// The word found.
    pub found: u64,
    /// The word expected.
    pub expected: u64,
}

impl VectorMismatch {
    /// The bits that differ.
    #[must_use]
    pub fn difference(&self) -> u64 {
        self.found ^ self.expected
    }
}

/// Which words are held against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// All of them.
    Everything,
    /// Expected results alone.
    Results,
}

/// Words that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VectorComparison {
    /// The first of them.
    pub mismatches: Vec<VectorMismatch>,
    /// Words that differ.
    pub words: u64,
    /// Rows with such a word.
    pub rows: u64,
}

impl VectorPlan {
    /// The rows that `found` should be: those that the plan generates, or, of given stimuli, those that follow from them.
    ///
    /// # Errors
    /// As [`VectorPlan::generate`] and [`VectorPlan::recompute`].
    pub fn expected(&self, found: &VectorTable) -> Result<VectorTable, VectorError> {
        match self.source {
            VectorSource::Drawn { .. } => Ok(self.generate()?.table),
            VectorSource::Given { .. } => self.recompute(found),
        }
    }

    /// The stimuli of vector `row` of a table of this plan, whose content is `vectors`; `None` where there is none.
    #[must_use]
    pub fn inputs<'a>(&self, table: &'a VectorTable, row: usize) -> Option<&'a [u64]> {
        let width = super::plan::inputs_of(table.fields());
        (self.content == VectorContent::Vectors).then(|| table.row(row).get(..width)).flatten()
    }
}

impl VectorTable {
    /// The words in which this table differs from `expected`, the first `most` of them by name; rows that only one of the
    /// tables has are not compared.
    ///
    /// ```
    /// use fewbit::vectors::{Compared, FieldFormat, FieldRole, VectorField, VectorTable};
    /// let field = VectorField {
    ///     name: "result".into(),
    ///     role: FieldRole::Expected,
    ///     format: FieldFormat::Unsigned(4),
    ///     shape: vec![2],
    /// };
    /// let table = |words: &[u64]| VectorTable::from_words(vec![field.clone()], words.to_vec());
    /// let found = table(&[1, 2, 3, 5])?.compare(&table(&[1, 2, 3, 4])?, Compared::Results, 10);
    /// assert_eq!((found.words, found.rows), (1, 1));
    /// let first = &found.mismatches[0];
    /// assert_eq!((first.row, first.word, first.found, first.expected), (1, 1, 5, 4));
    /// # Ok::<(), fewbit::vectors::VectorError>(())
    /// ```
    #[must_use]
    pub fn compare(&self, expected: &Self, what: Compared, most: usize) -> VectorComparison {
        let mut comparison = VectorComparison::default();
        for row in 0..self.len().min(expected.len()) {
            let words = self.row(row).iter().zip(expected.row(row)).enumerate();
            let mut differs = false;
            for (place, (&found, &expected)) in
                words.filter(|(_, (found, expected))| found != expected)
            {
                let Some((field, word)) = self.field_at(place) else { continue };
                if what == Compared::Results && field.role != FieldRole::Expected {
                    continue;
                }
                differs = true;
                comparison.words += 1;
                if comparison.mismatches.len() < most {
                    let field = field.clone();
                    comparison.mismatches.push(VectorMismatch {
                        row,
                        field,
                        word,
                        found,
                        expected,
                    });
                }
            }
            comparison.rows += u64::from(differs);
        }
        comparison
    }

    /// The exclusive or of the 1-based positions of all bits that are set, word by word: if a single bit flips, it changes by
    /// that bit's position. Of the words of stimuli alone.
    ///
    /// ```
    /// use fewbit::vectors::{FieldFormat, FieldRole, VectorField, VectorTable};
    /// let field = VectorField {
    ///     name: "a".into(),
    ///     role: FieldRole::Input,
    ///     format: FieldFormat::Unsigned(8),
    ///     shape: vec![],
    /// };
    /// let positions = |words: &[u64]| VectorTable::from_words(vec![field.clone()], words.to_vec());
    /// let (before, after) = (positions(&[3, 5])?, positions(&[3, 1])?);
    /// let flipped = before.positions() ^ after.positions();
    /// assert_eq!(after.at_position(flipped), Some((1, 0, 2))); // row 1, word 0, bit 2
    /// # Ok::<(), fewbit::vectors::VectorError>(())
    /// ```
    #[must_use]
    pub fn positions(&self) -> u64 {
        let mut sum = 0;
        for row in 0..self.len() {
            for (place, &word) in self.row(row).iter().enumerate() {
                let is_input =
                    self.field_at(place).is_some_and(|(field, _)| field.role == FieldRole::Input);
                let mut rest = if is_input { word } else { 0 };
                while rest != 0 {
                    let base = (row * self.stride() + place) as u64 * 64;
                    sum ^= base + u64::from(rest.trailing_zeros()) + 1;
                    rest &= rest - 1;
                }
            }
        }
        sum
    }

    /// Row, place in the row and bit of a position of [`Self::positions`]; `None` where there is no such bit of a stimulus.
    #[must_use]
    pub fn at_position(&self, position: u64) -> Option<(usize, usize, u32)> {
        let bit = position.checked_sub(1)?;
        let word = usize::try_from(bit / 64).ok()?;
        let (row, place) = (word / self.stride().max(1), word % self.stride().max(1));
        let (field, _) = self.field_at(place)?;
        let within = (bit % 64) as u32;
        let is_there = row < self.len() && within < field.format.bits();
        (is_there && field.role == FieldRole::Input).then_some((row, place, within))
    }
}
