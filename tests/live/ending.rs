//! The end of a session in trouble: it comes soon, in order, and says what was left undone.

use std::net::TcpListener;
use std::time::Instant;

use super::*;

/// Far more than an end takes, far less than any wait that it might be caught in.
const SOON: Duration = Duration::from_secs(12);

#[test]
fn a_connection_that_is_never_made_and_answers_that_never_come_do_not_hold_up_the_end() {
    // Takes connections and says nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let streams = Some(format!("ws://{}", deaf.local_addr().unwrap()));
    let exchange = exchange(&["rest-delay:by=100s,path=klines"]);
    let dir = tempfile::tempdir().unwrap();
    let options = Options { streams, ..options(&exchange, 2, dir.path()) };
    let begun = Instant::now();
    let ended = live::run(&options, &config(), &mut |_| {}).unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2) + SOON, "{took:?}");
    let status = &ended.shown.status;
    assert_eq!((status.links.0, status.prints, status.warm_up.0), (0, 0, 0));
    assert!(ended.dropped.requests >= 8 && !ended.dropped.unknown, "{:?}", ended.dropped);
    assert_eq!(replayed(&ended).digest, ended.summary.digest);
}
