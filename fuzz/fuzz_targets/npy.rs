//! Any file is an array that the command line converts, or bad input; never a panic, a hang or all of memory.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// In memory where there is such a folder.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = PathBuf::from("/dev/shm");
    let folder = if shared.is_dir() { shared } else { std::env::temp_dir() };
    folder.join(format!("fewbit-fuzz-{}.npy", std::process::id()))
});

fuzz_target!(|bytes: &[u8]| {
    fs::write(&*FILE, bytes).expect("a file is written");
    let file = FILE.as_os_str();
    let code = fewbit_cli::run([
        "fewbit".as_ref(),
        "cast".as_ref(),
        "--to".as_ref(),
        "e4m3fn".as_ref(),
        "--threads".as_ref(),
        "1".as_ref(),
        file,
        "/dev/null".as_ref(),
    ]);
    assert!(code == 0 || code == 2, "exit code {code}");
});
