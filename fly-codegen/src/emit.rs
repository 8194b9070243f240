//! Fills in templates so that no value can change their structure: every value is written by an emitter, which quotes
//! and escapes it for the format it stands in. A secret is a mark until the very end.

use gosling_resource::{Escape, Part, SecretUri, Template};
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde::Serialize;

/// Begins the mark of a secret; of Unicode's private use, and refused in every input.
const BEGIN: char = '\u{E000}';
/// Ends it.
const END: char = '\u{E001}';

/// Whether a text holds what stands for a secret.
pub(crate) fn is_clean(text: &str) -> bool {
    !text.contains([BEGIN, END])
}

/// Secrets that stand in a text as marks.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<SecretUri>);

impl Marks {
    /// The mark of a secret.
    pub(crate) fn mark(&mut self, uri: SecretUri) -> String {
        self.0.push(uri);
        format!("{BEGIN}{}{END}", self.0.len() - 1)
    }

    /// The text with the marks made into secrets, each escaped in this way.
    pub(crate) fn template(&self, text: &str, escapes: &[Escape]) -> Template {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(BEGIN) {
            let Some((number, after)) = after.split_once(END) else {
                break;
            };
            let uri = number.parse::<usize>().ok().and_then(|number| self.0.get(number));
            if let Some(uri) = uri {
                parts.push(Part::Text(before.to_owned()));
                parts.push(Part::Secret {
                    uri: uri.clone(),
                    escapes: escapes.to_vec(),
                });
            }
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Template { parts }
    }
}

/// Fills in a template.
///
/// # Errors
/// In words, where the template and the data do not fit: a mistake of gosling's own.
pub(crate) fn render(template: &str, data: &impl Serialize) -> Result<String, String> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    // A bare `{{x}}` of a text would not be quoted: it is made useless, so that no template has one by mistake.
    handlebars.register_escape_fn(|text| {
        if text.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            text.to_owned()
        } else {
            "\u{0}".to_owned()
        }
    });
    handlebars.register_helper("toml", Box::new(toml));
    handlebars.register_helper("yaml", Box::new(yaml));
    handlebars.register_helper("shell", Box::new(shell));
    handlebars
        .render_template(template, data)
        .map_err(|error| error.to_string())
}

fn toml(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    quoted(helper, out, Escape::Toml, '"')
}

fn yaml(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    quoted(helper, out, Escape::Yaml, '"')
}

fn shell(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    quoted(helper, out, Escape::Shell, '\'')
}

/// A text as a quoted string.
fn quoted(helper: &Helper<'_>, out: &mut dyn Output, escape: Escape, quote: char) -> HelperResult {
    let text = helper.param(0).and_then(|param| param.value().as_str());
    let text = text.ok_or(RenderErrorReason::ParamNotFoundForIndex("emitter", 0))?;
    out.write(&format!("{quote}{}{quote}", escape.write(text)))?;
    Ok(())
}
