//! Examples: the formulas in f64, inputs for tests, and problems for benches.

use super::backward::{self, Saved};
use super::{Norm, Problem, batchnorm_inference, batchnorm_train, forward};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::ladder::Job;
use crate::op::epilogue::Epilogue;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// A problem on a device.
pub(super) struct Example {
    pub problem: Problem,
    pub x: Tensor,
    weight: Tensor,
    bias: Tensor,
    second: Option<Tensor>,
    running: [Tensor; 2],
}

impl Example {
    pub fn new(device: &Device, problem: Problem, element: DType) -> Result<Self> {
        let Problem { rows, channels, epilogue } = problem;
        let [image, of_channel] = [[rows, channels], [1, channels]].map(|shape| Input::new(shape, Values::Uniform));
        let inputs = [image, of_channel.clone().single(), of_channel.single()];
        let [x, weight, bias] = workload::tensors(device, &inputs, element)?;
        let second = match epilogue {
            Epilogue::Residual(()) => Some(Input::new([rows, channels], Values::Uniform).tensor(device, 4, element)?),
            _ => None,
        };
        let running = [Tensor::zeros(device, [channels], DType::F32)?, Tensor::full(device, [channels], 1.0)?];
        let [weight, bias] = [weight.reshape([channels])?, bias.reshape([channels])?];
        Ok(Self { problem, x, weight, bias, second, running })
    }

    pub fn norm(&self) -> Norm<'_> {
        let [running_mean, running_var] = &self.running;
        Norm { weight: &self.weight, bias: &self.bias, running_mean, running_var, eps: 1e-5 }
    }

    pub fn epilogue(&self) -> Epilogue<&Tensor> {
        match &self.second {
            Some(second) => Epilogue::Residual(second),
            None if self.problem.epilogue == Epilogue::Relu => Epilogue::Relu,
            None => Epilogue::Nothing,
        }
    }

    /// What the results are computed from in f64.
    pub fn values(&self) -> Result<Known> {
        let x = self.x.floats()?;
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let [weight, bias] = [wide(self.weight.to_vec()?), wide(self.bias.to_vec()?)];
        let second = self.second.as_ref().map(Tensor::floats).transpose()?;
        let [mean, rstd] = moments(&x, weight.len(), 1e-5);
        Ok(Known { epilogue: self.problem.epilogue, x, weight, bias, second, mean, rstd })
    }
}

/// Inputs and statistics.
pub(super) struct Known {
    epilogue: Epilogue,
    x: Vec<f32>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    second: Option<Vec<f32>>,
    mean: Vec<f64>,
    rstd: Vec<f64>,
}

impl Known {
    /// Element `at` of y.
    pub fn output(&self, at: usize) -> f64 {
        let c = at % self.weight.len();
        let value = self.normalized(at) * self.weight[c] + self.bias[c];
        finish(self.epilogue, value, self.second.as_ref().map(|second| f64::from(second[at])))
    }

    fn normalized(&self, at: usize) -> f64 {
        let c = at % self.weight.len();
        (f64::from(self.x[at]) - self.mean[c]) * self.rstd[c]
    }

    /// With the gradient of y; `y` tells what the ReLU let pass.
    pub fn backward(self, dy: &[f32], y: &[f32]) -> Gradient {
        let open = |at: usize| self.epilogue == Epilogue::Nothing || y[at] > 0.0;
        let passed: Vec<f64> = (0..dy.len()).map(|at| if open(at) { f64::from(dy[at]) } else { 0.0 }).collect();
        let channels = self.weight.len();
        let (mut level, mut slope) = (vec![0.0; channels], vec![0.0; channels]);
        let rows = (dy.len() / channels) as f64;
        for (at, gradient) in passed.iter().enumerate() {
            level[at % channels] += gradient / rows;
            slope[at % channels] += gradient * self.normalized(at) / rows;
        }
        Gradient { known: self, passed, level, slope }
    }
}

/// The same with the means of dy and dy · x̂.
pub(super) struct Gradient {
    known: Known,
    passed: Vec<f64>,
    level: Vec<f64>,
    slope: Vec<f64>,
}

impl Gradient {
    /// Element `at` of dx.
    pub fn input(&self, at: usize) -> f64 {
        let c = at % self.level.len();
        let inner = self.passed[at] - self.level[c] - self.known.normalized(at) * self.slope[c];
        self.known.weight[c] * self.known.rstd[c] * inner
    }
}

/// Operations on an element that `epilogue` adds, forward or backward.
fn more(epilogue: Epilogue) -> usize {
    match epilogue {
        Epilogue::Nothing => 0,
        Epilogue::Relu => 1,
        Epilogue::Residual(()) => 2,
    }
}

fn finish(epilogue: Epilogue, value: f64, second: Option<f64>) -> f64 {
    let sum = value + second.unwrap_or(0.0);
    if epilogue == Epilogue::Nothing { sum } else { sum.max(0.0) }
}

/// Mean and 1 / √(var + eps) of each channel.
fn moments<T: Copy + Into<f64>>(x: &[T], channels: usize, eps: f64) -> [Vec<f64>; 2] {
    let rows = (x.len() / channels) as f64;
    let (mut mean, mut var) = (vec![0.0; channels], vec![0.0; channels]);
    x.iter().enumerate().for_each(|(i, &v)| mean[i % channels] += v.into() / rows);
    x.iter().enumerate().for_each(|(i, &v)| var[i % channels] += (v.into() - mean[i % channels]).powi(2) / rows);
    [mean, var.into_iter().map(|var: f64| 1.0 / (var + eps).sqrt()).collect()]
}

const EPS: f64 = 1e-2;

/// Sets up a problem for benches.
pub(super) fn forward_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let example = Example::new(device, problem.parse()?, element)?;
    let (problem, values) = (example.problem, example.values()?);
    let operands = if problem.epilogue.second().is_some() { 3 } else { 2 };
    Ok(Job {
        flops: (7 + more(problem.epilogue)) as f64 * problem.elements() as f64,
        bytes: (element.bytes() * operands * problem.elements()) as f64,
        terms: 4 * problem.rows,
        run: Box::new(move || Ok(forward::train(&problem, &example.x, &example.norm(), 0.1, example.epilogue())?.0)),
        element: Box::new(move |at| values.output(at)),
    })
}

/// Sets up a problem for benches; its result is the gradient of x.
pub(super) fn backward_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let example = Example::new(device, problem.parse()?, element)?;
    let problem = example.problem;
    let (y, [mean, rstd]) = forward::train(&problem, &example.x, &example.norm(), 0.1, example.epilogue())?;
    let [dy] = workload::tensors(device, &[Input::new(example.x.shape(), Values::Uniform)], element)?;
    let values = example.values()?.backward(&dy.floats()?, &y.floats()?);
    let saved = Saved::new(
        &example.x,
        Some(&y).filter(|_| problem.epilogue != Epilogue::Nothing),
        [&mean, &rstd],
        &example.norm(),
    );
    // dy, x and dx; y and the gradient of the second tensor, where there is one.
    let operands = if problem.epilogue.second().is_some() { 5 } else { 3 };
    Ok(Job {
        flops: (10 + more(problem.epilogue)) as f64 * problem.elements() as f64,
        bytes: (element.bytes() * operands * problem.elements()) as f64,
        terms: 4 * problem.rows,
        run: Box::new(move || {
            Ok(backward::train(&problem, &dy, &saved, true)?.1.expect("the gradient of x was asked for"))
        }),
        element: Box::new(move |at| values.input(at)),
    })
}

/// Kernels at work at any size.
pub(super) fn workloads() -> Vec<Workload> {
    fn run(
        device: &Device,
        [n, h, w, c]: [usize; 4],
        element: DType,
        training: bool,
        epilogue: Epilogue,
    ) -> Result<()> {
        let image = Input::new([n, h, w, c], Values::Uniform);
        let channels = Input::new([c], Values::Uniform).single();
        let inputs = [image.clone(), channels.clone(), channels, image];
        let (mean, var) = (Tensor::zeros(device, [c], DType::F32)?, Tensor::full(device, [c], 1.0)?);
        workload::both_ways(device, inputs, element, |tape, [x, weight, bias, second]| {
            let epilogue = match epilogue {
                Epilogue::Nothing => Epilogue::Nothing,
                Epilogue::Relu => Epilogue::Relu,
                Epilogue::Residual(()) => Epilogue::Residual(second),
            };
            let norm = Norm { weight, bias, running_mean: &mean, running_var: &var, eps: 1e-5 };
            if training {
                return batchnorm_train(tape, x, &norm, 0.1, epilogue);
            }
            batchnorm_inference(tape, x, &norm, epilogue)
        })
    }
    let (dims, default) = (["n", "h", "w", "c"], [3, 11, 13, 20]);
    vec![
        Workload::new("batchnorm", dims, default, |device, sizes, element| {
            run(device, sizes, element, true, Epilogue::Nothing)
        }),
        Workload::new("batchnorm_relu", dims, default, |device, sizes, element| {
            run(device, sizes, element, true, Epilogue::Relu)
        }),
        Workload::new("batchnorm_residual", dims, default, |device, sizes, element| {
            run(device, sizes, element, true, Epilogue::Residual(()))
        }),
        Workload::new("batchnorm_inference", dims, default, |device, sizes, element| {
            run(device, sizes, element, false, Epilogue::Nothing)
        }),
    ]
}

/// Examples for tests and benches: sizes around a vector, a group of rows and a slab.
pub(super) fn cases() -> Vec<Case> {
    let sizes = [([2, 1, 1], 1), ([3, 1, 1], 17), ([2, 3, 3], 5), ([3, 5, 1], 16), ([2, 4, 1], 36), ([7, 19, 1], 3)];
    let mut cases = Vec::new();
    for (shape, channels) in sizes {
        for epilogue in [Epilogue::Nothing, Epilogue::Relu, Epilogue::Residual(())] {
            let train = |tape: &mut Tape, t: &[Tensor], epilogue: Epilogue<&Tensor>| {
                let [mean, var] = [0.0, 1.0].map(|v| Tensor::full(t[0].device(), [t[1].elements()], v));
                batchnorm_train(tape, &t[0], &norm(t, &mean?, &var?), 0.1, epilogue)
            };
            let by_batch = |x: &[f64], channels: usize| moments(x, channels, EPS);
            cases.push(case("batchnorm_train", shape, channels, epilogue, train, by_batch));

            let statistic = |i: usize| 0.5 + i as f64 * 0.125;
            let inference = move |tape: &mut Tape, t: &[Tensor], epilogue: Epilogue<&Tensor>| {
                let values: Vec<f32> = (0..t[1].elements()).map(|i| statistic(i) as f32).collect();
                let running = Tensor::from_slice(t[0].device(), [values.len()], &values)?;
                batchnorm_inference(tape, &t[0], &norm(t, &running, &running), epilogue)
            };
            let by_running = move |_: &[f64], channels: usize| {
                let running: Vec<f64> = (0..channels).map(statistic).collect();
                let rstd = running.iter().map(|var| 1.0 / (var + EPS).sqrt()).collect();
                [running, rstd]
            };
            cases.push(case("batchnorm_inference", shape, channels, epilogue, inference, by_running));
        }
    }
    cases
}

fn norm<'a>(t: &'a [Tensor], running_mean: &'a Tensor, running_var: &'a Tensor) -> Norm<'a> {
    Norm { weight: &t[1], bias: &t[2], running_mean, running_var, eps: EPS as f32 }
}

/// One example of `run`, whose mean and rstd are those of `moments`.
fn case(
    name: &str,
    [n, h, w]: [usize; 3],
    c: usize,
    epilogue: Epilogue,
    run: impl Fn(&mut Tape, &[Tensor], Epilogue<&Tensor>) -> Result<Tensor> + Send + Sync + 'static,
    moments: impl Fn(&[f64], usize) -> [Vec<f64>; 2] + Copy + Send + Sync + 'static,
) -> Case {
    let rows = n * h * w;
    let mut inputs = vec![
        Input::new([n, h, w, c], Values::Range(-1.0, 3.0)),
        Input::new([c], Values::AwayFromZero).single(),
        Input::new([c], Values::Uniform).single(),
    ];
    inputs.extend(epilogue.second().map(|()| Input::new([n, h, w, c], Values::Uniform)));
    let sums = move |t: &[Vec<f64>]| -> Vec<f64> {
        let [mean, rstd] = moments(&t[0], c);
        let value = |(i, v): (usize, &f64)| (v - mean[i % c]) * rstd[i % c] * t[1][i % c] + t[2][i % c];
        let second = |i: usize| t.get(3).map_or(0.0, |second| second[i]);
        t[0].iter().enumerate().map(|(i, v)| value((i, v)) + second(i)).collect()
    };
    let forward = move |tape: &mut Tape, t: &[Tensor]| match epilogue {
        Epilogue::Nothing => run(tape, t, Epilogue::Nothing),
        Epilogue::Relu => run(tape, t, Epilogue::Relu),
        Epilogue::Residual(()) => run(tape, t, Epilogue::Residual(&t[3])),
    };
    let reference = move |t: &[Vec<f64>]| sums(t).into_iter().map(|sum| finish(epilogue, sum, None)).collect();
    let case = Case::new(format!("{name} {rows}x{c} {epilogue}"), inputs, forward, reference).terms(4 * rows);
    // Where a ReLU's input is close to 0, a finite difference means nothing.
    let smooth = move |t: &[Vec<f64>]| epilogue == Epilogue::Nothing || sums(t).iter().all(|sum| sum.abs() > 1e-3);
    case.only_if(smooth)
}
