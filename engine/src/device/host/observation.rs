//! What observers ask of a kernel that the host runs: its shared object's tables, and its twin that counts operations.

use std::collections::{BTreeMap, HashMap};
use std::ffi::c_void;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::dynamic;
use super::image::Image;
use super::module::{HostModule, Kernel};
use super::scheduler::{Order, Runner};
use super::shared::Operation;
use crate::device::observed::variable::Variable;
use crate::device::observed::{Code, Computed, Launch, Line};
use crate::device::profiled::Operations;
use crate::device::{Arg, Geometry, Source};

/// A launch of the host device that is observed.
pub(super) struct Observation<'a> {
    pub(super) module: &'a HostModule,
    pub(super) kernel: &'a Kernel,
    pub(super) image: Image,
    pub(super) geometry: Geometry,
    pub(super) order: Order,
}

impl Code for Observation<'_> {
    fn source(&self) -> &Source {
        &self.module.source
    }

    fn shared(&self) -> Vec<Variable> {
        let names = dynamic::names(&self.module.source.text).join(" or ");
        let start = self.image.thread_local.start;
        let placed = |variable: &Variable| {
            let Range { start: first, end } = variable.range;
            // Dynamic shared memory is as large as the launch says.
            let (name, end) = match &*variable.name {
                dynamic::DYNAMIC => (&names, first + u64::from(self.geometry.shared)),
                _ => (&variable.name, end),
            };
            Variable { name: name.clone(), range: start + first..start + end }
        };
        self.module.symbols().map(|symbols| symbols.shared.iter().map(placed).collect()).unwrap_or_default()
    }

    fn shared_start(&self) -> u64 {
        self.image.thread_local.start
    }

    fn quiet(&self) -> Range<u64> {
        self.image.span.clone()
    }

    fn read_only(&self) -> &[bool] {
        &[]
    }

    fn globals(&self) -> Vec<Variable> {
        Vec::new()
    }

    fn lines(&self, places: &mut dyn Iterator<Item = u32>) -> Result<HashMap<u32, Vec<Line>>, String> {
        self.module.lines(places)
    }

    fn runs_twice(&self) -> bool {
        true
    }

    fn computed(&self, launch: &Launch<'_>) -> Result<Result<Vec<Computed>, String>, String> {
        let module = match &self.module.counting {
            Ok(module) => module,
            Err(why) => return Ok(Err(why.clone())),
        };
        let kernel = module.find(launch.function.kernel()).map_err(|e| e.to_string())?;
        let image = kernel.image().ok_or("the system does not tell where modules lie")?;
        let pointers: Vec<*mut c_void> = launch.args.iter().map(Arg::pointer).collect();
        // The loader takes the same file for the same library, so devices of a process that run a kernel share its counters.
        static COUNTING: Mutex<()> = Mutex::new(());
        let alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = module.counters();
        counters.iter_mut().for_each(|counter| counter.count = 0);
        // SAFETY: the arguments fit this kernel as they fit its twin; the module lives as long as the launch's.
        let mut runner = unsafe { Runner::new(&kernel, pointers.as_ptr(), launch.geometry, self.order) };
        (0..launch.geometry.blocks()).try_for_each(|block| runner.run(block)).map_err(|ended| ended.to_string())?;
        let mut counted: BTreeMap<u32, Operations> = BTreeMap::new();
        for counter in counters.iter().filter(|counter| counter.count > 0) {
            let operations = counted.entry((counter.code() - image.base) as u32).or_default();
            *match Operation::numbered(counter.operation) {
                Operation::ADD => &mut operations.add,
                Operation::MULTIPLY => &mut operations.multiply,
                Operation::FUSED => &mut operations.fused,
                Operation::DIVIDE => &mut operations.divide,
                Operation::SPECIAL => &mut operations.special,
                Operation::COMPARE => &mut operations.compare,
            } += counter.count;
        }
        drop(alone);
        let mut lines = module.lines(&mut counted.keys().copied())?;
        let computed = |(code, operations)| {
            let lines = lines.remove(&code).unwrap_or_default();
            Computed { lines, operations, instructions: Default::default() }
        };
        Ok(Ok(counted.into_iter().map(computed).collect()))
    }
}
