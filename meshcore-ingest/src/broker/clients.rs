//! Who is connected: from where, under which client id, as whom.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Visitor;
use super::auth::Principal;
use super::figures::Refusal;
use super::limits::{Limits, Pace, Speech};

/// Logins from one address that may be wrong at once; one more every [`FORGIVEN_AFTER`].
const WRONG_LOGINS: u32 = 10;
const FORGIVEN_AFTER: Duration = Duration::from_secs(6);

/// What is known of those who left is thrown out when there is more than this of it.
const MOST_REMEMBERED: usize = 4096;

/// Everybody who is connected. Shared.
#[derive(Debug)]
pub(crate) struct Clients {
    limits: Limits,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    networks: HashMap<IpAddr, Network>,
    ids: HashMap<String, Holder>,
    speeches: HashMap<Principal, Arc<Mutex<Speech>>>,
    logins: u64,
}

#[derive(Debug)]
struct Network {
    connections: u32,
    wrong_logins: Pace,
}

/// Who holds a client id, by which of its logins.
#[derive(Debug)]
struct Holder {
    principal: Principal,
    login: u64,
}

/// A connection's place among those of its address. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    clients: Arc<Clients>,
    /// `None` for this machine, which is not limited: it is where a proxy sits.
    network: Option<IpAddr>,
}

/// A connection's hold of its client id. Given back when dropped, unless a later connection has it.
#[derive(Debug)]
pub(crate) struct Claim {
    clients: Arc<Clients>,
    client_id: String,
    login: u64,
    /// Whether it took the id from an older connection of the same principal.
    pub(crate) is_takeover: bool,
    /// What its principal said of late; `None` for programs on this machine, which may say anything.
    pub(crate) speech: Option<Arc<Mutex<Speech>>>,
}

impl Clients {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, known: Mutex::default() }
    }

    /// A place for one more connection, if its address may have one.
    pub(crate) fn enter(self: &Arc<Self>, visitor: &Visitor, now: Instant) -> Result<Place, Refusal> {
        let network = Some(visitor.network()).filter(|network| !network.is_loopback());
        if let Some(network) = network {
            let mut known = self.known();
            let network = known.network(network, now);
            if network.connections >= self.limits.connections_per_address {
                return Err(Refusal::AddressConnections);
            }
            network.connections += 1;
        }
        Ok(Place { clients: Arc::clone(self), network })
    }

    /// Gives `client_id` to `principal`: also when it has it already, but not when somebody else has.
    pub(crate) fn claim(
        self: &Arc<Self>,
        client_id: &str,
        principal: &Principal,
        now: Instant,
    ) -> Result<Claim, Refusal> {
        let mut known = self.known();
        let holder = known.ids.get(client_id);
        if holder.is_some_and(|holder| holder.principal != *principal) {
            return Err(Refusal::ClientIdTaken);
        }
        let is_takeover = holder.is_some();
        let is_limited = matches!(principal, Principal::User(_) | Principal::Observer(_));
        if is_limited && !is_takeover {
            let connections = known.ids.values().filter(|holder| holder.principal == *principal).count();
            if u32::try_from(connections).unwrap_or(u32::MAX) >= self.limits.connections_per_key {
                return Err(Refusal::KeyConnections);
            }
        }
        known.logins += 1;
        let login = known.logins;
        known.ids.insert(client_id.to_owned(), Holder { principal: principal.clone(), login });
        let speech = (*principal != Principal::Local).then(|| known.speech(principal, &self.limits, now));
        drop(known);
        Ok(Claim { clients: Arc::clone(self), client_id: client_id.to_owned(), login, is_takeover, speech })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether this address has been wrong too often.
    pub(crate) fn is_suspect(&self, now: Instant) -> bool {
        self.network.is_some_and(|network| {
            let mut known = self.clients.known();
            known.network(network, now).wrong_logins.lead(now) >= FORGIVEN_AFTER * WRONG_LOGINS
        })
    }

    /// A login from here was wrong.
    pub(crate) fn was_wrong(&self, now: Instant) {
        if let Some(network) = self.network {
            self.clients.known().network(network, now).wrong_logins.book(1, now);
        }
    }
}

impl Claim {
    /// The client id.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether no later connection has taken its place.
    pub(crate) fn is_current(&self) -> bool {
        self.clients.known().ids.get(&self.client_id).is_some_and(|holder| holder.login == self.login)
    }
}

impl Known {
    fn network(&mut self, network: IpAddr, now: Instant) -> &mut Network {
        if self.networks.len() > MOST_REMEMBERED {
            self.networks.retain(|_, network| network.connections > 0 || !network.wrong_logins.is_even(now));
        }
        self.networks
            .entry(network)
            .or_insert_with(|| Network { connections: 0, wrong_logins: Pace::every(FORGIVEN_AFTER, now) })
    }

    fn speech(&mut self, principal: &Principal, limits: &Limits, now: Instant) -> Arc<Mutex<Speech>> {
        if self.speeches.len() > MOST_REMEMBERED {
            let is_over =
                |speech: &Mutex<Speech>| speech.lock().unwrap_or_else(PoisonError::into_inner).is_over(now);
            self.speeches.retain(|_, speech| Arc::strong_count(speech) > 1 || !is_over(speech));
        }
        let new = || Arc::new(Mutex::new(Speech::new(limits, now)));
        Arc::clone(self.speeches.entry(principal.clone()).or_insert_with(new))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(network) = self.network
            && let Some(network) = self.clients.known().networks.get_mut(&network)
        {
            network.connections = network.connections.saturating_sub(1);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut known = self.clients.known();
        if known.ids.get(&self.client_id).is_some_and(|holder| holder.login == self.login) {
            known.ids.remove(&self.client_id);
        }
    }
}

#[cfg(test)]
mod tests;
