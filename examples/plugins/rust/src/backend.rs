// SPDX-License-Identifier: Apache-2.0

//! A run backend that submits to a queue in a folder (../../README.md). Its handle is the name of
//! the job's files, so everything that is known of a job lies in the queue.

use crate::abi::{INVALID_ARGUMENT, UNIMPLEMENTED};
use crate::json::{quote, to_base64, Value};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const NOT_FOUND: i32 = 5;
const UNAVAILABLE: i32 = 14;
const PIECE_BYTES: usize = 65536;

/// Why a call fails; `code` is one of the ABI's.
pub struct Failure {
    pub code: i32,
    pub message: String,
    pub hint: String,
}

impl Failure {
    pub fn new(code: i32, message: &str, hint: &str) -> Failure {
        Failure { code, message: message.into(), hint: hint.into() }
    }
    /// The contract's Error message.
    pub fn to_json(&self) -> String {
        format!("{{\"message\":{},\"hint\":{}}}", quote(&self.message), quote(&self.hint))
    }
}

type Answer = Result<String, Failure>;

fn bad(message: &str) -> Failure {
    Failure::new(INVALID_ARGUMENT, message, "")
}

/// No state beyond the configuration, so calls may run at once.
pub struct Backend {
    spool: PathBuf,
}

impl Backend {
    /// Checks a configuration; no effect beyond its result.
    pub fn new(config: &[u8]) -> Result<Backend, Failure> {
        let spool = Value::parse(config).map_or(String::new(), |c| c.at("spool").text().into());
        if !spool.starts_with('/') {
            return Err(bad(
                "the configuration needs `spool`, the absolute path of the queue's folder",
            ));
        }
        Ok(Backend { spool: spool.into() })
    }

    /// Answers one method of the contract, in its JSON form.
    pub fn call(&self, method: &[u8], request: &[u8]) -> Answer {
        let json = Value::parse(request).ok_or_else(|| bad("the request is not JSON"))?;
        let handle = json.at("handle").text();
        match method {
            b"Submit" => self.submit(&json),
            b"Check" => self.check(handle),
            b"Cancel" => self.cancel(handle),
            b"Logs" => self.logs(handle, json.at("offset").int().unwrap_or(0)),
            _ => Err(Failure::new(
                UNIMPLEMENTED,
                "this backend has no such method",
                "it has Submit, Check, Cancel and Logs",
            )),
        }
    }

    /// NOT_FOUND when the key cannot be a file's name.
    fn path(&self, key: &str, suffix: &str) -> Result<PathBuf, Failure> {
        if key.is_empty() || key.starts_with('.') || key.contains('/') {
            return Err(Failure::new(NOT_FOUND, "the queue has no such job", ""));
        }
        Ok(self.spool.join(format!("{key}{suffix}")))
    }

    fn submit(&self, request: &Value) -> Answer {
        let key = file_name(request.at("idempotencyKey").text());
        let job = request.at("job");
        if *job == Value::Null || key.is_empty() {
            return Err(bad("cannot submit: the request has no job, or no idempotency key"));
        }
        appear(&self.path(&key, ".job")?, job.write().as_bytes())?;
        Ok(format!("{{\"handle\":{}}}", quote(&key)))
    }

    fn check(&self, handle: &str) -> Answer {
        match fs::read(self.path(handle, ".done")?) {
            Ok(text) => Ok(conclude(&Value::parse(&text).unwrap_or(Value::Null))),
            Err(_) if self.path(handle, ".job")?.exists() => {
                Ok(r#"{"state":"JOB_PENDING","detail":"in the queue"}"#.into())
            }
            Err(_) => Err(Failure::new(NOT_FOUND, "the queue has no such job", "")),
        }
    }

    fn cancel(&self, handle: &str) -> Answer {
        appear(&self.path(handle, ".cancel")?, b"")?;
        Ok("{}".into())
    }

    fn logs(&self, handle: &str, offset: i64) -> Answer {
        let from = u64::try_from(offset).map_err(|_| bad("the offset is negative"))?;
        let mut piece = vec![0; PIECE_BYTES];
        // Where there is no file, nothing was written yet.
        let size = File::open(self.path(handle, ".log")?)
            .and_then(|file| file.read_at(&mut piece, from))
            .unwrap_or(0);
        let data = to_base64(&piece[..size]);
        Ok(format!("{{\"data\":\"{data}\",\"nextOffset\":\"{}\"}}", from + size as u64))
    }
}

/// What the queue's worker left.
fn conclude(done: &Value) -> String {
    match done.at("rows").int() {
        Some(rows) if rows >= 0 => {
            return format!("{{\"state\":\"JOB_SUCCEEDED\",\"result\":{{\"rows\":\"{rows}\"}}}}");
        }
        _ if *done.at("cancelled") == Value::Bool(true) => {
            return r#"{"state":"JOB_CANCELLED"}"#.into();
        }
        _ => {}
    }
    let why = match done.at("error").text() {
        "" => "the queue left a result that cannot be read",
        text => text,
    };
    format!(
        "{{\"state\":\"JOB_FAILED\",\"findings\":[{{\"severity\":\"ERROR\",\"message\":{}}}]}}",
        quote(why)
    )
}

/// A file's name of a key that may hold anything.
fn file_name(key: &str) -> String {
    key.bytes()
        .map(|c| match c {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => (c as char).to_string(),
            _ => format!("_{c:02x}"),
        })
        .collect()
}

/// Writes a file that appears whole, or not at all; one that is there stays as it is.
fn appear(path: &Path, content: &[u8]) -> Result<(), Failure> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}.{number}", std::process::id()));
    let written = write_new(Path::new(&fresh), content).and_then(|_| fs::hard_link(&fresh, path));
    let _ = fs::remove_file(&fresh);
    match written {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(Failure::new(
            UNAVAILABLE,
            &format!("cannot write into the queue: {why}"),
            "look at the folder `spool`",
        )),
        _ => Ok(()),
    }
}

/// With mode 0600: a job holds a token.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
