//! The age identity that opens `store://`: never in the Nest, never in Git.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use gosling_resource::Secret;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::file::read_named;
use fly_workspace::LIMIT;

/// The variable that names an identity, or holds it.
pub const VARIABLE: &str = "GOSLING_AGE_IDENTITY";
/// What a new identity is, for the person who gets it.
pub const WORDS: &str =
    "which decrypts the secrets of your Nests: keep it secret, back it up, and never commit it";

/// The identity: what `GOSLING_AGE_IDENTITY` says (the identity itself, or a file with it), else the file in the
/// user's configuration folder that `gosling init` makes. `None` where there is neither.
pub fn find(environment: &Environment) -> Result<Option<Secret>, Failure> {
    if let Some(value) = environment.variable(VARIABLE) {
        if value.trim_start().starts_with("AGE-SECRET-KEY-") {
            return Ok(Some(Secret::new(value.trim().to_owned())));
        }
        let path = environment.path(value);
        return read(&path).map(Some).map_err(|failure| match failure {
            Failure::Refused { message, help } => Failure::Refused {
                message: format!("{VARIABLE}: {message}"),
                help,
            },
            other => other,
        });
    }
    match place(environment) {
        Some(path) if path.exists() => read(&path).map(Some),
        _ => Ok(None),
    }
}

/// Where `gosling init` puts it: `$XDG_CONFIG_HOME/gosling/age-identity.txt`, or the same under `~/.config`.
pub fn place(environment: &Environment) -> Option<PathBuf> {
    let variable = |name: &str| environment.variable(name);
    let folder = match variable("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(variable("HOME")?).join(".config"),
    };
    Some(folder.join("gosling/age-identity.txt"))
}

/// The recipient of this user's identity, which is made where there is none yet. `None`: nobody says where the user's
/// configuration is.
pub fn own_recipient(environment: &Environment) -> Result<Option<(String, Option<PathBuf>)>, Failure> {
    if let Some(identity) = find(environment)? {
        let recipients = gosling_providers::keys::recipients_of(&identity).map_err(Failure::from_error)?;
        return Ok(recipients.into_iter().next().map(|recipient| (recipient, None)));
    }
    let Some(path) = place(environment) else {
        return Ok(None);
    };
    let (identity, recipient) = gosling_providers::keys::generate_identity();
    let text = format!(
        "# Opens what gosling keeps in store://. Keep it secret, and keep a copy.\n# {recipient}\n{}\n",
        identity.expose()
    );
    if let Some(folder) = path.parent() {
        gosling_engine::durable::make_folder(folder).map_err(Failure::file("make", folder))?;
    }
    gosling_engine::durable::replace(&path, text.as_bytes()).map_err(Failure::file("write", &path))?;
    Ok(Some((recipient, Some(path))))
}

/// Reads an identity's file, which nobody else may read.
fn read(path: &std::path::Path) -> Result<Secret, Failure> {
    let bytes = read_named(path, LIMIT)?;
    let metadata = std::fs::metadata(path).map_err(Failure::file("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::new(format!(
            "{} can be read by others (mode {mode:o}): it opens every secret of the store",
            path.display()
        ))
        .help(format!("chmod 600 {}", path.display())));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("{} is not an age identity", path.display())))?;
    Ok(Secret::new(text))
}
