//! Cross-layer equalization over the regions of a graph (Nagel et al. 2019).

use ndarray::{ArrayD, Dimension};

use crate::graph::{Graph, Product, ProductLayout};

use super::{PassError, PassReport, Region, regions};

/// How far a source's bias counts for its range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum BiasShrinkage {
    /// Not at all.
    None,
    /// Divided by 2, 5, 10 or 20, by how large biases are beside weights: the rule of Vitis AI's quantizer.
    #[default]
    VitisAi,
    /// Divided by this.
    By(f32),
}

/// Parameters of [`equalize`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EqualizeParams {
    /// Sweeps over all regions at most.
    pub sweeps: usize,
    /// The sweep after which no `|1 - c|` reached this is the last.
    pub threshold: f32,
    /// α of `c = max|sinks|^(1 - α) / max|sources|^α`.
    pub alpha: f32,
    /// How far biases count.
    pub bias: BiasShrinkage,
}

impl Default for EqualizeParams {
    /// Brevitas's for vision.
    fn default() -> Self {
        Self { sweeps: 20, threshold: 0.05, alpha: 0.5, bias: BiasShrinkage::default() }
    }
}

/// Channels with a range of at most this on either side are left alone.
const LEAST: f32 = 1e-9;

/// Evens out the ranges of channels between the products that make them and those that take them:
///
/// ```text
/// c = max|w of the sinks' inputs|^(1 - alpha) / max|w of the sources' outputs|^alpha
/// sources: w <- w c, b <- b c         sinks: w <- w / c
/// ```
///
/// The float network computes the same function, up to rounding.
///
/// # Errors
/// Weights that are no floats.
pub fn equalize(graph: &mut Graph, params: &EqualizeParams) -> Result<PassReport, PassError> {
    let regions = regions(graph);
    for _ in 0..params.sweeps {
        let mut change = 0f32;
        for region in &regions {
            change = change.max(sweep(graph, region, params)?);
        }
        if change < params.threshold {
            break;
        }
    }
    let count = if params.sweeps == 0 { 0 } else { regions.len() };
    Ok(PassReport::new("equalize", count, "regions of products"))
}

/// One sweep over a region; the greatest `|1 - c|`.
fn sweep(graph: &mut Graph, region: &Region, params: &EqualizeParams) -> Result<f32, PassError> {
    let mut weights = |product: &Product| floats(graph, product);
    let sources = region.sources.iter().map(&mut weights).collect::<Result<Vec<_>, _>>()?;
    let sinks = region.sinks.iter().map(&mut weights).collect::<Result<Vec<_>, _>>()?;
    let channels = region.sources[0].outputs(sources[0].shape());
    let (mut made, mut taken) = (vec![0f32; channels], vec![0f32; channels]);
    for (product, w) in region.sources.iter().zip(&sources) {
        let of = output_channels(product, w.shape());
        maxima(w, &of, &mut made);
        bias_maxima(graph, product, w, params.bias, &mut made)?;
    }
    for (product, w) in region.sinks.iter().zip(&sinks) {
        maxima(w, &input_channels(product, w.shape(), channels), &mut taken);
    }
    let factors: Vec<f32> = made
        .iter()
        .zip(&taken)
        .map(|(&made, &taken)| match made > LEAST && taken > LEAST {
            true => taken.powf(1.0 - params.alpha) / made.powf(params.alpha),
            false => 1.0,
        })
        .collect();
    for (product, mut w) in region.sources.iter().zip(sources) {
        let of = output_channels(product, w.shape());
        w.indexed_iter_mut().for_each(|(at, w)| {
            *w *= factors[of(at.as_array_view().to_slice().unwrap_or_default())]
        });
        graph.set_data(product.weight, w);
        if let Some(bias) = product.bias {
            let mut b = float_data(graph, bias)?;
            b.iter_mut().zip(&factors).for_each(|(b, c)| *b *= c);
            graph.set_data(bias, b);
        }
    }
    for (product, mut w) in region.sinks.iter().zip(sinks) {
        let of = input_channels(product, w.shape(), channels);
        // A depthwise product may be source and sink of one region in turn; here it is a sink alone.
        w.indexed_iter_mut().for_each(|(at, w)| {
            *w /= factors[of(at.as_array_view().to_slice().unwrap_or_default())]
        });
        graph.set_data(product.weight, w);
    }
    Ok(factors.iter().fold(0.0, |most, c| most.max((1.0 - c).abs())))
}

fn float_data(graph: &Graph, id: crate::graph::ValueId) -> Result<ArrayD<f32>, PassError> {
    let missing = || PassError::Missing(format!("`{}` is no initializer", graph.name_of(id)));
    let tensor = graph.data(id).ok_or_else(missing)?.clone();
    tensor.try_into().map_err(PassError::tensor(graph.name_of(id)))
}

fn floats(graph: &Graph, product: &Product) -> Result<ArrayD<f32>, PassError> {
    float_data(graph, product.weight)
}

/// The output channel of a weight.
fn output_channels(product: &Product, shape: &[usize]) -> impl Fn(&[usize]) -> usize + use<> {
    let (layout, axis) = (product.layout, product.output_axis());
    let (channels, per_group) = (shape[0] / product.groups.max(1), shape[1]);
    move |at| match layout {
        ProductLayout::ConvTranspose => at[0] / channels.max(1) * per_group + at[1],
        _ => at[axis],
    }
}

/// The channel that a weight takes, of so many.
fn input_channels(
    product: &Product,
    shape: &[usize],
    channels: usize,
) -> impl Fn(&[usize]) -> usize + use<> {
    let (layout, axis, groups) = (product.layout, product.input_axis(), product.groups.max(1));
    let (outputs, depth) = (shape[0] / groups, shape[1]);
    let repeat = product.inputs(shape) / channels.max(1);
    move |at| match layout {
        ProductLayout::Conv => at[0] / outputs.max(1) * depth + at[1],
        _ => at[axis] / repeat.max(1),
    }
}

/// Raises maxima to the magnitudes of weights.
fn maxima(w: &ArrayD<f32>, channel: &impl Fn(&[usize]) -> usize, maxima: &mut [f32]) {
    for (at, w) in w.indexed_iter() {
        let most = &mut maxima[channel(at.as_array_view().to_slice().unwrap_or_default())];
        *most = most.max(w.abs());
    }
}

/// Raises maxima to the magnitudes of shrunk biases.
fn bias_maxima(
    graph: &Graph,
    product: &Product,
    w: &ArrayD<f32>,
    shrinkage: BiasShrinkage,
    maxima: &mut [f32],
) -> Result<(), PassError> {
    let Some(bias) = product.bias else { return Ok(()) };
    let bias = float_data(graph, bias)?;
    let by = match shrinkage {
        BiasShrinkage::None => return Ok(()),
        BiasShrinkage::By(by) => by,
        BiasShrinkage::VitisAi => vitis_ai(product, w, &bias),
    };
    for (most, b) in maxima.iter_mut().zip(&bias) {
        *most = most.max((b / by).abs());
    }
    Ok(())
}

/// The divisor of biases: their extremes and the median and mean of `|b| / |w|` decide.
fn vitis_ai(product: &Product, w: &ArrayD<f32>, bias: &ArrayD<f32>) -> f32 {
    let most = |x: &ArrayD<f32>| x.iter().fold(0f32, |most, x| most.max(x.abs()));
    let of = output_channels(product, w.shape());
    let flat: Vec<f32> = bias.iter().copied().collect();
    let mut ratios: Vec<f32> = w
        .indexed_iter()
        .map(|(at, w)| {
            flat.get(of(at.as_array_view().to_slice().unwrap_or_default()))
                .map_or(0.0, |b| b.abs() / w.abs().max(LEAST))
        })
        .collect();
    ratios.sort_unstable_by(f32::total_cmp);
    let median = ratios.get(ratios.len().saturating_sub(1) / 2).copied().unwrap_or(0.0);
    let mean = ratios.iter().map(|&r| f64::from(r)).sum::<f64>() / ratios.len().max(1) as f64;
    let (bias, weight) = (most(bias), most(w));
    if bias < 10.0 && bias / weight < 20.0 {
        if median > 100.0 || mean > 1000.0 { 5.0 } else { 2.0 }
    } else if median > 30.0 || mean > 500.0 {
        20.0
    } else if median > 15.0 || mean > 250.0 {
        10.0
    } else {
        5.0
    }
}
