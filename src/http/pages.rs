//! The pages, built by `make assets` and embedded with their compressed forms.
//!
//! Hashed files below `/assets/` never change and are kept by browsers for a year; pages and the loader are asked for
//! anew each time and answered with 304 when they are the same.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::Problem;
use super::headers::{EMBEDDED_PAGE_POLICY, PAGE_POLICY, RESOURCE_POLICY};

#[derive(RustEmbed)]
#[folder = "assets/web/dist"]
#[allow_missing = true]
struct Web;

/// The pages' routes, for the list of all routes.
pub(super) const ROUTES: [(Method, &str); 7] = [
    (Method::GET, "/"),
    (Method::GET, "/setup"),
    (Method::GET, "/reset"),
    (Method::GET, "/invite"),
    (Method::GET, "/chat/{workspace}"),
    (Method::GET, "/sdk.js"),
    (Method::GET, "/assets/{*path}"),
];

const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
const LOADER: &str = "public, max-age=300";

/// The routes of [`ROUTES`].
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(dashboard))
        .route("/setup", get(dashboard))
        .route("/reset", get(dashboard))
        .route("/invite", get(dashboard))
        .route("/chat/{workspace}", get(chat))
        .route("/sdk.js", get(loader))
        .route("/assets/{*path}", get(asset))
}

/// Open to everybody. One-time links carry their token in the fragment, which is not sent here.
async fn dashboard(headers: HeaderMap) -> Response {
    page("index.html", &headers, PAGE_POLICY)
}

/// Open to everybody. With `?embed` another site may show it in a frame.
async fn chat(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let embedded =
        query.as_deref().unwrap_or_default().split('&').any(|part| part.split('=').next() == Some("embed"));
    if !embedded {
        return page("chat.html", &headers, PAGE_POLICY);
    }
    let mut response = page("chat.html", &headers, EMBEDDED_PAGE_POLICY);
    response.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response
}

/// Open to everybody, from any site.
async fn loader(headers: HeaderMap) -> Response {
    shared(serve("sdk.js", &headers, LOADER))
}

/// Open to everybody, from any site: the widget's parts are among them.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    shared(serve(&format!("assets/{path}"), &headers, FOREVER))
}

fn page(name: &str, headers: &HeaderMap, policy: &'static str) -> Response {
    if Web::get(name).is_none() {
        let detail = "The pages are not part of this build. Run `make assets` and build again.";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "pages_missing", detail).into_response();
    }
    // Pages are under a kilobyte and are sent as they are, see `router`.
    let mut plain = headers.clone();
    plain.remove(ACCEPT_ENCODING);
    let mut response = serve(name, &plain, ASK_AGAIN);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn shared(mut response: Response) -> Response {
    response.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The best form of the file that the client reads.
fn choose(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |coding: &str| {
        accepted.split(',').any(|part| {
            let mut words = part.split(';').map(str::trim);
            words.next() == Some(coding) && words.all(|word| word != "q=0")
        })
    };
    let compressed = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(coding))
        .find_map(|(coding, ending)| Web::get(&format!("{name}{ending}")).map(|file| (file, Some(coding))));
    compressed.or_else(|| Web::get(name).map(|file| (file, None)))
}

fn serve(name: &str, headers: &HeaderMap, cached: &'static str) -> Response {
    let Some((file, coding)) = choose(name, headers) else { return Problem::not_found().into_response() };
    let hash: String =
        file.metadata.sha256_hash().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged =
        known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let body = if unchanged { Body::empty() } else { Body::from(file.data.into_owned()) };
    let mut response = Response::new(body);
    let answer = response.headers_mut();
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let kind = mime_guess::from_path(name).first_or_octet_stream();
        let text = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        insert(answer, CONTENT_TYPE, &text);
        if let Some(coding) = coding {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
    }
    let answer = response.headers_mut();
    insert(answer, ETAG, &tag);
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(cached));
    answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn insert(headers: &mut HeaderMap, name: axum::http::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encoding))])
    }

    #[test]
    fn the_smallest_form_the_browser_reads_is_sent_and_only_once() {
        if Web::get("index.html").is_none() {
            return;
        }
        let coding = |encoding| {
            let response = serve("index.html", &asking(encoding), ASK_AGAIN);
            response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(coding("gzip, deflate, br").as_deref(), Some("br"));
        assert_eq!(coding("gzip, br;q=0").as_deref(), Some("gzip"));
        assert_eq!(coding("identity"), None);
        let first = serve("index.html", &asking("br"), ASK_AGAIN);
        assert_eq!(first.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let mut again = asking("br");
        again.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        assert_eq!(serve("index.html", &again, ASK_AGAIN).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn a_path_that_climbs_finds_nothing() {
        for path in ["assets/../../Cargo.toml", "assets/", "assets/none.js"] {
            assert_eq!(serve(path, &HeaderMap::new(), FOREVER).status(), StatusCode::NOT_FOUND);
        }
    }
}
