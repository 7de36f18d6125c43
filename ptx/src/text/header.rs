//! What stands outside of functions (ISA 11): directives, variables, heads of functions.

use std::collections::HashMap;

use super::lex::{self, Token, Word};
use super::scope::Scopes;
use super::tree::{Function, Module, Place, Space};

/// Why a text is no PTX that is known: the line, from 1, and what is wrong with it.
pub type Failure = (u32, String);

/// Reads a PTX file.
///
/// # Errors
/// The line that cannot be read, and why.
pub fn parse(text: &str) -> Result<Module, Failure> {
    let tokens = lex::words(text)?;
    let (module, scopes, lines) = (Module::default(), Scopes::new(), HashMap::new());
    let mut parser = Parser { tokens: &tokens, at: 0, module, scopes, lines };
    while parser.at < parser.tokens.len() {
        parser.directive()?;
    }
    Ok(parser.module)
}

pub(super) struct Parser<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    pub(super) module: Module,
    pub(super) scopes: Scopes<'a>,
    /// What the last `.loc` of each line and column said.
    pub(super) lines: HashMap<Written, Place>,
}

/// File, line and column, as they are written.
pub(super) type Written = (u32, u32, u32);

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<Word<'a>> {
        self.tokens.get(self.at).map(|token| token.word)
    }

    /// The line of the next word.
    pub(super) fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    pub(super) fn fail<T>(&self, what: impl Into<String>) -> Result<T, Failure> {
        Err((self.line(), what.into()))
    }

    pub(super) fn next(&mut self) -> Result<Word<'a>, Failure> {
        let word = self.peek();
        self.at += 1;
        word.map_or_else(|| self.fail("the text ends too early"), Ok)
    }

    /// Takes the sign if it is next.
    pub(super) fn takes(&mut self, sign: u8) -> bool {
        let is = self.peek() == Some(Word::Sign(sign));
        self.at += usize::from(is);
        is
    }

    /// Takes the name if it is next.
    pub(super) fn takes_name(&mut self, name: &str) -> bool {
        let is = self.peek() == Some(Word::Name(name));
        self.at += usize::from(is);
        is
    }

    pub(super) fn expect(&mut self, sign: u8) -> Result<(), Failure> {
        match self.takes(sign) {
            true => Ok(()),
            false => self.fail(format!("'{}' is missing, here stands {:?}", sign as char, self.peek())),
        }
    }

    pub(super) fn name(&mut self) -> Result<&'a str, Failure> {
        match self.next()? {
            Word::Name(name) => Ok(name),
            other => self.fail(format!("a name should stand here, not {other:?}")),
        }
    }

    pub(super) fn integer(&mut self) -> Result<i128, Failure> {
        let minus = self.takes(b'-');
        match self.next()? {
            Word::Integer(value) => Ok(if minus { -value } else { value }),
            other => self.fail(format!("an integer should stand here, not {other:?}")),
        }
    }

    pub(super) fn number<T: TryFrom<i128>>(&mut self) -> Result<T, Failure> {
        let value = self.integer()?;
        T::try_from(value).or_else(|_| self.fail(format!("{value} is too large, or negative")))
    }

    /// Where the parser is, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    pub(super) fn back_to(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Leaves out what stands up to the sign, which is taken.
    pub(super) fn skip_to(&mut self, sign: u8) -> Result<(), Failure> {
        while self.next()? != Word::Sign(sign) {}
        Ok(())
    }

    fn directive(&mut self) -> Result<(), Failure> {
        let mut external = false;
        loop {
            match self.name()? {
                ".version" => {
                    let Word::Double(bits) = self.next()? else { return self.fail(".version is a number such as 9.0") };
                    let version = f64::from_bits(bits);
                    self.module.version = (version as u32, (version.fract() * 10.0).round() as u32);
                }
                ".target" => {
                    self.module.target = self.name()?.into();
                    while self.takes(b',') {
                        self.name()?;
                    }
                }
                ".address_size" => {
                    if self.integer()? != 64 {
                        return self.fail("addresses of 64 bits alone are known");
                    }
                }
                ".file" => {
                    let number = self.number()?;
                    let Word::Text(path) = self.next()? else { return self.fail(".file has a path") };
                    self.module.files.insert(number, path.into());
                    while self.takes(b',') {
                        self.integer()?;
                    }
                }
                // What debuggers read.
                ".section" => self.skip_to(b'}')?,
                ".pragma" => self.skip_to(b';')?,
                ".extern" => {
                    external = true;
                    continue;
                }
                ".visible" | ".weak" | ".common" => continue,
                ".entry" => self.function(true)?,
                ".func" => self.function(false)?,
                name => match space(name) {
                    Some(space) => {
                        self.variables(space, external)?;
                    }
                    None => return self.fail(format!("the directive '{name}' is not known")),
                },
            }
            return Ok(());
        }
    }

    fn function(&mut self, kernel: bool) -> Result<(), Failure> {
        self.scopes.begin_function();
        let returns = self.params()?;
        let name = self.name()?.to_owned();
        let params = self.params()?;
        let mut function = Function { name, kernel, returns, params, ..Function::default() };
        loop {
            if self.takes(b';') {
                self.scopes.close();
                break;
            }
            if self.peek() == Some(Word::Sign(b'{')) {
                // It may call itself.
                if !self.module.functions.iter().any(|known| known.name == function.name) {
                    self.module.functions.push(Function { body: None, ..function.clone() });
                }
                self.body(&mut function)?;
                break;
            }
            let Some(directive) = self.name()?.strip_prefix('.') else {
                return self.fail("a body, or ';', is missing");
            };
            let mut numbers = Vec::new();
            if directive == "pragma" {
                self.skip_to(b';')?;
            }
            while let Some(Word::Integer(_)) = self.peek() {
                numbers.push(self.number()?);
                self.takes(b',');
            }
            function.directives.push((directive.into(), numbers));
        }
        let functions = &mut self.module.functions;
        // Declared before: the definition counts.
        match functions.iter_mut().find(|known| known.name == function.name) {
            Some(known) if known.body.is_some() && function.body.is_some() => {
                return self.fail(format!("the function '{}' stands here twice", function.name));
            }
            Some(known) if function.body.is_some() => *known = function,
            Some(_) => {}
            None => functions.push(function),
        }
        Ok(())
    }
}

/// The state space of a directive.
pub(super) fn space(name: &str) -> Option<Space> {
    Some(match name {
        ".global" => Space::Global,
        ".const" => Space::Constant,
        ".shared" => Space::Shared,
        ".local" => Space::Local,
        ".param" => Space::Param,
        _ => return None,
    })
}
