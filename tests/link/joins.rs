//! Symbols that join and leave while connections are up.

use systems::trade::SymbolId;
use tapescan::link::{Fleet, Output, PlanError};
use tapescan::venue::Venue;

use super::super::support::START;
use super::table::check;
use super::{plan, spot};

#[test]
fn symbols_that_join_are_asked_for_together_within_the_limit_of_messages() {
    check(
        spot(2),
        "0 start\n 0.1 up 0\n 0.2 ack 0 1\n 1 join 2\n 1 join 3\n 1 join 4\n 1.2 ack 0 2\n 2 until",
        "0.0 dial 0
         0.1 up 0
         0.1 send 0 +0,1 #1
         0.2 subscribed 0 2
         1.1 send 0 +2,3,4 #2
         1.2 joined s2 over 0
         1.2 joined s3 over 0
         1.2 joined s4 over 0",
    );
}

#[test]
fn one_bad_symbol_among_those_that_join_is_split_out_and_spoils_no_other() {
    check(
        spot(1),
        "0 start\n 0.1 up 0\n 0.2 ack 0 1\n 2 join 1\n 2 join 2\n 2 join 3\n 2.2 refuse 0 2
         2.3 refuse 0 3\n 2.4 ack 0 4\n 3 until",
        "0.0 dial 0
         0.1 up 0
         0.1 send 0 +0 #1
         0.2 subscribed 0 1
         2.1 send 0 +1,2,3 #2
         2.2 send 0 +1 #3
         2.2 send 0 +2,3 #4
         2.3 refused s1 2
         2.4 joined s2 over 0
         2.4 joined s3 over 0",
    );
}

#[test]
fn a_symbol_that_left_comes_back_and_a_new_connection_asks_for_all_that_are_wanted() {
    check(
        spot(3),
        "0 start\n 0.1 up 0\n 0.2 ack 0 1\n 1 leave 0\n 1 leave 1\n 1.2 ack 0 2\n 1.2 ack 0 3
         3 join 1\n 3 join 3\n 3.2 ack 0 4\n 3.3 ack 0 5\n 4 broken 0\n 6 up 0\n 6.1 ack 0 6",
        "0.0 dial 0
         0.1 up 0
         0.1 send 0 +0,1,2 #1
         0.2 subscribed 0 3
         1.1 send 0 -0 #2
         1.1 send 0 -1 #3
         3.1 send 0 +1 #4
         3.1 send 0 +3 #5
         3.2 joined s1 over 0
         3.3 joined s3 over 0
         4.0 down 0 connection broken
         ~ dial 0
         6.0 up 0
         6.0 send 0 +1,2,3 #6
         6.1 subscribed 0 3",
    );
}

#[test]
fn a_full_connection_is_joined_by_a_new_one_as_far_as_those_can_be_kept_up() {
    let mut fleet = Fleet::new(&plan(Venue::BinanceUsdm, 200, &[]), None, 1);
    fleet.start(START);
    while fleet.poll().is_some() {}
    fleet.join(SymbolId(200), "NEWUSDT", START).unwrap();
    fleet.tick(START);
    assert!(matches!(fleet.poll(), Some(Output::Dial { link: 2, .. })));
    assert_eq!(fleet.symbols_of(2).collect::<Vec<_>>(), [SymbolId(200)]);
    // Whoever leaves makes room, and none is moved for it.
    fleet.leave(SymbolId(7));
    assert_eq!((fleet.symbols_of(0).count(), fleet.symbols_of(3).count()), (199, 1));
    for id in 201..7_401 {
        fleet.join(SymbolId(id), "NEWUSDT", START).unwrap();
    }
    let refused = fleet.join(SymbolId(7_401), "NEWUSDT", START);
    assert!(matches!(refused, Err(PlanError::TooManyLinks { symbols: 7_401, needed: 38, .. })));
    assert!(fleet.links().all(|link| link.symbols == 200));
}
