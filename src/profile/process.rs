//! What the kernel says of this process and of the thread that asks.

use std::fs;

/// Counts of the kernel; `None` where it does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Resident memory in bytes, and the most there ever was.
    pub resident: Option<u64>,
    /// The peak of it.
    pub resident_max: Option<u64>,
    /// Switches of the measured thread's context that it asked for by waiting, and that it did not
    /// ask for.
    pub switches: Option<(u64, u64)>,
}

impl Used {
    /// Reads the counts of the calling thread and its process.
    pub fn now() -> Self {
        let process = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let thread = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self {
            resident: field(&process, "VmRSS:").map(|kib| kib << 10),
            resident_max: field(&process, "VmHWM:").map(|kib| kib << 10),
            switches: field(&thread, "voluntary_ctxt_switches:")
                .zip(field(&thread, "nonvoluntary_ctxt_switches:")),
        }
    }

    /// What this thread did since `earlier`; memory is as it is now.
    pub fn since(self, earlier: &Self) -> Self {
        let both = self.switches.zip(earlier.switches);
        let switches =
            both.map(|(now, then)| (now.0.saturating_sub(then.0), now.1.saturating_sub(then.1)));
        Self { switches, ..self }
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "VmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nvoluntary_ctxt_switches:\t7\n\
                    nonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(field(text, "VmRSS:"), Some(1_024));
        assert_eq!(field(text, "voluntary_ctxt_switches:"), Some(7));
        assert_eq!(field(text, "nonvoluntary_ctxt_switches:"), Some(3));
        assert_eq!(field(text, "VmSwap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn waiting_is_a_switch() {
        let before = Used::now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let used = Used::now().since(&before);
        assert!(used.switches.unwrap().0 >= 1 && used.resident > Some(1 << 20), "{used:?}");
    }
}
