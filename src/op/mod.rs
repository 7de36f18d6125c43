//! Ops: one file each, holding the formula and its derivative, the shape check, the choice of kernel, the launch and the
//! backward closure.
//!
//! An op is a plain function that takes the [`Tape`](crate::Tape) first. A new one is its kernel file, its op file, and
//! its name here: as a module, and in `for_each_op!` if it has cases.

pub mod adaptive_pool;
pub mod add;
pub mod augment;
pub mod batchnorm;
pub mod cam;
pub mod ceiling;
pub mod conv2d;
pub mod cross_entropy;
pub mod dropout;
pub mod linear;
pub mod matmul;
pub mod metrics;
pub mod pool;
pub mod random;
pub mod reduce;
pub mod relu;
pub mod then;
pub mod topk;
pub mod workload;

use std::collections::BTreeMap;

use crate::check::Case;
use crate::error::Result;
use crate::launch::{Variant, ladder};
use workload::Workload;

/// Calls the macro `$then` with the names of the ops that have cases. This is the only list of them: [`cases`] is made
/// from it, and so are the tests, one per op.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_op {
    ($then:ident) => {
        $then! { adaptive_pool add batchnorm cam conv2d cross_entropy dropout linear matmul pool reduce relu }
    };
}

macro_rules! collect_cases {
    ($($op:ident)*) => {
        /// Examples of every op, by the op's name.
        pub fn cases() -> Vec<(&'static str, Vec<Case>)> {
            vec![$((stringify!($op), $op::cases())),*]
        }

        /// Every kernel at work: op by op with the rungs that ops choose by themselves, then every rung of every ladder.
        pub fn workloads() -> Vec<Workload> {
            let mut all = vec![$((stringify!($op), $op::workloads())),*];
            // Ops without cases: what they compute has no derivative, or is not a function of tensors alone.
            all.push(("augment", augment::workloads()));
            all.push(("ceiling", ceiling::workloads()));
            all.push(("metrics", metrics::workloads()));
            all.push(("topk", topk::workloads()));
            all.push(("optim", crate::optim::workloads()));
            let mut all: Vec<Workload> =
                all.into_iter().flat_map(|(op, list)| list.into_iter().map(move |one| one.of(op))).collect();
            all.extend(workload::rungs(&all));
            all
        }
    };
}
for_each_op!(collect_cases);

/// Every kernel as a GPU runs it, for a look at what the compiler makes of it.
pub fn variants() -> Vec<Variant> {
    let lists = [
        adaptive_pool::variants(),
        add::variants(),
        augment::variants(),
        batchnorm::variants(),
        cam::variants(),
        ceiling::variants(),
        conv2d::variants(),
        cross_entropy::variants(),
        dropout::variants(),
        matmul::variants(),
        pool::variants(),
        reduce::variants(),
        relu::variants(),
        topk::variants(),
        crate::optim::variants(),
    ];
    lists.into_iter().flatten().collect()
}

/// Every ladder of kernels.
pub fn ladders() -> Vec<ladder::Summary> {
    let lists = [
        batchnorm::ladders(),
        conv2d::ladders(),
        cross_entropy::ladders(),
        matmul::ladders(),
        pool::ladders(),
        reduce::ladders(),
        crate::optim::ladders(),
    ];
    lists.concat()
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
