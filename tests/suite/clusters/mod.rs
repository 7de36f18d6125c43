//! Maps of a whole part, grouped class by class, and what is said of them.

mod blank;
mod command;
mod pieces;
mod planted;
