//! Mutations of bytes and texts.

/// Random numbers of a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `0..below`; 0 where that is empty.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        (self.next() % below.max(1) as u64) as usize
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Numbers at and beyond the ends of types.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-0",
    "7",
    "8",
    "31",
    "32",
    "33",
    "63",
    "64",
    "65",
    "127",
    "128",
    "255",
    "256",
    "1000",
    "1024",
    "65535",
    "65536",
    "1000000",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295",
    "4294967296",
    "1099511627776",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "1e308",
    "1e400",
    "-1e-400",
    "0.1",
    "nan",
    ".inf",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "00",
    "1e",
];

const UNICODE: &[&str] = &[
    "é", "ß", "İ", "\u{0}", "\u{feff}", "\u{202e}", "日本", "😀", "\u{301}", "\u{ffff}", "٣", "²",
    "\r\n", "\u{2028}",
];

const STRUCTURE: &[u8] = b"[]{}(),:;\"'\\/*+-_.<>|&%@!#~= \t\n0aeimntu";

/// `seed` after one to four mutations, one of them in half the cases, one of them in most cases; parts of `others` are spliced in.
pub(crate) fn mutated(seed: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    // Mostly one: what is nearly right gets further.
    for _ in 0..random.below(6).saturating_sub(1).max(1) {
        once(&mut bytes, others, random);
    }
    bytes
}

fn once(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let length = bytes.len();
    let at = random.below(length + 1);
    let part = |random: &mut Random, of: &[u8]| -> Vec<u8> {
        let from = random.below(of.len() + 1);
        let most = random.below(of.len() - from + 1).min(200);
        of[from..from + most].to_vec()
    };
    match random.below(30) {
        0..4 if length > 0 => bytes[at.min(length - 1)] ^= 1 << random.below(8),
        4..6 if length > 0 => bytes[at.min(length - 1)] = random.next() as u8,
        6..8 => bytes.truncate(at),
        8..11 => {
            let other = random.one(others).clone();
            let insert = part(random, &other);
            let end = (at + random.below(insert.len() + 1)).min(length);
            bytes.splice(at..end, insert);
        }
        11..13 => {
            let end = (at + random.below(20)).min(length);
            bytes.drain(at..end);
        }
        13..15 => {
            let again = part(random, bytes);
            bytes.splice(at..at, again);
        }
        15..21 => swap_number(bytes, random),
        21 => {
            let open = random.one(&["[", "{", "(", "[{\"a\":", "- ", "{a: ", "? ", "&a [*a, "]);
            let deep = open.repeat(1 + random.below(3000));
            bytes.splice(at..at, deep.into_bytes());
        }
        22..24 => duplicate_line(bytes, random),
        24 => {
            let text = random.one(UNICODE).as_bytes();
            bytes.splice(at..at, text.iter().copied());
        }
        25 if random.below(20) == 0 => {
            let again = part(random, bytes);
            bytes.splice(at..at, again.repeat(1 + random.below(2000)));
        }
        26 if length >= 8 => {
            // A length or a count in eight bytes, of which the low ones are the file's first.
            let place = if random.below(2) == 0 { 0 } else { at.min(length - 8) };
            let number =
                random.one(&[0, 1, 2, 7, 8, 1 << 16, 1 << 31, 1 << 40, u64::MAX / 2, u64::MAX]);
            bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
        }
        _ => {
            let byte = *random.one(STRUCTURE);
            bytes.splice(at..at, [byte]);
        }
    }
}

/// Puts another number in the place of one.
fn swap_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut runs = Vec::new();
    let mut start = None;
    for (place, byte) in bytes.iter().chain([&b' ']).enumerate() {
        match (byte.is_ascii_digit(), start) {
            (true, None) => start = Some(place),
            (false, Some(from)) => {
                runs.push(from..place);
                start = None;
            }
            _ => {}
        }
    }
    if !runs.is_empty() {
        let run = random.one(&runs).clone();
        let number = random.one(NUMBERS).as_bytes();
        bytes.splice(run, number.iter().copied());
    }
}

/// Says a line, or what stands between two commas, twice, maybe elsewhere.
fn duplicate_line(bytes: &mut Vec<u8>, random: &mut Random) {
    let mark = if bytes.contains(&b'\n') && random.below(2) == 0 { b'\n' } else { b',' };
    let parts: Vec<Vec<u8>> = bytes.split(|&byte| byte == mark).map(<[u8]>::to_vec).collect();
    let mut parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let part = *random.one(&parts);
    parts.insert(random.below(parts.len() + 1), part);
    let joined = parts.join(&mark);
    *bytes = joined;
}
