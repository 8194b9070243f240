//! The templates, and the only ways in which a value gets into one.
//!
//! `{{toml x}}`, `{{yaml x}}` and `{{shell x}}` write a value of its own type: a text always in quotes and escaped, a
//! number, a truth or a list as the format writes it. A template has no other way to write a value, which a test holds.

use std::sync::LazyLock;

use gosling_resource::Escape;
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason, no_escape,
};
use serde::Serialize;
use serde_json::Value as Json;

use super::text::{Text, write_escaped};

/// A file that is made from values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// gitlab-runner's `config.toml`.
    Config,
    /// The script that sets the machine up.
    FirstBoot,
    /// gitlab-runner's unit, where its package brings none.
    Unit,
    /// The cloud-config with all of these in it.
    UserData,
    /// cloud-init's network configuration.
    Network,
}

impl File {
    const ALL: [Self; 5] = [
        Self::Config,
        Self::FirstBoot,
        Self::Unit,
        Self::UserData,
        Self::Network,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Config => "config.toml",
            Self::FirstBoot => "first-boot.sh",
            Self::Unit => "gitlab-runner.service",
            Self::UserData => "user-data.yaml",
            Self::Network => "network-config.yaml",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Config => include_str!("../templates/config.toml.hbs"),
            Self::FirstBoot => include_str!("../templates/first-boot.sh.hbs"),
            Self::Unit => include_str!("../templates/gitlab-runner.service.hbs"),
            Self::UserData => include_str!("../templates/user-data.yaml.hbs"),
            Self::Network => include_str!("../templates/network-config.yaml.hbs"),
        }
    }
}

/// The templates, read once; or what is wrong with one.
static TEMPLATES: LazyLock<Result<Handlebars<'static>, String>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.register_escape_fn(no_escape);
    for (name, escape) in [
        ("toml", Escape::Toml),
        ("yaml", Escape::Yaml),
        ("shell", Escape::Shell),
    ] {
        templates.register_helper(
            name,
            Box::new(
                move |helper: &Helper<'_>,
                      _: &Handlebars<'_>,
                      _: &Context,
                      _: &mut RenderContext<'_, '_>,
                      out: &mut dyn Output|
                      -> HelperResult {
                    let value = helper.param(0).map(|param| param.value());
                    let value =
                        value.ok_or_else(|| RenderErrorReason::ParamNotFoundForIndex("emitter", 0))?;
                    let mut text = String::new();
                    emit(&mut text, escape, value).map_err(RenderErrorReason::Other)?;
                    out.write(&text)?;
                    Ok(())
                },
            ),
        );
    }
    for file in File::ALL {
        templates
            .register_template_string(file.name(), file.text())
            .map_err(|error| error.to_string())?;
    }
    Ok(templates)
});

/// A file from its values.
///
/// # Errors
/// What is wrong with the template or the values: a mistake of ours, never of a person.
pub(super) fn render(file: File, values: &impl Serialize) -> Result<Text, String> {
    let templates = TEMPLATES.as_ref().map_err(Clone::clone)?;
    let text = templates
        .render(file.name(), values)
        .map_err(|error| error.to_string())?;
    Ok(Text::rendered(text))
}

/// Puts a value as the format writes it after what is there.
fn emit(out: &mut String, escape: Escape, value: &Json) -> Result<(), String> {
    match (escape, value) {
        (Escape::Shell, Json::String(text)) => quoted(out, '\'', escape, text),
        (Escape::Yaml, Json::String(text)) => yaml(out, text),
        (Escape::Toml, Json::String(text)) => quoted(out, '"', escape, text),
        (_, Json::Bool(_) | Json::Number(_)) => out.push_str(&value.to_string()),
        (Escape::Toml | Escape::Yaml, Json::Array(values)) => {
            out.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                emit(out, escape, value)?;
            }
            out.push(']');
        }
        (_, Json::Null | Json::Object(_) | Json::Array(_)) => {
            return Err(format!("{value} cannot be written here"));
        }
    }
    Ok(())
}

fn quoted(out: &mut String, quote: char, escape: Escape, text: &str) {
    out.push(quote);
    write_escaped(out, escape, text);
    out.push(quote);
}

/// A double-quoted scalar. One of several lines is also written in several, with their ends escaped, so that a person
/// can read it: what a reader of YAML makes of it is the same.
fn yaml(out: &mut String, text: &str) {
    if !text.contains('\n') {
        return quoted(out, '"', Escape::Yaml, text);
    }
    out.push('"');
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let last = lines.peek().is_none();
        // After a last line's end there is nothing.
        if !(last && line.is_empty()) {
            out.push_str("\\\n    ");
            // White space at the start of a continued line counts only where it is escaped.
            if line.starts_with(' ') {
                out.push('\\');
            }
            write_escaped(out, Escape::Yaml, line);
        }
        if !last {
            out.push_str("\\n");
        }
    }
    out.push('"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_sound() {
        assert_eq!(TEMPLATES.as_ref().err(), None);
    }

    #[test]
    fn no_template_writes_a_value_but_by_an_emitter() {
        for file in File::ALL {
            let tags: Vec<&str> = file
                .text()
                .split("{{")
                .skip(1)
                .map(|rest| rest.split("}}").next().unwrap())
                .collect();
            let known = [
                "toml ", "yaml ", "shell ", "#if ", "#each ", "#with ", "/if", "/each", "/with", "else",
                "!--",
            ];
            for tag in &tags {
                assert!(
                    known.iter().any(|start| tag.starts_with(start)),
                    "{}: {{{{{tag}}}}}",
                    file.name()
                );
            }
        }
    }

    #[test]
    fn a_value_that_is_missing_is_an_error() {
        assert!(render(File::Config, &serde_json::json!({})).is_err());
        assert!(emit(&mut String::new(), Escape::Toml, &Json::Null).is_err());
    }

    #[test]
    fn yaml_of_any_lines_reads_back() {
        for text in [
            "",
            "a",
            "a\nb",
            "a\n",
            "\n",
            " a\n  b\n\n c",
            " ",
            "\ta\n\tb",
            "a \nb ",
            "\\\n\\n\"",
            "#\n- x: {{y}}",
        ] {
            let mut document = "key:\n  content: ".to_owned();
            yaml(&mut document, text);
            document.push_str("\nnext: 1\n");
            let read: serde_norway::Value = serde_norway::from_str(&document).unwrap();
            assert_eq!(read["key"]["content"].as_str(), Some(text), "{document}");
            assert_eq!(read["next"].as_i64(), Some(1));
        }
    }
}
