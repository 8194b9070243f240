//! Stands for the compiler's doors until they are open.

use fly_syntax::{Parsed, Problem, SourceFile, Span, SyntaxTree};
use fly_typeck::{NestFiles, Variables};

#[derive(Debug)]
pub struct Checked {
    pub problems: Vec<Problem>,
    pub masks: Vec<Span>,
}

pub fn parse(file: &SourceFile) -> Parsed {
    let tree = SyntaxTree {
        body: Default::default(),
        comments: Vec::new(),
        span: file.span(),
        broken: false,
    };
    Parsed {
        tree,
        problems: Vec::new(),
    }
}

pub fn check(_: &NestFiles, _: &[SyntaxTree], _: &Variables) -> Checked {
    Checked {
        problems: Vec::new(),
        masks: Vec::new(),
    }
}

pub fn format(file: &SourceFile, _: &SyntaxTree) -> String {
    file.text().split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
}
