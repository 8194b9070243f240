use super::*;
use crate::fence::Unfenced;
use crate::store::{Beside, Holder, LocalStore, Store};

fn who() -> Holder {
    Holder {
        user: "ada".into(),
        host: "build".into(),
        pid: 7,
        since: "2026-01-01T00:00:00Z".into(),
        command: "gosling apply".into(),
        pipeline: Some("https://gitlab.example.com/j/1".into()),
    }
}

async fn log(store: &LocalStore) -> Vec<String> {
    let (bytes, _) = store.beside(Beside::Audit).await.unwrap().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

async fn five() -> (tempfile::TempDir, LocalStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().join("state"), 3);
    for number in 1..=5 {
        let what = format!("deed {number}");
        write(
            &store,
            &who(),
            "2026-01-01T00:00:00Z",
            "a",
            Event::Noted { what },
            &Unfenced,
        )
        .await
        .unwrap();
    }
    (folder, store)
}

#[tokio::test]
async fn whatever_is_done_to_a_line_the_first_broken_one_is_named() {
    let (_folder, store) = five().await;
    let whole = log(&store).await;
    let check = |lines: &[String], head: Option<&str>| verify(lines.join("\n").as_bytes(), head);
    let good = check(&whole, None).unwrap();
    assert_eq!((good.lines, good.first), (5, 1));
    let mut edited = whole.clone();
    edited[2] = edited[2].replace("deed 3", "deed 4");
    assert_eq!(check(&edited, None), Err(Broken::Changed(3)));
    let mut removed = whole.clone();
    removed.remove(1);
    assert_eq!(check(&removed, None), Err(Broken::Missing { from: 2, after: 3 }));
    let mut reordered = whole.clone();
    reordered.swap(2, 3);
    assert_eq!(
        check(&reordered, None),
        Err(Broken::Missing { from: 3, after: 4 })
    );
    let mut doubled = whole.clone();
    doubled.insert(3, whole[1].clone());
    assert_eq!(check(&doubled, None), Err(Broken::Displaced(2)));
    // What is cut off at the end shows who has kept the head.
    let head = Some(good.head.as_str());
    assert_eq!(check(&whole[..4], None).unwrap().lines, 4);
    assert!(matches!(check(&whole[..4], head), Err(Broken::Headless(_))));
    let mut last = whole.clone();
    last[4] = last[4].replace("deed 5", "deed 6");
    assert!(matches!(check(&last, head), Err(Broken::Headless(_))));
    // What was cut at the start is seen by the first number.
    let rest = check(&whole[2..], head).unwrap();
    assert_eq!((rest.lines, rest.first), (3, 3));
    // A log goes on after what was kept.
    write(
        &store,
        &who(),
        "2026-01-01T00:00:00Z",
        "b",
        Event::Noted { what: "more".into() },
        &Unfenced,
    )
    .await
    .unwrap();
    assert_eq!(check(&log(&store).await, head).unwrap().lines, 6);
}

#[tokio::test]
async fn two_who_write_at_once_write_both_their_lines() {
    let (_folder, store) = five().await;
    let at = "2026-01-01T00:00:00Z";
    let (one, two) = (who(), who());
    let noted = |what: &str| Event::Noted { what: what.into() };
    let all = futures_util::future::join(
        write(&store, &one, at, "a", noted("one"), &Unfenced),
        write(&store, &two, at, "b", noted("two"), &Unfenced),
    );
    let (one, two) = all.await;
    one.unwrap();
    two.unwrap();
    let lines = log(&store).await;
    assert_eq!(verify(lines.join("\n").as_bytes(), None).unwrap().lines, 7);
}

#[tokio::test]
async fn a_run_without_an_end_is_found_by_the_next() {
    let (_folder, store) = five().await;
    let at = "2026-01-01T00:00:00Z";
    let began = |epoch| Event::Began {
        epoch,
        serial: 1,
        plan: None,
        planned: None,
        during_freeze: None,
    };
    let ended = Event::Ended {
        result: Ending::Done,
        serial: Some(2),
        done: 1,
        failed: 0,
    };
    for (run, event) in [("x", began(3)), ("y", began(4)), ("y", ended), ("z", began(5))] {
        write(&store, &who(), at, run, event, &Unfenced).await.unwrap();
    }
    assert_eq!(cut_off(&store, 5).await.unwrap(), ["x"]);
}

/// A store whose latest part was written up to this line, and what it did before was put away.
async fn up_to(store: &LocalStore, last: u64) {
    for _ in 0..2 {
        // The last two of each part by `write`, those before at once.
        let whole = read(store).await.unwrap();
        let from = lines(&whole).len() as u64;
        let full = (from / parts::PART + 1) * parts::PART;
        let now = store.beside(Beside::Audit).await.unwrap();
        let (mut bytes, version) = now.map_or((Vec::new(), None), |(bytes, version)| (bytes, Some(version)));
        let mut previous = verify(&whole, None).unwrap().head;
        for number in from + 1..=full.min(last) {
            let line = Line {
                number,
                at: "2026-01-01T00:00:00Z".to_owned(),
                run: "a".to_owned(),
                by: "ada@build".to_owned(),
                command: "gosling apply".to_owned(),
                pipeline: None,
                event: Event::Noted {
                    what: format!("deed {number}"),
                },
                previous,
            };
            let raw = serde_json::to_vec(&line).unwrap();
            previous = digest(&raw);
            bytes.extend(raw);
            bytes.push(b'\n');
        }
        store
            .put_beside(Beside::Audit, version.as_ref(), &bytes, &Unfenced)
            .await
            .unwrap();
        if full >= last {
            return;
        }
        note(store, "the first of the next part").await.unwrap();
    }
}

async fn note(store: &LocalStore, what: &str) -> Result<(), AuditError> {
    let event = Event::Noted { what: what.into() };
    write(store, &who(), "2026-01-01T00:00:00Z", "a", event, &Unfenced).await
}

/// Replaces a part, or takes it away.
fn put(folder: &tempfile::TempDir, part: u64, text: Option<&str>) {
    let path = folder
        .path()
        .join("state")
        .join(&*Beside::AuditPart(part).file_name());
    match text {
        Some(text) => std::fs::write(path, text).unwrap(),
        None => std::fs::remove_file(path).unwrap(),
    }
}

#[tokio::test]
async fn the_chain_goes_through_all_parts_and_what_is_done_to_one_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().join("state"), 3);
    let last = parts::PART * 2;
    up_to(&store, last).await;
    for what in ["one more", "and one"] {
        note(&store, what).await.unwrap();
    }
    // What is read and replaced to add a line stays small.
    assert_eq!(log(&store).await.len(), 2);
    assert_eq!(
        parts(&store).await.unwrap(),
        [Beside::AuditPart(0), Beside::AuditPart(1)]
    );
    let check = async |head: Option<&str>| verify(&read(&store).await.unwrap(), head);
    let good = check(None).await.unwrap();
    assert_eq!((good.lines as u64, good.first), (last + 2, 1));
    let text = async |part| {
        let (bytes, _) = store.beside(Beside::AuditPart(part)).await.unwrap().unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let (first, second) = (text(0).await, text(1).await);
    // A line is edited in the middle, and the last one of a part.
    for line in [7, parts::PART] {
        let edited = first.replace(&format!("\"deed {line}\""), "\"nothing\"");
        assert_ne!(edited, first);
        put(&folder, 0, Some(&edited));
        assert_eq!(check(None).await, Err(Broken::Changed(line)));
    }
    // The two change places.
    put(&folder, 0, Some(&second));
    put(&folder, 1, Some(&first));
    assert_eq!(check(None).await, Err(Broken::Displaced(1)));
    put(&folder, 0, Some(&first));
    // One is taken away: between others it is missed; the first is said to be cut.
    put(&folder, 1, None);
    let missing = Broken::Missing {
        from: parts::PART + 1,
        after: last + 1,
    };
    assert_eq!(check(None).await, Err(missing));
    put(&folder, 1, Some(&second));
    put(&folder, 0, None);
    let rest = check(Some(&good.head)).await.unwrap();
    assert_eq!(
        (rest.lines as u64, rest.first),
        (parts::PART + 2, parts::PART + 1)
    );
    put(&folder, 0, Some(&first));
    // The latest part is as it was earlier, or not there: a part that is put away tells of it, or whoever kept the head.
    let latest = folder.path().join("state").join("audit.jsonl");
    let whole = std::fs::read(&latest).unwrap();
    std::fs::write(&latest, second.lines().next().unwrap()).unwrap();
    assert_eq!(check(None).await, Err(Broken::Displaced(parts::PART + 1)));
    std::fs::remove_file(&latest).unwrap();
    assert!(matches!(check(Some(&good.head)).await, Err(Broken::Headless(_))));
    note(&store, "goes on").await.unwrap();
    assert_eq!(check(None).await.unwrap().lines as u64, last + 1);
    std::fs::write(&latest, whole).unwrap();
    assert_eq!(check(Some(&good.head)).await, Ok(good));
}

#[tokio::test]
async fn whoever_is_stopped_while_a_part_is_put_away_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().join("state"), 3);
    up_to(&store, parts::PART).await;
    let (full, _) = store.beside(Beside::Audit).await.unwrap().unwrap();
    // Put away, and not yet replaced.
    store
        .put_beside(Beside::AuditPart(0), None, &full, &Unfenced)
        .await
        .unwrap();
    let lines = async || verify(&read(&store).await.unwrap(), None).unwrap().lines as u64;
    assert_eq!(lines().await, parts::PART);
    // Two go on at once.
    let (one, other) = futures_util::future::join(note(&store, "one"), note(&store, "other")).await;
    one.unwrap();
    other.unwrap();
    assert_eq!(lines().await, parts::PART + 2);
}

#[tokio::test]
async fn a_part_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().join("state"), 3);
    up_to(&store, parts::PART).await;
    put(&folder, 0, Some("of somebody else\n"));
    let refused = note(&store, "more").await.unwrap_err();
    assert!(refused.to_string().contains("audit-000001.jsonl"), "{refused}");
    put(&folder, 0, None);
    note(&store, "more").await.unwrap();
}

#[tokio::test]
async fn a_run_that_began_in_the_part_before_and_was_cut_off_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().join("state"), 3);
    up_to(&store, parts::PART - 1).await;
    let began = Event::Began {
        epoch: 3,
        serial: 1,
        plan: None,
        planned: None,
        during_freeze: None,
    };
    write(&store, &who(), "2026-01-01T00:00:00Z", "x", began, &Unfenced)
        .await
        .unwrap();
    note(&store, "a freeze").await.unwrap();
    assert_eq!(log(&store).await.len(), 1);
    assert_eq!(cut_off(&store, 4).await.unwrap(), ["x"]);
}
