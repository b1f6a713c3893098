//! Who may come in, and what each may do.

use meshcore_proto::PublicKey;
use meshcore_store::UnixMillis;
use subtle::ConstantTimeEq;

use super::figures::Refusal;
use super::token::{self, TokenError};
use super::{Entrance, Visitor};
use crate::config::{Secret, covers};

/// Who may connect.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Clients at the MQTT ports may be nameless.
    pub anonymous: bool,
    /// Clients at the port of the web page too.
    pub anonymous_on_the_web: bool,
    /// Those with a password.
    pub users: Vec<User>,
    /// Whether observers may come with a token.
    pub tokens: bool,
    /// Names of this broker in tokens; empty: the token need not name it.
    pub audience: Vec<String>,
}

/// Somebody with a password.
#[derive(Clone, Debug)]
pub struct User {
    /// The user name.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// The observer it is, when it is one.
    pub observer: Option<PublicKey>,
    /// Where it may publish when it is not, as topic filters.
    pub topics: Vec<String>,
}

/// What a client says of itself when it connects.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: Option<&'a str>,
    pub(crate) password: Option<&'a [u8]>,
}

/// Who a client has shown to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// A program on this machine.
    Local,
    /// Nobody in particular, at this address.
    Nameless(std::net::IpAddr),
    /// Somebody with a password.
    User(String),
    /// The owner of a node's key.
    Observer(PublicKey),
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) principal: Principal,
    /// Where it may publish, unless it is an observer.
    topics: Vec<String>,
}

impl Accounts {
    /// Whether anybody has to show who it is.
    fn are_there(&self) -> bool {
        !self.users.is_empty() || self.tokens
    }

    /// Finds out who it is.
    pub(crate) fn identify(
        &self,
        login: &Login<'_>,
        visitor: &Visitor,
        now: UnixMillis,
    ) -> Result<Identity, Refusal> {
        match login.username {
            // An open house asks nobody for a name, also not those who give one.
            Some(username) if self.are_there() => {
                self.named(username, login.password.unwrap_or_default(), now)
            }
            _ if self.lets_in_nameless(visitor) => Ok(Identity::nameless(visitor)),
            _ => Err(Refusal::NoCredentials),
        }
    }

    fn named(&self, username: &str, password: &[u8], now: UnixMillis) -> Result<Identity, Refusal> {
        if let Some(user) = self.users.iter().find(|user| user.name == username) {
            let is_right = bool::from(user.password.reveal().as_bytes().ct_eq(password));
            return if is_right { Ok(Identity::user(user)) } else { Err(Refusal::BadCredentials) };
        }
        match token::claimed_key(username).filter(|_| self.tokens) {
            Some(key) => {
                token::verify(&key, password, &self.audience, now)?;
                Ok(Identity { principal: Principal::Observer(key), topics: Vec::new() })
            }
            None => Err(Refusal::BadCredentials),
        }
    }

    fn lets_in_nameless(&self, visitor: &Visitor) -> bool {
        match visitor.entrance {
            Entrance::Port => self.anonymous,
            Entrance::Web { of_foreign_page } => self.anonymous_on_the_web && !of_foreign_page,
        }
    }
}

impl Identity {
    fn nameless(visitor: &Visitor) -> Self {
        let principal = match visitor.is_local() {
            true => Principal::Local,
            false => Principal::Nameless(visitor.network()),
        };
        Self { principal, topics: vec!["meshcore/#".to_owned()] }
    }

    fn user(user: &User) -> Self {
        match user.observer {
            Some(key) => Self { principal: Principal::Observer(key), topics: Vec::new() },
            None => Self { principal: Principal::User(user.name.clone()), topics: user.topics.clone() },
        }
    }

    /// Whether it may publish to `topic`: an observer only below its own key.
    pub(crate) fn may_publish(&self, topic: &str) -> bool {
        match &self.principal {
            Principal::Observer(key) => {
                let mut levels = topic.split('/');
                let is_below =
                    levels.next() == Some("meshcore") && levels.next().is_some_and(|r| !r.is_empty());
                is_below && levels.next().is_some_and(|level| is(level, key)) && levels.next().is_some()
            }
            _ => self.topics.iter().any(|filter| covers(filter, topic)),
        }
    }

    /// Whether it may listen to `filter`: an observer only to the commands for itself.
    pub(crate) fn may_subscribe(&self, filter: &str) -> bool {
        match &self.principal {
            Principal::Local | Principal::User(_) => true,
            Principal::Nameless(_) => false,
            Principal::Observer(key) => {
                let levels: Vec<&str> = filter.split('/').collect();
                matches!(levels[..], ["meshcore", _, level, "serial", "commands"] if is(level, key))
            }
        }
    }
}

/// Whether a level of a topic is this key, in either case.
fn is(level: &str, key: &PublicKey) -> bool {
    level.parse() == Ok(*key)
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::TokenMalformed,
            TokenError::OtherKey => Self::TokenKey,
            TokenError::Signature => Self::TokenSignature,
            TokenError::Expired => Self::TokenExpired,
            TokenError::Audience => Self::TokenAudience,
        }
    }
}

#[cfg(test)]
mod tests;
