//! Launches of a user's own kernel, described in a TOML file or by options.

use std::path::Path;

use clap::Parser;
use warptape::cli::kernels::Launch;
use warptape::device::{Defines, Source};
use warptape::error::{Error, Result};
use warptape::launch_plan::{Extent, Fill, Plan, Prepared, Spec, Value};

use crate::support::{device, orders};

const SAXPY: &str = "
extern \"C\" __global__ void saxpy(float* y, const float* x, int n, float a) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
}";

const LAUNCH: &str = "grid = 4\nblock = 32\n[args]\ny = \"f32[100] ones\"\nx = \"f32[100] index\"\nn = 100\na = 0.5\n";

fn source(text: &str, plan: &Plan) -> Source {
    Source::from_text("mine.cu", text, &plan.defines).unwrap()
}

fn prepared(text: &str, toml: &str) -> Result<Prepared> {
    let plan = Plan::from_toml(toml).unwrap();
    plan.prepare(&device(), &source(text, &plan))
}

/// The message that preparing `text` by `toml` ends with.
fn refused(text: &str, toml: &str) -> String {
    let error = prepared(text, toml).err().unwrap();
    assert!(matches!(error, Error::Usage(_)), "{error:?}");
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

fn floats(prepared: &Prepared, name: &str) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(&prepared.bytes(name).unwrap())
}

#[test]
fn a_whole_file() {
    let plan = Plan::from_toml(
        "kernel = \"mix\"\ngrid = [4, 2]\nblock = [16, 4, 2]\nshared = 512\n[defines]\nTILE = 16\nT = \"float\"\nSCALE = 0.5\n
         [args]\na = 3\nb = -0.25\nc = true\nd = [8, 16]\ne = \"null\"\nf = \"f32[32*32]\"\ng = \"u8[7] below 10\"
         h = \"float4[16] zeros\"\ni = \"i64[3] index\"\nj = \"same as f\"\nk = \"f64[2] empty\"\nl = \"i16[5] ones\"",
    );
    let plan = plan.unwrap();
    assert_eq!(plan.kernel.as_deref(), Some("mix"));
    assert_eq!((plan.grid, plan.block, plan.shared), (Some(Extent([4, 2, 1])), Some(Extent([16, 4, 2])), 512));
    assert_eq!(plan.defines, Defines::new().with("TILE", 16).with("T", "float").with("SCALE", "0.5"));
    use warptape::device::signature::Element::*;
    let buffer = |element, count, fill| Value::Buffer(Spec { element, count, fill });
    let expected = [
        ("a", Value::Int(3)),
        ("b", Value::Float(-0.25)),
        ("c", Value::Int(1)),
        ("d", Value::Ints(vec![8, 16])),
        ("e", Value::Null),
        ("f", buffer(F32, 1024, Fill::Random)),
        ("g", buffer(U8, 7, Fill::Below(10))),
        ("h", buffer(F32, 64, Fill::Zeros)),
        ("i", buffer(I64, 3, Fill::Index)),
        ("j", Value::Same("f".into())),
        ("k", buffer(F64, 2, Fill::Empty)),
        ("l", buffer(I16, 5, Fill::Ones)),
    ];
    assert_eq!(plan.args.into_iter().collect::<Vec<_>>(), expected.map(|(name, value)| (name.to_owned(), value)));
}

#[derive(Parser)]
struct Command {
    file: String,
    #[command(flatten)]
    launch: Launch,
}

/// The command line alone, and over a file that lies beside the kernel or is named.
#[test]
fn options_win_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("saxpy.cu"), SAXPY).unwrap();
    let find = |options: &[&str]| {
        let command = Command::parse_from(["check", &path("saxpy.cu")].iter().chain(options));
        command.launch.plan(Path::new(&command.file))
    };
    let options = "--kernel saxpy --grid 3,2 --block 64 --shared 8 --define A=1 --arg n=7 --arg a=[1,2] --arg x=null";
    let plan = find(&options.split(' ').collect::<Vec<_>>()).unwrap();
    assert_eq!(plan.kernel.as_deref(), Some("saxpy"));
    assert_eq!((plan.grid, plan.block, plan.shared), (Some(Extent([3, 2, 1])), Some(Extent([64, 1, 1])), 8));
    assert_eq!(plan.defines, Defines::new().with("A", "1"));
    assert_eq!(plan.args["n"], Value::Int(7));
    assert_eq!(plan.args["a"], Value::Ints(vec![1, 2]));
    assert_eq!(plan.args["x"], Value::Null);

    std::fs::write(path("saxpy.toml"), LAUNCH).unwrap();
    std::fs::write(path("other.toml"), "block = 8\n").unwrap();
    assert_eq!(find(&[]).unwrap().args["n"], Value::Int(100));
    let plan = find(&["--arg", "n = 50", "--block", "16"]).unwrap();
    assert_eq!(
        (plan.args["n"].clone(), plan.block, plan.grid),
        (Value::Int(50), Some(Extent([16, 1, 1])), Some(Extent([4, 1, 1])))
    );
    let plan = find(&["--launch", &path("other.toml")]).unwrap();
    assert_eq!((plan.block, plan.grid), (Some(Extent([8, 1, 1])), None));

    let says = |options: &[&str], what: &str| {
        let error = find(options).unwrap_err().to_string();
        assert!(error.contains(what) && !error.contains('\n'), "{error}");
    };
    says(&["--arg", "n"], "--arg n: write NAME=VALUE");
    says(&["--arg", "x=f33[5]"], "--arg x=f33[5]: 'f33' is no element type: use one of f32, f64,");
    says(&["--define", "A"], "--define A: write NAME=VALUE");
    says(&["--define", "A B=1"], "--define A B=1: a name has letters");
    says(&["--launch", &path("none.toml")], "none.toml: ");
    for bad in ["0", "1,2,3,4", "-1", "x", ""] {
        let Err(error) = Command::try_parse_from(["check", "saxpy.cu", &format!("--grid={bad}")]) else {
            panic!("{bad}")
        };
        assert!(error.to_string().contains("give one to three sizes of at least 1"), "{error}");
    }
}

/// What a user's kernel computes by its description, in every thread order.
#[test]
fn launches() {
    let plan = Plan::from_toml(LAUNCH).unwrap();
    for (label, device) in orders() {
        let ready = plan.prepare(&device, &source(SAXPY, &plan)).unwrap();
        assert_eq!(ready.buffers.iter().map(|b| &*b.name).collect::<Vec<_>>(), ["y", "x"]);
        crate::support::launch_prepared(&ready, &device).unwrap();
        let expected: Vec<f32> = (0..100).map(|i| 0.5 * i as f32 + 1.0).collect();
        assert_eq!(floats(&ready, "y"), expected, "{label}");
        device.check_guards().unwrap();
    }
}

const MIX: &str = "
struct Shape { int rows, columns; };
extern \"C\" __global__ void other() {}
extern \"C\" __global__ void mix(long long* out, Shape s, unsigned u, size_t z, const unsigned char* bytes, const float4* v, int* none) {
    extern __shared__ int line[];
    line[threadIdx.x] = threadIdx.x;
    __syncthreads();
    if (threadIdx.x == 0) {
        out[0] = s.rows * 100 + s.columns, out[1] = u, out[2] = (long long)z, out[3] = bytes[6];
        out[4] = (long long)v[1].w, out[5] = none == nullptr, out[6] = line[blockDim.x - 1] + ADD;
    }
}";

#[test]
fn every_kind_of_argument_arrives() {
    let toml = "kernel = \"mix\"\ngrid = 1\nblock = 8\nshared = 32\n[defines]\nADD = 1000\n[args]\nout = \"i64[7] empty\"\ns = [3, 4]
        u = 4000000000\nz = 5000000000\nbytes = \"u8[7] index\"\nv = \"f32[8] index\"\nnone = \"null\"";
    let ready = prepared(MIX, toml).unwrap();
    crate::support::launch_prepared(&ready, ready.buffers[0].buffer.device()).unwrap();
    let out: Vec<i64> = bytemuck::pod_collect_to_vec(&ready.bytes("out").unwrap());
    assert_eq!(out, [304, 4_000_000_000, 5_000_000_000, 6, 7, 1, 1007]);
}

/// Two parameters may share a buffer, and nothing is written to an empty one (a guarded device poisons it).
#[test]
fn shared_and_empty_buffers() {
    let toml = LAUNCH.replace("f32[100] ones", "same as x");
    let ready = prepared(SAXPY, &toml).unwrap();
    crate::support::launch_prepared(&ready, ready.buffers[0].buffer.device()).unwrap();
    assert_eq!(floats(&ready, "x"), (0..100).map(|i| 1.5 * i as f32).collect::<Vec<_>>());
    let ready = prepared(SAXPY, &LAUNCH.replace("ones", "empty")).unwrap();
    if ready.buffers[0].buffer.device().info().name != "host:checked" {
        // Checked mode knows by itself what nobody wrote, and writes no poison there.
        let poison = warptape::device::guard::POISON.to_le_bytes();
        assert!(ready.bytes("y").unwrap().chunks(4).all(|word| word == poison));
    }
    assert!(ready.bytes("n").unwrap_err().to_string().contains("'n' has no buffer"));
}

#[test]
fn random_numbers() {
    let toml = "grid = 1\nblock = 32\n[args]\na = \"f32[5000]\"\nb = \"f32[5000]\"\nc = \"i32[5000]\"\nd = \"u8[5000] below 3\"";
    let text = "extern \"C\" __global__ void k(float* a, float* b, int* c, unsigned char* d) {}";
    let first = prepared(text, toml).unwrap();
    let again = prepared(text, toml).unwrap();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(first.bytes(name).unwrap(), again.bytes(name).unwrap());
    }
    let (a, b) = (floats(&first, "a"), floats(&first, "b"));
    assert_ne!(a, b);
    let mean = a.iter().sum::<f32>() / 5000.0;
    let (low, high) = a.iter().fold((0f32, 0f32), |(low, high), &v| (low.min(v), high.max(v)));
    assert!((-1.0..-0.99).contains(&low) && (0.99..1.0).contains(&high) && mean.abs() < 0.05, "{low} {mean} {high}");
    let c: Vec<i32> = bytemuck::pod_collect_to_vec(&first.bytes("c").unwrap());
    assert!((0..100).all(|wanted| c.contains(&wanted)) && c.iter().all(|v| (0..100).contains(v)));
    let d = first.bytes("d").unwrap();
    assert!((0..3).all(|wanted| d.contains(&wanted)) && d.iter().all(|v| *v < 3));
}

#[test]
fn arguments_that_do_not_fit() {
    let with = |from: &str, to: &str| refused(SAXPY, &LAUNCH.replace(from, to));
    let missing = "kernel saxpy: no argument for 'n' (int): add n = 1024 under [args], or ‹arg='n=1024'›";
    assert_eq!(with("n = 100\n", ""), missing);
    let missing = "no argument for 'x' (float*): add x = \"f32[1024]\" under [args], or ‹arg='x=f32[1024]'›";
    assert_eq!(with("x = \"f32[100] index\"\n", ""), format!("kernel saxpy: {missing}"));
    assert_eq!(with("n = 100", "N = 100"), "kernel saxpy: has no parameter 'N' (did you mean 'n'?); it has y, x, n, a");
    assert_eq!(with("n = 100", "zzz = 1"), "kernel saxpy: has no parameter 'zzz'; it has y, x, n, a");
    let kinds = [
        ("n = 100", "n = 0.5", "argument 'n' is int in the kernel: give it a whole number"),
        ("n = 100", "n = \"f32[4]\"", "give it a whole number"),
        ("n = 100", "n = 3000000000", "3000000000 does not fit into it"),
        ("a = 0.5", "a = \"null\"", "give it a number such as 0.5"),
        ("\"f32[100] index\"", "7", "'x' is float* in the kernel: give it a buffer such as f32[1024], or null"),
        ("f32[100] index", "i32[100] index", "give it f32[100], not i32[100]"),
        ("f32[100] ones", "same as n", "argument 'y' is float* in the kernel: \"same as n\" names no buffer"),
        ("a = 0.5", "a = [1]", "give it a number"),
        ("f32[100] ones", "f32[1000000000000]", "bytes are more than"),
    ];
    for (from, to, what) in kinds {
        let message = with(from, to);
        assert!(message.contains(what), "{message}");
    }
    let toml = "kernel = \"mix\"\ngrid = 1\nblock = 8\n[args]\nout = \"i64[7] empty\"\ns = SHAPE\nu = 1\nz = 1\nbytes = \"u8[7]\"
        v = \"f32[6]\"\nnone = \"null\"";
    let shape = |shape: &str| refused(MIX, &toml.replace("SHAPE", shape));
    assert!(shape("3").contains("a struct is given as the list of its integers"), "{}", shape("3"));
    assert!(shape(&format!("{:?}", [1; 17])).contains("at most 16 integers can be passed, not 17"));
    assert!(shape("[1]").contains("argument 'v' is float4* in the kernel: give it f32[8], not f32[6]"));
}

#[test]
fn geometries_that_cannot_be() {
    let with = |from: &str, to: &str| refused(SAXPY, &LAUNCH.replace(from, to));
    assert_eq!(with("grid = 4\n", ""), "no grid is given: add grid = 256 to the TOML file, or ‹grid=256›");
    assert_eq!(with("block = 32\n", ""), "no block is given: add block = 256 to the TOML file, or ‹block=256›");
    assert_eq!(with("block = 32", "block = [64, 32]"), "block 64 × 32 × 1: a block has at most 1024 threads");
    assert!(with("grid = 4", "grid = [1, 65536]").contains("a grid has at most 2147483647 × 65535 × 65535 blocks"));
}

#[test]
fn kernels_that_are_not_there() {
    assert_eq!(refused(MIX, LAUNCH), "mine.cu: has several kernels; choose one with ‹kernel›: other, mix");
    let named = |name: &str| refused(MIX, &format!("kernel = \"{name}\"\n{LAUNCH}"));
    assert_eq!(named("mixx"), "mine.cu: has no kernel 'mixx' (did you mean 'mix'?); it has other, mix");
    assert_eq!(named("zzz"), "mine.cu: has no kernel 'zzz'; it has other, mix");
    assert_eq!(refused("void helper() {}", LAUNCH), "mine.cu: has no __global__ function; is it a kernel file?");
    assert_eq!(refused("extern \"C\" __global__ void k() {}", LAUNCH), "kernel k: has no parameter 'a'; it has none");
}

/// Without any description the error shows one, and that one works.
#[test]
fn no_launch_at_all() {
    let plan = Plan::default();
    let text = "struct P { int a, b; };
        extern \"C\" __global__ void k(float4* out, const unsigned* in, int rows, unsigned columns, float scale, P p, P* q) {}";
    let error = plan.prepare(&device(), &source(text, &plan)).err().unwrap();
    let Error::NoLaunch { example, .. } = &error else { panic!("{error:?}") };
    let message = error.to_string();
    assert!(message.starts_with("mine.cu: nothing says how to launch it; put this into mine.toml"), "{message}");
    let ready = prepared(text, example).unwrap();
    crate::support::launch_prepared(&ready, ready.buffers[0].buffer.device()).unwrap();
    assert_eq!(ready.args.len(), 7);
    let head = "kernel = \"k\"\ngrid = 4\nblock = 256\n\n[args]\nout = \"f32[1024] zeros\"";
    for part in [head, "in = \"u32[1024]\"", "rows = 32\ncolumns = 32\nscale = 0.5\np = [1, 2, 3]"] {
        assert!(example.contains(part), "{example}");
    }
}

/// What a kernel only writes begins empty, so that what it leaves out shows; anything else begins as zeros.
#[test]
fn empty_is_what_a_kernel_only_writes() {
    let text = "void helper(float* p);
        __global__ void k(float* a, float* b, float* c, float* d, float* e, float* f, float* g, int n) {
            int i = threadIdx.x;
            if (i < n) a[i] = 1; else a[g[i] > 0 ? i : 0] = b[i]; // e = 1, d[0]
            b[i] = 2; c[i] += 1; atomicAdd(d, 1.0f); e[i] = 1; if (e[i] == 1) helper(f);
        }";
    let plan = Plan::default();
    let source = source(text, &plan);
    let Err(Error::NoLaunch { example, .. }) = plan.prepare(&device(), &source) else { panic!() };
    let fill = |name: &str| {
        let line = example.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        (line.contains("[1024] empty"), line.contains("the kernel only writes it"))
    };
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        assert_eq!(fill(name), (name == "a", name == "a"), "{name}: {example}");
    }
    assert!(example.contains("b = \"f32[1024] zeros\"  # float*: zeros, since the kernel may read it"), "{example}");
}
