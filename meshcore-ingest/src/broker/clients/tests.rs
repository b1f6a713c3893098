//! Who may have how many connections, and keep which client id.

use std::net::SocketAddr;

use super::*;

const LIMITS: Limits = Limits {
    connections_per_address: 2,
    connections_per_key: 2,
    messages_per_second: 1,
    bytes_per_second: 1,
    packet_bytes: 1024,
};

fn clients() -> Arc<Clients> {
    Arc::new(Clients::new(LIMITS))
}

fn visitor(address: &str) -> Visitor {
    Visitor::at_port(address.parse().unwrap())
}

fn user(name: &str) -> Principal {
    Principal::User(name.to_owned())
}

#[test]
fn an_address_has_its_places_and_gets_them_back() {
    let (clients, now) = (clients(), Instant::now());
    let enter = |address| clients.enter(&visitor(address), now);
    let places = [enter("192.0.2.1:1").unwrap(), enter("192.0.2.1:2").unwrap()];
    assert_eq!(enter("192.0.2.1:3").unwrap_err(), Refusal::AddressConnections);
    assert!(enter("192.0.2.2:1").is_ok());
    let six = [enter("[2001:db8::1]:1").unwrap(), enter("[2001:db8::2]:1").unwrap()];
    assert_eq!(enter("[2001:db8::3]:1").unwrap_err(), Refusal::AddressConnections, "one customer");
    drop((places, six));
    assert!(enter("192.0.2.1:3").is_ok() && enter("[2001:db8::3]:1").is_ok());
    // A proxy sits on this machine.
    let _here: Vec<_> = (0..100).map(|_| enter("127.0.0.1:1").unwrap()).collect();
}

#[test]
fn a_client_id_belongs_to_whoever_has_it_until_it_leaves() {
    let (clients, now) = (clients(), Instant::now());
    let claim = |id, who: &Principal| clients.claim(id, who, now);
    let first = claim("meshcore_1", &user("ann")).unwrap();
    assert_eq!(claim("meshcore_1", &user("bob")).unwrap_err(), Refusal::ClientIdTaken);
    assert!(first.is_current() && !first.is_takeover);
    let second = claim("meshcore_1", &user("ann")).unwrap();
    assert!(second.is_takeover && second.is_current() && !first.is_current());
    drop(first);
    assert!(second.is_current(), "who was displaced takes nothing along");
    assert_eq!(claim("meshcore_1", &user("bob")).unwrap_err(), Refusal::ClientIdTaken);
    drop(second);
    assert!(claim("meshcore_1", &user("bob")).is_ok());
}

#[test]
fn a_key_has_its_connections_and_may_always_renew_one() {
    let (clients, now) = (clients(), Instant::now());
    let claim = |id, who: &Principal| clients.claim(id, who, now);
    let claims = [claim("a", &user("ann")).unwrap(), claim("b", &user("ann")).unwrap()];
    assert_eq!(claim("c", &user("ann")).unwrap_err(), Refusal::KeyConnections);
    assert!(claim("a", &user("ann")).unwrap().is_takeover);
    assert!(claim("c", &user("bob")).is_ok());
    drop(claims);
    assert!(claim("c", &user("ann")).is_ok());
}

#[test]
fn a_key_has_one_pace_over_all_its_connections_and_through_new_ones() {
    let (clients, now) = (clients(), Instant::now());
    let speech = |id| clients.claim(id, &user("ann"), now).unwrap().speech.clone().unwrap();
    let first = speech("a");
    assert!(Arc::ptr_eq(&first, &speech("b")));
    drop(first);
    let again = speech("a");
    assert!(Arc::ptr_eq(&again, &speech("a")));
    assert!(clients.claim("local", &Principal::Local, now).unwrap().speech.is_none());
}

#[test]
fn an_address_that_is_wrong_too_often_has_to_wait() {
    let (clients, now) = (clients(), Instant::now());
    let place = clients.enter(&visitor("192.0.2.1:1"), now).unwrap();
    for _ in 0..WRONG_LOGINS {
        assert!(!place.is_suspect(now));
        place.was_wrong(now);
    }
    assert!(place.is_suspect(now));
    assert!(!clients.enter(&visitor("192.0.2.2:1"), now).unwrap().is_suspect(now));
    drop(place);
    let again = clients.enter(&visitor("192.0.2.1:1"), now).unwrap();
    assert!(again.is_suspect(now), "a new connection does not help");
    assert!(!again.is_suspect(now + FORGIVEN_AFTER));
}

#[test]
fn what_is_remembered_of_those_who_left_is_bounded() {
    let (clients, now) = (clients(), Instant::now());
    for number in 0..100_000_u32 {
        let address = SocketAddr::new(IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + number)), 1);
        drop(clients.enter(&Visitor::at_port(address), now).unwrap());
        drop(clients.claim(&number.to_string(), &user(&number.to_string()), now).unwrap());
    }
    let known = clients.known();
    assert!(known.networks.len() <= MOST_REMEMBERED + 1 && known.speeches.len() <= MOST_REMEMBERED + 1);
    assert!(known.ids.is_empty());
}
