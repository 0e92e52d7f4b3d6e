//! What a search is told.

use serde::{Deserialize, Serialize};

use crate::quantize::{QuantizeError, Statistic};

/// What happens where a search ends with a larger squared error than what it began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Its result is taken, as Brevitas does.
    #[default]
    None,
    /// The group keeps the statistic that the search began with. Squared errors are compared in f64.
    NeverWorse,
}

/// In which scale the candidates of a search are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// In the scale that a candidate becomes.
    #[default]
    Restricted,
    /// In the candidate over the threshold, without restrictions: what Brevitas does for activations, whose scales are
    /// restricted when they are used and not while they are collected.
    Unrestricted,
}

/// How candidates are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MseMethod {
    /// `i / n` of the statistic for `i` from 2 to `n`, the first of equals.
    Grid,
    /// A Fibonacci section of `1 / n` to 1 of the statistic in `n - 1` steps, which assumes that the error falls and then
    /// rises.
    Fibonacci,
}

/// The fraction of a statistic whose squared error over the group is least.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MseSearch {
    /// What the search begins with; for a zero point `min(min x, 0)` is taken instead.
    #[serde(default = "abs_max")]
    pub initial: Statistic,
    /// How candidates are chosen.
    pub method: MseMethod,
    /// `n`, at least 2.
    #[serde(default = "steps")]
    pub steps: u32,
    /// In which scale they are tried.
    #[serde(default)]
    pub trial: Trial,
    /// What happens where the result is worse than the statistic.
    #[serde(default)]
    pub guard: Guard,
}

fn abs_max() -> Statistic {
    Statistic::AbsMax
}

fn steps() -> u32 {
    20
}

impl MseSearch {
    /// Brevitas's grid of 20 from this statistic.
    #[must_use]
    pub fn grid(initial: Statistic) -> Self {
        Self {
            initial,
            method: MseMethod::Grid,
            steps: steps(),
            trial: Trial::Restricted,
            guard: Guard::None,
        }
    }

    /// With candidates tried in another scale.
    #[must_use]
    pub fn with_trial(self, trial: Trial) -> Self {
        Self { trial, ..self }
    }

    /// With another answer to a result that is worse than the statistic.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        self.initial.check()?;
        if (2..=64).contains(&self.steps) {
            return Ok(());
        }
        Err(QuantizeError::Number {
            what: "the number of steps of the MSE search",
            value: self.steps.into(),
            expected: "2 to 64",
        })
    }
}

/// Parameters of half-quadratic optimisation of scales.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HqoScale {
    /// What it begins with.
    pub initial: Statistic,
    /// `beta` of the first step.
    pub beta: f64,
    /// `kappa`.
    pub kappa: f64,
    /// `p`.
    pub p: f64,
    /// Steps at most.
    pub iterations: u32,
    /// Whose optimisation it is.
    #[serde(skip_serializing_if = "HqoVariant::is_brevitas")]
    pub variant: HqoVariant,
    /// What happens where the result is worse than the statistic.
    pub guard: Guard,
}

/// Two forms of half-quadratic optimisation of scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HqoVariant {
    /// As Brevitas 0.12.1: errors are shrunk in the units of the numbers, and all groups go on until the mean error of the whole
    /// tensor does not fall.
    #[default]
    Brevitas,
    /// Errors are shrunk in units of their scale, so that the result does not depend on the units of the numbers, and each
    /// group goes on until its own mean error does not fall: never worse in it than the statistic.
    PerGroup,
}

impl HqoVariant {
    fn is_brevitas(&self) -> bool {
        *self == Self::Brevitas
    }
}

/// Parameters of half-quadratic optimisation of zero points, from `min(min x, 0)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HqoZeroPoint {
    /// `beta` of the first step.
    pub beta: f64,
    /// `kappa`.
    pub kappa: f64,
    /// `p`.
    pub p: f64,
    /// Steps at most.
    pub iterations: u32,
    /// Whether candidates are tried with their sign, or by their magnitude as in activations.
    pub trial: Trial,
    /// What happens where the result is worse than the least value.
    pub guard: Guard,
}

impl Default for HqoScale {
    fn default() -> Self {
        Self {
            initial: Statistic::AbsMax,
            beta: 1e5,
            kappa: 1.01,
            p: 0.7,
            iterations: 1000,
            variant: HqoVariant::Brevitas,
            guard: Guard::None,
        }
    }
}

impl Default for HqoZeroPoint {
    fn default() -> Self {
        Self {
            beta: 1.0,
            kappa: 1.01,
            p: 0.5,
            iterations: 1000,
            trial: Trial::Restricted,
            guard: Guard::None,
        }
    }
}

fn check(beta: f64, kappa: f64, p: f64, iterations: u32) -> Result<(), QuantizeError> {
    let wrong = |what, value, expected| Err(QuantizeError::Number { what, value, expected });
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !positive(beta) {
        return wrong("beta of the half-quadratic optimisation", beta, "a positive number");
    }
    if !positive(kappa) {
        return wrong("kappa of the half-quadratic optimisation", kappa, "a positive number");
    }
    if !(p > 0.0 && p <= 1.0) {
        return wrong("p of the half-quadratic optimisation", p, "more than 0 and at most 1");
    }
    if !(1..=100_000).contains(&iterations) {
        let value = iterations.into();
        return wrong("the steps of the half-quadratic optimisation", value, "1 to 100000");
    }
    Ok(())
}

impl HqoScale {
    /// [`HqoVariant::PerGroup`] from the largest magnitude, with a `beta` that fits errors of at most half a step.
    #[must_use]
    pub fn per_group() -> Self {
        Self { beta: 10.0, variant: HqoVariant::PerGroup, ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        self.initial.check()?;
        check(self.beta, self.kappa, self.p, self.iterations)
    }
}

impl HqoZeroPoint {
    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        check(self.beta, self.kappa, self.p, self.iterations)
    }
}
