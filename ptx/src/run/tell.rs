//! Being watched: accesses are told before they are made.

use super::fault::{Kind, What};
use super::flight::Landed;
use super::lanes;
use super::reach::Reach;
use super::step::{Next, Step};
use crate::lane::LANES;
use crate::text::tree::Space;
use crate::watch::{Access, LONGEST, Span};

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
        if self.around.flight.landed.is_empty() { next } else { self.tell_landed(next) }
    }

    #[cold]
    fn tell_landed(&mut self, next: Next) -> Next {
        for Landed { to, bytes, by } in std::mem::take(&mut self.around.flight.landed) {
            let Some(watch) = self.watch.as_deref_mut() else { break };
            let Some((warp, lane, at)) = by else {
                watch.landed(to, bytes);
                continue;
            };
            let (kind, mask, addresses) = (Kind::Write, 1 << lane, &[to; LANES]);
            let span = Span::of(addresses, mask, bytes.into());
            let access = Access { at, warp, kind, mask, bytes, addresses, span, strong: false, values: None };
            if !watch.access(&access) {
                return Next::Fault(self.fault(lane, What::Other("was stopped".into())));
            }
        }
        next
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
