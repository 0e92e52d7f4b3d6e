//! Codes of fewer than eight bits, without gaps.
//!
//! Eight codes of `b` bits become `b` bytes: neighbours are joined to pairs, pairs to fours, fours to eight, in a 64-bit
//! word. The last codes of a slice are filled up with zeros and go the same way.

use super::ConvertError;
use super::pack_order::PackOrder;
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// Bytes that `codes` codes of `bits` bits take: `ceil(codes * bits / 8)`.
#[must_use]
pub fn packed_len(codes: usize, bits: u32) -> usize {
    let bits = bits as usize;
    // Without a product that could wrap.
    codes / 8 * bits + (codes % 8 * bits).div_ceil(8)
}

/// Packs the low `bits` bits of every code; unused bits of the last byte are 0.
///
/// # Errors
/// A width outside 1 to 8; a number of bytes other than [`packed_len`].
///
/// ```
/// use fewbit::convert::{PackOrder, pack};
/// let mut bytes = [0; 2];
/// pack(&[0x1, 0x2, 0x3], 4, PackOrder::LowFirst, &mut bytes)?;
/// assert_eq!(bytes, [0x21, 0x03]);
/// pack(&[0x1, 0x2, 0x3], 4, PackOrder::HighFirst, &mut bytes)?;
/// assert_eq!(bytes, [0x12, 0x30]);
/// # Ok::<(), fewbit::convert::ConvertError>(())
/// ```
pub fn pack(
    codes: &[u8],
    bits: u32,
    order: PackOrder,
    bytes: &mut [u8],
) -> Result<(), ConvertError> {
    check(codes.len(), bits, order, bytes.len())?;
    let parts = codes.chunks(8 * GROUPS).zip(bytes.chunks_mut(bits as usize * GROUPS));
    let isa = Detected::best();
    tasks::for_each(parts, |(codes, bytes)| match bits {
        1 => isa.vectorize(Pack::<1> { codes, bytes, order }),
        2 => isa.vectorize(Pack::<2> { codes, bytes, order }),
        3 => isa.vectorize(Pack::<3> { codes, bytes, order }),
        4 => isa.vectorize(Pack::<4> { codes, bytes, order }),
        5 => isa.vectorize(Pack::<5> { codes, bytes, order }),
        6 => isa.vectorize(Pack::<6> { codes, bytes, order }),
        7 => isa.vectorize(Pack::<7> { codes, bytes, order }),
        _ => bytes.copy_from_slice(codes),
    });
    Ok(())
}

/// Unpacks codes of `bits` bits; the inverse of [`pack`].
///
/// # Errors
/// As [`pack`].
pub fn unpack(
    bytes: &[u8],
    bits: u32,
    order: PackOrder,
    codes: &mut [u8],
) -> Result<(), ConvertError> {
    check(codes.len(), bits, order, bytes.len())?;
    let parts = bytes.chunks(bits as usize * GROUPS).zip(codes.chunks_mut(8 * GROUPS));
    let isa = Detected::best();
    tasks::for_each(parts, |(bytes, codes)| match bits {
        1 => isa.vectorize(Unpack::<1> { bytes, codes, order }),
        2 => isa.vectorize(Unpack::<2> { bytes, codes, order }),
        3 => isa.vectorize(Unpack::<3> { bytes, codes, order }),
        4 => isa.vectorize(Unpack::<4> { bytes, codes, order }),
        5 => isa.vectorize(Unpack::<5> { bytes, codes, order }),
        6 => isa.vectorize(Unpack::<6> { bytes, codes, order }),
        7 => isa.vectorize(Unpack::<7> { bytes, codes, order }),
        _ => codes.copy_from_slice(bytes),
    });
    Ok(())
}

/// Groups of eight codes in one task.
const GROUPS: usize = 1 << 12;

fn check(codes: usize, bits: u32, order: PackOrder, found: usize) -> Result<(), ConvertError> {
    if !(1..=8).contains(&bits) {
        return Err(ConvertError::PackWidth { bits });
    }
    let expected = packed_len(codes, bits);
    if found != expected {
        return Err(ConvertError::PackedLength { codes, bits, order, found, expected });
    }
    Ok(())
}

/// The low halves of 16, 32 and 64 bits.
const HALVES: [u64; 3] = [0x00ff_00ff_00ff_00ff, 0x0000_ffff_0000_ffff, 0x0000_0000_ffff_ffff];

struct Pack<'a, const B: usize> {
    codes: &'a [u8],
    bytes: &'a mut [u8],
    order: PackOrder,
}

impl<const B: usize> Vectorized for Pack<'_, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { codes, bytes, order } = self;
        let (eights, codes_left) = codes.as_chunks::<8>();
        let (groups, bytes_left) = bytes.split_at_mut(eights.len() * B);
        let (groups, _) = groups.as_chunks_mut::<B>();
        match order {
            PackOrder::LowFirst => {
                eights.iter().zip(groups).for_each(|(codes, bytes)| *bytes = low_first(codes));
            }
            PackOrder::HighFirst => {
                eights.iter().zip(groups).for_each(|(codes, bytes)| *bytes = high_first(codes));
            }
        }
        let mut codes = [0; 8];
        codes[..codes_left.len()].copy_from_slice(codes_left);
        let packed: [u8; B] = match order {
            PackOrder::LowFirst => low_first(&codes),
            PackOrder::HighFirst => high_first(&codes),
        };
        bytes_left.copy_from_slice(&packed[..bytes_left.len()]);
    }
}

/// Joins the eight bytes of a word, the lowest byte's bits lowest.
#[inline(always)]
fn join<const B: usize>(codes: u64) -> u64 {
    let mut word = codes & (0x0101_0101_0101_0101 * ((1 << B) - 1));
    for (step, low) in HALVES.into_iter().enumerate() {
        word = word & low | (word >> (8 << step) & low) << (B << step);
    }
    word
}

#[inline(always)]
fn low_first<const B: usize>(codes: &[u8; 8]) -> [u8; B] {
    let word = join::<B>(u64::from_le_bytes(*codes)).to_le_bytes();
    std::array::from_fn(|i| word[i])
}

#[inline(always)]
fn high_first<const B: usize>(codes: &[u8; 8]) -> [u8; B] {
    let word = join::<B>(u64::from_be_bytes(*codes)).to_be_bytes();
    std::array::from_fn(|i| word[8 - B + i])
}

struct Unpack<'a, const B: usize> {
    bytes: &'a [u8],
    codes: &'a mut [u8],
    order: PackOrder,
}

impl<const B: usize> Vectorized for Unpack<'_, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { bytes, codes, order } = self;
        let (eights, codes_left) = codes.as_chunks_mut::<8>();
        let (groups, bytes_left) = bytes.split_at(eights.len() * B);
        let (groups, _) = groups.as_chunks::<B>();
        match order {
            PackOrder::LowFirst => {
                groups.iter().zip(eights).for_each(|(bytes, codes)| *codes = from_low(bytes));
            }
            PackOrder::HighFirst => {
                groups.iter().zip(eights).for_each(|(bytes, codes)| *codes = from_high(bytes));
            }
        }
        let mut bytes = [0; B];
        bytes[..bytes_left.len()].copy_from_slice(bytes_left);
        let unpacked = match order {
            PackOrder::LowFirst => from_low(&bytes),
            PackOrder::HighFirst => from_high(&bytes),
        };
        codes_left.copy_from_slice(&unpacked[..codes_left.len()]);
    }
}

/// Parts a word of eight codes into bytes: [`join`] backwards.
#[inline(always)]
fn part<const B: usize>(mut word: u64) -> u64 {
    for (step, low) in HALVES.into_iter().enumerate().rev() {
        // What lies above `B << step` bits of each half belongs to the half above.
        let ones = low / ((1 << (8 << step)) - 1);
        let kept = ones * ((1 << (B << step)) - 1);
        let upper = word >> (B << step) & kept;
        word = word & kept | upper << (8 << step);
    }
    word
}

#[inline(always)]
fn from_low<const B: usize>(bytes: &[u8; B]) -> [u8; 8] {
    let mut word = [0; 8];
    word[..B].copy_from_slice(bytes);
    part::<B>(u64::from_le_bytes(word)).to_le_bytes()
}

#[inline(always)]
fn from_high<const B: usize>(bytes: &[u8; B]) -> [u8; 8] {
    let mut word = [0; 8];
    word[8 - B..].copy_from_slice(bytes);
    part::<B>(u64::from_be_bytes(word)).to_be_bytes()
}
