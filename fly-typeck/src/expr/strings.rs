//! Texts: which type a text in quotes has where it stands, secrets among them.

use fly_syntax::Span;
use fly_syntax::tree::{Heredoc, Template, TemplatePart};
use smol_str::SmolStr;

use super::{Conversion, Elaborator, Node, Piece, Typed};
use crate::literal;
use crate::problems;
use crate::types::Type;
use crate::value::Value;
use fly_domain::{Scheme, SecretBackend, SecretUri, without_credentials};

impl Elaborator<'_> {
    /// A text in quotes, as the type that is wanted where it stands.
    pub(super) fn string(&mut self, template: &Template, span: Span, wanted: Option<&Type>) -> Typed {
        match template.literal() {
            Some(text) => self.literal_string(text, span, wanted),
            None => self.template(template, span, wanted),
        }
    }

    fn literal_string(&mut self, text: SmolStr, span: Span, wanted: Option<&Type>) -> Typed {
        if !self.prose
            && let Scheme::Known(_) = SecretUri::scheme_of(&text)
        {
            return match SecretUri::parse(&text) {
                Ok(uri) => self.coerce(Typed::constant(Value::Secret(uri), Type::Secret, span), wanted),
                Err(malformed) => {
                    self.sink.mask(span);
                    self.sink
                        .push(problems::malformed_secret::problem(span, &malformed));
                    Typed::poison(span)
                }
            };
        }
        let Some(wanted) = wanted else {
            return Typed::constant(Value::String(text), Type::String, span);
        };
        match literal::text(&text, wanted) {
            Ok(Some(value)) => Typed::constant(value, literal::member(&text, wanted).clone(), span),
            Ok(None) => self.unfit_string(&text, span, wanted),
            Err(malformed) => {
                if malformed.shown.is_some() || without_credentials(&text).is_some() {
                    self.sink.mask(span);
                }
                let form = wanted.to_string();
                self.sink
                    .push(problems::malformed::problem(span, &form, &text, &malformed));
                Typed::poison(span)
            }
        }
    }

    /// A text where no text of any form can stand.
    fn unfit_string(&mut self, text: &str, span: Span, wanted: &Type) -> Typed {
        let problem = match wanted {
            Type::Words(words) => {
                let names: Vec<&str> = words.names().collect();
                problems::bad_word::problem(span, text, words.what, &names)
            }
            Type::Secret => {
                self.sink.mask(span);
                match SecretUri::scheme_of(text) {
                    Scheme::Unknown(scheme) if SecretBackend::near(&scheme).is_some() => {
                        let start = span.start + 1;
                        let at = Span {
                            start,
                            end: start + u32::try_from(scheme.len()).unwrap_or(0),
                            ..span
                        };
                        let schemes: Vec<&str> =
                            SecretBackend::ALL.iter().map(|known| known.scheme()).collect();
                        problems::unknown_scheme::problem(span, &scheme, &schemes, Some(at))
                    }
                    _ => problems::plain_secret::problem(span),
                }
            }
            Type::List(element) | Type::Set(element)
                if literal::text(text, element).is_ok_and(|value| value.is_some()) =>
            {
                let fix = format!("[{}]", quoted(text));
                problems::type_mismatch::problem_with_fix(span, &wanted.to_string(), "string", &fix)
            }
            Type::Int | Type::Float | Type::Bool => match literal::unquoted(text, wanted) {
                Some(fix) => {
                    problems::type_mismatch::problem_with_fix(span, &wanted.to_string(), "string", fix)
                }
                None => problems::type_mismatch::problem(span, &wanted.to_string(), "string", None),
            },
            _ => problems::type_mismatch::problem(span, &wanted.to_string(), "string", None),
        };
        self.sink.push(problem);
        Typed::poison(span)
    }

    fn template(&mut self, template: &Template, span: Span, wanted: Option<&Type>) -> Typed {
        let (pieces, readable) = self.pieces(template);
        if !readable {
            return Typed::poison(span);
        }
        let text = Typed {
            ty: Type::String,
            span,
            node: Node::Template(pieces),
        };
        let secret =
            !self.prose && matches!(SecretUri::scheme_of(template.literal_start()), Scheme::Known(_));
        let (ty, conversion) = if secret {
            (Type::Secret, Conversion::Secret)
        } else if let Some((wanted, conversion)) =
            wanted.and_then(|wanted| Some((wanted, Self::text_conversion(wanted)?)))
        {
            // Whether it is of the form shows only when its values are known.
            let written = template.parts.iter().filter_map(|part| match part {
                TemplatePart::Literal { text, .. } => Some(text.as_str()),
                TemplatePart::Interpolation { .. } => None,
            });
            let written: String = written.collect();
            let hidden = literal::text(&written, wanted).is_err_and(|malformed| malformed.shown.is_some());
            if hidden || without_credentials(&written).is_some() {
                self.sink.mask(span);
            }
            (wanted.clone(), conversion)
        } else {
            return self.coerce(text, wanted);
        };
        let converted = Typed {
            ty,
            span,
            node: Node::Convert(conversion, Box::new(text)),
        };
        self.coerce(converted, wanted)
    }

    /// A heredoc is text and never a secret.
    pub(super) fn heredoc(&mut self, heredoc: &Heredoc, span: Span) -> Typed {
        if let Some(text) = heredoc.text.literal() {
            return Typed::constant(Value::String(text), Type::String, span);
        }
        match self.pieces(&heredoc.text) {
            (pieces, true) => Typed {
                ty: Type::String,
                span,
                node: Node::Template(pieces),
            },
            (_, false) => Typed::poison(span),
        }
    }

    /// The parts of a template, and whether all of them can be read.
    pub(crate) fn pieces(&mut self, template: &Template) -> (Vec<Piece>, bool) {
        let mut readable = true;
        let pieces = template.parts.iter().map(|part| match part {
            TemplatePart::Literal { text, .. } => Piece::Text(text.clone()),
            TemplatePart::Interpolation { expr, .. } => {
                let mut value = self.expr(expr, None);
                if !value.is_poison() && !value.ty.interpolates() {
                    let problem = if value.ty.holds_secret() {
                        problems::secret_interpolated::problem(value.span)
                    } else {
                        problems::interpolation::problem(value.span, &value.ty.to_string())
                    };
                    self.sink.push(problem);
                    value = Typed::poison(expr.span);
                }
                readable &= !value.is_poison();
                Piece::Value(value)
            }
        });
        (pieces.collect(), readable)
    }
}

/// A text as it is written in Fly.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${")
}
