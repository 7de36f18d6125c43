//! Bulk copies and reductions.

use super::{SHARED, WAIT, alone, one};
use crate::running::expect;

/// Fills `g` with numbers from 1 on and lets one thread copy 256 bytes of it to `s`, whose mbarrier is `b`.
const LOAD: &str = "mov.u32 %r10, s; mov.u32 %r11, b; mov.u64 %a0, g; mad.wide.u32 %a1, %t, 4, %a0; add.u32 %r1, %t, 1; st.global.u32 [%a1], %r1;
    setp.ne.u32 %p0, %t, 0; @!%p0 mbarrier.init.shared.b64 [b], 1; bar.sync 0; @%p0 bra NEXT;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [b], 256;
    cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r10], [%a0], 256, [%r11]; NEXT:";

#[test]
fn a_copy_is_there_after_its_wait() {
    let body = format!(
        "{LOAD} {WAIT} mov.u32 %r2, 63; sub.u32 %r2, %r2, %t; mad.lo.u32 %r2, %r2, 4, %r10; ld.shared.u32 %r0, [%r2];"
    );
    expect(SHARED, &body, 64, |t| 64 - t);
    let early = format!("{LOAD} ld.shared.u32 %r0, [s];");
    assert!(alone(&early).contains("reads shared memory that an asynchronous copy is still to write"));
    let over = format!("{LOAD} st.shared.u32 [s+252], %r0;");
    assert!(alone(&over).contains("writes shared memory that an asynchronous copy is still to write"));
    let beside = format!("{LOAD} st.shared.u32 [s+256], 5; ld.shared.u32 %r0, [s+256]; {WAIT}");
    assert_eq!(one(&beside), 5);
}

/// Copies 64 bytes of `s`, which hold 7, to `h`.
const STORE: &str = "mov.u32 %r10, s; mov.u64 %a0, h; st.shared.u32 [s], 7; fence.proxy.async.shared::cta;
    cp.async.bulk.global.shared::cta.bulk_group [%a0], [%r10], 64; cp.async.bulk.commit_group;";

#[test]
fn a_copy_back_is_read_and_written_when_its_group_is_waited_for() {
    assert_eq!(one(&format!("{STORE} cp.async.bulk.wait_group 0; ld.global.u32 %r0, [%a0];")), 7);
    // Not waited for: what was there before.
    assert_eq!(one(&format!("st.global.u32 [h], 3; {STORE} cp.async.bulk.wait_group 1; ld.global.u32 %r0, [%a0];")), 3);
    // Read, but not written yet.
    let read = "cp.async.bulk.wait_group.read 0; st.shared.u32 [s], 9; ld.global.u32 %r1, [%a0]; cp.async.bulk.wait_group 0; ld.global.u32 %r0, [%a0];
        mad.lo.u32 %r0, %r1, 100, %r0;";
    assert_eq!(one(&format!("st.global.u32 [h], 3; {STORE} {read}")), 307);
    assert!(alone(&format!("{STORE} st.shared.u32 [s], 9;")).contains("is still to read"));
    assert_eq!(one(&format!("{STORE} ld.shared.u32 %r0, [s];")), 7);
    let unfenced = STORE.replace("fence.proxy.async.shared::cta;", "fence.acq_rel.cta;");
    assert!(alone(&unfenced).contains("a fence.proxy.async is missing"));
}

#[test]
fn reductions_add_to_what_is_there() {
    let body = "mov.u32 %r10, s; mov.u64 %a0, h; st.shared.u32 [s], 7; st.shared.u32 [s+4], 0x40003c00; st.shared.f32 [s+8], 0f3F800000; st.shared.u32 [s+12], 9;
        st.global.u32 [h], 5; st.global.u32 [h+16], 0x40003c00; st.global.f32 [h+40], 0f3F800000; st.global.u32 [h+60], 3;
        st.shared.u32 [s+16], 0x40003c00; fence.proxy.async.shared::cta;
        cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%a0], [%r10], 16; add.u32 %r1, %r10, 16; add.u64 %a1, %a0, 16;
        cp.reduce.async.bulk.global.shared::cta.bulk_group.add.noftz.f16 [%a1], [%r1], 16;
        cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; ld.global.u32 %r0, [h]; ld.global.u32 %r2, [h+16]; add.u32 %r0, %r0, %r2;";
    assert_eq!(one(body), 12 + 0x4400_4000);
}

#[test]
fn misuse_is_told() {
    let copy = |to: &str, from: &str, bytes: &str| {
        let body = format!(
            "mbarrier.init.shared.b64 [b], 1; mov.u32 %r10, {to}; mov.u64 %a0, {from}; mov.u32 %r11, b;
            cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r10], [%a0], {bytes}, [%r11];"
        );
        alone(&body)
    };
    assert!(copy("s+8", "g", "16").contains("must be multiples of 16"));
    assert!(copy("s", "g+4", "16").contains("must be multiples of 16"));
    assert!(copy("s", "g", "24").contains("must be multiples of 16"));
    assert!(copy("s", "g", "2048").contains("behind the end of its buffer"));
    assert!(copy("s+512", "g", "1024").contains("outside of shared memory"));
    let behind =
        "mov.u32 %r10, s; mov.u64 %a0, h+512; cp.async.bulk.global.shared::cta.bulk_group [%a0], [%r10], 1024;";
    assert!(alone(behind).contains("behind the end of its buffer"));
    let nobody = "mov.u32 %r10, s; mov.u64 %a0, g; mov.u32 %r11, b;
        cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r10], [%a0], 16, [%r11];";
    assert!(alone(nobody).contains("names an mbarrier that is not initialised"));
    let twice = format!(
        "{} cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r10], [%a0], 16, [%r11];",
        "mov.u32 %r10, s; mov.u64 %a0, g; mov.u32 %r11, b; mbarrier.init.shared.b64 [b], 1;
        cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r10], [%a0], 16, [%r11];"
    );
    assert!(alone(&twice).contains("is still to write"));
}
