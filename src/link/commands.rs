//! Which streams were asked for, which were answered, and which stream spoils its command.

use std::collections::VecDeque;
use std::ops::Range;

use systems::units::Nanos;

use super::connection::Shared;
use super::limits::ACK_WAIT_NS;
use super::shard::Member;
use crate::venue::link::Verb;

/// Bytes of a command around its streams' names: braces, method, a number of twenty digits.
const AROUND: usize = 64;

/// Bytes around one name: two quotes and a comma.
const AROUND_NAME: usize = 3;

/// The commands of one connection.
///
/// Streams are numbered: first the prints of all symbols, then the candles of one interval of
/// all, and so on. So a command is a range of numbers, and to halve it is to halve the range.
#[derive(Debug, Default)]
pub(super) struct Commands {
    queue: VecDeque<Command>,
    sent: Vec<Sent>,
    /// Numbers go on from connection to connection, so a late answer is never taken for another.
    last_id: u64,
    /// Streams refused on this connection.
    refused: usize,
}

#[derive(Clone, Debug)]
struct Command {
    verb: Verb,
    streams: Range<usize>,
    again: bool,
}

#[derive(Debug)]
struct Sent {
    id: u64,
    at: Nanos,
    command: Command,
}

impl Commands {
    /// Forgets everything and queues commands for all streams, each as long as the venue reads.
    pub(super) fn restart(&mut self, members: &[Member], shared: &Shared) {
        self.queue.clear();
        self.sent.clear();
        self.refused = 0;
        let total = members.len() * shared.streams.per_symbol();
        let lengths = (0..total).map(|stream| name(stream, members, shared).len());
        for streams in batches(lengths, shared.facts.command_max) {
            self.push(Verb::Subscribe, streams);
        }
    }

    /// Queues one command.
    pub(super) fn push(&mut self, verb: Verb, streams: Range<usize>) {
        self.queue.push_back(Command { verb, streams, again: false });
    }

    /// Whether every command was answered.
    pub(super) fn idle(&self) -> bool {
        self.queue.is_empty() && self.sent.is_empty()
    }

    /// Commands that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Streams refused on this connection.
    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    /// The text of the next command, which counts as sent at `at`.
    pub(super) fn next(
        &mut self,
        at: Nanos,
        members: &[Member],
        shared: &Shared,
    ) -> Option<String> {
        while let Some(command) = self.queue.pop_front() {
            // A symbol that left is not asked for again, but must be taken back.
            let all = command.verb == Verb::Unsubscribe;
            let names: Vec<String> = (command.streams.clone())
                .filter(|stream| all || !members[stream % members.len()].left)
                .map(|stream| name(stream, members, shared))
                .collect();
            if !names.is_empty() {
                self.last_id += 1;
                let text = shared.venue.command(command.verb, self.last_id, &names);
                self.sent.push(Sent { id: self.last_id, at, command });
                return Some(text);
            }
        }
        None
    }

    /// The venue accepted a command. Without a number it means the only one under way.
    pub(super) fn accepted(&mut self, id: Option<u64>) {
        self.answered(id);
    }

    /// The venue refused a command: a stream is at fault, or the halves are asked for one by one.
    /// Gives the stream at fault.
    pub(super) fn refuse(&mut self, id: Option<u64>) -> Option<usize> {
        let command = self.answered(id)?;
        if command.verb == Verb::Unsubscribe {
            return None;
        }
        if command.streams.len() == 1 {
            self.refused += 1;
            return Some(command.streams.start);
        }
        let Range { start, end } = command.streams;
        let middle = start + (end - start) / 2;
        self.push(Verb::Subscribe, start..middle);
        self.push(Verb::Subscribe, middle..end);
        None
    }

    fn answered(&mut self, id: Option<u64>) -> Option<Command> {
        let index = match id {
            Some(id) => self.sent.iter().position(|sent| sent.id == id)?,
            None if self.sent.len() == 1 => 0,
            None => return None,
        };
        Some(self.sent.swap_remove(index).command)
    }

    /// Queues commands again that had no answer in time; false if one had none for the second
    /// time.
    pub(super) fn overdue(&mut self, at: Nanos) -> bool {
        while let Some(index) = self.sent.iter().position(|sent| sent.at.plus(ACK_WAIT_NS) <= at) {
            let Sent { command, .. } = self.sent.swap_remove(index);
            if command.again {
                return false;
            }
            self.queue.push_back(Command { again: true, ..command });
        }
        true
    }
}

/// Cuts streams, given by the bytes of their names, into commands of at most `max` bytes.
pub(super) fn batches(lengths: impl Iterator<Item = usize>, max: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut from, mut to, mut bytes) = (0, 0, AROUND);
    for length in lengths {
        if to > from && bytes + length + AROUND_NAME > max {
            batches.push(from..to);
            (from, bytes) = (to, AROUND);
        }
        bytes += length + AROUND_NAME;
        to += 1;
    }
    batches.push(from..to);
    batches
}

/// The name of a stream by its number.
pub(super) fn name(stream: usize, members: &[Member], shared: &Shared) -> String {
    let (kind, slot) = (stream / members.len(), stream % members.len());
    shared.venue.stream_name(&shared.streams, kind, &members[slot].name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_as_long_as_the_venue_reads_and_leave_nothing_out() {
        let lengths = [10, 20, 30, 10, 200, 5];
        let batches = batches(lengths.into_iter(), AROUND + 2 * AROUND_NAME + 30);
        assert_eq!(batches, [0..2, 2..3, 3..4, 4..5, 5..6]);
        assert_eq!(super::batches([7; 800].into_iter(), 4_088).len(), 2);
    }
}
