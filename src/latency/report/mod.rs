//! The report: one page that holds its data, its charts and its style, and fetches nothing.
//!
//! Charts are drawn by uPlot 1.6.32 (`LICENSE-uPlot`), which lies beside this file.

/// The page around one object of numbers (JSON); what `commands/profile` writes is documented
/// there. With a second one, both are drawn.
pub fn page(data: &str, other: Option<&str>) -> String {
    // Text in the data could end the script that holds it.
    let quoted = |json: &str| json.replace("</", "<\\/").replace("<!--", "<\\u0021--");
    let mut page = PAGE.to_owned();
    for (place, text) in [
        ("/*uplot.css*/", include_str!("uplot.css")),
        ("/*style*/", include_str!("style.css")),
        ("/*uplot.js*/", include_str!("uplot.js")),
        ("/*draw*/", include_str!("draw.js")),
        ("/*other*/null", &other.map_or("null".to_owned(), quoted)),
        ("/*data*/null", &quoted(data)),
    ] {
        page = page.replacen(place, text, 1);
    }
    page
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width">
<title>tapescan profile</title>
<style>/*uplot.css*/</style>
<style>/*style*/</style>
<main></main>
<script>/*uplot.js*/</script>
<script>const OTHER = /*other*/null;</script>
<script>const DATA = /*data*/null;</script>
<script>/*draw*/</script>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_everything_and_fetches_nothing() {
        let page = page(r#"{"a":"</script><!--"}"#, Some("{}"));
        assert!(page.contains("uPlot (v1.6.32)") && page.contains("const OTHER = {};"));
        assert!(page.contains(r#"const DATA = {"a":"<\/script><\u0021--"};"#));
        let code = page.replace("https://github.com/leeoniya/uPlot", "");
        for word in ["http:", "https:", "//cdn", "@import", "url(", " src=", "fetch(", "import("] {
            assert!(!code.contains(word), "{word}");
        }
    }
}
