//! Setting up, signing in and out.

use reqwest::header::SET_COOKIE;
use serde_json::json;

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD, Reply, set_up_wish};

fn is_well_kept(reply: &Reply) {
    let cookie = reply.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-frontdesk_session="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "Path=/", "SameSite="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain="), "{cookie}");
}

/// Row A3.
#[tokio::test]
async fn the_setup_link_works_once_and_then_never() {
    let mut desk = Desk::open().await;
    let link = desk.next_line().await;
    let token = link.split("#token=").nth(1).unwrap().to_owned();
    let nobody = Caller::Nobody;
    assert_eq!(desk.get(&nobody, "/api/v1/setup").await.body, json!({"needed": true, "mail": false}));
    let refused = desk.post(&nobody, "/api/v1/setup", &set_up_wish("not-the-token")).await;
    assert!((400..500).contains(&refused.status) && !refused.headers.contains_key(SET_COOKIE));
    assert_eq!(desk.get(&nobody, "/api/v1/setup").await.body, json!({"needed": true, "mail": false}));

    let done = desk.post(&nobody, "/api/v1/setup", &set_up_wish(&token)).await.expect(201);
    is_well_kept(&done);
    assert!(!done.text.contains(PASSWORD) && !done.text.contains(&token));
    assert_eq!(desk.get(&nobody, "/api/v1/setup").await.body, json!({"needed": false, "mail": false}));
    let mut again = set_up_wish(&token);
    again["email"] = json!("eve@example.com");
    let again = desk.post(&nobody, "/api/v1/setup", &again).await;
    assert!((400..500).contains(&again.status), "{}", again.text);
    assert!(!again.headers.contains_key(SET_COOKIE));

    desk.stop().await;
    desk.start_again().await;
    let again = desk.post(&nobody, "/api/v1/setup", &set_up_wish(&token)).await;
    assert!((400..500).contains(&again.status), "{}", again.text);
    assert!(!desk.data_dir().join("setup-link").exists());
    let me = desk.get(&done.cookie(), "/api/v1/me").await.expect(200);
    assert_eq!(me.body["account"]["email"], EMAIL);
    let log = desk.log();
    assert!(!log.contains(&token) && !log.contains(PASSWORD), "the log tells a secret");
}

#[tokio::test]
async fn a_person_signs_in_is_known_and_signs_out_for_good() {
    let (desk, _) = Desk::set_up().await;
    let nobody = Caller::Nobody;
    let wish = json!({"email": EMAIL, "password": PASSWORD});
    let first = desk.post(&nobody, "/api/v1/sessions", &wish).await.expect(201);
    let other = desk.post(&nobody, "/api/v1/sessions", &wish).await.expect(201);
    is_well_kept(&first);
    let me = desk.get(&first.cookie(), "/api/v1/me").await.expect(200);
    assert_eq!((&me.body["workspaces"][0]["role"], &me.body["operator"]), (&json!("owner"), &json!(true)));
    desk.delete(&first.cookie(), "/api/v1/sessions/current").await.expect(204);
    desk.get(&first.cookie(), "/api/v1/me").await.expect(401);
    desk.get(&other.cookie(), "/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words() {
    let (desk, _) = Desk::set_up().await;
    let nobody = Caller::Nobody;
    let try_in = async |email: &str, password: &str| {
        let wish = json!({"email": email, "password": password});
        desk.post(&nobody, "/api/v1/sessions", &wish).await.expect(401)
    };
    let wrong = try_in(EMAIL, "wrong horse battery").await;
    let unknown = try_in("eve@example.com", PASSWORD).await;
    assert_eq!(
        (&wrong.body["detail"], &wrong.body["code"]),
        (&unknown.body["detail"], &unknown.body["code"])
    );
    assert!(!wrong.headers.contains_key(SET_COOKIE) && !unknown.headers.contains_key(SET_COOKIE));
    let right = json!({"email": EMAIL, "password": PASSWORD});
    desk.post(&nobody, "/api/v1/sessions", &right).await.expect(201);
}
