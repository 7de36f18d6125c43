//! The objects of `mbarrier` (ISA 9.7.13.15): what their 64 bits in shared memory say is known beside, so that what was never
//! initialised, or was written over, is told.

/// Threads and bytes that an mbarrier can count: 2²⁰ - 1 (9.7.13.15.2, 9.7.13.15.5).
pub const MOST: u64 = (1 << 20) - 1;

/// A valid mbarrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The pointer to it.
    at: u64,
    /// Arrivals of each phase.
    pub expected: u64,
    /// Arrivals that the phase still lacks.
    pub pending: u64,
    /// Bytes of transactions that it still lacks.
    pub missing: i64,
    /// Phases that were completed.
    pub phase: u64,
}

/// All that are valid in a cluster.
#[derive(Default)]
pub struct Mbarriers {
    all: Vec<State>,
}

/// What an instruction does wrongly.
pub type Wrong = String;

impl State {
    /// Its 64 bits: three fields, the phase's parity, and a mark.
    fn word(&self) -> u64 {
        self.expected | self.pending << 20 | (self.missing as u64 & 0x1F_FFFF) << 40 | (self.phase & 1) << 61 | 1 << 62
    }

    /// What arriving tells: the phase, and the arrivals that it lacked before.
    fn token(&self) -> u64 {
        self.phase << 20 | self.pending
    }
}

/// Arrivals that were lacking, by what arriving told (`mbarrier.pending_count`).
pub fn pending_count(token: u64) -> u32 {
    (token & MOST) as u32
}

impl Mbarriers {
    /// The one at a pointer.
    pub fn find(&self, at: u64) -> Option<State> {
        self.all.iter().find(|state| state.at == at).copied()
    }

    /// The one at a pointer, if it is as it was left.
    fn known(&mut self, at: u64) -> Result<&mut State, Wrong> {
        let Some(state) = self.all.iter_mut().find(|state| state.at == at) else {
            return Err("names an mbarrier that is not initialised, or not any more".into());
        };
        // SAFETY: the pointer was checked when the mbarrier was initialised.
        match unsafe { *(at as *const u64) } == state.word() {
            true => Ok(state),
            false => Err("names an mbarrier that something else has written over".into()),
        }
    }

    fn put(state: &State) {
        // SAFETY: as in `known`.
        unsafe { *(state.at as *mut u64) = state.word() };
    }

    /// `mbarrier.init`. The pointer is one to eight bytes.
    ///
    /// # Errors
    /// A count that there is not; an mbarrier that is valid.
    pub fn init(&mut self, at: u64, count: u64) -> Result<(), Wrong> {
        if count == 0 || count > MOST {
            return Err(format!("initialises an mbarrier for {count} arrivals, but must for 1 to {MOST}"));
        }
        if self.known(at).is_ok() {
            return Err("initialises an mbarrier that is one already, and was not invalidated".into());
        }
        self.all.retain(|state| state.at != at);
        let state = State { at, expected: count, pending: count, missing: 0, phase: 0 };
        Self::put(&state);
        self.all.push(state);
        Ok(())
    }

    /// `mbarrier.inval`.
    ///
    /// # Errors
    /// No valid mbarrier.
    pub fn invalidate(&mut self, at: u64) -> Result<(), Wrong> {
        self.known(at)?;
        self.all.retain(|state| state.at != at);
        // SAFETY: as in `known`.
        unsafe { *(at as *mut u64) = u64::MAX };
        Ok(())
    }

    /// `mbarrier.expect_tx`: the phase lacks so many bytes more.
    ///
    /// # Errors
    /// No valid mbarrier; more bytes than it can count.
    pub fn expect(&mut self, at: u64, bytes: u32) -> Result<(), Wrong> {
        let state = self.known(at)?;
        state.missing += i64::from(bytes);
        if state.missing.unsigned_abs() > MOST {
            return Err(format!("lets an mbarrier lack {} bytes, more than the {MOST} that it counts", state.missing));
        }
        Self::put(state);
        Ok(())
    }

    /// `mbarrier.complete_tx`: so many bytes came.
    ///
    /// # Errors
    /// As [`Mbarriers::expect`].
    pub fn complete(&mut self, at: u64, bytes: u32) -> Result<(), Wrong> {
        let state = self.known(at)?;
        state.missing -= i64::from(bytes);
        if state.missing.unsigned_abs() > MOST {
            return Err(format!("brings an mbarrier {} bytes more than it lacks", -state.missing));
        }
        Self::go_on(state);
        Ok(())
    }

    /// So many arrive; `drop`: they do not in phases that come. What it was like before, as a token.
    ///
    /// # Errors
    /// No valid mbarrier; more than it lacks.
    pub fn arrive(&mut self, at: u64, count: u64, drop: bool) -> Result<u64, Wrong> {
        let state = self.known(at)?;
        if count == 0 || count > MOST {
            return Err(format!("arrives {count} times at once, but must 1 to {MOST} times"));
        }
        if count > state.pending {
            return Err(format!("arrives {count} times at an mbarrier that lacks {} arrivals", state.pending));
        }
        let token = state.token();
        state.pending -= count;
        state.expected -= if drop { count } else { 0 };
        Self::go_on(state);
        Ok(token)
    }

    /// The phase lacks one arrival more, which something asynchronous will be.
    ///
    /// # Errors
    /// No valid mbarrier; more than it can count.
    pub fn add_pending(&mut self, at: u64) -> Result<(), Wrong> {
        let state = self.known(at)?;
        state.pending += 1;
        if state.pending > MOST {
            return Err(format!("lets an mbarrier lack more than {MOST} arrivals"));
        }
        Self::put(state);
        Ok(())
    }

    /// Whether so many arrivals would complete the phase.
    pub fn would_complete(&self, at: u64, count: u64) -> bool {
        self.find(at).is_some_and(|state| state.pending == count && state.missing == 0)
    }

    /// Whether the phase of a token is complete.
    ///
    /// # Errors
    /// No valid mbarrier; a phase before the last.
    pub fn is_complete(&mut self, at: u64, token: u64) -> Result<bool, Wrong> {
        let state = self.known(at)?;
        let phase = token >> 20;
        match state.phase.checked_sub(phase) {
            Some(since @ (0 | 1)) => Ok(since == 1),
            _ => Err("waits for a phase of an mbarrier that is neither the one at hand nor the one before".into()),
        }
    }

    /// Whether the last phase of a parity is complete.
    ///
    /// # Errors
    /// No valid mbarrier; no parity.
    pub fn is_complete_parity(&mut self, at: u64, parity: u32) -> Result<bool, Wrong> {
        let state = self.known(at)?;
        match parity {
            0 | 1 => Ok(state.phase & 1 != u64::from(parity)),
            _ => Err(format!("waits for a phase of parity {parity}, but parities are 0 and 1")),
        }
    }

    /// Begins the next phase if this one lacks nothing.
    fn go_on(state: &mut State) {
        if state.pending == 0 && state.missing == 0 {
            state.phase += 1;
            state.pending = state.expected;
        }
        Self::put(state);
    }
}
