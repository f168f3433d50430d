//! What is counted, as Prometheus reads it.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::caller::Caller;
use super::desk::{Desk, EMAIL, Reply};
use super::files;
use super::socket::{Socket, is_answer};

const TOKEN: &str = "a-token-of-this-story";

/// One line: labels by name, and the value.
type Series = (BTreeMap<String, String>, f64);

/// What a scraper makes of the text (`OpenMetrics` 1.0).
struct Scraped {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, Vec<Series>>,
}

/// `a="x",b="y"` with the escapes of the format.
fn labels(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().expect("a value ends with a quote") {
                (_, '\\') => value.push(match letters.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                (at, '"') => break at,
                (_, other) => value.push(other),
            }
        };
        assert!(found.insert(name.to_owned(), value).is_none(), "a label twice: {text}");
        rest = after[end + 1..].trim_start_matches(',');
    }
    assert!(rest.is_empty(), "labels that are none: {text}");
    found
}

impl Scraped {
    fn of(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "it is cut off");
        let mut scraped = Self { kinds: BTreeMap::new(), samples: BTreeMap::new() };
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(
                    scraped.kinds.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "{name} is typed twice"
                );
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, told) = series
                    .split_once('{')
                    .map_or((series, ""), |(name, told)| (name, told.trim_end_matches('}')));
                let series = (labels(told), value.parse().unwrap());
                scraped.samples.entry(name.to_owned()).or_default().push(series);
            }
        }
        for name in scraped.samples.keys() {
            let base = ["_total", "_bucket", "_count", "_sum", "_info"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let typed = scraped.kinds.contains_key(base.unwrap_or(name)) || scraped.kinds.contains_key(name);
            assert!(typed, "{name} has no type");
        }
        scraped
    }

    /// The sum of the series of `name` whose labels hold these.
    fn sum(&self, name: &str, wanted: &[(&str, &str)]) -> f64 {
        let series = self.samples.get(name).map(Vec::as_slice).unwrap_or_default();
        let holds = |labels: &BTreeMap<String, String>| {
            wanted.iter().all(|(name, value)| labels.get(*name).is_some_and(|found| found == value))
        };
        series.iter().filter(|(labels, _)| holds(labels)).map(|(_, value)| value).sum()
    }
}

async fn scrape(desk: &Desk, token: &str) -> Reply {
    let request = desk.request(&Caller::Nobody, Method::GET, "/metrics");
    desk.send(request.header("authorization", format!("Bearer {token}"))).await
}

/// Row Q6.
#[tokio::test]
async fn prometheus_reads_what_was_done_and_nothing_of_whom() {
    let (desk, owner) = Desk::set_up_with(&[&format!("metrics.token={TOKEN}")], "").await;
    let document =
        files::put(&desk, &owner, "policies/warranty.docx", &files::demo("policies/warranty.docx")).await;
    let document = document.expect(201).of("id");
    assert_eq!(files::settled(&desk, &owner, &document).await["state"], "ready");
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &conversation, None).await;
    socket.say("q", "How long is the warranty on a Tamarind used at home?").await;
    socket.until(is_answer).await;
    let wrong = json!({"email": EMAIL, "password": "wrong horse battery"});
    desk.post(&Caller::Nobody, "/api/v1/sessions", &wrong).await.expect(401);

    desk.get(&Caller::Nobody, "/metrics").await.expect(401);
    scrape(&desk, "another-token-of-this-story").await.expect(401);
    let reply = scrape(&desk, TOKEN).await.expect(200);
    let kind = reply.headers["content-type"].to_str().unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let scraped = Scraped::of(&reply.text);
    let upload = [("method", "PUT"), ("route", "/api/v1/documents/by-name/{name}")];
    assert_eq!(scraped.sum("frontdesk_http_requests_total", &upload), 1.0, "{}", reply.text);
    assert_eq!(scraped.sum("frontdesk_http_request_duration_seconds_count", &upload), 1.0);
    let refused = [("route", "/api/v1/sessions"), ("status", "401")];
    assert_eq!(scraped.sum("frontdesk_http_requests_total", &refused), 1.0);
    assert_eq!(
        scraped.sum("frontdesk_sign_ins_refused_total", &[("code", "sign_in_failed")]),
        1.0,
        "{}",
        reply.text
    );
    assert_eq!(
        scraped.sum("frontdesk_answers_total", &[("outcome", "quoted"), ("tier", "none")]),
        1.0,
        "{}",
        reply.text
    );
    assert!(
        scraped.sum("frontdesk_jobs_ended_total", &[("kind", "assistant.answer"), ("outcome", "done")])
            >= 1.0
    );
    assert_eq!(scraped.sum("frontdesk_jobs", &[("name", "dead")]), 0.0);
    assert_eq!(scraped.sum("frontdesk_live_connections", &[]), 1.0);
    assert!(scraped.sum("frontdesk_connections_open", &[]) >= 2.0);
    assert_eq!(scraped.sum("frontdesk_keyspaces_open", &[]), 1.0);
    let commits = scraped.sum("frontdesk_store_commit_duration_seconds_count", &[]);
    assert!(commits >= 5.0);
    assert_eq!(scraped.sum("frontdesk_store_commit_duration_seconds_bucket", &[("le", "+Inf")]), commits);
    assert!(scraped.sum("process_resident_memory_bytes", &[]) > 10e6);
    assert!(scraped.sum("process_cpu_seconds_total", &[]) > 0.0);
    assert!(
        scraped.sum("frontdesk_memory_ceiling_bytes", &[]) > scraped.sum("frontdesk_memory_held_bytes", &[])
    );
    assert_eq!(scraped.sum("frontdesk_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert_eq!(scraped.sum("frontdesk_check_ok", &[("name", "store")]), 1.0);
    // Neither a path nor a workspace, a person or a word of theirs.
    for told in [
        conversation.as_str(),
        document.as_str(),
        visitor.id(),
        "acme",
        "ten_",
        "warranty",
        "Tamarind",
        EMAIL,
        TOKEN,
    ] {
        assert!(!reply.text.contains(told), "{told}");
    }
    // The labels of a route have a bound, whatever is asked for.
    let count =
        |text: &str| text.lines().filter(|line| line.starts_with("frontdesk_http_requests_total")).count();
    desk.get(&Caller::Nobody, "/no/such/1").await.expect(404);
    let before = count(&scrape(&desk, TOKEN).await.text);
    for number in 2..20 {
        desk.get(&Caller::Nobody, &format!("/no/such/{number}")).await.expect(404);
    }
    assert_eq!(count(&scrape(&desk, TOKEN).await.text), before);
}

/// Row Q6.
#[tokio::test]
async fn metrics_are_off_until_a_setting_opens_a_door_and_that_door_serves_nothing_else() {
    let desk = Desk::open_with(&["metrics.listen=127.0.0.1:0"], "").await;
    desk.get(&Caller::Nobody, "/metrics").await.expect(404);
    let line = desk.logged("metrics is served").await;
    let address = line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let get = async |path: &str| {
        let response = super::tls::plain(&address, "GET", path, "localhost").await;
        (response.status, response.body)
    };
    let (status, text) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(Scraped::of(&text).sum("frontdesk_store_commit_duration_seconds_count", &[]) > 0.0);
    assert_eq!(get("/healthz/ready").await.0, 404);
    assert_eq!(get("/api/v1/setup").await.0, 404);
}
