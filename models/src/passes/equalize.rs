//! Cross-layer equalization over the regions of a graph (Nagel et al. 2019).

use ndarray::ArrayD;

use crate::graph::Graph;

use super::channel_runs::ChannelRuns;
use super::source::floats;
use super::{PassError, PassReport, Region, Source, regions};

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
    let channels = region.channels(graph);
    let mut made = vec![0f32; channels];
    for source in &region.sources {
        let w = floats(graph, source.weight())?;
        let runs = ChannelRuns::of_source(source, w.shape());
        runs.maxima(&w, &mut made);
        bias_maxima(graph, source, (&w, &runs), params.bias, &mut made)?;
    }
    let taken = region.taken(graph)?;
    let factors: Vec<f32> = made
        .iter()
        .zip(&taken)
        .map(|(&made, &taken)| match made > LEAST && taken > LEAST {
            true => taken.powf(1.0 - params.alpha) / made.powf(params.alpha),
            false => 1.0,
        })
        .collect();
    region.scale(graph, &factors)?;
    Ok(factors.iter().fold(0.0, |most, c| most.max((1.0 - c).abs())))
}

/// Raises maxima to the magnitudes of shrunk biases.
fn bias_maxima(
    graph: &Graph,
    source: &Source,
    (w, runs): (&ArrayD<f32>, &ChannelRuns),
    shrinkage: BiasShrinkage,
    maxima: &mut [f32],
) -> Result<(), PassError> {
    let Some(bias) = source.bias() else { return Ok(()) };
    let bias = floats(graph, bias)?;
    let by = match shrinkage {
        BiasShrinkage::None => return Ok(()),
        BiasShrinkage::By(by) => by,
        BiasShrinkage::VitisAi => vitis_ai(w, runs, &bias),
    };
    for (most, b) in maxima.iter_mut().zip(&bias) {
        *most = most.max((b / by).abs());
    }
    Ok(())
}

/// The divisor of biases: their extremes and the median and mean of `|b| / |w|` decide.
fn vitis_ai(w: &ArrayD<f32>, runs: &ChannelRuns, bias: &ArrayD<f32>) -> f32 {
    let most = |x: &ArrayD<f32>| x.iter().fold(0f32, |most, x| most.max(x.abs()));
    let flat: Vec<f32> = bias.iter().copied().collect();
    let mut ratios: Vec<f32> = Vec::with_capacity(w.len());
    runs.each(w, |channel, run| {
        let b = flat.get(channel).map_or(0.0, |b| b.abs());
        ratios.extend(run.iter().map(|w| b / w.abs().max(LEAST)));
    });
    let middle = ratios.len().saturating_sub(1) / 2;
    let median = match ratios.is_empty() {
        true => 0.0,
        false => *ratios.select_nth_unstable_by(middle, f32::total_cmp).1,
    };
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
