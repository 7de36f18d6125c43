//! The translation unit that the C++ compiler gets: our headers, a kernel's text, an entry point for each kernel.

use super::compiler::Purpose;
use super::dynamic;
use crate::device::Source;
use crate::device::include::STANDARD;

const SHIM: &str = include_str!("shim.h");
const FUNCTIONS: &str = include_str!("functions.h");
const OBSERVE: &str = include_str!("observe.h");
const COUNTED: &str = include_str!("counted.h");
const COUNTED_FUNCTIONS: &str = include_str!("counted_functions.h");

/// How the names of our own files begin in tables of lines: they are never what a person looks for.
pub(super) const OWN: &str = "warptape:";

/// What stands between the kernel's text and the entry points.
pub(super) const ENTRIES: &str = "#undef float\n#line 1 \"warptape:entry points\"\n";

/// Our headers, then the kernel's text, then one entry point per kernel with a uniform signature.
pub(super) fn translation_unit(source: &Source, purpose: Purpose) -> String {
    let (shim, functions) = (("shim.h", SHIM), ("functions.h", FUNCTIONS));
    let headers: &[(&str, &str)] = match purpose {
        Purpose::Run | Purpose::Trace => &[shim, functions],
        Purpose::Observe => &[shim, functions, ("observe.h", OBSERVE)],
        Purpose::Count => &[("counted.h", COUNTED), shim, functions, ("counted_functions.h", COUNTED_FUNCTIONS)],
    };
    let mut unit = String::new();
    for (name, text) in headers.iter().chain(&[("standard.h", STANDARD)]) {
        unit += &format!("#line 1 \"{OWN}{name}\"\n{text}\n");
    }
    // After our headers, which have names of their own.
    source.defines.iter().for_each(|(name, value)| unit += &format!("#define {name} {value}\n"));
    let rewritten = dynamic::rewritten(&source.text);
    if rewritten.is_some() {
        unit += &dynamic::definition();
    }
    let text = rewritten.as_ref().unwrap_or(&source.text);
    unit += &format!("{text}\n{ENTRIES}");
    for name in source.kernels() {
        unit += &format!(
            "extern \"C\" __attribute__((visibility(\"default\"))) WT_QUIET void warptape_entry_{name}(void* const* args) \
             {{ warptape_host::invoke({name}, args); }}\n\
             extern \"C\" __attribute__((visibility(\"default\"))) const unsigned* warptape_parameters_{name}() \
             {{ return warptape_host::parameters({name}); }}\n"
        );
    }
    unit
}
