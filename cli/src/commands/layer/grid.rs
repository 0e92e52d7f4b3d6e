//! The values that the weights may take.

use fewbit::algorithms::scale::{
    Codebook, Importance, absmax_scales, piso_scales, quantizer_scales,
};
use fewbit::algorithms::{Grid, Statistics};
use fewbit::quantize::{
    Granularity, Guard, HqoScale, MseSearch, Parameters, Quantizer, ScaleRule, ScaleSource, Scheme,
    Statistic, ZeroPoint,
};
use fewbit::tensor::{AnyQuantTensor, ScaleCodes};
use fewbit_formats::{
    ExponentRule, Format, FormatError, GroupFormat, GroupPolicy, IntRange, Overflow, ScalePolicy,
};
use ndarray::{Array2, ArrayD, ArrayView2, Axis, IxDyn};

use super::args::{Args, ScaleChoice, ScaleName, Share};
use crate::error::CliError;
use crate::io::npy;
use crate::policy::PLAIN;
use crate::quantized::{Quantized, Target};

/// A grid, and what its scales were made of.
pub(super) struct WeightGrid {
    pub(super) grid: Grid,
    groups: Option<ScaleCodes>,
    granularity: Share,
}

impl WeightGrid {
    /// The grid that the arguments ask for.
    pub(super) fn new(
        args: &Args,
        weights: ArrayView2<'_, f32>,
        statistics: &Statistics,
    ) -> Result<Self, CliError> {
        match args.weights {
            Target::Tensor(format) => scalar(args, format, weights, statistics),
            Target::Groups(format) => groups(args, format, weights),
            Target::Blocks(_) => Err(CliError::Arguments(format!(
                "--weights {} has scales that only its own quantizer makes: expected a scalar format (int4 ...) or a \
                 group format (mxfp4, mx(int4,f16,32) ...)",
                args.weights
            ))),
        }
    }

    /// Who shares a scale, in words.
    pub(super) fn granularity(&self) -> String {
        self.granularity.to_string()
    }

    /// Whether the scales are free numbers, and not codes of a format.
    pub(super) fn has_free_scales(&self) -> bool {
        self.groups.is_none()
    }

    /// The quantized weights of these codes, with the scales multiplied by `factor` where there is one.
    pub(super) fn tensor(
        &self,
        codes: &Array2<u32>,
        factor: Option<&[f32]>,
    ) -> Result<Quantized, CliError> {
        if let Some(groups) = &self.groups {
            let codes = codes.view().into_dyn();
            let tensor = AnyQuantTensor::of_scale_codes(&codes, 1, groups.clone())?;
            return Ok(Quantized::Tensor(Box::new(tensor)));
        }
        let scaled = factor.map(|factor| self.grid.rescaled(factor)).transpose()?;
        let grid = scaled.as_ref().unwrap_or(&self.grid);
        let scale = grid.scale().to_owned().into_dyn();
        let zero_point = match grid.zero_point() {
            Some(zero_point) => zero_point.to_owned().into_dyn(),
            None => ArrayD::zeros(scale.raw_dim()),
        };
        let granularity = Granularity::Group { axis: 1, size: grid.group() };
        let codes = codes.view().into_dyn();
        let tensor =
            AnyQuantTensor::new(grid.format(), &codes, scale, Some(zero_point), granularity)?;
        Ok(Quantized::Tensor(Box::new(tensor)))
    }
}

fn scalar(
    args: &Args,
    format: Format,
    weights: ArrayView2<'_, f32>,
    statistics: &Statistics,
) -> Result<WeightGrid, CliError> {
    let format = if args.narrow { narrow(format)? } else { format };
    let share = args.granularity.unwrap_or(Share::Channel);
    let granularity = match share {
        Share::Tensor => Granularity::Tensor,
        Share::Channel => Granularity::Channel { axis: 0 },
        Share::Group(size) => Granularity::Group { axis: 1, size },
    };
    let scheme = Scheme::new(format).with_granularity(granularity);
    let (scheme, rule) = match format {
        Format::Int(int) if !int.is_signed() => (scheme.shifted(), ScaleRule::range()),
        _ => (scheme, ScaleRule::abs_max()),
    };
    let expected = match share {
        Share::Tensor => vec![],
        Share::Channel => vec![weights.nrows(), 1],
        Share::Group(size) => vec![weights.nrows(), weights.ncols().div_ceil(size)],
    };
    let rule = match &args.scale {
        None | Some(ScaleChoice::Rule(ScaleName::AbsMax)) => rule,
        Some(ScaleChoice::File(path)) => ScaleRule::given(given(path, &expected)?),
        Some(choice @ ScaleChoice::Rule(name)) => {
            if scheme.zero_point != ZeroPoint::Zero {
                return Err(CliError::Arguments(format!(
                    "--scale {choice} is for formats without zero points, as int4; {format} has them"
                )));
            }
            let scales = searched(*name, share, format, weights, statistics)?;
            let scales = scales.iter().copied().collect();
            ScaleRule::given(ArrayD::from_shape_vec(IxDyn(&expected), scales)?)
        }
    };
    let quantizer = Quantizer::new(scheme.clone(), rule, PLAIN)?;
    let parameters: Parameters = quantizer.parameters(&weights)?;
    let grid = Grid::of_scheme(&scheme, &parameters, weights.dim())?;
    Ok(WeightGrid { grid, groups: None, granularity: share })
}

/// The scales that a search finds.
fn searched(
    name: ScaleName,
    share: Share,
    format: Format,
    weights: ArrayView2<'_, f32>,
    statistics: &Statistics,
) -> Result<Array2<f32>, CliError> {
    let codebook = Codebook::of_format(format)?;
    let (rows, cols) = weights.dim();
    // One scale for all: one long row.
    let standard = weights.as_standard_layout();
    let (weights, group) = match share {
        Share::Tensor => (standard.view().into_shape_with_order((1, rows * cols))?, rows * cols),
        Share::Channel => (standard.view(), cols),
        Share::Group(size) => (standard.view(), size),
    };
    let weighted = matches!(name, ScaleName::PisoDiagonal | ScaleName::PisoFull);
    if weighted && share == Share::Tensor {
        return Err(CliError::Arguments(
            "piso-diagonal and piso-full find scales of rows: expected --granularity channel or group:N"
                .into(),
        ));
    }
    let gram = statistics.grams.first();
    Ok(match (name, gram) {
        (ScaleName::AbsMax, _) => absmax_scales(weights, group, &codebook)?,
        (ScaleName::Mse, _) => {
            let search = MseSearch::grid(Statistic::AbsMax).with_guard(Guard::NeverWorse);
            quantizer_scales(weights, group, format, ScaleSource::Mse(search))?
        }
        (ScaleName::Hqo, _) => {
            quantizer_scales(weights, group, format, ScaleSource::Hqo(HqoScale::per_group()))?
        }
        (ScaleName::PisoDiagonal, Some(gram)) => {
            piso_scales(weights, group, &codebook, Importance::Diagonal(gram.h.diag()))?
        }
        (ScaleName::PisoFull, Some(gram)) => {
            let (h, g) = (gram.h.view(), gram.g.as_ref().map(|g| g.view()));
            piso_scales(weights, group, &codebook, Importance::Full { h, g })?
        }
        _ => piso_scales(weights, group, &codebook, Importance::Equal)?,
    })
}

/// Scales from a file, in the shape that they must have; axes of one element do not matter.
fn given(path: &std::path::Path, expected: &[usize]) -> Result<ArrayD<f32>, CliError> {
    let file = npy::read(path)?;
    let values = file.f32_values()?;
    let long = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    if long(&file.shape) != long(expected) {
        return Err(CliError::Array {
            path: path.to_owned(),
            reason: format!("has shape {:?}; scales of shape {expected:?} are needed", file.shape),
        });
    }
    if let Some(scale) = values.iter().find(|scale| !(scale.is_finite() && **scale != 0.0)) {
        return Err(CliError::Array {
            path: path.to_owned(),
            reason: format!("holds {scale}; scales are finite and not 0"),
        });
    }
    Ok(ArrayD::from_shape_vec(IxDyn(expected), values)?)
}

fn groups(
    args: &Args,
    format: GroupFormat,
    weights: ArrayView2<'_, f32>,
) -> Result<WeightGrid, CliError> {
    let refuse = |flag: &str| {
        CliError::Arguments(format!("{flag} has no meaning for --weights {format}, which sets it"))
    };
    if args.narrow {
        return Err(refuse("--narrow"));
    }
    if args.granularity.is_some() {
        return Err(refuse("--granularity"));
    }
    if args.scale.is_some() {
        return Err(refuse("--scale"));
    }
    let mut element = PLAIN;
    // As `fewbit quantize`: MXINT8's -2 is left unused.
    if matches!(format.element(), Format::Fixed(_)) {
        element = element.with_overflow(Overflow::SaturateSymmetric);
    }
    let policy =
        GroupPolicy::new(ScalePolicy::new(ExponentRule::Floor), element).with_scale_code(PLAIN);
    let tensor = Quantizer::of_groups(format, 1, policy)?.quantize(&weights)?;
    let grid = Grid::of_groups(&tensor)?;
    Ok(WeightGrid {
        grid,
        groups: tensor.scale_codes().cloned(),
        granularity: Share::Group(format.size()),
    })
}

/// A signed integer format without its lowest code.
fn narrow(format: Format) -> Result<Format, CliError> {
    match format {
        Format::Int(int) if int.is_signed() && int.range() == IntRange::Narrow => Ok(format),
        // The grammar of formats has a suffix for it.
        Format::Int(int) if int.is_signed() => format!("{format}n")
            .parse()
            .map_err(|error: FormatError| CliError::Arguments(error.to_string())),
        _ => Err(CliError::Arguments(format!(
            "--narrow leaves the lowest code of signed integers unused; --weights {format} is none"
        ))),
    }
}

/// The integers that a datapath multiplies; `None` where the format has none.
pub(super) fn levels(grid: &Grid, codes: &Array2<u32>) -> Option<Array2<i64>> {
    let levels: Option<Vec<i64>> = codes.iter().map(|&code| grid.level(code)).collect();
    Array2::from_shape_vec(codes.dim(), levels?).ok()
}

/// The share of weights whose value is 0.
pub(super) fn sparsity(values: &Array2<f32>) -> f64 {
    values.axis_iter(Axis(0)).map(|row| row.iter().filter(|&&v| v == 0.0).count()).sum::<usize>()
        as f64
        / values.len() as f64
}
