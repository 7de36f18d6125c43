//! Kernels by the names under which run records and `warptape tune` remember them.
//!
//! A record outlives the ladder that it was made with: rungs get other numbers when one is put between them, and folders
//! get other names. So a kernel is remembered by its file and found again by what stands behind the file's number.

use super::choices::{Kernel, Table};
use super::ladder::{Summary, number};

/// Folders as records of version 0.1 name them, and as they are called today.
const RENAMED: [(&str, &str); 3] = [
    ("softmax", "cross_entropy"),
    ("conv2d/input_gradient", "conv2d/backward_input"),
    ("conv2d/filter_gradient", "conv2d/backward_filter"),
];

/// A file's folder, as it is called today, and its name without the number that it has in its ladder: what stays when a
/// ladder gets a rung more.
fn idea(file: &str) -> (&str, &str) {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let folder = RENAMED.iter().find(|(then, _)| *then == folder).map_or(folder, |(_, today)| today);
    (folder, name.split_once('_').map_or(name, |(_, idea)| idea))
}

/// The number that a recorded kernel of `ladder`, whose files are `files`, has today. None if it is no longer there.
pub(super) fn recorded(ladder: &str, mut files: impl Iterator<Item = &'static str>, kernel: &Kernel) -> Option<u32> {
    let then = match kernel {
        Kernel::File(file) => file,
        Kernel::Number(number) => *numbered(ladder)?.get((*number as usize).checked_sub(1)?)?,
    };
    files.find(|file| idea(file) == idea(then)).map(number)
}

/// The files of a ladder in version 0.1, whose records name rungs by their numbers, from 1.
fn numbered(ladder: &str) -> Option<&'static [&'static str]> {
    Some(match ladder {
        "batchnorm_forward" | "batchnorm_backward" => &[
            "batchnorm/1_two_pass.cu",
            "batchnorm/2_welford.cu",
            "batchnorm/3_vectorized.cu",
            "batchnorm/4_fused_relu.cu",
            "batchnorm/5_fused_residual.cu",
        ],
        "conv2d_forward" => &[
            "conv2d/forward/1_direct.cu",
            "conv2d/forward/2_im2col.cu",
            "conv2d/forward/3_implicit_gemm.cu",
            "conv2d/forward/4_register_tile.cu",
            "conv2d/forward/5_vectorized.cu",
            "conv2d/forward/6_split_k.cu",
            "conv2d/forward/7_winograd_2x2.cu",
            "conv2d/forward/8_winograd_4x4.cu",
        ],
        "conv2d_backward_input" => &[
            "conv2d/input_gradient/1_direct.cu",
            "conv2d/input_gradient/2_col2im.cu",
            "conv2d/input_gradient/3_implicit_gemm.cu",
            "conv2d/input_gradient/4_register_tile.cu",
            "conv2d/input_gradient/5_vectorized.cu",
            "conv2d/input_gradient/6_split_k.cu",
            "conv2d/input_gradient/7_winograd_2x2.cu",
            "conv2d/input_gradient/8_winograd_4x4.cu",
            "conv2d/input_gradient/9_by_residue.cu",
        ],
        "conv2d_backward_filter" => &[
            "conv2d/filter_gradient/1_direct.cu",
            "conv2d/forward/2_im2col.cu",
            "conv2d/filter_gradient/3_implicit_gemm.cu",
            "conv2d/filter_gradient/4_register_tile.cu",
            "conv2d/filter_gradient/5_vectorized.cu",
            "conv2d/filter_gradient/6_split_k.cu",
            "conv2d/filter_gradient/7_winograd_2x2.cu",
            "conv2d/filter_gradient/8_winograd_4x4.cu",
        ],
        "matmul_forward" => &[
            "matmul/1_naive.cu",
            "matmul/2_coalesced.cu",
            "matmul/3_shared_tile.cu",
            "matmul/4_register_tile.cu",
            "matmul/5_vectorized.cu",
            "matmul/6_double_buffer.cu",
            "matmul/7_warp_tile.cu",
        ],
        "max_pool_forward" | "max_pool_backward" => &["pool/1_naive.cu", "pool/2_vectorized.cu"],
        "sum_forward" | "sum_rows_forward" => {
            &["reduce/1_naive.cu", "reduce/2_shared_tree.cu", "reduce/3_vectorized.cu"]
        }
        "cross_entropy_forward" => &["softmax/1_naive.cu", "softmax/2_warp_per_row.cu", "softmax/3_online.cu"],
        "sgd_step" => &["optim/1_sgd.cu", "optim/2_sgd_all.cu"],
        "adam_step" => &["optim/1_adam.cu", "optim/2_adam_all.cu"],
        _ => return None,
    })
}

/// What of `table` names a kernel that is no longer one of `ladders`, as text, and the rest with today's files.
pub fn known(ladders: &[Summary], table: &Table) -> (Table, Vec<String>) {
    let (mut kept, mut lost) = (Table::new(), Vec::new());
    for (name, problems) in table {
        let files = ladders.iter().find(|ladder| ladder.name == name).map_or(&[][..], |ladder| &ladder.files);
        for (problem, kernel) in problems {
            let today = recorded(name, files.iter().copied(), kernel);
            match today.and_then(|today| files.iter().find(|file| number(file) == today)) {
                Some(file) => {
                    let kernel = Kernel::File((*file).into());
                    kept.entry(name.clone()).or_default().insert(problem.clone(), kernel);
                }
                None => lost.push(format!("{kernel} of {name}")),
            }
        }
    }
    lost.sort();
    lost.dedup();
    (kept, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_found_whatever_its_number_and_one_that_is_gone_is_told() {
        let files =
            ["matmul/1_naive.cu", "matmul/2_coalesced.cu", "matmul/5_block_tile.cu", "matmul/6_register_tile.cu"];
        let find = |kernel| recorded("matmul_forward", files.into_iter(), &kernel);
        assert_eq!(find(Kernel::File("matmul/4_register_tile.cu".into())), Some(6));
        assert_eq!(find(Kernel::Number(4)), Some(6));
        assert_eq!(find(Kernel::File("pool/4_register_tile.cu".into())), None);
        assert_eq!(find(Kernel::Number(0)), None);
        assert_eq!(find(Kernel::Number(99)), None);
        let table: Table = serde_json::from_str(
            r#"{"matmul_forward": {"a": 4, "b": "matmul/1_gone.cu"}, "conv3d": {"c": 1}, "sgd_step": {"d": 2},
                "cross_entropy_forward": {"e": "softmax/3_online.cu"},
                "conv2d_backward_input": {"f": "conv2d/input_gradient/5_vectorized.cu"}}"#,
        )
        .unwrap();
        let ladder = |name, files: &[&'static str]| Summary {
            name,
            workload: "",
            files: files.into(),
            workloads: Vec::new(),
            set_up: |_, _, _| unreachable!("nothing runs here"),
        };
        let ladders = [
            ladder("matmul_forward", &files),
            ladder("sgd_step", &["optim/1_sgd.cu", "optim/2_sgd_all.cu"]),
            ladder("cross_entropy_forward", &["cross_entropy/3_online.cu"]),
            ladder("conv2d_backward_input", &["conv2d/backward_input/5_vectorized.cu"]),
        ];
        let (kept, lost) = known(&ladders, &table);
        assert_eq!(lost, ["matmul/1_gone.cu of matmul_forward", "rung 1 of conv3d"]);
        assert_eq!(kept["matmul_forward"]["a"], Kernel::File("matmul/6_register_tile.cu".into()));
        assert_eq!(kept["sgd_step"]["d"], Kernel::File("optim/2_sgd_all.cu".into()));
        assert_eq!(kept["cross_entropy_forward"]["e"], Kernel::File("cross_entropy/3_online.cu".into()));
        let renamed = Kernel::File("conv2d/backward_input/5_vectorized.cu".into());
        assert_eq!(kept["conv2d_backward_input"]["f"], renamed);
    }
}
