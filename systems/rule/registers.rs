//! Registers of a plan: each node has one for as long as anything needs its value.

use super::plan::{Item, Node, Plan, Step};

/// Turns what was written into steps.
pub(super) fn assign(mut plan: Plan, nodes: &[Node], items: &[Item]) -> Plan {
    let given = plan.columns.registers();
    let mut desk = Registers::new(nodes, items, given, &mut plan.constants);
    for (at, item) in items.iter().enumerate() {
        match *item {
            Item::Node(id) => {
                let node = nodes[usize::from(id)];
                if matches!(node, Node::Const(_) | Node::Given(_)) {
                    continue;
                }
                // An operand that is not needed any more leaves its register to the value.
                operands(node, |of| desk.done(of, at));
                let to = desk.take(id);
                plan.steps.push(Step::Put(placed(node, &desk.places), to));
            }
            Item::Say(rule, ends, of) => {
                plan.steps.push(Step::Say(rule, ends, desk.places[usize::from(of)]));
                desk.done(of, at);
            }
        }
    }
    plan.registers = desk.count;
    plan
}

/// Who has which register.
struct Registers {
    /// By node, the last item that needs it; what is given and constants are there for ever.
    last: Vec<usize>,
    /// By node, its register.
    places: Vec<u16>,
    free: Vec<u16>,
    count: usize,
}

impl Registers {
    /// The first registers, so many, are given; then come the constants, which are listed.
    fn new(nodes: &[Node], items: &[Item], given: usize, constants: &mut Vec<f64>) -> Self {
        let (mut last, mut places) = (vec![0; nodes.len()], vec![0; nodes.len()]);
        for (at, item) in items.iter().enumerate() {
            match *item {
                Item::Node(id) => operands(nodes[usize::from(id)], |of| last[usize::from(of)] = at),
                Item::Say(_, _, of) => last[usize::from(of)] = at,
            }
        }
        for (id, node) in nodes.iter().enumerate() {
            let register = match *node {
                Node::Given(register) => register,
                Node::Const(bits) => {
                    constants.push(f64::from_bits(bits));
                    (given + constants.len() - 1) as u16
                }
                _ => continue,
            };
            (places[id], last[id]) = (register, usize::MAX);
        }
        Self { last, places, free: Vec::new(), count: given + constants.len() }
    }

    fn take(&mut self, node: u16) -> u16 {
        let register = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count as u16 - 1
        });
        self.places[usize::from(node)] = register;
        register
    }

    /// Item `at` has read a node: if it was the last one, the register is free.
    fn done(&mut self, node: u16, at: usize) {
        let register = self.places[usize::from(node)];
        // Both operands of one node may be the same.
        if self.last[usize::from(node)] == at && !self.free.contains(&register) {
            self.free.push(register);
        }
    }
}

fn operands(node: Node, mut each: impl FnMut(u16)) {
    match node {
        Node::One(_, of) => each(of),
        Node::Two(_, left, right) => {
            each(left);
            each(right);
        }
        Node::Since(_, now, later) => {
            each(now);
            each(later);
        }
        _ => {}
    }
}

/// A node whose operands are registers.
fn placed(node: Node, place: &[u16]) -> Node {
    let at = |of: u16| place[usize::from(of)];
    match node {
        Node::One(one, of) => Node::One(one, at(of)),
        Node::Two(two, left, right) => Node::Two(two, at(left), at(right)),
        Node::Since(ago, now, later) => Node::Since(ago, at(now), at(later)),
        other => other,
    }
}
