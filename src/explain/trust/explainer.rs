//! Who makes maps: the methods, and two controls that know nothing of the network.

use super::super::{Cam, Diagnosis, Method, Request, Target, cam, scale};
use super::ranked::{Draw, random, uniform};
use crate::error::Result;
use crate::nn::Sequential;
use crate::nn::relevance::Composite;
use crate::tensor::Tensor;

/// The map of one picture in the input's size, from 0 to 1 with something above 0; or, where nothing is to be seen, why.
pub type Map = std::result::Result<Vec<f32>, String>;

/// Maps of pictures `[N, H, W, 3]` for the classes named.
pub type Maps<'a> = dyn Fn(&Sequential, &Tensor, &[usize]) -> Result<Vec<Map>> + 'a;

/// Who makes maps.
pub struct Explainer<'a> {
    /// What people call it.
    pub name: String,
    /// Whether it does not look at the network at all, and stands there to compare with.
    pub control: bool,
    /// What it does.
    pub maps: Box<Maps<'a>>,
}

impl<'a> Explainer<'a> {
    /// A method of this program at its default layer, `batch` pictures at a time; of relevance by the rules of `composite`.
    pub fn method(method: Method, batch: usize, composite: Composite) -> Self {
        let request = Request { composite, ..Request::new(method) };
        let maps = move |model: &Sequential, x: &Tensor, classes: &[usize]| {
            let each = x.elements() / x.dim(0);
            let values = x.to_vec::<f32>()?;
            let mut found = Vec::new();
            for (values, classes) in values.chunks(batch * each).zip(classes.chunks(batch)) {
                let mut shape = x.shape().dims().to_vec();
                shape[0] = classes.len();
                let targets = classes.iter().map(|&class| Target::Class(class)).collect();
                let x = Tensor::from_slice(x.device(), shape, values)?;
                found.extend(cam(model, &x, &Request { targets, ..request.clone() })?.into_iter().map(seen));
            }
            Ok(found)
        };
        Self { name: method.to_string(), control: false, maps: Box::new(maps) }
    }

    /// Both controls: an order that is drawn from `seed`, the same for all networks and all pictures that are like the ones
    /// before; and the edges of each picture, which please the eye and know no class.
    pub fn controls(seed: u64) -> [Self; 2] {
        let drawn = move |_: &Sequential, x: &Tensor, _: &[usize]| {
            let pixels = x.elements() / x.dim(0) / 3;
            let map = |picture: usize| {
                let mut random = random(seed, picture, Draw::Map);
                Ok((0..pixels).map(|_| uniform(&mut random) as f32).collect())
            };
            Ok((0..x.dim(0)).map(map).collect())
        };
        let edges = |_: &Sequential, x: &Tensor, _: &[usize]| {
            let &[_, height, width, _] = x.shape().dims() else { unreachable!("checked with the pictures") };
            Ok(x.to_vec::<f32>()?.chunks(height * width * 3).map(|values| edges(values, [height, width])).collect())
        };
        [("random order", Box::new(drawn) as Box<Maps>), ("edges", Box::new(edges))].map(|(name, maps)| Self {
            name: name.into(),
            control: true,
            maps,
        })
    }
}

/// The map as people see it. One whose values are too small for the 1e-7 of its scaling, as those of random networks can be, is
/// scaled without: its order is as good as any.
fn seen(cam: Cam) -> Map {
    match &cam.diagnosis {
        None => Ok(cam.scaled),
        Some(Diagnosis::Tiny(largest)) => {
            let raw: Vec<f32> = cam.raw.iter().map(|value| value / largest).collect();
            Ok(scale::scaled(&raw, [cam.shape[0], cam.shape[1]], cam.size))
        }
        Some(diagnosis) => Err(diagnosis.cause().into()),
    }
}

/// The magnitude of Sobel's gradient of the mean of the channels, as a share of its largest; the border is repeated.
fn edges(values: &[f32], [height, width]: [usize; 2]) -> Map {
    let grey: Vec<f32> = values.chunks(3).map(|pixel| pixel.iter().sum()).collect();
    let at = |y: usize, x: usize, down: isize, along: isize| {
        let move_in = |at: usize, by: isize, length: usize| at.saturating_add_signed(by).min(length - 1);
        grey[move_in(y, down, height) * width + move_in(x, along, width)]
    };
    let gradient = |pixel: usize| {
        let (y, x) = (pixel / width, pixel % width);
        let step = |down: isize, along: isize| {
            let side = |sign: isize| {
                // Across the step, one pixel to either side.
                let [before, own, after] =
                    [-1, 0, 1].map(|by| at(y, x, sign * down + by * along, sign * along + by * down));
                before + 2.0 * own + after
            };
            side(1) - side(-1)
        };
        step(1, 0).hypot(step(0, 1))
    };
    let found: Vec<f32> = (0..height * width).map(gradient).collect();
    let largest = found.iter().copied().fold(0.0, f32::max);
    if largest > 0.0 { Ok(found.iter().map(|value| value / largest).collect()) } else { Err("no edges".into()) }
}
