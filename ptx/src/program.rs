//! A module that is loaded: its functions ready to run, its variables in memory.

use std::collections::BTreeMap;

pub use crate::code::Param;
use crate::code::{Action, Function};
use crate::decode;
use crate::lane::Isa;
use crate::memory::{Holds, Memory};
use crate::run::call::FUNCTIONS;
use crate::text::header::Failure;
use crate::text::tree::{Module, Place, Space};

/// A loaded module.
pub struct Program {
    pub(crate) functions: Vec<Function>,
    /// Bytes of static shared memory, by function.
    pub statics: Vec<u64>,
    /// Source files by number.
    pub files: BTreeMap<u32, String>,
    /// `.target`.
    pub target: String,
    /// Addresses and sizes of its variables in global and constant space, by name.
    pub variables: BTreeMap<String, (u64, u64)>,
    /// Variables in shared space.
    pub shared: Vec<Shared>,
    /// Calls that functions were inlined at: what [`Place::via`] counts.
    pub calls: Vec<Place>,
    /// Bytes that variables in shared space take, by function, without what lies between them.
    pub static_bytes: Vec<u64>,
}

/// What lanes wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// Threads of their block.
    Barrier,
    /// Lanes of their warp.
    Collective,
}

/// A variable in shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub name: String,
    pub offset: u64,
    /// None for what is as large as the launch says.
    pub bytes: Option<u64>,
    /// The kernel that alone has it, if it is one's: others have something else there.
    pub kernel: Option<u32>,
}

impl Program {
    /// Reads a PTX text, and puts its variables into memory.
    ///
    /// # Errors
    /// The line of the text that cannot be read or is not known, and why.
    pub fn load(text: &str, memory: &mut Memory, isa: Isa) -> Result<Self, Failure> {
        Self::load_spaced(text, memory, isa, 0)
    }

    /// Likewise, with `gap` bytes that belong to nothing before, between and behind variables in shared space.
    ///
    /// # Errors
    /// As [`Program::load`].
    pub fn load_spaced(text: &str, memory: &mut Memory, isa: Isa, gap: u64) -> Result<Self, Failure> {
        let module = crate::text::parse(text)?;
        let addresses = place_variables(&module, memory)?;
        let SharedPlaces { offsets: shared, statics, static_bytes } = place_shared(&module, gap);
        let functions = decode::functions(&module, isa, &addresses, &shared)?;
        let mut variables = BTreeMap::new();
        for (number, variable) in module.variables.iter().enumerate() {
            if matches!(variable.space, Space::Global | Space::Constant) {
                variables.insert(variable.name.clone(), (addresses[number], variable.bytes.unwrap_or(0)));
            }
        }
        let named = |(number, offset): (usize, u64)| {
            let variable = &module.variables[number];
            let mut owners =
                module.functions.iter().enumerate().filter(|(_, f)| f.kernel && f.variables.contains(&number));
            let kernel = owners.next().map(|(kernel, _)| kernel as u32);
            Shared { name: variable.name.clone(), offset, bytes: variable.bytes, kernel }
        };
        let shared = shared.iter().enumerate().filter_map(|(number, offset)| offset.map(|offset| (number, offset)));
        let shared = shared.map(named).collect();
        let (files, target, calls) = (module.files, module.target, module.calls);
        Ok(Self { functions, statics, files, target, variables, shared, calls, static_bytes })
    }

    /// Bytes of shared memory that blocks of a kernel have where a launch asks for `dynamic` of them.
    pub fn shared_bytes(&self, kernel: u32, dynamic: u32) -> u64 {
        let start = self.shared.iter().find(|variable| variable.bytes.is_none()).map(|variable| variable.offset);
        start.unwrap_or(self.statics[kernel as usize]) + u64::from(dynamic)
    }

    /// The number of a kernel.
    pub fn kernel(&self, name: &str) -> Option<u32> {
        self.functions.iter().position(|function| function.kernel && function.name == name).map(|at| at as u32)
    }

    /// The names of its kernels.
    pub fn kernels(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().filter(|function| function.kernel).map(|function| &function.name[..])
    }

    /// Where a kernel's parameters lie among all of a launch.
    pub fn params(&self, kernel: u32) -> &[Param] {
        &self.functions[kernel as usize].params
    }

    /// The numbers of a kernel's directive, `maxntid` or `reqntid` for example (ISA 11.4); None if it has none of that name.
    pub fn directive(&self, kernel: u32, name: &str) -> Option<&[u32]> {
        let directives = &self.functions[kernel as usize].directives;
        directives.iter().find(|(known, _)| known == name).map(|(_, numbers)| &numbers[..])
    }

    /// Where an instruction stands: in the source, then the calls that led there as far as they were inlined.
    pub fn places(&self, (function, pc): (u32, u32)) -> Vec<Place> {
        let places = self.functions.get(function as usize).and_then(|function| function.places.get(pc as usize));
        let first = places.map(|(place, _)| *place).filter(|place| place.line > 0);
        std::iter::successors(first, |place| self.calls.get(place.via.checked_sub(1)? as usize).copied()).collect()
    }

    /// How an instruction is written, without its operands; None for one that the machine has put in.
    pub fn name(&self, (function, pc): (u32, u32)) -> Option<&str> {
        let function = self.functions.get(function as usize)?;
        let number = (*function.names.get(pc as usize)?)?;
        function.written.get(number as usize).map(String::as_str)
    }

    /// How many instructions a function has.
    pub fn lengths(&self) -> impl Iterator<Item = u32> {
        self.functions.iter().map(|function| function.ops.len() as u32)
    }

    /// What an instruction makes its lanes wait for.
    pub fn meeting(&self, (function, pc): (u32, u32)) -> Option<Meeting> {
        match self.functions.get(function as usize)?.ops.get(pc as usize)?.action {
            Action::Barrier(_) => Some(Meeting::Barrier),
            Action::Collective(_) => Some(Meeting::Collective),
            _ => None,
        }
    }

    /// Gives the memory of its variables back.
    pub fn unload(&self, memory: &mut Memory) {
        self.variables.values().for_each(|(address, _)| memory.free(*address));
    }
}

/// Addresses of a module's variables in global and constant space; zeros for others.
fn place_variables(module: &Module, memory: &mut Memory) -> Result<Vec<u64>, Failure> {
    let mut addresses = vec![0; module.variables.len()];
    let places =
        || module.variables.iter().enumerate().filter(|(_, v)| matches!(v.space, Space::Global | Space::Constant));
    for (number, variable) in places() {
        if variable.external {
            return Err((0, format!("the variable '{}' is declared, and defined nowhere", variable.name)));
        }
        let constant = variable.space == Space::Constant;
        let holds = Holds::Variable { name: variable.name.clone(), constant };
        let bytes = variable.bytes.unwrap_or(0) as usize;
        let address = memory.allocate(bytes, holds).map_err(|e| (0, format!("'{}': {e}", variable.name)))?;
        addresses[number] = address;
        // SAFETY: memory that was just allocated, and contents are no longer than the variable.
        unsafe {
            std::ptr::write_bytes(address as *mut u8, 0, bytes);
            std::ptr::copy_nonoverlapping(variable.contents.as_ptr(), address as *mut u8, variable.contents.len());
        }
    }
    for (number, variable) in places() {
        for initial in &variable.addresses {
            let other = module.variables.iter().position(|other| other.name == initial.name);
            let function = module.functions.iter().position(|function| function.name == initial.name);
            let base = match (other, function) {
                (Some(other), _) => addresses[other],
                (None, Some(function)) => FUNCTIONS + 16 * function as u64,
                (None, None) => {
                    return Err((
                        0,
                        format!("'{}' is initialised with '{}', which is nowhere", variable.name, initial.name),
                    ));
                }
            };
            let value = base.wrapping_add(initial.offset as u64) >> initial.shift;
            // SAFETY: within the contents, which lie within the variable.
            unsafe {
                let to = (addresses[number] as *mut u8).add(initial.at);
                std::ptr::copy_nonoverlapping(value.to_le_bytes().as_ptr(), to, initial.bytes);
            }
        }
    }
    Ok(addresses)
}

/// Where variables in shared space lie.
struct SharedPlaces {
    /// By variable.
    offsets: Vec<Option<u64>>,
    /// Where the static ones end, and what they take, by function.
    statics: Vec<u64>,
    static_bytes: Vec<u64>,
}

/// Static variables of the module and its device functions come first, then those of each kernel, then dynamic ones, which all lie at the
/// same place.
fn place_shared(module: &Module, gap: u64) -> SharedPlaces {
    let mut offsets = vec![None; module.variables.len()];
    let is_dynamic = |number: usize| module.variables[number].bytes.is_none() || module.variables[number].external;
    let numbers: Vec<usize> =
        (0..offsets.len()).filter(|number| module.variables[*number].space == Space::Shared).collect();
    let owner = |number: usize| module.functions.iter().position(|f| f.kernel && f.variables.contains(&number));
    let mut put = |number: usize, end: u64| {
        let variable = &module.variables[number];
        let start = (end + gap).next_multiple_of(u64::from(variable.align));
        offsets[number] = Some(start);
        start + variable.bytes.unwrap_or(0)
    };
    let is_static = |number: &&usize| !is_dynamic(**number);
    let common = numbers.iter().filter(is_static).filter(|n| owner(**n).is_none()).fold(0, |end, n| put(*n, end));
    let mut statics = vec![common; module.functions.len()];
    let bytes = |number: usize| module.variables[number].bytes.unwrap_or(0);
    let of_all = numbers.iter().filter(is_static).filter(|n| owner(**n).is_none()).map(|n| bytes(*n)).sum();
    let mut static_bytes = vec![of_all; module.functions.len()];
    for &number in numbers.iter().filter(is_static) {
        if let Some(kernel) = owner(number) {
            statics[kernel] = put(number, statics[kernel]);
            static_bytes[kernel] += bytes(number);
        }
    }
    let align = numbers.iter().filter(|n| is_dynamic(**n)).map(|n| u64::from(module.variables[*n].align)).max();
    if let Some(align) = align {
        let end = statics.iter().max().map_or(0, |end| (end + gap).next_multiple_of(align));
        numbers.iter().filter(|n| is_dynamic(**n)).for_each(|n| offsets[*n] = Some(end));
    }
    SharedPlaces { offsets, statics, static_bytes }
}
