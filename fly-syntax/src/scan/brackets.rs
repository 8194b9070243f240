//! Brackets: which closes which, and what is wrong with those that close nothing or are closed by nothing.

use super::repaired::Repair;
use super::{Bracket, Lacking, MOST_BLOCKS, MOST_NESTING, Open, Scanner};
use crate::problems;
use crate::source::Span;

/// So many bytes of a line are looked at for the closer that was meant.
const LOOKAHEAD: usize = 200;

impl Scanner<'_> {
    /// Whether a `{` here opens a block: behind a name or a label, with nothing that makes it a value.
    pub(super) fn opens_block(&self) -> bool {
        match self.open.last().map(|open| open.bracket) {
            None | Some(Bracket::Block) => {}
            Some(_) => return false,
        }
        match self.text[..self.last.min(self.at)].last() {
            None => true,
            Some(byte) => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'"' | b'{' | b'}' | b'-' | b'\'')
            }
        }
    }

    pub(super) fn push(&mut self, bracket: Bracket) {
        let nesting = self.open.len() - self.blocks;
        let (limit, depth) = match bracket {
            Bracket::Block => (MOST_BLOCKS, self.blocks),
            _ => (MOST_NESTING, nesting),
        };
        let inside = self.inside_deep;
        let too_deep = depth >= limit && !inside;
        if too_deep {
            let what = if bracket == Bracket::Block {
                "blocks"
            } else {
                "expressions"
            };
            let span = self.span(self.at..self.at + 1);
            self.problems.push(problems::too_deep::problem(span, what, limit));
        }
        self.open.push(Open {
            bracket,
            at: self.at,
            indent: self.indent,
            too_deep,
            questions: 0,
            indented: None,
        });
        self.inside_deep |= too_deep;
        if bracket == Bracket::Text {
            self.texts += 1;
        }
        if bracket == Bracket::Block {
            self.blocks += 1;
        }
        if !inside {
            self.depth = self.depth.max(self.open.len());
        }
    }

    /// A conditional in a conditional nests too.
    pub(super) fn question(&mut self) {
        let (at, id) = (self.at, self.source.id);
        let questions = self.questions_here();
        *questions += 1;
        let questions = *questions;
        self.depth = self.depth.max(questions);
        if questions == MOST_NESTING / 2 {
            let span = Span::new(id, at..at + 1);
            self.problems.push(problems::too_deep::problem(
                span,
                "conditionals",
                MOST_NESTING / 2,
            ));
        }
        if questions >= MOST_NESTING / 2 {
            self.repairs.push(Repair::Blank(at..at + 1, b'+'));
        }
    }

    /// The conditionals in a row in the innermost bracket.
    fn questions_here(&mut self) -> &mut usize {
        match self.open.last_mut() {
            Some(open) => &mut open.questions,
            None => &mut self.questions,
        }
    }

    /// The next conditional is of another value.
    pub(super) fn end_of_questions(&mut self) {
        *self.questions_here() = 0;
    }

    /// Forgets the problems and repairs from a byte on.
    pub(super) fn drop_from(&mut self, start: usize) {
        while self.repairs.last().is_some_and(|repair| repair.start() >= start) {
            self.repairs.pop();
        }
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        while self
            .problems
            .last()
            .is_some_and(|problem| problem.span.start > start)
        {
            self.problems.pop();
        }
    }

    /// Bookkeeping for a bracket that is no longer open.
    pub(super) fn forget(&mut self, open: Open) {
        match open.bracket {
            Bracket::Block => self.blocks -= 1,
            Bracket::Text => self.texts -= 1,
            _ => {}
        }
        if open.too_deep {
            self.inside_deep = false;
        }
        if open.too_deep && self.at > open.at + 1 {
            // What is inside goes; a value that is reported stays where one is needed.
            // In a text no line may end, so its line ends go too.
            let is_value = matches!(
                open.bracket,
                Bracket::Paren | Bracket::Interpolation | Bracket::Text
            );
            let start = open.inside();
            self.drop_from(start);
            if self.at > start {
                self.repairs.push(match is_value {
                    true => Repair::Report(start..self.at),
                    false => Repair::Blank(start..self.at, b' '),
                });
            }
        }
    }

    pub(super) fn closer(&mut self, byte: u8) {
        let matches = |open: &Open| open.bracket.closer().as_bytes()[0] == byte;
        if byte == b'}' && self.known != Lacking::Nothing && self.starts_line() && self.close_by_indent() {
            return;
        }
        let Some(top) = self.open.last().copied() else {
            self.stray(byte);
            return;
        };
        if matches(&top) {
            self.open.pop();
            self.forget(top);
            self.step();
            return;
        }
        // Something inside was left open, if this closes what is around it.
        let lowest = self.open.len().saturating_sub(MOST_NESTING + MOST_BLOCKS);
        let reach = self.open[lowest..]
            .iter()
            .rposition(|open| matches(open) || open.bracket == Bracket::Block)
            .map(|index| index + lowest)
            .filter(|index| matches(&self.open[*index]));
        if self.is_wrong_closer(top, reach) {
            self.wrong_closer(top);
            return;
        }
        match reach {
            Some(index) => {
                while self.open.len() > index + 1 {
                    self.close_open(self.last);
                }
            }
            _ => self.stray(byte),
        }
    }

    /// Whether this closer was meant to close the innermost bracket, and is of another kind: `[1, 2)`. `reach` is the
    /// bracket further out that it would close.
    fn is_wrong_closer(&self, top: Open, reach: Option<usize>) -> bool {
        if !matches!(top.bracket, Bracket::List | Bracket::Paren | Bracket::Object) || top.at < self.line {
            return false;
        }
        if let Some(index) = reach {
            // `{ a = [1, 2 }` on one line lacks its `]`. What closes a bracket of an earlier line starts a line.
            return self.byte(self.at) == b'}' && self.open[index].at < self.line;
        }
        let wanted = top.bracket.closer().as_bytes()[0];
        let rest = self.text[self.at + 1..].iter().take(LOOKAHEAD);
        !rest
            .take_while(|byte| **byte != b'\n')
            .any(|byte| *byte == wanted)
    }

    fn wrong_closer(&mut self, top: Open) {
        let wanted = top.bracket.closer();
        self.open.pop();
        self.forget(top);
        let here = self.span(self.at..self.at + 1);
        let opened = self.span(top.at..top.at + 1);
        let found = char::from(self.byte(self.at));
        if !self.inside_deep {
            self.problems
                .push(problems::unclosed_bracket::wrong(here, opened, found, wanted));
        }
        self.repairs
            .push(Repair::Blank(self.at..self.at + 1, wanted.as_bytes()[0]));
        self.step();
    }

    /// Whether only blanks stand before this on its line.
    fn starts_line(&self) -> bool {
        let before = self.text[..self.at].iter().rev();
        before
            .take_while(|byte| **byte != b'\n')
            .all(|byte| matches!(byte, b' ' | b'\t'))
    }

    /// In a file whose braces do not balance, a closing brace on a line of its own closes what its indent says.
    fn close_by_indent(&mut self) -> bool {
        let indent = self.indent;
        let block = |open: &Open| matches!(open.bracket, Bracket::Block | Bracket::Object);
        let lowest = self.open.len().saturating_sub(MOST_NESTING + MOST_BLOCKS);
        let near = &self.open[lowest..];
        let Some(top) = near.iter().rev().find(|open| block(open)).copied() else {
            return false;
        };
        if top.indent < indent && self.known == Lacking::Openers {
            self.stray(b'}');
            return true;
        }
        if top.indent > indent && near.iter().any(|open| block(open) && open.indent <= indent) {
            while self.open.last().is_some_and(|open| open.indent > indent) {
                self.close_open(self.last);
            }
        }
        false
    }

    /// Reports the innermost open bracket as left open, and closes it at a place.
    pub(super) fn close_open(&mut self, at: usize) {
        let Some(open) = self.open.pop() else { return };
        self.forget(open);
        if open.bracket == Bracket::Block {
            self.lacking = Lacking::Closers;
        }
        if self.inside_deep {
            return;
        }
        let span = self.span(open.at..open.inside());
        let problem = match open.bracket {
            Bracket::Block => problems::unclosed_block::problem(self.header(open.at)),
            Bracket::Text => problems::unclosed_text::problem(span),
            other => problems::unclosed_bracket::problem(span, other.closer()),
        };
        self.problems.push(problem);
        let at = at.max(open.inside());
        // On a line of its own, since a heredoc may end just before.
        self.repairs
            .push(Repair::Insert(at, format!("\n{}", open.bracket.closer())));
    }

    /// The header of the block whose brace stands there.
    fn header(&self, brace: usize) -> Span {
        let line = self.text[..brace]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let inside = self.text[line..brace]
            .iter()
            .rposition(|byte| matches!(byte, b'{' | b'}'));
        let mut start = inside.map_or(line, |length| line + length + 1);
        while start < brace && self.text[start].is_ascii_whitespace() {
            start += 1;
        }
        while !self.source.text().is_char_boundary(start) {
            start += 1;
        }
        self.span(start.min(brace)..brace + 1)
    }

    fn stray(&mut self, byte: u8) {
        if byte == b'}' {
            self.lacking = if self.lacking == Lacking::Nothing {
                Lacking::Openers
            } else {
                self.lacking
            };
        }
        let span = self.span(self.at..self.at + 1);
        match self.problems.last_mut() {
            // Several in a row are one slip.
            Some(last)
                if std::ptr::eq(last.kind, &problems::stray_closer::KIND) && last.span.end == span.start =>
            {
                last.span.end = span.end;
                let edits = last
                    .suggestions
                    .iter_mut()
                    .flat_map(|suggestion| &mut suggestion.edits);
                edits.for_each(|edit| edit.span.end = span.end);
            }
            _ => self
                .problems
                .push(problems::stray_closer::problem(span, char::from(byte))),
        }
        self.repairs.push(Repair::Blank(self.at..self.at + 1, b' '));
        self.at += 1;
    }
}
