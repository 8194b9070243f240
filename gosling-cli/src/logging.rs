//! `-v`, `-vv` and GOSLING_LOG: what gosling asks of others, on standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{Failure, Host};

/// The variable that says how much is logged.
pub(crate) const VARIABLE: &str = "GOSLING_LOG";
/// Its values.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// Begins to log as `-v` or else GOSLING_LOG says. Returns whether anything is logged.
///
/// # Errors
/// Where GOSLING_LOG is none of its values.
pub(crate) fn begin(host: &Host, verbose: u8) -> Result<bool, Failure> {
    let level = level(
        host.environment
            .variables
            .get(VARIABLE)
            .map_or("", String::as_str),
        verbose,
    )?;
    if level == LevelFilter::OFF {
        return Ok(false);
    }
    // Only what gosling itself writes: crates that it uses might show a header.
    let ours = Targets::new().with_target("gosling", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    // It has begun already where one command runs another.
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
    Ok(true)
}

fn level(value: &str, verbose: u8) -> Result<LevelFilter, Failure> {
    match verbose {
        0 if value.is_empty() => Ok(LevelFilter::OFF),
        0 => {
            let known = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
            known.map(|(_, level)| *level).ok_or_else(|| {
                let names = LEVELS.map(|(name, _)| name).join(", ");
                Failure::wrong_use(format!("{VARIABLE} is set to an unknown level"))
                    .hint(format!("set it to one of {names}"))
            })
        }
        1 => Ok(LevelFilter::INFO),
        _ => Ok(LevelFilter::DEBUG),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_option_wins_over_the_variable() {
        assert_eq!(level("", 0).unwrap(), LevelFilter::OFF);
        assert_eq!(level("Trace", 0).unwrap(), LevelFilter::TRACE);
        assert_eq!(level("trace", 1).unwrap(), LevelFilter::INFO);
        assert_eq!(level("off", 2).unwrap(), LevelFilter::DEBUG);
        assert!(level("loud", 0).is_err());
    }
}
