//! Operators: exact, then rounded once.

/// `+ - * / %`, their assigning forms, and products of iterators.
macro_rules! operators {
    ($name:ident) => {
        $crate::types::operators::binary_operators! {
            $name, Add add AddAssign add_assign, Sub sub SubAssign sub_assign, Mul mul MulAssign mul_assign,
            Div div DivAssign div_assign, Rem rem RemAssign rem_assign
        }

        impl core::iter::Product for $name {
            /// The product in order, rounded at every step.
            fn product<I: Iterator<Item = Self>>(numbers: I) -> Self {
                numbers.fold(Self::ONE, |product, x| product * x)
            }
        }

        impl<'a> core::iter::Product<&'a Self> for $name {
            /// The product in order, rounded at every step.
            fn product<I: Iterator<Item = &'a Self>>(numbers: I) -> Self {
                numbers.copied().product()
            }
        }
    };
}

macro_rules! binary_operators {
    ($name:ident, $($trait:ident $method:ident $assign:ident $assign_method:ident),+) => {$(
        impl core::ops::$trait for $name {
            type Output = Self;

            #[inline]
            fn $method(self, other: Self) -> Self {
                Self::rounded(Self::ARITHMETIC.$method(self.to_real(), other.to_real(), 0))
            }
        }

        impl core::ops::$assign for $name {
            #[inline]
            fn $assign_method(&mut self, other: Self) {
                *self = core::ops::$trait::$method(*self, other);
            }
        }
    )+};
}

pub(super) use {binary_operators, operators};
