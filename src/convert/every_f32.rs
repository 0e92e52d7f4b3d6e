//! All 2^32 inputs of 32 bits through an encoder.

use super::code::Code;
use super::encode::Encoder;
use super::error::ConvertError;

/// Inputs of one piece: few enough that inputs and codes stay in a core's cache.
const PIECE: usize = 1 << 14;

/// Hands over the codes that encoders give to all 2^32 `f32`, in ascending order of the inputs' bits, a
/// piece at a time.
///
/// `visit(i, codes)` gets the codes of one piece by the `i`-th encoder as bytes, little-endian: one a code of at most 8
/// bits, two of at most 16, four of more; the widest of the formats decides. It is called for each encoder in turn, then for the next piece; there are
/// [`every_f32_pieces`] of them. Runs on the calling thread. What a digest of a whole codec is taken over: anyone who
/// feeds the same inputs to another codec gets the same bytes, or has found a difference.
///
/// # Errors
/// A value that a policy refuses.
pub fn every_f32(
    encoders: &[Encoder],
    visit: impl FnMut(usize, &[u8]),
) -> Result<(), ConvertError> {
    match encoders.iter().map(|encoder| encoder.format().bits()).max().unwrap_or(0) {
        ..=8 => pieces::<u8>(encoders, visit),
        9..=16 => pieces::<u16>(encoders, visit),
        _ => pieces::<u32>(encoders, visit),
    }
}

/// Pieces that [`every_f32`] hands over for each encoder.
#[must_use]
pub const fn every_f32_pieces() -> u64 {
    (1 << 32) / PIECE as u64
}

fn pieces<C: Code>(
    encoders: &[Encoder],
    mut visit: impl FnMut(usize, &[u8]),
) -> Result<(), ConvertError> {
    let (mut x, mut codes) = (vec![0f32; PIECE], vec![C::default(); PIECE]);
    for piece in 0..every_f32_pieces() {
        let first = piece * PIECE as u64;
        for (x, bits) in x.iter_mut().zip(first..) {
            // Below 2^32, as the pieces are.
            *x = f32::from_bits(bits as u32);
        }
        for (index, encoder) in encoders.iter().enumerate() {
            encoder.encode_from(first, &x, &mut codes)?;
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut codes);
            if cfg!(target_endian = "big") {
                bytes.chunks_mut(size_of::<C>()).for_each(<[u8]>::reverse);
            }
            visit(index, bytes);
        }
    }
    Ok(())
}
