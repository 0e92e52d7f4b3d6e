//! Descent along a gradient.

use ndarray::Array2;

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// `p <- p - rate sign(g)`, after a momentum `g <- m g_before + g`.
    SignSgd {
        /// m, 0 for none.
        momentum: f64,
    },
    /// Adam (Kingma and Ba 2015) with bias correction.
    Adam {
        /// Of the mean of gradients.
        beta1: f64,
        /// Of the mean of their squares.
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
    },
}

impl Optimizer {
    /// Signs without momentum.
    pub const SIGN: Self = Self::SignSgd { momentum: 0.0 };
    /// Adam with the usual constants.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
}

/// How the rate of an optimizer changes from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It falls to 0: step t of n, from 0 on, has the rate times `1 - t / n`.
    Linear,
}

impl Schedule {
    /// The rate of a step.
    pub(super) fn rate(self, rate: f64, step: usize, steps: usize) -> f64 {
        match self {
            Self::Constant => rate,
            Self::Linear => rate * (1.0 - step as f64 / steps as f64),
        }
    }
}

/// An optimizer's memory of one matrix.
pub(super) struct State {
    optimizer: Optimizer,
    first: Array2<f64>,
    second: Array2<f64>,
    steps: i32,
}

impl State {
    pub(super) fn new(optimizer: Optimizer, dim: (usize, usize)) -> Self {
        Self { optimizer, first: Array2::zeros(dim), second: Array2::zeros(dim), steps: 0 }
    }

    /// Moves the parameters one step against the gradient.
    pub(super) fn step(&mut self, parameters: &mut Array2<f64>, gradient: &Array2<f64>, rate: f64) {
        self.steps += 1;
        match self.optimizer {
            Optimizer::SignSgd { momentum } => {
                self.first.zip_mut_with(gradient, |m, &g| *m = momentum * *m + g);
                // The sign of 0 is 0.
                parameters.zip_mut_with(&self.first, |p, &m| {
                    *p -= if m == 0.0 { 0.0 } else { rate * m.signum() }
                });
            }
            Optimizer::Adam { beta1, beta2, epsilon } => {
                let (c1, c2) = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
                self.first.zip_mut_with(gradient, |m, &g| *m = beta1 * *m + (1.0 - beta1) * g);
                self.second.zip_mut_with(gradient, |v, &g| *v = beta2 * *v + (1.0 - beta2) * g * g);
                for ((p, m), v) in parameters.iter_mut().zip(&self.first).zip(&self.second) {
                    *p -= rate * (m / c1) / ((v / c2).sqrt() + epsilon);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rates_fall_linearly_or_stay() {
        let rates = |schedule: Schedule| [0, 1, 3].map(|step| schedule.rate(0.5, step, 4));
        assert_eq!(rates(Schedule::Linear), [0.5, 0.375, 0.125]);
        assert_eq!(rates(Schedule::Constant), [0.5; 3]);
    }

    #[test]
    fn first_steps_by_hand() {
        let gradient = array![[4.0, -0.25, 0.0]];
        for optimizer in [Optimizer::SIGN, Optimizer::ADAM] {
            let mut state = State::new(optimizer, (1, 3));
            let mut p = array![[1.0, 1.0, 1.0]];
            state.step(&mut p, &gradient, 0.5);
            // The first step of Adam is the sign as well, but for epsilon.
            let error = (&p - &array![[0.5, 1.5, 1.0]]).fold(0f64, |w, x| w.max(x.abs()));
            assert!(error < 1e-6, "{optimizer:?}: {p}");
        }
        let mut state = State::new(Optimizer::SignSgd { momentum: 0.9 }, (1, 1));
        let mut p = array![[0.0]];
        for (gradient, wanted) in [(1.0, -1.0), (-0.5, -2.0), (-0.5, -1.0)] {
            // 1, then 0.9 - 0.5 > 0, then 0.36 - 0.5 < 0.
            state.step(&mut p, &array![[gradient]], 1.0);
            assert_eq!(p[[0, 0]], wanted);
        }
    }
}
