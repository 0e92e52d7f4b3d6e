//! Moves of two levels at once.

use super::row::{Row, Step};

/// Partners that are tried where the best ones do not fit.
const TRIALS: usize = 32;

/// Two moves and what both gain together.
#[derive(Clone, Copy)]
struct Pair {
    first: Step,
    second: Step,
    gain: f32,
}

impl Row<'_, '_> {
    /// The best of the pairs that are looked at, where one gains.
    pub(super) fn pair(&mut self) -> bool {
        self.scan.fill_all(&self.gradient, &self.around.diagonal);
        let firsts = self.scan.most(self.around.reach.partners);
        let steps = firsts.into_iter().filter_map(|(col, gain)| {
            Some((self.step(col, self.scan.direction(col))?, gain))
        });
        let steps: Vec<(Step, f32)> = steps.collect();
        let mut best: Option<Pair> = None;
        for (first, gain) in steps {
            let least = best.map_or(self.least, |best| best.gain);
            best = self.partner(first, gain, least).or(best);
        }
        match best {
            None => false,
            Some(pair) => {
                self.apply(pair.first);
                self.apply(pair.second);
                true
            }
        }
    }

    /// The best partner of a move that alone gains `alone`, if both together gain more than `least` and fit.
    fn partner(&mut self, first: Step, alone: f32, least: f32) -> Option<Pair> {
        self.ledger.shift(first.col, first.from, first.to);
        // Only what the same stage sums can give back what this move takes.
        let columns = self.ledger.overdrawn(first.col).unwrap_or(0..self.levels.len());
        let h = self.around.h.row(first.col);
        let after: Vec<f32> =
            self.gradient.iter().zip(h).map(|(g, h)| g - first.by * h).collect();
        self.scan.fill(columns, &after, &self.around.diagonal, &self.ledger);
        self.scan.drop(first.col);
        let mut found = None;
        for _ in 0..TRIALS {
            let Some((col, gain)) = self.scan.best().filter(|(_, gain)| alone + gain > least)
            else {
                break;
            };
            let second = self.step(col, self.scan.direction(col));
            if let Some(second) = second.filter(|second| self.both_fit(first, *second)) {
                found = Some(Pair { first, second, gain: alone + gain });
                break;
            }
            self.scan.drop(col);
        }
        self.ledger.shift(first.col, first.to, first.from);
        found
    }

    /// Whether all sums hold with the first move booked and the second one made.
    fn both_fit(&mut self, first: Step, second: Step) -> bool {
        self.ledger.shift(second.col, second.from, second.to);
        let fit = [first, second].iter().all(|step| self.ledger.overdrawn(step.col).is_none());
        self.ledger.shift(second.col, second.to, second.from);
        fit
    }
}
