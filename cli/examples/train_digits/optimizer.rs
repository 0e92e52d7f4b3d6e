//! What both kinds of networks are trained with: random numbers, and Adam.

/// What a training is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params {
    /// Of the starting weights and of the order of the images.
    pub(crate) seed: u64,
    /// Passes over the images.
    pub(crate) epochs: usize,
    /// Images per step.
    pub(crate) batch: usize,
    /// Adam's first rate; it falls linearly to 0.
    pub(crate) rate: f32,
    /// Share of each weight taken off per step, times the rate.
    pub(crate) decay: f32,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1), a multiple of 2^-23.
    fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Starting weights of outputs that sum so many products (He et al. 2015, uniform).
    pub(crate) fn weights(&mut self, count: usize, depth: usize) -> Vec<f32> {
        let bound = (6.0 / depth as f32).sqrt();
        (0..count).map(|_| bound * self.signed()).collect()
    }

    pub(crate) fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}

/// Adam's two moments of each parameter (Kingma, Ba 2015), with decoupled weight decay (Loshchilov, Hutter 2019).
pub(crate) struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
}

/// The rate of a step, and the powers of Adam's constants that belong to it.
pub(crate) struct Schedule {
    params: Params,
    step: usize,
    steps: usize,
    powers: [f32; 2],
}

impl Schedule {
    /// Before the first step, with so many images.
    pub(crate) fn new(params: Params, images: usize) -> Self {
        let steps = params.epochs * images.div_ceil(params.batch);
        Self { params, step: 0, steps, powers: [1.0; 2] }
    }

    /// Goes to the next step and gives its rate.
    pub(crate) fn next(&mut self) -> f32 {
        let rate = self.params.rate * (self.steps - self.step) as f32 / self.steps as f32;
        self.powers = [self.powers[0] * Adam::MEAN, self.powers[1] * Adam::SQUARE];
        self.step += 1;
        rate
    }
}

impl Adam {
    const MEAN: f32 = 0.9;
    const SQUARE: f32 = 0.999;
    const EPSILON: f32 = 1e-8;

    pub(crate) fn new(parameters: usize) -> Self {
        Self { mean: vec![0.0; parameters], square: vec![0.0; parameters] }
    }

    /// One step along the gradient.
    pub(crate) fn step(
        &mut self,
        values: &mut [f32],
        gradient: &[f32],
        rate: f32,
        decay: f32,
        schedule: &Schedule,
    ) {
        for (((value, &g), m), s) in
            values.iter_mut().zip(gradient).zip(&mut self.mean).zip(&mut self.square)
        {
            *m = Self::MEAN * *m + (1.0 - Self::MEAN) * g;
            *s = Self::SQUARE * *s + (1.0 - Self::SQUARE) * g * g;
            let mean = *m / (1.0 - schedule.powers[0]);
            let deviation = (*s / (1.0 - schedule.powers[1])).sqrt();
            *value -= rate * (mean / (deviation + Self::EPSILON) + decay * *value);
        }
    }
}

/// The slope of the squared hinge loss, `sum over classes of max(0, 1 - t_c y_c)^2`, at the outputs of one image.
pub(crate) fn hinge_slope(outputs: &[f32], label: u8) -> Vec<f32> {
    let slope = |(class, y): (usize, &f32)| {
        let target = if class == usize::from(label) { 1.0 } else { -1.0 };
        -2.0 * target * (1.0 - target * y).max(0.0)
    };
    outputs.iter().enumerate().map(slope).collect()
}

/// The class of the greatest output; the first of equal ones.
pub(crate) fn best(outputs: &[f32]) -> usize {
    (0..outputs.len()).rev().max_by(|&a, &b| outputs[a].total_cmp(&outputs[b])).unwrap_or(0)
}
