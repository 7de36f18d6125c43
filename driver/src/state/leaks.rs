//! What a process leaves behind.

use super::Driver;

impl Driver {
    /// What was never given back, as the rest of a sentence. What belongs to the primary context counts, too: libraries that
    /// share it would keep it. What a kernel's fault has left in its context does not: no call could give it back.
    pub fn left(&self) -> Option<String> {
        let fit = |context: u64| self.contexts.all.get(&context).is_some_and(|context| context.fault.is_none());
        let contexts = self.contexts.all.values().filter(|context| !context.primary).count();
        let streams = self.streams.values().filter(|s| !s.own && !s.destroyed && fit(s.context)).count();
        let (allocations, bytes, first) = self.allocations.left(fit);
        let pools = self.pools.len() - 1;
        let of_a_library =
            |module| self.libraries.values().any(|library| library.modules.values().any(|m| *m == module));
        let retained = self.contexts.primary.map_or(0, |(_, count)| count as usize);
        let parts = [
            (allocations, format!("allocations ({bytes} bytes, the first by {first})")),
            (streams, "streams".into()),
            (self.events.values().filter(|event| fit(event.context)).count(), "events".into()),
            (
                self.modules.iter().filter(|(m, module)| fit(module.context) && !of_a_library(**m)).count(),
                "modules".into(),
            ),
            (self.libraries.len(), "libraries".into()),
            (self.objects.values().filter(|object| fit(object.context)).count(), "textures and surfaces".into()),
            (self.graphs.values().filter(|graph| fit(graph.context)).count(), "graphs".into()),
            (self.execs.values().filter(|exec| fit(exec.context)).count(), "executable graphs".into()),
            (pools, "memory pools".into()),
            (contexts, "contexts".into()),
            (retained, "uses of the primary context".into()),
        ];
        let told: Vec<_> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{n} {what}")).collect();
        (!told.is_empty()).then(|| format!("these were not given back: {}", told.join(", ")))
    }
}
