//! The peak of this process's resident memory (Linux).

/// Lets the kernel forget the peak so far; `false` where it cannot.
pub(crate) fn reset_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The peak in MiB since it was last reset, where the system says.
pub(crate) fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"))?;
    kib.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}
