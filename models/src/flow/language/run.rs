//! The language flow: from a float language model to a quantized one.
//!
//! 1. Factors of norms are merged, layer norms become RMS norms, activations are rotated, channels equalized.
//! 2. Magnitudes of weights are reduced, channels scaled and weights clipped (AWQ), a part of low rank taken out (SVDQuant).
//! 3. Quantizers on the inputs and weights of products, and inside attention; static scales from the calibration text.
//! 4. Codes of weights by learned rounding, GPTQ, GPTAQ, GPFQ, Qronos, in this order, those that are asked for.
//! 5. Biases make up for the mean error.
//!
//! Products are visited in the order in which they run, all calibration windows at once, so that memory holds what stands between
//! two of them. Nothing sees the text that the result is measured on.

use fewbit::algorithms::Order;
use fewbit::algorithms::equalize::{AwqParams, ClipParams, MagrParams};
use fewbit::algorithms::layer::LayerSolver;
use fewbit::algorithms::lowrank::SvdQuantParams;
use fewbit::algorithms::rotate::CayleyParams;

use super::super::FlowError;
use super::super::accumulators::{AccumulatorKind, accumulator, set_accumulators};
use super::super::quantized::QuantizedNetwork;
use super::super::rounding::{LearnedRoundKeys, learned_rounding_of};
use super::super::timer::Timer;
use super::config::{
    ExportTarget, LanguageFlowConfig, RotationFlow, RotationMatrices, RotationObjective,
    ScaleTiming,
};
use super::quantizers::{attention_quantizers, input_quantizer, weight_quantizer};
use crate::export::round_scales_to_f16;
use crate::graph::{Graph, NodeId, multiplying, products};
use crate::passes::{
    ActivationEqualizeParams, BlockRoundParams, Blocks, ChannelMeans, EqualizeParams, Journal,
    LossDescent, OrphanSinks, PassReport, RotateParams, RotationKind, RotationMode, ScaleParams,
    SdpaRegions, SolveInputs, SolveParams, calibrate, clip_weights, correct_biases,
    decompose_attention, equalize, equalize_activations, insert_attention_quantizers,
    insert_input_quantizers, insert_weight_quantizers_but, layer_norm_to_rms, learn_rounding,
    learn_rounding_of_blocks, merge_norm_affine, reduce_magnitudes, rotate, rotate_for_loss,
    rotate_for_weights, scale_by_activations, solve, svd_quant, untie_weights,
};
use crate::tensor::Tensor;

/// Windows of a step of learned rounding, as in Brevitas.
const BATCH: usize = 8;

/// The language flow with its configuration.
#[derive(Clone, Debug)]
pub struct LanguageFlow<'a> {
    /// What is wanted.
    pub config: &'a LanguageFlowConfig,
}

/// Hears the name of a phase, what of it is done, and of how much.
type Progress<'a> = &'a mut dyn FnMut(&str, usize, usize);

impl LanguageFlow<'_> {
    /// Quantizes a language model, with calibration batches that hold one tensor per input of it: a window each.
    ///
    /// # Errors
    /// Keys that do not go together; batches that the model cannot take; what a pass refuses; a journal that cannot be read or
    /// written.
    pub fn run(
        &self,
        graph: &Graph,
        batches: &[Vec<Tensor>],
        journal: &mut dyn Journal,
        progress: Progress<'_>,
    ) -> Result<QuantizedNetwork, FlowError> {
        let calibrated = self.calibrated(graph, batches, progress)?;
        match self.config.no_quantize {
            true => Ok(calibrated),
            false => self.finish(calibrated, batches, journal, progress),
        }
    }

    /// Steps 1 to 3: quantizers with scales, weights rounded to nearest.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn calibrated(
        &self,
        graph: &Graph,
        batches: &[Vec<Tensor>],
        progress: Progress<'_>,
    ) -> Result<QuantizedNetwork, FlowError> {
        let config = self.config;
        let (mut passes, mut phases) = (Vec::new(), Vec::new());
        let mut timed = Timer::new(&mut phases);
        let mut float = graph.clone();
        self.transform(&mut float, batches, &mut passes, &mut timed, progress)?;
        let mut graph = float.clone();
        let mut means = ChannelMeans::default();
        if !config.no_quantize {
            progress("insert quantizers", 0, 1);
            self.insert(&mut graph, &mut passes)?;
            timed.phase("insert quantizers");
            let is_static =
                config.act_calibration && config.input_scale_type == ScaleTiming::Static;
            if is_static || config.bias_corr {
                progress("calibrate", 0, 1);
                let (report, found) = calibrate(&mut graph, batches)?;
                (means, passes) = (found, [passes, vec![report]].concat());
                timed.phase("calibrate");
            }
        }
        Ok(QuantizedNetwork { float, graph, means, passes, phases, solved: Vec::new() })
    }

    /// Steps 1 and 2.
    fn transform(
        &self,
        graph: &mut Graph,
        batches: &[Vec<Tensor>],
        passes: &mut Vec<PassReport>,
        timed: &mut Timer<'_>,
        progress: Progress<'_>,
    ) -> Result<(), FlowError> {
        let config = self.config;
        let rotation = config.rotation;
        let fused = matches!(rotation, Some(RotationFlow::Fx | RotationFlow::FusedNoFx));
        let changes_norms = fused || config.ln_affine_merge || config.weight_equalization;
        if changes_norms || config.act_equalization.is_some() || rotation.is_some() {
            progress("untie weights", 0, 1);
            passes.push(untie_weights(graph)?);
        }
        if fused || config.ln_affine_merge {
            progress("merge norms", 0, 1);
            passes.push(merge_norm_affine(graph)?);
        }
        if fused || config.convert_layernorm_to_rmsnorm {
            passes.push(layer_norm_to_rms(graph)?);
        }
        if let Some(flow) = rotation {
            progress("rotate", 0, 1);
            passes.push(self.rotate(graph, flow, batches, progress)?);
            timed.phase("rotate");
        }
        if config.quant_sdpa.is_some() {
            passes.push(decompose_attention(graph)?);
        }
        if config.weight_equalization {
            progress("equalize", 0, 1);
            passes.push(equalize(graph, &EqualizeParams::default())?);
            timed.phase("equalize");
        }
        if let Some(target) = config.act_equalization {
            progress("equalize activations", 0, 1);
            let target = target.target();
            let params = ActivationEqualizeParams { alpha: config.act_equalization_alpha, target };
            passes.push(equalize_activations(graph, batches, &params)?);
            timed.phase("equalize activations");
        }
        let except = self.except(graph);
        if config.magr {
            let params = MagrParams { alpha: config.magr_alpha, ..MagrParams::default() };
            let mut hear = |done, total| progress("reduce magnitudes", done, total);
            passes.push(reduce_magnitudes(graph, batches, &params, &except, &mut hear)?);
            timed.phase("reduce magnitudes");
        }
        if config.no_quantize {
            return Ok(());
        }
        if config.awq_scale {
            let (weights, params) = (weight_quantizer(config)?, AwqParams::default());
            let mut hear = |done, total| progress("scale by activations", done, total);
            passes.push(scale_by_activations(graph, batches, &weights, &params, &mut hear)?);
            timed.phase("scale by activations");
        }
        if config.awq_clip {
            let (weights, params) = (weight_quantizer(config)?, ClipParams::default());
            // Queries and keys meet in a product of their own: their errors multiply.
            let named = |node: &str| node.ends_with(".q_proj") || node.ends_with(".k_proj");
            let named = graph.nodes().filter(|(_, node)| named(&node.name)).map(|(id, _)| id);
            let except: Vec<NodeId> = named.chain(except.iter().copied()).collect();
            let mut hear = |done, total| progress("clip weights", done, total);
            passes.push(clip_weights(graph, batches, &weights, &params, &except, &mut hear)?);
            timed.phase("clip weights");
        }
        if config.svd_quant {
            let weights = weight_quantizer(config)?;
            let params = SvdQuantParams {
                rank: config.svd_quant_rank,
                iterations: config.svd_quant_iters,
                seed: config.seed,
            };
            let mut hear = |done, total| progress("svd quant", done, total);
            passes.push(svd_quant(graph, &weights, &params, &except, &mut hear)?);
            timed.phase("svd quant");
        }
        Ok(())
    }

    fn rotate(
        &self,
        graph: &mut Graph,
        flow: RotationFlow,
        batches: &[Vec<Tensor>],
        progress: Progress<'_>,
    ) -> Result<PassReport, FlowError> {
        let config = self.config;
        let params = RotateParams {
            kind: match flow {
                RotationFlow::Fx => RotationKind::Fused,
                RotationFlow::FusedNoFx => RotationKind::FusedNoFx,
                RotationFlow::Layerwise => RotationKind::Layerwise,
            },
            mode: match config.rotation_mode {
                RotationMatrices::Hadamard => RotationMode::Hadamard,
                RotationMatrices::Orthogonal => RotationMode::Orthogonal,
            },
            orphan_sinks: match config.rotation_orphan_sink {
                true => OrphanSinks::Rotate,
                false => OrphanSinks::Leave,
            },
            sdpa_regions: match config.rotation_sdpa_regions {
                true => SdpaRegions::Rotate,
                false => SdpaRegions::Leave,
            },
            layers_to_expand: config.rotation_layers_to_expand.clone(),
            expansion_step: config.expansion_step,
            seed: config.seed,
        };
        if !config.optimize_rotations {
            return Ok(rotate(graph, &params)?);
        }
        let weights = weight_quantizer(config)?;
        if config.rotation_objective == RotationObjective::Weights {
            return Ok(rotate_for_weights(graph, &params, &weights, &CayleyParams::default())?);
        }
        let (inputs, except) = (input_quantizer(config)?, self.except(graph));
        let descent = LossDescent {
            inputs: inputs.as_ref(),
            weights: &weights,
            except: &except,
            batches: &batches[..batches.len().min(config.nsamples_rot_calibration)],
            steps: config.rotation_steps,
            batch: config.rotation_batch_size,
            rate: config.rotation_lr,
        };
        let mut hear = |done, total| progress("optimize rotations", done, total);
        Ok(rotate_for_loss(graph, &params, &descent, &mut hear)?)
    }

    /// Products that stay in floats: the last one, unless it is asked for.
    fn except(&self, graph: &Graph) -> Vec<NodeId> {
        let last = products(graph).last().map(|product| product.node);
        last.filter(|_| !self.config.quantize_last_layer).into_iter().collect()
    }

    /// Quantizers on inputs, weights and attention.
    fn insert(&self, graph: &mut Graph, passes: &mut Vec<PassReport>) -> Result<(), FlowError> {
        let except = self.except(graph);
        if let Some(quantizer) = input_quantizer(self.config)? {
            passes.push(insert_input_quantizers(graph, &quantizer, &except)?);
        }
        let quantizer = weight_quantizer(self.config)?;
        passes.push(insert_weight_quantizers_but(graph, &quantizer, &except)?);
        if let Some(quantizers) = attention_quantizers(self.config)? {
            passes.push(insert_attention_quantizers(graph, &quantizers)?);
        }
        self.round_scales(graph, passes)
    }

    /// Rounds scales to what a file that is asked for holds: what is measured is then what it has.
    fn round_scales(
        &self,
        graph: &mut Graph,
        passes: &mut Vec<PassReport>,
    ) -> Result<(), FlowError> {
        if let Some(ExportTarget::Gguf(_)) = self.config.export()? {
            let changed =
                round_scales_to_f16(graph).map_err(|error| FlowError::Data(error.to_string()))?;
            passes.push(PassReport::new("round scales to f16", changed, "weights"));
        }
        Ok(())
    }

    /// Steps 4 and 5, on a model that is calibrated.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn finish(
        &self,
        model: QuantizedNetwork,
        batches: &[Vec<Tensor>],
        journal: &mut dyn Journal,
        progress: Progress<'_>,
    ) -> Result<QuantizedNetwork, FlowError> {
        let config = self.config;
        let QuantizedNetwork { float, mut graph, means, mut passes, mut phases, mut solved } =
            model;
        let mut timed = Timer::new(&mut phases);
        let all = accumulator(
            config.accumulator.as_deref(),
            config.gpxq_max_accumulator_bit_width,
            config.gpxq_max_accumulator_tile_size,
        )?;
        set_accumulators(&mut graph, all, &config.accumulators)?;
        if let Some(params) = learned_rounding_of(&self.rounding_keys()) {
            let mut hear = |done, total| progress("learned round", done, total);
            let report = match &config.gpxq_block_name {
                None => {
                    learn_rounding(&float, &mut graph, batches, &params, None, journal, &mut hear)?
                }
                Some(name) => {
                    let params = BlockRoundParams {
                        round: params,
                        blocks: Blocks::Regions(name.clone()),
                        batch: BATCH,
                        seed: config.seed,
                    };
                    let graph = &mut graph;
                    learn_rounding_of_blocks(
                        &float, graph, batches, &params, None, journal, &mut hear,
                    )?
                }
            };
            passes.push(report);
            timed.phase("learned round");
        }
        for name in config.algorithms() {
            let params = self.solve_params(name)?;
            let mut hear = |done, total| progress(name, done, total);
            let (mut report, layers) =
                solve(&float, &mut graph, batches, &params, None, journal, &mut hear)?;
            report.name = name;
            let has_budget = multiplying(&graph).iter().any(|&id| graph.accumulator(id).is_some());
            if has_budget && params.constraint != AccumulatorKind::None.constraint() {
                report.detail += &format!(", constraint {}", params.constraint);
            }
            passes.push(report);
            solved = layers;
            timed.phase(name);
        }
        if config.bias_corr {
            let mut hear = |done, total| progress("correct biases", done, total);
            passes.push(correct_biases(&means, &mut graph, batches, &mut hear)?);
            timed.phase("correct biases");
        }
        if config.accumulator_constraint == AccumulatorKind::Joint {
            // It has chosen scales of its own.
            self.round_scales(&mut graph, &mut passes)?;
        }
        graph.infer()?;
        Ok(QuantizedNetwork { float, graph, means, passes, phases, solved })
    }

    fn rounding_keys(&self) -> LearnedRoundKeys {
        LearnedRoundKeys {
            method: self.config.learned_round,
            steps: self.config.learned_round_iters,
            rate: self.config.learned_round_lr,
            scales: self.config.learned_round_scale.then_some(ScaleParams {
                rate: self.config.learned_round_scale_lr,
                momentum: self.config.learned_round_scale_momentum,
            }),
            ..LearnedRoundKeys::default()
        }
    }

    fn solve_params(&self, name: &str) -> Result<SolveParams, FlowError> {
        let config = self.config;
        let solver: LayerSolver =
            name.parse().map_err(|error| FlowError::Combination(format!("{error}")))?;
        let damping = matches!(solver, LayerSolver::Qronos(_)).then_some(config.qronos_alpha);
        let solver = damping.and_then(|alpha| solver.with_damping(alpha)).unwrap_or(solver);
        let solver = match config.gpxq_act_order {
            true => solver.with_order(Order::Descending).unwrap_or(solver),
            false => solver,
        };
        let inputs = match (&solver, config.gpxq_use_quant_activations) {
            (LayerSolver::Gptq(_), false) => SolveInputs::Unrounded,
            _ => SolveInputs::Rounded,
        };
        let constraint = config.accumulator_constraint.constraint();
        Ok(SolveParams { solver, constraint, effort: config.effort, inputs })
    }
}
