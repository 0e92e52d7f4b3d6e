//! Large pages for large results.

/// Less than this is not worth asking: two of x86-64's large pages.
const LEAST: usize = 4 << 20;

/// Asks that fresh memory of `room` come in large pages, if it has 4 MiB at least and the system knows them.
///
/// To write to it for the first time then costs a few page faults instead of thousands. What it holds stays.
///
/// ```
/// let mut numbers: Vec<f32> = Vec::with_capacity(2 << 20);
/// fewbit::advise_large_pages(numbers.spare_capacity_mut());
/// numbers.resize(2 << 20, 1.0);
/// ```
pub fn advise_large_pages<T>(room: &mut [T]) {
    if size_of_val(room) < LEAST {
        return;
    }
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    super::linux::advise_large_pages(room);
}

#[cfg(test)]
mod tests {
    use super::advise_large_pages;

    #[test]
    fn contents_stay() {
        let mut room: Vec<u32> = (0..3 << 20).collect();
        advise_large_pages(&mut room);
        advise_large_pages(&mut room[1..1025]);
        advise_large_pages::<u8>(&mut []);
        assert!(room.iter().copied().eq(0..3 << 20));
    }
}
