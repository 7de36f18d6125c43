//! The C++ compiler by its own word: what it is, and which vectors it compiles for.

use warptape::device::host::{Host, Mode, Options};
use warptape::device::{Defines, Device, Source, Target};

use crate::support::{environment, has_compiler};

/// The host device's arch, width of tiles and toolchain where `variables` are set, or why a kernel does not compile.
fn describe(mode: Mode, variables: &[(&str, &str)]) -> String {
    let environment = variables.iter().fold(environment(), |all, (name, value)| all.with(name, value));
    let device = Device::new(Box::new(Host::new(Options { mode, environment, ..Options::default() })));
    let text = "extern \"C\" __global__ void one(int* x) { *x = 1; }";
    let source = Source::from_text("one.cu", text, &Defines::new()).unwrap();
    // SAFETY: the text initialises nothing.
    if let Err(error) = unsafe { device.compile(&source) } {
        return error.to_string();
    }
    let lanes = match device.target() {
        Target::Host { lanes } => lanes,
        Target::Cuda => 0,
    };
    format!("{} {lanes} {}", device.info().arch, device.info().toolchain)
}

fn told(variables: &[(&str, &str)]) -> String {
    describe(Mode::Fast, variables)
}

#[test]
fn what_can_change_bits_is_described() {
    if !has_compiler() {
        return;
    }
    let text = told(&[("WARPTAPE_CXXFLAGS", "-fno-plt")]);
    for part in ["-O3", "-march=native", "-ffp-contract=fast", "-fno-plt", " lanes"] {
        assert!(text.contains(part), "no {part} in: {text}");
    }
    assert!(text.contains("; "), "{text}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn tiles_are_as_wide_as_the_vectors_that_the_compiler_was_told_to_use() {
    if !has_compiler() {
        return;
    }
    for (flags, expected) in [
        ("-march=x86-64", "x86_64-v128 4 "),
        ("-march=haswell", "x86_64-v256 8 "),
        ("-march=skylake-avx512", "x86_64-v512 16 "),
        ("-march=haswell -mno-fma", "x86_64-v128 4 "),
    ] {
        let text = told(&[("WARPTAPE_CXXFLAGS", flags)]);
        assert!(text.starts_with(expected) && text.contains(flags), "{flags}: {text}");
        assert_eq!(text.contains("-mprefer-vector-width=512"), expected.contains("v512"), "{flags}: {text}");
    }
}

#[test]
fn the_width_of_tiles_can_be_forced() {
    if !has_compiler() {
        return;
    }
    for lanes in ["4", "8", "16"] {
        let text = told(&[("WARPTAPE_LANES", lanes)]);
        assert_eq!(text.split(' ').nth(1), Some(lanes), "{text}");
        assert!(text.ends_with(&format!(", {lanes} lanes")), "{text}");
    }
    for lanes in ["7", "0", "32", "eight", "-4"] {
        let text = told(&[("WARPTAPE_LANES", lanes)]);
        assert_eq!(text, format!("WARPTAPE_LANES={lanes:?}: set it to 4, 8 or 16, or not at all"));
    }
}

#[test]
fn what_is_no_compiler_is_not_taken_for_one() {
    if !has_compiler() {
        return;
    }
    let text = told(&[("CXX", "true")]);
    assert!(text.starts_with("no C++ compiler found (true does not compile C++20"), "{text}");
    assert!(!text.contains('\n') && !text.contains("cache"), "{text}");
    let text = told(&[("WARPTAPE_CXXFLAGS", "-fno-such-flag-exists")]);
    assert!(text.contains("-fno-such-flag-exists") && !text.contains('\n'), "{text}");
}

#[test]
fn clang_computes_but_does_not_check() {
    let fast = told(&[("CXX", "clang++")]);
    if fast.starts_with("no C++ compiler found (CXX=clang++)") {
        println!("not tested: there is no clang++ here");
        return;
    }
    assert!(fast.contains("clang version"), "{fast}");
    let refused = describe(Mode::Checked, &[("CXX", "clang++")]);
    assert!(refused.contains("with g++ alone: install it") && !refused.contains('\n'), "{refused}");
}
