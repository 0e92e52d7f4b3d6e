//! The machine that codes are pushed into.

use super::operand_format::{OperandFormat, Subnormals, check, decode};
use super::{FloatMachine, FloatStepRecord, Machine, MachineError};
use crate::accumulate::{Accumulator, Register};
use crate::reference::{Dyadic, IntStepRecord, RandomBits, Value};

/// A machine whose inputs are codes of two formats.
///
/// Integers through integer stages are summed by a [`Machine`], everything else by a [`FloatMachine`]; both are there to be
/// read, with all that they report.
///
/// ```
/// use fewbit::Accumulator;
/// use fewbit::formats::Format;
/// let acc: Accumulator = "preset:h100-wgmma-fp8".parse()?;
/// let mut mac = acc.machine_for(Format::E4M3FN, Format::E5M2)?;
/// mac.push(0x38, 0x3c)?; // 1.0 * 1.0
/// assert!(mac.value().is_zero()); // the unit waits for 32 products
/// assert_eq!(mac.drain()?.to_f64(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CodeMachine {
    a: OperandFormat,
    b: OperandFormat,
    subnormals: Subnormals,
    inner: Inner,
}

#[derive(Clone, Debug)]
enum Inner {
    Integer(Machine),
    Float(FloatMachine),
}

/// The steps of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps<'a> {
    /// Of integers through integer registers.
    Integer(&'a [IntStepRecord]),
    /// Of everything else.
    Float(&'a [FloatStepRecord]),
}

impl Steps<'_> {
    /// How many there were.
    pub fn len(&self) -> usize {
        match self {
            Self::Integer(steps) => steps.len(),
            Self::Float(steps) => steps.len(),
        }
    }

    /// Whether everything waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Accumulator {
    /// This accumulator as a machine of codes: every register at 0, no random bits (stochastic rounding has those of seed 0
    /// and output 0, until [`CodeMachine::with_random`] says otherwise).
    ///
    /// # Errors
    /// Operands that a preset does not take.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use fewbit::formats::Format;
    /// let acc: Accumulator = "int16-sat".parse()?;
    /// let mut mac = acc.machine_for("int8".parse::<Format>()?, "uint8".parse::<Format>()?)?;
    /// mac.push(0x80, 0xff)?; // -128 * 255
    /// assert_eq!(mac.value().to_f64(), -32640.0);
    /// mac.push(0x80, 0xff)?;
    /// assert_eq!(mac.value().to_f64(), -32768.0);
    /// let unit: Accumulator = "preset:a100-f16".parse()?;
    /// assert!(unit.machine_for(Format::E4M3FN, Format::E4M3FN).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn machine_for(
        &self,
        a: impl Into<OperandFormat>,
        b: impl Into<OperandFormat>,
    ) -> Result<CodeMachine, MachineError> {
        let (a, b) = (a.into(), b.into());
        let unit = match self.stages().first().map(|stage| stage.register) {
            Some(Register::Datapath(unit)) => Some(unit),
            _ => None,
        };
        if let Some(unit) = unit {
            check(unit, [a, b])?;
        }
        let inner = if self.is_integer() && a.is_integer() && b.is_integer() {
            Inner::Integer(self.machine()?)
        } else {
            Inner::Float(self.float_machine(RandomBits { seed: 0, output: 0 }))
        };
        Ok(CodeMachine { a, b, subnormals: Subnormals::of(unit), inner })
    }
}

impl CodeMachine {
    /// The same machine, reset, with these bits for stochastic rounding.
    #[must_use]
    pub fn with_random(self, random: RandomBits) -> Self {
        let inner = match self.inner {
            Inner::Float(machine) => Inner::Float(machine.accumulator().float_machine(random)),
            integer => integer,
        };
        Self { inner, ..self }
    }

    /// Takes the product of two codes; gives the steps that it caused.
    ///
    /// # Errors
    /// A code that its format does not have; elements that have scales; a step that cannot be made.
    pub fn push(&mut self, a: u32, b: u32) -> Result<Steps<'_>, MachineError> {
        self.push_product((a, None), (b, None))
    }

    /// [`Self::push`] of codes under the codes of their scales; `None` for the element that has no scale.
    ///
    /// # Errors
    /// As [`Self::push`]; a scale for an element that has none, or none for one that has.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use fewbit::formats::Format;
    /// use fewbit::machine::OperandFormat;
    /// let mxfp4 = OperandFormat::scaled(Format::E2M1FN, Format::E8M0FNU);
    /// let mut mac = "f32".parse::<Accumulator>()?.machine_for(mxfp4, mxfp4)?;
    /// mac.push_scaled(0b0_11_1, 0b0_01_0, Some(128), Some(126))?; // 6 * 1, times 2 * 0.5
    /// assert_eq!(mac.value().to_f64(), 6.0);
    /// assert!(mac.push(0, 0).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_scaled(
        &mut self,
        a: u32,
        b: u32,
        scale_a: Option<u32>,
        scale_b: Option<u32>,
    ) -> Result<Steps<'_>, MachineError> {
        self.push_product((a, scale_a), (b, scale_b))
    }

    /// Takes products of codes in ascending k, as one input of a dot unit or as many of them as there are.
    ///
    /// # Errors
    /// As [`Self::push`], of the first pair that has one; those before it are taken.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use fewbit::formats::Format;
    /// let mut mac = "preset:a100-tf32".parse::<Accumulator>()?.machine_for(Format::TF32, Format::TF32)?;
    /// let one = 0x3f800000 >> 13;
    /// mac.push_group(&[(one, one); 4])?;
    /// assert_eq!(mac.value().to_f64(), 4.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_group(&mut self, codes: &[(u32, u32)]) -> Result<(), MachineError> {
        codes.iter().try_for_each(|&(a, b)| self.push(a, b).map(|_| ()))
    }

    /// Closes groups and tiles that are not full, innermost first, as the end of a product does: the output.
    ///
    /// # Errors
    /// A step that cannot be made.
    pub fn drain(&mut self) -> Result<Value, MachineError> {
        self.drain_steps()?;
        Ok(self.value())
    }

    /// [`Self::drain`], with the steps that it took.
    ///
    /// # Errors
    /// A step that cannot be made.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use fewbit::formats::Format;
    /// let mut mac = "exact/4,int8-sat".parse::<Accumulator>()?.machine_for(Format::INT8, Format::INT8)?;
    /// mac.push(100, 2)?;
    /// assert_eq!(mac.drain_steps()?.len(), 1); // 200 into the second register
    /// assert_eq!(mac.value().to_f64(), 127.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_steps(&mut self) -> Result<Steps<'_>, MachineError> {
        match &mut self.inner {
            Inner::Integer(machine) => Ok(Steps::Integer(machine.drain().steps)),
            Inner::Float(machine) => machine.drain().map(|(_, steps)| Steps::Float(steps)),
        }
    }

    /// The last register after the last completed step.
    pub fn value(&self) -> Value {
        match &self.inner {
            Inner::Integer(machine) => integer(machine.value()),
            Inner::Float(machine) => machine.value().clone(),
        }
    }

    /// Forgets everything; the last register starts at `start`.
    ///
    /// # Errors
    /// A starting value that an integer register does not have.
    pub fn reset(&mut self, start: Value) -> Result<(), MachineError> {
        match &mut self.inner {
            Inner::Float(machine) => {
                machine.reset(start);
                Ok(())
            }
            Inner::Integer(machine) => match start.finite().and_then(Dyadic::to_i128) {
                Some(start) => machine.reset(start),
                None => Err(MachineError::StartNumber(start.to_string())),
            },
        }
    }

    /// The machine of integers, where the codes are integers and the stages too.
    pub fn as_integer(&self) -> Option<&Machine> {
        match &self.inner {
            Inner::Integer(machine) => Some(machine),
            Inner::Float(_) => None,
        }
    }

    /// The machine of any numbers, where [`Self::as_integer`] is not.
    pub fn as_float(&self) -> Option<&FloatMachine> {
        match &self.inner {
            Inner::Integer(_) => None,
            Inner::Float(machine) => Some(machine),
        }
    }

    fn push_product(
        &mut self,
        (code_a, scale_a): (u32, Option<u32>),
        (code_b, scale_b): (u32, Option<u32>),
    ) -> Result<Steps<'_>, MachineError> {
        let Self { a, b, subnormals, .. } = *self;
        if (a.scale.is_some(), b.scale.is_some()) != (scale_a.is_some(), scale_b.is_some()) {
            let count = |one: bool, other: bool| usize::from(one) + usize::from(other);
            return Err(MachineError::Scales {
                a: a.to_string(),
                b: b.to_string(),
                expected: count(a.scale.is_some(), b.scale.is_some()),
                found: count(scale_a.is_some(), scale_b.is_some()),
            });
        }
        match &mut self.inner {
            Inner::Integer(machine) => {
                // At most 32 bits each, which f64 has exactly.
                let (x, y) = (decode(a.format, code_a)? as i64, decode(b.format, code_b)? as i64);
                Ok(Steps::Integer(machine.push_product(i128::from(x) * i128::from(y))))
            }
            Inner::Float(machine) => {
                let x = subnormals.addend(a, code_a, scale_a)?;
                let y = subnormals.addend(b, code_b, scale_b)?;
                machine.push_product(x.times(&y)).map(Steps::Float)
            }
        }
    }
}

fn integer(x: i128) -> Value {
    Value::Finite(Dyadic::new(x, 0))
}
