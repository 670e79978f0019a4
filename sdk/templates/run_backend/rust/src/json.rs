// SPDX-License-Identifier: Apache-2.0

//! As much JSON as a backend needs, and base64, without a crate beside the standard library.

use std::fmt::Write;

/// Deeper input is refused: parsing is recursive, and a stack has an end.
const DEPTH_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it was written: 64-bit numbers do not fit a double.
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value at a path of keys, "lease.directory"; Null when it is absent.
    pub fn at(&self, path: &str) -> &Value {
        path.split('.').fold(self, |value, key| match value {
            Value::Object(members) => {
                members.iter().find(|(name, _)| name == key).map_or(&Value::Null, |(_, v)| v)
            }
            _ => &Value::Null,
        })
    }
    /// "" for anything but a text.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            _ => "",
        }
    }
    /// Also one that stands as text: the contract's 64-bit numbers do.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Text(text) | Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }
    pub fn parse(bytes: &[u8]) -> Option<Value> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.skip();
        (parser.at == text.len()).then(|| value)
    }
    pub fn write(&self) -> String {
        match self {
            Value::Null => "null".into(),
            Value::Bool(yes) => yes.to_string(),
            Value::Number(digits) => digits.clone(),
            Value::Text(text) => quote(text),
            Value::List(list) => {
                let items: Vec<String> = list.iter().map(Value::write).collect();
                format!("[{}]", items.join(","))
            }
            Value::Object(members) => {
                let write = |(key, value): &(String, Value)| quote(key) + ":" + &value.write();
                format!("{{{}}}", members.iter().map(write).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// A text as a JSON string.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn skip(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    fn take(&mut self, token: &str) -> Option<()> {
        self.skip();
        self.text[self.at..].starts_with(token).then(|| self.at += token.len())
    }
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.skip();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'"' => Some(Value::Text(self.string()?)),
            b't' => self.take("true").map(|_| Value::Bool(true)),
            b'f' => self.take("false").map(|_| Value::Bool(false)),
            b'n' => self.take("null").map(|_| Value::Null),
            _ => self.number(),
        }
    }
    fn number(&mut self) -> Option<Value> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let digits = &self.text[from..self.at];
        digits.parse::<f64>().ok().map(|_| Value::Number(digits.into()))
    }
    fn list(&mut self, depth: usize) -> Option<Value> {
        self.take("[")?;
        let mut list = Vec::new();
        if self.take("]").is_some() {
            return Some(Value::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            if self.take("]").is_some() {
                return Some(Value::List(list));
            }
            self.take(",")?;
        }
    }
    fn object(&mut self, depth: usize) -> Option<Value> {
        self.take("{")?;
        let mut members = Vec::new();
        if self.take("}").is_some() {
            return Some(Value::Object(members));
        }
        loop {
            self.skip();
            let key = self.string()?;
            self.take(":")?;
            members.push((key, self.value(depth + 1)?));
            if self.take("}").is_some() {
                return Some(Value::Object(members));
            }
            self.take(",")?;
        }
    }
    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut out = String::new();
        loop {
            let c = self.text[self.at..].chars().next()?;
            self.at += c.len_utf8();
            match c {
                '"' => return Some(out),
                '\\' => out.push(self.escape()?),
                c => out.push(c),
            }
        }
    }
    fn escape(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        match c {
            b'"' | b'\\' | b'/' => Some(c as char),
            b'b' => Some('\u{8}'),
            b'f' => Some('\u{c}'),
            b'n' => Some('\n'),
            b'r' => Some('\r'),
            b't' => Some('\t'),
            b'u' => {
                let high = self.hex()?;
                if (0xD800..0xDC00).contains(&high) && self.text[self.at..].starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xDC00..0xE000).contains(&low) {
                        return char::from_u32(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00);
                    }
                    self.at = back;
                }
                Some(char::from_u32(high).unwrap_or('\u{FFFD}'))
            }
            _ => None,
        }
    }
    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `bytes` fields of the contract are base64 in JSON.
pub fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(*three.get(i).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= three.len() { digit } else { '=' });
        }
    }
    out
}

pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for c in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | DIGITS.iter().position(|&digit| digit == c)? as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let text = r#"{"a":[1,-2.5e3,{"b":null}],"c":"x\"\\é","d":true,"e":{},"f":[]}"#;
        assert_eq!(Value::parse(text.as_bytes()).unwrap().write(), text);
        assert_eq!(Value::parse(br#""\ud83d\ude00\n""#).unwrap().text(), "\u{1F600}\n");
        assert_eq!(Value::parse(br#""\ud83d""#).unwrap().text(), "\u{FFFD}");
    }

    #[test]
    fn refuses_what_is_none() {
        for wrong in ["", "{", "[1,]", "{\"a\"}", "\"", "\"\\x\"", "tru", "1 2", "{a:1}", "+"] {
            assert_eq!(Value::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(Value::parse("[".repeat(100_000).as_bytes()), None);
        assert_eq!(Value::parse(b"\"\xff\""), None);
    }

    #[test]
    fn base64_goes_there_and_back() {
        let bytes = b"\x00\xff\x10abcdef";
        for size in 0..=bytes.len() {
            assert_eq!(from_base64(&to_base64(&bytes[..size])).unwrap(), &bytes[..size]);
        }
        assert_eq!(to_base64(b"{\"rows\":3}"), "eyJyb3dzIjozfQ==");
        assert_eq!(from_base64("a*"), None);
    }
}
