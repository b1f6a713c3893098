//! The mesh of `--demo`: made up, alive as long as the program runs, and published to our own broker.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use meshcore_store::UnixMillis;
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions};
use paho_mqtt::{AsyncClient, ConnectOptionsBuilder, CreateOptionsBuilder, Message, PersistenceType, QOS_1};

use crate::replay::Stop;
use crate::replay::{self, Outlet, Recorded};

/// Receptions per second, as a mean over a day.
const RATE: u32 = 5;

/// What happened before the start comes at once, so that the page is not empty.
const BEFORE_MILLIS: i64 = 10 * 60_000;

/// Messages when nothing paces them.
const WITHOUT_PAUSES: usize = 1_000;

/// How long our own broker may take to answer.
const CONNECT: Duration = Duration::from_secs(30);

/// Publishes to the broker at `address` what happens in the mesh, until `stop`.
///
/// # Errors
/// When that broker does not take it.
pub(crate) async fn run(address: SocketAddr, now: UnixMillis, speed: f64, stop: Stop) -> io::Result<()> {
    let publisher = Publisher::connect(address).await.map_err(io::Error::other)?;
    replay::play(messages(now, speed), speed, publisher, stop).await
}

/// All observers of the mesh, behind one connection.
struct Publisher(AsyncClient);

impl Publisher {
    async fn connect(address: SocketAddr) -> paho_mqtt::Result<Self> {
        let options = CreateOptionsBuilder::new()
            .server_uri(format!("tcp://{address}"))
            .client_id("demo")
            .persistence(PersistenceType::None)
            .finalize();
        let client = AsyncClient::new(options)?;
        let options = ConnectOptionsBuilder::new_v3().clean_session(true).connect_timeout(CONNECT).finalize();
        client.connect(options).await?;
        Ok(Self(client))
    }
}

impl Outlet for Publisher {
    async fn send(&self, recorded: &Recorded) -> io::Result<()> {
        let message = Message::new(&recorded.topic, recorded.payload.as_slice(), QOS_1);
        self.0.publish(message).await.map_err(io::Error::other)
    }
}

/// What the observers of a town publish from `now` on; at speed 0 only the beginning of it.
fn messages(now: UnixMillis, speed: f64) -> impl Iterator<Item = io::Result<Recorded>> + Send + use<> {
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
