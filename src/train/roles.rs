//! What a run does with each picture of the training part.

use super::config::Config;
use crate::data::record::Role;
use crate::data::{Dataset, split};
use crate::error::Result;

/// One for each picture of `data.train`: most are trained on; some are held back to choose an epoch by, or not used.
///
/// # Errors
/// Shares that are none; pictures held back where the data set has validation pictures of its own.
pub fn roles(config: &Config, data: &Dataset) -> Result<Vec<Role>> {
    config.check_validation(data)?;
    let used = split::fraction(&data.train, config.train_fraction, config.split_seed)?;
    let (chosen, held) = split::validation(&data.train.select(&used), config.validation, config.split_seed)?;
    let mut roles = vec![Role::Unused; data.train.len()];
    for (positions, role) in [(chosen, Role::Train), (held, Role::Held)] {
        positions.iter().for_each(|&position| roles[used[position as usize] as usize] = role);
    }
    Ok(roles)
}

/// The indices of pictures with `role`, in ascending order.
pub fn with(roles: &[Role], role: Role) -> Vec<u32> {
    (0..).zip(roles).filter(|(_, one)| **one == role).map(|(index, _)| index).collect()
}
