//! Hides what may be a secret in text that is shown without having been checked: a diff of `fmt`.

use std::ops::Range;

use fly_syntax::{FileId, SourceFile};
use fly_typeck::{MASK, Names, exposed};

/// A text of Fly, and where in it secrets may stand in plain.
#[derive(Debug)]
pub struct Masked<'t> {
    text: &'t str,
    /// In order.
    hidden: Vec<Range<usize>>,
}

impl<'t> Masked<'t> {
    /// Looks for secrets in a file. Of a file of values any may be one.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let file = SourceFile::new(FileId(0), "", text);
        let parsed = fly_syntax::parse(&file);
        let hidden = exposed(&file, &parsed.tree, &Names::default());
        Self {
            text,
            hidden: hidden.into_iter().map(|span| span.range()).collect(),
        }
    }

    /// A line, or any other part that ends where a line does, as it may be shown. Indents and line breaks stay.
    #[must_use]
    pub fn part(&self, part: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = part.start;
        for hidden in &self.hidden {
            let range = hidden.start.max(at)..hidden.end.min(part.end);
            let Some(inside) = self.text.get(range.clone()) else {
                continue;
            };
            let start = range.start + (inside.len() - inside.trim_start().len());
            let end = start + inside.trim().len();
            if start < end {
                shown.push_str(self.text.get(at..start).unwrap_or_default());
                shown.push_str(MASK);
                at = end;
            }
        }
        shown.push_str(self.text.get(at..part.end).unwrap_or_default());
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        Masked::new(text).part(0..text.len())
    }

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        for (text, shown) in [
            ("token = \"hunter2\"", "token = \"***MASKED***\""),
            ("tken= \"hunter2\" # old", "tken= \"***MASKED***\" # old"),
            ("GITLAB_TOKEN = \"hunter2\"", "GITLAB_TOKEN = \"***MASKED***\""),
            ("token = 12345", "token = ***MASKED***"),
            (
                "token = \"a${var.x}b\"",
                "token = \"***MASKED***${var.x}***MASKED***\"",
            ),
            (
                "token = yes ? \"hunter2\" : null",
                "token = yes ? \"***MASKED***\" : null",
            ),
            (
                "x = { token = \"hunter2\", a = \"b\" }",
                "x = { token = \"***MASKED***\", a = \"b\" }",
            ),
            (
                "secret_key = <<EOT\n  hunter\n\n  two\nEOT",
                "secret_key = <<EOT\n  ***MASKED***\nEOT",
            ),
            ("token = \"vault://hunter2\"", "token = \"***MASKED***\""),
            (
                "token = \"vault://ci/gitlab/token\"",
                "token = \"vault://ci/gitlab/token\"",
            ),
            (
                "token = \"vault://ci/${var.x}\"",
                "token = \"vault://ci/${var.x}\"",
            ),
            ("token = var.token", "token = var.token"),
            ("token_id = \"root@pam!ci\"", "token_id = \"root@pam!ci\""),
            ("tags = [\"linux\"]", "tags = [\"linux\"]"),
        ] {
            let block = |text: &str| format!("egg \"a\" {{ b {{\n{text}\n}}\n}}\n");
            assert_eq!(masked(&block(text)), block(shown));
        }
    }

    #[test]
    fn every_line_of_a_long_secret_is_hidden() {
        let text = "a {\n  secret_key = <<-EOT\n    hunter\n\n    two\n  EOT\n}\n";
        let masked = Masked::new(text);
        let mut at = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            at += line.len();
            masked.part(at - line.len()..at)
        });
        let shown = "a {\n  secret_key = <<-EOT\n    ***MASKED***\n\n    ***MASKED***\n  EOT\n}\n";
        assert_eq!(lines.collect::<String>(), shown);
    }

    #[test]
    fn any_value_of_a_file_of_values_and_of_a_secret_variable_is_hidden() {
        assert_eq!(
            masked("a = \"hunter2\"\nb = 4GiB\nc = \"env://X\"\n"),
            "a = \"***MASKED***\"\nb = ***MASKED***\nc = \"env://X\"\n"
        );
        assert_eq!(
            masked("variable \"a\" {\n  type = list(secret)\n  default = [\"hunter2\"]\n}\n"),
            "variable \"a\" {\n  type = list(secret)\n  default = [\"***MASKED***\"]\n}\n"
        );
    }
}
