//! The configuration of the language flow: Brevitas 0.12.1's keys of `brevitas_ptq_llm`, and those of the accumulator.

use std::collections::BTreeMap;

use fewbit::algorithms::Effort;

use super::super::FlowError;
use super::super::accumulators::AccumulatorKind;
use super::super::config::{EqualizationFlow, RoundingKind, ScaleKind, Symmetry};
use super::super::key::Keys;
use super::super::table::{choices, filled, keys};
use crate::export::GgufWeights;
use crate::gguf::TensorType;

choices! {
    /// The floats that a model is loaded as.
    ModelFloats {
        /// Those of the file, as float32.
        Auto = "auto",
        /// float32.
        F32 = "float32",
    }
    /// How scales and zero points are found.
    ParamMethod {
        /// From extremes and percentiles.
        Stats = "stats",
        /// By the least squared error.
        Mse = "mse",
        /// By half-quadratic optimisation.
        Hqo = "hqo",
    }
    /// What shares a scale.
    TensorSharing {
        /// All elements.
        Tensor = "per_tensor",
        /// The weights of an output channel.
        Channel = "per_channel",
        /// A token.
        Row = "per_row",
        /// Some inputs, side by side.
        Group = "per_group",
    }
    /// When scales of activations are found.
    ScaleTiming {
        /// Once, from calibration text.
        Static = "static",
        /// From each tensor.
        Dynamic = "dynamic",
        /// There are none: the scale is 1.
        NoScale = "no_scale",
    }
    /// How a scale becomes a power of two.
    ScaleRounding {
        /// To the nearest.
        Round = "round",
        /// Up.
        Ceil = "ceil",
        /// Down.
        Floor = "floor",
    }
    /// Whether products of attention are quantized. Brevitas finds them in three ways; here they are nodes of the graph, and all
    /// names say the same.
    QuantSdpa {
        /// They are.
        Eager = "eager",
        /// They are.
        Functional = "functional",
        /// They are.
        Fx = "fx",
    }
    /// What of attention is quantized.
    AttentionParts {
        /// Queries, keys, values, and what the softmax gives.
        Qkvs = "qkvs",
        /// Queries, keys and values.
        Qkv = "qkv",
        /// Keys and values: what a cache holds.
        Kv = "kv",
    }
}

keys! {
    /// The configuration of the language flow.
    ///
    /// Names, meanings and defaults are those of `brevitas_ptq_llm` of Brevitas 0.12.1 (its `default_template.yaml`); what follows
    /// `accumulator` is new. Keys that are about devices, downloads and Brevitas's own exports have no effect.
    LanguageFlowConfig
    model: Option<String> = None, "Has no effect where the model is the first argument.";
    dtype: ModelFloats = ModelFloats::Auto, "Floats of the model: auto or float32; it is computed in float32.";
    seed: u64 = 0, "Seed of random rotations.";
    nsamples: usize = 128, "Windows of the calibration text: the first ones, one after the other.";
    nsamples_rot_calibration: usize = 800, "Windows that rotations are optimised on: the first ones of the calibration windows.";
    seqlen: usize = 2048, "Tokens of a window.";
    eval: bool = false, "Has no effect: perplexity is measured where there is a --text.";
    dataset: String = "wikitext2".into(), "Has no effect: texts come with --calibration-text and --text.";
    weight_bit_width: u32 = 8, "Bits of weights.";
    weight_param_method: ParamMethod = ParamMethod::Stats, "Scales of weights from the greatest magnitude (stats), by squared error (mse), or hqo.";
    weight_scale_precision: ScaleKind = ScaleKind::Float, "Scales of weights that are any number (float_scale) or powers of two (po2_scale).";
    weight_quant_type: Symmetry = Symmetry::Symmetric, "Weights without (sym) or with (asym) zero points.";
    weight_quant_format: String = "int".into(), "Codes of weights: int, or eXmY, float_ocp_eXmY, float_fnuz_eXmY.";
    weight_quant_granularity: TensorSharing = TensorSharing::Group, "Which weights share a scale: per_tensor, per_channel, per_group.";
    weight_group_size: usize = 128, "Inputs of a group of weights.";
    weight_group_dim: Option<usize> = None, "Axis of groups of weights, 0 or 1; null: the inputs.";
    weight_narrow_range: bool = false, "Leave out the lowest code of weights, so that the range is symmetric.";
    weight_quant_rescaling_init: Option<f64> = None, "Has no effect but with null: scales are not rescaled.";
    quantize_weight_zero_point: bool = false, "Zero points of weights are whole numbers.";
    scale_rounding_func_type: Option<ScaleRounding> = None, "How scales become powers of two: round, ceil, floor; null: floor for groups, else ceil.";
    scaling_min_val: Option<f64> = Some(1e-4), "The least scale.";
    input_bit_width: Option<u32> = None, "Bits of the inputs of products; null: they stay floats.";
    input_quant_format: String = "int".into(), "Codes of inputs: int, or eXmY, float_ocp_eXmY, float_fnuz_eXmY.";
    input_param_method: ParamMethod = ParamMethod::Stats, "Scales of inputs from extremes (stats) or by squared error (mse).";
    input_scale_precision: ScaleKind = ScaleKind::Float, "Scales of inputs that are any number (float_scale) or powers of two (po2_scale).";
    input_scale_type: ScaleTiming = ScaleTiming::Static, "Scales of inputs once from calibration text (static), from each tensor (dynamic), or none (no_scale).";
    input_quant_type: Symmetry = Symmetry::Asymmetric, "Inputs without (sym) or with (asym) zero points.";
    input_quant_granularity: TensorSharing = TensorSharing::Tensor, "Which inputs share a scale: per_tensor, per_row (a token), per_group.";
    input_group_size: usize = 64, "Inputs of a group.";
    quantize_input_zero_point: bool = false, "Zero points of inputs are whole numbers.";
    quant_sdpa: Option<QuantSdpa> = None, "Quantize the products of attention: eager, functional, fx, all of the same effect; null: they stay floats.";
    eager_quant_sdpa_class: String = "auto".into(), "Has no effect.";
    attn_quant_config: AttentionParts = AttentionParts::Qkvs, "What of attention: queries, keys, values and probabilities (qkvs), without the last (qkv), keys and values (kv).";
    attn_bit_width: Option<u32> = None, "Bits in attention; null: as inputs.";
    attn_quant_format: Option<String> = None, "Codes in attention; null: as inputs.";
    attn_param_method: Option<ParamMethod> = None, "Scales in attention by; null: as inputs.";
    attn_scale_precision: Option<ScaleKind> = None, "Scales in attention; null: as inputs.";
    attn_scale_type: Option<ScaleTiming> = None, "When scales in attention are found; null: as inputs.";
    attn_quant_type: Option<Symmetry> = None, "Zero points in attention; null: as inputs.";
    attn_quant_granularity: Option<TensorSharing> = None, "What shares a scale in attention; null: as inputs.";
    attn_group_size: Option<usize> = None, "Elements of a group in attention; null: as inputs.";
    quantize_last_layer: bool = false, "Quantize the last layer as well.";
    no_quantize: bool = false, "Only change the float model: rotate, equalize.";
    act_calibration: bool = false, "Find static scales of inputs from the calibration text.";
    ln_affine_merge: bool = false, "Merge the factors of norms into the products behind them.";
    convert_layernorm_to_rmsnorm: bool = false, "Replace layer norms by RMS norms.";
    replace_rmsnorm: bool = false, "Has no effect: RMS norms are nodes already.";
    rotation: Option<RotationFlow> = None, "Rotate activations: into weights (fx, fused_no_fx), in front of every product (layerwise), or null.";
    rotation_mode: RotationMatrices = RotationMatrices::Hadamard, "Matrices of fused rotations: had or ort.";
    rotation_orphan_sink: bool = false, "Rotate the inputs that no fused rotation reaches by nodes of their own.";
    rotation_sdpa_regions: bool = false, "Rotate the values of attention, head by head.";
    rotation_layers_to_expand: Vec<String> = Vec::new(), "Parts of names of products whose inputs are padded to a greater order and rotated.";
    expansion_step: usize = 1, "How many orders further an expansion goes.";
    optimize_rotations: bool = false, "Find fused rotations by descent, on what rotation_objective says.";
    rotation_objective: RotationObjective = RotationObjective::Model, "What rotations are optimised for: the loss of the quantized model on the calibration text (model), or the error of the rounded weights (weights), which needs no text and less time.";
    rotation_steps: usize = 100, "Steps of the descent on the loss of the model.";
    rotation_batch_size: usize = 1, "Windows of a step of it.";
    rotation_lr: f64 = 1.5, "Its learning rate, which falls to 0.";
    weight_equalization: bool = false, "Equalize channels across products.";
    act_equalization: Option<EqualizationFlow> = None, "Scale channels of activations against those of weights (SmoothQuant): fx, layerwise or null.";
    act_equalization_alpha: f64 = 0.5, "How much of the range of activations moves into the weights.";
    magr: bool = false, "Reduce the magnitude of weights first.";
    magr_alpha: f64 = 0.01, "How much.";
    awq_scale: bool = false, "Scale channels by how large activations are (AWQ).";
    awq_clip: bool = false, "Clip weights where the error of the outputs gains (AWQ).";
    svd_quant: bool = false, "Keep a part of low rank beside quantized weights in floats.";
    svd_quant_rank: usize = 32, "Its rank.";
    svd_quant_iters: usize = 1, "How often it is found anew.";
    learned_round: Option<RoundingKind> = None, "Learned rounding: linear_round, hard_sigmoid_round, sigmoid_round or null.";
    learned_round_iters: usize = 200, "Steps of learned rounding.";
    learned_round_lr: f64 = 5e-3, "Learning rate of learned rounding.";
    learned_round_scale: bool = false, "Learn the scales of weights as well, with linear_round.";
    learned_round_scale_lr: f64 = 0.01, "Learning rate of scales.";
    learned_round_scale_momentum: f64 = 0.9, "Momentum of scales.";
    learned_round_fast_update: bool = false, "Has no effect: what goes into a block is always taken from the block before.";
    rtn: bool = false, "Choose codes by rounding to nearest within the accumulator's budget; without a budget they are that anyway.";
    gptq: bool = false, "Choose codes by GPTQ.";
    gpfq: bool = false, "Choose codes by GPFQ.";
    qronos: bool = false, "Choose codes by Qronos.";
    qronos_alpha: f64 = 1e-6, "Damping of Qronos, of the greatest eigenvalue.";
    gptaq: bool = false, "Choose codes by GPTAQ.";
    gpxq_act_order: bool = false, "Inputs in the order of their energy.";
    gpxq_use_quant_activations: bool = false, "GPTQ sees activations as their quantizers round them; else as they are behind quantized weights.";
    gpxq_block_name: Option<String> = None, "Blocks, as model.layers: learned rounding rounds the weights of each together, and null each product on its own; other algorithms go from product to product.";
    gpxq_max_accumulator_bit_width: Option<u32> = None, "Bits of the accumulator that no input may overflow.";
    gpxq_max_accumulator_tile_size: Option<u64> = None, "Products that such a register sums before it hands on; null: all of a row.";
    disable_create_weight_orig: bool = false, "Has no effect: the float weights are always kept.";
    bias_corr: bool = false, "Move the mean error of the outputs into biases.";
    bos_preprocessing: Option<String> = None, "Has no effect but with null: texts are cut as they are.";
    compile_eval: bool = false, "Has no effect.";
    compile_ptq: bool = false, "Has no effect.";
    checkpoint_name: Option<String> = None, "Has no effect: results go to --out.";
    load_checkpoint: bool = false, "Has no effect: --resume goes on.";
    export_target: Option<String> = None, "Also write model.gguf (gguf, gguf:q8_0, gguf:q4_0, gguf:q4_1, gguf:mxfp4; scales are rounded to 16 bits first) or model.qcdq.onnx (onnx_qcdq).";
    export_prefix: Option<String> = None, "Has no effect: files go to --out.";
    few_shot_eval: Option<String> = None, "Has no effect: `fewbit run --choices` scores questions.";
    few_shot_limit: Option<usize> = None, "Has no effect.";
    few_shot_override_batch_size: Option<usize> = None, "Has no effect.";
    few_shot_tasks: Vec<String> = Vec::new(), "Has no effect.";
    few_shot_zeroshot: bool = false, "Has no effect.";
    accumulator: Option<String> = None, "The accumulator of every product, as int16-sat/64,int32-wrap.";
    accumulators: BTreeMap<String, String> = BTreeMap::new(), "Accumulators of products by the names of their nodes.";
    accumulator_constraint: AccumulatorKind = AccumulatorKind::Axe, "What algorithms do about the accumulator: joint, axe, axe-strict or none.";
    effort: Effort = Effort::default(), "Work of choosing codes besides the algorithm, 0 to 4: from 1 on codes descend over single moves, from 2 on over pairs; 0: the algorithm as published.";
    sweep_bits: Option<String> = None, "Evaluate the model through accumulators of these widths, as 12..24.";
    nvalid: Option<usize> = None, "Windows of the text that are scored at most; null: all.";
}

choices! {
    /// Where rotations go.
    RotationFlow {
        /// Into weights.
        Fx = "fx",
        /// In front of every product.
        Layerwise = "layerwise",
        /// Into weights.
        FusedNoFx = "fused_no_fx",
    }
    /// What fused rotations are optimised for.
    RotationObjective {
        /// The loss of the quantized model.
        Model = "model",
        /// The error of rounding weights.
        Weights = "weights",
    }
    /// Which matrices are fused.
    RotationMatrices {
        /// Hadamard matrices.
        Hadamard = "had",
        /// Random orthogonal matrices.
        Orthogonal = "ort",
    }
}

/// What is written for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportTarget {
    /// A GGUF file whose weights have this type.
    Gguf(GgufWeights),
    /// An ONNX file with QuantizeLinear and DequantizeLinear.
    OnnxQcdq,
}

impl LanguageFlowConfig {
    /// What is written for other programs, besides the model itself.
    ///
    /// # Errors
    /// A target that there is not.
    pub fn export(&self) -> Result<Option<ExportTarget>, FlowError> {
        let Some(text) = &self.export_target else { return Ok(None) };
        let gguf = |to| Ok(Some(ExportTarget::Gguf(GgufWeights::Only(to))));
        match text.as_str() {
            "gguf" => Ok(Some(ExportTarget::Gguf(GgufWeights::AsQuantized))),
            "gguf:q8_0" => gguf(TensorType::Q8_0),
            "gguf:q4_0" => gguf(TensorType::Q4_0),
            "gguf:q4_1" => gguf(TensorType::Q4_1),
            "gguf:mxfp4" => gguf(TensorType::MXFP4),
            "onnx_qcdq" => Ok(Some(ExportTarget::OnnxQcdq)),
            _ => Err(FlowError::Value {
                key: "export_target".into(),
                value: text.clone(),
                problem: "expected gguf, gguf:q8_0, gguf:q4_0, gguf:q4_1, gguf:mxfp4 or onnx_qcdq"
                    .into(),
            }),
        }
    }

    /// The configuration of keys and values.
    ///
    /// # Errors
    /// A value that a key cannot have; keys that do not go together.
    pub fn of(keys: Keys) -> Result<Self, FlowError> {
        let config: Self = filled(keys)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), FlowError> {
        let wrong = |key: &str, value: String, problem: &str| {
            Err(FlowError::Value { key: key.into(), value, problem: problem.into() })
        };
        let count = |key: &str, value: usize, least: usize| match value >= least {
            true => Ok(()),
            false => wrong(key, value.to_string(), &format!("expected at least {least}")),
        };
        count("nsamples", self.nsamples, 1)?;
        count("seqlen", self.seqlen, 2)?;
        count("weight_group_size", self.weight_group_size, 1)?;
        count("input_group_size", self.input_group_size, 1)?;
        count("svd_quant_rank", self.svd_quant_rank, 1)?;
        count("rotation_batch_size", self.rotation_batch_size, 1)?;
        count("nsamples_rot_calibration", self.nsamples_rot_calibration, 1)?;
        if !(self.rotation_lr.is_finite() && self.rotation_lr > 0.0) {
            return wrong("rotation_lr", self.rotation_lr.to_string(), "expected a number above 0");
        }
        if let Some(nvalid) = self.nvalid {
            count("nvalid", nvalid, 1)?;
        }
        if !(1..=16).contains(&self.weight_bit_width) {
            return wrong(
                "weight_bit_width",
                self.weight_bit_width.to_string(),
                "expected 1 to 16",
            );
        }
        for (key, bits) in
            [("input_bit_width", self.input_bit_width), ("attn_bit_width", self.attn_bit_width)]
        {
            if let Some(bits) = bits.filter(|bits| !(2..=16).contains(bits)) {
                return wrong(key, bits.to_string(), "expected 2 to 16, or null");
            }
        }
        if !matches!(self.weight_group_dim, None | Some(1)) {
            let value = self.weight_group_dim.unwrap_or_default().to_string();
            return wrong(
                "weight_group_dim",
                value,
                "groups lie along the inputs: expected 1 or null",
            );
        }
        if !(0.0..=1.0).contains(&self.act_equalization_alpha) {
            let value = self.act_equalization_alpha.to_string();
            return wrong("act_equalization_alpha", value, "expected a number from 0 to 1");
        }
        for (key, value) in [
            ("magr_alpha", self.magr_alpha),
            ("qronos_alpha", self.qronos_alpha),
            ("learned_round_lr", self.learned_round_lr),
            ("learned_round_scale_lr", self.learned_round_scale_lr),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return wrong(key, value.to_string(), "expected a number of at least 0");
            }
        }
        if !(0.0..1.0).contains(&self.learned_round_scale_momentum) {
            let value = self.learned_round_scale_momentum.to_string();
            return wrong("learned_round_scale_momentum", value, "expected a share below 1");
        }
        if self.weight_quant_rescaling_init.is_some() {
            let value = self.weight_quant_rescaling_init.unwrap_or_default().to_string();
            return wrong(
                "weight_quant_rescaling_init",
                value,
                "scales are not rescaled: use null",
            );
        }
        if let Some(text) = &self.bos_preprocessing {
            return wrong("bos_preprocessing", text.clone(), "texts are cut as they are: use null");
        }
        self.export()?;
        self.check_together()
    }

    /// Keys that do not go together.
    fn check_together(&self) -> Result<(), FlowError> {
        let wrong = |text: &str| Err(FlowError::Combination(text.into()));
        let fused = matches!(self.rotation, Some(RotationFlow::Fx | RotationFlow::FusedNoFx));
        if self.optimize_rotations && !fused {
            return wrong("`optimize_rotations` needs `rotation` fx or fused_no_fx");
        }
        if self.learned_round_scale && self.learned_round != Some(RoundingKind::Linear) {
            return wrong("`learned_round_scale` needs `learned_round` linear_round");
        }
        if self.learned_round_scale && self.weight_quant_granularity == TensorSharing::Tensor {
            return wrong(
                "`learned_round_scale` needs `weight_quant_granularity` per_channel or per_group",
            );
        }
        let is_static =
            self.input_bit_width.is_some() && self.input_scale_type == ScaleTiming::Static;
        if is_static && !self.act_calibration && !self.no_quantize {
            return wrong(
                "static scales of inputs come from the calibration text: set `act_calibration`, or `input_scale_type` dynamic",
            );
        }
        let has_budget =
            self.gpxq_max_accumulator_bit_width.is_some() || self.accumulator.is_some();
        let constrained = has_budget
            && self.accumulator_constraint != AccumulatorKind::None
            && !self.algorithms().is_empty();
        if constrained
            && self.gpxq_max_accumulator_bit_width.is_some()
            && self.input_bit_width.is_none()
        {
            return wrong(
                "a budget of the accumulator needs inputs of few bits: set `input_bit_width`",
            );
        }
        Ok(())
    }

    /// The algorithms that choose codes, in the order in which they run.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        [
            ("rtn", self.rtn),
            ("gptq", self.gptq),
            ("gptaq", self.gptaq),
            ("gpfq", self.gpfq),
            ("qronos", self.qronos),
        ]
        .into_iter()
        .filter_map(|(name, on)| on.then_some(name))
        .collect()
    }

    /// Whether some pass looks at the calibration text.
    #[must_use]
    pub fn needs_calibration(&self) -> bool {
        let trains = self.optimize_rotations && self.rotation_objective == RotationObjective::Model;
        trains
            || self.act_calibration
            || self.act_equalization.is_some()
            || self.magr
            || self.awq_scale
            || self.awq_clip
            || self.learned_round.is_some()
            || self.bias_corr
            || !self.algorithms().is_empty()
    }
}
