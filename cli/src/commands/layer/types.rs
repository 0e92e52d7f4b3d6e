//! Data types that are chosen.

use fewbit::Accumulator;
use fewbit::algorithms::layer::{LayerJob, TypeChoice, TypeRange, choose_data_types};
use ndarray::ArrayView2;

use super::inputs::FileInputs;
use super::progress::bars;
use crate::error::CliError;
use crate::output;

/// Pairs that are printed.
const SHOWN: usize = 8;

/// The data types with the least error among integers of 2 to 8 bits.
pub(super) fn choose(
    weights: ArrayView2<'_, f32>,
    inputs: &mut FileInputs,
    job: &LayerJob,
    acc: &Accumulator,
) -> Result<TypeChoice, CliError> {
    let range = TypeRange::integers(2..=8, 2..=8)
        .map_err(|error| CliError::Arguments(error.to_string()))?;
    choose_data_types(weights, inputs, job, acc, &range, &mut bars())
}

/// The best pairs, and the best whose guarantee needs no look at the weights.
pub(super) fn text(choice: &TypeChoice) -> String {
    let mut table = output::numbers(&["weights", "activations", "guarantee by", "relative error"]);
    let others = choice.best_by_data_types.iter();
    for pair in choice.pairs.iter().take(SHOWN).chain(others) {
        let by = match pair.guarantee {
            fewbit::algorithms::layer::TypeGuarantee::DataTypes => "data types",
            _ => "budgets",
        };
        table.add_row(vec![
            pair.weights.clone(),
            pair.activations.clone(),
            by.to_owned(),
            format!("{:.6}", pair.relative_error),
        ]);
    }
    let bound = match choice.best_by_data_types {
        Some(_) => "",
        None => "no pair of data types alone fits this accumulator\n",
    };
    format!("{table}\n{bound}\n")
}
