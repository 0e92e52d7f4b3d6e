//! Values to groups.

use fewbit_formats::{BlockScale, GroupError, GroupFormat, GroupPolicy, OuterScale, philox};

use super::plan::GroupPlan;
use crate::convert::code::{AnyCodesMut, Code, each_code};
use crate::convert::encode::{Encoder, check_codes};
use crate::convert::error::ConvertError;
use crate::convert::lane::INFINITY;
use crate::layout::{GroupLayout, outer_count};
use crate::simd::{Detected, Isa, IsaError, Vectorized};
use crate::tasks;

/// Elements of one task; results do not depend on it.
pub(super) const TASK: usize = 1 << 14;

/// Encodes tensors in one group format under one policy.
///
/// Scales and codes of every block are those of [`GroupFormat::encode_block`], where an element's random bits are
/// `philox::bits(seed, i)` of its row-major index `i`; on every instruction set and any number of threads. Runs on
/// rayon's current pool.
///
/// ```
/// use fewbit::convert::{GroupEncoder, GroupLayout};
/// use fewbit::formats::{BlockScale, GroupFormat, PolicyPreset};
///
/// let policy = "ocp-1.0".parse::<PolicyPreset>()?.group_policy(&GroupFormat::MXFP4);
/// let encoder = GroupEncoder::new(GroupFormat::MXFP4, policy)?;
/// let x = [12.0, -4.0, 1.0]; // one ragged group
/// let layout = GroupLayout { before: 1, length: 3, behind: 1 };
/// let (mut codes, mut scales) = ([0u8; 3], [BlockScale::default(); 1]);
/// encoder.encode(&x, layout, &[], &mut codes, &mut scales)?;
/// assert_eq!(scales[0].value, 2.0); // floor(log2 12) - 2 = 1
/// assert_eq!(codes, [0b0111, 0b1100, 0b0001]); // 6, -2, 0.5
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GroupEncoder {
    pub(super) format: GroupFormat,
    pub(super) policy: GroupPolicy,
    pub(super) seed: u64,
    pub(super) isa: Detected,
    pub(super) plan: GroupPlan,
    pub(super) element: Encoder,
}

impl GroupEncoder {
    /// An encoder with seed 0 and the widest instruction set of this CPU.
    ///
    /// # Errors
    /// A policy that cannot be followed: see [`GroupPolicy::check`].
    pub fn new(format: GroupFormat, policy: GroupPolicy) -> Result<Self, GroupError> {
        policy.check()?;
        let plan = GroupPlan::new(&format, &policy);
        let element = Encoder::new(format.element(), policy.element);
        Ok(Self { format, policy, seed: 0, isa: Detected::best(), plan, element })
    }

    /// With another seed of stochastic rounding.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, element: self.element.with_seed(seed), ..self }
    }

    /// With another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        let (plan, element) = (self.plan.with_isa(isa)?, self.element.with_isa(isa)?);
        Ok(Self { isa: isa.detect()?, plan, element, ..self })
    }

    /// The format of the groups.
    #[must_use]
    pub fn format(&self) -> &GroupFormat {
        &self.format
    }

    /// Every choice.
    #[must_use]
    pub fn policy(&self) -> &GroupPolicy {
        &self.policy
    }

    /// The outer scales of a tensor, [`GroupLayout::outer_scales`] of them: those that bring its own largest magnitudes
    /// to the largest that element and block scale can make together.
    ///
    /// # Errors
    /// A number of elements that is not the layout's; a scale that its format refuses.
    pub fn outer(&self, x: &[f32], layout: GroupLayout) -> Result<Vec<OuterScale>, ConvertError> {
        check_length("elements", x.len(), layout.elements())?;
        if self.format.scale().outer.is_none() {
            return Ok(Vec::new());
        }
        let scale = |first: usize, magnitude: u32| {
            let scale = self.format.outer_scale(f32::from_bits(magnitude), &self.policy);
            match scale.map_err(|source| ConvertError::Group { first, source })? {
                Some(scale) => Ok(scale),
                None => Ok(OuterScale { code: 0, value: 1.0, inverse: 1.0 }),
            }
        };
        let contribution = |x: &f32| match self.format.coupled() {
            1 => finite(x.to_bits()),
            // As bits, NaN is above every magnitude.
            _ => self.format.outer_magnitude(*x, &self.policy).to_bits(),
        };
        let Some(count) = outer_count(&self.format) else {
            if self.format.coupled() > 1 {
                return Ok(vec![scale(0, x.iter().map(contribution).max().unwrap_or(0))?]);
            }
            let most = tasks::map(x.chunks(TASK), |x| self.finite_magnitude(x)).into_iter().max();
            return Ok(vec![scale(0, most.unwrap_or(0))?]);
        };
        let span = count.saturating_mul(self.format.size());
        let (row_outers, behind) = (layout.row_outers(&self.format), layout.behind);
        let outer = |index: usize| {
            let (column, rest) = (index % behind, index / behind);
            let (place, row) = (rest % row_outers, rest / row_outers);
            let start = place * span;
            let end = start.saturating_add(span).min(layout.length);
            let at = |i: usize| (row * layout.length + i) * behind + column;
            let bits = (start..end).map(|i| contribution(&x[at(i)]));
            scale(at(start), bits.max().unwrap_or(0))
        };
        let mut outers = vec![None; layout.outer_scales(&self.format)];
        let task = (TASK / span).max(1);
        tasks::try_for_each(outers.chunks_mut(task).enumerate(), |(index, outers)| {
            for (to, index) in outers.iter_mut().zip(index * task..) {
                *to = Some(outer(index)?);
            }
            Ok(())
        })?;
        Ok(outers.into_iter().flatten().collect())
    }

    fn finite_magnitude(&self, x: &[f32]) -> u32 {
        struct Finite<'a>(&'a [f32]);
        impl Vectorized for Finite<'_> {
            type Output = u32;
            #[inline(always)]
            fn call(self) -> u32 {
                // Many at once: a chain of comparisons would wait for each other.
                let (parts, rest) = self.0.as_chunks::<64>();
                let mut most = [0; 64];
                for x in parts {
                    for (most, x) in most.iter_mut().zip(x) {
                        *most = finite(x.to_bits()).max(*most);
                    }
                }
                let rest = rest.iter().map(|x| finite(x.to_bits()));
                most.into_iter().chain(rest).fold(0, u32::max)
            }
        }
        self.isa.vectorize(Finite(x))
    }

    /// Encodes a tensor; `outer` are its outer scales, of [`Self::outer`] or from elsewhere.
    ///
    /// # Errors
    /// Slices that are not the layout's; codes too narrow for the elements; a block that the policy refuses: of several
    /// the one whose first element comes first in its task. The contents of `codes` and `scales` are then unspecified.
    pub fn encode<C: Code>(
        &self,
        x: &[f32],
        layout: GroupLayout,
        outer: &[OuterScale],
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        self.encode_any(x, layout, outer, C::any_mut(codes), scales)
    }

    /// Whatever the integer: compiled here, and not anew in every crate that encodes.
    fn encode_any(
        &self,
        x: &[f32],
        layout: GroupLayout,
        outer: &[OuterScale],
        codes: AnyCodesMut<'_>,
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        each_code!(AnyCodesMut, codes, codes => self.encode_of(x, layout, outer, codes, scales))
    }

    fn encode_of<C: Code>(
        &self,
        x: &[f32],
        layout: GroupLayout,
        outer: &[OuterScale],
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        check_length("elements", x.len(), layout.elements())?;
        check_length("scales", scales.len(), layout.groups(&self.format))?;
        check_length("outer scales", outer.len(), layout.outer_scales(&self.format))?;
        check_codes::<C>(self.format.element(), x.len(), codes.len())?;
        if x.is_empty() {
            return Ok(());
        }
        if self.format.coupled() > 1 {
            self.encode_runs(x, layout, outer, codes, scales)
        } else if layout.behind == 1 {
            self.encode_rows(x, layout, outer, codes, scales)
        } else {
            self.encode_columns(x, layout, outer, codes, scales)
        }
    }

    /// A block by the specification, its element `i` at `x[i * step]`, and in the whole tensor at `first + i * step`.
    pub(super) fn specification<C: Code>(
        &self,
        x: &[f32],
        step: usize,
        first: usize,
        outer: Option<&OuterScale>,
        codes: &mut [C],
    ) -> Result<BlockScale, ConvertError> {
        let block: Vec<f32> = x.iter().step_by(step).copied().collect();
        let mut found = vec![0; block.len()];
        let random = |i: usize| philox::bits(self.seed, (first + i * step) as u64);
        let scale = self
            .format
            .encode_block(&block, outer, &self.policy, random, &mut found)
            .map_err(|source| ConvertError::Group { first, source })?;
        for (code, found) in codes.iter_mut().step_by(step).zip(found) {
            *code = C::from_u32(found);
        }
        Ok(scale)
    }
}

/// The magnitude of a finite value; 0 for others.
#[inline(always)]
fn finite(bits: u32) -> u32 {
    let magnitude = bits & crate::convert::lane::MAGNITUDE;
    if magnitude < INFINITY { magnitude } else { 0 }
}

pub(super) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), ConvertError> {
    if found == expected { Ok(()) } else { Err(ConvertError::Layout { what, found, expected }) }
}
