//! The configuration of the vision flow: Brevitas 0.12.1's keys of `brevitas_ptq_imagenet_val`, and those of the accumulator.

use fewbit::algorithms::Effort;

use super::FlowError;
use super::accumulators::AccumulatorKind;
use super::key::Keys;
use super::table::{choices, filled, keys};
use crate::passes::EqualizationTarget;

choices! {
    /// Where quantizers are put.
    Backend {
        /// On the values of the graph.
        Fx = "fx",
        /// In front of every product.
        Layerwise = "layerwise",
        /// As `fx`; for networks whose extents are all numbers.
        FlexMl = "flexml",
    }
    /// What scales may be.
    ScaleKind {
        /// Any number.
        Float = "float_scale",
        /// Powers of two.
        PowerOfTwo = "po2_scale",
    }
    /// Whether there are zero points.
    Symmetry {
        /// None.
        Symmetric = "sym",
        /// There are.
        Asymmetric = "asym",
    }
    /// What shares a scale.
    Sharing {
        /// All elements.
        Tensor = "per_tensor",
        /// The weights of an output channel.
        Channel = "per_channel",
        /// 32 inputs.
        Group = "per_group",
    }
    /// How scales of weights are found.
    WeightCalibration {
        /// From the greatest magnitude.
        Stats = "stats",
        /// By the least squared error.
        Mse = "mse",
        /// By half-quadratic optimisation.
        Hqo = "hqo",
    }
    /// How scales of activations are found.
    ActivationCalibration {
        /// From a percentile.
        Stats = "stats",
        /// By the least squared error.
        Mse = "mse",
    }
    /// When scales of activations are found.
    ScaleTime {
        /// Once, from calibration data.
        Static = "static",
        /// From each tensor.
        Dynamic = "dynamic",
    }
    /// What codes stand for.
    ValueFormat {
        /// Integers.
        Int = "int",
        /// Floats without special codes.
        Float = "float",
        /// Floats with the special codes of OCP.
        FloatOcp = "float_ocp",
    }
    /// How activations are equalized.
    EqualizationFlow {
        /// Into the products before.
        Fx = "fx",
        /// In front of every product.
        Layerwise = "layerwise",
    }
    /// What learned rounding learns.
    RoundingKind {
        /// An offset before rounding.
        Linear = "linear_round",
        /// A number between both neighbours that reaches them.
        HardSigmoid = "hard_sigmoid_round",
        /// A number between both neighbours.
        Sigmoid = "sigmoid_round",
    }
    /// What learned rounding minimises.
    RoundingLossKind {
        /// The error, and how far weights are from their neighbours.
        Regularised = "regularised_mse",
        /// The error.
        Mse = "mse",
    }
    /// What learned rounding takes together.
    RoundingMode {
        /// One layer at a time.
        Layerwise = "layerwise",
        /// The layers of a block.
        Blockwise = "blockwise",
    }
    /// How a learning rate changes.
    ScheduleKind {
        /// It falls to 0 linearly.
        Linear = "linear",
    }
    /// How gradients become steps.
    OptimizerKind {
        /// Adam.
        Adam = "adam",
        /// By the sign.
        SignSgd = "sign_sgd",
    }
}

keys! {
    /// The configuration of the vision flow.
    ///
    /// Names, meanings and defaults are those of `brevitas_ptq_imagenet_val` of Brevitas 0.12.1 (its `default_template.yaml`);
    /// `act_equalization_alpha` and what follows `accumulator` are new. Keys that are about files, devices and Brevitas's own exports have no effect.
    VisionConfig
    weight_bit_width: u32 = 8, "Bits of all weights.";
    act_bit_width: u32 = 8, "Bits of all activations; 0: activations (and then biases) stay floats.";
    bias_bit_width: Option<u32> = Some(32), "Bits of biases, integers in the scale of their sums: 32, 16 or null for floats.";
    weight_quant_granularity: Sharing = Sharing::Tensor, "Which weights share a scale: per_tensor, per_channel, per_group.";
    weight_quant_type: Symmetry = Symmetry::Symmetric, "Weights without (sym) or with (asym) zero points.";
    weight_quant_calibration_type: WeightCalibration = WeightCalibration::Stats, "Scales of weights from the greatest magnitude (stats), by squared error (mse), or hqo.";
    weight_narrow_range: bool = false, "Leave out the lowest code of weights, so that the range is symmetric.";
    act_quant_type: Symmetry = Symmetry::Symmetric, "Activations without (sym) or with (asym) zero points.";
    act_quant_granularity: Sharing = Sharing::Tensor, "Which activations share a scale: per_tensor, or per_group with po2_scale and dynamic scales.";
    act_quant_calibration_type: ActivationCalibration = ActivationCalibration::Stats, "Scales of activations from a percentile (stats) or by squared error (mse).";
    act_quant_percentile: f64 = 99.999, "The percentile of the magnitudes of a batch, averaged over batches.";
    act_scale_computation_type: ScaleTime = ScaleTime::Static, "Scales of activations once from calibration images (static) or from each tensor (dynamic).";
    uint_sym_act_for_unsigned_values: bool = true, "Unsigned codes, without zero point, where values are never negative.";
    scale_factor_type: ScaleKind = ScaleKind::Float, "Scales that are any number (float_scale) or powers of two (po2_scale).";
    quant_format: ValueFormat = ValueFormat::Int, "Codes of integers (int), floats (float) or OCP floats (float_ocp).";
    weight_mantissa_bit_width: u32 = 4, "Mantissa bits of weights, for float formats.";
    weight_exponent_bit_width: u32 = 3, "Exponent bits of weights, for float formats.";
    act_mantissa_bit_width: u32 = 4, "Mantissa bits of activations, for float formats.";
    act_exponent_bit_width: u32 = 3, "Exponent bits of activations, for float formats.";
    layerwise_first_last_bit_width: u32 = 8, "Bits of the first and the last product, for target_backend layerwise.";
    layerwise_first_last_mantissa_bit_width: u32 = 4, "The same for mantissas of float formats.";
    layerwise_first_last_exponent_bit_width: u32 = 3, "The same for exponents of float formats.";
    target_backend: Backend = Backend::Fx, "Where activations are rounded: at the values of the graph (fx, flexml) or in front of every product (layerwise).";
    graph_eq_iterations: usize = 20, "Sweeps of cross-layer equalization at most; 0: none.";
    graph_eq_merge_bias: bool = true, "Biases count for the ranges that are equalized.";
    merge_bn: bool = true, "Merge batch normalizations into the products before them.";
    act_equalization: Option<EqualizationFlow> = None, "Scale channels of activations against those of weights first: fx, layerwise or null.";
    act_equalization_alpha: f64 = 0.5, "How much of the range of activations moves into the weights.";
    channel_splitting_ratio: f64 = 0.0, "Share of channels that are split in two; 0: none.";
    channel_splitting_split_input: bool = false, "Split input instead of output channels.";
    rtn: bool = false, "Choose codes by rounding to nearest within the accumulator's budget; without a budget they are that anyway.";
    gptq: bool = false, "Choose codes by GPTQ.";
    gpfq: bool = false, "Choose codes by GPFQ.";
    qronos: bool = false, "Choose codes by Qronos.";
    gpxq_act_order: bool = false, "Inputs in the order of their energy.";
    gptq_use_quant_activations: bool = false, "Has no effect: GPTQ sees activations as their quantizers round them.";
    gpxq_accumulator_bit_width: Option<u32> = None, "Bits of the accumulator that no input may overflow.";
    gpxq_accumulator_tile_size: Option<u64> = None, "Products that such a register sums before it hands on; null: all of a row.";
    disable_create_weight_orig: bool = false, "Has no effect: the float weights are always kept.";
    gpfq_p: f64 = 1.0, "Has no effect, as in Brevitas.";
    learned_round: Option<RoundingKind> = None, "Learned rounding: linear_round, hard_sigmoid_round, sigmoid_round or null.";
    learned_round_iters: usize = 1000, "Steps of learned rounding.";
    learned_round_lr: f64 = 1e-3, "Learning rate of learned rounding.";
    learned_round_batch_size: usize = 1, "Images of a step of blockwise learned rounding; layerwise, gradients are those over all calibration images.";
    learned_round_loss: RoundingLossKind = RoundingLossKind::Regularised, "Loss of learned rounding: regularised_mse or mse; linear_round has mse.";
    learned_round_mode: RoundingMode = RoundingMode::Layerwise, "Learn the rounding of each product on its own (layerwise) or of the products of a block together (blockwise).";
    learned_round_block_name: String = r"layer\d+".into(), "Blocks of learned rounding: a regular expression that is looked for in the parts of names, between slashes or dots.";
    learned_round_lr_scheduler: Option<ScheduleKind> = None, "Schedule of the learning rate: linear or null.";
    optimizer: OptimizerKind = OptimizerKind::Adam, "Optimiser of learned rounding: adam or sign_sgd.";
    bias_corr: bool = true, "Move the mean error of the outputs into the biases.";
    calibrate_bn: bool = false, "Correct batch normalizations that were not merged.";
    calibration_samples: usize = 1000, "Calibration images: the first ones of those that are given.";
    batch_size_calibration: usize = 64, "Images per batch of calibration; a percentile is one of a batch.";
    batch_size_validation: usize = 256, "Images per batch of evaluation.";
    calibration_dir: Option<String> = None, "Has no effect: images come with --calibration.";
    validation_dir: Option<String> = None, "Has no effect: images come with --data.";
    workers: usize = 8, "Has no effect.";
    export_dir: String = ".".into(), "Has no effect: files go to --out.";
    gpu: Option<u32> = None, "Has no effect.";
    model_name: Option<String> = None, "Has no effect: the model is the first argument.";
    dtype: String = "float".into(), "Floats of the network: float.";
    compile: bool = false, "Has no effect.";
    export_onnx_qcdq: bool = false, "Has no effect: the QCDQ model is always written.";
    export_torch_qcdq: bool = false, "Has no effect.";
    onnx_opset_version: Option<i64> = None, "Operator set of the exported model.";
    accumulator: Option<String> = None, "The accumulator of every product, as int16-sat/64,int32-wrap.";
    accumulators: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new(), "Accumulators of products by the names of their nodes.";
    accumulator_constraint: AccumulatorKind = AccumulatorKind::Axe, "What algorithms do about the accumulator: joint, axe, axe-strict or none.";
    effort: Effort = Effort::default(), "Work of choosing codes besides the algorithm, 0 to 4: from 1 on codes descend over single moves, from 2 on over pairs; 0: the algorithm as published.";
    requantization: Option<String> = None, "How sums become codes in integer execution: tosa32, onnx, exact-ties-even, ...; null: scaled in f32.";
    sweep_bits: Option<String> = None, "Evaluate the network through accumulators of these widths, as 8..24.";
    quantize_output: bool = false, "Round the network's outputs to codes as well, as Brevitas does; else they are the last sums.";
    integer_samples: usize = 10_000, "Images of the integer execution: the first ones of --data.";
}

impl EqualizationFlow {
    /// Where the pass puts the factors.
    pub(super) fn target(self) -> EqualizationTarget {
        match self {
            Self::Fx => EqualizationTarget::Sources,
            Self::Layerwise => EqualizationTarget::Nodes,
        }
    }
}

impl VisionConfig {
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
        if !(1..=16).contains(&self.weight_bit_width) {
            return wrong(
                "weight_bit_width",
                self.weight_bit_width.to_string(),
                "expected 1 to 16",
            );
        }
        if self.act_bit_width > 16 || self.act_bit_width == 1 {
            return wrong(
                "act_bit_width",
                self.act_bit_width.to_string(),
                "expected 2 to 16, or 0",
            );
        }
        if !matches!(self.bias_bit_width, None | Some(2..=32)) {
            let value = self.bias_bit_width.unwrap_or_default().to_string();
            return wrong("bias_bit_width", value, "expected 2 to 32, or null");
        }
        if !(self.act_quant_percentile > 0.0 && self.act_quant_percentile <= 100.0) {
            let value = self.act_quant_percentile.to_string();
            return wrong(
                "act_quant_percentile",
                value,
                "expected a percentage above 0, up to 100",
            );
        }
        if self.batch_size_calibration == 0 {
            return wrong("batch_size_calibration", "0".into(), "expected at least 1");
        }
        if self.calibration_samples == 0 {
            return wrong("calibration_samples", "0".into(), "expected at least 1");
        }
        if self.dtype != "float" {
            return wrong("dtype", self.dtype.clone(), "networks run in float");
        }
        if !(0.0..=1.0).contains(&self.act_equalization_alpha) {
            let value = self.act_equalization_alpha.to_string();
            return wrong("act_equalization_alpha", value, "expected a number from 0 to 1");
        }
        if !(0.0..=1.0).contains(&self.channel_splitting_ratio) {
            let value = self.channel_splitting_ratio.to_string();
            return wrong("channel_splitting_ratio", value, "expected a share from 0 to 1");
        }
        if self.learned_round_batch_size == 0 {
            return wrong("learned_round_batch_size", "0".into(), "expected at least 1");
        }
        if !(self.learned_round_lr.is_finite() && self.learned_round_lr >= 0.0) {
            let value = self.learned_round_lr.to_string();
            return wrong("learned_round_lr", value, "expected a number of at least 0");
        }
        Ok(())
    }

    /// Whether batch normalizations are merged into the products before them. The `flexml` backend leaves them where their
    /// statistics are to be corrected, whatever `merge_bn` says.
    #[must_use]
    pub fn merges_batch_norms(&self) -> bool {
        match self.target_backend {
            Backend::FlexMl => !self.calibrate_bn,
            _ => self.merge_bn,
        }
    }

    /// The algorithms that choose codes, in the order in which they run.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        [("rtn", self.rtn), ("gpfq", self.gpfq), ("gptq", self.gptq), ("qronos", self.qronos)]
            .into_iter()
            .filter_map(|(name, on)| on.then_some(name))
            .collect()
    }
}
