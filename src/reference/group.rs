//! A whole tensor in groups, element by element.

use fewbit_formats::{BlockScale, GroupError, GroupFormat, GroupPolicy, OuterScale, Span, philox};

use crate::layout::GroupLayout;

/// Codes, scales and outer scales of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// One code per element.
    pub codes: Vec<u32>,
    /// One per group, in the order that [`GroupLayout`] describes.
    pub scales: Vec<BlockScale>,
    /// One per tensor or per span of groups; empty where the format has none.
    pub outer: Vec<OuterScale>,
}

/// The place in memory of each element of a group, and the places of its scale and of its outer scale.
struct Group {
    elements: Vec<usize>,
    scale: usize,
    outer: usize,
}

/// Every group, one row along the axis after the other.
fn groups(format: &GroupFormat, layout: GroupLayout) -> Vec<Group> {
    let GroupLayout { before, length, behind } = layout;
    let row_groups = length.div_ceil(format.size());
    let mut groups = Vec::new();
    for row in 0..before {
        for column in 0..behind {
            for group in 0..row_groups {
                let start = group * format.size();
                let end = (start + format.size()).min(length);
                let outer = match format.scale().outer.map(|outer| outer.span) {
                    None | Some(Span::Tensor) => 0,
                    Some(Span::Groups(count)) => {
                        let count = count as usize;
                        (row * row_groups.div_ceil(count) + group / count) * behind + column
                    }
                };
                groups.push(Group {
                    elements: (start..end).map(|i| (row * length + i) * behind + column).collect(),
                    scale: (row * row_groups + group) * behind + column,
                    outer,
                });
            }
        }
    }
    groups
}

/// The groups of `x`: outer scales from its largest finite magnitudes, then each block by itself. An element's random
/// bits are those of its index.
///
/// # Errors
/// A block that the policy refuses.
///
/// # Panics
/// Fewer values than the layout has.
///
/// ```
/// use fewbit::layout::GroupLayout;
/// use fewbit::formats::{GroupFormat, PolicyPreset};
/// use fewbit::reference::group;
/// let policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&GroupFormat::MXFP4);
/// // Two groups of two elements, in columns.
/// let layout = GroupLayout { before: 1, length: 2, behind: 2 };
/// let groups = group::encode(&GroupFormat::MXFP4, &policy, &[4.0, 64.0, 1.0, 8.0], layout, 0)?;
/// assert_eq!(groups.scales.iter().map(|scale| scale.value).collect::<Vec<_>>(), [1.0, 16.0]);
/// assert_eq!(groups.codes, [0b0110, 0b0110, 0b0010, 0b0001]); // 4, 4, 1, 0.5
/// # Ok::<(), fewbit::formats::GroupError>(())
/// ```
pub fn encode(
    format: &GroupFormat,
    policy: &GroupPolicy,
    x: &[f32],
    layout: GroupLayout,
    seed: u64,
) -> Result<Groups, GroupError> {
    let groups = groups(format, layout);
    let mut largest = vec![0f32; layout.outer_scales(format)];
    for group in &groups {
        for &element in &group.elements {
            let magnitude = format.outer_magnitude(x[element], policy);
            if let Some(largest) = largest.get_mut(group.outer)
                && (magnitude.is_nan() || magnitude > *largest)
            {
                *largest = magnitude;
            }
        }
    }
    let mut outer = Vec::new();
    for amax in largest {
        outer.extend(format.outer_scale(amax, policy)?);
    }
    let mut codes = vec![0; x.len()];
    let mut scales = vec![BlockScale::default(); layout.groups(format)];
    // Runs of groups whose scales are coupled, none of them beyond the end of a row; of one group where they are not.
    let row_groups = layout.length.div_ceil(format.size());
    for run in groups.chunks(row_groups.max(1)).flat_map(|row| row.chunks(format.coupled())) {
        let elements: Vec<usize> = run.iter().flat_map(|group| &group.elements).copied().collect();
        let block: Vec<f32> = elements.iter().map(|&element| x[element]).collect();
        let mut found = vec![0; block.len()];
        let mut found_scales = vec![BlockScale::default(); run.len()];
        let random = |i: usize| philox::bits(seed, elements[i] as u64);
        let outer = outer.get(run[0].outer);
        format.encode_run(&block, outer, policy, random, &mut found, &mut found_scales)?;
        for (&element, code) in elements.iter().zip(found) {
            codes[element] = code;
        }
        for (group, scale) in run.iter().zip(found_scales) {
            scales[group.scale] = scale;
        }
    }
    Ok(Groups { codes, scales, outer })
}

/// The values of groups.
///
/// # Panics
/// Fewer codes or scales than the layout has.
#[must_use]
pub fn decode(
    format: &GroupFormat,
    codes: &[u32],
    layout: GroupLayout,
    scales: &[BlockScale],
) -> Vec<f32> {
    let mut values = vec![0.0; codes.len()];
    for group in groups(format, layout) {
        for element in group.elements {
            values[element] = format.decode_element(codes[element], &scales[group.scale]);
        }
    }
    values
}
