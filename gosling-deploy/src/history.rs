//! The earlier states that are kept.

use gosling_engine::{State, rollback};

use crate::failure::Failure;
use crate::state_location::StateLocation;

impl StateLocation {
    /// Every kept state, the one before the present first.
    pub async fn earlier(&self) -> Result<Vec<State>, Failure> {
        let all = self.store.history().await.map_err(Failure::from_error)?;
        let states = all.iter().map(|bytes| State::from_bytes(bytes));
        states.collect::<Result<_, _>>().map_err(Failure::from_error)
    }

    /// Every kept state that can be read, the one before the present first, and how many cannot.
    pub async fn kept(&self) -> Result<(Vec<State>, usize), Failure> {
        let all = self.store.history().await.map_err(Failure::from_error)?;
        let readable: Vec<State> = all
            .iter()
            .filter_map(|bytes| State::from_bytes(bytes).ok())
            .collect();
        let damaged = all.len() - readable.len();
        Ok((readable, damaged))
    }

    /// The state to go back to; `None` for `to`: the one before the last run that changed something.
    pub async fn goal(&self, present: &State, to: Option<u64>) -> Result<State, Failure> {
        let mut states = vec![present.clone()];
        states.extend(self.earlier().await?);
        rollback::goal(&states, to).map_err(|error| {
            Failure::from_error(error)
                .help("`gosling state history` shows what is kept; `state.retention` says how many")
        })
    }
}
