//! Fly text from parts, for the files that gosling writes.

/// A string literal of `text`.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            '$' if characters.peek() == Some(&'{') => literal.push_str("$$"),
            character if is_unseen(character) => {
                literal.push_str(&format!("\\u{{{:X}}}", u32::from(character)));
            }
            character => literal.push(character),
        }
    }
    literal.push('"');
    literal
}

/// Whether nobody would see the character as what it is: a terminal obeys it, or shows nothing.
pub(crate) fn is_unseen(character: char) -> bool {
    fly_syntax::invisible(character).is_some_and(|(_, instead)| instead.is_empty()) || character.is_control()
}

/// A list of string literals.
pub(crate) fn strings(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A text of one line as a string, a longer one as a heredoc.
pub(crate) fn script(text: &str) -> String {
    let text = text.trim_end_matches('\n');
    if !text.contains('\n')
        || text
            .chars()
            .any(|character| character.is_control() && character != '\n' && character != '\t')
    {
        return quoted(text);
    }
    let mut terminator = "EOT".to_owned();
    while text.lines().any(|line| line.trim() == terminator) {
        terminator.push('T');
    }
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("    {}", line.replace("${", "$${"))
            }
        })
        .collect();
    format!("<<-{terminator}\n{}\n  {terminator}", lines.join("\n"))
}

/// `template` with every `{{name}}` replaced; a name without a value stays visible, which the tests refuse.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}
