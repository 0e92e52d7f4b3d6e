//! Groups that share a scale.

use std::ffi::{c_char, c_void};

use fewbit::convert::{Code, GroupDecoder, GroupEncoder, GroupLayout};
use fewbit::formats::{BlockScale, GroupFormat, GroupPolicy, OuterScale, PolicyPreset, Span};

use crate::arrays::of_codes;
use crate::handle::{self, handles};
use crate::memory::{self, FewbitType, apart};
use crate::status::{Failure, OrValue, Outcome, answer, done};
use crate::text;
use crate::threads::{FewbitThreads, on};

/// A format of groups and the policy that they are made under. It never changes: any number of threads may use one.
pub struct FewbitGroup {
    _opaque: [u8; 0],
}

/// A format of groups and a policy.
pub(crate) struct Group {
    format: GroupFormat,
    policy: GroupPolicy,
}

handles! {
    FewbitGroup(Group) = "group format", b"fb:group";
}

/// An array seen along the axis that groups lie on: `before` rows of `length` elements, neighbours `behind` elements apart.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FewbitGroupLayout {
    /// Product of the sizes of the axes before; 1 where there are none.
    pub before: usize,
    /// Elements of the axis.
    pub length: usize,
    /// Product of the sizes of the axes behind; 1 for the last axis.
    pub behind: usize,
}

impl FewbitGroupLayout {
    /// # Safety
    /// `pointer` is null or can be read.
    unsafe fn read(pointer: *const Self) -> Outcome<GroupLayout> {
        // SAFETY: the caller vouches for it.
        let found = unsafe { memory::input(pointer, 1, "layout") }?;
        let Some(&Self { before, length, behind }) = found.first() else {
            return Err(Failure::length("no layout"));
        };
        let elements = before.checked_mul(length).and_then(|n| n.checked_mul(behind));
        if elements.is_none_or(|n| n > isize::MAX as usize) {
            return Err(Failure::length(format!(
                "{before}x{length}x{behind} elements are more than memory can hold"
            )));
        }
        Ok(GroupLayout { before, length, behind })
    }
}

/// A format of groups by its name (`mxfp8e4m3`, `mxfp4`, `nvfp4`, `mx(int4,e8m0fnu,64)`, ...), under the policy of a stack
/// (`ocp-1.0`, `torchao-0.13-rceil`, ...). Null where there is none of these names.
///
/// # Safety
/// `name` and `preset` are null or end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_group_new(
    name: *const c_char,
    preset: *const c_char,
) -> *mut FewbitGroup {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let (name, preset) = unsafe {
            (text::read(name, "name of a group format")?, text::read(preset, "name of a preset")?)
        };
        let format: GroupFormat = name.parse().map_err(Failure::name)?;
        let preset: PolicyPreset = preset.parse().map_err(Failure::name)?;
        let policy = preset.group_policy(&format);
        policy.check().or_value()?;
        Ok(handle::make(Group { format, policy }))
    })
}

/// Frees a format of groups; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_group_free(group: *mut FewbitGroup) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(group) });
}

/// How many elements share a scale; 0 for a wrong handle.
///
/// # Safety
/// `group` is null or a format of groups.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_group_size(group: *const FewbitGroup) -> u32 {
    // SAFETY: the caller vouches for it.
    answer(0, || Ok(unsafe { handle::get(group) }?.format.size() as u32))
}

/// How many scales and scales of scales an array of this layout has.
///
/// # Safety
/// `group` is null or a format of groups; `layout` is null or can be read, the others can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_group_scales(
    group: *const FewbitGroup,
    layout: *const FewbitGroupLayout,
    scales: *mut usize,
    outer_scales: *mut usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let (group, layout) = (handle::get(group)?, FewbitGroupLayout::read(layout)?);
            memory::put(scales, layout.groups(&group.format), "scales")?;
            memory::put(outer_scales, layout.outer_scales(&group.format), "outer_scales")
        }
    })
}

/// Encodes an array of floats in groups: the codes of its elements, of its scales, of the zero points (null where the format has
/// none) and of the scales above those (null where it has none), as many as `fewbit_group_scales` says.
///
/// After an error what the arrays hold is not defined.
///
/// # Safety
/// The handles are null or of their kinds; the arrays are null or have the elements that the layout says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_group_encode(
    group: *const FewbitGroup,
    seed: u64,
    x: *const f32,
    layout: *const FewbitGroupLayout,
    codes: *mut c_void,
    code_type: u32,
    scales: *mut u32,
    zero_points: *mut u32,
    outer_scales: *mut u32,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it; what is written overlaps nothing that is read.
        unsafe {
            let (group, layout) = (handle::get(group)?, FewbitGroupLayout::read(layout)?);
            let threads = handle::get_optional(threads)?;
            let n = layout.elements();
            let values = memory::input(x, n, "values")?;
            let scale_room = memory::output(scales, layout.groups(&group.format), "scales")?;
            let zeros = if zero_points.is_null() {
                None
            } else {
                Some(memory::output(zero_points, layout.groups(&group.format), "zero_points")?)
            };
            let outer_count = layout.outer_scales(&group.format);
            let outer_room = memory::output(outer_scales, outer_count, "outer_scales")?;
            of_codes!(FewbitType::of(code_type)?, "codes", C => {
                let codes = codes.cast::<C>();
                apart((x, n), (codes.cast_const(), n), "codes")?;
                apart((x, n), (scales.cast_const(), scale_room.len()), "scales")?;
                let code_room = memory::output(codes, n, "codes")?;
                let encoder = GroupEncoder::new(group.format, group.policy).or_value()?.with_seed(seed);
                let (blocks, outer) = on(threads, || encode(&encoder, values, layout, code_room))?;
                for (to, block) in scale_room.iter_mut().zip(&blocks) {
                    *to = block.code;
                }
                for (to, block) in zeros.into_iter().flatten().zip(&blocks) {
                    *to = block.zero_point;
                }
                for (to, outer) in outer_room.iter_mut().zip(&outer) {
                    *to = outer.code;
                }
                Ok(())
            })
        }
    })
}

fn encode<C: Code>(
    encoder: &GroupEncoder,
    x: &[f32],
    layout: GroupLayout,
    codes: &mut [C],
) -> Outcome<(Vec<BlockScale>, Vec<OuterScale>)> {
    let outer = encoder.outer(x, layout).or_value()?;
    let mut blocks = vec![BlockScale::default(); layout.groups(encoder.format())];
    encoder.encode(x, layout, &outer, codes, &mut blocks).or_value()?;
    Ok((blocks, outer))
}

/// Decodes an array of groups to floats; the arrays are those of `fewbit_group_encode`.
///
/// # Safety
/// As `fewbit_group_encode`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_group_decode(
    group: *const FewbitGroup,
    codes: *const c_void,
    code_type: u32,
    layout: *const FewbitGroupLayout,
    scales: *const u32,
    zero_points: *const u32,
    outer_scales: *const u32,
    x: *mut f32,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it; what is written overlaps nothing that is read.
        unsafe {
            let (group, layout) = (handle::get(group)?, FewbitGroupLayout::read(layout)?);
            let threads = handle::get_optional(threads)?;
            let (n, groups) = (layout.elements(), layout.groups(&group.format));
            let scales = memory::input(scales, groups, "scales")?;
            let zeros = if zero_points.is_null() {
                &[]
            } else {
                memory::input(zero_points, groups, "zero_points")?
            };
            let outer =
                memory::input(outer_scales, layout.outer_scales(&group.format), "outer_scales")?;
            let blocks = blocks(&group.format, layout, (scales, zeros, outer))?;
            of_codes!(FewbitType::of(code_type)?, "codes", C => {
                let codes = codes.cast::<C>();
                apart((codes, n), (x.cast_const(), n), "x")?;
                let codes = memory::input(codes, n, "codes")?;
                let x = memory::output(x, n, "x")?;
                let decoder = GroupDecoder::new(group.format);
                on(threads, || decoder.decode(codes, layout, &blocks, x).or_value())
            })
        }
    })
}

/// What every block's elements share, from codes.
fn blocks(
    format: &GroupFormat,
    layout: GroupLayout,
    (scales, zeros, outer): (&[u32], &[u32], &[u32]),
) -> Outcome<Vec<BlockScale>> {
    let outer: Vec<OuterScale> = outer
        .iter()
        .map(|&code| {
            format.outer_of_code(code).ok_or_else(|| {
                Failure::value(format!("outer scale {code:#x}: {format} has no such code"))
            })
        })
        .collect::<Outcome<_>>()?;
    let row_groups = layout.row_groups(format);
    // As many groups of a row as share an outer scale; all of the array's where the whole tensor does.
    let shared = match format.scale().outer.map(|outer| outer.span) {
        Some(Span::Groups(count)) => Some(count as usize),
        _ => None,
    };
    let behind = layout.behind.max(1);
    let of = |index: usize| {
        let (column, rest) = (index % behind, index / behind);
        let (group, row) = (rest % row_groups.max(1), rest / row_groups.max(1));
        let place = shared.map_or(0, |count| {
            (row * row_groups.div_ceil(count) + group / count) * behind + column
        });
        outer.get(place)
    };
    let bits = format.scale().format.code_count();
    let block = |(index, &code): (usize, &u32)| {
        if u64::from(code) >= bits {
            return Err(Failure::value(format!(
                "scale {index} is {code:#x}: {format} has no such code"
            )));
        }
        let zero = zeros.get(index).copied().unwrap_or(0);
        Ok(format.scale_of_code(code, zero, of(index)))
    };
    scales.iter().enumerate().map(block).collect()
}
