//! Archives as NumPy reads and writes them: members stored or deflated, without encryption and below 4 GiB.
//!
//! Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3.7 (local header), 4.3.12 (central
//! directory), 4.3.16 (its end).

use std::borrow::Cow;
use std::io::Read;

use flate2::{Crc, bufread::DeflateDecoder};

use crate::memory;

/// A member and its bytes.
pub(crate) type Member = (String, Vec<u8>);

/// A member of an archive that was read.
pub(crate) struct Found<'a> {
    pub(crate) name: String,
    /// Of a stored one, those of the archive.
    pub(crate) data: Cow<'a, [u8]>,
    /// The CRC-32 of its bytes as the directory has it.
    #[cfg(feature = "networks")]
    crc: u32,
}

#[cfg(feature = "networks")]
impl Found<'_> {
    /// Whether its bytes are those that were written.
    ///
    /// # Errors
    /// Bytes of another CRC-32.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { name, data, crc } = self;
        let mut found = Crc::new();
        found.update(data);
        if found.sum() == *crc {
            return Ok(());
        }
        let found = found.sum();
        Err(format!(
            "is damaged: {name} has CRC-32 {found:08x} where its directory says {crc:08x}; copy or write it again"
        ))
    }
}

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// The first of January 1980: no date.
const DATE: u16 = 0x21;
/// Version 2.0 of the specification.
const VERSION: u16 = 20;

/// An archive of these members, stored, without dates.
///
/// # Errors
/// Members beyond 4 GiB together.
pub(crate) fn archive(members: &[Member]) -> Result<Vec<u8>, String> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let too_large = |_| "an archive of more than 4 GiB: ask for fewer vectors".to_owned();
        let size = u32::try_from(data.len()).map_err(too_large)?;
        let offset = u32::try_from(bytes.len()).map_err(too_large)?;
        let name_length = u16::try_from(name.len()).map_err(|_| "a name is too long".to_owned())?;
        let mut crc = Crc::new();
        crc.update(data);
        let mut common = Vec::new();
        for half in [VERSION, 0, 0, 0, DATE] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc.sum(), size, size] {
            common.extend(word.to_le_bytes());
        }
        common.extend(name_length.to_le_bytes());
        common.extend(0u16.to_le_bytes());
        bytes.extend(LOCAL.to_le_bytes());
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(data);
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = members.len() as u16;
    let start =
        u32::try_from(bytes.len()).map_err(|_| "an archive of more than 4 GiB".to_owned())?;
    let length = directory.len() as u32;
    bytes.extend(directory);
    bytes.extend(END.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    Ok(bytes)
}

/// The members of an archive. Whether their bytes are those that were written is for the caller to [check](Found::check), who may
/// have a better digest of them.
///
/// # Errors
/// What is no such archive.
pub(crate) fn members(bytes: &[u8]) -> Result<Vec<Found<'_>>, String> {
    const WRONG: &str = "is no archive of arrays";
    let wrong = || WRONG.to_owned();
    // The end may have a comment behind it.
    let mark = END.to_le_bytes();
    let end = bytes.windows(4).rposition(|window| window == mark).ok_or_else(wrong)?;
    let count = half(bytes, end + 10).ok_or_else(wrong)?;
    let mut at = word(bytes, end + 16).ok_or_else(wrong)? as usize;
    let mut members = Vec::new();
    let mut total = 0usize;
    for _ in 0..count {
        let entry =
            bytes.get(at..).filter(|rest| word(rest, 0) == Some(CENTRAL)).ok_or_else(wrong)?;
        let method = half(entry, 10).ok_or_else(wrong)?;
        let stored = word(entry, 20).ok_or_else(wrong)? as usize;
        let size = word(entry, 24).ok_or_else(wrong)? as usize;
        let lengths = [28, 30, 32].map(|place| half(entry, place).map(usize::from));
        let [Some(name_length), Some(extra), Some(comment)] = lengths else { return Err(wrong()) };
        let offset = word(entry, 42).ok_or_else(wrong)? as usize;
        let name = entry.get(46..46 + name_length).ok_or_else(wrong)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| wrong())?;
        let local = bytes.get(offset..).ok_or_else(wrong)?;
        let skipped = [26, 28].map(|place| half(local, place).map(usize::from));
        let [Some(name_there), Some(extra_there)] = skipped else { return Err(wrong()) };
        let start = 30 + name_there + extra_there;
        let end = start.checked_add(stored).ok_or_else(wrong)?;
        let data = local.get(start..end).ok_or_else(|| format!("is cut short in {name}"))?;
        total = total.checked_add(size).ok_or_else(wrong)?;
        if memory::is_beyond(total as u128 * 2).is_some() {
            return Err(format!("{total} bytes of arrays are more than memory can hold"));
        }
        let data = match method {
            0 => Cow::Borrowed(data),
            8 => {
                let mut inflated = Vec::new();
                let read = DeflateDecoder::new(data).take(size as u64).read_to_end(&mut inflated);
                read.map_err(|error| format!("{name} cannot be inflated: {error}"))?;
                Cow::Owned(inflated)
            }
            _ => return Err(format!("{name} is neither stored nor deflated")),
        };
        if data.len() != size {
            return Err(format!("{name} has {} bytes where its directory says {size}", data.len()));
        }
        members.push(Found {
            name,
            data,
            #[cfg(feature = "networks")]
            crc: word(entry, 16).ok_or_else(wrong)?,
        });
        at = at.checked_add(46 + name_length + extra + comment).ok_or_else(wrong)?;
    }
    Ok(members)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(half(bytes, at)?) | u32::from(half(bytes, at + 2)?) << 16)
}
