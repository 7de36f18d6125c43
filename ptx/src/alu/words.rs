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
