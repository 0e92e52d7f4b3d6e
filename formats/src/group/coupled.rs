//! Groups whose scales are coupled: encoded together, as a run.

use super::error::GroupError;
use super::format::GroupFormat;
use super::outer::OuterScale;
use super::policy::GroupPolicy;
use super::scale::BlockScale;

impl GroupFormat {
    /// Scales and codes of a run of at most [`coupled`](Self::coupled) consecutive blocks, of which the last one may be
    /// shorter, under one outer scale; one scale per block. `random` gives the random bits of an element by its index
    /// within the run. In a format whose scales are not coupled a run is one block.
    ///
    /// ```text
    /// scale of a block   that of the block by itself, at least half of the largest one in the run
    /// ```
    ///
    /// ```
    /// use fewbit_formats::{BlockScale, GroupFormat, PolicyPreset};
    /// let hif4 = GroupFormat::HIF4;
    /// let policy = "hifloat4".parse::<PolicyPreset>().unwrap().group_policy(&hif4);
    /// let x = [7.0, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0];
    /// let outer = hif4.outer_scale(7.0, &policy)?;
    /// let (mut codes, mut scales) = ([0; 8], [BlockScale::default(); 2]);
    /// hif4.encode_run(&x, outer.as_ref(), &policy, |_| 0, &mut codes, &mut scales)?;
    /// // 7 = 1.75 * 4; by itself 0.6 would be half of 1, but the eight elements have the exponent bit set.
    /// assert_eq!(scales.map(|scale| scale.value), [4.0, 2.0]);
    /// assert_eq!([codes[0], codes[4]], [0b0_1_11, 0b0_0_01]);
    /// # Ok::<(), fewbit_formats::GroupError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::encode_block`]; an element's index is that within the run.
    pub fn encode_run(
        &self,
        x: &[f32],
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
        random: impl Fn(usize) -> u32,
        codes: &mut [u32],
        scales: &mut [BlockScale],
    ) -> Result<(), GroupError> {
        if x.len() != codes.len() {
            return Err(GroupError::Length { values: x.len(), codes: codes.len() });
        }
        policy.check()?;
        self.scales_of_run(x, outer, policy, scales)?;
        let blocks = x.chunks(self.size()).zip(codes.chunks_mut(self.size()));
        for (block, ((x, codes), scale)) in blocks.zip(scales).enumerate() {
            let start = block * self.size();
            self.encode_elements(x, scale, policy, |i| random(start + i), codes).map_err(
                |error| match error {
                    GroupError::Element { index, source } => {
                        GroupError::Element { index: start + index, source }
                    }
                    other => other,
                },
            )?;
        }
        Ok(())
    }

    /// The scales of a run of blocks.
    ///
    /// # Errors
    /// As [`Self::block_scale`].
    pub fn scales_of_run(
        &self,
        x: &[f32],
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
        scales: &mut [BlockScale],
    ) -> Result<(), GroupError> {
        let blocks = x.len().div_ceil(self.size());
        if scales.len() != blocks || blocks > self.coupled() {
            return Err(GroupError::Scales { blocks, scales: scales.len() });
        }
        for (x, scale) in x.chunks(self.size()).zip(scales.iter_mut()) {
            *scale = self.block_scale(x, outer, policy)?;
        }
        let format = self.scale.format;
        let is_number = |scale: &&mut BlockScale| !format.decode(scale.code).is_nan();
        // Codes of powers of two without sign are in the order of their values.
        let largest = scales.iter_mut().filter(is_number).map(|scale| scale.code).max();
        if self.coupled() > 1 {
            for scale in scales.iter_mut().filter(is_number) {
                let least = largest.unwrap_or(0).saturating_sub(1);
                if scale.code < least {
                    *scale = self.scale_of_code(least, scale.zero_point, outer);
                }
            }
        }
        Ok(())
    }
}
