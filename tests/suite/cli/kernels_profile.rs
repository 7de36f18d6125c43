//! `warptape kernels profile`, `kernels show` and `kernels run`: what they print, in which form, and how they end.

use std::fs;

use serde_json::{Value, json};

use crate::command::{Done, device, done, fails, folder, refused, succeeds, warptape};
use crate::support::{has_compiler, on_fast_host};

/// Doubles the even elements of `x`: of each warp every second lane.
const DOUBLE: &str = "// Doubles the even elements of x.
extern \"C\" __global__ void twice(float* y, const float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && i % 2 == 0) {
        float v = x[i];
        y[i] = 2.0f * v;
    }
}
";

const LAUNCH: &str = "grid = 2\nblock = 32\n[args]\ny = \"f32[64] ones\"\nx = \"f32[64] index\"\nn = 64\n";

fn json_of(args: &[&str]) -> Value {
    let stdout = succeeds(&[&["kernels"], args, &["--json"]].concat());
    serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"))
}

/// The kernels in the profile of a name in the tree.
fn kernels(args: &[&str]) -> Vec<String> {
    let reports = json_of(&[&["profile"], args].concat());
    reports.as_array().unwrap().iter().map(|report| report["kernel"].as_str().unwrap().into()).collect()
}

#[test]
fn a_profile_of_ones_own_file() {
    if !has_compiler() {
        return;
    }
    let (_folder, file) = folder(DOUBLE, LAUNCH);
    let reports = json_of(&["profile", &file]);
    let [report] = &reports.as_array().unwrap()[..] else { panic!("{reports}") };
    assert_eq!((&report["kernel"], &report["file"], &report["gpu"]), (&json!("twice"), &json!(file), &json!("H200")));
    let launch = ["grid", "block", "launches", "dynamic_shared"].map(|key| report[key].clone());
    assert_eq!(launch, [json!([2, 1, 1]), json!([32, 1, 1]), json!(1), json!(0)]);
    assert_eq!([&report["dram_read"], &report["dram_written"]], [&json!(256), &json!(256)]);
    let moved = json!({"requests": 2, "partial": 2, "lanes": 32, "bytes": 128, "sectors": 8, "least": 4});
    let total = &report["total"];
    assert_eq!([&total["global_loads"], &total["global_stores"]], [&moved, &moved], "{report:#}");
    assert_eq!((&total["flops"], &total["operations"]["multiply"]), (&json!(32), &json!(32)));
    let at = |line: u32| {
        let line = json!([format!("{file}:{line}")]);
        let found = report["places"].as_array().unwrap().iter().find(|place| place["lines"] == line);
        found.unwrap_or_else(|| panic!("nothing at {line}: {report:#}"))["counts"].clone()
    };
    assert_eq!((&at(5)["global_loads"], &at(5)["global_stores"]["requests"]), (&moved, &json!(0)));
    assert_eq!((&at(6)["global_stores"], &at(6)["flops"]), (&moved, &json!(32)));
    assert_eq!(report["roofline"]["bound"], "memory");

    let text = succeeds(&["kernels", "profile", &file, "--gpu", "a100"]);
    for part in [
        "twice   ",
        "2 blocks of 32 threads",
        "2 requests, 4.00 sectors each",
        "32 multiplications",
        "reads 256 B, writes 256 B",
        "on A100",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    // The launch by options, over a file that says something else.
    let options = ["profile", &file, "--grid", "1", "--arg", "n=8"];
    let one = &json_of(&options)[0];
    assert_eq!((&one["grid"], &one["total"]["global_loads"]["lanes"]), (&json!([1, 1, 1]), &json!(4)));
}

#[test]
fn a_profile_of_what_lies_in_a_folder_called_kernels() {
    if !has_compiler() {
        return;
    }
    let (folder, file) = folder(DOUBLE, LAUNCH);
    let kernels = folder.path().join("kernels");
    fs::create_dir(&kernels).unwrap();
    for name in ["mine.cu", "mine.toml"] {
        fs::rename(folder.path().join(name), kernels.join(name)).unwrap();
    }
    assert!(!fs::exists(file).unwrap());
    let arguments = ["kernels", "profile", "kernels/mine.cu"];
    let Done { code, stdout, stderr } = done(warptape().current_dir(folder.path()).args(arguments));
    assert!(code == Some(0) && stdout.starts_with("twice   kernels/mine.cu"), "{stdout}{stderr}");
}

#[test]
fn a_profile_of_the_tree_is_of_what_is_named() {
    if !has_compiler() {
        return;
    }
    assert_eq!(kernels(&["relu"]), ["relu_forward", "relu_backward"]);
    assert_eq!(kernels(&["relu_backward", "--shape", "77"]), ["relu_backward"]);
    let file = "relu/vectorized.cu";
    for name in [file, &format!("kernels/{file}")] {
        assert_eq!(kernels(&[name]), ["relu_forward", "relu_backward"], "{name}");
    }
    // A rung is what it launches itself: no pass but its own, and no other problem's kernels.
    let split = ["conv2d_backward_filter", "sum_rows_forward"];
    assert_eq!(kernels(&["conv2d_backward_filter:6", "--shape", "8,8,8,32,32,3,3,1"]), split);
    assert_eq!(kernels(&["conv2d_backward_filter:5"]), split[..1]);
    assert_eq!(kernels(&["max_pool_backward:1"]), ["max_pool_backward"]);
    let matmul = &json_of(&["profile", "matmul", "--shape", "128,64,32"])[0];
    assert_eq!(matmul["total"]["operations"]["fused"], json!(128 * 64 * 32), "{matmul:#}");
}

#[test]
fn what_cannot_be_profiled_shown_or_run_is_refused() {
    if !has_compiler() {
        return;
    }
    let (folder, file) = folder(DOUBLE, "");
    let picture = |name: &str| folder.path().join(name).display().to_string();
    for command in ["profile", "show", "run"] {
        let fails = |args: &[&str], parts: &[&str]| fails(&[&["kernels", command], args].concat(), 2, parts);
        fails(&["matmull"], &["'matmull': did you mean matmul,", "`warptape kernels list`"]);
        fails(&["no/such.cu"], &["no kernel, file or folder is called 'no/such.cu'"]);
        fails(&["matmul", "--shape", "3,4"], &["matmul takes --shape m,n,k (three sizes), not 2"]);
        fails(&["matmul", "--shape", "3,0,4"], &["n is 0"]);
        fails(&["relu", "--grid", "4"], &["kernels of the tree take --shape"]);
        fails(&[&file, "--shape", "3", "--grid", "1"], &["--shape is for kernels of the tree"]);
        fails(&[&file, "--grid", "1"], &["no block is given"]);
        let Done { code, stderr, .. } = done(warptape().args(["kernels", command, &file]));
        assert!(code == Some(2) && stderr.contains("mine.toml") && stderr.contains("[args]\ny = \"f32["), "{stderr}");
        assert_eq!(done(warptape().args(["kernels", command])).code, Some(2));
    }
    // The listing has no other forms.
    for option in ["--json", "--gpu=a100", "--picture=a.png"] {
        assert_eq!(done(warptape().args(["kernels", "show", "relu", option])).code, Some(2), "{option}");
    }
    fails(&["kernels", "profile", "relu", "--gpu", "H2000"], 2, &["H2000", "H200"]);
    fails(&["kernels", "profile", "relu", "--picture", &picture("a.gif")], 2, &["a.gif", ".png", ".svg"]);
    fails(&["kernels", "profile", "relu", "--picture", &picture("no/a.png")], 1, &["no/a.png"]);
    fails(&["kernels", "run", "relu", "--device", "tpu"], 2, &["unknown device 'tpu'"]);
}

#[test]
fn a_picture_of_the_roofline() {
    if !has_compiler() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name).display().to_string();
        succeeds(&["kernels", "profile", "relu", "--picture", &path]);
        fs::read(path).unwrap()
    };
    let png = image::load_from_memory_with_format(&write("a.png"), image::ImageFormat::Png).unwrap().into_rgb8();
    assert!(png.width() >= 400 && png.height() >= 300 && png.pixels().any(|pixel| *pixel != *png.get_pixel(0, 0)));
    let svg = String::from_utf8(write("a.svg")).unwrap();
    assert!(svg.trim_start().starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("relu_forward") && svg.contains("H200"), "{svg}");
}

/// Counts need no NVRTC, registers do.
#[test]
fn a_profile_without_nvrtc() {
    if !has_compiler() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let without = |args: &[&str]| {
        let Done { code, stdout, stderr } = done(
            warptape().args(["kernels", "profile", "relu_forward"]).args(args).env("WARPTAPE_NVRTC", folder.path()),
        );
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        stdout
    };
    let text = without(&[]);
    let why = "registers not known: device cuda: WARPTAPE_NVRTC=";
    assert!(
        text.contains(why) && text.contains("holds no libnvrtc.so") && text.contains("a launch at least"),
        "{text}"
    );
    let reports: Value = serde_json::from_str(&without(&["--json"])).unwrap();
    assert_eq!((&reports[0]["usage"], &reports[0]["occupancy"]), (&Value::Null, &Value::Null));
    assert!(reports[0]["roofline"]["least_s"].as_f64().unwrap() > 0.0);
    // Compiling does need it.
    refused(warptape().args(["kernels", "compile"]).env("WARPTAPE_NVRTC", folder.path()), 1, &["holds no libnvrtc.so"]);
}

#[test]
fn figures_stand_beside_their_lines() {
    if !has_compiler() {
        return;
    }
    let (_folder, file) = folder(DOUBLE, LAUNCH);
    let text = succeeds(&["kernels", "show", &file]);
    let mut lines = text.lines().skip(2);
    for (number, source) in (1..).zip(DOUBLE.lines()) {
        let (figures, shown) = lines.next().unwrap().split_once(" | ").unwrap();
        assert_eq!(shown, source);
        let expected = match number {
            5 => vec!["8", "(4.0)", "5"],
            6 => vec!["8", "(4.0)", "32", "6"],
            _ => vec![],
        };
        let figures: Vec<&str> = figures.split_whitespace().collect();
        let plain = number.to_string();
        assert_eq!(figures, if expected.is_empty() { vec![&*plain] } else { expected }, "{text}");
    }
    assert!(text.lines().next().unwrap().trim().starts_with("global memory"));
    // A file of the tree, where the accesses stand in lines of the kernel, not of what it includes.
    let text = succeeds(&["kernels", "show", "relu_forward"]);
    let row = text.lines().find(|line| line.contains("load_partial<VEC>(x + i")).unwrap();
    assert!(row.trim_start().starts_with(char::is_numeric) && row.contains('('), "{text}");
}

#[test]
fn a_run_shows_what_is_in_the_buffers() {
    let (_folder, file) = folder(DOUBLE, LAUNCH);
    let (device, on) = (device(), ["--device"]);
    let run = |args: &[&str]| succeeds(&[&["kernels", "run"], args, &on[..], &[&*device]].concat());
    let text = run(&[&file]);
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with(&format!("ran: twice ({file}) on ")), "{text}");
    assert_eq!(lines.next(), Some("  y: f32[64]  0.0 1.0 4.0 1.0 8.0 1.0 12.0 1.0 …  (from 0.0 to 124.0)"));
    assert_eq!(lines.next(), Some("  x: f32[64]  0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0 …  (from 0.0 to 63.0)"));
    assert_eq!(lines.next(), None);

    let all: Value = serde_json::from_str(&run(&[&file, "--json"])).unwrap();
    assert_eq!((&all["kernel"], &all["file"]), (&json!("twice"), &json!(file)));
    let y = &all["buffers"][0];
    let about = ["name", "type", "count", "min", "max", "nan"].map(|key| y[key].clone());
    assert_eq!(about, [json!("y"), json!("f32"), json!(64), json!(0.0), json!(124.0), json!(0)]);
    let expected = (0..64).map(|i| if i % 2 == 0 { 2.0 * f64::from(i) } else { 1.0 });
    assert_eq!(y["values"], expected.collect::<Value>());

    // Not numbers, other types, and a long buffer.
    let odd = "extern \"C\" __global__ void odd(float* y, double* z, signed char* c, unsigned* u) {
        y[0] = 0.0f / z[0]; y[1] = 1.0f / y[2]; y[3] = 0.1f; z[1] = 0.1; c[0] = -3; u[0] = 4294967295u;\n}\n";
    let launch = "grid = 1\nblock = 1\n[args]\ny = \"f32[4] zeros\"\nz = \"f64[2] zeros\"\nc = \"i8[2] ones\"
        u = \"u32[5000] zeros\"\n";
    let (_folder, file) = folder(odd, launch);
    let text = run(&[&file]);
    for row in ["y: f32[4]     NaN inf 0.0 0.1  (from 0.0 to inf, 1 NaN)", "c: i8[2]      -3 1  (from -3 to 1)"] {
        assert!(text.contains(row), "no {row:?} in {text}");
    }
    let all: Value = serde_json::from_str(&run(&[&file, "--json"])).unwrap();
    assert_eq!(all["buffers"][0]["values"], json!(["NaN", "inf", 0.0, 0.1]));
    assert_eq!((&all["buffers"][0]["nan"], &all["buffers"][0]["max"]), (&json!(1), &json!("inf")));
    assert_eq!(all["buffers"][1]["values"], json!([0.0, 0.1]));
    let long = &all["buffers"][3];
    assert_eq!((&long["count"], &long["max"]), (&json!(5000), &json!(4294967295u32)));
    assert_eq!(long["values"], json!([4294967295u32, 0, 0, 0, 0, 0, 0, 0]));
}

#[test]
fn a_run_of_the_tree_names_the_kernels() {
    let device = device();
    let said = succeeds(&["kernels", "run", "relu", "--shape", "77", "--device", &device]);
    assert_eq!(said, "ran: relu_backward (relu/vectorized.cu), relu_forward (relu/vectorized.cu)\n");
    let all = json_of(&["run", "matmul", "--device", &device]);
    let [kernel] = all["kernels"].as_array().unwrap().as_slice() else { panic!("{all:#}") };
    assert_eq!(kernel["kernel"], "matmul_forward");
    assert!(kernel["file"].as_str().unwrap().starts_with("matmul/"), "{kernel:#}");
}

#[test]
fn a_run_says_what_the_device_says() {
    if !on_fast_host("two devices of the host are compared") {
        return;
    }
    let run = |name: &str, device: &str, parts: &[&str]| {
        let file = format!("tests/corpus/broken/{name}.cu");
        let Done { code, stdout, stderr } = done(warptape().args(["kernels", "run", &file, "--device", device]));
        assert!(code == Some(1) && stdout.is_empty() && stderr.starts_with("error: "), "{code:?} {stdout}{stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{stderr}");
    };
    run("barrier_in_a_branch", "host", &["barrier_in_a_branch.cu:9"]);
    run("block_index_forgotten", "host:checked", &["race", "block_index_forgotten.cu:5"]);
}
