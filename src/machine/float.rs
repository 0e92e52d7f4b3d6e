//! The machine of any numbers.

use super::MachineError;
use crate::accumulate::{Accumulator, Turn};
use crate::reference::{
    Addend, FailedStep, FloatRun, FloatTrace, RandomBits, Step, StepRecord, Value,
};

/// A step of a [`FloatMachine`] and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatStepRecord {
    /// The stage, from 0.
    pub stage: usize,
    /// The first product that entered.
    pub first_k: u64,
    /// The last product that entered.
    pub last_k: u64,
    /// Which register took what.
    pub turn: Turn,
    /// The register before.
    pub before: Value,
    /// What entered.
    pub inputs: Vec<Addend>,
    /// What came of it.
    pub step: Step,
}

/// A stage of a [`FloatMachine`] as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatMachineStage<'a> {
    /// The register after the last step; of several that take turns, the one of the next step.
    pub register: &'a Value,
    /// The inputs that wait for the next step.
    pub pending: &'a [Addend],
    /// Inputs since the register restarted, those that wait among them.
    pub taken: u64,
    /// What happened since the last reset.
    pub trace: &'a FloatTrace,
}

/// Any accumulator as a state, in the exact arithmetic of the reference.
///
/// A push allocates nothing where every stage is an integer, exact or float register whose sums have at most 127 significant
/// bits; an aligned register and the units of presets allocate in each step.
///
/// ```
/// use fewbit::Accumulator;
/// use fewbit::reference::{RandomBits, Value};
/// let acc: Accumulator = "f16".parse()?;
/// let mut mac = acc.float_machine(RandomBits { seed: 0, output: 0 });
/// mac.push_f64(1.0, 1.0)?;
/// let record = &mac.push_f64(0.5f64.powi(11), 1.0)?[0]; // a tie: to even
/// assert_eq!((record.step.exact.to_f64(), record.step.after.to_f64()), (1.00048828125, 1.0));
/// assert_eq!(mac.value().to_f64(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FloatMachine {
    acc: Accumulator,
    random: RandomBits,
    run: FloatRun,
    traces: Vec<FloatTrace>,
    steps: Records,
    failed: Option<FailedStep>,
}

/// The steps of the last call; records beyond `used` keep their memory.
#[derive(Clone, Debug, Default)]
struct Records {
    all: Vec<FloatStepRecord>,
    used: usize,
}

impl Records {
    fn add(&mut self, record: StepRecord<'_>) {
        let StepRecord { stage, first_k, last_k, turn, before, inputs, step } = record;
        let (before, step) = (before.clone(), step.clone());
        match self.all.get_mut(self.used) {
            Some(old) => {
                old.inputs.clear();
                old.inputs.extend_from_slice(inputs);
                let inputs = std::mem::take(&mut old.inputs);
                *old = FloatStepRecord { stage, first_k, last_k, turn, before, inputs, step };
            }
            None => {
                let inputs = inputs.to_vec();
                self.all.push(FloatStepRecord {
                    stage,
                    first_k,
                    last_k,
                    turn,
                    before,
                    inputs,
                    step,
                });
            }
        }
        self.used += 1;
    }
}

impl Accumulator {
    /// This accumulator as a machine of any numbers, every register at 0. `random` serves stochastic rounding, under the
    /// counters of [`matmul_float`](crate::reference::matmul_float); others do not look at it.
    pub fn float_machine(&self, random: RandomBits) -> FloatMachine {
        FloatMachine {
            acc: self.clone(),
            random,
            run: FloatRun::new(self, Value::ZERO, random),
            traces: FloatTrace::starting(self.stages().len(), &Value::ZERO),
            steps: Records::default(),
            failed: None,
        }
    }
}

impl FloatMachine {
    /// Takes the next product of k; gives the steps that it caused, the innermost stage first.
    ///
    /// # Errors
    /// A step that cannot be made, and from then on that same error, until the machine is reset.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use fewbit::reference::{Addend, Dyadic, RandomBits, Value};
    /// let acc: Accumulator = "aligned2:f32*2".parse()?;
    /// let mut mac = acc.float_machine(RandomBits { seed: 0, output: 0 });
    /// let power = |e| Addend::new(Value::Finite(Dyadic::new(1, e)), None);
    /// assert!(mac.push_product(power(0))?.is_empty());
    /// mac.push_product(power(-3))?; // below 2^(0 - 2): cut
    /// assert_eq!(mac.value().to_f64(), 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_product(&mut self, product: Addend) -> Result<&[FloatStepRecord], MachineError> {
        self.steps.used = 0;
        self.enter(product)?;
        Ok(self.steps())
    }

    /// [`Self::push_product`] of `a b`, exact: numbers in no format, whose exponents are their own.
    ///
    /// # Errors
    /// As [`Self::push_product`].
    pub fn push_f64(&mut self, a: f64, b: f64) -> Result<&[FloatStepRecord], MachineError> {
        let addend = |x| Addend::new(Value::from_f64(x), None);
        self.push_product(addend(a).times(&addend(b)))
    }

    /// Takes products in ascending k; gives all steps that they caused.
    ///
    /// # Errors
    /// As [`Self::push_product`]; the products after the one that failed are not taken.
    pub fn push_group(
        &mut self,
        products: impl IntoIterator<Item = Addend>,
    ) -> Result<&[FloatStepRecord], MachineError> {
        self.steps.used = 0;
        for product in products {
            self.enter(product)?;
        }
        Ok(self.steps())
    }

    /// Closes groups and tiles that are not full, innermost first, as the end of a product does: the output, and the steps
    /// that it took. [`Self::traces`] has what happened.
    ///
    /// # Errors
    /// As [`Self::push_product`].
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use fewbit::reference::RandomBits;
    /// let mut mac = "f32*4".parse::<Accumulator>()?.float_machine(RandomBits { seed: 0, output: 0 });
    /// mac.push_f64(1.5, 2.0)?;
    /// assert_eq!((mac.value().to_f64(), mac.stages().next().unwrap().pending.len()), (0.0, 1));
    /// let (value, steps) = mac.drain()?;
    /// assert_eq!((value.to_f64(), steps.len()), (3.0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&mut self) -> Result<(&Value, &[FloatStepRecord]), MachineError> {
        self.steps.used = 0;
        self.refuse()?;
        let (traces, steps) = (&mut self.traces, &mut self.steps);
        let result = self.run.finish(&mut |record| {
            traces[record.stage].add(record);
            steps.add(record);
        });
        self.keep(result)?;
        Ok((self.run.value(), self.steps()))
    }

    /// The last register after the last completed step: what waits, or is in a tile that is not full, is not in it. Of
    /// several that take turns it is the first one, which has the others only after [`Self::drain`].
    pub fn value(&self) -> &Value {
        self.run.value()
    }

    /// The stages as they stand, innermost first.
    pub fn stages(&self) -> impl ExactSizeIterator<Item = FloatMachineStage<'_>> {
        self.run.states().iter().zip(&self.traces).map(|(state, trace)| FloatMachineStage {
            register: &state.register,
            pending: &state.pending,
            taken: state.taken,
            trace,
        })
    }

    /// What happened in each stage since the last reset; what [`FloatReport::add`](crate::reference::FloatReport::add)
    /// takes.
    pub fn traces(&self) -> &[FloatTrace] {
        &self.traces
    }

    /// Forgets everything; the last register starts at `start`, taken as it is, the others at 0.
    pub fn reset(&mut self, start: Value) {
        self.traces = FloatTrace::starting(self.acc.stages().len(), &start);
        self.run = FloatRun::new(&self.acc, start, self.random);
        self.steps.used = 0;
        self.failed = None;
    }

    /// The accumulator.
    pub fn accumulator(&self) -> &Accumulator {
        &self.acc
    }

    fn steps(&self) -> &[FloatStepRecord] {
        &self.steps.all[..self.steps.used]
    }

    fn enter(&mut self, product: Addend) -> Result<(), MachineError> {
        self.refuse()?;
        let (traces, steps) = (&mut self.traces, &mut self.steps);
        let result = self.run.push(product, &mut |record| {
            traces[record.stage].add(record);
            steps.add(record);
        });
        self.keep(result)
    }

    /// The error of a step that could not be made.
    fn refuse(&self) -> Result<(), MachineError> {
        match &self.failed {
            None => Ok(()),
            Some((stage, k, error)) => {
                Err(MachineError::Step { stage: *stage, k: *k, error: error.clone() })
            }
        }
    }

    fn keep(&mut self, result: Result<(), FailedStep>) -> Result<(), MachineError> {
        self.failed = result.err();
        self.refuse()
    }
}
