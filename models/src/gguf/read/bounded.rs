//! Reading with the file's length in view.

use std::io::Read;

use super::GgufError;

/// A reader that refuses what goes beyond the file's end before anything is allocated for it.
pub(super) struct Bounded<R> {
    source: R,
    at: u64,
    length: u64,
}

/// The most bytes that are allocated ahead of what was read.
const STEP: usize = 1 << 20;

impl<R: Read> Bounded<R> {
    pub(super) fn new(source: R, length: u64) -> Self {
        Self { source, at: 0, length }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes the file has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Refuses `count` things of at least `each` bytes where so many are not left.
    pub(super) fn expect(
        &self,
        count: u64,
        each: usize,
        what: impl FnOnce() -> String,
    ) -> Result<usize, GgufError> {
        let needed = u128::from(count) * each as u128;
        match usize::try_from(count) {
            Ok(count) if needed <= u128::from(self.length - self.at) => Ok(count),
            _ => {
                Err(GgufError::Truncated { what: what(), at: self.at, needed, length: self.length })
            }
        }
    }

    /// A fixed number of bytes.
    pub(super) fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        self.expect(1, N, || what.to_owned())?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(|error| GgufError::Io(error.to_string()))?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.take(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.take(what).map(u64::from_le_bytes)
    }

    /// A text behind its length.
    pub(super) fn text(&mut self, what: &str) -> Result<String, GgufError> {
        let start = self.at;
        let length = self.u64(what)?;
        let length = self.expect(length, 1, || what.to_owned())?;
        let mut bytes = Vec::with_capacity(length.min(STEP));
        let read = (&mut self.source).take(length as u64).read_to_end(&mut bytes);
        let read = read.map_err(|error| GgufError::Io(error.to_string()))?;
        if read != length {
            return Err(GgufError::Io(format!("{what} at {start}: the file has become shorter")));
        }
        self.at += length as u64;
        String::from_utf8(bytes)
            .map_err(|_| GgufError::Io(format!("{what} at {start} is not UTF-8")))
    }
}
