//! Workloads: every kernel of the tree at work at a shape of one's choice, forward and backward, for tools that watch
//! kernels run. Inputs are random, the same in every run.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::check::{Case, Input, Values};
use crate::device::dry::Dry;
use crate::device::{Device, Function, Target, Tree};
use crate::error::{Error, Result};
use crate::tape::Tape;
use crate::tensor::{DType, Shape, Tensor};

/// Kernels at work. Each op lists its own beside its cases; [`op::workloads`](crate::op::workloads) has all.
pub struct Workload {
    /// What the command line calls it: `matmul`, `max_pool`; `conv2d_forward:3` for one rung of a ladder.
    pub name: String,
    /// The op whose cases launch the same kernels; see [`Op::cases`](crate::op::Op::cases).
    pub op: &'static str,
    /// Names of the sizes: `["m", "n", "k"]`.
    pub dims: Vec<&'static str>,
    /// Sizes that take a fraction of a second even where every access is watched; a bit odd, to meet edges.
    pub default: Vec<usize>,
    run: Run,
}

/// Returns whether the rung that it forces, if it does, did any of it.
type Run = Arc<dyn Fn(&Device, &[usize], DType) -> Result<bool> + Send + Sync>;

/// A kernel of the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kernel {
    /// Path below `kernels/`.
    pub file: String,
    /// The `__global__` function.
    pub function: String,
}

impl Workload {
    pub(crate) fn new<const N: usize>(
        name: &'static str,
        dims: [&'static str; N],
        default: [usize; N],
        run: fn(&Device, [usize; N], DType) -> Result<()>,
    ) -> Self {
        let run = move |device: &Device, sizes: &[usize], element| {
            run(device, std::array::from_fn(|i| sizes[i]), element).map(|()| true)
        };
        Self { name: name.into(), op: "", dims: dims.into(), default: default.into(), run: Arc::new(run) }
    }

    /// The same as one of op `op`.
    pub(super) fn of(self, op: &'static str) -> Self {
        Self { op, ..self }
    }

    /// The ladder and the rung of it that it forces; none if it leaves the choice to ops.
    pub fn rung(&self) -> Option<(&str, u32)> {
        let (ladder, rung) = self.name.split_once(':')?;
        Some((ladder, rung.parse().ok()?))
    }

    /// The sizes to run at: those given, or the default ones if there are none.
    ///
    /// # Errors
    /// Another number of sizes, a size of 0.
    pub fn sizes(&self, given: &[usize]) -> Result<Vec<usize>> {
        let (name, dims) = (&self.name, self.dims.join(","));
        let numbers = ["one size", "two sizes", "three sizes", "four sizes", "five sizes", "six sizes", "seven sizes"];
        let count = numbers.get(self.dims.len() - 1).map_or(format!("{} sizes", self.dims.len()), |&text| text.into());
        if given.is_empty() {
            return Ok(self.default.clone());
        }
        if given.len() != self.dims.len() {
            return Err(Error::usage(format!("{name} takes ‹shape={dims}› ({count}), not {}", given.len())));
        }
        match self.dims.iter().zip(given).find(|(_, size)| !(1..=i32::MAX as usize).contains(size)) {
            Some((dim, size)) => {
                let what = format!("{name} takes ‹shape={dims}› ({count} from 1 to 2^31 - 1); {dim} is {size}");
                Err(Error::usage(what))
            }
            None => Ok(given.into()),
        }
    }

    /// Launches its kernels on `device`, on tensors of type `element` where they take several.
    ///
    /// # Errors
    /// Those of [`Workload::sizes`]; sizes that do not go together, or of which its rung can do nothing; what the device says.
    pub fn run(&self, device: &Device, sizes: &[usize], element: DType) -> Result<()> {
        match self.attempt(device, sizes, element)? {
            true => device.synchronize(),
            false => Err(Error::usage(format!("{}; give others by ‹shape›", self.inability()))),
        }
    }

    /// Whether its rung, if it is one's, can do anything of sizes `sizes`.
    ///
    /// # Errors
    /// Those of [`Workload::run`] but this.
    pub fn can(&self, sizes: &[usize]) -> Result<bool> {
        self.attempt(&Device::new(Box::new(Dry::new(Target::Cuda))), sizes, DType::F32)
    }

    /// What is told where it cannot: `conv2d_forward:7 can do no problem of these sizes`.
    pub fn inability(&self) -> String {
        format!("{} can do no problem of these sizes", self.name)
    }

    fn attempt(&self, device: &Device, sizes: &[usize], element: DType) -> Result<bool> {
        (self.run)(device, &self.sizes(sizes)?, element).map_err(|error| match error {
            Error::Shape { .. } => Error::usage(format!("‹shape› for {}: {error}", self.name)),
            error => error,
        })
    }

    /// The kernels that it launches on a GPU, in order of appearance.
    ///
    /// # Errors
    /// A kernel tree (`WARPTAPE_KERNELS`) without one of them.
    pub fn kernels(&self) -> Result<Vec<Kernel>> {
        launched(|device| self.run(device, &[], DType::F32))
    }

    /// The workloads that run what `name` means: a workload, a kernel function (`max_pool_forward`), or a file
    /// (`pool/2_vectorized.cu`, also one that is included: `prelude/tile.cuh`) or folder (`pool`) of the kernel tree.
    ///
    /// # Errors
    /// A name that means nothing, with those that are near.
    pub fn find(name: &str) -> Result<Vec<Self>> {
        let mut names = Vec::new();
        let mut found: Vec<(Self, Vec<Kernel>)> = Vec::new();
        for workload in super::workloads() {
            if workload.name == name {
                return Ok(vec![workload]);
            }
            let mut meant = Vec::new();
            names.push(workload.name.clone());
            for kernel in workload.kernels()? {
                let Kernel { file, function } = &kernel;
                let folders = file.match_indices('/').map(|(end, _)| file[..end].to_owned());
                let include = |line: &str| Some(line.strip_prefix("#line 1 ")?.trim_matches('"').to_owned());
                let files = Tree::default()
                    .load(file, &Default::default())?
                    .text
                    .lines()
                    .filter_map(include)
                    .collect::<Vec<_>>();
                let all: Vec<String> = folders.chain(files).chain([function.clone()]).collect();
                if all.iter().any(|other| *other == name.trim_end_matches('/')) {
                    meant.push(kernel);
                }
                names.extend(all);
            }
            if !meant.is_empty() {
                found.push((workload, meant));
            }
        }
        let found = Self::new_each(found);
        if !found.is_empty() {
            return Ok(found);
        }
        let likeness = |other: &str| strsim::jaro_winkler(other, name);
        names.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)).then_with(|| a.cmp(b)));
        names.dedup();
        let near: Vec<&str> = names.iter().map(|name| &**name).filter(|name| likeness(name) > 0.7).take(3).collect();
        let near = if near.is_empty() { String::new() } else { format!(": did you mean {}?", near.join(", ")) };
        let what = format!("no kernel, file or folder is called '{name}'{near}");
        let end = if near.is_empty() { ";" } else { "" };
        Err(Error::usage(format!("{what}{end} `warptape kernels list` shows all")))
    }
}

impl Workload {
    /// All of [`op::workloads`](crate::op::workloads), but for those of rungs that run with an op's own choice anyway.
    ///
    /// # Errors
    /// Those of [`Workload::kernels`].
    pub fn all() -> Result<Vec<Self>> {
        let with_kernels = |workload: Self| workload.kernels().map(|kernels| (workload, kernels));
        Ok(Self::new_each(super::workloads().into_iter().map(with_kernels).collect::<Result<_>>()?))
    }

    /// All but the rungs that launch only what others before them launch.
    fn new_each(found: Vec<(Self, Vec<Kernel>)>) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let is_new = |(workload, kernels): &(Self, Vec<Kernel>)| {
            let before = seen.len();
            seen.extend(kernels.iter().cloned());
            seen.len() > before || workload.rung().is_none()
        };
        found.into_iter().filter(is_new).map(|(workload, _)| workload).collect()
    }
}

/// Every rung of every ladder by itself: the workload among `all` that runs the ladder, with the rung forced.
pub(super) fn rungs(all: &[Workload]) -> Vec<Workload> {
    let mut rungs = Vec::new();
    for ladder in super::ladders() {
        rungs.extend(ladder.numbers().zip(&ladder.workloads).map(|(rung, workload)| {
            let base = all.iter().find(|one| one.name == *workload).expect("a ladder names its workloads");
            let (name, inner) = (ladder.name, base.run.clone());
            let run = move |device: &Device, sizes: &[usize], of| {
                let (ran, obeyed) = device.choices().attempt(name, rung, || inner(device, sizes, of));
                ran.map(|_| obeyed)
            };
            let name = format!("{}:{rung}", ladder.name);
            Workload { name, op: base.op, dims: base.dims.clone(), default: base.default.clone(), run: Arc::new(run) }
        }));
    }
    rungs
}

/// The kernels that `run` launches on a GPU, each once; nothing is compiled or computed.
///
/// # Errors
/// Those of `run`.
pub fn launched(run: impl FnOnce(&Device) -> Result<()>) -> Result<Vec<Kernel>> {
    let dry = Dry::new(Target::Cuda);
    let launched = dry.launched();
    run(&Device::new(Box::new(dry)))?;
    let kernel = |function: Function| Kernel {
        file: function.file().unwrap_or_default().into(),
        function: function.kernel().into(),
    };
    Ok(launched.functions().into_iter().map(kernel).collect())
}

/// What runs `case` both ways in type `element` for the sake of what that launches, from a gradient of zeros.
pub fn of_case(case: &Case, element: DType) -> impl Fn(&Device) -> Result<()> {
    let inputs = case.draw(1, element);
    let upstream = vec![0.0; case.expected(&inputs).len()];
    move |device| case.run(device, element, &inputs, &upstream).map(drop)
}

/// Draws the inputs in type `element`, runs `forward` and, from a random gradient of what it returns, the backward pass to every input but
/// labels.
pub(crate) fn both_ways<const N: usize>(
    device: &Device,
    inputs: [Input; N],
    element: DType,
    forward: impl FnOnce(&mut Tape, &[Tensor; N]) -> Result<Tensor>,
) -> Result<()> {
    let mut tape = Tape::new();
    let tensors = tensors(device, &inputs, element)?;
    inputs.iter().zip(&tensors).filter(|(input, _)| input.differentiable()).for_each(|(_, tensor)| tape.watch(tensor));
    let output = forward(&mut tape, &tensors)?;
    let [upstream] = self::tensors(device, &[Input::new(output.shape(), Values::Uniform)], output.dtype())?;
    tape.backward_from(&output, upstream).map(drop)
}

/// The inputs on the device, in type `element`.
pub fn tensors<const N: usize>(device: &Device, inputs: &[Input; N], element: DType) -> Result<[Tensor; N]> {
    inputs.iter().try_for_each(|input| fits(&input.shape))?;
    let tensors =
        (1..).zip(inputs).map(|(seed, input)| input.tensor(device, seed, element)).collect::<Result<Vec<_>>>()?;
    Ok(tensors.try_into().expect("one tensor for each input"))
}

/// Refuses shapes of more elements than a kernel counts in an `int`.
pub(crate) fn fits(shape: &Shape) -> Result<()> {
    let count = shape.dims().iter().try_fold(1usize, |count, &size| count.checked_mul(size));
    match count {
        Some(count) if i32::try_from(count).is_ok() => Ok(()),
        _ => Err(Error::usage(format!("‹shape›: a tensor of {shape} has more than 2^31 - 1 elements"))),
    }
}
