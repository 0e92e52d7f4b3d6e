//! What became of every layer, as a table.

use fewbit_models::eval::LayerResult;

use crate::output;

/// A line per layer.
pub(crate) fn layers_table(layers: &[LayerResult]) -> comfy_table::Table {
    let mut table =
        output::texts(&["layer", "SQNR, dB", "guaranteed", "observed", "accumulator", "events"]);
    for layer in layers {
        let bits = |bits: Option<u32>| bits.map(|b| b.to_string()).unwrap_or_default();
        table.add_row([
            layer.name.clone(),
            layer.sqnr_db.map(|db| format!("{db:.1}")).unwrap_or_default(),
            bits(layer.guaranteed_bits),
            bits(layer.observed_bits),
            layer.accumulator.clone().unwrap_or_default(),
            layer.events.map(|events| events.to_string()).unwrap_or_default(),
        ]);
    }
    table
}
