//! Codes with parameters of every row.

use fewbit::formats::{Format, IntFormat};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArrayD, Axis};

use super::ints::Ints;

/// Codes with a scale and a zero point per row, per column, or for all: `value = (code - zero point) * scale`, in f32.
///
/// Zero points need not be whole numbers. Parameters have as many axes as the codes, each as long as theirs or 1: a scale for
/// every row of `[.., K]` is `[.., 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct RowCodes {
    /// The codes as whole numbers.
    pub ints: Ints,
    /// Their format.
    pub format: IntFormat,
    /// The scales.
    pub scales: ArrayD<f32>,
    /// The zero points, of the shape of the scales; `None` where all are 0.
    pub zero_points: Option<ArrayD<f32>>,
}

impl RowCodes {
    /// The codes of a tensor; `None` where these are no integers, and where scales are those of groups.
    pub(super) fn of_tensor(tensor: &AnyQuantTensor) -> Result<Option<Self>, String> {
        let Format::Int(format) = tensor.format() else { return Ok(None) };
        if matches!(tensor.granularity(), Granularity::Group { .. }) {
            return Ok(None);
        }
        let ints = tensor.ints().map_err(|error| error.to_string())?;
        let ints = Ints::new(&ints, (format.min(), format.max()));
        let rank = ints.shape().len();
        let scales = with_rank(tensor.scale(), rank)?;
        let zero_points = tensor.zero_point().map(|zero| with_rank(zero, rank)).transpose()?;
        Ok(Some(Self { ints, format, scales, zero_points }))
    }

    /// What the codes stand for.
    #[must_use]
    pub fn values(&self) -> ArrayD<f32> {
        let mut values = self.ints.to_f32();
        let shape = values.raw_dim();
        if let Some(zero) = self.zero_points.as_ref().and_then(|zero| zero.broadcast(shape.clone()))
        {
            values.zip_mut_with(&zero, |x, zero| *x -= zero);
        }
        if let Some(scales) = self.scales.broadcast(shape) {
            values.zip_mut_with(&scales, |x, scale| *x *= scale);
        }
        values
    }
}

/// A parameter with as many axes as its codes.
fn with_rank(parameter: &ArrayD<f32>, rank: usize) -> Result<ArrayD<f32>, String> {
    if parameter.ndim() == rank {
        return Ok(parameter.clone());
    }
    let mut parameter = parameter.clone();
    while parameter.ndim() < rank {
        parameter = parameter.insert_axis(Axis(0));
    }
    match parameter.ndim() == rank {
        true => Ok(parameter),
        false => Err(format!("scales of shape {:?} for {rank} axes", parameter.shape())),
    }
}
