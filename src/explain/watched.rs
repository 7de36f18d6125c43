//! The same few test pictures after every so many epochs of a training: how what the network looks at comes about.

use std::path::PathBuf;

use super::gallery::Gallery;
use super::paint::Palette;
use super::report::{Across, Shown, sheet, write_picture};
use super::sheet::Sheet;
use super::{Method, Request, cam};
use crate::data::{Dataset, Images, split};
use crate::device::Device;
use crate::error::Result;
use crate::files::unwritable;
use crate::train::checkpoint;
use crate::train::config::Config;
use crate::train::evaluate::load_model;
use crate::train::run_dir::RunDir;

/// Pictures on a sheet.
const SHOWN: usize = 8;
/// Which draw of the seed chooses them.
const DRAW: u64 = u64::MAX;

/// Draws Grad-CAM's overlays of a few test pictures into the folder `cam` of a run.
pub struct Watched {
    every: u32,
    images: Images,
    of: String,
    run: RunDir,
    device: Device,
}

impl Watched {
    /// For a training in `run` that asks for it ([`Config::cam_every`]) and has test pictures.
    pub fn of(config: &Config, data: &Dataset, run: &RunDir, device: &Device) -> Option<Self> {
        let every = config.cam_every.filter(|_| !data.test.is_empty())?;
        let images = data.test.select(&chosen(&data.test.labels, data.classes.len(), config.seed));
        Some(Self { every, images, of: data.name.clone(), run: run.clone(), device: device.clone() })
    }

    /// To be called when the checkpoint of `epoch` is written: `cam/epoch-0003.png`, if it is this one's turn, and with the first of
    /// them that of epoch 0, how the network was drawn. A sheet is whole or absent.
    ///
    /// # Errors
    /// A folder that cannot be written to; what the device says.
    pub fn after(&self, epoch: u32) -> Result<()> {
        if !epoch.is_multiple_of(self.every) {
            return Ok(());
        }
        let folder = self.run.cams();
        std::fs::create_dir_all(&folder).map_err(|e| unwritable(&folder, &e))?;
        let sheet = |epoch: u32| folder.join(format!("epoch-{epoch:04}.png"));
        let first = self.run.checkpoints().join(checkpoint::file(0));
        if !sheet(0).exists() && first.exists() {
            self.draw(first, sheet(0))?;
        }
        self.draw(self.run.checkpoints().join("last.safetensors"), sheet(epoch))
    }

    fn draw(&self, checkpoint: PathBuf, to: PathBuf) -> Result<()> {
        let (model, meta) = load_model(&checkpoint, &self.device)?;
        let gallery = Gallery::whole(&self.images, &self.of, &meta)?;
        let mut cams = Vec::new();
        for x in gallery.batches(&self.device, &meta, SHOWN)? {
            cams.extend(cam(&model, &x, &Request::new(Method::GradCam))?);
        }
        let (epoch, classes) = (meta.progress.epoch, &meta.classes[..]);
        let shown = |(picture, cam)| vec![Shown { picture, epoch, cam, classes, palette: Palette::Heat }];
        let rows: Vec<Vec<Shown>> = gallery.pictures.iter().zip(&cams).map(shown).collect();
        let layer = format!("layer {}, of the class that the network finds the likeliest", cams[0].layer);
        let title =
            format!("{} of {} on {}, epoch {epoch}", Method::GradCam.title(), meta.config.network(), gallery.of);
        write_picture(&to, &Sheet { title, notes: vec![layer], ..sheet(&rows, Across::Pictures) }.draw()?)
    }
}

/// The numbers of [`SHOWN`] pictures with these `labels`, the same for a seed: in a drawn order the first of each class, then, if
/// classes are few, others.
fn chosen(labels: &[i32], classes: usize, seed: u64) -> Vec<u32> {
    let drawn = split::shuffle(labels.len(), seed, DRAW);
    let mut seen = vec![false; classes];
    let (first, others): (Vec<u32>, Vec<u32>) = drawn.into_iter().partition(|&at| {
        let class = usize::try_from(labels[at as usize]).ok();
        class.and_then(|class| seen.get_mut(class)).is_some_and(|seen| !std::mem::replace(seen, true))
    });
    first.into_iter().chain(others).take(SHOWN).collect()
}
