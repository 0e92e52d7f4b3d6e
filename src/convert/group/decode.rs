//! Groups to values.

use fewbit_formats::{BlockScale, Format, GroupFormat, GroupZeroPoint};

use super::encode::{TASK, check_length};
use crate::convert::code::{AnyCodes, Code, each_code};
use crate::convert::decode::Decoder;
use crate::convert::encode::check_codes;
use crate::convert::error::ConvertError;
use crate::layout::GroupLayout;
use crate::simd::{Detected, Isa, IsaError, Vectorized};
use crate::tasks;

/// Decodes tensors of one group format.
///
/// Values are those of [`GroupFormat::decode_element`], on every instruction set and any number of threads. Runs on
/// rayon's current pool.
///
/// ```
/// use fewbit::convert::{GroupDecoder, GroupLayout};
/// use fewbit::formats::GroupFormat;
///
/// let scales = [GroupFormat::MXFP4.scale_of_code(128, 0, None)]; // 2
/// let layout = GroupLayout { before: 1, length: 3, behind: 1 };
/// let mut values = [0.0; 3];
/// GroupDecoder::new(GroupFormat::MXFP4).decode(&[0b0111u8, 0b1100, 0b0001], layout, &scales, &mut values)?;
/// assert_eq!(values, [12.0, -4.0, 1.0]);
/// # Ok::<(), fewbit::convert::ConvertError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GroupDecoder {
    format: GroupFormat,
    isa: Detected,
    element: Decoder,
}

impl GroupDecoder {
    /// A decoder with the widest instruction set of this CPU.
    #[must_use]
    pub fn new(format: GroupFormat) -> Self {
        Self { format, isa: Detected::best(), element: Decoder::new(format.element()) }
    }

    /// With another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        Ok(Self { isa: isa.detect()?, element: self.element.with_isa(isa)?, ..self })
    }

    /// The format of the groups.
    #[must_use]
    pub fn format(&self) -> &GroupFormat {
        &self.format
    }

    /// Decodes a tensor.
    ///
    /// # Errors
    /// Slices that are not the layout's; codes too narrow for the elements.
    pub fn decode<C: Code>(
        &self,
        codes: &[C],
        layout: GroupLayout,
        scales: &[BlockScale],
        values: &mut [f32],
    ) -> Result<(), ConvertError> {
        self.decode_any(C::any(codes), layout, scales, values)
    }

    /// Whatever the integer: compiled here, and not anew in every crate that decodes.
    fn decode_any(
        &self,
        codes: AnyCodes<'_>,
        layout: GroupLayout,
        scales: &[BlockScale],
        values: &mut [f32],
    ) -> Result<(), ConvertError> {
        each_code!(AnyCodes, codes, codes => self.decode_of(codes, layout, scales, values))
    }

    fn decode_of<C: Code>(
        &self,
        codes: &[C],
        layout: GroupLayout,
        scales: &[BlockScale],
        values: &mut [f32],
    ) -> Result<(), ConvertError> {
        check_length("codes", codes.len(), layout.elements())?;
        check_length("scales", scales.len(), layout.groups(&self.format))?;
        check_codes::<C>(self.format.element(), codes.len(), values.len())?;
        if codes.is_empty() {
            return Ok(());
        }
        let size = self.format.size();
        let row = layout.length * layout.behind;
        let groups = layout.row_groups(&self.format) * layout.behind;
        // Whole rows where they are short, panels of whole groups where they are long.
        let panel = size.saturating_mul(layout.behind);
        let (row, groups, task, task_scales) = if row < TASK {
            let rows = TASK / row;
            (rows * row, rows * groups, rows * row, rows * groups)
        } else {
            let panels = (TASK / panel).max(1);
            (row, groups, panels * panel, panels * layout.behind)
        };
        let rows = codes.chunks(row).zip(values.chunks_mut(row)).zip(scales.chunks(groups));
        let parts = rows.flat_map(|((codes, values), scales)| {
            codes.chunks(task).zip(values.chunks_mut(task)).zip(scales.chunks(task_scales))
        });
        tasks::try_for_each(parts, |((codes, values), scales)| {
            self.part(codes, layout, scales, values)
        })
    }

    /// Decodes whole rows, or a part of one, on this thread.
    fn part<C: Code>(
        &self,
        codes: &[C],
        layout: GroupLayout,
        scales: &[BlockScale],
        values: &mut [f32],
    ) -> Result<(), ConvertError> {
        /// Elements that are scaled while they are in the first-level cache.
        const TILE: usize = 1 << 12;
        let GroupLayout { length, behind, .. } = layout;
        let (row, panel) = (length * behind, self.format.size().saturating_mul(behind));
        let zero_points = self.zero_points();
        let mut scales = scales;
        for (codes, values) in codes.chunks(row).zip(values.chunks_mut(row)) {
            let tile = (TILE / panel).max(1) * panel;
            for (codes, values) in codes.chunks(tile).zip(values.chunks_mut(tile)) {
                self.element.decode(codes, values)?;
                let (these, rest) = scales.split_at(values.len().div_ceil(panel) * behind);
                self.isa.vectorize(Multiply { values, panel, behind, scales: these, zero_points });
                scales = rest;
            }
        }
        Ok(())
    }

    /// From the code of a zero point to its number.
    fn zero_points(&self) -> Option<ZeroPoints> {
        match (self.format.zero_point(), self.format.element()) {
            (GroupZeroPoint::Code, Format::Int(int)) => {
                Some(ZeroPoints { unused: 32 - int.bits(), signed: int.is_signed() })
            }
            _ => None,
        }
    }
}

/// The numbers that the codes of zero points stand for.
#[derive(Clone, Copy)]
struct ZeroPoints {
    unused: u32,
    signed: bool,
}

impl ZeroPoints {
    #[inline(always)]
    fn number(self, code: u32) -> f32 {
        let aligned = code << self.unused;
        if self.signed {
            (aligned as i32 >> self.unused) as f32
        } else {
            (aligned >> self.unused) as f32
        }
    }
}

/// Scales decoded elements in place.
struct Multiply<'a> {
    values: &'a mut [f32],
    panel: usize,
    behind: usize,
    scales: &'a [BlockScale],
    zero_points: Option<ZeroPoints>,
}

impl Vectorized for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { values, panel, behind, scales, zero_points } = self;
        for (panel, scales) in values.chunks_mut(panel).zip(scales.chunks(behind)) {
            match (zero_points, scales) {
                (None, [scale]) => {
                    for value in panel {
                        *value *= scale.value;
                    }
                }
                (Some(zero_points), [scale]) => {
                    let zero = zero_points.number(scale.zero_point);
                    for value in panel {
                        *value = (*value - zero) * scale.value;
                    }
                }
                (None, _) => {
                    for row in panel.chunks_mut(behind) {
                        for (value, scale) in row.iter_mut().zip(scales) {
                            *value *= scale.value;
                        }
                    }
                }
                (Some(zero_points), _) => {
                    for row in panel.chunks_mut(behind) {
                        for (value, scale) in row.iter_mut().zip(scales) {
                            *value = (*value - zero_points.number(scale.zero_point)) * scale.value;
                        }
                    }
                }
            }
        }
    }
}
