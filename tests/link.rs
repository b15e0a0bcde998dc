//! The life of connections as tables: instants and inputs in, actions and events out.

mod joins;
mod plans;
mod table;
mod venue;
mod weeks;

use systems::trade::SymbolId;
use tapescan::link::{Fleet, Plan};
use tapescan::symbols::Symbols;
use tapescan::venue::link::Streams;
use tapescan::venue::{Channel, Venue};

use super::support::symbols;
use table::check;

/// A plan of `count` symbols, prints alone, one connection.
fn plan(venue: Venue, count: usize, rates: &[f64]) -> Plan {
    let all = Symbols::new(symbols(count)).unwrap();
    let chosen: Vec<SymbolId> = (0..count as u16).map(SymbolId).collect();
    Plan::new(venue, Streams::prints(Channel::Trades), &all, &chosen, rates).unwrap()
}

fn spot(count: usize) -> Fleet {
    Fleet::new(&plan(Venue::BinanceSpot, count, &[]), None, 1)
}

/// Up and subscribed at 0.2 s.
const UP: &str = "0 start\n 0.1 up 0\n 0.2 ack 0 1\n";
const UP_SEEN: &str = "0.0 dial 0\n 0.1 up 0\n 0.1 send 0 +0,1 #1\n 0.2 subscribed 0 2\n";

fn check_up(inputs: &str, expected: &str) {
    check(spot(2), &format!("{UP}{inputs}"), &format!("{UP_SEEN}{expected}"));
}

#[test]
fn a_still_connection_is_asked_and_closed_if_it_does_not_answer() {
    check_up(
        "5.0 pong 0\n 20.5 until",
        "10.0 ping 0
         15.0 close 0
         15.0 down 0 no frame of any kind
         ~ dial 0",
    );
}

#[test]
fn an_answer_to_a_ping_is_a_sign_of_life_and_no_print() {
    check_up(
        "5.3 pong 0\n 10.5 pong 0\n 15.7 pong 0\n 17 until",
        "5.2 ping 0
         10.3 ping 0
         15.5 ping 0",
    );
}

#[test]
fn what_the_venue_pings_is_sent_back_at_once() {
    check_up("3 ping 0 abc\n 3.1 ping 0 def\n 4 until", "3.0 pong 0 abc\n 3.1 pong 0 def");
}

#[test]
fn a_flood_of_pings_stays_within_the_limit_and_the_newest_is_answered() {
    check_up(
        "3 ping 0 a\n 3 ping 0 b\n 3 ping 0 c\n 3 ping 0 d\n 3 ping 0 e\n 3 ping 0 f\n 5 until",
        "3.0 pong 0 a
         3.0 pong 0 b
         3.0 pong 0 c
         3.0 pong 0 d
         4.2 pong 0 f",
    );
}

#[test]
fn a_connection_that_does_not_come_up_is_dialled_again() {
    check(
        spot(1),
        "0 start\n 15.4 until",
        "0.0 dial 0
         15.0 close 0
         15.0 down 0 no connection in time
         ~ dial 0",
    );
}

#[test]
fn a_lost_answer_is_asked_for_once_more_and_then_given_up() {
    check(
        spot(2),
        "0 start\n 0.1 up 0\n 4 pong 0\n 8 pong 0\n 10.1 until",
        "0.0 dial 0
         0.1 up 0
         0.1 send 0 +0,1 #1
         5.1 send 0 +0,1 #2
         10.1 close 0
         10.1 down 0 no answer to a command",
    );
    check(
        spot(2),
        "0 start\n 0.1 up 0\n 4 pong 0\n 5.2 ack 0 2\n 5.3 ack 0 1\n 6 until",
        "0.0 dial 0
         0.1 up 0
         0.1 send 0 +0,1 #1
         5.1 send 0 +0,1 #2
         5.2 subscribed 0 2",
    );
}

#[test]
fn one_bad_symbol_is_split_out_and_spoils_no_other() {
    check(
        spot(5),
        "0 start\n 0.1 up 0\n 0.2 refuse 0 1\n 0.3 refuse 0 2\n 0.4 ack 0 3\n 0.5 ack 0 99
         1.6 ack 0 4\n 1.7 refuse 0 5\n 2 until",
        "0.0 dial 0
         0.1 up 0
         0.1 send 0 +0,1,2,3,4 #1
         0.2 send 0 +0,1 #2
         0.2 send 0 +2,3,4 #3
         1.3 send 0 +0 #4
         1.4 send 0 +1 #5
         1.7 refused s1 2
         1.7 subscribed 0 4",
    );
}

#[test]
fn a_refusal_that_will_not_mend_is_not_retried_soon() {
    for (input, until, down) in [
        ("closed 0 1008", 60, "closed by the venue (1008)"),
        ("wait 0 100", 100, "told to wait 100 s"),
    ] {
        check_up(&format!("1 {input}\n {until}.9 until"), &format!("1.0 down 0 {down}"));
    }
}

#[test]
fn a_break_is_followed_by_a_new_attempt_within_the_first_wait() {
    check_up(
        "1 print 0 0 7\n 1.1 broken 0\n 1.1 broken 0\n 1.5 up 0\n 2 until",
        "1.1 down 0 connection broken
         ~ dial 0
         1.5 up 0
         1.5 send 0 +0,1 #2",
    );
}

#[test]
fn pings_without_prints_do_not_keep_a_connection_that_had_prints() {
    // One print a second teaches the pace in two minutes; then only pings come.
    check_up(
        "0.2 every 1000 0 0 5\n 120 quiet 0\n 125 pong 0\n 130 pong 0\n 135 pong 0\n 140 pong 0
         144 pong 0\n 146 until",
        "124.2 ping 0
         130.0 ping 0
         135.0 ping 0
         140.0 ping 0
         ~ close 0
         ~ down 0 no prints
         ~ dial 0",
    );
}

#[test]
fn a_connection_that_never_brings_a_print_is_dialled_again_ever_more_rarely() {
    let pongs = |from: u64, count: u64| -> String {
        (0..count).map(|n| format!("{} pong 0\n", from + n * 4)).collect()
    };
    let (first, second) = (pongs(1, 15), pongs(62, 30));
    check_up(
        &format!("{first} 60.6 up 0\n 60.7 ack 0 2\n {second} 181 until"),
        "60.3 close 0
         60.3 down 0 no prints
         ~ dial 0
         60.6 up 0
         60.6 send 0 +0,1 #2
         60.7 subscribed 0 2
         180.8 close 0
         180.8 down 0 no prints",
    );
}

#[test]
fn a_dead_symbol_among_living_ones_is_found_and_asked_for_anew() {
    check_up(
        "0.2 every 1000 0 0 5\n 0.2 every 2000 0 1 9\n 600 quiet 1\n 643 ack 0 2\n 643 ack 0 3
         700 print 0 1 400\n 701 until",
        "~ silent s1
         ~ send 0 -1 #2
         ~ send 0 +1 #3
         700.0 heard s1",
    );
}

#[test]
fn a_quiet_symbol_is_left_alone() {
    // A print every five minutes, then none for twenty.
    check_up("0.2 every 1000 0 0 5\n 0.2 every 300000 0 1 9\n 6000 quiet 1\n 7200 until", "");
}

#[test]
fn a_symbol_that_left_is_taken_back_and_never_called_silent() {
    check_up(
        "0.2 every 1000 0 0 5\n 0.2 every 1000 0 1 9\n 300 quiet 1\n 300 leave 1\n 300.2 ack 0 2
         600 until",
        "300.1 send 0 -1 #2",
    );
}

#[test]
fn a_notice_brings_a_successor_that_takes_over_when_both_had_the_same_prints() {
    check_up(
        "1 print 0 0 7\n 2 notice 0\n 2.2 up 1\n 2.3 ack 1 1\n 3 print 0 0 8\n 3.1 print 1 0 9
         4 print 0 1 30\n 4 print 1 1 30\n 6 print 0 0 9\n 7 until",
        "2.1 replacing 0>1 shutdown notice
         2.2 dial 1
         2.2 up 1
         2.2 send 1 +0,1 #1
         2.3 subscribed 1 2
         6.1 replaced 0>1 2/0
         6.1 close 0
         6.1 down 0 replaced, covered",
    );
}

#[test]
fn an_overlap_without_proof_ends_after_its_limit_and_says_so() {
    check_up(
        "1 notice 0\n 1.2 up 1\n 1.3 ack 1 1\n 1.4 every 1000 0 0 5\n 1.4 every 1000 1 0 900
         62 until",
        "1.1 replacing 0>1 shutdown notice
         1.2 dial 1
         1.2 up 1
         1.2 send 1 +0,1 #1
         1.3 subscribed 1 2
         61.3 replaced 0>1 0/1
         61.3 close 0
         61.3 down 0 replaced, covered",
    );
}

#[test]
fn a_successor_that_brings_nothing_goes_and_the_old_one_stays() {
    let pongs: String = (1..16).map(|n| format!("{} pong 1\n", 1 + n * 4)).collect();
    check_up(
        &format!("1 notice 0\n 1.2 up 1\n 1.3 ack 1 1\n 1.4 every 1000 0 0 5\n {pongs} 61.5 until"),
        "1.1 replacing 0>1 shutdown notice
         1.2 dial 1
         1.2 up 1
         1.2 send 1 +0,1 #1
         1.3 subscribed 1 2
         61.3 close 1
         61.3 down 1 no prints, covered
         ~ dial 1",
    );
}

#[test]
fn a_connection_that_dies_in_the_overlap_leaves_its_share_to_the_successor() {
    check_up(
        "1 notice 0\n 1.2 up 1\n 1.3 ack 1 1\n 1.5 broken 0\n 2 print 1 0 9\n 3 until",
        "1.1 replacing 0>1 shutdown notice
         1.2 dial 1
         1.2 up 1
         1.2 send 1 +0,1 #1
         1.3 subscribed 1 2
         1.5 down 0 connection broken, covered",
    );
}

#[test]
fn frames_that_are_not_read_are_no_sign_of_death() {
    let excuses: String = (1..60).map(|n| format!("{} excuse 0\n", n)).collect();
    check_up(&format!("{excuses} 60 print 0 0 8\n 61 until"), "");
}

#[test]
fn stopping_closes_everything_once() {
    check_up("1 stop\n 1 stop\n 90 until", "1.0 close 0\n 1.0 down 0 stopped");
}
