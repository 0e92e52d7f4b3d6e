//! The scales of a scalar format that its quantizer does not choose: searched, or given.

use ndarray::{Array1, Array2, ArrayD, ArrayView2, ArrayViewD, Axis, IxDyn};

use super::error::LayerError;
use super::weights::{ScalarWeights, ScaleSharing, WeightScale};
use crate::algorithms::Statistics;
use crate::algorithms::scale::{
    Codebook, Importance, absmax_scales, piso_scales, quantizer_scales,
};
use crate::quantize::{Guard, HqoScale, MseSearch, ScaleSource, Statistic};

/// The scales in the shape that a quantizer takes; `None` for the greatest magnitude, which the quantizer finds itself.
pub(super) fn scales_of(
    wanted: &ScalarWeights,
    weights: ArrayView2<'_, f32>,
    statistics: &Statistics,
) -> Result<Option<ArrayD<f32>>, LayerError> {
    let expected = match wanted.sharing {
        ScaleSharing::Tensor => vec![],
        ScaleSharing::Channel => vec![weights.nrows(), 1],
        ScaleSharing::Group(size) => vec![weights.nrows(), weights.ncols().div_ceil(size.get())],
    };
    match &wanted.scale {
        WeightScale::AbsMax => Ok(None),
        rule if rule.is_by_loss() => match wanted.sharing {
            ScaleSharing::Tensor => Err(LayerError::SharedByRows(rule.name())),
            _ => Ok(None),
        },
        WeightScale::Given(scales) => {
            check(scales, &expected)?;
            Ok(Some(reshaped(scales.view(), &expected)))
        }
        rule if wanted.has_zero_points() => {
            Err(LayerError::ZeroPoints { scale: rule.name(), format: wanted.format })
        }
        _ => {
            let scales = searched(wanted, weights, statistics)?;
            Ok(Some(reshaped(scales.view().into_dyn(), &expected)))
        }
    }
}

/// The scales that a search finds, `[rows, groups]`; `[1, 1]` where all weights share one.
fn searched(
    wanted: &ScalarWeights,
    weights: ArrayView2<'_, f32>,
    statistics: &Statistics,
) -> Result<Array2<f32>, LayerError> {
    let (rule, format) = (&wanted.scale, wanted.format);
    let codebook = Codebook::of_format(format)?;
    // One scale for all: one long row.
    let row: Array2<f32>;
    let (weights, group) = match wanted.sharing {
        ScaleSharing::Tensor => {
            row = weights.iter().copied().collect::<Array1<f32>>().insert_axis(Axis(0));
            (row.view(), row.len())
        }
        ScaleSharing::Channel => (weights, weights.ncols()),
        ScaleSharing::Group(size) => (weights, size.get()),
    };
    let weighted = matches!(rule, WeightScale::PisoDiagonal | WeightScale::PisoFull);
    if weighted && wanted.sharing == ScaleSharing::Tensor {
        return Err(LayerError::SharedByRows(rule.name()));
    }
    Ok(match (rule, statistics.grams.first()) {
        (WeightScale::AbsMax, _) => absmax_scales(weights, group, &codebook)?,
        (WeightScale::Mse, _) => {
            let search = MseSearch::grid(Statistic::AbsMax).with_guard(Guard::NeverWorse);
            quantizer_scales(weights, group, format, ScaleSource::Mse(search))?
        }
        (WeightScale::Hqo, _) => {
            quantizer_scales(weights, group, format, ScaleSource::Hqo(HqoScale::per_group()))?
        }
        (WeightScale::PisoDiagonal, Some(gram)) => {
            piso_scales(weights, group, &codebook, Importance::Diagonal(gram.h.diag()))?
        }
        (WeightScale::PisoFull, Some(gram)) => {
            let (h, g) = (gram.h.view(), gram.g.as_ref().map(|g| g.view()));
            piso_scales(weights, group, &codebook, Importance::Full { h, g })?
        }
        _ => piso_scales(weights, group, &codebook, Importance::Equal)?,
    })
}

/// The scales with the least squared error of the weights, `[rows, groups]`; none of formats with zero points.
pub(super) fn least_squares(
    wanted: &ScalarWeights,
    weights: ArrayView2<'_, f32>,
    statistics: &Statistics,
) -> Result<Vec<Array2<f32>>, LayerError> {
    if wanted.has_zero_points() {
        return Ok(Vec::new());
    }
    let wanted = ScalarWeights { scale: WeightScale::Mse, ..wanted.clone() };
    Ok(vec![searched(&wanted, weights, statistics)?])
}

/// Refuses scales that do not fit; axes of one element do not matter.
fn check(scales: &ArrayD<f32>, expected: &[usize]) -> Result<(), LayerError> {
    let long = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    if long(scales.shape()) != long(expected) {
        let (found, expected) = (scales.shape().to_vec(), expected.to_vec());
        return Err(LayerError::ScaleShape { found, expected });
    }
    match scales.iter().find(|scale| !(scale.is_finite() && **scale != 0.0)) {
        Some(&scale) => Err(LayerError::Scale(scale)),
        None => Ok(()),
    }
}

/// The same elements in another shape of as many.
fn reshaped(scales: ArrayViewD<'_, f32>, shape: &[usize]) -> ArrayD<f32> {
    let mut to = ArrayD::zeros(IxDyn(shape));
    to.iter_mut().zip(scales).for_each(|(to, scale)| *to = *scale);
    to
}
