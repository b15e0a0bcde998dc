//! The report in a real browser: its charts are drawn, and nothing is fetched for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::{path, profile, tapescan};

/// A browser that can run without a screen: `TAPESCAN_CHROMIUM` names one, or it is installed.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("TAPESCAN_CHROMIUM").map(PathBuf::from);
    let known = ["chromium", "chromium-browser", "google-chrome", "chrome"].map(PathBuf::from);
    named.into_iter().chain(known).find(|browser| {
        let tried = Command::new(browser).arg("--version").output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// Looks on while the page runs: errors, what was fetched, and the coloured pixels of each chart.
const WATCH: &str = r#"<script>
const seen = document.documentElement.dataset;
addEventListener("error", (event) => { seen.error = event.message; });
addEventListener("securitypolicyviolation", (event) => { seen.blocked = event.blockedURI; });
addEventListener("load", () => setTimeout(() => {
  seen.fetched = performance.getEntriesByType("resource").length;
  seen.ink = [...document.querySelectorAll("canvas")].map((canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let coloured = 0;
    for (let at = 0; at < pixels.length; at += 4) {
      const [red, green, blue, alpha] = pixels.slice(at, at + 4);
      const spread = Math.max(red, green, blue) - Math.min(red, green, blue);
      coloured += alpha > 250 && spread > 60;
    }
    return coloured;
  }).join(" ");
}, 500));
</script><main></main>"#;

/// The page's element after its scripts ran.
fn opened(browser: &Path, page: &Path) -> String {
    let text = fs::read_to_string(page).unwrap().replacen("<main></main>", WATCH, 1);
    let watched = page.with_extension("watched.html");
    fs::write(&watched, text).unwrap();
    let data = page.with_extension("browser");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000"])
        .args(["--window-size=1280,3000", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"])
        .arg(format!("--user-data-dir={}", data.display()))
        .arg(format!("file://{}", watched.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    dom.split_once("<head>").map_or(dom.clone(), |(head, _)| head.to_owned())
}

fn assert_drawn(browser: &Path, page: &Path) {
    let element = opened(browser, page);
    for word in ["data-error", "data-blocked"] {
        assert!(!element.contains(word), "{element}");
    }
    assert!(element.contains("data-fetched=\"0\""), "{element}");
    assert!(element.contains("data-charts=\"4\""), "{element}");
    let ink = element.split_once("data-ink=\"").and_then(|(_, rest)| rest.split_once('"'));
    let coloured: Vec<u32> = ink.unwrap().0.split(' ').map(|n| n.parse().unwrap()).collect();
    assert_eq!(coloured.len(), 4, "{element}");
    // Axes, grids and words are grey.
    assert!(coloured.iter().all(|pixels| *pixels >= 300), "{coloured:?}");
}

#[test]
fn the_report_draws_its_charts_and_fetches_nothing() {
    let Some(browser) = browser() else {
        return eprintln!("skipped: there is no Chromium here");
    };
    let dir = tempfile::tempdir().unwrap();
    let more = ["--repeat", "2", "--rate", "15000"];
    let (a, _) = profile(dir.path(), "a", &more);
    assert_drawn(&browser, &a.join("report.html"));
    let (b, _) = profile(dir.path(), "b", &more);
    let both = dir.path().join("both.html");
    let (_, stderr, code) =
        tapescan(&["profile", "compare", path(&a), path(&b), "--html", path(&both)]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_drawn(&browser, &both);
}
