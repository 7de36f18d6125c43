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
pub(crate) mod columns;
pub mod conv2d;
pub mod cross_entropy;
pub mod dropout;
pub(crate) mod elementwise;
pub mod ladder;
pub mod linear;
pub mod matmul;
pub mod metrics;
pub mod pool;
pub mod random;
pub mod recorded;
pub mod reduce;
pub mod relu;
mod rows;
pub mod then;
pub mod tile;
pub mod topk;
pub mod workload;

use crate::check::Case;
use crate::device::{Arg, Defines, Device, Geometry};
use crate::error::{Error, Result};
use workload::Workload;

/// A kernel file with the constants that it is compiled with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Path below `kernels/`.
    pub file: &'static str,
    /// Compile-time constants.
    pub defines: Defines,
}

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

/// Launches kernel `entry` of `variant`.
pub(crate) fn launch(device: &Device, variant: &Variant, entry: &str, geometry: Geometry, args: &[Arg]) -> Result<()> {
    let function = device.function(variant.file, entry, &variant.defines)?;
    device.launch(&function, geometry, args)
}

/// A size as kernels take it.
///
/// # Errors
/// More than an `int` holds.
pub(crate) fn dimension(size: usize) -> Result<Arg> {
    let size =
        i32::try_from(size).map_err(|_| Error::shape("launch", format!("{size} elements are more than 2^31 - 1")))?;
    Ok(Arg::I32(size))
}
