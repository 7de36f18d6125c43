//! Blocks of clusters, as NVRTC writes what they do together, and what they must not do.

use crate::device::{Device, Shape, shape};
use crate::running::{ORDERS, With, fault, kernel, run};

const TEXT: &str = include_str!("../texts/clusters.ptx");

/// What a kernel with input `values` leaves in `count` words.
fn words(name: &str, shape: Shape, values: &[u32], more: &[u32], count: usize) -> Vec<u32> {
    let mut device = Device::new(TEXT);
    let out = device.buffer(&vec![0u32; count]).to_le_bytes();
    let values = if values.is_empty() { None } else { Some(device.buffer(values).to_le_bytes()) };
    let more: Vec<[u8; 4]> = more.iter().map(|word| word.to_le_bytes()).collect();
    let mut params: Vec<&[u8]> = values.iter().map(|values| &values[..]).collect();
    params.push(&out);
    params.extend(more.iter().map(|word| &word[..]));
    device.run(name, shape, &params).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    device.read(u64::from_le_bytes(out), count)
}

#[test]
fn blocks_read_each_others_shared_memory() {
    for order in ORDERS {
        let out = words("neighbours", shape([8, 1], 32, order), &[], &[], 256);
        for (at, word) in out.iter().enumerate() {
            let (block, thread) = (at as u32 / 32, at as u32 % 32);
            let first = block / 4 * 4;
            let sum: u32 = (first..first + 4).map(|other| 1000 * other + 31 - thread).sum();
            assert_eq!(*word, sum + 1_000_000 * (block % 4), "{order:?}: at {at}");
        }
    }
}

#[test]
fn atomics_in_other_blocks() {
    let values: Vec<u32> = (0..2000).map(|at: u32| at.wrapping_mul(2_654_435_761) >> 20).collect();
    for order in ORDERS {
        let shape = Shape { cluster: [2, 1, 1], ..shape([4, 1], 64, order) };
        let out = words("histogram", shape, &values, &[1000], 128);
        for cluster in 0..2 {
            for bin in 0..64 {
                let of = &values[cluster * 1000..][..1000];
                let expected = of.iter().filter(|value| **value % 64 == bin).count();
                assert_eq!(out[cluster * 64 + bin as usize] as usize, expected, "{order:?}: bin {bin} of {cluster}");
            }
        }
    }
}

#[test]
fn one_copy_for_all_blocks_and_words_for_the_next() {
    let values: Vec<u32> = (0..64).map(|at| 7 * at).collect();
    for order in ORDERS {
        let out = words("multicast", shape([4, 1], 64, order), &values, &[], 256);
        assert!(out.iter().enumerate().all(|(at, word)| *word == 7 * (63 - at as u32 % 64)), "{order:?}: {out:?}");
        let out = words("post", shape([2, 1], 32, order), &[], &[], 64);
        let sum = 31 * 32 / 2;
        let expected = (0..64).map(|at: u32| (1 - at / 32) * 100 + at % 32 + 1000 * sum);
        assert_eq!(out, expected.collect::<Vec<_>>(), "{order:?}");
    }
}

#[test]
fn registers_tell_the_cluster() {
    let read = |register: &str, blocks, cluster| {
        // Clusters run side by side: the last block alone writes.
        let last = format!("mov.u32 %r1, %ctaid.x; setp.ne.u32 %p0, %r1, {}; @%p0 exit;", blocks - 1);
        let body = format!("{last} mov.u32 %r0, {register};");
        run(&kernel("", &body), With { blocks, cluster, threads: 1, ..With::default() }).unwrap()[0]
    };
    assert_eq!(read("%cluster_ctarank", 6, 3), 2);
    assert_eq!(read("%cluster_nctarank", 6, 3), 3);
    assert_eq!(read("%clusterid.x", 6, 3), 1);
    assert_eq!(read("%nclusterid.x", 6, 3), 2);
    assert_eq!(read("%cluster_ctaid.x", 6, 3), 2);
    assert_eq!(read("%ctaid.x", 6, 3), 5);
    assert_eq!(read("%nclusterid.x", 6, 1), 6);
}

#[test]
fn what_a_cluster_must_not_do() {
    let two = With { blocks: 2, cluster: 2, ..With::default() };
    let shared = ".shared .align 4 .b8 s[128];";
    assert!(fault("", "", With { blocks: 3, ..two }).contains("cannot run"));
    assert!(fault("", "barrier.cluster.wait;", two).contains("without having arrived"));
    assert!(fault("", "barrier.cluster.arrive; barrier.cluster.arrive;", two).contains("again before it waited"));
    let some =
        "mov.u32 %r1, %cluster_ctarank; setp.eq.u32 %p0, %r1, 0; @%p0 bra WAIT; bar.sync 0; L: nanosleep.u32 10; bra L;
        WAIT: barrier.cluster.arrive.aligned; barrier.cluster.wait.acquire.aligned;";
    assert!(fault("", some, two).contains("waits at the cluster's barrier that not all threads come to: 32 of 64 did"));
    // Who has exited is not waited for.
    let gone = "mov.u32 %r1, %cluster_ctarank; setp.eq.u32 %p0, %r1, 0; @%p0 bra END; barrier.cluster.arrive; barrier.cluster.wait;";
    assert!(run(&kernel("", gone), two).is_ok());
    let remote =
        "mov.u32 %r1, s; mov.u32 %r2, %cluster_ctarank; xor.b32 %r2, %r2, 1; mapa.shared::cluster.u32 %r3, %r1, %r2;";
    let beyond = format!("{remote} st.shared::cluster.u32 [%r3+128], 1;");
    assert!(fault(shared, &beyond, two).contains("outside of shared memory"));
    let own = format!("{remote} st.shared.u32 [%r3], 1;");
    assert!(fault(shared, &own, two).contains("outside of shared memory"));
    let nobody = "mov.u32 %r1, s; mapa.shared::cluster.u32 %r3, %r1, 2;";
    assert!(fault(shared, nobody, two).contains("to block 2 of its cluster, which there is not"));
    let over = "mov.u32 %r2, %cluster_ctarank; setp.eq.u32 %p0, %r2, 1; @%p0 bra END; mov.u32 %r1, s; mov.u32 %r5, 0;
        L: nanosleep.u32 10; add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 5; @%p1 bra L; mapa.shared::cluster.u32 %r3, %r1, 1; ld.shared::cluster.u32 %r4, [%r3];";
    assert!(fault(shared, over, two).contains("shared memory of a block that is over"));
    let rank = format!(
        "{remote} getctarank.shared::cluster.u32 %r4, %r3; getctarank.shared::cluster.u32 %r5, %r1;
        mov.u32 %r6, %cluster_ctarank; xor.b32 %r4, %r4, %r6; xor.b32 %r5, %r5, %r6; mad.lo.u32 %r0, %r4, 10, %r5;
        barrier.cluster.arrive; barrier.cluster.wait;"
    );
    assert_eq!(run(&kernel(shared, &rank), two).unwrap()[0], 10);
}
