//! `frontdesk ai route`: the routing of one question, explained; or of a file of them, with its cost. Nobody is asked.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::ai::local::Folder;
use crate::ai::prices::{PriceError, PriceTable};
use crate::ai::route::forecast::{Assumptions, Forecast, Line, forecast, listed_cost};
use crate::ai::route::{Decision, Question, Router};
use crate::base::Micros;
use crate::config::Settings;

/// Questions that a file may have.
const LINES_MAX: usize = 200_000;
/// Bytes that a line may have.
const LINE_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct RouteArguments {
    /// The question
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// A file with one question a line, {"text": ..., "turns": 2, "image": true}; all but text may be left out
    #[arg(long)]
    file: Option<PathBuf>,
    /// Only the lines of the file with this "split"
    #[arg(long, requires = "file")]
    split: Option<String>,
    /// Show what the score is made of; with a file, each question's decision in a line of JSON before the sums
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    shown: Shown,
    /// Messages of the person before this one
    #[arg(long, default_value_t = 0, conflicts_with = "file")]
    turns: usize,
    /// An image comes with the question
    #[arg(long, conflicts_with = "file")]
    image: bool,
    /// Route by this strategy instead of the one in force; a file is routed by all unless one is named
    #[arg(long)]
    strategy: Option<String>,
    /// Tokens of a prompt besides the question, for the cost
    #[arg(long, default_value_t = Assumptions::default().prompt_tokens)]
    prompt_tokens: u64,
    /// Tokens of an answer, for the cost
    #[arg(long, default_value_t = Assumptions::default().answer_tokens)]
    answer_tokens: u64,
}

pub(super) fn run(arguments: &SettingsArguments, wish: &RouteArguments) -> Result<(), Failure> {
    let text = routed_text(&arguments.load()?.settings, wish)?;
    say(&text);
    Ok(())
}

fn routed_text(settings: &Settings, wish: &RouteArguments) -> Result<String, Failure> {
    let table = PriceTable::new(&settings.ai.price)?;
    match (&wish.file, &wish.text) {
        (Some(file), _) => route_file(settings, &table, wish, file),
        (None, text) => route_one(settings, &table, wish, text.as_deref().unwrap_or_default()),
    }
}

fn assumed(wish: &RouteArguments) -> Assumptions {
    Assumptions { prompt_tokens: wish.prompt_tokens, answer_tokens: wish.answer_tokens }
}

fn line(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))
}

fn route_one(
    settings: &Settings,
    table: &PriceTable,
    wish: &RouteArguments,
    text: &str,
) -> Result<String, Failure> {
    let mut router = router(settings)?;
    if let Some(strategy) = &wish.strategy {
        router = router.by(&settings.routing, strategy)?;
    }
    let question = Question { text, turns: wish.turns, images: usize::from(wish.image) };
    let decision = router.decide(&question);
    let cost = listed_cost(&router, &decision, &question, table, &assumed(wish));
    if wish.shown.json {
        return one_as_json(&decision, &cost, wish);
    }
    let mut shown = format!(
        "{} (score {:.2}, strategy \"{}\"): {}\n{}.\n",
        decision.tier, decision.score, decision.strategy, decision.named, decision.reason
    );
    _ = match &cost {
        Ok((model, Micros::ZERO)) => writeln!(shown, "Costs nothing with {model}."),
        Ok((model, micros)) => writeln!(shown, "About {micros} with {model}: {}.", assumed(wish)),
        Err(error) => writeln!(shown, "No cost: {error}; [[ai.price]] in the settings can set one."),
    };
    if wish.explain {
        shown.push('\n');
        for feature in &decision.features {
            let (name, points) = (feature.name, feature.contribution);
            _ = writeln!(shown, "  {name:<10} {:>6.1}  {points:+.3}  {}", feature.raw, feature.reason);
        }
    }
    Ok(shown.trim_end().to_owned())
}

/// The decision with its cost; `features` only when they are asked for.
fn one_as_json(
    decision: &Decision,
    cost: &Result<(String, Micros), PriceError>,
    wish: &RouteArguments,
) -> Result<String, Failure> {
    let mut value = serde_json::to_value(decision).map_err(|error| Failure::new(error.to_string()))?;
    if let Some(object) = value.as_object_mut() {
        if !wish.explain {
            object.remove("features");
        }
        let cost = match cost {
            Ok((model, micros)) => json!({ "model": model, "micros": micros, "assumed": assumed(wish) }),
            Err(error) => json!({ "missing": error.to_string() }),
        };
        object.insert("cost".to_owned(), cost);
    }
    Ok(value.to_string())
}

fn read(path: &Path, split: Option<&str>) -> Result<Vec<Line>, Failure> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| Failure::new(format!("{} cannot be read: {error}", path.display()));
    let mut file = std::io::BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut lines = Vec::new();
    for number in 1..=LINES_MAX + 1 {
        let mut text = String::new();
        if file.by_ref().take(LINE_BYTES_MAX).read_line(&mut text).map_err(failed)? == 0 {
            return Ok(lines);
        }
        if text.trim().is_empty() {
            continue;
        }
        let parsed: Line = serde_json::from_str(&text).map_err(|error| {
            Failure::new(format!(
                "{}:{number}: not a line such as {{\"text\": \"...\"}}: {error}",
                path.display()
            ))
        })?;
        if split.is_none() || parsed.split.as_deref() == split {
            lines.push(parsed);
        }
    }
    Err(Failure::new(format!("{} has more than {LINES_MAX} lines. Split it.", path.display())))
}

fn route_file(
    settings: &Settings,
    table: &PriceTable,
    wish: &RouteArguments,
    path: &Path,
) -> Result<String, Failure> {
    let lines = read(path, wish.split.as_deref())?;
    if lines.is_empty() {
        return Err(Failure::new(format!("There are no questions in {}.", path.display())));
    }
    let in_force = router(settings)?;
    let names: Vec<&str> = match &wish.strategy {
        Some(name) => vec![name],
        None => settings.routing.strategies.iter().map(|strategy| strategy.name.as_str()).collect(),
    };
    let mut shown = Vec::new();
    if wish.explain {
        let named = wish.strategy.as_deref().unwrap_or(in_force.strategy());
        let router = in_force.by(&settings.routing, named)?;
        for question in &lines {
            let decision = router.decide(&question.question());
            shown.push(line(&json!({ "id": question.id, "chosen": question.tier, "decision": decision }))?);
        }
    }
    let assumed = assumed(wish);
    let (mut forecasts, mut texts) = (Vec::new(), Vec::new());
    for name in names {
        let router = in_force.by(&settings.routing, name)?;
        match forecast(&router, &lines, table, &assumed) {
            Ok(forecast) => {
                texts.push(table_of(&forecast));
                forecasts.push(json!(forecast));
            }
            // One that has no price does not keep the others from being shown, unless it is the one asked for.
            Err(error) if wish.strategy.is_some() => return Err(error.into()),
            Err(error) => {
                texts.push(format!("\nstrategy \"{name}\"\n  left out: {error}"));
                forecasts.push(json!({ "strategy": name, "missing": error.to_string() }));
            }
        }
    }
    if wish.shown.json {
        let value = json!({ "questions": lines.len(), "assumed": assumed, "strategies": forecasts });
        shown.push(line(&value)?);
    } else {
        shown.push(format!("{} questions. Assumed for each call: {assumed}.", lines.len()));
        shown.extend(texts);
    }
    Ok(shown.join("\n"))
}

/// One strategy's sums for people.
fn table_of(forecast: &Forecast) -> String {
    let mut shown = format!("\nstrategy \"{}\"\n", forecast.strategy);
    for part in &forecast.parts {
        _ = writeln!(
            shown,
            "  {:<10}  {:<22} {:>6} {:>6.1}%  {:>12}",
            part.tier,
            part.model,
            part.questions,
            100.0 * part.share,
            part.cost_micros.to_string()
        );
    }
    _ = write!(
        shown,
        "  routed {}, all to {} {}: {:.1}% less",
        forecast.cost_micros,
        forecast.premium_model,
        forecast.premium_cost_micros,
        100.0 * forecast.saved
    );
    if let Some(agreement) = forecast.agreement {
        _ = write!(shown, "\n  the tier that a person chose: {:.1}%", 100.0 * agreement);
    }
    shown
}

/// As the appliance would route, the model of its data directory included.
fn router(settings: &Settings) -> Result<Router, Failure> {
    let router = Router::new(&settings.routing, &settings.ai.provider)?;
    let folder = Folder::of(&settings.store.data_dir);
    let here = folder.choose(&settings.local_model.file).map_err(|error| Failure::new(error.to_string()))?;
    Ok(match here {
        Some(found) if found.header.is_ok() => router.with_local(&found.model()),
        _ => router,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::*;
    use crate::config::{FlagValue, Sources, load};

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        wish: RouteArguments,
    }

    fn routed(arguments: &[&str]) -> Result<String, Failure> {
        routed_with(arguments, &[])
    }

    fn routed_with(arguments: &[&str], set: &[&str]) -> Result<String, Failure> {
        let line = CommandLine::parse_from(["route"].iter().chain(arguments));
        let flags = set.iter().map(|pair| {
            let (key, text) = pair.split_once('=').unwrap();
            FlagValue { flag: "--set".to_owned(), key: key.to_owned(), text: text.to_owned() }
        });
        let settings = load(&Sources { flags: flags.collect(), ..Sources::default() })?.settings;
        routed_text(&settings, &line.wish)
    }

    #[test]
    fn one_question_is_one_line_of_json_with_its_features_only_when_asked_for() {
        let text = routed(&["How do I reset my password?", "--json", "--explain"]).unwrap();
        assert_eq!(text.lines().count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["tier"], "economical");
        assert_eq!(value["named"], "gemini-1.5-flash");
        assert_eq!(value["provider"], "extractive");
        assert_eq!(value["features"].as_array().unwrap().len(), 9);
        // 1,500 and 7 tokens at $0.075 and 300 at $0.30 a million, rounded up.
        assert_eq!(value["cost"]["micros"], 204);
        let brief: Value = serde_json::from_str(&routed(&["x", "--json"]).unwrap()).unwrap();
        assert!(brief.get("features").is_none());
    }

    #[test]
    fn a_question_is_explained_for_people_with_the_assumptions_of_its_cost() {
        let text = routed(&["Why?", "--explain", "--turns", "3", "--strategy", "stable"]).unwrap();
        assert!(text.starts_with("economical (score "), "{text}");
        assert!(text.contains("gpt-4o-mini") && text.contains("1500 tokens of prompt"), "{text}");
        assert!(text.contains("3 messages before"), "{text}");
        let image = routed(&["Why?", "--image"]).unwrap();
        assert!(image.starts_with("vision") && image.contains("there is an image"), "{image}");
    }

    #[test]
    fn a_file_is_routed_by_every_strategy_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("questions.jsonl");
        let name = path.to_str().unwrap();
        std::fs::write(
            &path,
            "{\"text\": \"Hello?\", \"id\": \"a\"}\n\n{\"text\": \"x\", \"image\": true, \"split\": \"s\"}\n",
        )
        .unwrap();
        let text = routed(&["--file", name]).unwrap();
        assert!(text.starts_with("2 questions. Assumed for each call: 1500 tokens"), "{text}");
        for strategy in ["default", "stable", "local"] {
            assert!(text.contains(&format!("strategy \"{strategy}\"")), "{text}");
        }
        let value: Value =
            serde_json::from_str(&routed(&["--file", name, "--json", "--split", "s"]).unwrap()).unwrap();
        assert_eq!(value["questions"], 1);
        assert_eq!(value["strategies"][0]["parts"][3]["questions"], 1);
        let explained = routed(&["--file", name, "--explain", "--json"]).unwrap();
        assert_eq!(explained.lines().count(), 3);
        let odd =
            "routing.strategies=[{name='odd',economical='odd',middle='odd',premium='odd',vision='odd'}]";
        let provider = "ai.provider=[{name='odd',base_url='https://a.example/v1',model='odd-model'}]";
        let text = routed_with(&["--file", name], &[odd, provider]).unwrap();
        assert!(
            text.contains("strategy \"odd\"\n  left out: there is no price for the model odd-model"),
            "{text}"
        );
        assert!(routed_with(&["--file", name, "--strategy", "odd"], &[odd, provider]).is_err());
        std::fs::write(&path, "{\"text\": \"a\"}\n{\"txt\": 1}\n").unwrap();
        assert!(routed(&["--file", name]).unwrap_err().to_string().contains("questions.jsonl:2:"));
        std::fs::write(&path, "\n").unwrap();
        assert!(routed(&["--file", name]).unwrap_err().to_string().starts_with("There are no questions"));
    }

    #[test]
    fn a_strategy_that_there_is_not_is_said() {
        let said = routed(&["x", "--strategy", "nope"]).unwrap_err().to_string();
        assert!(
            said.starts_with("There is no routing strategy \"nope\". There are: default, stable, local."),
            "{said}"
        );
    }
}
