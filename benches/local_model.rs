//! How fast the model in this process reads and writes, and how that compares with llama.cpp's own server on the same file and threads.
//!
//! `MODEL=file.gguf cargo bench --bench local_model`; with `LLAMA_SERVER=path/to/llama-server` both take turns within each round, so that
//! a busy moment meets both. `THREADS` sets other numbers than 1 and 2. Both are asked through the same interface, with the same
//! sampling; every round's prompt is a new one, so that nothing is read from a cache. A figure is the median of the rounds.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frontdesk::ai::local::{LocalModel, LocalSettings};
use frontdesk::ai::{
    ChatRequest, Deadlines, Event, Message, OpenAiCompatible, OpenAiCompatibleSettings, Provider,
    TokenLimitField,
};
use frontdesk::base::SystemClock;
use frontdesk::outbound::{EgressHost, EgressPolicy, Options, Outbound};
use futures_util::StreamExt as _;

const ROUNDS: usize = 7;
const ANSWER_TOKENS: u32 = 128;
const CONTEXT_TOKENS: u32 = 2_048;
const PARAGRAPH: &str = "To restore a backup, stop the appliance, move the old data directory aside and run the restore command with \
                         the archive. The archive is verified before anything is written; a damaged archive changes nothing. ";

/// Tokens a second.
#[derive(Default)]
struct Speeds {
    reading: Vec<f64>,
    writing: Vec<f64>,
}

#[tokio::main]
async fn main() {
    let Some(model) = std::env::var_os("MODEL").map(PathBuf::from) else {
        println!("local_model: skipped, MODEL names no GGUF file");
        return;
    };
    let server = std::env::var_os("LLAMA_SERVER").map(PathBuf::from);
    let threads = std::env::var("THREADS").ok().and_then(|text| text.parse().ok());
    for threads in threads.map_or_else(|| vec![1, 2], |threads| vec![threads]) {
        measure(&model, server.as_deref(), threads).await;
    }
}

async fn measure(model: &Path, server: Option<&Path>, threads: u32) {
    let here = here(model, threads);
    let there = match server {
        Some(server) => Some(there(server, model, threads).await),
        None => None,
    };
    let (mut ours, mut theirs) = (Speeds::default(), Speeds::default());
    for round in 0..=ROUNDS {
        // The first warms both up.
        let counted = round > 0;
        ask(&here, round, counted, &mut ours).await;
        if let Some((_process, there)) = &there {
            ask(there, round, counted, &mut theirs).await;
        }
    }
    let (our_reading, our_writing) = (median(&mut ours.reading), median(&mut ours.writing));
    println!(
        "in process    {threads} thread(s)  reads {our_reading:7.1} tokens/s, writes {our_writing:6.1} tokens/s"
    );
    if let Some((mut process, _)) = there {
        let (reading, writing) = (median(&mut theirs.reading), median(&mut theirs.writing));
        println!(
            "llama-server  {threads} thread(s)  reads {reading:7.1} tokens/s, writes {writing:6.1} tokens/s"
        );
        println!(
            "in process / llama-server: reading {:.2}, writing {:.2}\n",
            our_reading / reading,
            our_writing / writing
        );
        process.0.kill().unwrap();
    }
}

fn here(model: &Path, threads: u32) -> LocalModel {
    let settings = LocalSettings {
        name: "here".into(),
        file: model.to_owned(),
        digest: None,
        threads: Some(threads),
        context_tokens_max: CONTEXT_TOKENS,
        memory_bytes_max: None,
        idle: Duration::from_secs(600),
        waiting_max: 1,
        answer: Duration::from_secs(600),
        program: None,
    };
    LocalModel::new(settings, Arc::new(SystemClock))
}

/// Killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn there(server: &Path, model: &Path, threads: u32) -> (Process, OpenAiCompatible) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (threads, context) = (threads.to_string(), CONTEXT_TOKENS.to_string());
    let process = Command::new(server)
        .args([
            "-m",
            &model.to_string_lossy(),
            "-t",
            &threads,
            "-tb",
            &threads,
            "-c",
            &context,
            "--port",
            &port,
        ])
        .args(["-np", "1", "--repeat-penalty", "1.05", "--top-k", "40", "--top-p", "0.95", "--min-p", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let process = Process(process);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let hosts = [EgressHost { address: format!("127.0.0.1:{port}"), private: true, plain_http: true }];
    let outbound = Outbound::new(EgressPolicy::new(&hosts, false).unwrap(), Options::default()).unwrap();
    let settings = OpenAiCompatibleSettings {
        name: "there".into(),
        base_url: format!("http://127.0.0.1:{port}/v1"),
        model: "any".into(),
        api_key: None,
        token_limit_field: TokenLimitField::MaxTokens,
        ask_usage: true,
        send_temperature: true,
        deadlines: Deadlines::default(),
    };
    let provider = OpenAiCompatible::new(settings, outbound).unwrap();
    while provider.check().await.outcome.is_err() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    (process, provider)
}

async fn ask(provider: &dyn Provider, round: usize, counted: bool, speeds: &mut Speeds) {
    let text = format!("{round} {}\nTell a long story about it.", PARAGRAPH.repeat(12));
    let request = ChatRequest {
        messages: vec![Message::user(text)],
        max_output_tokens: ANSWER_TOKENS,
        temperature: Some(0.1),
        tenant: None,
    };
    let begun = Instant::now();
    let mut stream = provider.stream(request);
    let mut first = None;
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            Event::Waiting { .. } => {}
            Event::Delta(_) => {
                first.get_or_insert_with(Instant::now);
            }
            Event::Finished { usage, .. } => {
                let first = first.unwrap();
                if counted {
                    speeds.reading.push(usage.input_tokens as f64 / (first - begun).as_secs_f64());
                    speeds.writing.push((usage.output_tokens - 1) as f64 / first.elapsed().as_secs_f64());
                }
            }
        }
    }
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
