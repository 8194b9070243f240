//! Services that keep a state, an object storage that speaks S3 and GitLab; and its encryption wherever it is.

mod gitlab;
mod s3;
mod sealed;

use std::sync::Arc;
use std::time::Duration;

use gosling_engine::RemoteStore;
use gosling_engine::store::StoreError;

use crate::http::SendError;

pub use gitlab::GitlabStateSettings;
pub use s3::{S3Keys, S3Settings};
pub use sealed::{Rotated, Sealed, Sealing};

/// A state in a bucket. Calls nobody yet.
///
/// # Errors
/// Where a setting cannot be, with a way out.
pub fn s3(settings: S3Settings) -> Result<RemoteStore, StoreError> {
    let kept = settings.kept;
    Ok(RemoteStore::over(Arc::new(s3::S3Objects::new(settings)?), kept))
}

/// A state in GitLab, beside a project. Calls nobody yet.
///
/// # Errors
/// Where a setting cannot be, with a way out.
pub fn gitlab(settings: GitlabStateSettings) -> Result<RemoteStore, StoreError> {
    let kept = settings.kept;
    Ok(RemoteStore::new(
        Arc::new(gitlab::GitlabState::new(settings)?),
        kept,
    ))
}

/// The largest state that is read: that of 100,000 resources is half of it.
const LONGEST: usize = 256 * 1024 * 1024;

/// How long a call may take that carries so many bytes, over a line of 1 Mbit/s.
fn patience(bytes: usize) -> Duration {
    Duration::from_secs(30 + bytes as u64 / (128 * 1024))
}

/// A call that got no answer.
fn unanswered(what: &str, error: SendError) -> StoreError {
    let what = format!("cannot {what}: {}", error.message);
    match error.help {
        Some(help) => StoreError::Refused { what, help },
        None => StoreError::Io {
            what,
            why: std::io::Error::other(if error.sent {
                "its outcome is unknown"
            } else {
                "nothing was sent"
            }),
        },
    }
}
