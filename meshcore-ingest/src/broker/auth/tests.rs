//! Who is let in by which door, and what each may do.

use std::net::SocketAddr;

use rstest::rstest;

use super::*;
use crate::config::EmbeddedBroker;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);
const KEY: &str = "7E7662676F7F0850A8A355BAAFBFC1EB7B4174C340442D7D7161C9474A2C9400";

fn accounts(json: &str) -> Accounts {
    let broker: EmbeddedBroker = serde_json::from_str(json).unwrap();
    broker.resolve().unwrap().accounts
}

fn port(address: &str) -> Visitor {
    Visitor::at_port(SocketAddr::new(address.parse().unwrap(), 40_000))
}

fn web(address: &str, of_foreign_page: bool) -> Visitor {
    Visitor { entrance: Entrance::Web { of_foreign_page }, ..port(address) }
}

fn enter(accounts: &Accounts, visitor: Visitor, name: Option<(&str, &str)>) -> Result<Principal, Refusal> {
    let login = Login {
        client_id: "x",
        username: name.map(|(username, _)| username),
        password: name.map(|(_, password)| password.as_bytes()),
    };
    accounts.identify(&login, &visitor, NOW).map(|identity| identity.principal)
}

#[test]
fn without_configuration_programs_on_this_machine_come_in_and_nobody_by_the_web() {
    let accounts = accounts("{}");
    assert_eq!(enter(&accounts, port("127.0.0.1"), None), Ok(Principal::Local));
    assert_eq!(enter(&accounts, port("::ffff:127.0.0.1"), None), Ok(Principal::Local));
    assert_eq!(enter(&accounts, port("127.0.0.1"), Some(("any", "thing"))), Ok(Principal::Local));
    // Behind a proxy everybody looks like this machine.
    assert_eq!(enter(&accounts, web("127.0.0.1", false), None), Err(Refusal::NoCredentials));
}

#[test]
fn with_users_nobody_is_nameless_unless_it_is_said() {
    let closed = accounts(r#"{"users": [{"username": "ann", "password": "secret"}]}"#);
    assert_eq!(enter(&closed, port("127.0.0.1"), None), Err(Refusal::NoCredentials));
    let open = accounts(r#"{"anonymous": true, "users": [{"username": "ann", "password": "secret"}]}"#);
    assert_eq!(enter(&open, port("127.0.0.1"), None), Ok(Principal::Local));
    let far = "198.51.100.7";
    assert_eq!(enter(&open, port(far), None), Ok(Principal::Nameless(far.parse().unwrap())));
    assert_eq!(enter(&open, web("127.0.0.1", false), None), Ok(Principal::Nameless([127, 0, 0, 1].into())));
    assert_eq!(
        enter(&open, web("127.0.0.1", true), None),
        Err(Refusal::NoCredentials),
        "a page of another site"
    );
    let network = "2001:db8:1:2::".parse().unwrap();
    assert_eq!(enter(&open, port("2001:db8:1:2:3:4:5:6"), None), Ok(Principal::Nameless(network)));
}

#[test]
fn a_password_has_to_be_right_to_the_last_byte() {
    let accounts = accounts(r#"{"users": [{"username": "ann", "password": "secret"}]}"#);
    let far = port("198.51.100.7");
    assert_eq!(enter(&accounts, far, Some(("ann", "secret"))), Ok(Principal::User("ann".into())));
    for (name, password) in
        [("ann", "secreT"), ("ann", "secret "), ("ann", ""), ("Ann", "secret"), ("", "secret")]
    {
        assert_eq!(
            enter(&accounts, far, Some((name, password))),
            Err(Refusal::BadCredentials),
            "{name} {password}"
        );
    }
    assert!(!format!("{accounts:?}").contains("secret"));
}

#[test]
fn tokens_open_only_when_they_are_enabled() {
    let username = format!("v1_{KEY}");
    let users = accounts(r#"{"users": [{"username": "ann", "password": "secret"}]}"#);
    assert_eq!(enter(&users, port("127.0.0.1"), Some((&username, "a.b.c"))), Err(Refusal::BadCredentials));
    let tokens = accounts(r#"{"tokens": {"enabled": true}}"#);
    assert_eq!(enter(&tokens, port("127.0.0.1"), Some((&username, "a.b.c"))), Err(Refusal::TokenMalformed));
    assert_eq!(enter(&tokens, port("127.0.0.1"), None), Err(Refusal::NoCredentials));
}

#[rstest]
#[case("meshcore/SJC/{KEY}/packets", true)]
#[case("meshcore/SJC/{key}/status", true)]
#[case("meshcore/SJC/{KEY}/serial/responses", true)]
#[case("meshcore/SJC/{KEY}", false)]
#[case("meshcore//{KEY}/packets", false)]
#[case("meshcore/SJC/other/packets", false)]
#[case("meshcore/SJC/0000000000000000000000000000000000000000000000000000000000000000/packets", false)]
#[case("meshcore/{KEY}/SJC/packets", false)]
#[case("other/SJC/{KEY}/packets", false)]
#[case("meshcore/SJC/{KEY}x/packets", false)]
fn an_observer_publishes_only_below_its_own_key(#[case] topic: &str, #[case] may: bool) {
    let topic = topic.replace("{KEY}", KEY).replace("{key}", &KEY.to_lowercase());
    let user = |name: &str| {
        let json = format!(r#"{{"users": [{{"username": "{name}", "password": "secret"}}]}}"#);
        let login = Login { client_id: "x", username: Some(name), password: Some(b"secret") };
        accounts(&json).identify(&login, &port("127.0.0.1"), NOW).unwrap()
    };
    for name in [KEY.to_owned(), format!("v1_{KEY}")] {
        assert_eq!(user(&name).may_publish(&topic), may, "{name} {topic}");
    }
}

#[rstest]
#[case("meshcore/+/{KEY}/serial/commands", true)]
#[case("meshcore/SJC/{KEY}/serial/commands", true)]
#[case("meshcore/+/{KEY}/#", false)]
#[case("meshcore/+/+/serial/commands", false)]
#[case("meshcore/#", false)]
#[case("#", false)]
fn an_observer_hears_only_the_commands_for_itself(#[case] filter: &str, #[case] may: bool) {
    let identity = Identity { principal: Principal::Observer(KEY.parse().unwrap()), topics: Vec::new() };
    assert_eq!(identity.may_subscribe(&filter.replace("{KEY}", KEY)), may);
}

#[test]
fn users_publish_where_they_are_told_to_and_others_below_meshcore() {
    let ann = User {
        name: "ann".into(),
        password: Secret::default(),
        observer: None,
        topics: vec!["meshcore/SJC/#".into(), "meshcore/+/roof/status".into()],
    };
    let ann = Identity::user(&ann);
    assert!(ann.may_publish("meshcore/SJC/any/packets") && ann.may_publish("meshcore/ZRH/roof/status"));
    assert!(!ann.may_publish("meshcore/ZRH/roof/packets") && !ann.may_publish("weather"));
    assert!(ann.may_subscribe("#"));
    let local = Identity::nameless(&port("127.0.0.1"));
    assert!(local.may_publish("meshcore/SJC/any/packets") && local.may_subscribe("meshcore/#"));
    assert!(!local.may_publish("$SYS/x") && !local.may_publish("weather"));
    assert!(!Identity::nameless(&port("198.51.100.7")).may_subscribe("meshcore/#"));
}
