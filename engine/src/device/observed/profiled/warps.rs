//! From accesses of single threads to requests of warps.
//!
//! Threads run one after the other here, each to the next barrier. The hardware executes an instruction for all lanes of a
//! warp that have come to it. So accesses are put together again: the n-th time that a lane comes to an instruction
//! belongs with the n-th time of the others, counted anew from every barrier and every collective of the whole warp. Where lanes
//! leave a loop at different times this is exact as long as they start it together.

use std::collections::VecDeque;

use super::counts::Transfers;
use crate::device::observed::Kind;

/// One request: the addresses of the lanes that take part.
struct Request {
    mask: u32,
    addresses: [u64; 32],
}

/// An instruction, of one warp.
struct Site {
    /// How often each lane has come.
    comes: [u64; 32],
    /// How many requests are over.
    over: u64,
    open: VecDeque<Request>,
    bytes: u64,
    what: Use,
}

/// The accesses of a warp since it was last together.
#[derive(Default)]
pub(super) struct Warp {
    /// In order of appearance.
    sites: Vec<Site>,
    /// The site of the last access.
    last: usize,
}

/// What an instruction was used for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) code: u32,
    pub(super) shared: bool,
    pub(super) kind: Kind,
}

impl Warp {
    /// Notes an access of lane `lane` of a warp of `lanes` threads. Requests that are complete go to `done`.
    pub(super) fn access(
        &mut self,
        (lane, lanes): (usize, usize),
        what: Use,
        address: u64,
        bytes: u64,
        done: &mut impl FnMut(Use, u64, u32, &[u64; 32]),
    ) {
        let site = self.site(what, bytes);
        let place = (site.comes[lane] - site.over) as usize;
        site.comes[lane] += 1;
        if site.open.len() == place {
            site.open.push_back(Request { mask: 0, addresses: [0; 32] });
        }
        let request = &mut site.open[place];
        request.mask |= 1 << lane;
        request.addresses[lane] = address;
        while site.open.front().is_some_and(|first| first.mask == u32::MAX >> (32 - lanes)) {
            let Request { mask, addresses } = site.open.pop_front().expect("just seen");
            site.over += 1;
            done(what, site.bytes, mask, &addresses);
        }
    }

    /// The warp is together: what is open has had all the lanes it will have.
    pub(super) fn together(&mut self, done: &mut impl FnMut(Use, u64, u32, &[u64; 32])) {
        for site in self.sites.drain(..) {
            for Request { mask, addresses } in &site.open {
                done(site.what, site.bytes, *mask, addresses);
            }
        }
    }

    /// The instruction that `what` names.
    fn site(&mut self, what: Use, bytes: u64) -> &mut Site {
        let is = |at: &usize| self.sites.get(*at).is_some_and(|site| site.what.code == what.code);
        // Lane after lane comes the same way: most often the next one is meant, or in a loop of one access the same, or the first.
        let found = [self.last + 1, self.last, 0].into_iter().find(is);
        let found = found.or_else(|| (0..self.sites.len()).find(is));
        self.last = found.unwrap_or(self.sites.len());
        if found.is_none() {
            self.sites.push(Site { comes: [0; 32], over: 0, open: VecDeque::new(), bytes, what });
        }
        &mut self.sites[self.last]
    }
}

/// The addresses of the lanes in `mask`.
pub(super) fn active(mask: u32, addresses: &[u64; 32]) -> impl Iterator<Item = u64> + Clone + '_ {
    (0..32).filter(move |lane| mask >> lane & 1 == 1).map(|lane: usize| addresses[lane])
}

/// The distinct 32-byte sectors of a request, in order.
pub(super) fn sectors(mask: u32, addresses: &[u64; 32], bytes: u64) -> Vec<u64> {
    let mut sectors: Vec<u64> =
        active(mask, addresses).flat_map(|address| address / 32..=(address + bytes - 1) / 32).collect();
    sectors.sort_unstable();
    sectors.dedup();
    sectors
}

/// What a request to global memory adds.
pub(super) fn global(mask: u32, bytes: u64, lanes_of_warp: usize, sectors: u64) -> Transfers {
    let lanes = u64::from(mask.count_ones());
    Transfers {
        requests: 1,
        partial: (lanes < lanes_of_warp as u64) as u64,
        lanes,
        bytes: lanes * bytes,
        transactions: sectors,
        least: (lanes * bytes).div_ceil(32),
    }
}

/// Whether each lane wants the same as its neighbour, or each the same as the one after it, as far as they take part: what a load of
/// 8 or 16 bytes returns is then packed (NVIDIA's developer forum, "Unexpected shared memory bank conflict", on compute capability
/// 7.0 and later).
fn in_pairs(mask: u32, addresses: &[u64; 32]) -> bool {
    let takes_part = |lane: usize| mask >> lane & 1 == 1;
    let alike = |with: usize| {
        (0..32).all(|lane| !takes_part(lane) || !takes_part(lane ^ with) || addresses[lane] == addresses[lane ^ with])
    };
    alike(1) || alike(2)
}

/// What a request to shared memory adds. There are 32 banks of 4-byte words. Lanes that want the same word share it;
/// different words of one bank take turns. Wide accesses go by parts of the warp: 8 bytes by halves, 16 by quarters, each
/// with wavefronts of its own; loads whose lanes want the same in pairs by twice as large ones. (CUDA C++ Programming Guide,
/// "Shared Memory"; NVIDIA's ncu counts likewise.) Atomics on one word take turns too.
pub(super) fn shared(mask: u32, addresses: &[u64; 32], bytes: u64, lanes_of_warp: usize, kind: Kind) -> Transfers {
    let words = bytes.div_ceil(4).max(1);
    let part = 32 / words.next_power_of_two().min(32) as u32;
    let atomic = kind == Kind::Atomic;
    let (mut wavefronts, mut least) = by_parts(part, mask, addresses, bytes, atomic);
    if kind == Kind::Read && part < 32 && in_pairs(mask, addresses) {
        let packed = by_parts(2 * part, mask, addresses, bytes, atomic);
        if packed.0 < wavefronts {
            (wavefronts, least) = packed;
        }
    }
    let lanes = u64::from(mask.count_ones());
    let partial = (lanes < lanes_of_warp as u64) as u64;
    Transfers { requests: 1, partial, lanes, bytes: lanes * bytes, transactions: wavefronts, least }
}

/// Wavefronts of a request whose lanes take turns by `part`, and the least that there could be.
fn by_parts(part: u32, mask: u32, addresses: &[u64; 32], bytes: u64, atomic: bool) -> (u64, u64) {
    let (mut wavefronts, mut least) = (0, 0);
    for first in (0..32).step_by(part as usize) {
        let of_part = mask & (u32::MAX >> (32 - part)) << first;
        if of_part == 0 {
            continue;
        }
        let mut wanted: Vec<u64> =
            active(of_part, addresses).flat_map(|address| address / 4..(address + bytes).div_ceil(4)).collect();
        wanted.sort_unstable();
        if !atomic {
            wanted.dedup();
        }
        let mut banks = [0u64; 32];
        wanted.iter().for_each(|word| banks[(word % 32) as usize] += 1);
        wavefronts += banks.into_iter().max().unwrap_or(0);
        least += (wanted.len() as u64).div_ceil(32);
    }
    (wavefronts, least)
}
