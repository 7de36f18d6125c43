//! Blocks that wait for each other.

use super::{ORDERS, With, fault, kernel, run};

#[test]
fn all_blocks_of_a_grid_meet() {
    // As a cooperative launch does: each adds one, then all look until all have.
    let outside = ".global .u32 count = 0; .global .u32 sum = 0;";
    let body = "bar.sync 0; setp.ne.u32 %p0, %t, 0; @%p0 bra MEET; mov.u32 %r1, %nctaid.x; atom.global.add.u32 %r2, [count], 1;
        L: ld.volatile.global.u32 %r3, [count]; setp.lt.u32 %p1, %r3, %r1; @%p1 bra L; MEET: bar.sync 0;
        red.global.add.u32 [sum], 1; ld.volatile.global.u32 %r0, [count];";
    for order in ORDERS {
        let with = With { threads: 64, blocks: 40, order, ..With::default() };
        assert_eq!(run(&kernel(outside, body), with).unwrap(), vec![40; 64], "{order:?}");
    }
}

#[test]
fn blocks_take_tickets_in_the_order_of_their_numbers() {
    // Each waits for the one before it, whichever begins first.
    let outside = ".global .u32 done = 0;";
    let body = "setp.ne.u32 %p0, %t, 0; @%p0 bra END; mov.u32 %r1, %ctaid.x;
        L: ld.volatile.global.u32 %r2, [done]; setp.ne.u32 %p1, %r2, %r1; @%p1 bra L;
        add.u32 %r2, %r2, 1; membar.gl; st.volatile.global.u32 [done], %r2; mov.u32 %r0, 3;";
    for order in ORDERS {
        let with = With { threads: 1, blocks: 50, order, ..With::default() };
        assert_eq!(run(&kernel(outside, body), with).unwrap()[0], 3, "{order:?}");
    }
}

#[test]
fn who_spins_forever_is_told() {
    let outside = ".global .u32 done = 0;";
    let body = "L: ld.volatile.global.u32 %r2, [done]; setp.ne.u32 %p1, %r2, 7; nanosleep.u32 1; @%p1 bra L;";
    let with = With { threads: 1, blocks: 2, ..With::default() };
    assert!(fault(outside, body, with).contains("waits in a loop for what no other thread will do"));
}
