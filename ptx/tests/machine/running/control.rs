//! Branches, calls, and lanes that go different ways.

use super::{With, expect, fault, kernel, run};

#[test]
fn lanes_that_go_different_ways_meet_again() {
    // Collatz: each lane leaves its loop at a time of its own.
    let body = "add.u32 %r1, %t, 1;
        LOOP: setp.eq.u32 %p0, %r1, 1; @%p0 bra END;
        add.u32 %r0, %r0, 1; and.b32 %r2, %r1, 1; setp.eq.u32 %p1, %r2, 0;
        @%p1 bra EVEN; mad.lo.u32 %r1, %r1, 3, 1; bra LOOP;
        EVEN: shr.u32 %r1, %r1, 1; bra LOOP;";
    expect("", body, 96, |thread| {
        let (mut n, mut steps) = (thread + 1, 0);
        while n != 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        steps
    });
}

#[test]
fn guards_of_both_signs() {
    let body = "setp.lt.u32 %p0, %t, 5; @%p0 mov.u32 %r0, 1; @!%p0 mov.u32 %r0, 2;";
    expect("", body, 32, |thread| if thread < 5 { 1 } else { 2 });
}

#[test]
fn branches_by_table() {
    let body = "and.b32 %r1, %t, 3; T: .branchtargets A, B, A, C; brx.idx %r1, T;
        A: mov.u32 %r0, 10; bra END; B: mov.u32 %r0, 20; bra END; C: mov.u32 %r0, 30; bra END;";
    expect("", body, 64, |thread| [10, 20, 10, 30][thread as usize % 4]);
    let beyond = "add.u32 %r1, %t, 1; T: .branchtargets END, END; brx.idx %r1, T;";
    assert!(fault("", beyond, With::default()).contains("branches to target 2 of 2"));
}

const FIBONACCI: &str = ".func (.param .b32 r) fib(.param .b32 n) {
    .reg .pred %p; .reg .b32 %r<6>;
    ld.param.u32 %r0, [n]; setp.lt.u32 %p, %r0, 2; @%p bra BASE;
    { .param .b32 x; .param .b32 y; sub.u32 %r1, %r0, 1; st.param.b32 [x], %r1; call (y), fib, (x); ld.param.b32 %r2, [y]; }
    { .param .b32 x; .param .b32 y; sub.u32 %r1, %r0, 2; st.param.b32 [x], %r1; call (y), fib, (x); ld.param.b32 %r3, [y]; }
    add.u32 %r0, %r2, %r3;
    BASE: st.param.b32 [r], %r0; ret;
}";

#[test]
fn recursion_to_different_depths() {
    let body = "and.b32 %r1, %t, 7;
        { .param .b32 x; .param .b32 y; st.param.b32 [x], %r1; call (y), fib, (x); ld.param.b32 %r0, [y]; }";
    expect(FIBONACCI, body, 40, |thread| [0, 1, 1, 2, 3, 5, 8, 13][thread as usize % 8]);
}

#[test]
fn recursion_without_end_is_a_fault() {
    let forever = ".func f() { call f; ret; }";
    assert!(fault(forever, "call f;", With::default()).contains("functions within each other"));
}

#[test]
fn calls_through_registers_go_where_each_lane_says() {
    let two = ".func (.param .b32 r) one(.param .b32 n) { .reg .b32 %r; ld.param.u32 %r, [n]; add.u32 %r, %r, 1; st.param.b32 [r], %r; ret; }
        .func (.param .b32 r) ten(.param .b32 n) { .reg .b32 %r; ld.param.u32 %r, [n]; add.u32 %r, %r, 10; st.param.b32 [r], %r; ret; }
        .global .u64 table[2] = {one, ten};";
    let body = "and.b32 %r1, %t, 1; mad.wide.u32 %a0, %r1, 8, table_address; ld.global.u64 %a1, [%a0];
        { .param .b32 x; .param .b32 y; st.param.b32 [x], %t; P: .callprototype (.param .b32 _) _ (.param .b32 _);
        call (y), %a1, (x), P; ld.param.b32 %r0, [y]; }";
    let body = body.replace(", table_address;", ", 0; mov.u64 %a2, table; add.u64 %a0, %a0, %a2;");
    expect(two, &body, 32, |thread| thread + if thread % 2 == 0 { 1 } else { 10 });
    let nowhere = "mov.u64 %a1, 64; { P: .callprototype _ (); call %a1, (), P; }";
    assert!(fault("", nowhere, With::default()).contains("calls a function at 0x40, where none is"));
}

#[test]
fn local_variables_are_each_calls_own() {
    let keeps = ".func (.param .b32 r) sum(.param .b32 n) {
        .reg .pred %p; .reg .b32 %r<6>; .reg .b64 %a<3>; .local .align 4 .b8 mine[16];
        ld.param.u32 %r0, [n]; mov.u64 %a0, mine; st.local.u32 [%a0+4], %r0;
        setp.eq.u32 %p, %r0, 0; @%p bra BASE;
        { .param .b32 x; .param .b32 y; sub.u32 %r1, %r0, 1; st.param.b32 [x], %r1; call (y), sum, (x); ld.param.b32 %r2, [y]; }
        ld.local.u32 %r0, [%a0+4]; add.u32 %r0, %r0, %r2;
        BASE: st.param.b32 [r], %r0; ret;
    }";
    let body = "{ .param .b32 x; .param .b32 y; st.param.b32 [x], %t; call (y), sum, (x); ld.param.b32 %r0, [y]; }";
    expect(keeps, body, 32, |thread| thread * (thread + 1) / 2);
}

#[test]
fn special_registers_of_blocks() {
    let body = "mov.u32 %r1, %ctaid.x; mov.u32 %r2, %nctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %laneid; mov.u32 %r5, %lanemask_lt;
        popc.b32 %r5, %r5; mov.u32 %r6, %warpid;
        setp.ne.u32 %p0, %r1, 2; @%p0 exit;
        mad.lo.u32 %r0, %r6, 1000, %r4; mad.lo.u32 %r0, %r2, 10000, %r0; mad.lo.u32 %r0, %r3, 100000, %r0; sub.u32 %r5, %r5, %r4; add.u32 %r0, %r0, %r5;";
    let words = run(&kernel("", body), With { threads: 40, blocks: 3, ..With::default() }).unwrap();
    assert_eq!(words[35], 40 * 100_000 + 3 * 10_000 + 1000 + 3);
}

#[test]
fn a_loop_that_nobody_ends_is_a_fault_and_one_that_another_warp_ends_is_not() {
    let forever = "L: bra L;";
    assert!(fault("", forever, With::default()).contains("waits in a loop"));
    let flag = ".shared .u32 flag;";
    let body = "setp.ne.u32 %p0, %t, 0; @%p0 bra READY; st.volatile.shared.u32 [flag], 0; READY: bar.sync 0;
        setp.lt.u32 %p0, %t, 32; @%p0 bra WAIT;
        st.volatile.shared.u32 [flag], 7; bra DONE;
        WAIT: ld.volatile.shared.u32 %r1, [flag]; setp.ne.u32 %p1, %r1, 7; @%p1 bra WAIT;
        DONE: bar.sync 0; ld.shared.u32 %r0, [flag];";
    expect(flag, body, 64, |_| 7);
}

#[test]
fn registers_wider_than_a_conversions_types_and_parts_of_registers() {
    let body = "mov.u64 %a0, 0x100000005; cvt.s64.s32 %a1, %a0; cvt.u32.u64 %r1, %a1; cvt.u16.u32 %r2, 0x12345;
        mad.lo.u32 %r0, %r2, 10, %r1; mov.u32 %r3, 0x01020304;
        vadd.u32.u32.u32 %r4, %r3.b0, %r3.b3; add.u32 %r0, %r0, %r4;";
    expect("", body, 32, |_| 0x2345 * 10 + 5 + 5);
}
