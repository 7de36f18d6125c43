//! What a network sees of a data set: batches as training augments them, with their labels.

use image::RgbImage;
use image::imageops::{FilterType, resize};

use super::sheet::{Cell, Sheet, Tone};
use crate::data::{Dataset, Size, split};
use crate::device::Device;
use crate::draw::face;
use crate::error::{Error, Result};
use crate::op::augment::{Augmentation, Channels};
use crate::op::random::Key;
use crate::train::images::{Resident, middle_of};

/// The least side of a picture on the sheet, in pixels.
const VISIBLE: u32 = 96;
/// Each picture is shown as it is, and as so many steps have it.
const STEPS: u64 = 7;

/// A sheet of the first `count` training pictures of an epoch's order: as they are, and at seven steps of a training with `seed`,
/// its input taken back from normalized numbers to colours.
///
/// # Errors
/// No pictures; those of augmentation.
pub fn preview(
    data: &Dataset,
    how: &Augmentation,
    written: &str,
    count: usize,
    seed: u64,
    device: &Device,
) -> Result<Sheet> {
    let images = &data.train;
    let count = count.min(images.len());
    if count == 0 {
        return Err(Error::usage(format!("'{}' has no pictures to train on", data.name)));
    }
    let (mean, std) = images.mean_std();
    let std = std.map(|std| if std > 0.0 { std } else { 1.0 });
    let channels = Channels { mean: mean.map(|mean| mean as f32), std: std.map(|std| std as f32) };
    let numbers: Vec<u32> = split::shuffle(images.len(), seed, 1).into_iter().take(count).collect();
    let chosen = images.select(&numbers);
    // The pictures keep their numbers: what is drawn for them depends on these.
    let resident = Resident::new(device, images)?;
    let order = resident.order(&numbers)?;
    let name = |label: i32| face::label(label as usize, &data.classes[label as usize]);
    let [height, width] = images.input().map(|side| side as u32);
    let enlarged = |picture: RgbImage| {
        let times = VISIBLE.div_ceil(width.min(height));
        resize(&picture, width * times, height * times, FilterType::Nearest)
    };
    let cell = |picture, captions: &[String]| Cell {
        picture,
        above: None,
        captions: captions.iter().map(|caption| (caption.clone(), Tone::Plain)).collect(),
    };
    let first = |at| {
        let (width, height) = (images.width as u32, images.height as u32);
        let picture = RgbImage::from_raw(width, height, chosen.read(at)?.into_owned()).expect("a picture's bytes");
        Ok(vec![cell(enlarged(middle_of(&picture, images, 1)), &[name(chosen.labels[at])])])
    };
    let mut rows = (0..count).map(first).collect::<Result<Vec<Vec<Cell>>>>()?;
    for step in 0..STEPS {
        let how = how.clone().in_epoch(step + 1);
        let batch = resident.augmented(&order, 0, count, &how, &channels, Key { seed, step, stream: 0 })?;
        let values = batch.x.floats()?;
        let own = batch.own.to_vec::<i32>()?;
        let others = batch.mixed.as_ref().map(|(others, weight)| Ok::<_, Error>((others.to_vec::<i32>()?, *weight)));
        let others = others.transpose()?;
        let color = |(at, &value): (usize, &f32)| {
            let value = f64::from(value) * std[at % 3] + mean[at % 3];
            (255.0 * value).round().clamp(0.0, 255.0) as u8
        };
        for (at, picture) in values.chunks((3 * height * width) as usize).enumerate() {
            let pixels = picture.iter().enumerate().map(color).collect();
            let picture = enlarged(RgbImage::from_raw(width, height, pixels).expect("an image's bytes"));
            let captions = match &others {
                None => vec![name(own[at])],
                Some((others, weight)) => [(own[at], *weight), (others[at], 1.0 - weight)]
                    .map(|(label, weight)| format!("{:.0} % {}", 100.0 * weight, name(label)))
                    .into(),
            };
            rows[at].push(cell(picture, &captions));
        }
    }
    let header = std::iter::once("picture".into()).chain((1..=STEPS).map(|step| format!("step {step}"))).collect();
    let title = format!("{}: what a network sees", data.name);
    let mut notes = vec![format!("augmentation: {written}")];
    notes.extend(images.seen.map(|seen| {
        let loaded = Size { height: images.height, width: images.width };
        format!("of pictures of {loaded} a part of {seen}; evaluation takes the middle, which is shown first")
    }));
    Ok(Sheet { title, notes, header, rows, palette: None })
}
