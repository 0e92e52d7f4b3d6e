//! Groups whose scales are coupled: run by run, by the specification.

use fewbit_formats::{BlockScale, OuterScale, philox};

use super::encode::GroupEncoder;
use crate::convert::Code;
use crate::convert::error::ConvertError;
use crate::layout::{GroupLayout, outer_count};
use crate::tasks;

impl GroupEncoder {
    pub(super) fn encode_runs<C: Code>(
        &self,
        x: &[f32],
        layout: GroupLayout,
        outer: &[OuterScale],
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        let GroupLayout { length, behind, .. } = layout;
        let run = self.format.size().saturating_mul(self.format.coupled());
        let (row, groups) = (length * behind, layout.row_groups(&self.format) * behind);
        // All columns of a run of groups.
        let (panel, panel_scales) = (run.saturating_mul(behind), self.format.coupled() * behind);
        let row_outers = layout.row_outers(&self.format);
        let rows = x.chunks(row).zip(codes.chunks_mut(row)).zip(scales.chunks_mut(groups));
        let panels = rows.enumerate().flat_map(|(index, ((x, codes), scales))| {
            let panels =
                x.chunks(panel).zip(codes.chunks_mut(panel)).zip(scales.chunks_mut(panel_scales));
            panels.enumerate().map(move |(place, panel)| (index, place, panel))
        });
        tasks::try_for_each(panels, |(index, place, ((x, codes), scales))| {
            let first = index * row + place * panel;
            let outers = match outer_count(&self.format) {
                None => outer,
                Some(count) => {
                    let group = place * self.format.coupled();
                    &outer[(index * row_outers + group / count) * behind..][..behind]
                }
            };
            (0..behind).try_for_each(|column| {
                let outer = outers.get(column).or(outers.first());
                self.encode_run(x, behind, column, first, outer, codes, scales)
            })
        })
    }

    /// The run in one column of a panel, whose first element is element `first` of the tensor.
    #[expect(clippy::too_many_arguments, reason = "a run is a window into three slices")]
    fn encode_run<C: Code>(
        &self,
        x: &[f32],
        behind: usize,
        column: usize,
        first: usize,
        outer: Option<&OuterScale>,
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        let x: Vec<f32> = x[column..].iter().step_by(behind).copied().collect();
        let mut found = vec![0; x.len()];
        let mut found_scales = vec![BlockScale::default(); x.len().div_ceil(self.format.size())];
        let first = first + column;
        let random = |i: usize| philox::bits(self.seed, (first + i * behind) as u64);
        self.format
            .encode_run(&x, outer, &self.policy, random, &mut found, &mut found_scales)
            .map_err(|source| ConvertError::Group { first, source })?;
        for (code, found) in codes[column..].iter_mut().step_by(behind).zip(found) {
            *code = C::from_u32(found);
        }
        for (scale, found) in scales[column..].iter_mut().step_by(behind).zip(found_scales) {
            *scale = found;
        }
        Ok(())
    }
}
