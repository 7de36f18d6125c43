//! Images on the device: uploaded once as bytes, or batch by batch where they are decoded when they are needed; augmented and
//! normalized there.

use std::cell::RefCell;
use std::sync::Arc;

use image::RgbImage;
use image::imageops::crop_imm;

use super::batch::Batch;
use super::views::Views;
use crate::data::picture::middle;
use crate::data::{Ahead, Images};
use crate::device::{Device, Target};
use crate::error::Result;
use crate::nn::{Layer, Pass};
use crate::op::augment::{
    Augment, Augmentation, Channels, Chosen, Moved, augment, by_order, mix, partner_labels, pick_labels, sample, stages,
};
use crate::op::index_select::index_select;
use crate::op::random::Key;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Batches that are decoded ahead of the one in use.
const BATCHES_AHEAD: usize = 4;

/// A set of images on a device, with their labels. A network gets them as f32, or as [`Resident::giving`] says.
pub struct Resident {
    pixels: Pixels,
    labels: Tensor,
    /// Rows and columns of the pictures, and of what a network sees of them.
    sizes: [[usize; 2]; 2],
    /// The type of a network's input.
    input: DType,
    /// How evaluation sees them.
    views: Views,
}

enum Pixels {
    /// `[N, H, W, 3]`.
    Held(Tensor),
    /// What is decoded for each batch, ahead of it.
    Streamed(Arc<Images>),
    /// What frozen layers made of each, `[N, …]`.
    Features(Tensor),
}

/// An order in which batches are drawn.
pub struct Order {
    numbers: Vec<u32>,
    indices: Tensor,
    /// Workers that decode what comes next, once a first batch was asked for.
    ahead: RefCell<Option<Ahead>>,
}

/// What evaluation sees of `picture`, which is `times` as large as the pictures of `images`.
pub fn middle_of(picture: &RgbImage, images: &Images, times: u32) -> RgbImage {
    let [height, width] = images.input();
    let [top, left] = [middle(images.height, height), middle(images.width, width)].map(|first| first as u32 * times);
    crop_imm(picture, left, top, width as u32 * times, height as u32 * times).to_image()
}

impl Resident {
    /// Uploads `images`, if their pixels are held.
    pub fn new(device: &Device, images: &Images) -> Result<Self> {
        let sizes = [[images.height, images.width], images.input()];
        let labels = Tensor::from_slice(device, [images.len()], &images.labels)?;
        let pixels = if images.is_streamed() {
            Pixels::Streamed(Arc::new(images.clone()))
        } else {
            Pixels::Held(Tensor::from_slice(device, [images.len(), images.height, images.width, 3], &images.pixels)?)
        };
        Ok(Self { pixels, labels, sizes, input: DType::F32, views: Views::None })
    }

    /// `count` images of the sizes of `like`, all black and of the first class.
    pub(super) fn blank(device: &Device, count: usize, like: &Images) -> Result<Self> {
        let sizes = [[like.height, like.width], like.input()];
        let pixels = Pixels::Held(Tensor::zeros(device, [count, like.height, like.width, 3], DType::U8)?);
        let labels = Tensor::zeros(device, [count], DType::I32)?;
        Ok(Self { pixels, labels, sizes, input: DType::F32, views: Views::None })
    }

    /// The same, of which a network gets batches of type `input`, and computes in it.
    pub fn giving(self, input: DType) -> Self {
        Self { input, ..self }
    }

    /// The same, of which evaluation sees these views.
    pub fn viewed(self, views: Views) -> Self {
        Self { views, ..self }
    }

    /// How evaluation sees them.
    pub fn views(&self) -> Views {
        self.views
    }

    /// What `layers` make of the images `order`, as evaluation sees them, in place of the images: what the layers behind get. The
    /// bits are those of batches of `batch`; a last smaller one is filled up with images if `filled`. None if that is more than
    /// `most` bytes.
    ///
    /// # Errors
    /// What the layers or the device say.
    pub fn through(
        &self,
        layers: &dyn Layer,
        order: &[u32],
        channels: &Channels,
        [batch, most]: [usize; 2],
        filled: bool,
    ) -> Result<Option<Self>> {
        let count = order.len();
        let padded: Vec<u32> = (0..count.next_multiple_of(batch)).map(|at| order[at % count]).collect();
        let numbers = self.order(if filled { &padded } else { order })?;
        let how = Augment::evaluation(channels.mean, channels.std);
        let mut all: Option<Tensor> = None;
        for at in (0..count).step_by(batch) {
            let size = if filled { batch } else { batch.min(count - at) };
            let (x, _) = self.batch(&numbers, at, size, &how, Key { seed: 0, step: 0, stream: 0 })?;
            let y = layers.forward(&mut Pass::inference(&mut Tape::new()), &x)?;
            if count * (y.bytes() / size) > most {
                return Ok(None);
            }
            let rows = match &mut all {
                Some(rows) => rows,
                none => none.insert(Tensor::zeros(y.device(), [&[count], &y.shape().dims()[1..]].concat(), y.dtype())?),
            };
            rows.copy_rows(at, &y, batch.min(count - at))?;
        }
        let labels = pick_labels(&self.labels, &numbers.indices, 0, count)?;
        Ok(all.map(|rows| Self { pixels: Pixels::Features(rows), labels, ..*self }))
    }

    /// Bytes of what layers made of the images.
    pub fn bytes(&self) -> usize {
        match &self.pixels {
            Pixels::Held(pixels) | Pixels::Features(pixels) => pixels.bytes(),
            Pixels::Streamed(_) => 0,
        }
    }

    /// The class of each image.
    pub fn labels(&self) -> Result<Vec<i32>> {
        self.labels.to_vec()
    }

    /// The kind of device that they are on.
    pub fn target(&self) -> Target {
        self.labels.device().target()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.elements()
    }

    /// The numbers of all images.
    pub fn all(&self) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.elements() == 0
    }

    /// Uploads an order in which batches will be drawn.
    pub fn order(&self, numbers: &[u32]) -> Result<Order> {
        let indices: Vec<i32> = numbers.iter().map(|&number| number as i32).collect();
        let indices = Tensor::from_slice(self.labels.device(), [indices.len()], &indices)?;
        Ok(Order { numbers: numbers.into(), indices, ahead: RefCell::new(None) })
    }

    /// Images `[…, H, W, 3]`, and where in which indices those of a batch stand: all images, or those of the batch alone.
    fn pixels(&self, order: &Order, at: usize, batch: usize) -> Result<(Tensor, Tensor, usize)> {
        let images = match &self.pixels {
            Pixels::Held(pixels) | Pixels::Features(pixels) => return Ok((pixels.clone(), order.indices.clone(), at)),
            Pixels::Streamed(images) => images,
        };
        let mut ahead = order.ahead.borrow_mut();
        if ahead.as_ref().is_none_or(|ahead| ahead.position() != at) {
            // Those of before go first, with their pictures.
            *ahead = None;
            *ahead = Some(Ahead::new(images, order.numbers.clone(), at, BATCHES_AHEAD * batch));
        }
        let pixels = ahead.as_mut().expect("set above").pictures(batch)?;
        let device = self.labels.device();
        let numbers = order.numbers[at..].iter().take(batch).map(|&number| number as i32);
        let table: Vec<i32> = (0..batch as i32).chain(numbers).collect();
        let [[height, width], _] = self.sizes;
        let pixels = Tensor::from_slice(device, [batch, height, width, 3], &pixels)?;
        Ok((pixels, Tensor::from_slice(device, [2, batch], &table)?, 0))
    }

    /// What frozen layers made of `batch` images from position `at` of `order`, if that is what is here.
    fn features(&self, order: &Order, at: usize, batch: usize) -> Result<Option<Tensor>> {
        let Pixels::Features(rows) = &self.pixels else { return Ok(None) };
        index_select(rows, &order.indices, at, batch).map(Some)
    }

    /// `batch` images from position `at` of `order`, as a network's input `[B, H, W, 3]` in the size that it sees, and their
    /// labels `[B]`.
    pub fn batch(&self, order: &Order, at: usize, batch: usize, how: &Augment, key: Key) -> Result<(Tensor, Tensor)> {
        let x = match self.features(order, at, batch)? {
            Some(x) => x,
            None => {
                let (pixels, indices, offset) = self.pixels(order, at, batch)?;
                let how = Augment { size: Some(self.sizes[1]), ..*how };
                augment(&pixels, &indices, offset, batch, &how, key, self.input)?
            }
        };
        Ok((x, pick_labels(&self.labels, &order.indices, at, batch)?))
    }

    /// `batch` images from position `at` of `order` as evaluation sees them, normalized by `channels`: a network's input
    /// `[B, H, W, 3]` for each view, with its weight; and their labels `[B]`.
    pub fn seen(
        &self,
        order: &Order,
        at: usize,
        batch: usize,
        channels: &Channels,
    ) -> Result<(Vec<(Tensor, f32)>, Tensor)> {
        let labels = pick_labels(&self.labels, &order.indices, at, batch)?;
        if let Some(x) = self.features(order, at, batch)? {
            return Ok((vec![(x, 1.0)], labels));
        }
        let (pixels, indices, offset) = self.pixels(order, at, batch)?;
        let [loaded, size] = self.sizes;
        let [down, right] = [0, 1].map(|axis| middle(loaded[axis], size[axis]) as i32);
        let cut = (loaded != size).then_some(Moved::Crop { down, right, reflect: false });
        let view = |(moves, weight): (Vec<Moved>, f32)| {
            let x = if moves.is_empty() {
                let how = Augment { size: Some(size), ..Augment::evaluation(channels.mean, channels.std) };
                augment(&pixels, &indices, offset, batch, &how, Key { seed: 0, step: 0, stream: 0 }, self.input)?
            } else {
                let moves: Vec<Moved> = cut.into_iter().chain(moves).collect();
                let maps = vec![stages(&moves, self.sizes); batch];
                sample(&pixels, &indices, offset, size, &maps, channels, self.input)?
            };
            Ok((x, weight))
        };
        Ok((self.views.all().into_iter().map(view).collect::<Result<_>>()?, labels))
    }

    /// The same as a batch to learn from, augmented as `how` says and normalized by `channels`.
    ///
    /// # Errors
    /// As [`by_order`].
    pub fn augmented(
        &self,
        order: &Order,
        at: usize,
        batch: usize,
        how: &Augmentation,
        channels: &Channels,
        key: Key,
    ) -> Result<Batch> {
        let x = match self.features(order, at, batch)? {
            Some(x) => x,
            None => {
                let numbers = order.numbers.get(at..at.saturating_add(batch)).unwrap_or_default();
                let (pixels, indices, offset) = self.pixels(order, at, batch)?;
                let chosen = Chosen { numbers, indices: &indices, offset };
                by_order(&pixels, chosen, self.sizes[1], how, channels, key, self.input)?
            }
        };
        let own = pick_labels(&self.labels, &order.indices, at, batch)?;
        let Some(mixing) = how.mixing else { return Ok(Batch { x, own, mixed: None }) };
        let drawn = mixing.draw(self.sizes[1], key);
        let others = partner_labels(&self.labels, &order.indices, at, batch)?;
        Ok(Batch { x: mix(&x, &drawn)?, own, mixed: Some((others, drawn.label as f32)) })
    }
}
