//! Signals, and what the service manager is told.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use tokio::net::UnixDatagram as Messages;
use tokio::process::Command;

use super::desk::{Desk, frontdesk};
use super::soon;

#[tokio::test]
async fn a_second_signal_ends_an_appliance_that_still_waits_for_somebody() {
    let (mut desk, owner) = Desk::set_up().await;
    // A file that never ends.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    sender.send(Ok(b"begun".to_vec())).await.unwrap();
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let request = desk.request(&owner, Method::PUT, "/api/v1/documents/by-name/endless.txt").body(body);
    let sending = tokio::spawn(request.send());
    let under_way = async {
        // The channel has one place: once a second piece fits, the first is on its way.
        sender.send(Ok(b"more".to_vec())).await.unwrap();
        sender.send(Ok(b"more".to_vec())).await.unwrap();
    };
    soon("the upload is under way", under_way).await;
    desk.terminate().await;
    desk.logged("a second signal ends the process at once").await;
    desk.terminate().await;
    assert_eq!(desk.stopped().await, Some(130), "{}", desk.log());
    assert!(soon("the client is told", sending).await.unwrap().is_err());
    desk.start_again().await;
    assert_eq!(desk.stop().await, Some(0));
}

/// The next message of the process that holds `text`; others are passed over.
async fn told(messages: &Messages, text: &str) -> String {
    let mut buffer = [0; 512];
    let hear = async {
        loop {
            let bytes = messages.recv(&mut buffer).await.unwrap();
            let said = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
            if said.lines().any(|line| line == text) {
                return said;
            }
        }
    };
    soon(&format!("the service manager is told {text}"), hear).await
}

#[tokio::test]
async fn the_service_manager_hears_of_readiness_life_reloading_and_the_end() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let messages = Messages::from_std(socket).unwrap();
    let data_dir = home.path().join("data");
    let mut process = frontdesk(
        home.path(),
        &["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir.to_str().unwrap()],
    )
    .env("NOTIFY_SOCKET", &path)
    .env("WATCHDOG_USEC", "200000")
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let signal = async |name: &str| {
        let id = process.id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
    };
    told(&messages, "READY=1").await;
    told(&messages, "WATCHDOG=1").await;
    told(&messages, "WATCHDOG=1").await;
    signal("-HUP").await;
    // Without the time the service manager takes the reload for failed.
    assert!(told(&messages, "RELOADING=1").await.contains("MONOTONIC_USEC="));
    told(&messages, "READY=1").await;
    signal("-TERM").await;
    told(&messages, "STOPPING=1").await;
    let ended = tokio::time::timeout(Duration::from_secs(60), process.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
}
