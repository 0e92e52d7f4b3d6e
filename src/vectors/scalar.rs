//! Operations on codes whose result is rounded once, and conversions.

use fewbit_formats::{
    Arithmetic, EncodeError, Encoded, Format, Policy, Raised, Real, Rounding, philox,
};

use super::field::{FieldFormat, FieldRole, VectorField};
use super::{VectorError, VectorOp, codes};

/// Bits of the flags: NX, UF, OF, DZ, NV.
const FLAGS: u32 = 5;

/// An operation on codes: formats of its operands, and where the result goes.
///
/// ```
/// use fewbit::formats::{Format, Overflow, Policy, Rounding};
/// use fewbit::vectors::{ScalarJob, VectorOp};
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let job = ScalarJob::new(VectorOp::Add, &[Format::E4M3FN; 2], Format::E4M3FN, policy)?;
/// assert_eq!(job.result(&[0x38, 0x38], 0)?.code, 0x40); // 1 + 1 = 2
/// assert!(ScalarJob::new(VectorOp::Sqrt, &[Format::E4M3FN; 2], Format::E4M3FN, policy).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarJob {
    op: VectorOp,
    operands: Vec<Format>,
    to: Format,
    policy: Policy,
}

/// Names of operands in order.
pub(super) const OPERANDS: [&str; 3] = ["a", "b", "c"];

impl VectorOp {
    /// Operands of an operation on codes; `None` for the others.
    ///
    /// ```
    /// use fewbit::vectors::VectorOp;
    /// assert_eq!((VectorOp::Fma.arity(), VectorOp::Dot.arity()), (Some(3), None));
    /// ```
    #[must_use]
    pub const fn arity(self) -> Option<usize> {
        match self {
            Self::Add | Self::Sub | Self::Mul | Self::Div => Some(2),
            Self::Fma => Some(3),
            Self::Sqrt | Self::Cast => Some(1),
            Self::Quantize | Self::Requantize | Self::Dot | Self::Matmul => None,
        }
    }
}

impl ScalarJob {
    /// `op` of operands of these formats, rounded to `to`.
    ///
    /// # Errors
    /// An operation that is none of codes, or of another number of operands; a policy that has no meaning for the format.
    pub fn new(
        op: VectorOp,
        operands: &[Format],
        to: Format,
        policy: Policy,
    ) -> Result<Self, VectorError> {
        if op.arity() != Some(operands.len()) {
            return Err(VectorError::Entry {
                key: "op".into(),
                found: op.to_string(),
                reason: format!("it does not take {} operand(s) that are codes", operands.len()),
            });
        }
        codes::check_overflow(to, &policy)?;
        Ok(Self { op, operands: operands.to_vec(), to, policy })
    }

    /// The operation.
    #[must_use]
    pub fn op(&self) -> VectorOp {
        self.op
    }

    /// Formats of the operands.
    #[must_use]
    pub fn operands(&self) -> &[Format] {
        &self.operands
    }

    /// The format of the result.
    #[must_use]
    pub fn to(&self) -> Format {
        self.to
    }

    /// How results are rounded.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The result of codes, under these random bits.
    ///
    /// # Errors
    /// A result that the policy refuses.
    pub fn result(&self, codes: &[u32], random: u32) -> Result<Encoded, EncodeError> {
        let real = |operand: usize| match (self.operands.get(operand), codes.get(operand)) {
            (Some(format), Some(&code)) => format.decode_real(code),
            _ => Real::zero(false),
        };
        let (a, b, c) = (real(0), real(1), real(2));
        let unit = Arithmetic::new(self.to, self.policy);
        match self.op {
            VectorOp::Add => unit.add(a, b, random),
            VectorOp::Sub => unit.sub(a, b, random),
            VectorOp::Mul => unit.mul(a, b, random),
            VectorOp::Div => unit.div(a, b, random),
            VectorOp::Fma => unit.mul_add(a, b, c, random),
            VectorOp::Sqrt => unit.sqrt(a, random),
            _ => self.to.encode_real(a, &self.policy, random),
        }
    }

    /// The result before it is rounded.
    pub(super) fn exact(&self, operands: [Real; 3]) -> Raised {
        let [a, b, c] = operands;
        let rounding = self.policy.rounding;
        match self.op {
            VectorOp::Add => a.sum(b, rounding),
            VectorOp::Sub => a.difference(b, rounding),
            VectorOp::Mul => a.product(b),
            VectorOp::Div => a.quotient(b),
            VectorOp::Fma => a.fused_sum(b, c, rounding),
            VectorOp::Sqrt => a.square_root(),
            _ => Raised { value: a, status: fewbit_formats::Status::NONE },
        }
    }

    /// The operands of codes as numbers.
    pub(super) fn reals(&self, codes: &[u32]) -> [Real; 3] {
        let mut reals = [Real::zero(false); 3];
        for ((real, format), &code) in reals.iter_mut().zip(&self.operands).zip(codes) {
            *real = format.decode_real(code);
        }
        reals
    }

    pub(super) fn fields(&self) -> Vec<VectorField> {
        let operands = OPERANDS.iter().zip(&self.operands);
        let mut fields: Vec<_> = operands
            .map(|(&name, &format)| {
                VectorField::new(name, FieldRole::Input, FieldFormat::Codes(format), &[])
            })
            .collect();
        if is_random(self.policy.rounding) {
            fields.push(random_field(&[]));
        }
        let result = FieldFormat::Codes(self.to);
        fields.push(VectorField::new("result", FieldRole::Expected, result, &[]));
        let flags = FieldFormat::Unsigned(FLAGS);
        fields.push(VectorField::new("flags", FieldRole::Expected, flags, &[]));
        fields
    }

    /// The row of these inputs.
    pub(super) fn complete(
        &self,
        inputs: &[u64],
        seed: u64,
        index: u64,
    ) -> Result<Vec<u64>, String> {
        let codes: Vec<u32> = inputs.iter().map(|&word| word as u32).collect();
        let random = philox::bits(seed, index);
        let encoded = self.result(&codes, random).map_err(|error| error.to_string())?;
        let mut row = inputs.to_vec();
        if is_random(self.policy.rounding) {
            row.push(random.into());
        }
        row.extend([u64::from(encoded.code), u64::from(encoded.status.bits())]);
        Ok(row)
    }
}

/// Whether a mode takes random bits.
pub(super) const fn is_random(rounding: Rounding) -> bool {
    rounding.random_bits().is_some()
}

/// The random bits of roundings, of which a mode takes the low ones.
pub(super) fn random_field(shape: &[usize]) -> VectorField {
    VectorField::new("random", FieldRole::Random, FieldFormat::Unsigned(32), shape)
}
