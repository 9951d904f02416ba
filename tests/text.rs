//! The text layer as a whole: any text, any width, in any pieces.

use plenary::text::clean::{Context, clean};
use plenary::text::markdown::render;
use plenary::text::stream::Streamed;
use plenary::text::width::{graphemes, width};
use plenary::text::wrap::{Break, flow, wrap};
use plenary::text::{Ink, Piece, Row, code, diff};
use proptest::prelude::*;
use std::fmt::Write;

/// Documents with one difficulty each.
const CORPUS: [&str; 14] = [
    "# Title\n\nA paragraph with **strong**, *soft*, ~~gone~~ and `code`.\nSecond line  \nhard break.\n\nSetext\n===\ntext\n---\n",
    "- a\n- b\n  - c\n    - [ ] d\n    - [x] e\n\n- loose\n\n  second paragraph\n* other list\n1. one\n2. two\n10. ten\n",
    "Intro\n```python\ndef f(x):\n    \"\"\"doc\n    string\"\"\"\n    return x  # done\n```\nOutro `x`\n\n~~~\nplain\n~~~~\nend",
    "> quote\n> more\nlazy\n>\n> - list\n>   ```sh\n>   ls\n>   ```\n\n> another\n",
    "| name | value |\n|:-----|------:|\n| a | 1 |\n| a longer cell with words | 22 |\n\nafter the table\n\n| x |\n|---|\n",
    "See [the docs](https://a.example/b?c=d) and <https://b.example>, ![pic](x.png).\n\n[ref]: https://c.example\n'title\ngoes on'\n\n[ref] used\n",
    "<div>\n<b>html</b>\n</div>\n\ntext <i>in</i> line\n\n<!-- a\n\ncomment -->\n\n    indented\n\n    code\n\nend\n",
    "para\n#hashtag\n# heading\n***bold*** text\n***\n- - -\n---\n1986\\. year\n+ plus\n\n\n\nlast\n",
    "漢字の文章です。とても長い文なので折り返しが必要です。\n\n- 👨\u{200d}👩\u{200d}👧 family ❤\u{fe0f}\n- e\u{301}clair\n\nन\u{92e}स्ते می\u{200c}خواهم\n",
    "1. first\n   ```rust\n   fn main() {}\n   ```\n2. second\n\n   | a | b |\n   |---|---|\n   | c | d |\n3. third\n\nNot a list\n4. four\n",
    "a\r\nb\r\n\r\n```\r\nc\rd\r\n```\r\n\u{1b}[31mred\u{1b}[0m \u{202e}evil\u{202c} &#x1b;]0;x\r\n",
    "```\nunclosed\n\n``` not an end\n  indented\n\n",
    "- \n- \n\n-\n  x\n> \n\n``\n`\n\n````md\n```py\nx\n```\n````\n[a]:\n/url\n\n[b]: /x\nmore\n[c]: /y\n",
    "Very_long_word_without_any_break_that_must_be_cut_somewhere https://example.com/a/very/long/path/that/goes/on?and=on\n\n## Sub *em* `c`\n\n- item https://example.com/x\n",
];

/// One row a line: its width, then its pieces, each opened by its ink where the ink changes.
fn dump(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        write!(out, "{:3}", row.width).unwrap();
        for piece in &row.pieces {
            write!(out, " {:?}·{}·", piece.ink, piece.text).unwrap();
        }
        out.push('\n');
    }
    out
}

/// Every row can be drawn as it is: measured right, not too wide, no control character.
fn sound(rows: &[Row], cells: u16) -> Result<(), String> {
    for row in rows {
        let measured: usize = row.pieces.iter().map(|piece| width(&piece.text)).sum();
        if measured != usize::from(row.width) || row.width > cells {
            return Err(format!("at {cells}: measured {measured}, says {}: {:?}", row.width, row.pieces));
        }
        if row.text().chars().any(char::is_control) {
            return Err(format!("a control character in {:?}", row.pieces));
        }
    }
    Ok(())
}

/// Streams the document byte by byte (as far as characters allow) and compares with the whole at every prefix.
fn same_at_every_prefix(document: &str, cells: u16) -> Result<(), String> {
    let mut streamed = Streamed::default();
    let mut start = 0;
    for end in (1..=document.len()).filter(|end| document.is_char_boundary(*end)) {
        streamed.push(&document[start..end]);
        start = end;
        let whole = render(&document[..end], cells);
        if streamed.rows(cells) != whole.as_slice() {
            let (grown, whole) = (dump(streamed.rows(cells)), dump(&whole));
            return Err(format!("at {cells}, prefix {:?}\ngrown:\n{grown}whole:\n{whole}", &document[..end]));
        }
        sound(&whole, cells)?;
    }
    Ok(())
}

#[test]
fn a_growing_message_shows_what_the_whole_would_at_every_prefix() {
    for (n, document) in CORPUS.iter().enumerate() {
        for cells in [1, 7 + n as u16, 33, 80] {
            same_at_every_prefix(document, cells).unwrap_or_else(|error| panic!("document {n} {error}"));
        }
    }
}

#[test]
fn a_growing_message_shows_what_the_whole_would_at_every_width() {
    for (n, document) in CORPUS.iter().enumerate() {
        let middle = (document.len() / 2..).find(|at| document.is_char_boundary(*at)).unwrap();
        let mut streamed = Streamed::default();
        streamed.push(&document[..middle]);
        streamed.rows(40);
        for cells in (1..=200).step_by(if n % 2 == 0 { 7 } else { 11 }) {
            let mut streamed = streamed.clone();
            streamed.push(&document[middle..]);
            assert_eq!(streamed.rows(cells), render(document, cells), "document {n} at {cells}");
            sound(streamed.rows(cells), cells).unwrap();
        }
    }
}

#[test]
fn a_tail_at_another_width_is_the_end_of_the_whole_and_leaves_the_rest_alone() {
    let document = CORPUS.join("\n\n");
    let mut streamed = Streamed::default();
    for part in document.split_inclusive(' ') {
        streamed.push(part);
        streamed.tail(30, 4);
        streamed.rows(80);
    }
    let whole = render(&document, 30);
    assert_eq!(streamed.tail(30, 4), whole[whole.len() - 4..]);
    assert_eq!(streamed.tail(30, 100_000), whole);
    assert_eq!(streamed.rows(80), render(&document, 80));
}

/// The parser's own reading of the whole document is the oracle: every word it finds is on the screen, in order.
#[test]
fn no_word_of_a_document_is_lost() {
    use pulldown_cmark::{Event, Options, Parser};
    for document in CORPUS {
        let all = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        let shown: String = render(document, 200).iter().map(|row| row.text() + " ").collect();
        for event in Parser::new_ext(document, all) {
            let (Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text)) = event else {
                continue;
            };
            let words = text.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_graphic()));
            for word in words {
                assert!(shown.contains(word), "{word:?} of {document:?} is not in\n{shown}");
            }
        }
    }
}

#[test]
fn a_rich_document_is_laid_out_at_three_widths() {
    let document = [CORPUS[0], CORPUS[1], CORPUS[2], CORPUS[3], CORPUS[4], CORPUS[5], CORPUS[8]].join("\n");
    for cells in [20, 40, 100] {
        insta::assert_snapshot!(format!("rich_{cells}"), dump(&render(&document, cells)));
    }
}

#[test]
fn a_listing_and_a_diff_are_laid_out() {
    let old = "import os\n\ndef run(cmd):\n\tos.system(cmd)\n";
    let new = format!(
        "import os\n\ndef run(cmd):\n\tos.system(cmd + ' \u{202e}')   # {}\n\n\n\n\n\nx = 1{}\n",
        "long ".repeat(12),
        " ".repeat(40)
    );
    insta::assert_snapshot!("listing_60", dump(&code::listing(&new, "python", 60).rows));
    insta::assert_snapshot!("diff_60", dump(&diff::diff(old, &new, 60)));
}

/// Characters that are hard to measure, to break or to show.
fn soup(most: usize) -> impl Strategy<Value = String> {
    let one = prop_oneof![
        5 => prop::sample::select("abc d e\n\n  `*_~#>-+1.)([]|:!<&\\\t\"".chars().collect::<Vec<_>>()),
        2 => prop::sample::select(vec![
            '漢', '字', '。', '「', 'ﾞ', 'ｱ', '\u{301}', '\u{93e}', '\u{94d}', 'क', 'ष', '👩', '\u{200d}', '🏽', '❤', '\u{fe0f}', '🇩',
            '🇪', 'ᄀ', 'ᅡ', '\u{600}', '\r', '\u{1b}', '\u{202e}', '\u{200b}', '\u{2028}', '\u{a0}', 'م', 'ل', 'ا',
        ]),
        1 => any::<char>(),
    ];
    prop::collection::vec(one, 0..most).prop_map(String::from_iter)
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let ink = prop::sample::select(vec![Ink::Plain, Ink::Strong, Ink::Link]);
    prop::collection::vec((soup(30), ink), 0..5)
        .prop_map(|list| list.into_iter().flat_map(|(text, ink)| clean(&text, Context::Prose, ink)).collect())
}

/// The text's graphemes with their inks, spaces and line ends aside.
fn letters(pieces: &[Piece]) -> Vec<(String, Ink)> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.ink == piece.ink => last.text.push_str(&piece.text),
            _ => joined.push(piece.clone()),
        }
    }
    let all = joined.iter().flat_map(|piece| graphemes(&piece.text).map(|text| (text.to_owned(), piece.ink)));
    all.filter(|(text, _)| text != " " && text != "\n").collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wrapping_is_never_too_wide_and_loses_nothing(pieces in pieces(), cells in 0u16..=40, hanging in 0u16..=12) {
        let rows = wrap(&pieces, cells, hanging);
        prop_assert_eq!(sound(&rows, cells), Ok(()));
        if cells >= 8 {
            let kept: Vec<_> = rows.iter().flat_map(|row| letters(&row.pieces)).collect();
            prop_assert_eq!(kept, letters(&pieces));
        }
    }

    #[test]
    fn folding_code_keeps_every_space(pieces in pieces(), cells in 8u16..=40) {
        let rows = flow(&pieces, cells, &[], &[], Break::Anywhere);
        prop_assert_eq!(sound(&rows, cells), Ok(()));
        let kept: String = rows.iter().map(Row::text).collect();
        let all: String = pieces.iter().map(|piece| piece.text.replace('\n', "")).collect();
        prop_assert_eq!(kept, all);
    }

    #[test]
    fn no_text_breaks_any_part_at_any_width(text in soup(120), other in soup(40), cells in 0u16..=120) {
        prop_assert_eq!(sound(&render(&text, cells), cells), Ok(()));
        prop_assert_eq!(sound(&code::listing(&text, "python", cells).rows, cells), Ok(()));
        prop_assert_eq!(sound(&diff::diff(&text, &other, cells), cells), Ok(()));
    }

    #[test]
    fn soup_streams_to_what_the_whole_shows(text in soup(60), cells in 1u16..=60) {
        prop_assert_eq!(same_at_every_prefix(&text, cells), Ok(()));
    }

    #[test]
    fn markdown_lines_stream_to_what_the_whole_shows(
        lines in prop::collection::vec(prop::sample::select(vec![
            "- a", "- ", "-", "  - b", "1. c", "2) d", "   e", "    f", "> g", ">", "```", "```py", "~~~~", "# h", "#", "===",
            "---", "***", "| a | b |", "|---|---|", "[r]: /u", "[r]:", "'t", "<div>", "<!-- x", "-->", "text", "", "", "\t- t", "* z",
        ]), 0..10),
        cells in 1u16..=60,
    ) {
        let text = lines.join("\n");
        prop_assert_eq!(same_at_every_prefix(&text, cells), Ok(()));
        let shown: String = render(&text, 200).iter().map(Row::text).collect();
        for word in text.split(|c: char| !c.is_alphabetic()) {
            prop_assert!(shown.contains(word), "{:?} is not in {}", word, shown);
        }
    }
}
