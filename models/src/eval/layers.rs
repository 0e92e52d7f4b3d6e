//! What quantization and accumulators do to each product.

use fewbit::Accumulator;
use ndarray::{ArcArray, IxDyn};
use rayon::prelude::*;
use serde::Serialize;

use crate::exec::integer::NodeReport;
use crate::exec::{Constants, ExecError, Execution, Moment, QuantizerMode, float_pieces};
use crate::graph::{Graph, NodeId};
use crate::ops::Op;
use crate::ops::sums::squares;
use crate::tensor::Tensor;

use super::bounds::network_bounds;
use super::rows::Row;

/// What quantization and its accumulator do to one product.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerResult {
    /// The node.
    pub name: String,
    /// `10 log10(sum y² / sum (y - y')²)` of its outputs on some images, `y` of the float network; absent where both are the
    /// same.
    pub sqnr_db: Option<f64>,
    /// The least width of one register over all of K that no input overflows.
    pub guaranteed_bits: Option<u32>,
    /// The least width of one register over all of K that these images need.
    pub observed_bits: Option<u32>,
    /// Overflow events of its accumulator on these images.
    pub events: Option<u64>,
    /// Its accumulator.
    pub accumulator: Option<String>,
}

/// The results of all products: of those with constant weights, of those of two activations that quantizers round, and of those
/// within loops over a sequence, whose errors are those of all steps.
///
/// Errors are those on the first batch.
///
/// `widths` are the reports of an integer run through an exact accumulator, `events` those of one through the network's own.
///
/// # Errors
/// What the networks refuse.
pub fn layer_results(
    float: &Graph,
    graph: &Graph,
    batches: &[Vec<Tensor>],
    widths: &[NodeReport],
    events: &[NodeReport],
) -> Result<Vec<LayerResult>, ExecError> {
    let rows = Row::all(graph);
    let energies = match batches.first() {
        Some(batch) => energies(float, graph, batch, &rows)?,
        None => vec![(0.0, 0.0); rows.len()],
    };
    let bounds = network_bounds(graph, &Accumulator::exact());
    let results = rows.into_iter().zip(&energies).map(|(row, &(signal, noise))| {
        let name = row.name;
        let by_name = |reports: &[NodeReport]| reports.iter().find(|r| r.name == name).cloned();
        let guaranteed = bounds.iter().find(|bound| bound.name == name);
        let own = by_name(events);
        LayerResult {
            sqnr_db: (noise > 0.0).then(|| 10.0 * (signal / noise).log10()),
            guaranteed_bits: guaranteed.and_then(|b| b.required_bits.first()).copied(),
            observed_bits: by_name(widths)
                .and_then(|node| Some(node.report?.stages.first()?.required_bits)),
            events: own.as_ref().map(NodeReport::total_events),
            accumulator: own.map(|node| node.accumulator),
            name,
        }
    });
    Ok(results.collect())
}

/// Of each row: the squares of what its product gives in the float network, and of what the quantized one differs from that.
///
/// Where images do not meet, a few at a time go through both networks, and their sums are added in order.
fn energies(
    float: &Graph,
    graph: &Graph,
    batch: &[Tensor],
    rows: &[Row],
) -> Result<Vec<(f64, f64)>, ExecError> {
    let Some(pieces) = float_pieces([float, graph], batch) else {
        let both = [float, graph].map(|_| Constants::default());
        return piece_energies(float, graph, batch, rows, &both);
    };
    // What serves all pieces.
    let both =
        [Constants::of(float, QuantizerMode::Skip)?, Constants::of(graph, QuantizerMode::Apply)?];
    let of_piece = |piece: &Vec<Tensor>| piece_energies(float, graph, piece, rows, &both);
    let pieces: Vec<_> = pieces.par_iter().map(of_piece).collect::<Result<_, _>>()?;
    let mut all = vec![(0.0, 0.0); rows.len()];
    for piece in pieces {
        all.iter_mut().zip(piece).for_each(|(all, piece)| *all = added(*all, piece));
    }
    Ok(all)
}

fn added(all: (f64, f64), more: (f64, f64)) -> (f64, f64) {
    (all.0 + more.0, all.1 + more.1)
}

fn piece_energies(
    float: &Graph,
    graph: &Graph,
    inputs: &[Tensor],
    rows: &[Row],
    [of_float, of_quantized]: &[Constants; 2],
) -> Result<Vec<(f64, f64)>, ExecError> {
    let mut reference = Execution::with_constants(float, inputs, QuantizerMode::Skip, of_float)?;
    let mut quantized =
        Execution::with_constants(graph, inputs, QuantizerMode::Apply, of_quantized)?;
    let mut energies = vec![(0f64, 0f64); rows.len()];
    for &id in graph.order() {
        if !float.has(id) {
            quantized.step(graph, id)?;
            continue;
        }
        let found = outputs(&mut quantized, graph, id, rows)?;
        let wanted = outputs(&mut reference, float, id, rows)?;
        for ((place, y), (other, z)) in wanted.iter().zip(&found) {
            if place == other && y.shape() == z.shape() {
                let more = energy(&values(float, id, y)?, &values(graph, id, z)?);
                energies[*place] = added(energies[*place], more);
            }
        }
    }
    Ok(energies)
}

/// Runs a node; what the products give that it is or that lie in it, each with its place among the rows, step by step.
fn outputs(
    execution: &mut Execution,
    graph: &Graph,
    id: NodeId,
    rows: &[Row],
) -> Result<Vec<(usize, Tensor)>, ExecError> {
    let places: Vec<usize> = (0..rows.len()).filter(|&place| rows[place].node == id).collect();
    let mut found = Vec::new();
    let Op::Scan(scan) = &graph.node(id).op else {
        execution.step(graph, id)?;
        for place in places {
            if let Some(value) = rows[place].output(graph) {
                found.push((place, execution.value(graph, value)?.clone()));
            }
        }
        return Ok(found);
    };
    execution.step_watched(graph, id, &mut |execution, inner, moment| {
        let place = places.iter().find(|&&place| rows[place].inner == Some(inner));
        if let (Some(&place), Moment::After) = (place, moment)
            && let Some(value) = rows[place].output(graph)
        {
            found.push((place, execution.value(&scan.body, value)?.clone()));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The elements of what a product of a node gives.
fn values(graph: &Graph, id: NodeId, tensor: &Tensor) -> Result<ArcArray<f32, IxDyn>, ExecError> {
    let array = tensor.get::<f32>().map_err(|error| ExecError::Node {
        node: graph.node(id).name.clone(),
        problem: error.to_string(),
    })?;
    Ok(match array.is_standard_layout() {
        true => array.clone(),
        false => array.as_standard_layout().into_owned().into_shared(),
    })
}

/// Elements whose squares one thread sums.
const PART: usize = 1 << 15;

/// The squares of the values, and of what others differ from them: sums of parts in order, so that threads change nothing.
fn energy(values: &ArcArray<f32, IxDyn>, others: &ArcArray<f32, IxDyn>) -> (f64, f64) {
    let (values, others) = (values.as_slice(), others.as_slice());
    let (values, others) = (values.unwrap_or_default(), others.unwrap_or_default());
    let parts = values.par_chunks(PART).zip(others.par_chunks(PART));
    let parts: Vec<(f64, f64)> = parts.map(|(y, z)| squares(y, z)).collect();
    parts.into_iter().fold((0.0, 0.0), added)
}
