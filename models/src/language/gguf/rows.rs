//! The order of query and key rows.

use crate::language::LanguageError;

/// How the rows of a head's queries and keys are ordered.
///
/// Rotary positions turn pairs of a head's rows. Hugging Face pairs row `i` with row `i + head_dim / 2`; llama.cpp pairs
/// row `2 i` with row `2 i + 1` in files of the architecture `llama`, and so has them in this order:
///
/// ```text
/// interleaved[2 i] = halves[i],    interleaved[2 i + 1] = halves[i + head_dim / 2]    within each head
/// ```
///
/// Source: `LlamaModel.permute` of llama.cpp's `convert_hf_to_gguf.py`, and its inverse in transformers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// Pairs are `i` and `i + head_dim / 2`.
    Halves,
    /// Pairs are `2 i` and `2 i + 1`.
    Interleaved,
}

impl RowOrder {
    /// The rows of a matrix in this order, given in the other one; blocks of any type serve as rows too.
    ///
    /// `rows` are as many elements each as make up the whole with `heads` heads of `head_dim` rows.
    ///
    /// # Errors
    /// A number of elements that does not divide into heads of an even number of rows.
    ///
    /// ```
    /// use fewbit_models::language::RowOrder;
    /// // One head of four rows, one element each.
    /// assert_eq!(RowOrder::Interleaved.from_other(&[0, 1, 2, 3], 1, 4)?, [0, 2, 1, 3]);
    /// assert_eq!(RowOrder::Halves.from_other(&[0, 2, 1, 3], 1, 4)?, [0, 1, 2, 3]);
    /// # Ok::<(), fewbit_models::language::LanguageError>(())
    /// ```
    #[allow(clippy::wrong_self_convention, reason = "what is made of the other is an array")]
    pub fn from_other<T: Copy>(
        self,
        rows: &[T],
        heads: usize,
        head_dim: usize,
    ) -> Result<Vec<T>, LanguageError> {
        let count = heads.saturating_mul(head_dim);
        if count == 0 || !head_dim.is_multiple_of(2) || !rows.len().is_multiple_of(count) {
            return Err(LanguageError::Config {
                key: "head_dim".into(),
                problem: format!(
                    "{} elements are not {heads} heads of {head_dim} rows, an even number",
                    rows.len()
                ),
            });
        }
        let (length, half) = (rows.len() / count, head_dim / 2);
        let source = |row: usize| {
            let (head, row) = (row / head_dim, row % head_dim);
            head * head_dim
                + match self {
                    Self::Interleaved => row / 2 + row % 2 * half,
                    Self::Halves => row % half * 2 + row / half,
                }
        };
        let mut ordered = Vec::with_capacity(rows.len());
        for row in 0..count {
            let start = source(row) * length;
            ordered.extend_from_slice(&rows[start..start + length]);
        }
        Ok(ordered)
    }
}
