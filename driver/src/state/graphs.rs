//! Graphs: work that is launched again and again ("CUDA Driver API", "Graph Management").

use std::sync::Arc;

use super::Driver;
use super::handles::Kind;
use super::queue::Point;
use super::work::{Launch, Source, Work};
use crate::settings::Order;
use crate::status::{Answer, Status, wrong};

/// Work of a graph.
#[derive(Clone)]
pub struct Node {
    pub work: Work,
    /// The call that was captured.
    pub by: &'static str,
    /// What it comes after.
    pub after: Vec<usize>,
}

/// What a capture has noted.
pub struct Graph {
    pub context: u64,
    pub nodes: Vec<Node>,
}

/// A graph that can be launched.
pub struct Exec {
    pub context: u64,
    nodes: Vec<Node>,
    /// The end of its last launch: none overtakes another.
    last: Option<Point>,
}

impl Driver {
    /// A graph that a program names.
    pub fn graph(&self, handle: u64) -> Answer<&Graph> {
        let unknown = || self.handles.unknown(Kind::Graph, handle);
        self.graphs.get(&handle).map_or_else(|| wrong(Status::INVALID_VALUE, unknown()), Ok)
    }

    fn exec(&self, handle: u64) -> Answer<&Exec> {
        let unknown = || self.handles.unknown(Kind::Exec, handle);
        self.execs.get(&handle).map_or_else(|| wrong(Status::INVALID_VALUE, unknown()), Ok)
    }

    /// Makes a graph ready to be launched.
    pub fn instantiate(&mut self, graph: u64) -> Answer<u64> {
        let graph = self.graph(graph)?;
        let exec = Exec { context: graph.context, nodes: graph.nodes.clone(), last: None };
        let handle = self.handles.fresh(Kind::Exec);
        self.execs.insert(handle, exec);
        Ok(handle)
    }

    /// Ends an executable graph; what was launched of it runs all the same.
    pub fn end_exec(&mut self, handle: u64) -> Answer {
        self.exec(handle)?;
        self.execs.remove(&handle);
        Ok(())
    }

    /// Puts the work of a graph of the same kernels in the same order into one that can be launched; false if it is not the same.
    pub fn update(&mut self, exec: u64, graph: u64) -> Answer<bool> {
        let nodes = self.graph(graph)?.nodes.clone();
        self.exec(exec)?;
        let Some(exec) = self.execs.get_mut(&exec) else { return Ok(false) };
        let alike = |(old, new): (&Node, &Node)| old.after == new.after && old.work.is_like(&new.work);
        let same = exec.nodes.len() == nodes.len() && exec.nodes.iter().zip(&nodes).all(alike);
        if same {
            exec.nodes = nodes;
        }
        Ok(same)
    }

    /// Queues the work of a graph; `prepare` sees each before.
    pub fn launch_graph(&mut self, handle: u64, stream: u64, prepare: impl Fn(&Driver, &mut Work)) -> Answer {
        let Exec { nodes, last, .. } = self.exec(handle)?;
        let (nodes, last) = (nodes.clone(), *last);
        for node in &nodes {
            self.lives(node)?;
        }
        let noted = self.streams.get(&stream).is_some_and(|stream| stream.capture.is_some());
        if let Some(last) = last.filter(|last| !noted && last.stream != stream && !self.done(*last)) {
            self.queue(stream, Work::Wait(last), "cuGraphLaunch")?;
        }
        let mut end = None;
        for number in self.order(&nodes) {
            let mut work = nodes[number].work.clone();
            prepare(self, &mut work);
            end = Some(self.queue(stream, work, nodes[number].by)?);
        }
        if let Some(exec) = self.execs.get_mut(&handle) {
            exec.last = end.or(last);
        }
        Ok(())
    }

    /// An order in which each node comes after what it must: the one in which they were noted, or a drawn one.
    fn order(&mut self, nodes: &[Node]) -> Vec<usize> {
        if !matches!(self.settings.order, Order::Random(_)) {
            return (0..nodes.len()).collect();
        }
        let (mut done, mut order) = (vec![false; nodes.len()], Vec::new());
        while order.len() < nodes.len() {
            let is_ready = |number: &usize| !done[*number] && nodes[*number].after.iter().all(|before| done[*before]);
            let ready: Vec<usize> = (0..nodes.len()).filter(is_ready).collect();
            let chosen = ready[self.drawn(ready.len() as u64) as usize];
            done[chosen] = true;
            order.push(chosen);
        }
        order
    }

    /// Whether all that a node uses is there still, as far as addresses tell.
    fn lives(&self, node: &Node) -> Answer {
        let gone = |address: u64| self.allocations.find(address).and_then(|(_, found)| found.freed);
        let told = |address: u64, by: &str, what: String| {
            let why = format!("{what} of the graph uses {address:#x}, which was freed by {by}");
            wrong(Status::INVALID_VALUE, why)
        };
        match &node.work {
            Work::Launch(launch) => {
                let loaded = |module: &super::modules::Module| Arc::ptr_eq(&module.loaded, &launch.module);
                if !self.modules.values().any(loaded) {
                    let why = format!("the module of the graph's kernel {} was unloaded", launch.name);
                    return wrong(Status::INVALID_VALUE, why);
                }
                for param in launch.module.program.params(launch.kernel).iter().filter(|param| param.bytes == 8) {
                    let word = launch.params[param.offset..][..8].try_into().unwrap_or_default();
                    let address = u64::from_le_bytes(word);
                    if let Some(by) = gone(address) {
                        return told(address, by, format!("the kernel {}", launch.name));
                    }
                }
            }
            work => {
                for range in work.touches().into_iter().filter(|range| !range.is_empty()) {
                    if let Some(by) = gone(range.start) {
                        return told(range.start, by, format!("a {}", node.by));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Work {
    /// Whether another work does the same with other arguments.
    fn is_like(&self, other: &Work) -> bool {
        match (self, other) {
            (Work::Launch(one), Work::Launch(other)) => {
                let key = |launch: &Launch| (Arc::as_ptr(&launch.module), launch.kernel);
                key(one) == key(other)
            }
            (Work::Copy(one), Work::Copy(other)) => {
                let is_memory = |source: &Source| matches!(source, Source::Memory(_));
                is_memory(&one.from) == is_memory(&other.from)
            }
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}
