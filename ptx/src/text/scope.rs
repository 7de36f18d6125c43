//! Which thing a name means: braces open scopes, and labels are known before they stand somewhere.

use std::collections::HashMap;

use super::tree::Operand;
use crate::lane::Width;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    Register(u32),
    /// `%r<9>`: `%r0` to `%r8`, from a register number on.
    Family(u32, u32),
    Variable(usize),
    /// A label of a `.branchtargets` list or `.callprototype`.
    Targets(usize),
    Prototype(usize),
}

/// The scopes of a function. The first is the module's.
pub struct Scopes<'a> {
    all: Vec<Scope<'a>>,
    now: usize,
    pub registers: Vec<Width>,
    /// Names that were used and are looked up when the function ends: their scopes and lines.
    pending: Vec<(usize, &'a str, u32)>,
    /// Of labels that stand somewhere: numbers of instructions.
    pub labels: Vec<usize>,
}

#[derive(Default)]
struct Scope<'a> {
    parent: usize,
    names: HashMap<&'a str, Name>,
    labels: HashMap<&'a str, usize>,
}

impl<'a> Scopes<'a> {
    /// The module's own names.
    pub fn new() -> Self {
        Self { all: vec![Scope::default()], now: 0, registers: Vec::new(), pending: Vec::new(), labels: Vec::new() }
    }

    /// Leaves all of the last function behind, and begins one.
    pub fn begin_function(&mut self) {
        self.all.truncate(1);
        (self.now, self.registers, self.labels) = (0, Vec::new(), Vec::new());
        self.pending.clear();
        self.open();
    }

    pub fn open(&mut self) {
        self.all.push(Scope { parent: self.now, ..Scope::default() });
        self.now = self.all.len() - 1;
    }

    /// Closes the innermost scope; false if that is the function's.
    pub fn close(&mut self) -> bool {
        self.now = self.all[self.now].parent;
        self.now != 0
    }

    /// Declares a name; false if the scope has it.
    pub fn declare(&mut self, name: &'a str, what: Name) -> bool {
        self.all[self.now].names.insert(name, what).is_none()
    }

    pub fn declare_registers(&mut self, name: &'a str, width: Width, count: Option<u32>) -> bool {
        let first = self.registers.len() as u32;
        self.registers.extend((0..count.unwrap_or(1)).map(|_| width));
        self.declare(name, count.map_or(Name::Register(first), |count| Name::Family(first, count)))
    }

    /// A label stands before instruction `at`; false if the scope has it.
    pub fn label(&mut self, name: &'a str, at: usize) -> bool {
        let number = self.labels.len();
        self.labels.push(at);
        self.all[self.now].labels.insert(name, number).is_none()
    }

    /// What `name` means here, labels aside.
    pub fn find(&self, name: &str) -> Option<Name> {
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = name[family.len()..].parse::<u32>().ok();
        let mut scope = self.now;
        loop {
            let Scope { parent, names, .. } = &self.all[scope];
            if let Some(found) = names.get(name) {
                return Some(*found);
            }
            if let (Some(&Name::Family(first, count)), Some(number)) = (names.get(family), number)
                && number < count
            {
                return Some(Name::Register(first + number));
            }
            if scope == 0 {
                return None;
            }
            scope = *parent;
        }
    }

    /// An operand that is known when the function has ended.
    pub fn later(&mut self, name: &'a str, line: u32) -> Operand {
        self.pending.push((self.now, name, line));
        Operand::Label(self.pending.len() - 1)
    }

    /// What the operand of [`Scopes::later`] is: a label, one of the later declared lists, or a function of the module.
    ///
    /// # Errors
    /// The line and the name that means nothing.
    pub fn settle(&self, number: usize, is_function: impl Fn(&str) -> bool) -> Result<Operand, (u32, String)> {
        let (mut scope, name, line) = self.pending[number];
        loop {
            let Scope { parent, names, labels } = &self.all[scope];
            match (labels.get(name), names.get(name)) {
                (Some(&label), _) => return Ok(Operand::Label(label)),
                (None, Some(&Name::Targets(list))) => return Ok(Operand::Targets(list)),
                (None, Some(&Name::Prototype(number))) => return Ok(Operand::Prototype(number)),
                (None, _) if scope == 0 => break,
                (None, _) => scope = *parent,
            }
        }
        if is_function(name) {
            return Ok(Operand::Function(name.into()));
        }
        Err((line, format!("'{name}' is declared nowhere")))
    }
}
