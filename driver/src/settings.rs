//! What the environment asks of the emulated driver.

use std::sync::OnceLock;

/// When queued work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// When somebody waits for it, and nothing more than that needs.
    Lazy,
    /// At once.
    Eager,
    /// At moments and in an order of streams that are drawn from a seed.
    Random(u64),
}

/// What goes wrong on demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// There is no GPU.
    pub no_device: bool,
    /// The newest CUDA that the driver knows, major and minor, instead of 13.0.
    pub version: Option<(u32, u32)>,
    /// The device has no memory pools.
    pub no_pools: bool,
    /// No memory can be page-locked.
    pub no_page_locked: bool,
    /// The first and the last allocation of device memory that fail, counted from 1.
    pub out_of_memory: Option<(u64, u64)>,
    /// The kernel that fails, counted from 1 in the order in which they run.
    pub launch_failure: Option<u64>,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub order: Order,
    pub faults: Faults,
    /// A process that did something wrong, or leaves something behind, ends with an abort.
    pub strict: bool,
}

impl Settings {
    /// Those of this process, which are read once.
    ///
    /// # Errors
    /// A variable with a value that means nothing.
    pub fn of_process() -> Result<&'static Settings, &'static str> {
        static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
        let read = || {
            let text = |name: &str| std::env::var(name).unwrap_or_default();
            let order = order(&text("WARPTAPE_DRIVER_ORDER"))?;
            let faults = faults(&text("WARPTAPE_DRIVER_FAULTS"))?;
            Ok(Settings { order, faults, strict: !matches!(&text("WARPTAPE_DRIVER_STRICT")[..], "" | "0") })
        };
        SETTINGS.get_or_init(read).as_ref().map_err(|why| &why[..])
    }

    /// The newest CUDA that the driver knows: major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.faults.version.unwrap_or((13, 0))
    }
}

fn order(text: &str) -> Result<Order, String> {
    match text {
        "" | "lazy" => Ok(Order::Lazy),
        "eager" => Ok(Order::Eager),
        _ => match text.strip_prefix("random:").and_then(|seed| seed.parse().ok()) {
            Some(seed) => Ok(Order::Random(seed)),
            None => Err(format!("WARPTAPE_DRIVER_ORDER is lazy, eager or random:SEED, and not '{text}'")),
        },
    }
}

fn faults(text: &str) -> Result<Faults, String> {
    let mut faults = Faults::default();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let known = match name {
            "no-device" => set(&mut faults.no_device, value),
            "no-pools" => set(&mut faults.no_pools, value),
            "no-page-locked" => set(&mut faults.no_page_locked, value),
            "old-driver" => {
                let parts = value.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                faults.version = parts;
                parts.is_some()
            }
            "out-of-memory" => {
                let range = match value.strip_suffix("..") {
                    Some(first) => first.parse().ok().map(|first| (first, u64::MAX)),
                    None => value.parse().ok().map(|only| (only, only)),
                };
                faults.out_of_memory = range;
                range.is_some()
            }
            "launch-failure" => {
                faults.launch_failure = value.parse().ok();
                faults.launch_failure.is_some()
            }
            _ => false,
        };
        if !known {
            return Err(format!(
                "WARPTAPE_DRIVER_FAULTS has '{word}'; it knows no-device, old-driver=12.2, no-pools, no-page-locked, \
                 out-of-memory=N (N.. for all from then on) and launch-failure=N, with commas between"
            ));
        }
    }
    Ok(faults)
}

fn set(flag: &mut bool, value: &str) -> bool {
    *flag = true;
    value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_others_refused() {
        assert_eq!(order("random:7"), Ok(Order::Random(7)));
        assert_eq!((order(""), order("eager")), (Ok(Order::Lazy), Ok(Order::Eager)));
        assert!(order("random").is_err() && order("Lazy").is_err());
        let all = faults("no-device, old-driver=12.2,no-pools,out-of-memory=3..,launch-failure=9").unwrap();
        assert!(all.no_device && all.no_pools && !all.no_page_locked);
        assert_eq!((all.version, all.out_of_memory), (Some((12, 2)), Some((3, u64::MAX))));
        assert_eq!((all.launch_failure, faults("out-of-memory=3").unwrap().out_of_memory), (Some(9), Some((3, 3))));
        for bad in ["no-gpu", "old-driver=12", "out-of-memory", "launch-failure=x", "no-device=1"] {
            assert!(faults(bad).unwrap_err().contains(bad), "{bad}");
        }
    }
}
