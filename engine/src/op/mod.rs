//! Ops: one file each, holding the formula and its derivative, the shape check, the choice of kernel, the launch, the
//! backward closure, and examples.
//!
//! An op is a plain function that takes the [`Tape`](crate::Tape) first. A new one is its kernel file, its op file with a
//! `pub static OP`, and its name in `for_each_op!`.

pub mod entry;
pub mod epilogue;
pub mod random;
pub mod workload;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::launch::ladder;
pub use entry::Op;
use workload::Workload;

/// Calls the macro `$then` with the names of all ops, in the order in which lists show them. This is the only list of them:
/// modules, [`ALL`] and the tests of each op are made from it.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_op {
    ($then:ident) => {
        $then! {
            adaptive_pool
            add
            batchnorm
            cam
            cast
            conv2d
            cross_entropy
            dropout
            gelu
            index_select
            linear
            matmul
            pool
            reduce
            relevance
            relu
            scale
            augment
            ceiling
            metrics
            topk
            optim
        }
    };
}

// `cargo fmt` does not see modules that a macro declares: `.ci/run` formats engine/src/op by itself.
macro_rules! declare {
    ($($op:ident)*) => {
        $(pub mod $op;)*

        /// Every op.
        pub static ALL: &[&Op] = &[$(&$op::OP),*];
    };
}
for_each_op!(declare);

/// Every kernel at work: op by op with the rungs that ops choose by themselves, then every rung of every ladder.
pub fn workloads() -> Vec<Workload> {
    let of_op = |op: &&Op| (op.workloads)().into_iter().map(|one| one.of(op.name)).collect::<Vec<_>>();
    let mut all: Vec<Workload> = ALL.iter().flat_map(of_op).collect();
    all.extend(workload::rungs(&all));
    all
}

/// Every ladder of kernels.
pub fn ladders() -> Vec<ladder::Summary> {
    ALL.iter().flat_map(|op| (op.ladders)()).collect()
}

/// The rungs that `text` asks for, by ladder: `ladder:rung,ladder:rung`, for
/// [`Choices::want`](crate::launch::choices::Choices::want).
///
/// # Errors
/// A ladder or a rung that there is not: which there are.
pub fn wanted(text: &str) -> Result<BTreeMap<String, u32>> {
    ladder::wanted(&ladders(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::choices::{Kernel, Table};
    use crate::launch::recorded::known;

    /// What version 0.1 remembers by number is a kernel of today's ladder.
    #[test]
    fn numbers_of_version_0_1_are_found() {
        let rungs = [
            ("batchnorm_forward", 5),
            ("batchnorm_backward", 5),
            ("conv2d_forward", 8),
            ("conv2d_backward_input", 9),
            ("conv2d_backward_filter", 8),
            ("cross_entropy_forward", 3),
            ("matmul_forward", 7),
            ("max_pool_forward", 2),
            ("max_pool_backward", 2),
            ("sum_forward", 3),
            ("sum_rows_forward", 3),
            ("sgd_step", 2),
            ("adam_step", 2),
        ];
        let problems = |count| (1..=count).map(|number| (format!("p{number}"), Kernel::Number(number))).collect();
        let table: Table = rungs.into_iter().map(|(ladder, count)| (ladder.to_owned(), problems(count))).collect();
        let (kept, lost) = known(&ladders(), &table);
        assert_eq!(lost, [""; 0]);
        assert!(kept.iter().all(|(ladder, problems)| problems.len() == table[ladder].len()));
    }
}
