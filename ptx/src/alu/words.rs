//! The parts of an instruction's name, taken from the front: their order is the grammar's.

/// What is left of a name.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    rest: &'a [&'a str],
}

impl<'a> Words<'a> {
    pub fn new(rest: &'a [&'a str]) -> Self {
        Words { rest }
    }

    /// The next part, whatever it is.
    pub fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Takes the next part if it is `word`.
    pub fn flag(&mut self, word: &str) -> bool {
        let found = self.rest.first() == Some(&word);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// The value in `table` of the next part, which is taken; if it is not there, nothing is.
    pub fn choice<T: Copy>(&mut self, table: &[(&str, T)]) -> Option<T> {
        let first = *self.rest.first()?;
        let (_, value) = table.iter().find(|(word, _)| *word == first)?;
        self.rest = &self.rest[1..];
        Some(*value)
    }

    /// The last part: there must be exactly one.
    pub fn last(self) -> Option<&'a str> {
        match self.rest {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether nothing is left.
    pub fn done(&self) -> bool {
        self.rest.is_empty()
    }
}

/// The parts behind `op` in the order of the manual's grammar: assemblers take modifiers in any order, and the manual's examples
/// have some behind the types. What is not known stays where it is, to be refused by whoever looks at it. None where order counts.
pub fn in_order<'a>(op: &str, rest: &[&'a str]) -> Option<Vec<&'a str>> {
    let comparison = matches!(op, "set" | "setp");
    let first = |word: &&str| matches!(*word, "lo" | "hi" | "wide" | "l" | "r");
    if !comparison && rest.iter().skip(1).any(first) {
        return None;
    }
    let types_first = op.starts_with('v') || op == "prmt";
    let rank = |word: &&str| match *word {
        "lo" | "hi" | "wide" | "l" | "r" | "pack" | "approx" | "full" | "shiftamt" => 1,
        "rn" | "rz" | "rm" | "rp" | "rs" | "rna" | "rni" | "rzi" | "rmi" | "rpi" => 1,
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "equ" | "neu" | "ltu" | "leu" | "gtu" | "geu" | "num" | "nan" => 1,
        "finite" | "infinite" | "number" | "notanumber" | "normal" | "subnormal" | "ls" | "hs" => 1,
        "po" => -1,
        "and" | "or" | "xor" | "cc" => 2,
        "oob" => 2,
        "ftz" => 3,
        "NaN" => 4,
        "xorsign" => 5,
        "abs" => 6,
        "relu" => 7,
        "satfinite" => 8,
        "sat" if types_first => 0,
        "sat" => 9,
        "clamp" | "wrap" | "shr7" | "shr15" => 1,
        "add" | "min" | "max" => 10,
        "f4e" | "b4e" | "rc8" | "ecl" | "ecr" | "rc16" => 10,
        _ if types_first => -2,
        _ => 11,
    };
    let mut ordered = rest.to_vec();
    ordered.sort_by_key(rank);
    Some(ordered)
}
