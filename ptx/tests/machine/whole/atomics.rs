//! Atomic operations on 128 bits, and instructions that only say how many registers a warp has.

use crate::running::{expect, kernel};
use warptape_ptx::lane::Isa;
use warptape_ptx::memory::Memory;
use warptape_ptx::program::Program;

#[test]
fn sixteen_bytes_change_at_once() {
    // A lock of which one half names the owner and the other counts.
    let body = ".reg .b128 %q<4>; mov.b64 %a0, 0; mov.b128 %q0, {%a0, %a0};
        setp.ne.u32 %p0, %t, 0; @%p0 bra READY; atom.shared.exch.b128 %q1, [s], %q0; READY: bar.sync 0;
        TRY: atom.shared.cas.b128 %q1, [s], %q0, %q0; mov.b128 {%a1, %a2}, %q1;
        add.u64 %a3, %a1, 1; cvt.u64.u32 %a4, %t; add.u64 %a4, %a4, %a2; mov.b128 %q2, {%a3, %a4};
        atom.shared.cas.b128 %q3, [s], %q1, %q2; mov.b128 {%a5, %a6}, %q3;
        setp.ne.u64 %p1, %a5, %a1; @%p1 bra TRY; bar.sync 0;
        ld.shared.u32 %r1, [s]; ld.shared.u32 %r2, [s+8]; mad.lo.u32 %r0, %r1, 10000, %r2;";
    expect(".shared .align 16 .b8 s[16];", body, 64, |_| 64 * 10_000 + 63 * 64 / 2);
}

#[test]
fn numbers_of_registers() {
    expect("", "setmaxnreg.dec.sync.aligned.u32 40; setmaxnreg.inc.sync.aligned.u32 232; mov.u32 %r0, 1;", 128, |_| 1);
    for wrong in ["20", "36", "264"] {
        let text = kernel("", &format!("setmaxnreg.inc.sync.aligned.u32 {wrong};"));
        assert!(Program::load(&text, &mut Memory::new().unwrap(), Isa::detect()).is_err(), "{wrong}");
    }
}
