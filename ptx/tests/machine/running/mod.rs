//! Kernels that are written for what they show, run from beginning to end.

mod control;
mod faults;
mod grid;
mod memory;
mod together;

use warptape_ptx::lane::Isa;
use warptape_ptx::memory::{Holds, Memory};
use warptape_ptx::program::Program;
use warptape_ptx::run::{Fault, Launch, Order, launch};

/// All orders that results must not depend on.
pub const ORDERS: [Order; 4] = [Order::Forward, Order::Reverse, Order::Random(1), Order::Random(2)];

/// A kernel `k(out, n)` around a body, which finds `%out` and, of 32 bits, `%t` (the thread), `%n`, `%r0` to `%r19`; of 64 bits
/// `%a0` to `%a9`; predicates `%p0` to `%p9`; floats `%f0` to `%f9`. Each thread's `%r0` goes to `out[%t]` at the end.
pub fn kernel(outside: &str, body: &str) -> String {
    format!(
        ".version 8.5\n.target sm_90a\n.address_size 64\n{outside}
        .visible .entry k(.param .u64 out, .param .u32 n) {{
            .reg .pred %p<10>; .reg .b32 %r<20>; .reg .b32 %t, %n; .reg .f32 %f<10>; .reg .b64 %a<10>; .reg .b64 %out, %to;
            ld.param.u64 %out, [out]; ld.param.u32 %n, [n];
            mov.u32 %t, %tid.x; mov.u32 %r0, 0;
            {body}
            END: mad.wide.u32 %to, %t, 4, %out; st.global.u32 [%to], %r0; ret;
        }}"
    )
}

/// What is launched, beside the text.
#[derive(Clone, Copy)]
pub struct With {
    pub threads: u32,
    pub blocks: u32,
    pub cluster: u32,
    pub shared: u32,
    pub n: u32,
    pub order: Order,
}

impl Default for With {
    fn default() -> Self {
        Self { threads: 32, blocks: 1, cluster: 1, shared: 0, n: 0, order: Order::Forward }
    }
}

/// The words that all threads leave, or the fault.
pub fn run(text: &str, with: With) -> Result<Vec<u32>, Fault> {
    let mut memory = Memory::new().unwrap();
    let program = Program::load(text, &mut memory, Isa::detect()).unwrap_or_else(|e| panic!("{e:?} in\n{text}"));
    let out = memory.allocate(4 * with.threads as usize, Holds::Buffer).unwrap();
    let params = [&out.to_le_bytes()[..], &with.n.to_le_bytes()].concat();
    let what = Launch {
        memory: &memory,
        program: &program,
        kernel: program.kernel("k").unwrap(),
        grid: [with.blocks, 1, 1],
        block: [with.threads, 1, 1],
        cluster: [with.cluster, 1, 1],
        shared: with.shared,
        workspace: 0,
        params: &params,
        order: with.order,
        cores: 2,
    };
    launch(&what, None).map_err(|fault| *fault)?;
    // SAFETY: the buffer holds as many words.
    Ok(unsafe { std::slice::from_raw_parts(out as *const u32, with.threads as usize) }.to_vec())
}

/// Runs a body in all orders, and compares each thread's word with what is expected.
pub fn expect(outside: &str, body: &str, threads: u32, expected: impl Fn(u32) -> u32) {
    for order in ORDERS {
        let words = run(&kernel(outside, body), With { threads, order, ..With::default() });
        let words = words.unwrap_or_else(|fault| panic!("{order:?}: {fault}"));
        let all: Vec<u32> = (0..threads).map(&expected).collect();
        assert_eq!(words, all, "{order:?}");
    }
}

/// The fault of a body, as a sentence.
pub fn fault(outside: &str, body: &str, with: With) -> String {
    match run(&kernel(outside, body), with) {
        Ok(words) => panic!("no fault, and {words:?}"),
        Err(fault) => fault.to_string(),
    }
}
