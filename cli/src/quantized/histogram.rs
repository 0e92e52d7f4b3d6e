//! How often each code occurs.

use fewbit_formats::Format;
use serde::Serialize;

use super::Quantized;

/// Codes of more bits are counted by their leading ones.
const MOST_BITS: u32 = 8;

/// How often each code occurs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Histogram {
    /// Bits of a code that tell bins apart: all, or the leading 8.
    pub(crate) bits: u32,
    /// Bins that are not empty, in the order of their values.
    pub(crate) bins: Vec<Bin>,
}

/// One code, or all that begin alike.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Bin {
    /// The code; where several are counted together, the first.
    pub(crate) code: u32,
    /// What it stands for before the scale; none for NaN and infinities.
    pub(crate) value: Option<f64>,
    /// How many elements have it.
    pub(crate) count: u64,
}

impl Histogram {
    /// Of what was quantized; `None` for blocks of bytes.
    pub(crate) fn of(quantized: &Quantized) -> Option<Self> {
        match quantized {
            Quantized::Tensor(tensor) | Quantized::Simulated(tensor) => {
                Some(Self::count(tensor.format(), tensor.codes().iter().copied()))
            }
            Quantized::Blocks(_) => None,
        }
    }

    fn count(format: Format, codes: impl Iterator<Item = u32>) -> Self {
        let cut = format.bits().saturating_sub(MOST_BITS);
        let mut counts = vec![0u64; 1 << (format.bits() - cut)];
        codes.for_each(|code| {
            if let Some(count) = counts.get_mut((code >> cut) as usize) {
                *count += 1;
            }
        });
        let counted = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        let mut bins: Vec<Bin> = counted
            .map(|(bin, count)| {
                let code = (bin as u32) << cut;
                let value = Some(format.decode(code)).filter(|value| value.is_finite());
                Bin { code, value, count }
            })
            .collect();
        let order = |bin: &Bin| bin.value.unwrap_or(f64::INFINITY);
        bins.sort_by(|a, b| order(a).total_cmp(&order(b)));
        Self { bits: format.bits() - cut, bins }
    }
}
