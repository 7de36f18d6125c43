//! What layers above keep for each device, one value of a type, without the device knowing any of them.

use std::any::Any;
use std::sync::OnceLock;

/// Values of different types, which are never taken out: a list that grows at its end.
#[derive(Default)]
pub(super) struct Attached(OnceLock<(Box<dyn Any + Send + Sync>, Box<Attached>)>);

impl Attached {
    /// The value of type `T`; a default one from the first call on.
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> &T {
        let (value, rest) = self.0.get_or_init(|| (Box::new(T::default()), Box::default()));
        value.downcast_ref().unwrap_or_else(|| rest.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_value_of_each_type_stays() {
        let attached = Attached::default();
        attached.get::<AtomicU32>().store(3, Ordering::Relaxed);
        assert_eq!(attached.get::<String>(), "");
        assert_eq!(attached.get::<AtomicU32>().load(Ordering::Relaxed), 3);
    }
}
