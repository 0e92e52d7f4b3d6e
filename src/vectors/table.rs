//! Rows of words, and the class of each.

use super::{VectorClass, VectorError, VectorField};

/// Rows of words: stimuli and expected results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorTable {
    fields: Vec<VectorField>,
    stride: usize,
    words: Vec<u64>,
    classes: Vec<VectorClass>,
}

impl VectorTable {
    /// A table without rows.
    #[must_use]
    pub fn new(fields: Vec<VectorField>) -> Self {
        let stride = fields.iter().fold(0usize, |sum, field| sum.saturating_add(field.words()));
        Self { fields, stride, words: Vec::new(), classes: Vec::new() }
    }

    /// A table of the rows that these words make, each of class `given`.
    ///
    /// # Errors
    /// Words that are no whole number of rows.
    pub fn from_words(fields: Vec<VectorField>, words: Vec<u64>) -> Result<Self, VectorError> {
        let mut table = Self::new(fields);
        if table.stride == 0 || !words.len().is_multiple_of(table.stride) {
            return Err(VectorError::Words { found: words.len(), row: table.stride });
        }
        table.classes = vec![VectorClass::Given; words.len() / table.stride];
        table.words = words;
        Ok(table)
    }

    pub(super) fn push(&mut self, class: VectorClass, row: &[u64]) {
        self.words.extend_from_slice(row);
        self.classes.push(class);
    }

    /// The fields of a row, in order.
    #[must_use]
    pub fn fields(&self) -> &[VectorField] {
        &self.fields
    }

    /// Words of a row.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class of each row.
    #[must_use]
    pub fn classes(&self) -> &[VectorClass] {
        &self.classes
    }

    /// The words of all rows, one after the other.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// A row; empty where there is none.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u64] {
        let start = row.saturating_mul(self.stride);
        self.words.get(start..start.saturating_add(self.stride)).unwrap_or_default()
    }

    /// Each field with its words in a row.
    pub fn cells<'a>(
        &'a self,
        row: usize,
    ) -> impl Iterator<Item = (&'a VectorField, &'a [u64])> + 'a {
        split(&self.fields, self.row(row))
    }

    /// The field and its word that stand at a place of a row.
    #[must_use]
    pub fn field_at(&self, mut place: usize) -> Option<(&VectorField, usize)> {
        for field in &self.fields {
            let words = field.words();
            if place < words {
                return Some((field, place));
            }
            place -= words;
        }
        None
    }

    /// How many rows each class has, in the order of [`VectorClass::ALL`]; those without rows are left out.
    #[must_use]
    pub fn counts(&self) -> Vec<(VectorClass, usize)> {
        let count = |&class: &VectorClass| {
            (class, self.classes.iter().filter(|&&found| found == class).count())
        };
        VectorClass::ALL.iter().map(count).filter(|&(_, rows)| rows > 0).collect()
    }
}

/// Each field with its words in a row of these fields.
pub(super) fn split<'a>(
    fields: &'a [VectorField],
    row: &'a [u64],
) -> impl Iterator<Item = (&'a VectorField, &'a [u64])> {
    let mut start = 0usize;
    fields.iter().map(move |field| {
        let end = start.saturating_add(field.words());
        let words = row.get(start..end).unwrap_or_default();
        start = end;
        (field, words)
    })
}
