//! Verilator makes C++ of the design; it and the shim become a static library.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names a folder"));
    for file in ["mac.sv", "shim.cpp"] {
        println!("cargo:rerun-if-changed={file}");
    }
    println!("cargo:rerun-if-env-changed=MAC_PARAMETERS");
    let parameters = env::var("MAC_PARAMETERS").unwrap_or_default();
    let mut verilator = Command::new("verilator");
    verilator.args(["--cc", "-O3", "-Wall", "--prefix", "Vmac", "--Mdir"]).arg(&out);
    verilator.args(parameters.split_whitespace()).arg("mac.sv");
    let status = verilator.status().expect("install Verilator: apt-get install verilator");
    assert!(status.success(), "verilator failed");
    let root = Command::new("verilator").args(["--getenv", "VERILATOR_ROOT"]).output();
    let root = String::from_utf8(root.expect("verilator").stdout).expect("a path");
    let include = Path::new(root.trim()).join("include");
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(false).include(&out).include(&include);
    build.include(include.join("vltstd")).file("shim.cpp");
    build.file(include.join("verilated.cpp"));
    if include.join("verilated_threads.cpp").is_file() {
        build.file(include.join("verilated_threads.cpp"));
    }
    for entry in out.read_dir().expect("what Verilator wrote") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|ext| ext == "cpp") {
            build.file(path);
        }
    }
    build.compile("mac");
    println!("cargo:rustc-link-lib=pthread");
}
