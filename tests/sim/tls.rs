//! TLS: a client that trusts the certificate gets through, and one that does not is stopped.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tapescan::sim::{Exchange, Fault, SimConfig};

use super::config;

fn get(exchange: &Exchange, trusted: &[u8], path: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(trusted.to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(exchange.addr())?;
    let mut tls = StreamOwned::new(connection, tcp);
    write!(tls, "GET {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    tls.read_to_string(&mut text)?;
    Ok(text)
}

fn secure(faults: &[&str]) -> Exchange {
    let faults = faults.iter().map(|text| Fault::parse(text).unwrap()).collect();
    Exchange::start(SimConfig { tls: true, faults, ..config(1.0) }).unwrap()
}

#[test]
fn only_those_who_trust_the_certificate_get_an_answer() {
    let (exchange, other) = (secure(&[]), secure(&[]));
    let (der, pem) = exchange.certificate().unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let answer = get(&exchange, der, "/api/v3/ping").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{}"), "{answer}");
    let wrong = get(&exchange, other.certificate().unwrap().0, "/api/v3/ping").unwrap_err();
    assert!(wrong.to_string().contains("invalid peer certificate"), "{wrong}");
}

#[test]
fn handshakes_fail_on_demand() {
    let exchange = secure(&["tls-failure"]);
    let error = get(&exchange, exchange.certificate().unwrap().0, "/api/v3/ping").unwrap_err();
    assert!(error.to_string().contains("InternalError"), "{error}");
}
