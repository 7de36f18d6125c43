//! The operators that our graphs are made of, in float64, as onnx.ai/onnx/operators defines them.

use std::collections::HashMap;
use std::f64::consts::FRAC_2_SQRT_PI;

use rayon::prelude::*;

use super::onnx_file::{File, Node};

/// A tensor, row by row.
#[derive(Clone)]
pub struct Value {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Value {
    fn image(&self) -> [usize; 4] {
        self.shape.as_slice().try_into().expect("images")
    }
}

/// What the graph makes of `input`.
pub fn run(file: &File, input: Value) -> Value {
    let constant = |(shape, data): &(Vec<usize>, Vec<f32>)| Value {
        shape: shape.clone(),
        data: data.iter().copied().map(f64::from).collect(),
    };
    let mut values: HashMap<&str, Value> =
        file.initializers.iter().map(|(name, tensor)| (name.as_str(), constant(tensor))).collect();
    values.insert(&file.input.0, input);
    for node in &file.nodes {
        let inputs: Vec<&Value> = node.inputs.iter().map(|name| &values[name.as_str()]).collect();
        let output = compute(node, &inputs);
        assert!(values.insert(&node.output, output).is_none(), "{} is computed twice", node.output);
    }
    values.remove(file.output.0.as_str()).expect("the output is computed")
}

fn compute(node: &Node, inputs: &[&Value]) -> Value {
    let x = inputs[0];
    let same = |data| Value { shape: x.shape.clone(), data };
    match (node.op.as_str(), node.settings().as_slice(), inputs) {
        ("Relu", [], [x]) => same(x.data.iter().map(|x| x.max(0.0)).collect()),
        ("Add", [], [x, y]) => {
            let beside = beside(node, x, y);
            same(x.data.iter().enumerate().map(|(i, x)| x + beside(i)).collect())
        }
        ("Mul", [], [x, y]) => {
            let beside = beside(node, x, y);
            same(x.data.iter().enumerate().map(|(i, x)| x * beside(i)).collect())
        }
        ("Erf", [], [x]) => same(x.data.iter().copied().map(erf).collect()),
        ("Flatten", ["axis"], [x]) => {
            assert_eq!(node.int("axis"), 1);
            Value { shape: vec![x.shape[0], x.shape[1..].iter().product()], data: x.data.clone() }
        }
        ("Gemm", ["transB"], [x, weight, bias @ ..]) => {
            assert_eq!(node.int("transB"), 1);
            let [outputs, features] = *weight.shape else { panic!("a matrix") };
            assert_eq!(x.shape, [x.shape[0], features], "{}", node.name);
            let dot = |row: &[f64], o: usize| -> f64 {
                row.iter().zip(&weight.data[o * features..]).map(|(x, w)| x * w).sum::<f64>()
                    + bias.first().map_or(0.0, |bias| bias.data[o])
            };
            let rows = x.data.chunks(features);
            let data = rows.flat_map(|row| (0..outputs).map(move |o| dot(row, o))).collect();
            Value { shape: vec![x.shape[0], outputs], data }
        }
        ("BatchNormalization", ["epsilon"], [x, scale, shift, mean, variance]) => {
            let [_, channels, height, width] = x.image();
            let eps = f64::from(node.float("epsilon"));
            let one = |(i, x): (usize, &f64)| {
                let c = i / (height * width) % channels;
                scale.data[c] * (x - mean.data[c]) / (variance.data[c] + eps).sqrt() + shift.data[c]
            };
            same(x.data.iter().enumerate().map(one).collect())
        }
        ("Conv", ["dilations", "group", "kernel_shape", "pads", "strides"], [x, filters, bias @ ..]) => {
            conv(node, x, filters, bias.first().copied())
        }
        ("MaxPool", ["dilations", "kernel_shape", "pads", "strides"], [x]) => pool(
            x,
            node.ints("kernel_shape"),
            node.ints("strides"),
            node.ints("pads"),
            node.ints("dilations"),
            |window| window.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ),
        ("AveragePool", ["count_include_pad", "kernel_shape", "pads", "strides"], [x]) => {
            let (size, pads) = (node.ints::<2>("kernel_shape"), node.ints("pads"));
            let all = (size[0] * size[1]) as f64;
            let of = |window: &[f64]| window.iter().sum::<f64>() / all;
            let of = if node.int("count_include_pad") == 1 { &of as &dyn Fn(&[f64]) -> f64 } else { &mean };
            pool(x, size, node.ints("strides"), pads, [1, 1], of)
        }
        ("AveragePool", ["kernel_shape", "strides"], [x]) => {
            pool(x, node.ints("kernel_shape"), node.ints("strides"), [0; 4], [1, 1], mean)
        }
        ("GlobalAveragePool", [], [x]) => {
            let [_, _, height, width] = x.image();
            pool(x, [height, width], [1, 1], [0; 4], [1, 1], mean)
        }
        ("MatMul", [], [a, b]) => product(a, b),
        (op, settings, inputs) => panic!("{}: {op} with {settings:?} of {} inputs", node.name, inputs.len()),
    }
}

/// Element i of `y`, which has the shape of `x` or is one number for all.
fn beside<'a>(node: &Node, x: &Value, y: &'a Value) -> impl Fn(usize) -> f64 + 'a {
    assert!(y.shape.is_empty() || y.shape == x.shape, "{}", node.name);
    move |i| y.data[i % y.data.len()]
}

/// By its series, whose terms all have the same sign; 1 to the last bit from 6 on.
fn erf(x: f64) -> f64 {
    let longer = |(term, sum): (f64, f64), n: i32| {
        let term = term * 2.0 * x * x / f64::from(2 * n + 1);
        (term, sum + term)
    };
    let (_, sum) = (1..200).fold((x, x), longer);
    if x.abs() > 6.0 { x.signum() } else { FRAC_2_SQRT_PI * (-x * x).exp() * sum }
}

fn mean(window: &[f64]) -> f64 {
    window.iter().sum::<f64>() / window.len() as f64
}

fn conv(node: &Node, x: &Value, filters: &Value, bias: Option<&Value>) -> Value {
    let ([n, c, h, w], [k, channels, r, s]) = (x.image(), filters.image());
    let groups = node.int("group") as usize;
    assert_eq!((c, k % groups, [r, s]), (channels * groups, 0, node.ints("kernel_shape")), "{}", node.name);
    let ([v, u], [down, across]) = (node.ints::<2>("strides"), node.ints::<2>("dilations"));
    let [top, left, bottom, right] = node.ints("pads");
    let rows = (h + top + bottom - down * (r - 1) - 1) / v + 1;
    let columns = (w + left + right - across * (s - 1) - 1) / u + 1;
    let mut data = vec![0.0; n * k * rows * columns];
    data.par_chunks_mut(rows * columns).enumerate().for_each(|(plane, y)| {
        let (image, filter) = (plane / k, plane % k);
        y.fill(bias.map_or(0.0, |bias| bias.data[filter]));
        for (channel, i, j) in (0..channels).flat_map(|c| (0..r).flat_map(move |i| (0..s).map(move |j| (c, i, j)))) {
            let weight = filters.data[((filter * channels + channel) * r + i) * s + j];
            let seen = filter / (k / groups) * channels + channel;
            let x = &x.data[(image * c + seen) * h * w..][..h * w];
            // The first column of the output that this tap has a pixel for.
            let first = left.saturating_sub(j * across).div_ceil(u).min(columns);
            for (p, y) in y.chunks_mut(columns).enumerate() {
                // A row above the image wraps around to a number that is too large.
                let row = (p * v + i * down).wrapping_sub(top);
                if row < h && first < columns {
                    let from = (first * u + j * across - left).min(w);
                    let (y, x) = (y[first..].iter_mut(), x[row * w..][..w][from..].iter());
                    let add = |(y, x): (&mut f64, &f64)| *y += weight * x;
                    // The same without steps, several at a time.
                    if u == 1 { y.zip(x).for_each(add) } else { y.zip(x.step_by(u)).for_each(add) }
                }
            }
        }
    });
    Value { shape: vec![n, k, rows, columns], data }
}

/// What `of` makes of the pixels in each window.
fn pool(
    x: &Value,
    size: [usize; 2],
    stride: [usize; 2],
    pads: [usize; 4],
    gaps: [usize; 2],
    of: impl Fn(&[f64]) -> f64,
) -> Value {
    let [n, c, h, w] = x.image();
    let extent =
        |length: usize, d: usize| (length + pads[d] + pads[d + 2] - (size[d] - 1) * gaps[d] - 1) / stride[d] + 1;
    let (rows, columns) = (extent(h, 0), extent(w, 1));
    let mut data = Vec::new();
    for plane in x.data.chunks(h * w) {
        for (p, q) in (0..rows).flat_map(|p| (0..columns).map(move |q| (p, q))) {
            let inside = |at: usize, d: usize, length: usize| {
                let taps = (0..size[d]).map(move |tap| at * stride[d] + tap * gaps[d]);
                taps.filter_map(move |place| place.checked_sub(pads[d]).filter(|&place| place < length))
            };
            let window: Vec<f64> =
                inside(p, 0, h).flat_map(|row| inside(q, 1, w).map(move |column| plane[row * w + column])).collect();
            data.push(of(&window));
        }
    }
    Value { shape: vec![n, c, rows, columns], data }
}

/// The product of the last two dimensions; those before are all of one factor's.
fn product(a: &Value, b: &Value) -> Value {
    let matrix = |value: &Value| -> [usize; 2] { value.shape[value.shape.len() - 2..].try_into().unwrap() };
    let ([m, inner], [same, n]) = (matrix(a), matrix(b));
    assert_eq!(inner, same);
    let several = if a.shape.len() > 2 { a } else { b };
    let mut shape = several.shape[..several.shape.len() - 2].to_vec();
    let batch: usize = shape.iter().product();
    let factor = |value: &Value, at: usize| if value.shape.len() > 2 { at * value.data.len() / batch } else { 0 };
    let mut data = Vec::new();
    for at in 0..batch {
        let (a, b) = (&a.data[factor(a, at)..], &b.data[factor(b, at)..]);
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            data.push((0..inner).map(|l| a[i * inner + l] * b[l * n + j]).sum());
        }
    }
    shape.extend([m, n]);
    Value { shape, data }
}
