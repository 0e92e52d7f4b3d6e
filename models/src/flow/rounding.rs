//! The learned rounding that a configuration asks for.

use fewbit::algorithms::learned::{Optimizer, Schedule};

use regex::Regex;

use crate::passes::{
    BlockRoundParams, Blocks, LearnedRoundParams, LearnedScales, RoundingLoss, RoundingMethod,
    ScaleParams,
};
use crate::tensor::Tensor;

use super::FlowError;
use super::config::{
    OptimizerKind, RoundingKind, RoundingLossKind, RoundingMode, ScheduleKind, VisionConfig,
};

/// The keys of learned rounding that flows have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct LearnedRoundKeys {
    pub(super) method: Option<RoundingKind>,
    pub(super) loss: RoundingLossKind,
    pub(super) steps: usize,
    pub(super) rate: f64,
    pub(super) schedule: Option<ScheduleKind>,
    pub(super) optimizer: OptimizerKind,
    /// How scales are learned, if they are.
    pub(super) scales: Option<ScaleParams>,
}

impl Default for LearnedRoundKeys {
    /// None; where there is one, Brevitas's for language models: SignSGD with a rate that falls to 0, on the error.
    fn default() -> Self {
        Self {
            method: None,
            loss: RoundingLossKind::Mse,
            steps: 200,
            rate: 5e-3,
            schedule: Some(ScheduleKind::Linear),
            optimizer: OptimizerKind::SignSgd,
            scales: None,
        }
    }
}

/// Learned rounding as a configuration asks for it.
#[derive(Clone, Debug)]
pub enum LearnedRounding {
    /// Product by product.
    Layers(LearnedRoundParams),
    /// The products of a block together.
    Blocks(BlockRoundParams),
}

/// Parameters of learned rounding; `None` where there is none.
///
/// # Errors
/// An expression for names of blocks that is none.
pub fn learned_rounding(config: &VisionConfig) -> Result<Option<LearnedRounding>, FlowError> {
    let keys = LearnedRoundKeys {
        method: config.learned_round,
        loss: config.learned_round_loss,
        steps: config.learned_round_iters,
        rate: config.learned_round_lr,
        schedule: config.learned_round_lr_scheduler,
        optimizer: config.optimizer,
        scales: None,
    };
    let Some(round) = learned_rounding_of(&keys) else { return Ok(None) };
    if config.learned_round_mode == RoundingMode::Layerwise {
        return Ok(Some(LearnedRounding::Layers(round)));
    }
    let name = &config.learned_round_block_name;
    let expression = Regex::new(name).map_err(|error| FlowError::Value {
        key: "learned_round_block_name".into(),
        value: name.clone(),
        problem: format!("expected a regular expression: {error}"),
    })?;
    let (blocks, batch) = (Blocks::Matching(expression), config.learned_round_batch_size);
    Ok(Some(LearnedRounding::Blocks(BlockRoundParams { round, blocks, batch, seed: 0 })))
}

/// Batches of one image each; those whose inputs do not agree on how many they hold stay as they are.
pub(super) fn single_images(batches: &[Vec<Tensor>]) -> Vec<Vec<Tensor>> {
    let mut single = Vec::new();
    for batch in batches {
        let counts: Vec<Option<usize>> = batch.iter().map(|x| x.shape().first().copied()).collect();
        match counts[..] {
            [Some(count), ref others @ ..] if others.iter().all(|&n| n == Some(count)) => {
                let image = |at: usize| batch.iter().map(|x| x.part(0, at..at + 1)).collect();
                single.extend((0..count).map(image));
            }
            _ => single.push(batch.clone()),
        }
    }
    single
}

/// The same of keys.
pub(super) fn learned_rounding_of(keys: &LearnedRoundKeys) -> Option<LearnedRoundParams> {
    Some(LearnedRoundParams {
        method: match keys.method? {
            RoundingKind::Linear => RoundingMethod::Linear,
            RoundingKind::HardSigmoid => RoundingMethod::HardSigmoid,
            RoundingKind::Sigmoid => RoundingMethod::Sigmoid,
        },
        loss: match keys.loss {
            RoundingLossKind::Regularised => RoundingLoss::default(),
            RoundingLossKind::Mse => RoundingLoss::Mse,
        },
        steps: keys.steps,
        rate: keys.rate,
        schedule: match keys.schedule {
            None => Schedule::Constant,
            Some(ScheduleKind::Linear) => Schedule::Linear,
        },
        optimizer: match keys.optimizer {
            OptimizerKind::Adam => Optimizer::ADAM,
            OptimizerKind::SignSgd => Optimizer::SIGN,
        },
        scales: keys.scales.map_or(LearnedScales::Kept, LearnedScales::Descent),
    })
}
