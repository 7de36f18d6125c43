//! Pictures worth a look: scores against their formulas, planted errors and twins that must be found.

mod command;
mod pieces;
mod planted;
