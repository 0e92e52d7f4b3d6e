//! Enums whose variants have names: one list gives `FromStr`, `Display` and `ALL`.

use core::fmt;

/// The beginning of a name that was not understood, kept inline so that errors need no allocator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; Self::CAPACITY],
    length: u8,
}

impl Excerpt {
    /// Longer text is cut here.
    const CAPACITY: usize = 48;

    /// No text.
    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], length: 0 };

    /// The leading whole characters of `text` that fit.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut length = text.len().min(Self::CAPACITY);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let mut bytes = [0; Self::CAPACITY];
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { bytes, length: length as u8 }
    }

    /// The text kept, in lower case.
    #[must_use]
    pub(crate) fn to_ascii_lowercase(self) -> Self {
        Self { bytes: self.bytes.map(|byte| byte.to_ascii_lowercase()), length: self.length }
    }

    /// The text kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length as usize]).unwrap_or_default()
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A name that none of a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{found}`: expected one of {expected}")]
pub struct UnknownName {
    /// What the name should have been the name of.
    pub kind: &'static str,
    /// The name found.
    pub found: Excerpt,
    /// The names known.
    pub expected: &'static str,
}

/// Declares an enum whose variants carry a canonical name and aliases; names are compared without regard to case.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        $kind:literal => pub enum $name:ident {
            $( $(#[doc = $doc:literal])* $variant:ident = $canonical:literal $(| $alias:literal)* , )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[doc = $doc])* #[doc = concat!("\n\nName: `", $canonical, "`", $(" or `", $alias, "`",)* ".")] $variant, )+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The canonical name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $canonical),+ }
            }

            /// What it means, in the words of its documentation.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start()),+ }
            }

            /// The other names that are understood.
            #[must_use]
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($alias),*]),+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::named::UnknownName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let is = |name: &&str| name.eq_ignore_ascii_case(text);
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| is(&value.name()) || value.aliases().iter().any(is))
                    .ok_or($crate::named::UnknownName {
                        kind: $kind,
                        found: $crate::named::Excerpt::new(text),
                        expected: $crate::named::join!($($canonical),+),
                    })
            }
        }
    };
}

/// Joins literals with commas at compile time.
macro_rules! join {
    ($first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}

pub(crate) use {join, named_enum};
