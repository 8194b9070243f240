//! The kinds of syntax problems, `FLY1xx`. One file a kind: its words, its page and its examples.

use crate::diagnostic::Kind;

/// Declares the modules and lists their kinds, so that there is no second list to keep in step.
macro_rules! kinds {
    ($($module:ident),+ $(,)?) => {
        $(pub(crate) mod $module;)+

        /// Every kind of syntax problem, by code.
        #[must_use]
        pub fn kinds() -> Vec<&'static Kind> {
            vec![$(&$module::KIND),+]
        }
    };
}

kinds! {
    unclosed_block,
    unclosed_text,
    unclosed_bracket,
    unclosed_heredoc,
    unclosed_comment,
    stray_closer,
    missing_equals,
    missing_value,
    bad_escape,
    bad_number,
    merge_conflict,
    too_deep,
    unexpected,
    unquoted_label,
    bad_label,
    missing_body,
    nameless_block,
    not_text,
    missing_comma,
    single_quotes,
    left_over,
    chained_comparison,
    broken_for,
    heredoc_start,
}
