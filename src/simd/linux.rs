//! What is asked of the system: nothing that changes a result.

/// The last argument of a call that takes fewer.
const NONE: usize = 0;

/// Asks for the tile registers of AMX in this process; they take room in what the system saves of a thread.
pub(super) fn request_tiles() -> bool {
    /// `SYS_arch_prctl`
    const ARCH_PRCTL: usize = 158;
    /// `ARCH_REQ_XCOMP_PERM`
    const REQUEST: usize = 0x1023;
    /// `XFEATURE_XTILEDATA`
    const TILE_DATA: usize = 18;
    // SAFETY: the call takes numbers and touches no memory of this process.
    unsafe { call(ARCH_PRCTL, [REQUEST, TILE_DATA, NONE]) == 0 }
}

/// Says that `room` is to lie in large pages, where it lies in none yet: fresh memory then costs a few interrupts instead
/// of thousands. The system may refuse.
pub(super) fn advise_large_pages<T>(room: &mut [T]) {
    /// `SYS_madvise`
    const MADVISE: usize = 28;
    /// `MADV_HUGEPAGE`
    const LARGE: usize = 14;
    const PAGE: usize = 1 << 12;
    let from = (room.as_ptr() as usize).next_multiple_of(PAGE);
    let to = (room.as_ptr() as usize + size_of_val(room)) / PAGE * PAGE;
    if from < to {
        // SAFETY: the pages lie within `room`; the advice changes how they are backed, never what they hold.
        let _ = unsafe { call(MADVISE, [from, to - from, LARGE]) };
    }
}

/// The system call `number`.
///
/// # Safety
/// What the call does must be sound for these arguments.
unsafe fn call(number: usize, [first, second, third]: [usize; 3]) -> isize {
    let mut result = number.cast_signed();
    // SAFETY: the caller answers for the call itself; the kernel overwrites `rax`, `rcx` and `r11` alone.
    unsafe {
        std::arch::asm!(
            "syscall",
            inout("rax") result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result
}
