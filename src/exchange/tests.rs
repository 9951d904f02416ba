use super::*;

fn read(text: &str) -> Imported {
    let value = serde_json::from_str(text).unwrap();
    import(&value, "stem", &|name| name != "anthropic").unwrap().remove(0)
}

fn told(imported: &Imported, fate: Fate) -> Vec<String> {
    let fits = imported.report.iter().filter(|remark| remark.fate == fate);
    fits.map(|remark| format!("{}: {}", remark.path, remark.text)).collect()
}

fn table(imported: &Imported) -> Table {
    imported.text.parse().unwrap()
}

#[test]
fn a_round_robin_with_a_persons_seat_is_all_here() {
    let imported = read(include_str!("../../tests/import/round_robin.json"));
    let file = table(&imported);
    assert_eq!(imported.name, "release_notes_desk");
    assert_eq!(file["team"]["speaker_selection_method"].as_str(), Some("round_robin"));
    let agents = file["agents"].as_array().unwrap();
    let kinds: Vec<_> = agents.iter().map(|agent| agent["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["assistant", "assistant", "user_proxy"]);
    assert_eq!(agents[0]["max_tool_iterations"].as_integer(), Some(3));
    assert_eq!(agents[1]["context"]["last"].as_integer(), Some(12));
    assert_eq!(
        (agents[2]["name"].as_str(), agents[2]["human_input_mode"].as_str()),
        (Some("operator_seat"), Some("ALWAYS"))
    );
    let ends = file["team"]["termination"].as_array().unwrap();
    assert!(ends.len() == 2 && ends[1]["max_messages"].as_integer() == Some(16));
    assert!(!imported.text.contains("unused"), "no key is carried over");
    assert!(told(&imported, Fate::Lost).iter().any(|line| line.contains("metadata")), "{:#?}", imported.report);
}

#[test]
fn code_is_kept_to_be_read_and_servers_and_teams_within_find_their_place() {
    let imported = read(include_str!("../../tests/import/selector.json"));
    let file = table(&imported);
    assert_eq!(file["team"]["speaker_selection_method"]["method"].as_str(), Some("auto"));
    assert_eq!(file["team"]["max_retries_for_selecting_speaker"].as_integer(), Some(1));
    assert_eq!(imported.sources[0].0, "count_lines");
    assert!(imported.sources[0].1.starts_with("def count_lines") && !imported.text.contains("def count_lines"));
    let server = &file["mcp"]["git"];
    assert_eq!(server["command"].as_array().unwrap().len(), 4);
    assert_eq!(server["timeout"].as_float(), Some(20.0));
    let reader = &file["agents"][0];
    assert_eq!(reader["mcp"][0].as_str(), Some("git"));
    assert_eq!(reader["tools"][0].as_str(), Some("service_status"));
    let tool = &file["tools"]["service_status"];
    assert_eq!(tool["url"].as_str(), Some("http://127.0.0.1:9911/status/{service}"));
    assert_eq!(tool["allow"][0].as_str(), Some("loopback"));
    assert_eq!(file["agents"][1]["code_execution"]["executor"].as_str(), Some("docker"));
    assert_eq!(file["agents"][2]["team"].as_str(), Some("review_pair"));
    assert_eq!(file["teams"]["review_pair"]["agents"].as_array().unwrap().len(), 2);
    let ends = file["team"]["termination"].as_array().unwrap();
    // One of `And` watches an agent of the team within, whom the outer team does not hear.
    assert_eq!(ends[0]["max_tokens"]["total"].as_integer(), Some(60000));
    assert!(told(&imported, Fate::Lost).iter().any(|line| line.contains("sceptic is no member")));
    assert_eq!(ends.last().unwrap()["max_turns"].as_integer(), Some(20));
}

#[test]
fn a_graph_on_scripted_models_keeps_its_edges_and_replies() {
    let imported = read(include_str!("../../tests/import/graph.json"));
    let file = table(&imported);
    let edges = file["team"]["speaker_selection_method"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 3);
    assert!(edges.iter().any(|edge| edge.get("contains").and_then(toml::Value::as_str) == Some("REDO")));
    assert_eq!(file["models"]["replay"]["reply"].as_array().unwrap().len(), 2);
    assert!(told(&imported, Fate::Lost).iter().any(|line| line.contains("filter")));
}

#[test]
fn a_swarm_keeps_its_handoffs_and_memory_becomes_words() {
    let imported = read(include_str!("../../tests/import/swarm.json"));
    let file = table(&imported);
    let method = &file["team"]["speaker_selection_method"];
    assert_eq!((method["method"].as_str(), method["initial"].as_str()), (Some("handoff"), Some("triage")));
    assert_eq!(file["agents"][0]["handoffs"].as_array().unwrap().len(), 2);
    assert!(file["agents"][0]["system_message"].as_str().unwrap().contains("Never promise a refund."));
    assert_eq!(file["team"]["termination"][0]["handoff"].as_str(), Some("user"));
}

#[test]
fn a_config_list_becomes_models_that_fall_back_in_its_order_without_their_keys() {
    let imported = read(include_str!("../../tests/import/oai_config_list.json"));
    let file = table(&imported);
    let fallback: Vec<_> = file["models"]["gpt-4o"]["fallback"].as_array().unwrap().iter().collect();
    assert_eq!(fallback.len(), 2, "{}", imported.text);
    assert_eq!(file["models"]["gpt-4o"]["price"]["input"].as_float(), Some(2.5));
    assert_eq!(file["models"]["deployment"]["base_url"].as_str(), Some("https://house.openai.azure.com/openai/v1"));
    assert!(!imported.text.contains("sk-") && told(&imported, Fate::Lost).iter().any(|line| line.contains("bedrock")));
}

#[test]
fn a_group_of_ag2_becomes_a_team() {
    let imported = read(include_str!("../../tests/import/ag2_group.json"));
    let file = table(&imported);
    assert_eq!(file["team"]["max_round"].as_integer(), Some(9));
    assert_eq!(file["team"]["allow_repeat_speaker"].as_bool(), Some(false));
    assert_eq!(file["agents"][1]["name"].as_str(), Some("Sceptic_one"));
    let code = &file["agents"][2]["code_execution"];
    assert_eq!((code["executor"].as_str(), code["image"].as_str()), (Some("docker"), Some("python:3.12-slim")));
    let lost = told(&imported, Fate::Lost).join("\n");
    assert!(lost.contains("is_termination_msg") && lost.contains("tools"), "{lost}");
}

#[test]
fn a_gallery_gives_all_its_teams() {
    let team: Value = serde_json::from_str(include_str!("../../tests/import/swarm.json")).unwrap();
    let gallery = serde_json::json!({"id": "g", "name": "G", "components": {"teams": [team.clone(), team], "agents": [], "tools": [{}]}});
    let read = import(&gallery, "stem", &|_| true).unwrap();
    assert!(read.len() == 2 && read[0].name == "help_desk");
    assert!(import(&serde_json::json!({"components": {}}), "stem", &|_| true).is_err());
}

#[test]
fn what_is_no_team_is_said_and_nothing_panics() {
    for text in
        ["{}", "[]", "3", "\"x\"", "null", "[1]", "{\"provider\": 3}", "{\"provider\": \"x.Tool\"}", "{\"agents\": []}"]
    {
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(import(&value, "stem", &|_| true).is_err(), "{text}");
    }
}

proptest::proptest! {
    /// Whatever is cut out of a component, it is read without a panic and makes TOML.
    #[test]
    fn torn_components_are_read_as_far_as_they_go(cut in 0usize..400, which in 0usize..4) {
        let text = [
            include_str!("../../tests/import/round_robin.json"),
            include_str!("../../tests/import/selector.json"),
            include_str!("../../tests/import/graph.json"),
            include_str!("../../tests/import/swarm.json"),
        ][which];
        let mut value: Value = serde_json::from_str(text).unwrap();
        let mut left = cut;
        tear(&mut value, &mut left);
        for imported in import(&value, "stem", &|_| true).unwrap_or_default() {
            proptest::prop_assert!(imported.text.parse::<Table>().is_ok());
        }
    }
}

/// Replaces the n-th value in the tree by something else.
fn tear(value: &mut Value, left: &mut usize) {
    if *left == 0 {
        *value = serde_json::json!(["torn", 1, null]);
    }
    *left = left.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| tear(item, left)),
        Value::Object(map) => map.iter_mut().for_each(|(_, item)| tear(item, left)),
        _ => {}
    }
}
