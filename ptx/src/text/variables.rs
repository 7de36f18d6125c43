//! Variables of all state spaces, with what they are initialised to (ISA 5.4), and parameters.

use super::header::{Failure, Parser};
use super::lex::Word;
use super::scope::Name;
use super::tree::{Initial, Kind, Space, Type, Variable};

impl<'a> Parser<'a> {
    /// `.align 4 .b8 x[16] = {…}, …;` after the state space; numbers of the variables.
    pub(super) fn variables(&mut self, space: Space, external: bool) -> Result<Vec<usize>, Failure> {
        let mut numbers = Vec::new();
        let (align, each, of) = self.declared_type()?;
        loop {
            let name = self.name()?;
            let bytes = self.dimensions(each)?;
            let mut variable = Variable {
                name: name.into(),
                space,
                align,
                bytes,
                contents: Vec::new(),
                addresses: Vec::new(),
                external,
            };
            if self.takes(b'=') {
                self.initial(&mut variable, of)?;
                if variable.bytes.is_none() {
                    variable.bytes = Some(variable.contents.len() as u64);
                }
                if variable.bytes < Some(variable.contents.len() as u64) {
                    return self.fail(format!("{name} is initialised with more than it holds"));
                }
            }
            numbers.push(self.variable(variable, name)?);
            if !self.takes(b',') {
                self.expect(b';')?;
                return Ok(numbers);
            }
        }
    }

    /// Notes a variable under its name. An `.extern` one may be declared again, and defined.
    fn variable(&mut self, variable: Variable, name: &'a str) -> Result<usize, Failure> {
        let number = self.module.variables.len();
        if let Some(Name::Variable(known)) = self.scopes.find(name)
            && self.module.variables[known].external
        {
            self.module.variables[known] = variable;
            return Ok(known);
        }
        self.module.variables.push(variable);
        match self.scopes.declare(name, Name::Variable(number)) {
            true => Ok(number),
            false => self.fail(format!("'{name}' is declared twice")),
        }
    }

    /// Alignment, bytes of one, and type; attributes and what is said of pointers are passed over.
    pub(super) fn declared_type(&mut self) -> Result<(u32, u64, Type), Failure> {
        let (mut align, mut lanes, mut of) = (None, 1, None);
        while let Some(Word::Name(name)) = self.peek()
            && let Some(word) = name.strip_prefix('.')
        {
            self.name()?;
            match word {
                "align" => align = Some(self.number()?),
                "v2" | "v4" => lanes = if word == "v2" { 2 } else { 4 },
                "attribute" => self.skip_to(b')')?,
                // Of a parameter that is a pointer: where to, and how what it points to is aligned.
                "ptr" => {
                    while let Some(Word::Name(name)) = self.peek()
                        && name.starts_with('.')
                    {
                        self.name()?;
                        if name == ".align" {
                            self.integer()?;
                        }
                    }
                }
                // Textures, samplers and surfaces are handles.
                "texref" | "samplerref" | "surfref" => of = Some(Type { bytes: 8, kind: Kind::Bits }),
                _ => {
                    of = Some(
                        Type::named(word).map_or_else(|| self.fail(format!("the type '{name}' is not known")), Ok)?,
                    );
                }
            }
        }
        let Some(of) = of else { return self.fail("a type is missing") };
        let bytes = u64::from(of.bytes) * lanes;
        Ok((align.unwrap_or(bytes.max(1) as u32), bytes, of))
    }

    /// `[2][3]` of elements of `each` bytes; None for `[]`.
    pub(super) fn dimensions(&mut self, each: u64) -> Result<Option<u64>, Failure> {
        let mut bytes = Some(each);
        while self.takes(b'[') {
            if self.takes(b']') {
                bytes = None;
                continue;
            }
            let count: u64 = self.number()?;
            self.expect(b']')?;
            bytes = bytes.and_then(|bytes| bytes.checked_mul(count));
        }
        Ok(bytes)
    }

    /// An initial value, or braces with several.
    fn initial(&mut self, variable: &mut Variable, of: Type) -> Result<(), Failure> {
        if self.takes(b'{') {
            while !self.takes(b'}') {
                self.initial(variable, of)?;
                self.takes(b',');
            }
            return Ok(());
        }
        let bytes = of.bytes as usize;
        if let Some(Word::Single(_) | Word::Double(_)) = self.peek() {
            let value = match self.next()? {
                Word::Single(bits) => f64::from(f32::from_bits(bits)),
                Word::Double(bits) => f64::from_bits(bits),
                _ => unreachable!("one of the two was next"),
            };
            match of.bytes {
                4 => variable.contents.extend((value as f32).to_le_bytes()),
                8 => variable.contents.extend(value.to_le_bytes()),
                _ => return self.fail("a float initialises f32 and f64 alone"),
            }
            return Ok(());
        }
        if let Some(Word::Name(_)) = self.peek() {
            return self.initial_address(variable, bytes, 0);
        }
        let value = self.integer()?;
        // `0xFF00(x)`: a byte of an address.
        if self.peek() == Some(Word::Sign(b'(')) && value > 0 {
            let shift = (value as u64).trailing_zeros();
            return self.initial_address(variable, bytes, shift);
        }
        variable.contents.extend(&value.to_le_bytes()[..bytes]);
        Ok(())
    }

    fn initial_address(&mut self, variable: &mut Variable, bytes: usize, shift: u32) -> Result<(), Failure> {
        let generic = self.takes_name("generic");
        let braces = self.takes(b'(');
        let name = self.name()?.to_owned();
        let plus = |parser: &mut Self| if parser.takes(b'+') { parser.number() } else { Ok(0) };
        let mut offset: i64 = plus(self)?;
        if braces {
            self.expect(b')')?;
            offset += plus(self)?;
        }
        let at = variable.contents.len();
        variable.addresses.push(Initial { at, bytes, shift, name, offset, generic });
        variable.contents.resize(at + bytes, 0);
        Ok(())
    }

    /// `(.param .b32 x, …)` if a parenthesis is next: numbers of the variables.
    pub(super) fn params(&mut self) -> Result<Vec<usize>, Failure> {
        let mut numbers = Vec::new();
        if !self.takes(b'(') {
            return Ok(numbers);
        }
        while !self.takes(b')') {
            if !self.takes_name(".param") {
                return self.fail("parameters stand in .param space; registers as parameters are not known");
            }
            let (align, each, _) = self.declared_type()?;
            let name = self.name()?;
            let bytes = self.dimensions(each)?;
            let variable = Variable {
                name: name.into(),
                space: Space::Param,
                align,
                bytes,
                contents: Vec::new(),
                addresses: Vec::new(),
                external: false,
            };
            numbers.push(self.variable(variable, name)?);
            self.takes(b',');
        }
        Ok(numbers)
    }
}
