//! Handles: numbers that programs get as pointers. None is ever used twice, so that one of something destroyed is known as that.

/// What a handle is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Context = 1,
    Stream,
    Event,
    Module,
    Function,
    Pool,
    Array,
    Mipmaps,
    Graph,
    Exec,
    Library,
    Kernel,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Kind::Context => "context",
            Kind::Stream => "stream",
            Kind::Event => "event",
            Kind::Module => "module",
            Kind::Function => "function",
            Kind::Pool => "memory pool",
            Kind::Array => "array",
            Kind::Mipmaps => "mipmapped array",
            Kind::Graph => "graph",
            Kind::Exec => "executable graph",
            Kind::Library => "library",
            Kind::Kernel => "kernel of a library",
        }
    }
}

/// Gives handles out.
#[derive(Default)]
pub struct Handles {
    given: [u64; 13],
}

impl Handles {
    /// A handle of something new.
    pub fn fresh(&mut self, kind: Kind) -> u64 {
        let given = &mut self.given[kind as usize];
        *given += 1;
        (kind as u64) << 40 | *given << 4
    }

    /// What is to be said of a number that is the handle of no `kind` that lives.
    pub fn unknown(&self, kind: Kind, handle: u64) -> String {
        let (number, noun) = (handle >> 4 & 0xF_FFFF_FFFF, kind.noun());
        if handle >> 40 == kind as u64 && handle & 15 == 0 && (1..=self.given[kind as usize]).contains(&number) {
            format!("the {noun} {handle:#x} was destroyed")
        } else {
            format!("{handle:#x} is no {noun}")
        }
    }
}
