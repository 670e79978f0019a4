// SPDX-License-Identifier: Apache-2.0

//! A run backend whose jobs are processes on this machine. Submit describes one, and the host
//! launches it, stops it and keeps its logs: it outlives this plugin and the daemon. Check says what
//! became of it. Nothing is kept here, so a restart loses nothing.
//!
//! The process is `/bin/sh -c COMMAND`, COMMAND from the configuration. It finds in its environment
//!   JOB_DIRECTORY  a folder of its own
//!   JOB_FILE       job.json in it: the Job message. 0600, for it holds the catalog's token
//!   RESULT_FILE    where it writes {"rows": 3, "snapshotId": "17"} before it exits with 0

use crate::abi::{INVALID_ARGUMENT, UNIMPLEMENTED};
use crate::json::{from_base64, quote, to_base64, Value};

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
    command: String,
}

impl Backend {
    /// Checks a configuration; no effect beyond its result.
    pub fn new(config: &[u8]) -> Result<Backend, Failure> {
        let command = Value::parse(config).map_or(String::new(), |c| c.at("command").text().into());
        if command.is_empty() {
            return Err(bad("the configuration needs `command`, a shell command that runs a job"));
        }
        Ok(Backend { command })
    }

    /// Answers one method of the contract, in its JSON form.
    pub fn call(&self, method: &[u8], request: &[u8]) -> Answer {
        let json = Value::parse(request).ok_or_else(|| bad("the request is not JSON"))?;
        match method {
            b"Submit" => self.submit(&json),
            b"Check" => check(&json),
            _ => Err(Failure::new(
                UNIMPLEMENTED,
                "this backend has no such method",
                "it has Submit and Check",
            )),
        }
    }

    fn submit(&self, request: &Value) -> Answer {
        let job = request.at("job");
        let folder = request.at("lease.directory").text();
        if *job == Value::Null || !folder.starts_with('/') {
            return Err(bad("cannot submit: the request has no job, or no lease with a folder"));
        }
        Ok(format!(
            "{{\"process\":{{\"argv\":[\"/bin/sh\",\"-c\",{}],\"env\":{{\"JOB_DIRECTORY\":{},\
             \"JOB_FILE\":{},\"RESULT_FILE\":{},\"PATH\":\"/usr/local/bin:/usr/bin:/bin\",\
             \"LANG\":\"C.UTF-8\"}},\"files\":[{{\"path\":\"job.json\",\"content\":\"{}\"}}],\
             \"stdoutFile\":\"output\",\"stderrFile\":\"output\",\
             \"resultFile\":\"result.json\",\"stopGraceMs\":\"5000\"}}}}",
            quote(&self.command),
            quote(folder),
            quote(&format!("{folder}/job.json")),
            quote(&format!("{folder}/result.json")),
            to_base64(job.write().as_bytes()),
        ))
    }
}

fn failed(message: &str, hint: &str, retryable: bool) -> Answer {
    let (message, hint) = (quote(message), quote(hint));
    Ok(format!(
        "{{\"state\":\"JOB_FAILED\",\"detail\":{message},\"retryable\":{retryable},\
         \"findings\":[{{\"severity\":\"ERROR\",\"message\":{message},\"hint\":{hint}}}]}}"
    ))
}

/// A process that has ended with 0.
fn succeeded(process: &Value) -> Answer {
    let result = from_base64(process.at("result").text()).and_then(|bytes| Value::parse(&bytes));
    let result = result.unwrap_or(Value::Null);
    match result.at("rows").int() {
        Some(rows) => Ok(format!(
            "{{\"state\":\"JOB_SUCCEEDED\",\"result\":{{\"rows\":\"{rows}\",\"snapshotId\":\"{}\"}}}}",
            result.at("snapshotId").int().unwrap_or(0)
        )),
        None => failed(
            "the command ended well and left no result with `rows`",
            "let it write {\"rows\": N} to $RESULT_FILE",
            false,
        ),
    }
}

fn check(request: &Value) -> Answer {
    let process = request.at("process");
    let exit_code = process.at("exitCode").int().unwrap_or(0);
    let signal = process.at("signal").int().unwrap_or(0);
    match process.at("phase").text() {
        "RUNNING" => Ok(r#"{"state":"JOB_RUNNING","detail":"the command runs"}"#.into()),
        "EXITED" if exit_code == 0 && signal == 0 => succeeded(process),
        "EXITED" | "LOST" if *process.at("cancelRequested") == Value::Bool(true) => {
            Ok(r#"{"state":"JOB_CANCELLED","detail":"the command was stopped"}"#.into())
        }
        "LOST" => failed("the command is gone and left no exit status", "run it again", true),
        "EXITED" => {
            let how = match signal {
                0 => format!("the command ended with {exit_code}"),
                _ => format!("signal {signal} ended the command"),
            };
            failed(&how, "`pretzel run logs` shows what it wrote", false)
        }
        _ => Err(bad("cannot check: no known process")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::OK;

    fn expect(method: &str, request: &str, code: i32, text: &str) {
        let backend = Backend::new(br#"{"command":"exit 0"}"#).ok().unwrap();
        let (got, said) = match backend.call(method.as_bytes(), request.as_bytes()) {
            Ok(answer) => (OK, answer),
            Err(why) => (why.code, why.to_json()),
        };
        assert!(got == code && said.contains(text), "{method} {request}: {got}, {said}");
        assert!(Value::parse(said.as_bytes()).is_some(), "{said}");
    }

    #[test]
    fn needs_a_command() {
        for wrong in ["", "{}", r#"{"command":7}"#, r#"{"command":""}"#] {
            assert!(Backend::new(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn submits_a_process() {
        let request =
            r#"{"job":{"table":"prod.a.b","sql":"SELECT 1"},"lease":{"directory":"/jobs/1"}}"#;
        expect("Submit", request, OK, r#""argv":["/bin/sh","-c","exit 0"]"#);
        expect("Submit", request, OK, r#""JOB_FILE":"/jobs/1/job.json""#);
        expect("Submit", "{}", INVALID_ARGUMENT, "no job");
    }

    #[test]
    fn checks_a_process() {
        expect("Check", r#"{"process":{"phase":"RUNNING"}}"#, OK, "JOB_RUNNING");
        // {"rows":3}
        let good = r#"{"process":{"phase":"EXITED","result":"eyJyb3dzIjozfQ=="}}"#;
        expect("Check", good, OK, r#""rows":"3""#);
        expect("Check", r#"{"process":{"phase":"EXITED"}}"#, OK, "JOB_FAILED");
        expect("Check", r#"{"process":{"phase":"EXITED","exitCode":4}}"#, OK, "ended with 4");
        let stopped = r#"{"process":{"phase":"EXITED","signal":15,"cancelRequested":true}}"#;
        expect("Check", stopped, OK, "JOB_CANCELLED");
        expect("Check", r#"{"process":{"phase":"LOST"}}"#, OK, r#""retryable":true"#);
        expect("Check", "{}", INVALID_ARGUMENT, "process");
        expect("Polish", "{}", UNIMPLEMENTED, "Submit and Check");
    }
}
