//! The mesh of `--demo`: made up, and alive as long as the program runs.

use std::io;

use meshcore_store::UnixMillis;
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions};

use crate::replay::Recorded;

/// Receptions per second, as a mean over a day.
const RATE: u32 = 5;

/// What happened before the start comes at once, so that the page is not empty.
const BEFORE_MILLIS: i64 = 10 * 60_000;

/// Messages when nothing paces them.
const WITHOUT_PAUSES: usize = 1_000;

/// What the observers of a town publish from `now` on; at speed 0 only the beginning of it.
pub(crate) fn messages(
    now: UnixMillis,
    speed: f64,
) -> impl Iterator<Item = io::Result<Recorded>> + Send + use<> {
    let mesh = Mesh::new(&MeshOptions::town());
    let stream = mesh.stream(now.plus_millis(-BEFORE_MILLIS), TrafficOptions::rate(RATE));
    let most = if speed > 0.0 { usize::MAX } else { WITHOUT_PAUSES };
    stream.take(most).map(move |Event { at, topic, payload, .. }| {
        Ok(Recorded { topic, payload, at: (at >= now).then_some(at) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

    #[test]
    fn the_page_is_filled_at_once_and_then_fed_at_its_pace() {
        let messages: Vec<Recorded> = messages(NOON, 1.0).take(6_000).map(Result::unwrap).collect();
        let at_once = messages.iter().take_while(|message| message.at.is_none()).count();
        assert!((1_000..5_500).contains(&at_once), "{at_once}");
        let times: Vec<UnixMillis> = messages.iter().filter_map(|message| message.at).collect();
        assert!(times.is_sorted() && times.first().is_some_and(|first| *first >= NOON));
    }

    #[test]
    fn without_pauses_it_ends() {
        assert_eq!(messages(NOON, 0.0).count(), WITHOUT_PAUSES);
    }
}
