//! The vision flow: from a float network to a quantized one.
//!
//! 1. Branches that calibration data always take stand in the place of their conditions; ReLU6 becomes ReLU, attention two products
//!    and a softmax, a recurrent node a product and a loop; batch normalizations are merged, channels are equalized and split;
//!    activations are equalized.
//! 2. Quantizers on activations and weights, within loops too.
//! 3. Scales of activations from the calibration images.
//! 4. Codes of weights by GPFQ, GPTQ, Qronos, learned rounding, in this order, those that are asked for.
//! 5. Batch normalizations that are left get new statistics, biases make up for the mean error; then they become integers.
//!
//! Nothing sees a label, or an image of the evaluation.

use crate::graph::{Graph, products};
use crate::ops::Op;
use crate::passes::{
    ActivationEqualizeParams, BiasShrinkage, EqualizeParams, Journal, NoJournal, PassReport,
    SolveInputs, SolveParams, SplitSide, VarianceRule, calibrate, correct_biases, correct_norms,
    decompose_attention, decompose_recurrent, equalize, equalize_activations, inline_branches,
    insert_activation_quantizers, insert_input_quantizers, insert_recurrent_quantizers,
    insert_weight_quantizers, learn_rounding, learn_rounding_of_blocks, merge_batch_norm,
    quantize_biases, relu6_to_relu, solve, split_channels,
};
use crate::tensor::Tensor;
use fewbit::algorithms::Order;
use fewbit::algorithms::layer::LayerSolver;

use super::FlowError;
use super::accumulators::{accumulator, set_accumulators};
use super::config::{Backend, VisionConfig};
use super::quantized::QuantizedNetwork;
use super::quantizers::{activation_quantizers, weight_quantizer};
use super::rounding::{LearnedRounding, learned_rounding, single_images};
use super::timer::Timer;

/// What the report of an algorithm says where biases were corrected product by product.
const BIASES: &str = ", their biases corrected";

/// The vision flow with its configuration.
#[derive(Clone, Debug)]
pub struct VisionFlow<'a> {
    /// What is wanted.
    pub config: &'a VisionConfig,
}

impl VisionFlow<'_> {
    /// The network without what is not quantized: merged and equalized.
    ///
    /// # Errors
    /// What a pass refuses.
    pub fn prepare(&self, graph: &Graph) -> Result<(Graph, Vec<PassReport>), FlowError> {
        let config = self.config;
        let mut graph = graph.clone();
        let mut passes = vec![
            relu6_to_relu(&mut graph)?,
            decompose_attention(&mut graph)?,
            decompose_recurrent(&mut graph)?,
        ];
        if config.merges_batch_norms() {
            passes.push(merge_batch_norm(&mut graph)?);
        }
        if config.graph_eq_iterations > 0 {
            let bias = match config.graph_eq_merge_bias {
                true => BiasShrinkage::VitisAi,
                false => BiasShrinkage::None,
            };
            let sweeps = config.graph_eq_iterations;
            let params = EqualizeParams { sweeps, bias, ..EqualizeParams::default() };
            passes.push(equalize(&mut graph, &params)?);
        }
        if config.channel_splitting_ratio > 0.0 {
            let side = match config.channel_splitting_split_input {
                true => SplitSide::Inputs,
                false => SplitSide::Outputs,
            };
            passes.push(split_channels(&mut graph, config.channel_splitting_ratio, side)?);
        }
        graph.remove_unused();
        graph.sort()?;
        graph.infer()?;
        Ok((graph, passes))
    }

    /// Quantizes a network, with calibration batches that hold one tensor per input of it.
    ///
    /// `progress` hears the name of a phase, what of it is done, and of how much.
    ///
    /// # Errors
    /// Keys that do not go together; batches that the network cannot take; what a pass refuses.
    pub fn run(
        &self,
        graph: &Graph,
        batches: &[Vec<Tensor>],
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Result<QuantizedNetwork, FlowError> {
        self.run_kept(graph, batches, &mut NoJournal, progress)
    }

    /// The same with a journal of what algorithms choose.
    ///
    /// # Errors
    /// As [`Self::run`]; a journal that cannot be read or written.
    pub fn run_kept(
        &self,
        graph: &Graph,
        batches: &[Vec<Tensor>],
        journal: &mut dyn Journal,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Result<QuantizedNetwork, FlowError> {
        let calibrated = self.calibrated(graph, batches, progress)?;
        self.finish(calibrated, batches, journal, progress)
    }

    /// Steps 1 to 3: quantizers with scales, weights rounded to nearest.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn calibrated(
        &self,
        graph: &Graph,
        batches: &[Vec<Tensor>],
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Result<QuantizedNetwork, FlowError> {
        let config = self.config;
        self.check()?;
        let mut phases = Vec::new();
        let mut timed = Timer::new(&mut phases);
        progress("prepare", 0, 1);
        let mut graph = graph.clone();
        let branches = inline_branches(&mut graph, batches)?;
        let (mut float, mut passes) = self.prepare(&graph)?;
        passes.insert(0, branches);
        timed.phase("prepare");
        if let Some(target) = config.act_equalization {
            progress("equalize activations", 0, 1);
            let target = target.target();
            let alpha = config.act_equalization_alpha;
            let params = ActivationEqualizeParams { alpha, target };
            passes.push(equalize_activations(&mut float, batches, &params)?);
            timed.phase("equalize activations");
        }
        let mut graph = float.clone();
        match activation_quantizers(config)? {
            None => {}
            Some(quantizers) => {
                passes.push(match config.target_backend {
                    Backend::Layerwise => {
                        insert_input_quantizers(&mut graph, &quantizers.signed, &[])?
                    }
                    _ => insert_activation_quantizers(&mut graph, &quantizers)?,
                });
                passes.push(insert_recurrent_quantizers(&mut graph, &quantizers)?);
            }
        }
        passes.push(insert_weight_quantizers(&mut graph, &weight_quantizer(config)?)?);
        timed.phase("insert quantizers");
        progress("calibrate", 0, 1);
        let (report, means) = calibrate(&mut graph, batches)?;
        passes.push(report);
        timed.phase("calibrate");
        Ok(QuantizedNetwork { float, graph, means, passes, phases, solved: Vec::new() })
    }

    /// Steps 4 and 5, on a network that is calibrated.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn finish(
        &self,
        network: QuantizedNetwork,
        batches: &[Vec<Tensor>],
        journal: &mut dyn Journal,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Result<QuantizedNetwork, FlowError> {
        let config = self.config;
        let QuantizedNetwork { float, mut graph, means, mut passes, mut phases, mut solved } =
            network;
        let mut timed = Timer::new(&mut phases);
        let all = accumulator(
            config.accumulator.as_deref(),
            config.gpxq_accumulator_bit_width,
            config.gpxq_accumulator_tile_size,
        )?;
        set_accumulators(&mut graph, all, &config.accumulators)?;
        let algorithms = config.algorithms();
        let rounding = learned_rounding(config)?;
        // Whatever chooses codes last corrects the biases on its way, unless normalizations change behind it.
        let on_the_way = config.bias_corr && !config.calibrate_bn;
        let last = on_the_way.then_some(&means);
        for (index, &name) in algorithms.iter().enumerate() {
            let params = self.solve_params(name)?;
            let mut hear = |done, total| progress(name, done, total);
            let is_last = index + 1 == algorithms.len() && rounding.is_none();
            let means = last.filter(|_| is_last);
            let (mut report, layers) =
                solve(&float, &mut graph, batches, &params, means, journal, &mut hear)?;
            report.name = name;
            if means.is_some() {
                report.detail += BIASES;
            }
            passes.push(report);
            solved = layers;
            timed.phase(name);
        }
        if let Some(params) = &rounding {
            let mut hear = |done, total| progress("learned round", done, total);
            let mut report = match params {
                LearnedRounding::Layers(params) => {
                    learn_rounding(&float, &mut graph, batches, params, last, journal, &mut hear)?
                }
                LearnedRounding::Blocks(params) => {
                    let images = single_images(batches);
                    let graph = &mut graph;
                    learn_rounding_of_blocks(
                        &float, graph, &images, params, last, journal, &mut hear,
                    )?
                }
            };
            if last.is_some() {
                report.detail += BIASES;
            }
            passes.push(report);
            timed.phase("learned round");
        }
        let inner = products_in_loops(&graph);
        if let (Some(LearnedRounding::Blocks(_)), true, 1..) =
            (&rounding, algorithms.is_empty(), inner)
        {
            passes.push(PassReport {
                name: "weights of states",
                changed: 0,
                detail: format!(
                    "{inner} matrices that multiply the state of a loop keep their nearest codes: rounding is learned for products \
                     outside of loops"
                ),
            });
        }
        if config.calibrate_bn {
            let mut hear = |done, total| progress("correct norms", done, total);
            let rule = VarianceRule::default();
            passes.push(correct_norms(&mut graph, batches, rule, &mut hear)?);
            timed.phase("correct norms");
        }
        let chosen = !algorithms.is_empty() || rounding.is_some();
        if config.bias_corr && !(on_the_way && chosen) {
            let mut hear = |done, total| progress("correct biases", done, total);
            passes.push(correct_biases(&means, &mut graph, batches, &mut hear)?);
            timed.phase("correct biases");
        }
        if let (Some(bits), true) = (config.bias_bit_width, config.act_bit_width > 0) {
            let format = format!("int{bits}").parse();
            let format = format.map_err(|error| FlowError::Combination(format!("{error}")))?;
            passes.push(quantize_biases(&mut graph, format)?);
        }
        graph.infer()?;
        Ok(QuantizedNetwork { float, graph, means, passes, phases, solved })
    }

    /// Keys that do not go together.
    fn check(&self) -> Result<(), FlowError> {
        learned_rounding(self.config)?;
        if self.config.target_backend == Backend::FlexMl
            && self.config.channel_splitting_ratio > 0.0
        {
            return Err(FlowError::Combination(
                "`target_backend` flexml splits no channels: use fx, or leave `channel_splitting_ratio` out".into(),
            ));
        }
        Ok(())
    }

    fn solve_params(&self, name: &str) -> Result<SolveParams, FlowError> {
        let solver: LayerSolver =
            name.parse().map_err(|error| FlowError::Combination(format!("{error}")))?;
        let solver = match self.config.gpxq_act_order {
            true => solver.with_order(Order::Descending).unwrap_or(solver),
            false => solver,
        };
        let constraint = self.config.accumulator_constraint.constraint();
        let inputs = SolveInputs::Rounded;
        Ok(SolveParams { solver, constraint, effort: self.config.effort, inputs })
    }
}

/// How many products with quantized weights the bodies of loops have.
fn products_in_loops(graph: &Graph) -> usize {
    let count = |op: &Op| match op {
        Op::Scan(scan) => {
            let all = products(&scan.body);
            all.iter().filter(|product| product.weight_quantizer.is_some()).count()
        }
        _ => 0,
    };
    graph.nodes().map(|(_, node)| count(&node.op)).sum()
}
