//! Programs in C and C++ that are written from the headers alone: linked statically and dynamically, through pkg-config and CMake, and
//! run by themselves, under the address sanitizer and under valgrind.
//!
//! What a machine lacks (a C++ compiler, CMake, pkg-config, valgrind, Verilator) is said and left out; a C compiler must be there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];
const C: [&str; 3] = ["values", "misuse", "threads"];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the library is installed for all tests of this run.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let target = tmp.parent().expect("a target folder");
        // A test of a library that only linkers read does not build it.
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "fewbit-ffi", "--target-dir"]).arg(target);
        passed(build.current_dir(here()));
        let prefix = tmp.join("fewbit-prefix");
        let _ = fs::remove_dir_all(&prefix);
        passed(Command::new(here().join("install")).arg(&prefix).arg(target.join("debug")));
        prefix
    })
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The standard output of a command that must end with 0.
fn passed(command: &mut Command) -> String {
    let output = run(command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}{error}", output.status);
    text
}

/// Whether a program is there; says so where it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("not run: there is no {program}");
    }
    found
}

fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(arguments).arg("fewbit");
    passed(&mut command).split_whitespace().map(str::to_owned).collect()
}

fn source(name: &str) -> PathBuf {
    here().join("tests/programs").join(name)
}

fn built(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fewbit-programs");
    fs::create_dir_all(&folder).expect("a folder for programs");
    folder.join(name)
}

/// Compiles a program with the static library.
fn compile(compiler: &str, name: &str, out: &str, flags: &[&str]) -> PathBuf {
    let program = built(out);
    let mut command = Command::new(compiler);
    command.args(STRICT).args(flags).arg("-I").arg(prefix().join("include")).arg(source(name));
    command.arg(prefix().join("lib/libfewbit.a")).args(["-lpthread", "-ldl", "-lm", "-o"]);
    passed(command.arg(&program));
    program
}

#[test]
fn statically() {
    for name in C {
        let program = compile("cc", &format!("{name}.c"), &format!("{name}-static"), &["-std=c11"]);
        assert!(passed(&mut Command::new(program)).ends_with("0 failures\n"));
    }
    if has("c++") {
        let program = compile("c++", "wrapper.cpp", "wrapper-static", &["-std=c++17"]);
        assert!(passed(&mut Command::new(program)).ends_with("0 failures\n"));
        // A C++ program may take the C header as well.
        let program = compile("c++", "plain.cpp", "plain-static", &["-std=c++11"]);
        assert!(passed(&mut Command::new(program)).ends_with("0 failures\n"));
    }
}

#[test]
fn through_pkg_config() {
    if !has("pkg-config") {
        return;
    }
    for (name, way) in [("values", "--shared"), ("values", "--static"), ("threads", "--shared")] {
        let program = built(&format!("{name}{way}"));
        let mut command = Command::new("cc");
        command.args(STRICT).arg("-std=c11").arg(source(&format!("{name}.c")));
        if way == "--static" {
            command.args(pkg_config(&["--cflags"]));
            // The archive in place of the shared library, with what that was linked with.
            command.args(pkg_config(&["--static", "--libs"]).into_iter().map(
                |flag| match &*flag {
                    "-lfewbit" => "-l:libfewbit.a".to_owned(),
                    _ => flag,
                },
            ));
        } else {
            command.args(pkg_config(&["--cflags", "--libs"]));
        }
        passed(command.arg("-lpthread").arg("-o").arg(&program));
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", prefix().join("lib"));
        assert!(passed(&mut command).ends_with("0 failures\n"));
    }
    let version = passed(
        Command::new("pkg-config")
            .env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"))
            .args(["--modversion", "fewbit"]),
    );
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
    let package = pkg_config(&["--variable=svdir"]).concat();
    assert!(Path::new(&package).join("fewbit_pkg.sv").is_file(), "{package}");
}

#[test]
fn through_cmake() {
    if !has("cmake") || !has("c++") {
        return;
    }
    let build = built("cmake-build");
    let _ = fs::remove_dir_all(&build);
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(source("cmake")).arg("-B").arg(&build);
    passed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    passed(Command::new("cmake").arg("--build").arg(&build));
    for program in ["values_shared", "values_static", "wrapper_shared"] {
        assert!(passed(&mut Command::new(build.join(program))).ends_with("0 failures\n"));
    }
}

/// The program of the README, and what it prints there.
#[test]
fn the_readme_s_program() {
    let readme = fs::read_to_string(here().join("../README.md")).expect("the README");
    let (_, rest) = readme.split_once("```c\n").expect("a program in C");
    let (program, rest) = rest.split_once("```\n").expect("its end");
    let (_, rest) = rest.split_once("$ cc program.c").expect("how it is compiled");
    let (_, printed) = rest.split_once('\n').expect("a line's end");
    let (printed, _) = printed.split_once("```").expect("what it prints");
    let path = built("readme.c");
    fs::write(&path, program).expect("a program");
    let out = built("readme");
    let mut command = Command::new("cc");
    command.args(STRICT).arg("-std=c11").arg("-I").arg(prefix().join("include")).arg(&path);
    command.arg(prefix().join("lib/libfewbit.a")).args(["-lpthread", "-ldl", "-lm", "-o"]);
    passed(command.arg(&out));
    assert_eq!(passed(&mut Command::new(out)), printed);
}

#[test]
fn under_the_address_sanitizer() {
    let flags = ["-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let probe = built("sanitizer.c");
    fs::write(&probe, "int main(void) { return 0; }\n").expect("a program");
    let mut command = Command::new("cc");
    command.args(flags).arg(&probe).arg("-o").arg(built("sanitizer"));
    if !run(&mut command).status.success()
        || !run(&mut Command::new(built("sanitizer"))).status.success()
    {
        println!("not run: the C compiler has no sanitizers");
        return;
    }
    for name in C {
        let program = compile("cc", &format!("{name}.c"), &format!("{name}-asan"), &flags);
        assert!(passed(&mut Command::new(program)).ends_with("0 failures\n"));
    }
}

#[test]
fn under_valgrind() {
    if !has("valgrind") {
        return;
    }
    for name in ["values", "misuse"] {
        let out = format!("{name}-valgrind");
        let program = compile("cc", &format!("{name}.c"), &out, &["-std=c11", "-g"]);
        let mut command = Command::new("valgrind");
        // Threads of the pool end with the process, and what is theirs with them.
        command.args([
            "--error-exitcode=9",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
        ]);
        assert!(passed(command.arg(program)).ends_with("0 failures\n"));
    }
}

/// Every function of the sources is in the header, and nothing else is: what `ffi/header --check` says too, where cbindgen is.
#[test]
fn the_header_is_that_of_the_sources() {
    let header = fs::read_to_string(here().join("include/fewbit.h")).expect("the header");
    let mut functions = Vec::new();
    let mut folders = vec![here().join("c/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the sources") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source");
            for part in text.split("extern \"C\" fn ").skip(1) {
                functions.push(part.split('(').next().unwrap_or_default().to_owned());
            }
        }
    }
    assert!(functions.len() > 100, "{functions:?}");
    for function in &functions {
        let declared = header.split(|c: char| !c.is_alphanumeric() && c != '_');
        assert!(declared.into_iter().any(|word| word == function), "{function} is not in fewbit.h");
    }
    let declarations = header.lines().filter(|line| {
        !line.trim_start().starts_with('*')
            && !line.starts_with("typedef")
            && line.contains("fewbit_")
            && line.contains('(')
    });
    assert_eq!(declarations.count(), functions.len());
    if Command::new("cbindgen").arg("--version").output().is_ok() {
        passed(Command::new(here().join("header")).arg("--check"));
    } else {
        println!("not run: there is no cbindgen");
    }
}
