//! The last steps of a machine, told as text.

use std::collections::VecDeque;
use std::fmt::Write as _;

use fewbit::accumulate::Turn;
use fewbit::formats::Status;
use fewbit::machine::FloatStepRecord;
use fewbit::reference::{IntStepRecord, Value};
use fewbit::trace::ExactNumber;

/// The last steps, at most so many.
#[derive(Debug)]
pub(crate) struct Recorder {
    most: usize,
    steps: VecDeque<Recorded>,
    left_out: u64,
}

#[derive(Debug)]
enum Recorded {
    Integer(IntStepRecord),
    Float(FloatStepRecord),
}

impl Recorder {
    pub(super) fn new(most: usize) -> Self {
        Self { most, steps: VecDeque::new(), left_out: 0 }
    }

    pub(crate) fn add_integers(&mut self, steps: &[IntStepRecord]) {
        steps.iter().for_each(|step| self.add(Recorded::Integer(*step)));
    }

    pub(crate) fn add_floats(&mut self, steps: &[FloatStepRecord]) {
        steps.iter().for_each(|step| self.add(Recorded::Float(step.clone())));
    }

    fn add(&mut self, step: Recorded) {
        if self.steps.len() == self.most {
            self.steps.pop_front();
            self.left_out += 1;
        }
        self.steps.push_back(step);
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
        self.left_out = 0;
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.left_out > 0 {
            let _ = writeln!(text, "{} steps before are not kept", self.left_out);
        }
        for step in &self.steps {
            let line = match step {
                Recorded::Integer(step) => integer_line(step),
                Recorded::Float(step) => float_line(step),
            };
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// Where a step stands: `stage 0, k 3` or `stage 1, k 0..7`, and the register where several take turns.
fn place(stage: usize, (first, last): (u64, u64), turn: Turn) -> String {
    let mut text = if first == last {
        format!("stage {stage}, k {last}")
    } else {
        format!("stage {stage}, k {first}..{last}")
    };
    match turn {
        Turn::Inputs(register @ 1..) => text += &format!(", register {register}"),
        Turn::Fold(register) => text += &format!(", register 0 takes register {register}"),
        _ => {}
    }
    text
}

fn integer_line(step: &IntStepRecord) -> String {
    let IntStepRecord { stage, first_k, last_k, turn, before, input, exact, after, event } = *step;
    let place = place(stage, (first_k, last_k), turn);
    let event = if event { "  overflow" } else { "" };
    format!("{place}: {before} + {input} = {exact} -> {after}{event}")
}

fn float_line(record: &FloatStepRecord) -> String {
    let place = place(record.stage, (record.first_k, record.last_k), record.turn);
    let number = |value: &Value| ExactNumber::from(value.clone()).to_string();
    let inputs: Vec<String> = record.inputs.iter().map(|input| number(&input.value)).collect();
    let step = &record.step;
    let sum =
        if step.sum == step.exact { String::new() } else { format!(" ~ {}", number(&step.sum)) };
    let flags =
        if step.status == Status::NONE { String::new() } else { format!("  {:?}", step.status) };
    format!(
        "{place}: {} + {} = {}{sum} -> {}{flags}",
        number(&record.before),
        inputs.join(" + "),
        number(&step.exact),
        number(&step.after)
    )
}
