//! How much memory there is, where the system says so.

use std::fs;

use crate::error::CliError;

/// Bytes that can still be taken: the least of what is free, what this process may have, and what its group may have.
fn free() -> Option<u64> {
    [of_machine(), of_process(), of_group()].into_iter().flatten().min()
}

/// Refuses what needs more than there is, before anything is taken; `what` says what and with which sizes, `remedy`
/// what to do instead.
///
/// # Errors
/// More than is free.
pub(crate) fn check(bytes: u128, what: &str, remedy: &str) -> Result<(), CliError> {
    match is_beyond(bytes) {
        Some(free) => Err(CliError::Memory {
            what: what.to_owned(),
            needed: readable(bytes),
            free: readable(free.into()),
            remedy: remedy.to_owned(),
        }),
        None => Ok(()),
    }
}

/// How much there is, if that is less than `bytes`.
pub(crate) fn is_beyond(bytes: u128) -> Option<u64> {
    /// So little is not worth a question.
    const LITTLE: u128 = 1 << 24;
    if bytes <= LITTLE { None } else { free().filter(|&free| bytes > free.into()) }
}

/// The most bytes that this process held in memory at a time.
#[cfg(feature = "networks")]
pub(crate) fn peak() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Free memory and free swap space.
fn of_machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    field(&text, "MemAvailable:")?.checked_add(field(&text, "SwapFree:").unwrap_or(0))
}

/// What is left of the limit on addresses (`ulimit -v`).
fn of_process() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(limit.saturating_sub(field(&status, "VmSize:")?))
}

/// What is left of the control group's limit, where this process sees one.
fn of_group() -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?.trim().parse().ok()
    };
    Some(number("max")?.saturating_sub(number("current")?))
}

/// A line `name number kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes in the largest unit that leaves a whole number before the point.
fn readable(bytes: u128) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 1e4);
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_system_are_read() {
        assert_eq!(field("MemFree: 1 kB\nMemAvailable:   20 kB\n", "MemAvailable:"), Some(20480));
        assert_eq!(field("MemFree: 1 kB\n", "MemAvailable:"), None);
        assert_eq!(readable(1023), "1023 bytes");
        assert_eq!(readable(3 << 29), "1.5 GiB");
        assert!(check(u128::MAX, "all", "less").is_err() || free().is_none());
        assert!(check(0, "nothing", "").is_ok());
    }
}
