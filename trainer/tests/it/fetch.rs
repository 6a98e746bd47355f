//! Fetching a data set from a server on this machine: good ones, bad ones, and ones that never end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use trimtab_trainer::fetch::{Error, Published, fetch};
use trimtab_trainer::signals::Stop;

/// Two files: `hello, world` and 200,000 zeros.
const FILES: [Published; 2] = [
    Published {
        name: "greeting",
        bytes: 12,
        sha256: "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b",
    },
    Published {
        name: "zeros",
        bytes: 200_000,
        sha256: "4cbbd9be0cba685835755f827758705db5a413c5494c34262cd25946a73e7582",
    },
];

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A server that gives each connection to `answer`, with the path that is asked for; its address.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            // The request ends with an empty line; it has no body.
            assert!(lines.by_ref().any(|line| line.unwrap().is_empty()));
            answer(first.split(' ').nth(1).unwrap(), &mut stream);
        }
    });
    address
}

fn send(stream: &mut TcpStream, status: &str, header: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{header}\r\n");
    // Whoever has seen enough hangs up.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn send_whole(stream: &mut TcpStream, body: &[u8]) {
    send(stream, "200 OK", &format!("Content-Length: {}\r\n", body.len()), body);
}

/// Serves the good files, and for `greeting` what `answer` gives.
fn server(answer: impl Fn(&mut TcpStream) + Send + 'static) -> String {
    serve(move |path, stream| match path {
        "/set/greeting.gz" => answer(stream),
        "/set/zeros.gz" => send_whole(stream, &gzip(&[0; 200_000])),
        _ => send(stream, "404 Not Found", "Content-Length: 0\r\n", b""),
    }) + "/set/"
}

fn good(stream: &mut TcpStream) {
    send_whole(stream, &gzip(b"hello, world"));
}

fn fetched(source: &str, folder: &Path, stop: &Stop) -> (Result<bool, Error>, String) {
    let mut out = Vec::new();
    let result = fetch(source, folder, &FILES, &mut out, stop);
    (result, String::from_utf8(out).unwrap())
}

#[test]
fn what_is_lacking_is_fetched_and_what_is_there_is_left_alone() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/b");
    let source = server(good);
    let (result, said) = fetched(&source, &folder, &Stop::default());
    assert!(result.unwrap());
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.starts_with(&format!("# fetched greeting.gz into {}, ", folder.display())), "{said}");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["greeting.gz", "zeros.gz"]);
    assert_eq!(fs::read(folder.join("greeting.gz")).unwrap(), gzip(b"hello, world"));

    // A plain file is as good as a compressed one, and one that is there is not asked for again.
    fs::rename(folder.join("greeting.gz"), folder.join("greeting")).unwrap();
    let nobody = "http://127.0.0.1:1";
    let (result, said) = fetched(nobody, &folder, &Stop::default());
    assert!(result.unwrap() && said.is_empty(), "{said}");
}

#[test]
fn redirections_and_pieces_are_followed() {
    let folder = TempDir::new().unwrap();
    let target = server(good);
    let source = serve(move |path, stream| {
        let header = format!("Location: {}{path}\r\nContent-Length: 0\r\n", target.trim_end_matches('/'));
        send(stream, "302 Found", &header, b"");
    });
    let pieces = server(|stream| {
        let body = gzip(b"hello, world");
        let mut chunks = Vec::new();
        for piece in body.chunks(7) {
            chunks.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            chunks.extend_from_slice(piece);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\n\r\n");
        send(stream, "200 OK", "Transfer-Encoding: chunked\r\n", &chunks);
    });
    for source in [source, pieces] {
        let (result, _) = fetched(&source, &folder.path().join("x"), &Stop::default());
        assert!(result.unwrap());
        fs::remove_dir_all(folder.path().join("x")).unwrap();
    }
}

#[test]
fn what_is_not_the_file_is_refused_and_leaves_nothing() {
    type Answer = fn(&mut TcpStream);
    let cases: [(Answer, &str); 8] = [
        (|stream| send(stream, "404 Not Found", "Content-Length: 0\r\n", b""), "http status: 404"),
        (|stream| send(stream, "500 Oh", "Content-Length: 0\r\n", b""), "http status: 500"),
        (|stream| send(stream, "200 OK", "Content-Length: 900\r\n", &gzip(b"hello, world")), "cannot fetch"),
        (|_| (), "cannot fetch"),
        (|stream| send_whole(stream, b"<html>not here</html>"), "expected data compressed with gzip, found"),
        (|stream| send_whole(stream, &gzip(b"hello, moon!")), "expected the SHA-256 09ca7e4e"),
        (|stream| send_whole(stream, &gzip(b"hello")), "expected 12 bytes in it, found 5"),
        (|stream| send_whole(stream, &gzip(&[0; 1 << 16])), "expected 12 bytes in it, found more"),
    ];
    for (answer, expected) in cases {
        let folder = TempDir::new().unwrap();
        let (result, _) = fetched(&server(answer), folder.path(), &Stop::default());
        let error = result.unwrap_err().to_string();
        assert!(error.contains("/set/greeting.gz") && error.contains(expected), "{expected}: {error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{expected}");
    }
}

#[test]
fn a_server_that_never_ends_is_left() {
    let folder = TempDir::new().unwrap();
    let source = server(|stream| {
        send(stream, "200 OK", "", b"");
        while stream.write_all(&[7; 1 << 12]).is_ok() {}
    });
    let (result, _) = fetched(&source, folder.path(), &Stop::default());
    assert!(result.unwrap_err().to_string().ends_with("expected at most 1036 bytes, found more"));
}

#[test]
fn one_that_is_told_to_stop_keeps_nothing() {
    let folder = TempDir::new().unwrap();
    let stop = Stop::default();
    stop.request(15);
    let (result, _) = fetched(&server(good), folder.path(), &stop);
    assert!(!result.unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn trainer(words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab-trainer"));
    command.env_clear().args(words).envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn the_program_fetches_the_real_files_only() {
    let folder = TempDir::new().unwrap();
    let into = format!("--into={}", folder.path().display());
    let source = server(good);
    let output = trainer(&["fetch", &into, &format!("--source={source}")], &[]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("/set/train-images-idx3-ubyte.gz: http status: 404"), "{error}");
    let other = serve(|_, stream| send_whole(stream, &gzip(&[0; 47_040_016])));
    let output = trainer(&["fetch", &into], &[("TRAINER_SOURCE", &other)]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("expected the SHA-256 c59f468a"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
