//! Loads, stores and atomic operations in all spaces.

use super::{With, expect, fault, kernel, run};

#[test]
fn vectors_of_all_sizes_there_and_back() {
    let shared = ".shared .align 16 .b8 s[2048];";
    let body = "mov.u32 %r10, s; mad.lo.u32 %r11, %t, 16, %r10;
        add.u32 %r1, %t, 1; add.u32 %r2, %t, 2; add.u32 %r3, %t, 3; add.u32 %r4, %t, 4;
        st.shared.v4.u32 [%r11], {%r1, %r2, %r3, %r4};
        ld.shared.v2.u32 {%r5, %r6}, [%r11+8]; ld.shared.u8 %r7, [%r11+4]; ld.shared.s16 %r8, [%r11+12];
        st.shared.u16 [%r11], %r5; ld.shared.u32 %r9, [%r11];
        mad.lo.u32 %r0, %r5, 1000, %r6; mad.lo.u32 %r0, %r7, 7, %r0; add.u32 %r0, %r0, %r8; add.u32 %r0, %r0, %r9;";
    expect(shared, body, 64, |t| (t + 3) * 1000 + (t + 4) + (t + 2) * 7 + (t + 4) + (t + 3));
}

#[test]
fn narrow_loads_are_filled_up_by_their_type() {
    let bytes = ".global .align 8 .b8 g[8] = {255, 127, 128, 1, 2, 3, 4, 5};";
    let signed = "mov.u64 %a0, g; ld.global.s8 %r0, [%a0]; ld.global.s8 %r1, [%a0+2]; add.u32 %r0, %r0, %r1;";
    expect(bytes, signed, 32, |_| (-1i32 - 128) as u32);
    let unsigned = "mov.u64 %a0, g; ld.global.u8 %r0, [%a0]; ld.global.u16 %r1, [%a0+2]; add.u32 %r0, %r0, %r1;";
    expect(bytes, unsigned, 32, |_| 255 + 0x180);
}

#[test]
fn generic_addresses_lead_to_their_spaces() {
    let outside = ".shared .align 4 .u32 s[32]; .const .u32 c[2] = {5, 6}; .global .u32 g = 9;";
    let body = "mov.u64 %a0, s; cvta.shared.u64 %a1, %a0; mad.wide.u32 %a2, %t, 4, 0; add.u64 %a2, %a2, %a1; st.u32 [%a2], %t;
        ld.shared.u32 %r1, [s+124]; bar.warp.sync 0xffffffff; ld.shared.u32 %r1, [s+124];
        mov.u64 %a3, c; cvta.const.u64 %a3, %a3; ld.u32 %r2, [%a3+4]; mov.u64 %a4, g; ld.u32 %r3, [%a4];
        isspacep.shared %p0, %a1; isspacep.global %p1, %a1; selp.u32 %r4, 100, 0, %p0; selp.u32 %r5, 1000, 0, %p1;
        cvta.to.shared.u64 %a5, %a1; sub.u64 %a5, %a5, %a0; cvt.u32.u64 %r6, %a5;
        add.u32 %r0, %r1, %r2; add.u32 %r0, %r0, %r3; add.u32 %r0, %r0, %r4; add.u32 %r0, %r0, %r5; add.u32 %r0, %r0, %r6;";
    expect(outside, body, 32, |_| 31 + 6 + 9 + 100);
}

#[test]
fn local_arrays_are_each_threads_own() {
    let body = ".local .align 4 .b8 mine[64]; mov.u64 %a0, mine; cvta.local.u64 %a1, %a0;
        st.local.u32 [%a0+8], %t; mul.lo.u32 %r1, %t, 3; st.u32 [%a1+12], %r1; ld.local.v2.u32 {%r2, %r3}, [%a0+8]; add.u32 %r0, %r2, %r3;";
    expect("", body, 64, |t| 4 * t);
}

#[test]
fn addresses_among_initial_contents() {
    let outside = ".global .u32 a = 3; .global .u32 b[2] = {4, 5}; .global .u64 where[2] = {a, generic(b)+4}; .global .f32 f = 0f40000000;";
    let body =
        "ld.global.u64 %a0, [where]; ld.global.u64 %a1, [where+8]; ld.global.u32 %r1, [%a0]; ld.global.u32 %r2, [%a1];
        ld.global.f32 %f0, [f]; cvt.rzi.u32.f32 %r3, %f0; mad.lo.u32 %r0, %r1, %r2, %r3;";
    expect(outside, body, 32, |_| 17);
}

#[test]
fn atomics_of_all_threads_are_all_done() {
    let outside = ".shared .align 8 .b8 s[64]; .global .u32 g = 0;";
    let body = "setp.ne.u32 %p0, %t, 0; @%p0 bra READY; st.shared.u32 [s], 0; st.shared.u32 [s+4], 0xffffffff; READY: bar.sync 0;
        atom.shared.add.u32 %r1, [s], 2; red.shared.min.u32 [s+4], %t; atom.global.max.s32 %r2, [g], %t;
        bar.sync 0; ld.shared.u32 %r0, [s]; ld.shared.u32 %r3, [s+4]; add.u32 %r0, %r0, %r3; ld.global.u32 %r4, [g]; add.u32 %r0, %r0, %r4;";
    expect(outside, body, 96, |_| 2 * 96 + 95);
}

#[test]
fn compare_and_swap_makes_a_lock() {
    let outside = ".shared .u32 lock; .shared .u32 sum;";
    let body = "setp.ne.u32 %p0, %t, 0; @%p0 bra READY; st.shared.u32 [lock], 0; st.shared.u32 [sum], 0; READY: bar.sync 0;
        TRY: atom.shared.cas.b32 %r1, [lock], 0, 1; setp.ne.u32 %p1, %r1, 0; @%p1 bra TRY;
        ld.shared.u32 %r2, [sum]; add.u32 %r2, %r2, %t; st.shared.u32 [sum], %r2; membar.cta; atom.shared.exch.b32 %r3, [lock], 0;
        bar.sync 0; ld.shared.u32 %r0, [sum];";
    // Lanes of a warp that wait for one of their own need turns: in the order of who is behind nobody who has the lock is.
    expect(outside, body, 64, |_| 63 * 64 / 2);
}

#[test]
fn floats_are_added_and_halves_too() {
    let outside = ".shared .align 4 .b8 s[16];";
    let body =
        "setp.ne.u32 %p0, %t, 0; @%p0 bra READY; st.shared.u32 [s], 0; st.shared.u32 [s+4], 0; READY: bar.sync 0;
        red.shared.add.f32 [s], 0f3F000000; red.shared.add.noftz.f16x2 [s+4], %r9; bar.sync 0;
        ld.shared.f32 %f0, [s]; cvt.rzi.u32.f32 %r1, %f0; ld.shared.u32 %r2, [s+4]; add.u32 %r0, %r1, %r2;";
    // 1.0 and 2.0 in f16, 32 times.
    let body = format!("mov.u32 %r9, 0x40003c00; {body}");
    expect(outside, &body, 32, |_| 16 + 0x5400_5000);
}

#[test]
fn dynamic_shared_memory_lies_behind_the_static() {
    let outside = ".shared .align 4 .b8 s[12]; .extern .shared .align 16 .b8 d[];";
    let body = "mov.u32 %r1, s; mov.u32 %r2, d; sub.u32 %r3, %r2, %r1; mov.u32 %r4, %dynamic_smem_size; mad.lo.u32 %r0, %r4, 100, %r3;
        st.shared.u32 [d+60], %r0; ld.shared.u32 %r0, [d+60];";
    let words = run(&kernel(outside, body), With { shared: 64, ..With::default() }).unwrap();
    assert_eq!(words[0], 6416);
}

#[test]
fn asynchronous_copies_are_done_when_they_are_waited_for_and_no_sooner() {
    let outside = ".shared .align 16 .b8 s[512]; .global .align 16 .b8 g[512] = {1, 0, 0, 0, 2, 0, 0, 0};";
    let start = "mov.u64 %a0, g; mov.u32 %r1, s; cp.async.ca.shared.global [%r1], [%a0], 4; cp.async.commit_group;
        add.u32 %r2, %r1, 256; cp.async.ca.shared.global [%r2], [%a0+4], 4; cp.async.commit_group;";
    let sum = "ld.shared.u32 %r3, [%r1]; ld.shared.u32 %r4, [%r2]; add.u32 %r0, %r3, %r4;";
    expect(outside, &format!("{start} cp.async.wait_all; {sum}"), 1, |_| 3);
    expect(outside, &format!("{start} cp.async.wait_group 1; ld.shared.u32 %r0, [%r1];"), 1, |_| 1);
    for early in [sum, "cp.async.wait_group 1; ld.shared.u32 %r0, [%r2];", "st.shared.u32 [%r1], 5;"] {
        let told = fault(outside, &format!("{start} {early}"), With { threads: 1, ..With::default() });
        assert!(told.contains("shared memory that a cp.async is still to write"), "{told}");
    }
    // What is read of global memory is what is there when somebody waits.
    expect(outside, &format!("{start} st.global.u32 [%a0], 7; cp.async.wait_all; {sum}"), 1, |_| 9);
    let zeros = "mov.u64 %a0, g; mov.u32 %r1, s; mov.u32 %r5, 4; cp.async.ca.shared.global [%r1], [%a0], 8, %r5; cp.async.wait_all;
        ld.shared.u32 %r3, [%r1]; ld.shared.u32 %r4, [%r1+4]; mad.lo.u32 %r0, %r4, 100, %r3;";
    expect(outside, zeros, 1, |_| 1);
}
