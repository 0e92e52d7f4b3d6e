//! Finite fields, as far as the Paley constructions need them: differences and squares.

/// The field of `p^k` elements. An element is the number whose digits in base p are the coefficients of a polynomial of
/// degree below k, the constant one first; products are taken modulo a monic irreducible polynomial.
#[derive(Clone, Debug)]
pub(super) struct Field {
    p: usize,
    /// Coefficients of the modulus below its leading one.
    modulus: Vec<usize>,
    size: usize,
}

impl Field {
    /// For p prime and k of at most 3, where a polynomial without a root is irreducible.
    pub(super) fn new(p: usize, k: usize) -> Self {
        debug_assert!((1..=3).contains(&k));
        let size = p.pow(k as u32);
        // There is an irreducible polynomial of every degree; the first one in the order of codes.
        let modulus = (0..size)
            .map(|code| digits(code, p, k))
            .find(|low| {
                k == 1
                    || (0..p).all(|x| {
                        let value = low.iter().rev().fold(1, |sum, c| (sum * x + c) % p);
                        value != 0
                    })
            })
            .unwrap_or_else(|| vec![0; k]);
        Self { p, modulus, size }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// `a - b`.
    pub(super) fn subtract(&self, a: usize, b: usize) -> usize {
        let (a, b) = (self.digits(a), self.digits(b));
        self.code(a.iter().zip(b).map(|(a, b)| (a + self.p - b) % self.p))
    }

    /// `a b`.
    pub(super) fn multiply(&self, a: usize, b: usize) -> usize {
        let (a, b) = (self.digits(a), self.digits(b));
        let k = self.modulus.len();
        // Horner's rule in the unknown: sum <- sum * z + a_i * b.
        let mut sum = vec![0; k];
        for &a in a.iter().rev() {
            let top = sum[k - 1];
            sum.rotate_right(1);
            sum[0] = 0;
            for ((sum, b), m) in sum.iter_mut().zip(&b).zip(&self.modulus) {
                // z^k is minus the rest of the modulus.
                *sum = (*sum + a * b + (self.p - m) * top) % self.p;
            }
        }
        self.code(sum.into_iter())
    }

    /// The quadratic character of every element: 0 at 0, +1 at squares, -1 elsewhere.
    pub(super) fn character(&self) -> Vec<i8> {
        let mut character = vec![-1; self.size];
        for x in 1..self.size {
            character[self.multiply(x, x)] = 1;
        }
        character[0] = 0;
        character
    }

    fn digits(&self, code: usize) -> Vec<usize> {
        digits(code, self.p, self.modulus.len())
    }

    fn code(&self, digits: impl DoubleEndedIterator<Item = usize>) -> usize {
        digits.rev().fold(0, |sum, digit| sum * self.p + digit)
    }
}

fn digits(mut code: usize, p: usize, k: usize) -> Vec<usize> {
    (0..k)
        .map(|_| {
            let digit = code % p;
            code /= p;
            digit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_inverses_and_half_of_the_elements_are_squares() {
        for (p, k) in [(11, 1), (13, 1), (3, 2), (5, 2), (7, 2), (3, 3)] {
            let field = Field::new(p, k);
            for a in 1..field.size() {
                assert_eq!((1..field.size()).filter(|&b| field.multiply(a, b) == 1).count(), 1);
                assert_eq!(field.subtract(a, a), 0);
            }
            let squares = field.character().iter().filter(|&&x| x == 1).count();
            assert_eq!(squares, (field.size() - 1) / 2);
        }
    }

    #[test]
    fn multiplication_distributes_over_subtraction() {
        let field = Field::new(3, 3);
        for (a, b, c) in (0..27 * 27 * 27).map(|i| (i % 27, i / 27 % 27, i / 729)) {
            let left = field.multiply(a, field.subtract(b, c));
            assert_eq!(left, field.subtract(field.multiply(a, b), field.multiply(a, c)));
        }
    }
}
