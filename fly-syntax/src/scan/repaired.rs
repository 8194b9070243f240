//! The balanced copy of a text that does not balance.

use std::ops::Range;

/// What stands in the copy for a part that is reported already. A text has no such sign outside of quotes: the walk
/// takes it out as an invisible character.
const REPORTED: u8 = 0x1A;

/// A change that makes the text balanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repair {
    /// Put this in before the byte.
    Insert(usize, String),
    /// Make these bytes spaces; the first becomes this byte.
    Blank(Range<usize>, u8),
    /// Make these bytes a value that is reported already.
    Report(Range<usize>),
    /// Take these bytes out.
    Remove(Range<usize>),
}

impl Repair {
    pub(super) fn start(&self) -> usize {
        match self {
            Self::Insert(at, _) => *at,
            Self::Blank(range, _) | Self::Report(range) | Self::Remove(range) => range.start,
        }
    }
}

/// The balanced copy of a text, and the way back to the places of the original.
pub(crate) struct Repaired {
    pub(crate) text: String,
    /// In order.
    shifts: Vec<Shift>,
}

/// Text that was put into the copy or left out of it.
struct Shift {
    /// Where in the copy.
    at: usize,
    inserted: usize,
    removed: usize,
    /// All that was put in and left out before.
    inserted_before: usize,
    removed_before: usize,
}

impl Repaired {
    pub(crate) fn new(text: &str, mut repairs: Vec<Repair>) -> Self {
        repairs.sort_by_key(Repair::start);
        let bytes = text.as_bytes();
        let mut copy: Vec<u8> = Vec::with_capacity(text.len() + repairs.len());
        let mut shifts: Vec<Shift> = Vec::new();
        let mut at = 0;
        for repair in repairs {
            let start = repair.start().max(at);
            copy.extend(&bytes[at..start]);
            at = start;
            match repair {
                Repair::Insert(_, closer) => {
                    shifts.push(Shift::next(&shifts, copy.len(), closer.len(), 0));
                    copy.extend(closer.as_bytes());
                }
                Repair::Blank(range, first) => {
                    let end = range.end.max(at);
                    for (index, byte) in bytes[at..end].iter().enumerate() {
                        copy.push(match byte {
                            b'\n' => b'\n',
                            _ if index == 0 => first,
                            _ => b' ',
                        });
                    }
                    at = end;
                }
                Repair::Report(range) => {
                    let end = range.end.max(at);
                    copy.extend(std::iter::repeat_n(REPORTED, end - at));
                    at = end;
                }
                Repair::Remove(range) => {
                    let end = range.end.max(at);
                    shifts.push(Shift::next(&shifts, copy.len(), 0, end - at));
                    at = end;
                }
            }
        }
        copy.extend(&bytes[at..]);
        // Only whole characters are changed, so this never replaces anything.
        let text = String::from_utf8_lossy(&copy).into_owned();
        Self { text, shifts }
    }

    /// The place in the original.
    pub(crate) fn original(&self, at: usize) -> usize {
        let before = self.shifts.partition_point(|shift| shift.at < at);
        let Some(last) = before.checked_sub(1).and_then(|index| self.shifts.get(index)) else {
            return at;
        };
        at + last.removed_before + last.removed - last.inserted_before - (at - last.at).min(last.inserted)
    }
}

impl Shift {
    fn next(shifts: &[Self], at: usize, inserted: usize, removed: usize) -> Self {
        let (inserted_before, removed_before) = shifts.last().map_or((0, 0), |last| {
            (
                last.inserted_before + last.inserted,
                last.removed_before + last.removed,
            )
        });
        Self {
            at,
            inserted,
            removed,
            inserted_before,
            removed_before,
        }
    }
}
