//! The log: facts about the answers that are the same on every machine.

use std::fmt;

use fewbit_testkit::rounding::{INEXACT, INVALID, OVERFLOW, UNDERFLOW};

use crate::packed::{self, Packed};
use crate::subject::Stretch;

/// What one format, mode and policy answer to all inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    inputs: u64,
    /// Runs of equal answers in ascending order of bits.
    segments: u64,
    inexact: u64,
    underflow: u64,
    overflow: u64,
    invalid: u64,
    refused: u64,
    hash: u64,
}

/// The columns of the log.
pub(crate) const COLUMNS: &str = "format,rounding,random,overflow policy,inputs,segments,inexact,underflow,overflow,invalid,refused,hash";

impl Facts {
    /// The facts of one of the two policies.
    pub(crate) fn of(line: &[Stretch], policy: usize) -> Self {
        let mut facts = Self { hash: 0xcbf2_9ce4_8422_2325, ..Self::default() };
        let mut run = (0u64, None);
        for stretch in line {
            for _ in 0..stretch.repeats {
                for &(inputs, answers) in &stretch.runs {
                    let answer = answers[policy];
                    if run.1 != Some(answer) {
                        facts.add(run);
                        run = (0, Some(answer));
                    }
                    run.0 += u64::from(inputs);
                }
            }
        }
        facts.add(run);
        facts
    }

    fn add(&mut self, (inputs, answer): (u64, Option<Packed>)) {
        let Some(answer) = answer else { return };
        let flags = packed::flags(answer);
        let refused = answer & packed::REFUSED != 0;
        let where_set = |flag: u8| if !refused && flags & flag != 0 { inputs } else { 0 };
        self.inputs += inputs;
        self.segments += 1;
        self.inexact += where_set(INEXACT);
        self.underflow += where_set(UNDERFLOW);
        self.overflow += where_set(OVERFLOW);
        self.invalid += where_set(INVALID);
        self.refused += if refused { inputs } else { 0 };
        // FNV-1a, a word at a time.
        for word in [inputs, answer] {
            self.hash = (self.hash ^ word).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, segments, inexact, underflow, overflow, invalid, refused, hash } = self;
        write!(
            f,
            "{inputs},{segments},{inexact},{underflow},{overflow},{invalid},{refused},{hash:016x}"
        )
    }
}
