//! Weight magnitude reduction on the products of a network (MagR, Zhang et al. 2024).

use fewbit::algorithms::equalize::{MagrParams, magr};
use fewbit::algorithms::linalg::largest_eigenvalue;
use ndarray::{Array2, s};

use crate::exec::QuantizerMode;
use crate::graph::{Graph, NodeId, Product, products};
use crate::tensor::Tensor;

use super::statistics::{ProductInputs, statistics};
use super::walk::Walk;
use super::weights::weights_of;
use super::{PassError, PassReport};

/// Steps in which the greatest eigenvalue is found.
const POWER_STEPS: usize = 30;

/// Shrinks the greatest weight of each row of every product while its output stays near:
///
/// ```text
/// min ½ (w - w₀)ᵀ H (w - w₀) + α' max|w|        α' = alpha σ² / |H|₁,  σ the greatest eigenvalue of H = X̄ᵀX̄
/// ```
///
/// with which `alpha` means what it does in Brevitas, whatever the units of the inputs. H is that of what the network computes of these
/// batches before any weight is changed; of a convolution with groups, that of each group. Products in `except` stay as
/// they are.
///
/// # Errors
/// Batches that the network cannot take; weights or inputs that are not finite.
pub fn reduce_magnitudes(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    params: &MagrParams,
    except: &[NodeId],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let original = graph.clone();
    let suits = |product: &Product| !except.contains(&product.node);
    let all: Vec<_> = products(&original).into_iter().filter(suits).collect();
    let mut walk = Walk::quantized(&original, batches, QuantizerMode::Apply)?;
    let mut reduced = 0;
    for &id in original.order() {
        if let Some(product) = all.iter().find(|product| product.node == id) {
            progress(reduced, all.len());
            let name = original.node(id).name.clone();
            let weights = weights_of(&original, product)?;
            let mut matrix = product.matrix(&weights);
            let inputs = ProductInputs::of(&walk, &original, product)?;
            let statistics = statistics(&original, &inputs, product, &name)?;
            let rows = matrix.nrows() / product.groups.max(1);
            for (group, gram) in statistics.grams.iter().enumerate() {
                let mut part = matrix.slice_mut(s![group * rows..(group + 1) * rows, ..]);
                let h: Array2<f64> = &gram.h / statistics.samples.max(1) as f64;
                let params = MagrParams { alpha: in_units(params.alpha, &h), ..*params };
                let found = magr(part.view(), h.view(), &params);
                part.assign(&found.map_err(PassError::algorithm(&name))?.weights);
            }
            graph.set_data(product.weight, product.weights(&matrix, weights.shape()));
            reduced += 1;
            if reduced == all.len() {
                break;
            }
        }
        walk.step(&original, id)?;
    }
    progress(all.len(), all.len());
    Ok(PassReport::new("reduce magnitudes", reduced, "products"))
}

/// `alpha σ² / |H|₁`.
fn in_units(alpha: f64, h: &Array2<f64>) -> f64 {
    let sigma = largest_eigenvalue(h.view(), POWER_STEPS);
    let norm = h.columns().into_iter().map(|c| c.iter().map(|x| x.abs()).sum()).fold(0.0, f64::max);
    if norm > 0.0 { alpha * sigma * sigma / norm } else { 0.0 }
}
