//! `wgmma` between tensor copies, as NVRTC writes them; and what becomes of it where a wait or fence is missing.

use crate::device::{Device, Shape, shape};
use crate::running::{ORDERS, With, fault, kernel, run};
use crate::whole::{halves, integers, product};
use warptape_ptx::run::{Fault, Order};
use warptape_ptx::tensor::map::{Encode, tiled};

const TEXT: &str = include_str!("../texts/matmul_wgmma.ptx");
const SIZES: (usize, usize, usize) = (128, 64, 448);

/// The map of a row-major matrix, in tiles of 64 rows and `width` columns.
fn map(address: u64, data: u32, size: u64, rows: usize, columns: usize, width: u32) -> [u8; 128] {
    let encode = Encode {
        data,
        rank: 2,
        address,
        dimensions: &[columns as u64, rows as u64],
        strides: &[columns as u64 * size],
        element_strides: &[1, 1],
        interleave: 0,
        swizzle: if size == 2 { 3 } else { 0 },
        l2_promotion: 0,
        oob_fill: 0,
    };
    tiled(&encode, &[width, 64]).unwrap().encode()
}

/// What the matmul leaves, and what is right.
fn matmul(text: &str, order: Order) -> Result<(Vec<f32>, Vec<f32>), Fault> {
    let (m, n, k) = SIZES;
    let (a, b) = (integers(m * k, 1), integers(k * n, 2));
    let turned: Vec<i32> = (0..n * k).map(|at| b[at % k * n + at / k]).collect();
    let mut device = Device::new(text);
    let (a_at, b_at) = (device.buffer(&halves(&a)), device.buffer(&halves(&turned)));
    let out = device.buffer(&vec![0f32; m * n]);
    let maps = [map(a_at, 6, 2, m, k, 64), map(b_at, 6, 2, n, k, 64), map(out, 7, 4, m, n, 64)];
    let shape = Shape { shared: 82_944, ..shape([n as u32 / 64, m as u32 / 64], 160, order) };
    device.run("matmul", shape, &[&maps[0], &maps[1], &maps[2], &(k as u32).to_le_bytes()])?;
    let expected = product(&a, &b, n, k).iter().map(|x| *x as f32).collect();
    Ok((device.read(out, m * n), expected))
}

#[test]
fn a_matmul_of_copies_and_multiplies_in_flight() {
    for order in ORDERS {
        let (found, expected) = matmul(TEXT, order).unwrap_or_else(|fault| panic!("{order:?}: {fault}"));
        assert_eq!(found, expected, "{order:?}");
    }
}

/// The text without the instructions that contain `what`, waits made tests whose outcome nobody looks at.
fn without(what: &str, from: usize, count: usize) -> String {
    let mut seen = 0;
    let lines = TEXT.lines().map(|line| {
        let is = line.contains(what);
        seen += usize::from(is);
        if is && (from + 1..=from + count).contains(&seen) { "" } else { line }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert!(seen > from, "{what}");
    text
}

#[test]
fn whatever_is_left_out_is_told() {
    let said = |text: &str| match matmul(text, Order::Forward) {
        Ok((found, expected)) if found == expected => "right".to_owned(),
        Ok((found, _)) if found.iter().any(|x| x.is_nan()) => "NaN".to_owned(),
        Ok(_) => "wrong".to_owned(),
        Err(fault) => fault.to_string(),
    };
    assert!(said(&without("wgmma.fence", 0, 99)).contains("before any wgmma.fence"));
    // Sums are not there without a wait, and tiles are copied over while they are read.
    let waits = said(&without("wgmma.wait_group", 0, 99));
    assert!(waits.contains("writes shared memory that a wgmma in flight is still to read"), "{waits}");
    assert_eq!(said(&without("wgmma.commit_group", 0, 99)), waits);
    // Waits for full stages, then for empty ones: the first that stand in the text.
    let tests: Vec<usize> = TEXT.match_indices("LOOP: mbarrier.try_wait").map(|(at, _)| at).collect();
    let unconditional = |which: usize| {
        let at = tests[which];
        let end = at + TEXT[at..].find("bra LOOP;").unwrap() + 9;
        format!("{}{}", &TEXT[..at], &TEXT[end..])
    };
    let empty = said(&unconditional(0));
    assert!(empty.contains("at an mbarrier that lacks 0 arrivals"), "{empty}");
    let full = said(&unconditional(1));
    assert!(full.contains("reads shared memory that an asynchronous copy is still to write"), "{full}");
    assert_eq!(said(&without("cp.async.bulk.wait_group", 0, 1)), "right");
    assert!(said(&without("fence.proxy.async", 0, 1)).contains("a fence.proxy.async is missing"));
    assert!(said(&without("mbarrier.init", 0, 1)).contains("not initialised"));
}

#[test]
fn sums_are_no_numbers_until_they_are_waited_for() {
    let multiply_after = |fence: &str, between: &str| {
        let body = format!(
            "mov.u32 %r10, s; mad.lo.u32 %r1, %t, 16, %r10; mov.u32 %r2, 0x3c003c00; st.shared.v4.u32 [%r1], {{%r2, %r2, %r2, %r2}};
            st.shared.v4.u32 [%r1+2048], {{%r2, %r2, %r2, %r2}}; FENCE bar.sync 0; cvt.u64.u32 %a0, %r10; shr.u64 %a0, %a0, 4;
            or.b64 %a0, %a0, 0x0000001000080000; add.u64 %a1, %a0, 128; mov.f32 %f0, 0f40000000; mov.f32 %f1, %f0; mov.f32 %f2, %f0; mov.f32 %f3, %f0;
            wgmma.fence.sync.aligned; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {{%f0, %f1, %f2, %f3}}, %a0, %a1, 1, 1, -1, 0, 0;
            {between} mov.b32 %r0, %f0;"
        );
        let body = body.replace("FENCE", fence);
        run(&kernel(".shared .align 1024 .b8 s[4096];", &body), With { threads: 128, ..With::default() })
    };
    let multiply = |between: &str| multiply_after("fence.proxy.async;", between);
    let done = "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;";
    assert_eq!(multiply(done).unwrap(), vec![(-14f32).to_bits(); 128]);
    let late = "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 1;";
    assert_eq!(multiply(late).unwrap(), vec![u32::MAX; 128]);
    let over = multiply(&format!("st.shared.u32 [s], 0; {done}")).unwrap_err().to_string();
    assert!(over.contains("wgmma in flight is still to read"), "{over}");
    let unfenced = multiply_after("", done).unwrap_err().to_string();
    assert!(unfenced.contains("a fence.proxy.async is missing"), "{unfenced}");
}

#[test]
fn metadata_choose_what_is_multiplied() {
    // A of ones in registers; in each four rows of B only the last is of ones.
    let multiply = |metadata: &str, selector: u32| {
        let body = format!(
            "mov.u32 %r10, s; and.b32 %r1, %t, 31; mad.lo.u32 %r1, %r1, 16, %r10; mov.u32 %r2, 0; mov.u32 %r3, 0x3c000000;
            st.shared.v4.u32 [%r1], {{%r2, %r3, %r2, %r3}}; fence.proxy.async; bar.sync 0; cvt.u64.u32 %a1, %r10;
            shr.u64 %a1, %a1, 4; or.b64 %a1, %a1, 0x0000001000080000; mov.u32 %r5, 0x3c003c00; mov.f32 %f0, 0f40000000;
            mov.f32 %f1, %f0; mov.f32 %f2, %f0; mov.f32 %f3, %f0; and.b32 %r6, %t, 16; setp.eq.u32 %p0, %r6, 0; {metadata}
            wgmma.fence.sync.aligned; wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.f16.f16 {{%f0, %f1, %f2, %f3}},
            {{%r5, %r5, %r5, %r5}}, %a1, %r4, {selector}, 1, 1, 1, 0;
            wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0; mov.b32 %r0, %f0;"
        );
        run(&kernel(".shared .align 1024 .b8 s[4096];", &body), With { threads: 128, ..With::default() })
    };
    // Rows 0 to 3 have their ones in the last two columns of four, others in the first two.
    let found = multiply("selp.b32 %r4, 0xeeeeeeee, 0x44444444, %p0;", 1).unwrap();
    let expected: Vec<u32> = (0..128).map(|thread| if thread & 16 == 0 { 10f32 } else { 2f32 }.to_bits()).collect();
    assert_eq!(found, expected);
    let wrong = multiply("mov.u32 %r4, 0xeeeeeee5;", 0).unwrap_err().to_string();
    assert!(wrong.contains("the metadata of chunk 0 of row 0 of sparse A, 0b0101, have no meaning"), "{wrong}");
}

#[test]
fn descriptors_that_lead_nowhere_and_warps_without_a_group() {
    let multiply = |a: &str| {
        format!(
            "mov.u64 %a0, {a}; mov.u64 %a1, 0; wgmma.fence.sync.aligned;
            wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {{%f0, %f1, %f2, %f3}}, %a0, %a1, 1, 1, 1, 0, 0;"
        )
    };
    let outside = ".shared .align 1024 .b8 s[4096];";
    let with = With { threads: 128, ..With::default() };
    assert!(fault(outside, &multiply("0x0000001000083000"), with).contains("outside of shared memory"));
    assert!(fault(outside, &multiply("0x8000"), with).contains("belong to no field"));
    let few = With { threads: 96, ..With::default() };
    assert!(fault(outside, &multiply("0"), few).contains("in a warp that no four warps have"));
    let apart = "setp.lt.u32 %p0, %t, 32; selp.b64 %a0, 64, 0, %p0; mov.u64 %a1, 0; wgmma.fence.sync.aligned;
        wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f0, %f1, %f2, %f3}, %a0, %a1, 1, 1, 1, 0, 0;
        wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;";
    assert!(fault(outside, apart, with).contains("with other matrices than other warps"));
}
