//! The few lines of source around a problem's places, ready to be drawn: endless lines cut, secrets masked,
//! control characters made harmless.

use std::fmt;
use std::ops::Range;

use fly_syntax::{Position, SourceFile, Span};
use miette::{MietteError, SourceCode, SourceSpan, SpanContents};

use super::{Look, Places};
use crate::fly_text::is_unseen;
pub(crate) use fly_typeck::MASK;

/// Characters of a line that are shown.
const WINDOW: usize = 160;
/// Characters before the first marked place of a cut line.
const LEAD: usize = 40;
/// Lines of a marked place that are shown; of a longer one only its first line is marked.
const TALL: u32 = 8;
/// Lines shown before and behind a marked place.
const CONTEXT: u32 = 1;

/// Excerpts of one or several files as one text for miette, which asks for parts of it by offsets into that text.
/// Parts that are not neighbours are never given out together.
pub struct Excerpt {
    segments: Vec<Segment>,
    /// Where each marked place went, in the order in which they were given.
    marks: Vec<Option<Mark>>,
}

struct Segment {
    name: String,
    /// Line of the first line, from 0.
    line: usize,
    lines: usize,
    /// Offset of the first byte.
    start: usize,
    text: String,
}

#[derive(Clone, Copy)]
struct Mark {
    start: usize,
    length: usize,
    position: Position,
}

impl Excerpt {
    /// The excerpt that shows `spans`, the first of them on top.
    #[must_use]
    pub fn new(places: &Places, spans: &[Span], masks: &[Span], prefix: &str, look: Look) -> Self {
        let spans: Vec<Span> = spans.iter().map(|span| shorten(places, *span)).collect();
        let mut excerpt = Self {
            segments: Vec::new(),
            marks: Vec::new(),
        };
        excerpt.marks = vec![None; spans.len()];
        for group in groups(places, &spans) {
            excerpt.draw(places, &group, &spans, masks, prefix, look);
        }
        excerpt
    }

    /// Where the marked places went, in the order in which they were given; `None` for one of no known file.
    pub fn marks(&self) -> impl Iterator<Item = Option<SourceSpan>> {
        self.marks
            .iter()
            .map(|mark| mark.map(|mark| SourceSpan::new(mark.start.into(), mark.length)))
    }

    fn draw(
        &mut self,
        places: &Places,
        group: &Group,
        spans: &[Span],
        masks: &[Span],
        prefix: &str,
        look: Look,
    ) {
        let Some(file) = places.file(group.at) else { return };
        let start = self
            .segments
            .last()
            .map_or(0, |segment| segment.start + segment.text.len() + 1);
        let mut text = String::new();
        let mut bounds: Vec<(Option<usize>, Option<usize>)> = vec![(None, None); spans.len()];
        for line in group.lines.clone() {
            let range = line_range(file, line);
            let hidden: Vec<Range<usize>> = masks
                .iter()
                .filter(|mask| mask.file == file.id)
                .map(|mask| mask.range().start.max(range.start)..mask.range().end.min(range.end))
                .filter(|mask| mask.start < mask.end)
                .collect();
            let shown: Vec<Range<usize>> = group
                .members
                .iter()
                .filter_map(|index| spans.get(*index))
                .map(|span| span.range())
                .collect();
            let drawing = Drawing::new(file.text(), range.clone(), &hidden, &shown, look);
            let base = start + text.len();
            for index in &group.members {
                let span = spans[*index].range();
                if range.contains(&span.start) || span.start == range.end {
                    bounds[*index]
                        .0
                        .get_or_insert(base + drawing.offset(span.start, false));
                }
                if span.end >= range.start && span.end <= range.end {
                    bounds[*index].1 = Some(base + drawing.offset(span.end, true));
                }
            }
            text.push_str(&drawing.text);
            text.push('\n');
        }
        for index in &group.members {
            let (from, to) = bounds[*index];
            let from = from.unwrap_or(start);
            let place = places.place(spans[*index]);
            self.marks[*index] = Some(Mark {
                start: from,
                length: to.unwrap_or(from).saturating_sub(from),
                position: Position {
                    line: place.line,
                    column: place.column,
                },
            });
        }
        self.segments.push(Segment {
            name: printable(&format!("{prefix}{}", file.path), look),
            line: group.lines.start as usize,
            lines: group.lines.len(),
            start,
            text,
        });
    }
}

/// Lines of one file that are shown together.
struct Group {
    /// Any span in the file.
    at: Span,
    /// Lines, from 0.
    lines: Range<u32>,
    /// Indices of the spans in it.
    members: Vec<usize>,
}

/// A place that is many lines tall is marked on its first line only.
fn shorten(places: &Places, span: Span) -> Span {
    let Some(file) = places.file(span) else {
        return span;
    };
    let place = places.place(span);
    if place.end_line - place.line < TALL {
        return span;
    }
    let end = line_range(file, place.line - 1).end;
    Span {
        end: u32::try_from(end).unwrap_or(span.end).max(span.start),
        ..span
    }
}

/// The bytes of a line, counted from 0, without its line break.
fn line_range(file: &SourceFile, line: u32) -> Range<usize> {
    let starts = file.line_starts();
    let line = line as usize;
    let start = starts
        .get(line)
        .map_or(file.text().len(), |start| *start as usize);
    let end = starts
        .get(line + 1)
        .map_or(file.text().len(), |next| (*next as usize).saturating_sub(1));
    let end = if end > start && file.text().as_bytes().get(end - 1) == Some(&b'\r') {
        end - 1
    } else {
        end
    };
    start..end.max(start)
}

/// Gathers spans whose lines touch; the group of the first span comes first, the others in reading order.
fn groups(places: &Places, spans: &[Span]) -> Vec<Group> {
    let mut wanted: Vec<(usize, Group)> = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        let Some(file) = places.file(*span) else { continue };
        let place = places.place(*span);
        // What follows the last line break is no line to show, unless something is said about it.
        let unended = usize::from(!file.text().ends_with('\n'));
        let last = u32::try_from(file.line_starts().len() - 1 + unended)
            .unwrap_or(u32::MAX)
            .max(place.end_line);
        let lines = (place.line - 1).saturating_sub(CONTEXT)..(place.end_line + CONTEXT).min(last);
        wanted.push((
            index,
            Group {
                at: *span,
                lines,
                members: vec![index],
            },
        ));
    }
    wanted.sort_by_key(|(index, group)| (group.at.file, group.lines.start, *index));
    let mut groups: Vec<Group> = Vec::new();
    for (_, group) in wanted {
        match groups.last_mut() {
            Some(last) if last.at.file == group.at.file && group.lines.start <= last.lines.end + 1 => {
                last.lines.end = last.lines.end.max(group.lines.end);
                last.members.extend(group.members);
            }
            _ => groups.push(group),
        }
    }
    groups.sort_by_key(|group| !group.members.contains(&0));
    groups
}

/// One line as it is drawn, and where its bytes went.
struct Drawing {
    text: String,
    /// Source bytes and the bytes they became, in order. What lies between two of them is not drawn.
    pieces: Vec<(Range<usize>, Range<usize>)>,
}

impl Drawing {
    fn new(
        source: &str,
        line: Range<usize>,
        hidden: &[Range<usize>],
        shown: &[Range<usize>],
        look: Look,
    ) -> Self {
        let window = window(source, &line, shown);
        let cut = if look.unicode { "…" } else { "..." };
        let mut drawing = Self {
            text: String::new(),
            pieces: Vec::new(),
        };
        if window.start > line.start {
            drawing.text.push_str(cut);
        }
        let mut at = window.start;
        while at < window.end {
            let from = drawing.text.len();
            let next = match hidden.iter().find(|mask| mask.contains(&at)) {
                Some(mask) => {
                    drawing.text.push_str(MASK);
                    mask.end
                }
                None => {
                    let Some(character) = source[at..].chars().next() else {
                        break;
                    };
                    drawing.text.push(harmless(character, look));
                    at + character.len_utf8()
                }
            };
            drawing.pieces.push((at..next, from..drawing.text.len()));
            at = next;
        }
        if window.end < line.end {
            drawing.text.push_str(cut);
        }
        drawing
    }

    /// Where a byte of the source went; a byte inside a replaced text goes to the text's start, or its end.
    fn offset(&self, byte: usize, end: bool) -> usize {
        let index = self.pieces.partition_point(|(source, _)| source.end <= byte);
        match self.pieces.get(index) {
            Some((source, drawn)) if end && source.start < byte => drawn.end,
            Some((_, drawn)) => drawn.start,
            None => self.pieces.last().map_or(0, |(_, drawn)| drawn.end),
        }
    }
}

/// The part of a line that is drawn: all of it, or where it is endless a part around its first marked place.
fn window(source: &str, line: &Range<usize>, shown: &[Range<usize>]) -> Range<usize> {
    if line.len() <= WINDOW {
        return line.clone();
    }
    let first = shown
        .iter()
        .map(|span| span.start)
        .filter(|start| line.contains(start))
        .min()
        .unwrap_or(line.start);
    let start = border(source, first.saturating_sub(LEAD).max(line.start));
    let end = border(source, start.saturating_add(WINDOW).min(line.end));
    start..end
}

/// The nearest character border at or before a byte.
fn border(source: &str, mut byte: usize) -> usize {
    while !source.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// A character that a terminal shows as itself. Others could move its cursor or turn text around.
fn harmless(character: char, look: Look) -> char {
    // Joiners are seen by what they join.
    let joins = matches!(character, '\u{200C}' | '\u{200D}');
    let seen = character == '\t' || joins || !is_unseen(character);
    if character != '\n' && seen && !gosling_resource::is_acted_on(character) {
        character
    } else if look.unicode {
        '\u{FFFD}'
    } else {
        '?'
    }
}

/// A text for people without anything that a terminal would obey; line breaks stay.
pub(crate) fn printable(text: &str, look: Look) -> String {
    text.chars()
        .map(|character| {
            if character == '\n' {
                character
            } else {
                harmless(character, look)
            }
        })
        .collect()
}

/// Words that may be a service's own, for a person: what a terminal would obey is a question mark. Line breaks stay.
pub(crate) fn plain(words: &impl std::fmt::Display) -> String {
    let look = Look {
        color: false,
        unicode: false,
        width: 0,
    };
    printable(&words.to_string(), look)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let index = self
            .segments
            .partition_point(|segment| segment.start <= span.offset());
        let segment = index.checked_sub(1).and_then(|index| self.segments.get(index));
        let segment = segment.ok_or(MietteError::OutOfBounds)?;
        if span.offset() + span.len() > segment.start + segment.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // miette asks without context only for the line and column in the headline.
        let headline = (lines_before, lines_after) == (0, 0);
        let mark = self
            .marks
            .iter()
            .flatten()
            .find(|mark| mark.start == span.offset())
            .filter(|_| headline);
        let (line, column) = mark.map_or((segment.line, 0), |mark| {
            (
                mark.position.line.saturating_sub(1) as usize,
                mark.position.column.saturating_sub(1) as usize,
            )
        });
        Ok(Box::new(Part {
            segment,
            span: (segment.start, segment.text.len()).into(),
            line,
            column,
        }))
    }
}

struct Part<'a> {
    segment: &'a Segment,
    span: SourceSpan,
    line: usize,
    column: usize,
}

impl<'a> SpanContents<'a> for Part<'a> {
    fn data(&self) -> &'a [u8] {
        self.segment.text.as_bytes()
    }
    fn span(&self) -> &SourceSpan {
        &self.span
    }
    fn name(&self) -> Option<&str> {
        Some(&self.segment.name)
    }
    fn line(&self) -> usize {
        self.line
    }
    fn column(&self) -> usize {
        self.column
    }
    fn line_count(&self) -> usize {
        self.segment.lines
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excerpt")
            .field("segments", &self.segments.len())
            .finish()
    }
}
