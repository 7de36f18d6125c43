//! Calls (ISA 9.7.12.5), also of what every module finds: `printf`, `assert`.

use super::{Decoder, Refusal};
use crate::code::Action;
use crate::run::call::{Call, Callee};
use crate::run::system;
use crate::text::tree::Operand;

impl Decoder<'_> {
    pub(super) fn call(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        if !matches!(parts, ["call"] | ["call", "uni"]) {
            return Err("is not known with these modifiers".into());
        }
        let (results, rest) = match operands {
            [Operand::List(results), rest @ ..] => (&results[..], rest),
            rest => (&[][..], rest),
        };
        let (callee, rest) = rest.split_first().ok_or("names no function")?;
        let params = match rest.first() {
            Some(Operand::List(params)) => &params[..],
            _ => &[],
        };
        let passes = self.passed(params)?;
        let takes = self.passed(results)?;
        let callee = match callee {
            Operand::Function(name) => {
                if let Some(action) = system::function(name, &passes, &takes) {
                    return Ok(Action::Other(action));
                }
                let functions = &self.around.module.functions;
                let number =
                    functions.iter().position(|f| f.name == *name).ok_or_else(|| format!("'{name}' is no function"))?;
                if functions[number].body.is_none() {
                    return Err(format!("calls '{name}', which is declared, and defined nowhere"));
                }
                Callee::Function(number as u32)
            }
            register => Callee::Register(self.source(register, crate::lane::Width::B64)?),
        };
        // Whom a call goes to may do anything.
        self.out.orders_blocks = true;
        Ok(Action::Call(Box::new(Call { callee, passes, takes })))
    }

    /// Where variables that are passed lie in the frame.
    fn passed(&self, operands: &[Operand]) -> Result<Vec<(usize, usize)>, Refusal> {
        let place = |operand: &Operand| match operand {
            Operand::Symbol(number, 0) => self.params.get(number).map(|param| (param.offset, param.bytes)),
            _ => None,
        };
        let all: Option<Vec<_>> = operands.iter().map(place).collect();
        all.ok_or_else(|| "passes what is no .param variable of the function".into())
    }
}
