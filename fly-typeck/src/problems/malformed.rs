//! FLY306: a text that is not of the form wanted.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;
use fly_domain::{Malformed, without_credentials};

pub(crate) static KIND: Kind = Kind {
    code: "FLY306",
    title: "a text that is not of the form wanted",
    severity: Severity::Error,
    explanation: r#"Some texts must be of a certain form: a `url`, `cron`, `cidr`, `fqdn`, `image`, `version`, `path`, `target` or `firewall_rule`,
and durations, sizes and percents when they are written in quotes; a `timezone` is a name of the IANA time zone
database. The message says what is wrong with this one. If the intended text is clear, it is suggested.
"#,
    wrong: r#"variable "gateway" {
  type = url
  default = "pve.example.com:8006"
}
"#,
    right: r#"variable "gateway" {
  type = url
  default = "https://pve.example.com:8006"
}
"#,
};

/// `form` is what the text should be: "url", "cron". Credentials in the text are not said back.
pub(crate) fn problem(at: Span, form: &str, text: &str, malformed: &Malformed) -> Problem {
    let shown = match malformed.shown.clone().or_else(|| without_credentials(text)) {
        Some(harmless) => words::shown(&harmless),
        None => words::shown(text),
    };
    let form_words = words::a(&form.replace('|', " or "));
    let problem = Problem::new(&KIND, at, format!("`{shown}` is not {form_words}: {}", malformed.reason))
        .note(format!("not {form_words}"));
    match (&malformed.suggestion, example(form)) {
        (Some(better), _) => problem
            .help(format!("did you mean `{better}`?"))
            .maybe(format!("write `{better}`"), at, format!("\"{better}\"")),
        (None, Some(example)) => problem.help(format!("{form_words} looks like `{example}`")),
        (None, None) => problem.help(format!("write {form_words}")),
    }
}

fn example(form: &str) -> Option<&'static str> {
    Some(match form {
        "url" => "https://pve.example.com:8006",
        "cron" => "0 4 * * MON",
        "cidr" => "10.0.0.0/24",
        "fqdn" => "gitlab.example.com",
        "image" => "registry.example.com/team/app:1.2",
        "version" => "17.5.0",
        "time zone" => "Europe/Berlin",
        "path" => "MG/openapi.yaml",
        "target" => "inventory.internal:443",
        "firewall_rule" => "10.0.0.0/8 tcp/22",
        "duration" => "1h30m",
        "size" => "4GiB",
        "percent" => "80%",
        "token id" => "gosling@pve!ci",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn the_reason_and_the_way_out() {
        let malformed = Malformed::new("it has no scheme").with_suggestion("https://a.example");
        let problem = problem(here(0, 11), "url", "a.example", &malformed);
        assert_eq!(problem.message, "`a.example` is not a url: it has no scheme");
        assert_eq!(problem.suggestions[0].edits[0].text, "\"https://a.example\"");
    }

    #[test]
    fn with_no_way_out_an_example_is_shown() {
        let problem = problem(here(0, 5), "fqdn", "a..b", &Malformed::new("it has an empty part"));
        assert_eq!(problem.message, "`a..b` is not an fqdn: it has an empty part");
        assert_eq!(problem.help.as_deref(), Some("an fqdn looks like `gitlab.example.com`"));
        assert_eq!(problem.suggestions, []);
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = "ä".repeat(500);
        let problem = problem(here(0, 5), "url", &text, &Malformed::new("it has no scheme"));
        assert_eq!(problem.message, format!("`{}...` is not a url: it has no scheme", "ä".repeat(60)));
    }
}
