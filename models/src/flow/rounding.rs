//! The learned rounding that a configuration asks for.

use fewbit::algorithms::learned::{Optimizer, Schedule};

use crate::passes::{LearnedRoundParams, RoundingLoss, RoundingMethod};

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
        }
    }
}

/// Parameters of learned rounding; `None` where there is none.
///
/// # Errors
/// A mode that is not carried out.
pub fn learned_rounding(config: &VisionConfig) -> Result<Option<LearnedRoundParams>, FlowError> {
    if config.learned_round.is_some() && config.learned_round_mode == RoundingMode::Blockwise {
        return Err(FlowError::Value {
            key: "learned_round_mode".into(),
            value: "blockwise".into(),
            problem: "rounding is learned layer by layer on networks: use layerwise".into(),
        });
    }
    Ok(learned_rounding_of(&LearnedRoundKeys {
        method: config.learned_round,
        loss: config.learned_round_loss,
        steps: config.learned_round_iters,
        rate: config.learned_round_lr,
        schedule: config.learned_round_lr_scheduler,
        optimizer: config.optimizer,
    }))
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
        least_factor: None,
    })
}
