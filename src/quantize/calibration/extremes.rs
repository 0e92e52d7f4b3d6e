//! The least and the greatest element.

/// Of the elements so far. NaN is remembered, and zeros have no sign in what comes out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extremes {
    least: f32,
    most: f32,
    nan: bool,
}

impl Default for Extremes {
    fn default() -> Self {
        Self { least: f32::INFINITY, most: f32::NEG_INFINITY, nan: false }
    }
}

impl Extremes {
    pub(super) fn observe(&mut self, x: &[f32]) {
        for &x in x {
            self.least = if x < self.least { x } else { self.least };
            self.most = if x > self.most { x } else { self.most };
            self.nan |= x.is_nan();
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.observe(&[other.least, other.most]);
        self.nan |= other.nan;
    }

    /// Least and greatest; NaN if there was one.
    pub(super) fn ends(&self) -> (f32, f32) {
        // A zero that came first keeps its sign; adding 0 takes it away.
        if self.nan { (f32::NAN, f32::NAN) } else { (self.least + 0.0, self.most + 0.0) }
    }
}
