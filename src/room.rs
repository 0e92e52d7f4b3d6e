//! Whether memory has room for a result, asked before it is computed.

use std::hint::black_box;

use thiserror::Error;

/// A result that cannot be held.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "a result of shape {shape:?}, {size} bytes an element, is more than memory can hold: compute it in smaller parts"
)]
pub struct TooLarge {
    /// The extent of each axis.
    pub shape: Vec<usize>,
    /// Bytes of one element.
    pub size: usize,
}

/// Whether there is room for an array of `T` of this shape.
///
/// # Errors
/// More than `isize::MAX` elements or bytes, along the axes that are not empty, or more than the allocator gives.
pub(crate) fn check<T>(shape: &[usize]) -> Result<(), TooLarge> {
    /// What is smaller is allocated as anywhere else.
    const LARGE: usize = 1 << 26;
    let too_large = || TooLarge { shape: shape.to_vec(), size: size_of::<T>() };
    // As ndarray counts: its shapes have a product of the axes that are not empty.
    let axes = || shape.iter().copied().filter(|&n| n > 0);
    let count = axes().try_fold(1usize, usize::checked_mul).ok_or_else(too_large)?;
    let bytes = count.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok());
    let bytes = bytes.ok_or_else(too_large)?;
    if shape.contains(&0) || bytes < LARGE {
        return Ok(());
    }
    // Taken and given back untouched: the zeroed allocation that follows takes it in the way that costs least.
    let mut probe = Vec::<T>::new();
    probe.try_reserve_exact(count).map_err(|_| too_large())?;
    black_box(&probe);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_held_is_refused() {
        assert_eq!(check::<i64>(&[3, 4]), Ok(()));
        assert_eq!(check::<i64>(&[1 << 31, 0]), Ok(()));
        let refused = |shape: &[usize]| {
            check::<i64>(shape) == Err(TooLarge { shape: shape.to_vec(), size: 8 })
        };
        assert!(refused(&[1 << 40, 1 << 40]));
        assert!(refused(&[1 << 30, 1 << 30]));
        assert!(refused(&[1 << 40, 1 << 40, 0]));
        // More than any address space of today.
        assert!(refused(&[1 << 29, 1 << 29]));
    }
}
