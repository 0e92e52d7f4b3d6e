//! Which library this is.

use std::ffi::c_char;

/// The number of the binary interface. It grows when a function or a structure changes; compare it with `FEWBIT_ABI_VERSION`.
pub const FEWBIT_ABI_VERSION: u32 = 1;

/// The version of the library, such as `0.1.0`.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// `FEWBIT_ABI_VERSION` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_abi_version() -> u32 {
    FEWBIT_ABI_VERSION
}
