//! Sums and a bias.

use super::datum::{Codes, Datum, Sums, by_channel};

/// Sums with a bias: exactly where it is an integer in their scale, else in f32.
pub(crate) fn biased(sums: Sums, bias: &Datum) -> Result<Datum, String> {
    // A product states its channels' axis even where one scale serves all of them.
    let axis = sums.scales.axis;
    if let Datum::Codes(Codes { ints, scales, zero_point: 0, .. }) = bias
        && (scales.values == sums.scales.values)
    {
        let mut values = sums.values;
        let bias: Vec<i64> = ints.to_i64().iter().copied().collect();
        by_channel(&mut values, axis, &bias, |x, bias| x + bias);
        return Ok(Datum::Sums(Sums { values, scales: sums.scales }));
    }
    let tensor = bias.tensor();
    let bias = tensor.get::<f32>().map_err(|error| error.to_string())?;
    let mut values = sums.values();
    let bias: Vec<f32> = bias.iter().copied().collect();
    by_channel(&mut values, axis, &bias, |x, bias| x + bias);
    Ok(Datum::Plain(values.into()))
}
