//! What an instruction counts as.

use crate::device::profiled::{Instructions, Operations};

/// What `times` instructions of warps count as that are written `name`, done by `lanes` lanes in all; nothing for those that the
/// machine has put in.
pub(super) fn counted(name: Option<&str>, times: u64, lanes: u64) -> (Operations, Instructions) {
    let (mut operations, mut instructions) = Default::default();
    let Some(name) = name else { return (operations, instructions) };
    let parts: Vec<&str> = name.split('.').collect();
    let of = parts.last().copied().unwrap_or_default();
    operate(&mut operations, &parts, lanes);
    let Instructions { float, integer, convert, tensor, memory, wide, local, control, other, .. } = &mut instructions;
    let is_float = parts[1..]
        .iter()
        .any(|part| part.starts_with('f') && part.len() > 2 || part.starts_with("bf16") || *part == "tf32");
    let vector = parts.iter().find_map(|part| part.strip_prefix('v')?.parse::<u64>().ok()).unwrap_or(1);
    let bytes = of
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .split('x')
        .next()
        .and_then(|bits| bits.parse::<u64>().ok());
    let kind = match parts[0] {
        "ld" | "ldu" | "st" | "atom" | "red" | "cp" => {
            if parts[0].starts_with("ld") && bytes.unwrap_or(0) / 8 * vector >= 8 {
                *wide += times;
            }
            match parts.contains(&"local") {
                true => local,
                false if parts.iter().any(|part| part.starts_with("param") || *part == "const") => other,
                false => memory,
            }
        }
        "mma" | "wmma" | "wgmma" | "ldmatrix" | "stmatrix" | "movmatrix" => tensor,
        "cvt" | "cvta" => convert,
        "bra" | "brx" | "call" | "ret" | "exit" | "trap" | "bar" | "barrier" | "mbarrier" | "nanosleep" => control,
        "add" | "sub" | "mul" | "mad" | "fma" | "div" | "rem" | "abs" | "neg" | "min" | "max" | "set" | "setp"
        | "rcp" | "sqrt" | "rsqrt" | "sin" | "cos" | "lg2" | "ex2" | "tanh" | "copysign" | "testp"
            if is_float =>
        {
            float
        }
        "add" | "sub" | "mul" | "mad" | "mul24" | "mad24" | "sad" | "div" | "rem" | "abs" | "neg" | "min" | "max"
        | "set" | "setp" | "popc" | "clz" | "bfind" | "fns" | "brev" | "bfe" | "bfi" | "bmsk" | "szext" | "dp4a"
        | "dp2a" | "addc" | "subc" | "madc" | "and" | "or" | "xor" | "not" | "cnot" | "lop3" | "shf" | "shl"
        | "shr" => integer,
        _ => other,
    };
    *kind += times;
    (instructions.issued, instructions.lanes) = (times, lanes);
    (operations, instructions)
}

/// Operations on f32 values, as the source's are counted.
fn operate(operations: &mut Operations, parts: &[&str], lanes: u64) {
    let Operations { add, multiply, fused, divide, special, compare } = operations;
    if parts.last() != Some(&"f32") && !(matches!(parts[0], "setp" | "set") && parts.contains(&"f32")) {
        return;
    }
    *match parts[0] {
        "add" | "sub" => add,
        "mul" => multiply,
        "fma" | "mad" => fused,
        "div" | "rcp" => divide,
        "sqrt" | "rsqrt" | "sin" | "cos" | "lg2" | "ex2" | "tanh" => special,
        "setp" | "set" | "min" | "max" => compare,
        _ => return,
    } += lanes;
}
