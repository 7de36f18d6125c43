//! `mbarrier`.

use super::{SHARED, WAIT, alone, one};
use crate::running::{With, expect, fault};

#[test]
fn a_phase_is_complete_when_all_have_arrived() {
    let body = format!(
        "setp.ne.u32 %p0, %t, 0; @!%p0 mbarrier.init.shared::cta.b64 [b], 96; mov.u32 %r10, s; mad.lo.u32 %r1, %t, 4, %r10; bar.sync 0;
        st.shared.u32 [%r1], %t; mbarrier.arrive.shared::cta.b64 %a0, [b]; {WAIT}
        mov.u32 %r2, 95; sub.u32 %r2, %r2, %t; mad.lo.u32 %r2, %r2, 4, %r10; ld.shared.u32 %r0, [%r2];"
    );
    expect(SHARED, &body, 96, |t| 95 - t);
}

#[test]
fn tokens_tell_phases_apart_and_how_many_were_lacking() {
    let body = "mbarrier.init.shared.b64 [b], 3; mbarrier.arrive.shared.b64 %a0, [b]; mbarrier.arrive.noComplete.shared.b64 %a1, [b], 1;
        mbarrier.test_wait.shared.b64 %p0, [b], %a0; mbarrier.arrive.shared.b64 %a2, [b];
        mbarrier.test_wait.shared.b64 %p1, [b], %a0; mbarrier.arrive.shared.b64 %a3, [b]; mbarrier.test_wait.shared.b64 %p2, [b], %a3;
        mbarrier.pending_count.b64 %r1, %a0; mbarrier.pending_count.b64 %r2, %a2; mbarrier.pending_count.b64 %r3, %a3;
        mad.lo.u32 %r0, %r1, 10, %r2; mad.lo.u32 %r0, %r0, 10, %r3; @%p0 add.u32 %r0, %r0, 1000; @%p1 add.u32 %r0, %r0, 2000; @%p2 add.u32 %r0, %r0, 4000;";
    assert_eq!(one(body), 2000 + 313);
}

#[test]
fn who_drops_out_is_not_waited_for_again() {
    let body = "mbarrier.init.shared.b64 [b], 2; mbarrier.arrive_drop.shared.b64 %a0, [b]; mbarrier.arrive.shared.b64 %a0, [b];
        mbarrier.test_wait.parity.shared.b64 %p0, [b], 0; mbarrier.arrive.shared.b64 %a0, [b]; mbarrier.test_wait.parity.shared.b64 %p1, [b], 1;
        selp.u32 %r0, 1, 0, %p0; @%p1 add.u32 %r0, %r0, 10;";
    assert_eq!(one(body), 11);
}

#[test]
fn bytes_are_counted_beside_arrivals() {
    let body = "mbarrier.init.shared.b64 [b], 1; mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [b], 48;
        mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [b], 16; mbarrier.test_wait.parity.acquire.cta.shared::cta.b64 %p0, [b], 0;
        mbarrier.complete_tx.shared::cta.b64 [b], 32; mbarrier.test_wait.parity.shared.b64 %p1, [b], 0;
        selp.u32 %r0, 1, 0, %p0; @%p1 add.u32 %r0, %r0, 10;";
    assert_eq!(one(body), 10);
}

#[test]
fn copies_of_single_threads_arrive_when_they_are_needed() {
    let copy = "mov.u64 %a1, g; mad.wide.u32 %a1, %t, 4, %a1; mov.u32 %r10, s; mad.lo.u32 %r1, %t, 4, %r10; st.global.u32 [%a1], %t;
        cp.async.ca.shared.global [%r1], [%a1], 4;";
    let init = "setp.ne.u32 %p0, %t, 0; @!%p0 mbarrier.init.shared::cta.b64 [b], COUNT; bar.sync 0;".to_owned() + copy;
    let after = "xor.b32 %r2, %t, 40; mad.lo.u32 %r2, %r2, 4, %r10; ld.shared.u32 %r0, [%r2];";
    let noinc = init.replace("COUNT", "64") + "cp.async.mbarrier.arrive.noinc.shared.b64 [b];" + WAIT + after;
    expect(SHARED, &noinc, 64, |t| t ^ 40);
    let both = init.replace("COUNT", "64")
        + "cp.async.mbarrier.arrive.shared::cta.b64 [b]; mbarrier.arrive.shared.b64 %a0, [b];"
        + WAIT
        + after;
    expect(SHARED, &both, 64, |t| t ^ 40);
}

#[test]
fn misuse_is_told() {
    assert!(alone("mbarrier.arrive.shared.b64 %a0, [b];").contains("not initialised"));
    assert!(alone("mbarrier.init.shared.b64 [b], 0;").contains("for 0 arrivals"));
    assert!(alone("mbarrier.init.shared.b64 [b], 1048576;").contains("for 1048576 arrivals"));
    assert!(alone("mbarrier.init.shared.b64 [b], 1; mbarrier.init.shared.b64 [b], 1;").contains("is one already"));
    assert!(
        alone("mbarrier.init.shared.b64 [b], 1; mbarrier.inval.shared.b64 [b]; mbarrier.arrive.shared.b64 _, [b];")
            .contains("or not any more")
    );
    assert!(
        alone("mbarrier.init.shared.b64 [b], 2; mbarrier.arrive.shared.b64 _, [b], 3;")
            .contains("arrives 3 times at an mbarrier that lacks 2")
    );
    assert!(
        alone("mbarrier.init.shared.b64 [b], 1; mbarrier.arrive.noComplete.shared.b64 %a0, [b], 1;")
            .contains("completes the phase")
    );
    assert!(
        alone("mbarrier.init.shared.b64 [b], 1; st.shared.u32 [b], 7; mbarrier.arrive.shared.b64 _, [b];")
            .contains("written over")
    );
    let old =
        "mbarrier.init.shared.b64 [b], 1; mbarrier.arrive.shared.b64 %a0, [b]; mbarrier.arrive.shared.b64 %a1, [b];
        mbarrier.test_wait.shared.b64 %p0, [b], %a0;";
    assert!(alone(old).contains("neither the one at hand"));
    let global = "mov.u64 %a0, g; mbarrier.init.b64 [%a0], 1;";
    assert!(alone(global).contains("not in shared memory"));
    let forever = format!("mbarrier.init.shared.b64 [b], 2; mbarrier.arrive.shared.b64 _, [b]; {WAIT}");
    assert!(fault(SHARED, &forever, With { threads: 1, ..With::default() }).contains("waits in a loop"));
}
