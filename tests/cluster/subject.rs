//! What the tests run in pods: a program that does the one thing its arguments name.
//! It is compiled by `rustc` alone, linked statically, and packed as an image.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["train", epochs, milliseconds] => train(number(epochs), number(milliseconds)),
        ["exit", code] => std::process::exit(number(code) as i32),
        ["eat", mebibytes] => eat(number(mebibytes)),
        ["flood", lines] => (0..number(lines)).for_each(|line| println!("{line:080}")),
        ["write", path, text] => std::fs::write(path, text).unwrap(),
        ["read", path] => println!("{}", std::fs::read_to_string(path).unwrap()),
        ["reach-api"] => reach_api(),
        ["answer", port] => answer(number(port) as u16),
        _ => panic!("no such task: {words:?}"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn train(epochs: u64, milliseconds: u64) {
    for epoch in 1..=epochs {
        println!("epoch={epoch} accuracy=0.{epoch}");
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
}

/// Takes memory, and touches it, so that it is really there.
fn eat(mebibytes: u64) {
    let mut eaten = Vec::new();
    for _ in 0..mebibytes {
        eaten.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&eaten);
    }
}

fn reach_api() {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").unwrap();
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap();
    TcpStream::connect(format!("{host}:{port}")).unwrap();
    println!("reached");
}

fn answer(port: u16) {
    let (mut stream, _) = TcpListener::bind(("0.0.0.0", port)).unwrap().accept().unwrap();
    let mut question = [0; 4];
    stream.read_exact(&mut question).unwrap();
    stream.write_all(b"pong").unwrap();
}
