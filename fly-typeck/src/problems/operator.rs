//! FLY307: an operator that does not take these values.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY307",
    title: "an operator that does not take these values",
    severity: Severity::Error,
    explanation: r#"Operators keep units and types apart: a size and a duration cannot be added, and a text cannot be added to anything.
What works is `size + size`, `size * int`, `duration + duration`, `size / size` (a float), numbers with numbers, and
comparisons of two values of one type. Texts are put together by interpolation: `"${a}${b}"`.
"#,
    wrong: r#"locals {
  total = 4GiB + 30s
}
"#,
    right: r#"locals {
  total = 4GiB + 512MiB
}
"#,
};

/// Each side is its type and its place; an operator with one operand has no right side.
pub(crate) fn problem(
    at: Span,
    operator: &str,
    left: (&str, Span),
    right: Option<(&str, Span)>,
    hint: Option<String>,
) -> Problem {
    let (left, left_at) = left;
    let help = hint.unwrap_or_else(|| way_out(operator).to_owned());
    let Some((right, right_at)) = right else {
        return Problem::new(&KIND, at, format!("`{operator}` does not work on {left}")).note(left).help(help);
    };
    let what = match operator {
        "==" | "!=" | "<" | "<=" | ">" | ">=" => format!("`{operator}` cannot compare {left} with {right}"),
        _ => format!("`{operator}` does not work on {left} and {right}"),
    };
    Problem::new(&KIND, at, what).label(left_at, left).label(right_at, right).help(help)
}

fn way_out(operator: &str) -> &'static str {
    match operator {
        "==" | "!=" => "two values can be compared when they are of one type",
        "<" | "<=" | ">" | ">=" => {
            "numbers, durations, sizes, percents, versions and texts can be put in order, each with its like"
        }
        "&&" | "||" | "!" => "this takes `true` and `false`: compare the value with something first",
        "+" | "-" => "both sides must be of one type: numbers, durations or sizes",
        "*" => "numbers can be multiplied, and a duration or a size by a number",
        "/" => "numbers can be divided, and a duration or a size by a number or by its like",
        "%" => "`%` takes two whole numbers",
        _ => "use values that this operator takes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn both_sides_are_named_at_their_places() {
        let problem = problem(here(0, 10), "+", ("size", here(0, 4)), Some(("duration", here(7, 10))), None);
        assert_eq!(problem.message, "`+` does not work on size and duration");
        let labels: Vec<_> = problem.labels.iter().map(|label| (label.span, label.message.as_str())).collect();
        assert_eq!(labels, [(here(0, 4), "size"), (here(7, 10), "duration")]);
        assert_eq!(
            problem.help.as_deref(),
            Some("both sides must be of one type: numbers, durations or sizes")
        );
    }

    #[test]
    fn comparisons_and_single_operands_have_words_of_their_own() {
        let compared = problem(here(0, 8), "<", ("list(int)", here(0, 1)), Some(("int", here(7, 8))), None);
        assert_eq!(compared.message, "`<` cannot compare list(int) with int");
        let negated = problem(here(0, 5), "-", ("string", here(1, 5)), None, Some("drop it".to_owned()));
        assert_eq!(negated.message, "`-` does not work on string");
        assert_eq!((negated.labels, negated.help.as_deref()), (vec![], Some("drop it")));
    }

    #[test]
    fn every_operator_has_a_way_out() {
        let other = way_out("");
        for operator in ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "+", "-", "*", "/", "%"] {
            assert_ne!(way_out(operator), other, "{operator}");
        }
    }
}
