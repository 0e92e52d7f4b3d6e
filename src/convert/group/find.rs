//! The scales of many blocks and what their values are divided by: at once where the plan can, else one by one.

use fewbit_formats::{BlockScale, GroupError, OuterScale};

use super::encode::GroupEncoder;
use super::extent::Extent;
use super::factors::EachFactors;
use super::quotient::BlockQuotient;

impl GroupEncoder {
    /// Finds those of at most [`AT_ONCE`](super::scale_lanes::AT_ONCE) blocks that reach so far; `outer` gives each block's
    /// outer scale. `aside` gets the blocks that the specification must encode.
    ///
    /// # Errors
    /// The first block whose scale is refused.
    pub(super) fn find_factors<'o, Q: BlockQuotient>(
        &self,
        of: &Q,
        extents: &[Q::Extent],
        outer: impl Fn(usize) -> Option<&'o OuterScale>,
        scales: &mut [BlockScale],
        factors: &mut EachFactors,
        aside: &mut Vec<usize>,
    ) -> Result<(), (usize, GroupError)> {
        let (plan, format, policy) = (&self.plan, &self.format, &self.policy);
        if plan.scales(of, extents, &outer, self.isa, (format, policy), scales) {
            plan.all_factors(extents, self.isa, format, scales, factors, aside);
            return Ok(());
        }
        for (block, (&extent, to)) in extents.iter().zip(scales).enumerate() {
            let found =
                extent.is_finite().then(|| plan.scale(extent, outer(block), format, policy));
            let found = found.transpose().map_err(|source| (block, source))?;
            match found.filter(|(_, own)| plan.divides(extent, *own)) {
                Some((scale, own)) => {
                    *to = scale;
                    factors.set(block, own);
                }
                None => {
                    factors.set_aside(block);
                    aside.push(block);
                }
            }
        }
        Ok(())
    }
}
