//! Which streams were asked for, which were answered, and which stream spoils its command.

use std::collections::VecDeque;
use std::ops::Range;

use systems::units::Nanos;

use super::connection::Shared;
use super::limits::ACK_WAIT_NS;
use super::member::Member;
use crate::venue::link::Verb;

/// Bytes of a command around its streams' names: braces, method, a number of twenty digits.
const AROUND: usize = 64;

/// Bytes around one name: two quotes and a comma.
const AROUND_NAME: usize = 3;

/// The commands of one connection.
///
/// Streams are numbered: first the prints of all symbols, then the candles of one interval of
/// all, and so on; behind them, symbol by symbol, those that joined while the connection was up. So
/// a command is a range of numbers, and to halve it is to halve the range.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// Symbols when the connection came up.
    began: usize,
    per_symbol: usize,
    queue: VecDeque<Command>,
    sent: Vec<Sent>,
    /// Numbers go on from connection to connection, so a late answer is never taken for another.
    last_id: u64,
    /// Streams refused on this connection.
    refused: usize,
}

/// Which stream: 0 for prints, then one kind for each interval of candles, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: usize,
    /// The symbol's place in its share.
    pub(super) slot: usize,
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
        (self.began, self.per_symbol) = (members.len(), shared.streams.per_symbol());
        let total = self.began * self.per_symbol;
        let lengths = (0..total).map(|stream| name(self.place(stream), members, shared).len());
        for streams in batches(lengths, shared.facts.command_max) {
            self.push(Verb::Subscribe, streams);
        }
    }

    fn push(&mut self, verb: Verb, streams: Range<usize>) {
        self.queue.push_back(Command { verb, streams, again: false });
    }

    /// Queues a command about one stream.
    pub(super) fn ask(&mut self, verb: Verb, place: Place) {
        let stream = self.number(place);
        self.push(verb, stream..stream + 1);
    }

    /// Queues all streams of a symbol that joins; symbols that follow each other share a command.
    pub(super) fn join(&mut self, slot: usize) {
        for kind in 0..self.per_symbol {
            let stream = self.number(Place { kind, slot });
            match self.queue.back_mut() {
                Some(Command { verb: Verb::Subscribe, streams, again: false })
                    if streams.end == stream =>
                {
                    streams.end += 1;
                }
                _ => self.push(Verb::Subscribe, stream..stream + 1),
            }
        }
    }

    fn place(&self, stream: usize) -> Place {
        match stream.checked_sub(self.began * self.per_symbol) {
            None => Place { kind: stream / self.began, slot: stream % self.began },
            Some(later) => {
                Place { kind: later % self.per_symbol, slot: self.began + later / self.per_symbol }
            }
        }
    }

    fn number(&self, Place { kind, slot }: Place) -> usize {
        if slot < self.began { kind * self.began + slot } else { slot * self.per_symbol + kind }
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
        while let Some(mut command) = self.queue.pop_front() {
            // A symbol that left is not asked for again, but must be taken back.
            let all = command.verb == Verb::Unsubscribe;
            let (mut names, mut bytes) = (Vec::new(), AROUND);
            for stream in command.streams.clone() {
                let place = self.place(stream);
                if !all && members[place.slot].left {
                    continue;
                }
                let name = name(place, members, shared);
                bytes += name.len() + AROUND_NAME;
                if bytes > shared.facts.command_max && !names.is_empty() {
                    // Grew by symbols that joined: the rest is for the next one.
                    let rest = Command { streams: stream..command.streams.end, ..command };
                    command.streams.end = stream;
                    self.queue.push_front(rest);
                    break;
                }
                names.push(name);
            }
            if !names.is_empty() {
                self.last_id += 1;
                let text = shared.venue.command(command.verb, self.last_id, &names);
                self.sent.push(Sent { id: self.last_id, at, command });
                return Some(text);
            }
        }
        None
    }

    /// The venue accepted a command. Without a number it means the only one under way. Gives the
    /// slots of the symbols whose prints come from now on.
    pub(super) fn accepted(&mut self, id: Option<u64>) -> impl Iterator<Item = usize> + use<'_> {
        let command = self.answered(id).filter(|command| command.verb == Verb::Subscribe);
        let streams = command.map_or(0..0, |command| command.streams);
        streams.map(|stream| self.place(stream)).filter(|place| place.kind == 0).map(|it| it.slot)
    }

    /// The venue refused a command: a stream is at fault, or the halves are asked for one by one.
    /// Gives the stream at fault.
    pub(super) fn refuse(&mut self, id: Option<u64>) -> Option<Place> {
        let command = self.answered(id)?;
        if command.verb == Verb::Unsubscribe {
            return None;
        }
        if command.streams.len() == 1 {
            self.refused += 1;
            return Some(self.place(command.streams.start));
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

/// The name of a stream.
pub(super) fn name(place: Place, members: &[Member], shared: &Shared) -> String {
    shared.venue.stream_name(&shared.streams, place.kind, &members[place.slot].name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_symbols_that_join_are_numbered_behind_the_others() {
        let mut commands = Commands { began: 3, per_symbol: 2, ..Commands::default() };
        for stream in 0..20 {
            assert_eq!(commands.number(commands.place(stream)), stream);
        }
        let place = |kind, slot| Place { kind, slot };
        assert_eq!((commands.place(4), commands.place(9)), (place(1, 1), place(1, 4)));
        (3..6).for_each(|slot| commands.join(slot));
        commands.join(1);
        let queued: Vec<_> = commands.queue.iter().map(|one| one.streams.clone()).collect();
        assert_eq!(queued, [6..12, 1..2, 4..5]);
    }

    #[test]
    fn batches_are_as_long_as_the_venue_reads_and_leave_nothing_out() {
        let lengths = [10, 20, 30, 10, 200, 5];
        let batches = batches(lengths.into_iter(), AROUND + 2 * AROUND_NAME + 30);
        assert_eq!(batches, [0..2, 2..3, 3..4, 4..5, 5..6]);
        assert_eq!(super::batches([7; 800].into_iter(), 4_088).len(), 2);
    }
}
