//! What a compiled kernel costs: the assembler's report, read from NVRTC's log.
//!
//! With `--ptxas-options=-v` NVRTC appends what `ptxas -v` prints, per function:
//!
//! ```text
//! ptxas info    : Compiling entry function 'matmul' for 'sm_90a'
//! ptxas info    : Function properties for matmul
//! ptxas         .     16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
//! ptxas info    : Used 94 registers, used 1 barriers, 2048 bytes smem
//! ```

/// Registers, shared memory and spills of one function of a cubin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The function, as the assembler names it.
    pub function: String,
    /// True for a `__global__` function, false for a device function that was not inlined into its callers.
    pub kernel: bool,
    /// Registers per thread; 0 for a device function, whose registers its callers count.
    pub registers: u32,
    /// Static shared memory per block in bytes.
    pub shared: u32,
    /// Local memory per thread in bytes: spilled registers, and arrays indexed by what is known only at run time.
    pub stack: u32,
    /// Bytes of code-visible spill stores.
    pub spill_stores: u32,
    /// Bytes of code-visible spill loads.
    pub spill_loads: u32,
}

impl Usage {
    /// True if the assembler ran out of registers and moved values through memory.
    pub fn spills(&self) -> bool {
        self.spill_stores + self.spill_loads > 0
    }
}

/// Reads the assembler's report from an NVRTC log, one entry per function in the order in which they were assembled.
pub fn usage(log: &str) -> Vec<Usage> {
    let mut found: Vec<Usage> = Vec::new();
    let mut entry = "";
    for line in log.lines() {
        if let Some(rest) = line.split_once("Compiling entry function '").map(|p| p.1) {
            entry = rest.split('\'').next().unwrap_or("");
        } else if let Some(function) = line.split_once("Function properties for ").map(|p| p.1.trim()) {
            found.push(Usage { function: function.into(), kernel: function == entry, ..Usage::default() });
        } else if let Some(last) = found.last_mut() {
            if line.contains("bytes stack frame") {
                last.stack = number_before(line, "bytes stack frame");
                last.spill_stores = number_before(line, "bytes spill stores");
                last.spill_loads = number_before(line, "bytes spill loads");
            } else if line.contains(": Used ") {
                // Properties of called functions may stand between a kernel's own and its register count.
                let kernel = found.iter_mut().rfind(|u| u.function == entry);
                if let Some(kernel) = kernel {
                    kernel.registers = number_before(line, "registers");
                    kernel.shared = number_before(line, "bytes smem");
                }
            }
        }
    }
    found
}

/// Lines of an NVRTC log that a kernel author wants to see although everything compiled: compiler warnings, and the
/// assembler's remarks on performance (`wgmma` that had to be serialized, `setmaxnreg` that was ignored).
pub fn warnings(log: &str) -> Vec<&str> {
    log.lines().filter(|l| l.contains(": warning") || l.contains("Potential Performance Loss")).map(str::trim).collect()
}

/// The number that stands right before `words`, 0 if they do not occur.
fn number_before(line: &str, words: &str) -> u32 {
    let before = line.split_once(words).map_or("", |p| p.0.trim_end());
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
    digits.parse().unwrap_or(0)
}

/// What `kernel` is called in `image` (a cubin, or PTX): by its name if it is `extern "C"`, else by a name of the C++ ABI,
/// which begins with `_Z`, the length of the kernel's name and that name. None if the image has no such kernel.
pub fn symbol(image: &[u8], kernel: &str) -> Option<String> {
    // Each kernel of a cubin has a section of its own; in PTX it is declared as an entry.
    let start: &[u8] = if image.starts_with(b"\x7fELF") { b".text." } else { b".entry " };
    let mangled = format!("_Z{}{kernel}", kernel.len());
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'$';
    let rests = (0..image.len()).map(|at| &image[at..]).filter_map(|rest| rest.strip_prefix(start));
    let words = rests.map(|rest| &rest[..rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len())]);
    let names = words.filter_map(|word| std::str::from_utf8(word).ok());
    // The plain name wins: another kernel's may begin like a mangled one.
    let mut found: Vec<&str> = names.filter(|name| *name == kernel || name.starts_with(&mangled)).collect();
    found.sort_by_key(|name| *name != kernel);
    found.first().map(|name| (*name).to_owned())
}

/// What to say of a kernel that a compiled file, whose text declares the kernels `declared`, was asked for in vain.
pub fn without_symbol(kernel: &str, declared: &[String]) -> String {
    if declared.iter().any(|name| name == kernel) {
        return format!(
            "declares the kernel '{kernel}', and its machine code has none of that name: a template that nothing instantiates, a kernel in a namespace and a static one get no name to be launched by; write extern \"C\" __global__ void {kernel}(…)"
        );
    }
    match declared {
        [] => format!("has no kernel '{kernel}'; it has none"),
        _ => format!("has no kernel '{kernel}'; it has {}", declared.join(", ")),
    }
}

/// False for an image that was cut off: an ELF file that ends before its tables do, or PTX without its NUL.
pub fn is_whole(image: &[u8]) -> bool {
    if !image.starts_with(b"\x7fELF") {
        return image.last() == Some(&0);
    }
    let field = |at: usize, bytes: usize| {
        let bytes = image.get(at..at + bytes)?;
        Some(bytes.iter().rev().fold(0u64, |value, &byte| value << 8 | byte as u64))
    };
    let within = |offset, size, count| field(offset, 8)?.checked_add(field(size, 2)? * field(count, 2)?);
    // Where the ELF64 header keeps offset, entry size and entry count of the program and of the section table, one of
    // which NVRTC writes last.
    let ends = [within(32, 54, 56), within(40, 58, 60)];
    ends.iter().all(|end| end.is_some_and(|end| end <= image.len() as u64))
}
