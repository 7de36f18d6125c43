//! Convolutions in groups, and pooling whose windows end behind the image, have gaps, or do not count padding, beside PyTorch's
//! (tests/golden/options.py).

use serde_json::Value;
use warptape::check::compare;
use warptape::nn::{Builder, Conv2d, Layer, Layout};
use warptape::op::adaptive_pool::adaptive_max_pool;
use warptape::op::conv2d::{Conv2dParams, Sizes, conv2d};
use warptape::op::pool::{Window, avg_pool, avg_pool_inside, max_pool};
use warptape::{Tape, Tensor};

use crate::op::generated::uniform;
use crate::op::optim::numbers;
use crate::op::options::{agrees, drawn, options};
use crate::support::devices;

/// A number for both directions, or one for each; what it is unless told.
fn both(value: &Value, usual: usize) -> [usize; 2] {
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    match value {
        Value::Null => [usual; 2],
        Value::Array(pair) => [number(&pair[0]), number(&pair[1])],
        one => [number(one); 2],
    }
}

fn shape(value: &Value) -> [usize; 4] {
    let sizes: Vec<usize> = numbers(value).into_iter().map(|size| size as usize).collect();
    sizes.try_into().unwrap()
}

/// Images or filters as PyTorch has them.
fn planes(tensor: &Tensor) -> Vec<f32> {
    Layout::Filters.outward(tensor).unwrap().1
}

#[test]
fn convolutions_in_groups_agree_with_pytorch() {
    let ladders = ["conv2d_forward", "conv2d_backward_input", "conv2d_backward_filter"];
    for case in options()["convolutions"].as_array().unwrap() {
        let (name, settings) = (case["name"].as_str().unwrap(), &case["settings"]);
        let params = Conv2dParams {
            stride: both(&settings["stride"], 1),
            padding: both(&settings["padding"], 0),
            dilation: both(&settings["dilation"], 1),
            groups: settings["groups"].as_u64().unwrap() as usize,
        };
        let ([n, c, h, w], [k, _, r, s]) = (shape(&case["x"]), shape(&case["weight"]));
        let problem = Sizes::new([n, h, w, c], [k, r, s], params).unwrap().to_string();
        assert_eq!(problem.parse::<Sizes>().unwrap().to_string(), problem);
        for (label, device) in devices() {
            let [x, weight] = ["x", "weight"].map(|what| drawn(&device, &format!("{name}.{what}"), shape(&case[what])));
            let bias = Tensor::from_slice(&device, [k], &uniform(0, &format!("{name}.bias"), k, 1.0, 0.0)).unwrap();
            let upstream = drawn(&device, &format!("{name}.upstream"), shape(&case["shape"]));
            // Rungs that cannot leave it to those that can.
            for rung in 1..=8 {
                ladders.iter().for_each(|ladder| device.choices().force(ladder, Some(rung)));
                let mut tape = Tape::new();
                [&x, &weight, &bias].into_iter().for_each(|input| tape.watch(input));
                let y = conv2d(&mut tape, &x, &weight, Some(&bias), params).unwrap();
                let what = |of: &str| format!("[{label}] {name}, rung {rung}, {of}");
                agrees(&what("y"), &planes(&y), &case["y"]);
                let gradients = tape.backward_from(&y, upstream.clone()).unwrap();
                agrees(&what("dx"), &planes(&gradients.get(&x).unwrap()), &case["dx"]);
                agrees(&what("dweight"), &planes(&gradients.get(&weight).unwrap()), &case["dweight"]);
                agrees(&what("dbias"), &gradients.get(&bias).unwrap().to_vec::<f32>().unwrap(), &case["dbias"]);
                for ladder in ladders {
                    let ran = device.choices().made_for(ladder, &problem).unwrap();
                    assert!(if [1, 3].contains(&rung) { ran == rung } else { [1, 3].contains(&ran) }, "{rung}: {ran}");
                }
            }
            device.check_guards().unwrap();
        }
    }
}

#[test]
fn groups_that_do_not_fit_are_refused() {
    let device = &devices()[0].1;
    let params = |groups| Conv2dParams { groups, ..Conv2dParams::new(1, 1) };
    let layer = |channels, filters, groups| {
        let made = Conv2d::new(&mut Builder::new(device, 0), channels, filters, 3, params(groups), false);
        made.map(|layer| layer.describe()).map_err(|error| error.to_string())
    };
    assert_eq!(layer(8, 12, 4).unwrap(), "Conv2d 8 → 12, 3×3, padding 1, 4 groups");
    for (channels, filters, groups) in [(8, 12, 3), (9, 12, 4), (8, 10, 4), (8, 12, 0)] {
        let what = format!("{groups} groups do not divide {channels} channels and {filters} filters");
        assert_eq!(layer(channels, filters, groups).unwrap_err(), format!("convolution: {what}"));
        assert_eq!(Sizes::new([1, 4, 4, channels], [filters, 3, 3], params(groups)).unwrap_err(), what);
    }
    let [x, filters] = [[1, 4, 4, 8], [12, 3, 3, 8]].map(|shape| Tensor::full(device, shape, 0.0).unwrap());
    let error = conv2d(&mut Tape::new(), &x, &filters, None, params(4)).unwrap_err().to_string();
    assert_eq!(error, "conv2d: input [1, 4, 4, 8], filters [12, 3, 3, 8]: channels differ in 4 groups");
    for text in ["groups2", "groups0", "groups3 x", "x"] {
        let text = format!("n1 h4 w4 c9 k6 r3 s3 stride1,1 pad1,1 dilation1,1 {text}");
        assert!(text.parse::<Sizes>().is_err(), "{text}");
    }
}

#[test]
fn pooling_agrees_with_pytorch() {
    for case in options()["pooling"].as_array().unwrap() {
        let (kind, settings) = (case["kind"].as_str().unwrap(), &case["settings"]);
        let window = Window {
            dilation: both(&settings["dilation"], 1),
            ceil: settings["ceil_mode"].as_bool().unwrap_or(false),
            ..Window::new(both(&case["size"], 0), both(&settings["stride"], 1), both(&settings["padding"], 0))
        };
        // Not a number is null.
        let y: Vec<f64> = case["y"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect();
        for (label, device) in devices() {
            // Halves, as there, of which many are equal; rounded to even where they lie between two.
            let mut values: Vec<f32> =
                uniform(0, "pooling.x", 336, 1.0, 0.0).iter().map(|x| (x * 4.0).round_ties_even() / 2.0).collect();
            if kind != "avg" {
                values[100] = f32::NAN;
            }
            let x = Tensor::full(&device, [2, 7, 8, 3], 0.0).unwrap();
            x.write(&Layout::Filters.inward(&values, &x)).unwrap();
            let upstream = drawn(&device, "pooling.upstream", shape(&case["shape"]));
            for rung in 1..=2 {
                ["max_pool_forward", "max_pool_backward"]
                    .iter()
                    .for_each(|one| device.choices().force(one, Some(rung)));
                let mut tape = Tape::new();
                tape.watch(&x);
                let pooled = match (kind, settings["count_include_pad"].as_bool()) {
                    ("max", _) => max_pool(&mut tape, &x, window),
                    ("avg", Some(false)) => avg_pool_inside(&mut tape, &x, window),
                    ("avg", _) => avg_pool(&mut tape, &x, window),
                    _ => adaptive_max_pool(&mut tape, &x, window.size),
                };
                let pooled = pooled.unwrap();
                let what = |of: &str| format!("[{label}] {kind} {window:?}, rung {rung}, {of}");
                compare(&what("y"), &planes(&pooled), &y, 1e-6).unwrap();
                let gradients = tape.backward_from(&pooled, upstream.clone()).unwrap();
                compare(&what("dx"), &planes(&gradients.get(&x).unwrap()), &numbers(&case["dx"]), 2e-6).unwrap();
            }
            device.check_guards().unwrap();
        }
    }
}
