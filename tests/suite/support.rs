//! The devices that tests run on, kernels written in a test, and the names in a folder.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use warptape::device::checked::Findings;
use warptape::device::host::{Host, Mode, Options, Order};
use warptape::device::{Arg, Defines, Function, Geometry, Module, Tree, ptx};
use warptape::launch_plan::Prepared;
use warptape::{DType, Device, Environment};

/// Thread orders of the host device.
pub const ORDERS: [Order; 4] = [Order::Forward, Order::Reverse, Order::Random(7), Order::Random(8)];

/// Guarded devices (poisoned outputs, sentinels) with a label each: on the host every thread order with the CPU's tiles
/// and with a GPU's; with `WARPTAPE_TEST_DEVICE=cuda` the GPU; with `ptx` a GPU in software in every order, with `host:checked`
/// and `ptx:checked` every thread order in checked mode, where a launch with a finding fails.
pub fn devices() -> Vec<(String, Device)> {
    if let Some(cuda) = cuda() {
        return vec![cuda];
    }
    if on_checked() {
        return ORDERS[..3].iter().map(|&order| in_checked_mode(order)).collect();
    }
    if on_ptx() {
        return ORDERS[..3].iter().map(|&order| ptx(order)).collect();
    }
    let mut devices = Vec::new();
    for gpu_tiles in [false, true] {
        for order in &ORDERS[..3] {
            let label = format!("host {order:?}{}", if gpu_tiles { " with GPU tiles" } else { "" });
            devices.push((label, host(*order, gpu_tiles)));
        }
    }
    devices
}

/// One device for what takes long on all of [`devices`]: the GPU, or the host with a CPU's tiles.
pub fn device() -> Device {
    if on_checked() {
        return in_checked_mode(Order::Forward).1;
    }
    if on_ptx() {
        return ptx(Order::Forward).1;
    }
    cuda().map_or_else(|| host(Order::Forward, false), |(_, device)| device)
}

/// Devices for kernels that a test brings itself: the GPU, or the host in every thread order.
pub fn orders() -> Vec<(String, Device)> {
    if on_checked() {
        return ORDERS.map(in_checked_mode).into();
    }
    if on_ptx() {
        return ORDERS.map(ptx).into();
    }
    let host = || ORDERS.map(|order| (format!("host {order:?}"), host(order, false))).into();
    cuda().map_or_else(host, |cuda| vec![cuda])
}

fn named() -> Option<String> {
    std::env::var("WARPTAPE_TEST_DEVICE").ok()
}

/// Whether tests run on a GPU; those of what only the host device does then have nothing to test.
pub fn on_gpu() -> bool {
    named().is_some() && !on_checked() && !on_ptx()
}

/// Whether tests run on a GPU in software, which finds mistakes by itself that a GPU does not.
pub fn on_ptx() -> bool {
    named().is_some_and(|name| name == "ptx" || name.starts_with("ptx:"))
}

/// Whether tests run in checked mode, of whichever device.
pub fn on_checked() -> bool {
    named().is_some_and(|name| name == "host:checked" || on_ptx() && name.ends_with(":checked"))
}

/// Whether tests run on the host device in its fast mode. Says so where they do not, and that this test of `what` is skipped.
pub fn on_fast_host(what: &str) -> bool {
    if let Some(name) = named() {
        println!("skipped: {what}, and WARPTAPE_TEST_DEVICE is {name}");
    }
    named().is_none()
}

/// Whether there is a C++ compiler, which tests of the host device need that run beside those of a GPU, too. Says so where
/// there is none, and that this test is skipped.
pub fn has_compiler() -> bool {
    let found = warptape::device::host::toolchain::find(&Environment::of_process());
    if let Err(missing) = &found {
        println!("skipped: {missing}");
    }
    found.is_ok()
}

/// Whether to run all there is: on a GPU, where nothing takes long, and where `WARPTAPE_TEST_ALL` is set, as CI does. The usual
/// run leaves out what takes minutes on a processor and finds little. A GPU in software is a processor: 0 says so.
pub fn runs_all() -> bool {
    std::env::var("WARPTAPE_TEST_ALL").map_or(on_gpu(), |value| value != "0")
}

/// Whether tests that run in every element type take this one: all, unless `WARPTAPE_TEST_ELEMENTS` names some (`f32,bf16`).
pub fn takes(element: DType) -> bool {
    let named = std::env::var("WARPTAPE_TEST_ELEMENTS").unwrap_or_default();
    named.is_empty() || named.split(',').any(|name| name == element.to_string())
}

/// The opposite of [`runs_all`], having said so.
pub fn skips_long() -> bool {
    if !runs_all() {
        println!("skipped: takes long; WARPTAPE_TEST_ALL=1 runs it, as CI does");
    }
    !runs_all()
}

/// Whether this is checked mode and a test of a whole network is to be skipped, which it then says.
pub fn skips_networks() -> bool {
    if on_checked() {
        println!(
            "skipped: whole networks take minutes in checked mode, and their kernels are seen by the tests of ops"
        );
    }
    on_checked()
}

fn in_checked_mode(order: Order) -> (String, Device) {
    (format!("{} {order:?}", named().unwrap_or_default()), checked(order, None))
}

/// A device in checked mode; findings go to `findings`, or make launches fail. It writes nothing into its buffers and knows
/// itself where they end, so it is not a guarded one.
pub fn checked(order: Order, findings: Option<Findings>) -> Device {
    if on_ptx() {
        return ptx_in(order, ptx::Mode::Checked(findings));
    }
    host_checked(order, findings)
}

/// [`checked`] on the host, whatever tests run on.
pub fn host_checked(order: Order, findings: Option<Findings>) -> Device {
    asked(Device::new(Box::new(Host::new(Options { mode: Mode::Checked, order, findings, ..Options::default() }))))
}

/// `device` with the rungs that `WARPTAPE_KERNEL` asks for, as the command line has it; tests of planted mistakes say so to
/// processes of their own.
fn asked(device: Device) -> Device {
    device.choices().want(warptape::op::wanted(device.environment().text("WARPTAPE_KERNEL")).unwrap());
    device
}

fn cuda() -> Option<(String, Device)> {
    let name = named().filter(|_| on_gpu())?;
    let ordinal = name.strip_prefix("cuda:").map_or(0, |n| n.parse().expect("cuda:N"));
    let cuda = warptape::device::cuda::Cuda::open(ordinal, &Environment::of_process());
    let cuda = cuda.expect("the device that WARPTAPE_TEST_DEVICE names");
    Some((name, asked(Device::guarded(Box::new(cuda)))))
}

/// A GPU in software. It knows itself where buffers end and fills them with NaN, so it is not a guarded one.
fn ptx(order: Order) -> (String, Device) {
    (format!("{} {order:?}", named().unwrap_or_default()), ptx_in(order, ptx::Mode::Fast))
}

/// One that does `mode` beside, for the architecture that WARPTAPE_TEST_DEVICE names, if it does.
pub fn ptx_in(order: Order, mode: ptx::Mode) -> Device {
    let name = named().unwrap_or_default();
    let arch = name.split(':').find(|part| part.starts_with("sm_")).unwrap_or(ptx::ARCH).to_owned();
    let options = ptx::Options { arch, order, mode, environment: Environment::of_process() };
    asked(Device::new(Box::new(ptx::Ptx::open(options).expect("NVRTC, as WARPTAPE_TEST_DEVICE asks for it"))))
}

/// The names in a folder, sorted.
pub fn contents(folder: &Path) -> Vec<String> {
    let name = |entry: io::Result<DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// A guarded host device.
pub fn host(order: Order, gpu_tiles: bool) -> Device {
    host_in(Environment::of_process(), order, gpu_tiles)
}

/// [`host`] in another environment than this process's.
pub fn host_in(environment: Environment, order: Order, gpu_tiles: bool) -> Device {
    asked(Device::guarded(Box::new(Host::new(Options { order, gpu_tiles, environment, ..Options::default() }))))
}

/// The environment of this process without a compiler or kernels that it may name.
pub fn environment() -> Environment {
    Environment::of_process().with("CXX", "").with("WARPTAPE_KERNELS", "")
}

/// What `run` returns, and how many entries it made in the cache in `folder`.
pub fn entries_made<T>(folder: &Path, run: impl FnOnce() -> T) -> (T, usize) {
    let files = || -> Vec<u64> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        // Not the folders in which compilers work.
        let files = entries.filter_map(|entry| entry.metadata().ok()).filter(|entry| entry.is_file());
        files.map(|file| std::os::unix::fs::MetadataExt::ino(&file)).collect()
    };
    let before = files();
    let result = run();
    (result, files().iter().filter(|file| !before.contains(file)).count())
}

/// [`Device::launch`], whose promises tests keep.
pub fn launch(device: &Device, function: &Function, geometry: Geometry, args: &[Arg]) -> warptape::Result<()> {
    // SAFETY: what a kernel does is for its test to know; where that is a mistake, the device finds it first.
    unsafe { device.launch(function, geometry, args) }
}

/// [`Prepared::launch`], likewise.
pub fn launch_prepared(ready: &Prepared, device: &Device) -> warptape::Result<()> {
    // SAFETY: as above.
    unsafe { ready.launch(device) }
}

/// The kernels that texts of tests may include: those that `WARPTAPE_KERNELS` names, in which tests plant mistakes.
pub fn tree() -> Tree {
    Tree::of(&Environment::of_process())
}

/// Kernels that a test brings as a text.
pub struct Kernels {
    device: Device,
    module: Arc<dyn Module>,
}

impl Kernels {
    pub fn compile(device: &Device, file: &str, text: &str) -> warptape::Result<Self> {
        let source = tree().source(file, text, &Defines::new())?;
        // SAFETY: tests know what their texts are initialised by.
        Ok(Self { device: device.clone(), module: unsafe { device.compile(&source)? } })
    }

    pub fn function(&self, name: &str) -> warptape::Result<Function> {
        Function::of(&self.module, name)
    }

    pub fn launch(&self, name: &str, geometry: Geometry, args: &[Arg]) -> warptape::Result<()> {
        launch(&self.device, &self.function(name)?, geometry, args)
    }
}

/// Runs test `test` of this binary, which may be an ignored one, in a process of its own with the given environment
/// variables. What it says with [`tell`] comes back.
pub fn child(test: &str, variables: &[(&str, &std::ffi::OsStr)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]);
    command.env_remove("CXX").env_remove("WARPTAPE_KERNELS");
    command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Child(command.spawn().unwrap())
}

/// A test that runs in a process of its own.
pub struct Child(std::process::Child);

impl Child {
    /// What the test told, or a panic with all its output if it told nothing.
    pub fn told(self) -> String {
        self.outcome().unwrap_or_else(|output| panic!("{output}"))
    }

    /// What the test told, nothing if it passed without a word, or all its output if it failed or crashed.
    pub fn outcome(self) -> Result<String, String> {
        let output = self.0.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        Ok(text.split_once("<<<").and_then(|p| p.1.split_once(">>>")).map_or(String::new(), |p| p.0.to_owned()))
    }
}

/// Gives `text` to the test that started this process.
pub fn tell(text: impl std::fmt::Display) {
    println!("<<<{text}>>>");
}
