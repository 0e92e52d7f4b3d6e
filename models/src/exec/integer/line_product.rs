//! Products of lines: which way they run.

use fewbit::accumulate::{Register, Stage};

use super::blocks;
use super::float_registers;
use super::line_job::{LineProduct, Outcome};
use super::lines::Elements;

impl LineProduct<'_> {
    /// `y[i, j] = s[i] t[j] (A[i, j] - z[i] W[j] - v[j] X[i] + K z[i] v[j]) + bias[j]`, with the sum of the products of codes
    /// `A[i, j]` through the accumulator, the sums `X` and `W` of the codes of a line, its zero points `z`, `v` and its scales `s`,
    /// `t`; all but `A` in f64, rounded once to f32.
    ///
    /// Where scales are those of blocks along k, integer registers run block by block from zero, and the sums of the blocks are
    /// added in f64, in ascending k; float registers sum products under the scales of both blocks, zero points outside; a machine
    /// that does not take such scales runs block by block as integers do.
    ///
    /// # Errors
    /// Lengths that differ; what the product refuses.
    pub(super) fn run(&self) -> Result<Outcome, String> {
        let ((_, k), (_, other)) = (self.x.dim(), self.w.lines.dim());
        if k != other {
            return Err(format!("rows of {k} elements times columns of {other}"));
        }
        let are_ints = [&self.x.elements, &self.w.lines.elements]
            .iter()
            .all(|elements| matches!(elements, Elements::Ints(_)));
        match (self.accumulator.is_integer(), are_ints) {
            (true, true) if k > 1 && blocks::size(self.x, &self.w.lines) == 1 => {
                Ok(Outcome::InFloats(
                    "every product of a sum has a scale of its own, so that there is nothing for an accumulator of whole numbers to add: one of floats takes them".into(),
                ))
            }
            (true, true) => blocks::run(self).map(Outcome::Done),
            (true, false) => {
                let formats = [self.x.format, self.w.lines.format].map(|format| format.to_string());
                Ok(Outcome::InFloats(format!(
                    "`{}` sums whole numbers, and these are codes of {}: an accumulator of floats takes them",
                    self.accumulator,
                    formats.join(" and "),
                )))
            }
            (false, _) => {
                if let Some(stage) = self.refuses_scales() {
                    return Ok(Outcome::InFloats(format!(
                        "stage `{stage}` sums whole numbers, and products under the scales of groups are none: an accumulator whose stages are all of integers, or all of floats, takes them"
                    )));
                }
                float_registers::run(self)
            }
        }
    }

    /// A stage of whole numbers that products under scales, or fractions, would enter.
    fn refuses_scales(&self) -> Option<String> {
        let fractions = [self.x, &self.w.lines]
            .iter()
            .any(|lines| !lines.is_whole() || matches!(lines.elements, Elements::Codes(_)));
        let is_int = |stage: &&Stage| matches!(stage.register, Register::Int { .. });
        let found = self.accumulator.stages().iter().find(is_int);
        found.filter(|_| fractions).map(ToString::to_string)
    }
}
