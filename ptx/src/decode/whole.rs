//! Instructions of a whole warp on matrices (ISA 9.7.14): `mma`, `wmma`, `ldmatrix`, `stmatrix`, `movmatrix`; `setmaxnreg`.

use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::collective::{Act, Collective};
use crate::run::reach::Reach;
use crate::run::whole::{By, Moving, Multiplying, Registering, Registers, Transposing};
use crate::run::wmma::Accessing;
use crate::tensor::fragment::Fragment;
use crate::tensor::matrix::{self, Direction};
use crate::tensor::{mma, wmma};
use crate::text::tree::{Operand, Space};

impl Decoder<'_> {
    pub(super) fn whole(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let run: Box<dyn Run> = match parts {
            ["mma", "sp" | "sp::ordered_metadata", ..] => self.sparse(parts, operands)?,
            ["mma", ..] => {
                let mma = mma::find(self.around.isa, parts).ok_or(UNKNOWN)?;
                self.multiply(By::Mma(mma), operands)?
            }
            ["wmma", "mma", ..] => {
                let wmma = wmma::find_multiply(self.around.isa, parts).ok_or(UNKNOWN)?;
                self.multiply(By::Wmma(wmma), operands)?
            }
            ["wmma", ..] => self.access_matrix(parts, operands)?,
            ["ldmatrix" | "stmatrix", ..] => self.move_matrices(parts, operands)?,
            ["movmatrix", "sync", "aligned", "m8n8", "trans", "b16"] => {
                let [to, from] = operands else { return Err("has two operands".into()) };
                Box::new(Transposing { to: self.results(to, Width::B32)?, from: self.sources(from, Width::B32)? })
            }
            ["setmaxnreg", "inc" | "dec", "sync", "aligned", "u32"] => match operands {
                [Operand::Integer(count)] if (24..=256).contains(count) && count % 8 == 0 => Box::new(Registering),
                _ => return Err("asks for no multiple of 8 from 24 to 256".into()),
            },
            _ => return Err(UNKNOWN.into()),
        };
        Ok(whole(run))
    }

    fn multiply(&mut self, by: By, operands: &[Operand]) -> Result<Box<dyn Run>, Refusal> {
        let [d, a, b, c] = operands else { return Err("has four operands: D, A, B, C".into()) };
        let fragments = by.fragments();
        let d = self.results(d, fragments[0].width())?;
        let mut of = |operand, fragment: Fragment| self.sources(operand, fragment.width());
        let (a, b, c) = (of(a, fragments[1])?, of(b, fragments[2])?, of(c, fragments[3])?);
        for ((name, registers), fragment) in [("D", &d), ("A", &a), ("B", &b), ("C", &c)].into_iter().zip(&fragments) {
            fits(name, registers, fragment.registers)?;
        }
        Ok(Box::new(Multiplying { d, a, b, c, by }))
    }

    fn sparse(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Box<dyn Run>, Refusal> {
        let sparse = mma::find_sparse(self.around.isa, parts).ok_or(UNKNOWN)?;
        let [rest @ .., metadata, Operand::Integer(selector)] = operands else {
            return Err("lacks metadata or a selector".into());
        };
        let selector = u32::try_from(*selector).ok().filter(|selector| *selector < sparse.selectors());
        let selector = selector.ok_or("has a sparsity selector that its shape does not have")?;
        let metadata = self.source(metadata, Width::B32)?;
        self.multiply(By::Sparse(sparse, metadata, selector), rest)
    }

    fn move_matrices(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Box<dyn Run>, Refusal> {
        let matrices = matrix::find(parts).ok_or(UNKNOWN)?;
        let (registers, address) = match (operands, matrices.direction) {
            ([registers, address], Direction::Load) => (self.results(registers, Width::B32)?, address),
            ([address, registers], Direction::Store) => (self.sources(registers, Width::B32)?, address),
            _ => return Err("has two operands".into()),
        };
        fits("the matrices", &registers, matrices.count)?;
        let reach = self.matrix_reach(parts, address)?;
        Ok(Box::new(Moving { matrices, registers, reach }))
    }

    fn access_matrix(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Box<dyn Run>, Refusal> {
        let access = wmma::find_access(parts).ok_or(UNKNOWN)?;
        let (first, second, stride) = match operands {
            [first, second] => (first, second, None),
            [first, second, stride] => (first, second, Some(self.source(stride, Width::B32)?)),
            _ => return Err("has two or three operands".into()),
        };
        let width = access.fragment.width();
        let (registers, address) = match access.direction {
            wmma::Direction::Load => (self.results(first, width)?, second),
            wmma::Direction::Store => (self.sources(second, width)?, first),
        };
        fits("the matrix", &registers, access.fragment.registers)?;
        let reach = self.matrix_reach(parts, address)?;
        Ok(Box::new(Accessing { access, registers, reach, stride }))
    }

    fn matrix_reach(&mut self, parts: &[&str], address: &Operand) -> Result<Reach, Refusal> {
        let space = parts.iter().find_map(|part| super::transfers::space(part)).unwrap_or(Space::Generic);
        self.reach(address, space)
    }

    /// Registers that a matrix is read of.
    pub(super) fn sources(&mut self, operand: &Operand, width: Width) -> Result<Registers, Refusal> {
        let offsets = self.vector(operand).iter().map(|operand| self.source(operand, width));
        Ok(Registers { offsets: offsets.collect::<Result<_, _>>()?, width })
    }

    /// Registers that a matrix is put into.
    pub(super) fn results(&mut self, operand: &Operand, width: Width) -> Result<Registers, Refusal> {
        let offsets = self.vector(operand).iter().map(|operand| self.destination(operand, width));
        Ok(Registers { offsets: offsets.collect::<Result<_, _>>()?, width })
    }
}

pub(super) const UNKNOWN: &str = "is not known with these modifiers and operands";

/// An instruction that all lanes of a warp do together.
pub(super) fn whole(run: Box<dyn Run>) -> Action {
    Action::Collective(Box::new(Collective { members: None, act: Act::Whole(run) }))
}

/// Whether a matrix has as many registers as it takes.
pub(super) fn fits(name: &str, registers: &Registers, count: usize) -> Result<(), Refusal> {
    match registers.offsets.len() == count {
        true => Ok(()),
        false => Err(format!("has {} registers for {name}, which takes {count}", registers.offsets.len())),
    }
}
