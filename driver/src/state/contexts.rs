//! Contexts, and which of them is current on each thread.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::Driver;
use super::handles::Kind;
use crate::status::{Answer, Status, wrong};

/// A context.
#[derive(Default)]
pub struct Context {
    pub primary: bool,
    pub flags: u32,
    /// What a kernel did that nothing can follow: every call returns it from then on.
    pub fault: Option<Status>,
    /// The default stream, once it was used.
    pub default_stream: Option<u64>,
    /// The default streams of threads.
    pub thread_streams: HashMap<std::thread::ThreadId, u64>,
    /// `cuCtxSetLimit`.
    pub limits: BTreeMap<u32, usize>,
    pub cache_config: u32,
}

/// All contexts.
#[derive(Default)]
pub struct Contexts {
    pub all: BTreeMap<u64, Context>,
    /// The device's primary one, and how often it was retained.
    pub primary: Option<(u64, u32)>,
    pub primary_flags: u32,
}

thread_local! {
    /// Contexts of this thread; the last is current. 0 is none.
    static STACK: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The context that is current on this thread; 0 for none.
pub fn top() -> u64 {
    STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

/// Makes a context current in place of what was; 0 for none.
pub fn set_top(context: u64) {
    STACK.with_borrow_mut(|stack| {
        stack.pop();
        if context != 0 {
            stack.push(context);
        }
    });
}

/// Makes a context current on top of what was.
pub fn push(context: u64) {
    STACK.with_borrow_mut(|stack| stack.push(context));
}

/// Takes the current context away.
pub fn pop() -> Option<u64> {
    STACK.with_borrow_mut(Vec::pop)
}

impl Driver {
    /// The current context, which is fit for work.
    pub fn current(&self) -> Answer<u64> {
        let context = top();
        if context == 0 {
            return wrong(Status::INVALID_CONTEXT, "no context is current on this thread");
        }
        match self.contexts.all.get(&context) {
            Some(Context { fault: Some(fault), .. }) => Err((*fault).into()),
            Some(_) => Ok(context),
            None => wrong(Status::CONTEXT_IS_DESTROYED, self.handles.unknown(Kind::Context, context)),
        }
    }

    /// A context that a program names.
    pub fn context(&mut self, handle: u64) -> Answer<&mut Context> {
        let unknown = self.handles.unknown(Kind::Context, handle);
        self.contexts.all.get_mut(&handle).map_or_else(|| wrong(Status::INVALID_CONTEXT, unknown), Ok)
    }

    /// Makes a context.
    pub fn make_context(&mut self, primary: bool, flags: u32) -> u64 {
        let handle = self.handles.fresh(Kind::Context);
        self.contexts.all.insert(handle, Context { primary, flags, ..Context::default() });
        handle
    }

    /// The device's primary context, made if it was not there.
    pub fn retain_primary(&mut self) -> u64 {
        let (handle, count) = match self.contexts.primary {
            Some(known) => known,
            None => (self.make_context(true, self.contexts.primary_flags), 0),
        };
        self.contexts.primary = Some((handle, count + 1));
        handle
    }

    /// Gives the primary context back once; it goes with the last who had it.
    pub fn release_primary(&mut self) -> Answer {
        match self.contexts.primary {
            None => wrong(Status::INVALID_CONTEXT, "the primary context was released more often than it was retained"),
            Some((handle, 1)) => {
                self.contexts.primary = None;
                self.destroy_context(handle)
            }
            Some((handle, count)) => {
                self.contexts.primary = Some((handle, count - 1));
                Ok(())
            }
        }
    }

    /// Destroys a context with all that is in it, after its work is done.
    pub fn destroy_context(&mut self, handle: u64) -> Answer {
        self.drain(handle);
        self.contexts.all.remove(&handle);
        self.captures.retain(|_, capture| capture.context != handle);
        self.graphs.retain(|_, graph| graph.context != handle);
        self.execs.retain(|_, exec| exec.context != handle);
        self.streams.retain(|_, stream| stream.context != handle);
        self.events.retain(|_, event| event.context != handle);
        let modules: Vec<u64> = self.modules.iter().filter(|(_, m)| m.context == handle).map(|(m, _)| *m).collect();
        modules.into_iter().for_each(|module| self.unload(module));
        self.arrays.retain(|_, array| array.context != handle);
        self.mipmaps.retain(|_, mipmaps| mipmaps.context != handle);
        let objects: Vec<u64> = self.objects.iter().filter(|(_, o)| o.context == handle).map(|(o, _)| *o).collect();
        objects.into_iter().for_each(|object| self.end_object(object));
        for address in self.allocations.of_context(handle) {
            self.give_back(address, "the end of its context");
        }
        Ok(())
    }
}
