//! Whole numbers of up to 8192 bits on the stack: as much as the exact quotient of two of a text's parts needs.

use core::cmp::Ordering;

const LIMBS: usize = 128;

/// A whole number, least significant limb first.
#[derive(Clone)]
pub(super) struct Big {
    limbs: [u64; LIMBS],
    /// Limbs in use; the last of them is not zero.
    length: usize,
}

impl Big {
    /// A small number.
    pub(super) fn new(value: u64) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = value;
        Self { limbs, length: usize::from(value != 0) }
    }

    fn used(&self) -> &[u64] {
        &self.limbs[..self.length]
    }

    /// Bits of the number: 0 of zero.
    pub(super) fn bits(&self) -> usize {
        self.used().last().map_or(0, |last| 64 * self.length - last.leading_zeros() as usize)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.length == 0
    }

    /// `self * factor + addend`. The caller keeps within the size.
    pub(super) fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = addend;
        for limb in &mut self.limbs[..self.length] {
            let sum = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            (*limb, carry) = (sum as u64, (sum >> 64) as u64);
        }
        if carry != 0 {
            self.limbs[self.length] = carry;
            self.length += 1;
        }
    }

    /// `self * base^power`. The caller keeps within the size.
    pub(super) fn multiply_power(&mut self, base: u32, power: u32) {
        for _ in 0..power {
            self.multiply_add(base.into(), 0);
        }
    }

    /// `self * 2^places`. The caller keeps within the size.
    pub(super) fn shift_left(&mut self, places: usize) {
        for _ in 0..places / 32 {
            self.multiply_add(1 << 32, 0);
        }
        self.multiply_add(1 << (places % 32), 0);
    }

    /// Subtracts a number that is not greater.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (limb, &less) in self.limbs[..self.length].iter_mut().zip(&other.limbs) {
            let (part, first) = limb.overflowing_sub(less);
            let (part, second) = part.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (part, first || second);
        }
        let leading = self.used().iter().rev().take_while(|&&limb| limb == 0).count();
        self.length -= leading;
    }

    /// The order of two numbers.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let lengths = self.length.cmp(&other.length);
        lengths.then_with(|| self.used().iter().rev().cmp(other.used().iter().rev()))
    }
}
