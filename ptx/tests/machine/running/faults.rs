//! What kernels must not do, and what is said of it.

use super::{With, expect, fault, kernel, run};
use warptape_ptx::lane::Isa;
use warptape_ptx::memory::Memory;
use warptape_ptx::program::Program;

#[test]
fn accesses_that_leave_everything() {
    let with = With::default();
    let behind = "mad.wide.u32 %a0, %t, 4, %out; ld.global.u32 %r1, [%a0+4];";
    let said = fault("", behind, with);
    assert!(
        said.contains("thread (31, 0, 0) of block (0, 0, 0) reads 4 bytes") && said.contains("behind the end"),
        "{said}"
    );
    let before = "st.global.u32 [%out+-4], %t;";
    assert!(fault("", before, with).contains("where no buffer is"));
    assert!(fault("", "mov.u64 %a0, 8; ld.u32 %r1, [%a0];", with).contains("a null pointer"));
    assert!(fault("", "ld.global.u32 %r1, [%out+2];", with).contains("not aligned"));
    let shared = ".shared .align 4 .b8 s[64];";
    assert!(fault(shared, "ld.shared.u32 %r1, [s+64];", with).contains("outside of shared memory"));
    let constant = ".const .u32 c = 1;";
    assert!(fault(constant, "mov.u64 %a0, c; st.u32 [%a0], 1;", with).contains("which is constant"));
    let local = ".local .align 4 .b8 mine[8]; ld.local.u32 %r1, [mine+8];";
    assert!(fault("", local, with).contains("outside of local memory"));
    let variable = ".global .u32 g[4];";
    assert!(
        fault(variable, "mov.u64 %a0, g; atom.global.add.u32 %r1, [%a0+16], 1;", with)
            .contains("does an atomic operation")
    );
}

#[test]
fn the_first_block_that_fails_is_the_one_that_is_told() {
    for order in super::ORDERS {
        let body = "mov.u32 %r1, %ctaid.x; setp.lt.u32 %p0, %r1, 3; @%p0 bra END; mov.u64 %a0, 0; ld.u32 %r2, [%a0];";
        let told = run(&kernel("", body), With { blocks: 9, order, ..With::default() }).unwrap_err();
        if order == warptape_ptx::run::Order::Forward {
            assert_eq!(told.block, [3, 0, 0]);
        }
    }
}

#[test]
fn traps_and_asserts() {
    assert!(fault("", "setp.eq.u32 %p0, %t, 3; @%p0 trap;", With::default()).contains("thread (3, 0, 0)"));
}

#[test]
fn what_is_not_known_is_refused_with_its_line() {
    let refused = |body: &str| {
        let text = kernel("", &format!("\n{body}"));
        let (line, why) = match Program::load(&text, &mut Memory::new().unwrap(), Isa::detect()) {
            Ok(_) => panic!("{body} was taken"),
            Err(failure) => failure,
        };
        assert!(text.lines().nth(line as usize - 1).unwrap().contains(body), "{line}: {why}");
        why
    };
    assert!(refused("add.nonsense.u32 %r1, %r2, %r3;").contains("is not known"));
    assert!(refused("frobnicate.u32 %r1, %r2;").contains("is not known"));
    assert!(refused("add.u32 %r1, %r2, %a1;").contains("64 bits where one of 32"));
    assert!(refused("ld.global.weird.u32 %r1, [%a1];").contains("'.weird'"));
    assert!(refused("add.u32 %r1, %r2, %nosuch;").contains("%nosuch"));
    assert!(refused("bra NOWHERE;").contains("NOWHERE"));
    assert!(refused("call nobody;").contains("nobody"));
}

#[test]
fn the_same_whatever_the_processor_has() {
    let body = "mul.lo.u32 %r1, %t, 2654435761; cvt.rn.f32.u32 %f0, %r1; sqrt.rn.f32 %f0, %f0; mov.b32 %r0, %f0;";
    expect("", body, 64, |t| (t.wrapping_mul(2_654_435_761) as f32).sqrt().to_bits());
}
