//! `/admin/v1/subjects`.

use super::{Ledger, logged_in, on_both_ledgers};
use crate::{
    client::{Client, login},
    http::{Answer, Request},
    server::Server,
};
use serde_json::{Value, json};

const SUBJECTS: &str = "/admin/v1/subjects";

fn create(server: &Server, body: &Value) -> Answer {
    server.operate(Request::new("POST", SUBJECTS).json(body))
}

fn invalid(field: &str) -> (u16, String, Option<String>) {
    (422, "field_invalid".to_owned(), Some(field.to_owned()))
}

on_both_ledgers!(
    an_account_is_made_where_clients_may_make_none,
    a_body_that_does_not_fit_is_answered_with_the_field_and_makes_nothing,
    accounts_are_listed_page_by_page,
    a_disabled_subject_is_thrown_out_and_stays_out_until_it_is_enabled,
    another_password_ends_every_session,
    all_sessions_of_a_subject_are_ended_and_it_may_log_in_again,
    a_subject_that_is_not_there_is_not_found,
);

fn an_account_is_made_where_clients_may_make_none(ledger: Ledger) {
    let server = ledger.serve(&[("HANDFAST_REGISTRATION", "closed")]);
    let refused = Client::connect(server.address)
        .unwrap()
        .ask(&login("ada"))
        .unwrap();
    assert_eq!(refused["type"], "InvalidPassword");
    let body = json!({"subject": "Ada", "password": "correct horse"});
    let made = create(&server, &body);
    assert_eq!((made.status, &made.json()["subject"]), (201, &json!("ada")));
    assert_eq!(made.json()["disabled"], false);
    assert_eq!(logged_in(&server, "ada").1["type"], "Success");
    assert_eq!(
        create(&server, &body).problem(),
        (409, "taken".to_owned(), None)
    );
    let shown = server.operate(Request::get("/admin/v1/subjects/ADA"));
    assert_eq!(shown.json(), made.json());
}

fn a_body_that_does_not_fit_is_answered_with_the_field_and_makes_nothing(ledger: Ledger) {
    let server = ledger.serve(&[]);
    for (body, field) in [
        (json!({"password": "correct horse"}), "subject"),
        (json!({"subject": "ada"}), "password"),
        (
            json!({"subject": 1, "password": "correct horse"}),
            "subject",
        ),
        (
            json!({"subject": "two words", "password": "correct horse"}),
            "subject",
        ),
        (
            json!({"subject": "", "password": "correct horse"}),
            "subject",
        ),
        (
            json!({"subject": "x".repeat(65), "password": "correct horse"}),
            "subject",
        ),
        (json!({"subject": "ada", "password": "short"}), "password"),
        (
            json!({"subject": "ada", "password": "x".repeat(1025)}),
            "password",
        ),
    ] {
        assert_eq!(create(&server, &body).problem(), invalid(field), "{body}");
    }
    let post = || Request::new("POST", SUBJECTS);
    for text in ["", "[]", "{", "\"ada\"", "null"] {
        let answer = server.operate(post().body("application/json", text));
        assert_eq!(
            answer.problem(),
            (400, "body_invalid".to_owned(), None),
            "{text}"
        );
    }
    let answer = server.operate(post().body("text/plain", "{}"));
    assert_eq!(answer.problem().0, 415);
    let long = server.operate(post().body("application/json", " ".repeat(20_000)));
    assert_eq!(long.problem().0, 413);
    assert_eq!(
        server.operate(Request::get(SUBJECTS)).json(),
        json!({"subjects": []})
    );
}

fn accounts_are_listed_page_by_page(ledger: Ledger) {
    let server = ledger.serve(&[]);
    for name in ["dora", "ada", "carl", "bob", "éva"] {
        logged_in(&server, name);
    }
    let page = |query: &str| {
        server
            .operate(Request::get(&format!("{SUBJECTS}{query}")))
            .json()
    };
    let names = |page: &Value| {
        let subjects = page["subjects"].as_array().unwrap().iter();
        subjects
            .map(|it| it["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = page("?limit=2");
    assert_eq!(
        (names(&first), &first["next"]),
        (vec!["ada".into(), "bob".into()], &json!("bob"))
    );
    let second = page("?limit=3&after=bob");
    assert_eq!(names(&second), ["carl", "dora", "éva"]);
    assert!(second.get("next").is_none());
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?page=2", "page"),
    ] {
        let answer = server.operate(Request::get(&format!("{SUBJECTS}{query}")));
        assert_eq!(answer.problem(), invalid(field));
    }
}

fn a_disabled_subject_is_thrown_out_and_stays_out_until_it_is_enabled(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let (mut client, _) = logged_in(&server, "ada");
    let ended = server.operate(Request::new("POST", "/admin/v1/subjects/ada/disable"));
    assert_eq!((ended.status, ended.json()), (200, json!({"revoked": 1})));
    assert_eq!(client.closed(), 4403);
    assert_eq!(logged_in(&server, "ada").1["type"], "InvalidPassword");
    let shown = server
        .operate(Request::get("/admin/v1/subjects/ada"))
        .json();
    assert_eq!(shown["disabled"], true);
    let enabled = server.operate(Request::new("POST", "/admin/v1/subjects/ada/enable"));
    assert_eq!((enabled.status, enabled.body.as_str()), (204, ""));
    assert_eq!(logged_in(&server, "ada").1["type"], "Success");
}

fn another_password_ends_every_session(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let (mut client, _) = logged_in(&server, "ada");
    let put = || Request::new("PUT", "/admin/v1/subjects/ada/password");
    let short = server.operate(put().json(&json!({"password": "short"})));
    assert_eq!(short.problem(), invalid("password"));
    let set = server.operate(put().json(&json!({"password": "battery staple"})));
    assert_eq!((set.status, set.json()), (200, json!({"revoked": 1})));
    assert_eq!(client.closed(), 4403);
    assert_eq!(logged_in(&server, "ada").1["type"], "InvalidPassword");
    let new = json!({"type": "Login", "username": "ada", "password": "battery staple"});
    let answer = Client::connect(server.address).unwrap().ask(&new).unwrap();
    assert_eq!(answer["type"], "Success");
}

fn all_sessions_of_a_subject_are_ended_and_it_may_log_in_again(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let mut clients: Vec<_> = (0..3).map(|_| logged_in(&server, "ada").0).collect();
    let delete = || Request::new("DELETE", "/admin/v1/subjects/ada/sessions");
    assert_eq!(server.operate(delete()).json(), json!({"revoked": 3}));
    for client in &mut clients {
        assert_eq!(client.closed(), 4403);
    }
    assert_eq!(server.operate(delete()).json(), json!({"revoked": 0}));
    assert_eq!(logged_in(&server, "ada").1["type"], "Success");
}

fn a_subject_that_is_not_there_is_not_found(ledger: Ledger) {
    let server = ledger.serve(&[]);
    for name in ["nobody", "two%20words", "%FF"] {
        for (method, rest) in [
            ("GET", ""),
            ("POST", "/disable"),
            ("POST", "/enable"),
            ("DELETE", "/sessions"),
        ] {
            let path = format!("{SUBJECTS}/{name}{rest}");
            let problem = server.operate(Request::new(method, &path)).problem();
            assert_eq!(
                problem,
                (404, "unknown_subject".to_owned(), None),
                "{method} {path}"
            );
        }
        let path = format!("{SUBJECTS}/{name}/password");
        let put = Request::new("PUT", &path).json(&json!({"password": "battery staple"}));
        assert_eq!(server.operate(put).problem().0, 404);
    }
}
