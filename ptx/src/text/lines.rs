//! Lines of the source (ISA 11.5.3: `.loc`).

use super::header::{Failure, Parser, Written};
use super::lex::Word;
use super::tree::Place;

impl Parser<'_> {
    /// Reads a `.loc` whose name was read.
    pub(super) fn line_directive(&mut self) -> Result<Place, Failure> {
        let here = (self.number()?, self.number()?, self.number()?);
        let mut at = None;
        while self.takes(b',') {
            if self.name()? == "inlined_at" {
                at = Some((self.number()?, self.number()?, self.number()?));
                continue;
            }
            // The function's name, by where it stands among texts.
            if let Some(Word::Name(label)) = self.peek()
                && label.starts_with("$L__info_string")
            {
                self.name()?;
            }
            while matches!(self.peek(), Some(Word::Integer(_) | Word::Sign(b'+'))) {
                self.next()?;
            }
        }
        Ok(self.locate(here, at))
    }

    /// The place of a `.loc` (ISA 11.5.3), which was inlined `at` another one; that one stood before.
    fn locate(&mut self, here: Written, at: Option<Written>) -> Place {
        let via = at.map_or(0, |at| {
            let call = self.lines.get(&at).copied().unwrap_or(Place { file: at.0, line: at.1, via: 0 });
            let calls = &mut self.module.calls;
            let known = calls.iter().rposition(|known| *known == call);
            1 + known.unwrap_or_else(|| {
                calls.push(call);
                calls.len() - 1
            }) as u32
        });
        let place = Place { file: here.0, line: here.1, via };
        self.lines.insert(here, place);
        place
    }
}
