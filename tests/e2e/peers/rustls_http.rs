// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//! HTTP inside rustls. Arguments: "serve", PORT, files with certificate and key; or "get", PORT, file of the authority
//! and paths, which it asks for on one connection. A server says {} when it listens.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::{env, fs, thread};

use rustls::{Certificate, ClientConfig, ClientConnection, PrivateKey, RootCertStore};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

fn open(path: &str) -> BufReader<fs::File> {
    BufReader::new(fs::File::open(path).unwrap())
}

fn certificates(path: &str) -> Vec<Certificate> {
    let all = rustls_pemfile::certs(&mut open(path)).unwrap();
    all.into_iter().map(Certificate).collect()
}

/// A message up to its empty line, and the length of its body; None at the end of the connection.
fn read_head(tls: &mut impl BufRead) -> Result<Option<usize>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if tls.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(Some(length));
        }
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().unwrap();
        }
    }
}

fn answer(config: Arc<ServerConfig>, socket: TcpStream) -> Result<()> {
    let connection = ServerConnection::new(config).unwrap();
    let mut tls = BufReader::new(StreamOwned::new(connection, socket));
    while read_head(&mut tls)?.is_some() {
        tls.get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer")?;
    }
    Ok(())
}

fn serve(port: &str, certificate: &str, key: &str) {
    let keys = rustls_pemfile::pkcs8_private_keys(&mut open(key)).unwrap();
    let config = ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(certificates(certificate), PrivateKey(keys[0].clone()))
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    println!("{{}}");
    for socket in listener.incoming() {
        let config = config.clone();
        thread::spawn(move || answer(config, socket.unwrap()));
    }
}

fn get(port: &str, authority: &str, paths: &[String]) -> Result<()> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority) {
        roots.add(&certificate).unwrap();
    }
    let config = ClientConfig::builder()
        .with_safe_defaults()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(format!("127.0.0.1:{port}"))?;
    let mut tls = BufReader::new(StreamOwned::new(connection, socket));
    for path in paths {
        write!(
            tls.get_mut(),
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )?;
        let length = read_head(&mut tls)?.expect("an answer");
        tls.read_exact(&mut vec![0; length])?;
    }
    Ok(())
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments[1].as_str() {
        "serve" => serve(&arguments[2], &arguments[3], &arguments[4]),
        _ => get(&arguments[2], &arguments[3], &arguments[4..]).unwrap(),
    }
}
