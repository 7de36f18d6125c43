//! Barriers and collectives.

use super::{With, expect, fault};

#[test]
fn a_barrier_lets_all_see_what_all_wrote() {
    let outside = ".shared .align 4 .b8 s[512];";
    let body = "mov.u32 %r10, s; mad.lo.u32 %r1, %t, 4, %r10; st.shared.u32 [%r1], %t; bar.sync 0;
        mov.u32 %r2, 127; sub.u32 %r2, %r2, %t; mad.lo.u32 %r2, %r2, 4, %r10; ld.shared.u32 %r0, [%r2];";
    expect(outside, body, 128, |t| 127 - t);
}

#[test]
fn barriers_that_count_and_reduce() {
    let body = "setp.lt.u32 %p0, %t, 10; bar.red.popc.u32 %r1, 0, %p0; bar.red.and.pred %p1, 1, %p0; bar.red.or.pred %p2, 2, !%p0;
        selp.u32 %r2, 100, 0, %p1; selp.u32 %r3, 1000, 0, %p2; add.u32 %r0, %r1, %r2; add.u32 %r0, %r0, %r3;";
    expect("", body, 96, |_| 1010);
}

#[test]
fn named_barriers_of_a_part_of_the_block() {
    // One warp makes, another takes: `bar.arrive` does not wait.
    let outside = ".shared .u32 s;";
    let body = "setp.ge.u32 %p0, %t, 64; @%p0 bra END; setp.ge.u32 %p1, %t, 32; @%p1 bra MAKE;
        bar.sync 3, 64; ld.shared.u32 %r0, [s]; bra END;
        MAKE: st.shared.u32 [s], 77; bar.arrive 3, 64; mov.u32 %r0, 5;";
    expect(outside, body, 96, |t| match t {
        0..32 => 77,
        32..64 => 5,
        _ => 0,
    });
}

#[test]
fn a_barrier_that_not_all_come_to_is_a_fault() {
    let with = With { threads: 64, ..With::default() };
    let some = "setp.lt.u32 %p0, %t, 40; @%p0 bra END; bar.sync 0;";
    assert!(
        fault("", some, with)
            .contains("waits at barrier 0 that not all threads come to: 24 of 64 did, and 40 have exited")
    );
    assert!(fault("", "bar.sync 16;", with).contains("names barrier 16"));
    assert!(fault("", "bar.sync 1, 48;", with).contains("no multiple of 32"));
}

/// What a shuffle gives, by the manual's pseudo-code (9.7.9.6).
fn shuffled(mode: &str, lane: u32, by: u32, clamp: u32) -> u32 {
    let (segment, clamp) = (clamp >> 8, clamp & 31);
    let last = lane & segment | clamp & !segment;
    let from = match mode {
        "up" if lane as i32 - by as i32 >= last as i32 => lane - by,
        "down" if lane + by <= last => lane + by,
        "bfly" if lane ^ by <= last => lane ^ by,
        "idx" if (lane & segment | by & !segment & 31) <= last => lane & segment | by & !segment & 31,
        _ => return lane * 10,
    };
    from * 10 + 1000
}

#[test]
fn shuffles_of_all_kinds() {
    for mode in ["up", "down", "bfly", "idx"] {
        for by in [0, 1, 3, 8, 17, 31] {
            for segment in [0, 0x18, 0x1c, 0x10] {
                let clamp = segment << 8 | if mode == "up" { 0 } else { 31 };
                let body = format!(
                    "mul.lo.u32 %r1, %t, 10; shfl.sync.{mode}.b32 %r0|%p0, %r1, {by}, {clamp}, 0xffffffff; @%p0 add.u32 %r0, %r0, 1000;"
                );
                expect("", &body, 32, |lane| shuffled(mode, lane, by, clamp));
            }
        }
    }
}

#[test]
fn votes_matches_and_reductions() {
    let vote = "setp.gt.u32 %p0, %t, 20; vote.sync.ballot.b32 %r0, %p0, 0xffffffff;";
    expect("", vote, 32, |_| 0xFFE0_0000);
    let any = "setp.gt.u32 %p0, %t, 30; vote.sync.any.pred %p1, %p0, 0xffffffff; vote.sync.all.pred %p2, %p0, 0xffffffff;
        vote.sync.uni.pred %p3, !%p2, 0xffffffff; selp.u32 %r1, 1, 0, %p1; selp.u32 %r2, 10, 0, %p2; selp.u32 %r3, 100, 0, %p3;
        add.u32 %r0, %r1, %r2; add.u32 %r0, %r0, %r3;";
    expect("", any, 32, |_| 101);
    let same = "and.b32 %r1, %t, 3; match.any.sync.b32 %r0, %r1, 0xffffffff;";
    expect("", same, 32, |t| 0x1111_1111 << (t % 4));
    let all = "mov.u32 %r1, 4; match.all.sync.b32 %r0|%p0, %r1, 0xffffffff; match.all.sync.b32 %r2|%p1, %t, 0xffffffff; add.u32 %r0, %r0, %r2;
        @%p1 add.u32 %r0, %r0, 5; @!%p0 add.u32 %r0, %r0, 7;";
    expect("", all, 32, |_| u32::MAX);
    let sum = "redux.sync.add.u32 %r1, %t, 0xffffffff; sub.u32 %r2, 3, %t; redux.sync.min.s32 %r3, %r2, 0xffffffff; add.u32 %r0, %r1, %r3;";
    expect("", sum, 32, |_| 496 - 28);
    let elect = "elect.sync %r1|%p0, 0xffffffff; selp.u32 %r0, 1, 0, %p0; add.u32 %r0, %r0, %r1;";
    expect("", elect, 32, |t| u32::from(t == 0));
}

#[test]
fn lanes_of_a_mask_wait_for_each_other_wherever_they_were() {
    let outside = ".shared .align 4 .b8 s[128];";
    // The lower half writes and then syncs, the upper half syncs, at another place, and then reads.
    let body = "mov.u32 %r10, s; mad.lo.u32 %r1, %t, 4, %r10; setp.ge.u32 %p0, %t, 16; @%p0 bra UPPER;
        mul.lo.u32 %r2, %t, 3; st.shared.u32 [%r1], %r2; bar.warp.sync 0xffffffff; bra END;
        UPPER: bar.warp.sync 0xffffffff; ld.shared.u32 %r0, [%r1+-64];";
    expect(outside, body, 32, |t| if t < 16 { 0 } else { (t - 16) * 3 });
}

#[test]
fn lanes_that_exit_are_not_waited_for() {
    // A third each: two wait for all of the warp, one after the other, and then the last exits.
    let body =
        "setp.lt.u32 %p0, %t, 8; setp.lt.u32 %p1, %t, 16; @!%p1 bra LAST; @%p0 bra MEET; add.u32 %r1, %t, 0; bra MEET;
        LAST: mov.u32 %r0, 9; bra END;
        MEET: vote.sync.ballot.b32 %r0, 1, 0xffffffff;";
    expect("", body, 32, |t| if t < 16 { 0xFFFF } else { 9 });
}

#[test]
fn masks_that_are_wrong_are_faults() {
    let apart = "setp.ge.u32 %p0, %t, 16; @%p0 bra UPPER; shfl.sync.idx.b32 %r0, %t, 0, 31, 0xffffffff; bra END;
        UPPER: shfl.sync.idx.b32 %r0, %t, 1, 31, 0xffffffff;";
    assert!(fault("", apart, With::default()).contains("waits for the lanes 0xffffffff of its warp"));
    let not_in = "shfl.sync.idx.b32 %r0, %t, 0, 31, 0x0000ffff;";
    assert!(fault("", not_in, With::default()).contains("is lane 16 and takes part for the lanes 0x0000ffff"));
}

#[test]
fn halves_of_a_warp_that_name_themselves_go_on_from_where_they_are() {
    // Not from where the warp's turn began: the barrier is passed once.
    let body = "bar.sync 0; and.b32 %r1, %t, 16; mov.u32 %r2, 0xffff; shl.b32 %r2, %r2, %r1;
        shfl.sync.bfly.b32 %r3, %t, 8, 4127, %r2; shfl.sync.bfly.b32 %r0, %r3, 1, 4127, %r2;";
    expect("", body, 64, |t| t ^ 9);
}
