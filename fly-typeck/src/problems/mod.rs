//! The kinds of problems of the checker, one file a kind: its words, its page and its examples.

use fly_syntax::Kind;

pub(crate) mod name_place;
pub(crate) mod names;
pub(crate) mod suggest;
#[cfg(test)]
mod testing;
pub(crate) mod words;

/// Declares the modules and lists their kinds, so that there is no second list to keep in step.
macro_rules! kinds {
    ($($module:ident),+ $(,)?) => {
        $(pub(crate) mod $module;)+

        /// Every kind of problem that checking can find, by code.
        #[must_use]
        pub fn kinds() -> Vec<&'static Kind> {
            vec![$(&$module::KIND),+]
        }
    };
}

kinds! {
    unknown_reference,
    unknown_preset,
    unknown_function,
    unknown_fact,
    unknown_name,
    cycle,
    variable_without_value,
    defined_twice,
    not_set,
    unknown_field,
    reserved_name,
    unknown_given,
    each_outside,
    not_allowed_here,
    missing_key,
    type_mismatch,
    bad_word,
    out_of_range,
    argument_count,
    set_repeat,
    malformed,
    operator,
    cannot_evaluate,
    interpolation,
    argument,
    type_expression,
    not_a_collection,
    label,
    refused_name,
    repeated_key,
    given_value,
    call_failed,
    unknown_attribute,
    unknown_block,
    unknown_kind,
    missing,
    duplicate_attribute,
    duplicate_block,
    wanted_attribute,
    wanted_block,
    label_missing,
    label_unexpected,
    wrong_variant,
    not_repeatable,
    label_template,
    top_level_attribute,
    secret_used,
    secret_interpolated,
    secret_in_plain,
    plain_secret,
    malformed_secret,
    unknown_scheme,
    cleartext,
    misplaced,
    empty_folder,
    label_folder,
    leaves_nest,
    too_large,
    unreadable,
    path_outside,
    file_missing,
    several,
    not_text,
    unknown_place,
    check_failed,
    validation_failed,
    exclusive,
    min_over_max,
    two_conditions,
    container_cloud,
    serverless_timeout,
    same_tags,
    never_fires,
    idle_above_age,
    wrong_cloud,
    short_visibility,
    same_cloud_name,
    unclear_cloud,
    range_order,
    moved_conflict,
    same_machine_name,
    same_address,
    bare_number,
    no_webhook_address,
    byte_order_mark,
    wide_roles,
    runtime,
    unseen,
}

#[cfg(test)]
mod tests {
    use fly_syntax::Parsed;

    use crate::files::NestFiles;

    #[test]
    fn examples_parse_and_are_formatted() {
        let mut wrong = Vec::new();
        let mut seen = 0;
        for kind in super::kinds() {
            let files = [kind.wrong, kind.right].map(|example| NestFiles::from_archive(example).files);
            for file in files.iter().flatten() {
                let Parsed { tree, problems } = fly_syntax::parse(file);
                let formatted = fly_syntax::format(file, &tree).ok();
                if !problems.is_empty()
                    || formatted.as_deref() != Some(file.text().trim_start_matches('\u{feff}'))
                {
                    wrong.push((kind.code, file.path.to_string()));
                }
                seen += 1;
            }
        }
        assert_eq!(wrong, []);
        assert!(seen >= super::kinds().len(), "{seen} files");
    }
}
