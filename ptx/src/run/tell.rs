//! Being watched: accesses are told before they are made.

use super::fault::{Fault, Kind, What};
use super::flight::News;
use super::lanes;
use super::reach::Reach;
use super::step::{Next, Step};
use crate::lane::LANES;
use crate::text::tree::Space;
use crate::watch::{Access, Asked, LONGEST, Link, Span};

impl Reach {
    /// Whether what lies there is each thread's own, or the same for all and constant: nobody is told of it.
    #[inline(always)]
    pub fn is_own(&self) -> bool {
        matches!(self.space, Space::Local | Space::Param)
    }
}

impl Step<'_, '_> {
    /// Tells the watch, if there is one, of an access that is about to be made.
    pub fn tell(&mut self, at: &[u64; LANES], mask: u32, bytes: u64, kind: Kind, strong: bool) -> Result<(), Next> {
        self.tell_values(at, mask, bytes, (kind, strong), None, Span::of(at, mask, bytes))
    }

    /// Tells the watch of what something asynchronous has written meanwhile, if anything.
    #[inline]
    pub fn told(&mut self, next: Next) -> Next {
        match self.around.flight.news.is_empty() || self.tell_news().is_ok() {
            true => next,
            false => Next::Fault(self.stopped()),
        }
    }

    /// Likewise, before the instruction goes on.
    ///
    /// # Errors
    /// The watch stops the launch.
    #[cold]
    pub fn tell_news(&mut self) -> Result<(), Next> {
        for news in std::mem::take(&mut self.around.flight.news) {
            match (self.watch.as_deref_mut(), news) {
                (Some(watch), News::Done(queue, number, sign)) => watch.done(queue, number, sign),
                (_, News::Asked(asked)) => self.tell_asked(std::iter::once(asked))?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// Tells the watch, if there is one, of what is about to be asked for, or done.
    ///
    /// # Errors
    /// It stops the launch.
    pub fn tell_asked(&mut self, asked: impl Iterator<Item = Asked>) -> Result<(), Next> {
        let Some(watch) = self.watch.as_deref_mut() else { return Ok(()) };
        let mut asked = asked;
        match asked.all(|asked| watch.asked(&asked)) {
            true => Ok(()),
            false => Err(Next::Fault(self.stopped())),
        }
    }

    fn stopped(&self) -> Box<Fault> {
        self.fault(0, What::Other("was stopped".into()))
    }

    /// Tells the watch, if there is one, how lanes let each other know what they did.
    pub fn link(&mut self, mask: u32, link: Link) {
        let warp = self.warp.number;
        if let Some(watch) = self.watch.as_deref_mut() {
            watch.link(warp, mask, link);
        }
    }

    /// Likewise, where the link of each lane may be another one: lanes one after the other that have the same are told of together.
    pub fn links(&mut self, each: impl Iterator<Item = (usize, Link)>) {
        let mut last: Option<(u32, Link)> = None;
        for (lane, link) in each {
            last = match last {
                Some((mask, same)) if same == link => Some((mask | 1 << lane, link)),
                before => {
                    before.into_iter().for_each(|(mask, link)| self.link(mask, link));
                    Some((1 << lane, link))
                }
            };
        }
        last.into_iter().for_each(|(mask, link)| self.link(mask, link));
    }

    /// Likewise, with what lanes write. Local memory and parameters are a thread's own, and nobody is told of them.
    pub(super) fn tell_values(
        &mut self,
        at: &[u64; LANES],
        mask: u32,
        bytes: u64,
        (kind, strong): (Kind, bool),
        values: Option<&dyn Fn(usize) -> [u8; LONGEST]>,
        span: Span,
    ) -> Result<(), Next> {
        let (local, params) = (self.warp.local.range(), self.launch.params.as_ptr_range());
        let params = params.start as u64..params.end as u64;
        let own = |lane: usize| local.contains(&at[lane]) || params.contains(&at[lane]);
        let (mask, span) = match own(mask.trailing_zeros() as usize) || !local.is_empty() {
            true => {
                let mask = lanes(mask).filter(|lane| !own(*lane)).fold(0, |mask, lane| mask | 1 << lane);
                (mask, Span::of(at, mask, bytes))
            }
            false => (mask, span),
        };
        let Some(watch) = self.watch.as_deref_mut().filter(|_| mask != 0) else { return Ok(()) };
        let (warp, bytes) = (self.warp.number, bytes as u32);
        let access = Access { at: self.at, warp, kind, mask, bytes, addresses: at, span, strong, values };
        match watch.access(&access) {
            true => Ok(()),
            false => Err(Next::Fault(self.fault(mask.trailing_zeros() as usize, What::Other("was stopped".into())))),
        }
    }
}
