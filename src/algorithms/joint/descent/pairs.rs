//! Moves of two levels at once.

use super::loops::Difference;
use super::row::{Row, Step};
use crate::algorithms::grid::Direction;

/// Partners that are tried where the best ones do not fit.
const TRIALS: usize = 32;

impl Row<'_, '_> {
    /// Makes the best pair of each of the columns that are looked at, where it gains; whether any did.
    pub(super) fn pairs(&mut self) -> bool {
        self.scan.fill_all(&self.gradient, &self.around.diagonal);
        let firsts = self.scan.most(self.around.reach.partners);
        let directed = firsts.into_iter().map(|col| (col, self.scan.direction(col)));
        let directed: Vec<(usize, Direction)> = directed.collect();
        let mut gained = false;
        for (col, direction) in directed {
            // Pairs made before this one have moved its level, its gradient, or both.
            let Some(first) = self.step(col, direction) else { continue };
            if let Some(second) = self.partner(first, self.gain(first)) {
                self.apply(first);
                self.apply(second);
                gained = true;
            }
        }
        gained
    }

    /// The best partner of a move that alone gains `alone`, if both together gain and fit.
    fn partner(&mut self, first: Step, alone: f32) -> Option<Step> {
        self.ledger.shift(first.col, first.from, first.to);
        // Only what the same stage sums can give back what this move takes.
        let columns = self.ledger.overdrawn(first.col).unwrap_or(0..self.levels.len());
        self.around.isa.vectorize(Difference {
            to: &mut self.after,
            from: &self.gradient,
            by: first.by,
            h: self.around.h(first.col),
        });
        self.scan.fill(columns, &self.after, &self.around.diagonal, &self.ledger);
        self.scan.drop(first.col);
        let mut found = None;
        for _ in 0..TRIALS {
            let least = self.least - alone;
            let Some((col, _)) = self.scan.best().filter(|(_, gain)| *gain > least) else { break };
            let second = self.step(col, self.scan.direction(col));
            found = second.filter(|second| self.both_fit(first, *second));
            if found.is_some() {
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
