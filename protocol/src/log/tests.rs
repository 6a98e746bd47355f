use super::*;

fn parser(names: &[&str]) -> Parser {
    Parser::new(&Metrics { fidelity_key: None, names: names.iter().map(|name| (*name).to_owned()).collect() })
}

/// Lines that are made to be looked at again and again.
fn hostile_lines() -> Vec<Vec<u8>> {
    let repeat = |text: &str| text.as_bytes().repeat(CAP / text.len());
    let mut lines: Vec<Vec<u8>> = [
        "=",
        ":",
        " =",
        "loss=",
        "loss = ",
        "'loss' = ",
        "'",
        "\"",
        "epoch ",
        "epoch=1 ",
        "[",
        "{",
        "{\"a\":",
        "\r",
        "\x08",
        "\x1b[",
        "\x1b]",
        "a's b: 1 ",
        "1/1 ",
        "100%|",
        "━",
        "0.0",
        "1e1",
        "tensor(",
        ",1",
        "loss=1,",
        "all 1 ",
        "\\u",
        " ",
        "\t",
        "loss=1\r",
        "Epoch 1: 100%|#| 1/1 [loss=1]\r",
    ]
    .iter()
    .map(|text| repeat(text))
    .collect();
    lines.push([b"{\"loss\": \"".as_slice(), &repeat("\\")].concat());
    lines.push([b"loss=".as_slice(), &repeat("1")].concat());
    lines.push([b"loss=".as_slice(), &repeat(" ")].concat());
    lines.push([&repeat("x"), b"=1".as_slice()].concat());
    lines.push([b"loss=0.".as_slice(), &repeat("123456789")].concat());
    lines
}

#[test]
fn steps_grow_with_the_line_and_no_faster() {
    let mut parser = parser(&["loss"]);
    for line in hostile_lines() {
        steps::take();
        parser.parse(&line);
        let steps = steps::take();
        assert!(steps <= 12 * CAP, "{steps} steps on {:?}", String::from_utf8_lossy(&line[..40.min(line.len())]));
    }
}

#[test]
fn line_above_the_cap_is_cut_at_a_word_and_says_so() {
    let mut line = b"loss=0.5 ".to_vec();
    line.resize(CAP - 6, b'x');
    line.extend_from_slice(b" acc=0.123456789");
    let report = parser(&["loss", "acc"]).parse(&line);
    assert!(report.cut);
    assert_eq!(report.reports.len(), 1);
}

#[test]
fn values_of_a_line_are_bounded() {
    let report = parser(&["a"]).parse("a=1 ".repeat(VALUES + 5).as_bytes());
    assert_eq!((report.reports.len(), report.cut), (VALUES, true));
}

#[test]
fn deep_objects_are_no_objects() {
    let nested = |depth: usize| {
        format!(
            "{}\"loss\":1{}",
            "{\"a\":".repeat(depth - 1).replacen("{\"a\":", "{\"loss\":2,\"a\":", 1) + "{",
            "}".repeat(depth)
        )
    };
    let mut parser = parser(&["loss"]);
    assert_eq!(parser.parse(nested(DEPTH).as_bytes()).reports.len(), 1);
    // One level more, and the line is read as text, in which every pair counts.
    assert_eq!(parser.parse(nested(DEPTH + 1).as_bytes()).reports.len(), 2);
    parser.parse("{\"a\":[".repeat(10_000).as_bytes());
}

#[test]
fn long_names_are_no_names() {
    let name = "n".repeat(NAME_BYTES);
    let longer = "n".repeat(NAME_BYTES + 1);
    let mut parser = parser(&[&name, &longer]);
    assert_eq!(parser.parse(format!("{name}=1 {longer}=2").as_bytes()).reports.len(), 1);
}

#[test]
fn memory_takes_up_where_it_was_put_down() {
    let lines = [
        "epoch=3",
        "loss=0.5",
        "Epoch 4: 100%|#| 2/2 [loss=0.4]",
        "      Epoch    GPU_mem   loss",
        "5/9 0G 0.3",
        "loss=0.2",
    ];
    let metrics = Metrics { fidelity_key: None, names: ["loss".to_owned()].into() };
    for stop in 0..lines.len() {
        let mut whole = Parser::new(&metrics);
        let mut expected: Vec<LineReport> = Vec::new();
        for line in lines {
            expected.push(whole.parse(line.as_bytes()));
        }
        let mut first = Parser::new(&metrics);
        let mut found: Vec<LineReport> = lines[..stop].iter().map(|line| first.parse(line.as_bytes())).collect();
        let mut second = Parser::recall(&metrics, first.memory());
        found.extend(lines[stop..].iter().map(|line| second.parse(line.as_bytes())));
        assert_eq!(found, expected);
        assert_eq!(second.memory(), whole.memory());
    }
}
