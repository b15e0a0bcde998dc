//! Signals that end a session.

/// What the user or the machine says to us.
pub(super) struct Signals(#[cfg(unix)] [tokio::signal::unix::Signal; 2]);

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self())
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        // Where signals cannot be waited for there are none.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whoever asks twice does not want to wait.
pub(super) fn exit_at_the_next(mut signals: Signals) {
    tokio::spawn(async move {
        signals.next().await;
        crate::terminal::clear();
        std::process::exit(130);
    });
}
