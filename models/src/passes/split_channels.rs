//! Outlier channel splitting over the regions of a graph (Zhao et al. 2019).

use std::collections::BTreeSet;

use ndarray::{ArrayD, Axis};

use crate::graph::{Graph, NodeId, Product, ValueId};

use super::channel_runs::ChannelRuns;
use super::source::floats;
use super::{PassError, PassReport, Region, Source, regions};

/// Which weights are halved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitSide {
    /// Those that make a channel, with their bias; those that take it are copied.
    #[default]
    Outputs,
    /// Those that take a channel; those that make it are copied with their bias.
    Inputs,
}

/// Splits the channels with the greatest weights in two, so that their ranges are half as wide:
///
/// ```text
/// outputs: f(w x + b) v = f(w/2 x + b/2) v + f(w/2 x + b/2) v        inputs: f(w x + b) v = f(w x + b) v/2 + f(w x + b) v/2
/// ```
///
/// Of every product on that side of a region, `ceil(ratio * channels)` channels are chosen by their greatest magnitude; a channel that
/// any of them chooses is split in all. Copies come last. The float network computes the same function, up to the order of sums.
///
/// A region takes part where its sources are products, none has groups, all sinks take as many channels as are made, no
/// product makes or takes the channels of another region as well, and nothing on the way has extents that are numbers.
///
/// # Errors
/// Weights that are no floats.
pub fn split_channels(
    graph: &mut Graph,
    ratio: f64,
    side: SplitSide,
) -> Result<PassReport, PassError> {
    let mut split = 0;
    if ratio > 0.0 {
        for region in suitable(graph) {
            split += split_region(graph, &region, ratio, side)?;
        }
        graph.infer()?;
    }
    Ok(PassReport::new("split channels", split, "channels"))
}

/// The regions that can be split.
fn suitable(graph: &Graph) -> Vec<Region> {
    let all = regions(graph);
    let count = |of: &dyn Fn(&Region) -> Vec<NodeId>, node: NodeId| {
        all.iter().filter(|region| of(region).contains(&node)).count()
    };
    let sources = |region: &Region| region.sources.iter().map(Source::node).collect::<Vec<_>>();
    let sinks = |region: &Region| region.sinks.iter().map(|sink| sink.node).collect::<Vec<_>>();
    let suits = |region: &&Region| {
        let channels = region.channels(graph);
        let inputs = |sink: &Product| {
            graph.data(sink.weight).map_or(0, |weights| sink.inputs(weights.shape()))
        };
        let products = region.sources.iter().map(Source::product);
        products.clone().all(|product| product.is_some_and(|product| product.groups == 1))
            && region.sinks.iter().all(|sink| sink.groups == 1 && inputs(sink) == channels)
            && sources(region).into_iter().all(|node| count(&sources, node) == 1)
            && sinks(region).into_iter().all(|node| count(&sinks, node) == 1)
            && region.summands.is_empty()
            && !region.is_reshaped
    };
    all.iter().filter(suits).cloned().collect()
}

/// Splits the channels of a region; how many.
fn split_region(
    graph: &mut Graph,
    region: &Region,
    ratio: f64,
    side: SplitSide,
) -> Result<usize, PassError> {
    let channels = region.channels(graph);
    let count = (ratio * channels as f64).ceil() as usize;
    let sources: Vec<&Product> = region.sources.iter().filter_map(Source::product).collect();
    let mut chosen = BTreeSet::new();
    let halved: Vec<&Product> = match side {
        SplitSide::Outputs => sources.clone(),
        SplitSide::Inputs => region.sinks.iter().collect(),
    };
    for product in halved {
        let w = floats(graph, product.weight)?;
        let mut most = vec![0f32; channels];
        let runs = match side {
            SplitSide::Outputs => ChannelRuns::of_outputs(product, w.shape()),
            SplitSide::Inputs => ChannelRuns::of_inputs(product, w.shape(), channels),
        };
        runs.maxima(&w, &mut most);
        let mut order: Vec<usize> = (0..channels).collect();
        // Of equal ones the first.
        order.sort_by(|&a, &b| most[b].total_cmp(&most[a]));
        chosen.extend(order.into_iter().take(count));
    }
    let chosen: Vec<usize> = chosen.into_iter().collect();
    let (of_outputs, of_inputs) = match side {
        SplitSide::Outputs => (0.5, 1.0),
        SplitSide::Inputs => (1.0, 0.5),
    };
    for product in sources {
        widen(graph, product.weight, product.output_axis(), &chosen, of_outputs)?;
        if let Some(bias) = product.bias {
            widen(graph, bias, 0, &chosen, of_outputs)?;
        }
    }
    for sink in &region.sinks {
        widen(graph, sink.weight, sink.input_axis(), &chosen, of_inputs)?;
    }
    Ok(chosen.len())
}

/// Multiplies slices along an axis with a factor, and appends copies of them.
fn widen(
    graph: &mut Graph,
    constant: ValueId,
    axis: usize,
    chosen: &[usize],
    factor: f32,
) -> Result<(), PassError> {
    let name = graph.name_of(constant).to_owned();
    let mut array: ArrayD<f32> = floats(graph, constant)?;
    let axis = Axis(axis.min(array.ndim().saturating_sub(1)));
    for &index in chosen {
        array.index_axis_mut(axis, index).mapv_inplace(|x| x * factor);
    }
    let copies = array.select(axis, chosen);
    array
        .append(axis, copies.view())
        .map_err(|error| PassError::Missing(format!("`{name}`: {error}")))?;
    graph.set_data(constant, array.as_standard_layout().into_owned());
    Ok(())
}
