//! The learned rounding that a configuration asks for.

use fewbit::algorithms::learned::{Optimizer, Schedule};

use crate::passes::{LearnedRoundParams, RoundingLoss, RoundingMethod};

use super::FlowError;
use super::config::{
    OptimizerKind, RoundingKind, RoundingLossKind, RoundingMode, ScheduleKind, VisionConfig,
};

/// Parameters of learned rounding; `None` where there is none.
///
/// # Errors
/// A mode that is not carried out.
pub fn learned_rounding(config: &VisionConfig) -> Result<Option<LearnedRoundParams>, FlowError> {
    let Some(method) = config.learned_round else { return Ok(None) };
    if config.learned_round_mode == RoundingMode::Blockwise {
        return Err(FlowError::Value {
            key: "learned_round_mode".into(),
            value: "blockwise".into(),
            problem: "rounding is learned layer by layer on networks: use layerwise".into(),
        });
    }
    Ok(Some(LearnedRoundParams {
        method: match method {
            RoundingKind::Linear => RoundingMethod::Linear,
            RoundingKind::HardSigmoid => RoundingMethod::HardSigmoid,
            RoundingKind::Sigmoid => RoundingMethod::Sigmoid,
        },
        loss: match config.learned_round_loss {
            RoundingLossKind::Regularised => RoundingLoss::default(),
            RoundingLossKind::Mse => RoundingLoss::Mse,
        },
        steps: config.learned_round_iters,
        rate: config.learned_round_lr,
        schedule: match config.learned_round_lr_scheduler {
            None => Schedule::Constant,
            Some(ScheduleKind::Linear) => Schedule::Linear,
        },
        optimizer: match config.optimizer {
            OptimizerKind::Adam => Optimizer::ADAM,
            OptimizerKind::SignSgd => Optimizer::SIGN,
        },
        least_factor: None,
    }))
}
