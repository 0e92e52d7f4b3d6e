//! The values that a layer's weights may take.

use std::num::NonZeroUsize;

use fewbit_formats::{
    ExponentRule, Format, GroupFormat, GroupPolicy, Overflow, Policy, Rounding, ScalePolicy,
};
use ndarray::{Array2, ArrayD, ArrayView2};

use super::error::LayerError;
use super::scales::scales_of;
use super::weights::{GroupScale, GroupWeights, LayerWeights, ScalarWeights, ScaleSharing};
use crate::algorithms::{Grid, Statistics};
use crate::quantize::{Granularity, Quantizer, ScaleRule, Scheme};
use crate::tensor::{AnyQuantTensor, ScaleCodes};

/// How an element is rounded.
const ROUNDED: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);

/// The values that a layer's weights may take, and what their scales were made of.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightGrid {
    grid: Grid,
    scale_codes: Option<ScaleCodes>,
    sharing: ScaleSharing,
}

impl WeightGrid {
    /// The grid that is asked for, for these weights `[out, in]`.
    ///
    /// # Errors
    /// Weights that are empty or not finite; scales that do not fit, or that cannot be searched.
    pub fn new(
        wanted: &LayerWeights,
        weights: ArrayView2<'_, f32>,
        statistics: &Statistics,
    ) -> Result<Self, LayerError> {
        match wanted {
            LayerWeights::Scalar(wanted) => scalar(wanted, weights, statistics),
            LayerWeights::Groups(wanted) => groups(*wanted, weights),
        }
    }

    /// The values of every code at every element.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Who shares a scale.
    #[must_use]
    pub fn sharing(&self) -> ScaleSharing {
        self.sharing
    }

    /// Whether the scales are free numbers, and not codes of a format.
    #[must_use]
    pub fn has_free_scales(&self) -> bool {
        self.scale_codes.is_none()
    }

    /// The quantized weights of these codes `[out, in]`, at these scales `[out, groups]` where there are any, else at those
    /// of the grid.
    ///
    /// # Errors
    /// Codes that the format does not have or of another shape; scales of another shape or that are not finite.
    pub fn tensor(
        &self,
        codes: ArrayView2<'_, u32>,
        scale: Option<&Array2<f32>>,
    ) -> Result<AnyQuantTensor, LayerError> {
        let codes = codes.into_dyn();
        if let Some(scale_codes) = &self.scale_codes {
            let mut scale_codes = scale_codes.clone();
            if let Some(scale) = scale {
                let code = |&scale: &f32| self.grid.scale_code(scale).unwrap_or_default();
                scale_codes.scales = scale.map(code).into_dyn();
            }
            return Ok(AnyQuantTensor::of_scale_codes(&codes, 1, scale_codes)?);
        }
        let scaled = scale.map(|scale| self.grid.with_scale(scale.clone())).transpose()?;
        let grid = scaled.as_ref().unwrap_or(&self.grid);
        let scale = grid.scale().to_owned().into_dyn();
        let zero_point = match grid.zero_point() {
            Some(zero_point) => zero_point.to_owned().into_dyn(),
            None => ArrayD::zeros(scale.raw_dim()),
        };
        let granularity = Granularity::Group { axis: 1, size: grid.group() };
        Ok(AnyQuantTensor::new(grid.format(), &codes, scale, Some(zero_point), granularity)?)
    }

    /// The integers that a datapath multiplies; `None` where the format has none.
    pub(super) fn levels(&self, codes: &Array2<u32>) -> Option<Array2<i64>> {
        let level = |&code: &u32| self.grid.level(code).unwrap_or_default();
        self.grid.has_levels().then(|| codes.map(level))
    }
}

fn scalar(
    wanted: &ScalarWeights,
    weights: ArrayView2<'_, f32>,
    statistics: &Statistics,
) -> Result<WeightGrid, LayerError> {
    let granularity = match wanted.sharing {
        ScaleSharing::Tensor => Granularity::Tensor,
        ScaleSharing::Channel => Granularity::Channel { axis: 0 },
        ScaleSharing::Group(size) => Granularity::Group { axis: 1, size: size.get() },
    };
    let scheme = Scheme::new(wanted.format).with_granularity(granularity);
    let (scheme, rule) = match wanted.has_zero_points() {
        true => (scheme.shifted(), ScaleRule::range()),
        false => (scheme, ScaleRule::abs_max()),
    };
    let rule = match scales_of(wanted, weights, statistics)? {
        None => rule,
        Some(scales) => ScaleRule::given(scales),
    };
    let quantizer = Quantizer::new(scheme.clone(), rule, ROUNDED)?;
    let parameters = quantizer.parameters(&weights)?;
    let grid = Grid::of_scheme(&scheme, &parameters, weights.dim())?;
    Ok(WeightGrid { grid, scale_codes: None, sharing: wanted.sharing })
}

fn groups(wanted: GroupWeights, weights: ArrayView2<'_, f32>) -> Result<WeightGrid, LayerError> {
    let format = wanted.format;
    let tensor = encoded(format, weights)?;
    let mut grid = Grid::of_groups(&tensor)?;
    if wanted.scale != GroupScale::OfFormat {
        let outer = tensor.scale_codes().and_then(ScaleCodes::outer_values);
        let outer = match outer.as_ref().map(|outer| (outer.len(), outer.iter().next())) {
            None => 1.0,
            Some((1, Some(&outer))) if outer.is_normal() => outer,
            _ => return Err(LayerError::ScaleOfFormat(format.to_string())),
        };
        if tensor.zero_point().is_some() {
            return Err(LayerError::ScaleOfFormat(format.to_string()));
        }
        grid = grid.with_scale_format(format.scale().format, outer);
    }
    // The groups of a format are not empty.
    let size = NonZeroUsize::new(format.size()).unwrap_or(NonZeroUsize::MIN);
    let scale_codes = tensor.scale_codes().cloned();
    Ok(WeightGrid { grid, scale_codes, sharing: ScaleSharing::Group(size) })
}

/// The weights in a group format, whose scales the grid takes over.
fn encoded(
    format: GroupFormat,
    weights: ArrayView2<'_, f32>,
) -> Result<AnyQuantTensor, LayerError> {
    let mut element = ROUNDED;
    // As `fewbit quantize`: MXINT8's -2 is left unused.
    if matches!(format.element(), Format::Fixed(_)) {
        element = element.with_overflow(Overflow::SaturateSymmetric);
    }
    let policy =
        GroupPolicy::new(ScalePolicy::new(ExponentRule::Floor), element).with_scale_code(ROUNDED);
    Ok(Quantizer::of_groups(format, 1, policy)?.quantize(&weights)?)
}
