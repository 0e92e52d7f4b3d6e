//! Products of lines: which way they run.

use fewbit::accumulate::{Register, Stage};
use fewbit::formats::Format;

use super::blocks;
use super::float_registers;
use super::line_job::{LineProduct, Outcome, is_exact};
use super::lines::Elements;
use super::tiles::Tiles;

impl LineProduct<'_> {
    /// `y[i, j] = s[i] t[j] (A[i, j] - z[i] W[j] - v[j] X[i] + K z[i] v[j]) + bias[j]`, with the sum of the products of codes
    /// `A[i, j]` through the accumulator, the sums `X` and `W` of the codes of a line, its zero points `z`, `v` and its scales `s`,
    /// `t`; all but `A` in f64, rounded once to f32.
    ///
    /// Where scales are those of blocks along k, integer registers run block by block from zero, and the sums of the blocks are
    /// added in f64, in ascending k; float registers sum products under the scales of both blocks, zero points outside; a machine
    /// that does not take such scales runs block by block as integers do. Stages of integers in front of others sum codes within
    /// tiles of a block. Of codes of floats, `exact` has the sum of all products under their scales.
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
        let block = blocks::size(self.x, &self.w.lines);
        let alone = k > 1 && block == 1;
        if is_exact(self.accumulator) && (!are_ints || alone) {
            return float_registers::run(self);
        }
        match (self.accumulator.is_integer(), are_ints) {
            (true, true) if alone => Ok(Outcome::InFloats(format!(
                "every product of a sum has a scale of its own: whole numbers of different units have no sum in the integer \
                 registers of `{}`; `exact` and accumulators of floats take them",
                self.accumulator
            ))),
            (true, true) => blocks::run(self).map(Outcome::Done),
            (true, false) => Ok(Outcome::InFloats(self.has_no_unit())),
            (false, _) if !are_ints => match self.integer_stage() {
                Some(_) => Ok(Outcome::InFloats(self.has_no_unit())),
                None => float_registers::run(self),
            },
            (false, _) if self.x.is_whole() && self.w.lines.is_whole() => {
                float_registers::run(self)
            }
            (false, _) => match Tiles::of(self.accumulator, block) {
                Err(why) => Ok(Outcome::InFloats(why)),
                Ok(Some(tiles)) => {
                    let (sums, reported) = tiles.run(self)?;
                    Ok(Outcome::Done(float_registers::finish(self, sums, reported)))
                }
                Ok(None) => match self.integer_stage() {
                    Some(stage) => Ok(Outcome::InFloats(format!(
                        "stage `{stage}` stands behind registers that hold products under the scales of groups, which are \
                         fractions: a register of integers has no unit for them"
                    ))),
                    None => float_registers::run(self),
                },
            },
        }
    }

    /// A stage of whole numbers.
    fn integer_stage(&self) -> Option<String> {
        let is_int = |stage: &&Stage| matches!(stage.register, Register::Int { .. });
        self.accumulator.stages().iter().find(is_int).map(ToString::to_string)
    }

    /// Why products of floats enter no register of integers.
    fn has_no_unit(&self) -> String {
        let formats = [self.x.format, self.w.lines.format];
        let least = |format: Format| match format {
            Format::Float(_) => format.smallest_positive().log2() as i32,
            _ => 0,
        };
        let unit: i32 = formats.into_iter().map(least).sum();
        let [x, w] = formats;
        format!(
            "products of {x} and {w} are multiples of 2^{unit}, and the integer registers of `{}` hold whole numbers: `exact` and \
             accumulators of floats take them",
            self.accumulator
        )
    }
}
