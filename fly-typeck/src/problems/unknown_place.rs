//! FLY611: a file where none belongs.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::suggest;

/// A file where none belongs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY611",
    title: "a file where none belongs",
    severity: Severity::Error,
    explanation: r#"Fly files stand in a few places: `nest.fly`, `Eggs/<name>/config.fly`, `Jobs/<name>.fly`, `UF/config.fly`,
`MG/config.fly`, `RF/config.fly` and `Lib/<name>.fly`. A file in another place is mostly in a misspelt folder. What
several files share belongs in `Lib/`.
"#,
    wrong: r#"-- Libs/sizes.fly --
locals {
  size = 4GiB
}
"#,
    right: r#"-- Lib/sizes.fly --
locals {
  size = 4GiB
}
"#,
};

pub(crate) fn problem(at: Span, path: &str) -> Problem {
    let meant = intended(path).map(|path| format!("did you mean {path}? ")).unwrap_or_default();
    Problem::new(&KIND, at, format!("no Fly file belongs at {path}")).help(format!(
        "{meant}files stand at nest.fly, Eggs/<name>/config.fly, Jobs/<name>.fly, UF/config.fly, MG/config.fly, \
         RF/config.fly and Lib/<name>.fly"
    ))
}

/// The path with its folder or file name mended, where that gives a place of a Nest.
fn intended(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let folder = |name: &str| suggest::nearest(name, &["Eggs", "Jobs", "UF", "MG", "RF", "Lib"]).single();
    match parts.as_slice() {
        [_] => Some("nest.fly".to_owned()).filter(|_| suggest::nearest(path, &["nest.fly"]).single().is_some()),
        [first, file] => {
            let first = folder(first)?;
            match first {
                "Eggs" => Some(format!("Eggs/{}/config.fly", file.strip_suffix(".fly")?)),
                "Jobs" | "Lib" => Some(format!("{first}/{file}")),
                _ => Some(format!("{first}/config.fly")),
            }
        }
        [first, name, _] => match folder(first)? {
            "Eggs" => Some(format!("Eggs/{name}/config.fly")),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_folder_is_named() {
        assert_eq!(intended("Libs/tags.fly").as_deref(), Some("Lib/tags.fly"));
        assert_eq!(intended("Eggs/api/confg.fly").as_deref(), Some("Eggs/api/config.fly"));
        assert_eq!(intended("Eggs/api.fly").as_deref(), Some("Eggs/api/config.fly"));
        assert_eq!(intended("nets.fly").as_deref(), Some("nest.fly"));
        assert_eq!(intended("a/b/c/d.fly"), None);
    }
}
