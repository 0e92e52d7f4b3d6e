//! The measurement with a guarantee: per accumulator a network that cannot overflow it.

use std::collections::BTreeMap;

use super::error::SweepError;
use super::float::float_outputs;
use super::network::Network;
use super::results::GuaranteedPoint;
use super::run::{SweepJob, sqnr_db};
use crate::accumulate::Accumulator;
use crate::algorithms::layer::{AccumulatorConstraint, LayerAccumulator};
use crate::tasks;

/// Quantizes the network for every template at every width under every constraint ([`Network::constrained`]), and runs it
/// through that accumulator: what a guarantee against overflow costs.
///
/// Points come constraint by constraint, template by template, `P` rising. [`AccumulatorConstraint::None`] has none here:
/// it guarantees nothing, and [`sweep()`](super::sweep()) has its points. `progress` is called, from any thread, once for
/// each.
///
/// ```
/// use fewbit::algorithms::layer::AccumulatorConstraint;
/// use fewbit::sweep::{BitRange, FloatLayer, SweepJob, guaranteed_points};
/// use ndarray::array;
/// let inputs = array![[255.0f32, 0.0], [0.0, 255.0]];
/// let layers = [FloatLayer::without_bias(array![[7.0, 3.0]])];
/// let templates = ["int{P}-sat".parse()?];
/// let job = SweepJob {
///     layers: &layers,
///     weights: "int4".parse()?,
///     acts: "uint8".parse()?,
///     calibration: inputs.view(),
///     inputs: inputs.view(),
///     labels: None,
///     templates: &templates,
///     bits: BitRange::new(8..=13)?,
/// };
/// let points = guaranteed_points(&job, &[AccumulatorConstraint::Joint], &|| ())?;
/// assert!(points.iter().all(|point| point.guaranteed && point.overflow_share == 0.0));
/// // Up to 127 = 2^7 - 1 not even one code of 1 could be: all weights are 0, and nothing of the outputs is left.
/// assert_eq!(points[0].sqnr_float_db, Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`sweep()`](super::sweep()).
pub fn guaranteed_points(
    job: &SweepJob<'_>,
    constraints: &[AccumulatorConstraint],
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<GuaranteedPoint>, SweepError> {
    job.check()?;
    let accumulators = job.accumulators()?;
    let float = float_outputs(job.layers, job.inputs)?;
    // By what can be guaranteed: the numbers of the points for which one network does.
    let mut alike: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    let guarantees: Vec<_> =
        constraints.iter().copied().filter(|&c| c != AccumulatorConstraint::None).collect();
    for (order, _) in guarantees.iter().enumerate() {
        for (number, (_, _, acc)) in accumulators.iter().enumerate() {
            alike.entry((order, without_policy(acc))).or_default().push(number);
        }
    }
    let measure = |(&(order, _), numbers): (&(usize, String), &Vec<usize>)| {
        let constraint = guarantees[order];
        let accumulator = accumulators[numbers[0]].2.clone();
        let wanted = LayerAccumulator { accumulator, constraint };
        let network =
            Network::constrained(job.layers, job.weights, job.acts, job.calibration, &wanted)?;
        let point = |&number: &usize| {
            let (kind, bits, acc) = &accumulators[number];
            let pass = network.run(job.inputs, acc)?;
            progress();
            let point = GuaranteedPoint {
                constraint,
                kind: *kind,
                bits: *bits,
                acc: acc.to_string(),
                accuracy: job.accuracy(&pass.outputs),
                sqnr_float_db: sqnr_db(&float, &pass.outputs),
                overflow_share: pass.overflowed as f64 / pass.sums.max(1) as f64,
                guaranteed: network.is_guaranteed(acc)?,
            };
            Ok(((order, number), point))
        };
        numbers.iter().map(point).collect::<Result<Vec<_>, SweepError>>()
    };
    let found = tasks::try_map(&alike, measure)?;
    let ordered: BTreeMap<_, _> = found.into_iter().flatten().collect();
    Ok(ordered.into_values().collect())
}

/// The accumulator without what it does on an overflow: what never overflows does not depend on it.
fn without_policy(acc: &Accumulator) -> String {
    acc.to_string().replace("-sat", "-wrap")
}
