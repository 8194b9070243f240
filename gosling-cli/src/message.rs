//! Messages for people: the words at the head of a line that say what it is.

/// The words, and their colours by ANSI's numbers.
const WORDS: [(&str, &str); 5] = [
    ("error:", "1;31"),
    ("warning:", "1;33"),
    ("help:", "1;36"),
    ("note:", "1;34"),
    ("next:", "1;32"),
];

/// The message, the word at the head of each line in its colour.
pub(crate) fn painted(message: &str, color: bool) -> String {
    if !color {
        return message.to_owned();
    }
    let lines = message.split('\n').map(|line| {
        let text = line.trim_start();
        let word = WORDS.iter().find(|(word, _)| text.starts_with(word));
        word.map_or_else(
            || line.to_owned(),
            |(word, color)| {
                let (indent, rest) = (&line[..line.len() - text.len()], &text[word.len()..]);
                format!("{indent}\x1b[{color}m{word}\x1b[0m{rest}")
            },
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_at_the_head_of_a_line_is_coloured() {
        let message = "error: no help: here\n  help: do that\nplain";
        assert_eq!(painted(message, false), message);
        let expected = "\x1b[1;31merror:\x1b[0m no help: here\n  \x1b[1;36mhelp:\x1b[0m do that\nplain";
        assert_eq!(painted(message, true), expected);
    }
}
