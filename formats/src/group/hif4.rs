//! HiF4 as bytes: 64 elements with their scales in 36 bytes.
//!
//! ```text
//! byte 0        the ue6m2 scale of all
//! byte 1        the exponent bits of 8 elements each, the first of them in the lowest bit
//! bytes 2, 3    the exponent bits of 4 elements each, likewise, the lower byte first
//! bytes 4..36   the elements, two in a byte, the first of them in the lower half
//! ```
//!
//! The paper says which bits a unit has; the order of the bytes is this project's. An element's scale is
//! `scale * 2^(bit of its eight) * 2^(bit of its four)`.

use super::error::GroupError;
use super::format::GroupFormat;

/// Elements of a unit.
pub const HIF4_ELEMENTS: usize = 64;
/// Bytes of a unit.
pub const HIF4_BYTES: usize = 36;

impl GroupFormat {
    /// A unit of [`GroupFormat::HIF4`] as bytes, from the codes of its elements, of its 16 block scales and of its outer
    /// scale. Fours whose scales are the same are said by their own bits wherever the bits of their eight allow.
    ///
    /// ```
    /// use fewbit_formats::GroupFormat;
    /// let mut scales = [0; 16];
    /// scales[..3].copy_from_slice(&[2, 1, 1]); // 4 and 2 of one eight, 2 of the next
    /// let bytes = GroupFormat::pack_hif4(&[0b0_1_11; 64], &scales, 0xc0)?;
    /// assert_eq!(bytes[..4], [0xc0, 0b01, 0b0101, 0]);
    /// assert_eq!(GroupFormat::unpack_hif4(&bytes), ([0b0_1_11; 64], scales, 0xc0));
    /// # Ok::<(), fewbit_formats::GroupError>(())
    /// ```
    ///
    /// # Errors
    /// The scales of an eight that are NaN or more than one power of two apart.
    pub fn pack_hif4(
        codes: &[u32; HIF4_ELEMENTS],
        scales: &[u32; 16],
        outer: u32,
    ) -> Result<[u8; HIF4_BYTES], GroupError> {
        let mut bytes = [0; HIF4_BYTES];
        bytes[0] = outer as u8;
        let (mut eights, mut fours) = (0u8, 0u16);
        for (eight, pair) in scales.as_chunks::<2>().0.iter().enumerate() {
            let [low, high] =
                if pair[0] < pair[1] { [pair[0], pair[1]] } else { [pair[1], pair[0]] };
            if high > 2 || high - low > 1 {
                return Err(GroupError::Uncoupled { eight, scales: *pair });
            }
            let shared = u32::from(high == 2);
            eights |= (shared as u8) << eight;
            for (four, scale) in pair.iter().enumerate() {
                fours |= ((scale - shared) as u16) << (2 * eight + four);
            }
        }
        bytes[1] = eights;
        bytes[2..4].copy_from_slice(&fours.to_le_bytes());
        for (byte, pair) in bytes[4..].iter_mut().zip(codes.as_chunks::<2>().0) {
            *byte = (pair[0] & 15 | (pair[1] & 15) << 4) as u8;
        }
        Ok(bytes)
    }

    /// The codes of the elements of a unit of [`GroupFormat::HIF4`], of its block scales and of its outer scale. Any 36
    /// bytes are a unit.
    #[must_use]
    pub fn unpack_hif4(bytes: &[u8; HIF4_BYTES]) -> ([u32; HIF4_ELEMENTS], [u32; 16], u32) {
        let fours = u16::from_le_bytes([bytes[2], bytes[3]]);
        let scales = core::array::from_fn(|four| {
            u32::from(bytes[1] >> (four / 2) & 1) + u32::from(fours >> four & 1)
        });
        let codes = core::array::from_fn(|i| u32::from(bytes[4 + i / 2] >> (4 * (i % 2)) & 15));
        (codes, scales, bytes[0].into())
    }
}
