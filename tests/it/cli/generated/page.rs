//! Man pages that are made from documents in `docs`.

use std::fmt::Write;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The page `regtree-NAME(7)` of a document.
pub(super) fn page(name: &str, about: &str, document: &str) -> String {
    let version = concat!("regtree ", env!("CARGO_PKG_VERSION"));
    let mut page = Page::default();
    write!(page.text, ".TH regtree-{name} 7 \"\" \"{version}\"\n.SH NAME\nregtree\\-{name} \\- {about}\n").unwrap();
    page.text += ".SH DESCRIPTION\n";
    Parser::new_ext(document, Options::ENABLE_TABLES).for_each(|event| page.add(event));
    page.line(".SH \"SEE ALSO\"\n\\fBregtree\\fR(1)\n");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    /// Whether lines are kept as they are.
    is_verbatim: bool,
    /// What stands in the row of a table so far.
    row: Option<Vec<String>>,
    /// The address of the link that is open.
    link: String,
}

impl Page {
    fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.words(&text),
            Event::Code(code) => self.words(&format!("\u{1}{code}\u{2}")),
            Event::SoftBreak => self.words("\n"),
            other => panic!("a page has no {other:?}"),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            // The first heading is the name of the page.
            Tag::Heading { level, .. } if level as usize == 1 => self.row = Some(vec![String::new()]),
            Tag::Heading { level, .. } => self.line(if level as usize == 2 { ".SH " } else { ".SS " }),
            Tag::Paragraph if self.text.ends_with(".IP \\(bu 2\n") => {}
            Tag::Paragraph => self.line(".PP\n"),
            Tag::Item => self.line(".IP \\(bu 2\n"),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.line(".PP\n.nf\n.RS 4\n");
                self.is_verbatim = true;
            }
            Tag::TableHead | Tag::TableRow => self.row = Some(Vec::new()),
            Tag::TableCell => self.row.as_mut().unwrap().push(String::new()),
            Tag::Strong => self.words("\u{1}"),
            Tag::Link { dest_url, .. } => dest_url.as_ref().clone_into(&mut self.link),
            Tag::Table(_) | Tag::List(None) => {}
            other => panic!("a page has no {other:?}"),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) if level as usize == 1 => self.row = None,
            TagEnd::CodeBlock => {
                self.line(".RE\n.fi\n");
                self.is_verbatim = false;
            }
            TagEnd::TableHead => self.row = None,
            TagEnd::TableRow => {
                let row = self.row.take().unwrap();
                let (first, others) = row.split_first().unwrap();
                self.line(&format!(".TP\n{first}\n{}\n", others.join("; ")));
            }
            TagEnd::Strong => self.words("\u{2}"),
            TagEnd::Link if self.link.contains("://") => {
                let address = format!(" <{}>", std::mem::take(&mut self.link));
                self.words(&address);
            }
            TagEnd::Table | TagEnd::TableCell | TagEnd::List(_) | TagEnd::Item | TagEnd::Link => {}
            TagEnd::Heading(_) | TagEnd::Paragraph => self.line(""),
            other => panic!("a page has no {other:?}"),
        }
    }

    /// Adds words to the row of a table, or to the page. `\u{1}` and `\u{2}` stand around what is bold.
    fn words(&mut self, words: &str) {
        let escaped = words.replace('\\', r"\e").replace('-', r"\-").replace('\'', r"\(aq");
        // Paths may be broken after a slash.
        let escaped = if self.is_verbatim { escaped } else { escaped.replace('/', r"/\:") };
        let escaped = escaped.replace('\u{1}', r"\fB").replace('\u{2}', r"\fR");
        let target = match &mut self.row {
            Some(row) => row.last_mut().unwrap(),
            None => &mut self.text,
        };
        for part in escaped.split_inclusive('\n') {
            // A dot at the start of a line would be a request.
            let guard = if part.starts_with('.') && (target.is_empty() || target.ends_with('\n')) { r"\&" } else { "" };
            write!(target, "{guard}{part}").unwrap();
        }
    }

    /// Begins a new line with a request.
    fn line(&mut self, request: &str) {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text += request;
    }
}
