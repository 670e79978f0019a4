// SPDX-License-Identifier: Apache-2.0

// A run backend that submits to a queue in a folder (../README.md). Its handle is the name of the
// job's files, so everything that is known of a job lies in the queue.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	codeNotFound    = 5
	codeUnavailable = 14
	pieceBytes      = 65536
)

// Backend holds the configuration of one instance; several calls may run at once.
type Backend struct {
	Spool string `json:"spool"`
}

type object = map[string]any

func bad(message string) *Error { return &Error{codeInvalidArgument, message, ""} }

// NewBackend checks a configuration and has no effect beyond its result.
func NewBackend(config []byte) (*Backend, *Error) {
	backend := &Backend{}
	if json.Unmarshal(config, backend) != nil || !filepath.IsAbs(backend.Spool) {
		return nil, bad("the configuration needs `spool`, the absolute path of the queue's folder")
	}
	return backend, nil
}

// Call answers one method of the contract, in its JSON form.
func (b *Backend) Call(method string, request []byte) ([]byte, *Error) {
	var message struct {
		Job            json.RawMessage `json:"job"`
		IdempotencyKey string          `json:"idempotencyKey"`
		Handle         string          `json:"handle"`
		Offset         int64           `json:"offset,string"`
	}
	if err := json.Unmarshal(request, &message); err != nil {
		return nil, bad("the request cannot be read: " + err.Error())
	}
	switch method {
	case "Submit":
		return b.submit(message.Job, message.IdempotencyKey)
	case "Check":
		return b.check(message.Handle)
	case "Cancel":
		return b.cancel(message.Handle)
	case "Logs":
		return b.logs(message.Handle, message.Offset)
	}
	return nil, &Error{codeUnimplemented, "this backend has no such method", "it has Submit, Check, Cancel and Logs"}
}

func answer(body object) ([]byte, *Error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, &Error{codeInternal, "cannot write the answer: " + err.Error(), ""}
	}
	return text, nil
}

// path is empty when the key cannot be a file's name.
func (b *Backend) path(key, suffix string) string {
	if key == "" || key[0] == '.' || strings.Contains(key, "/") {
		return ""
	}
	return filepath.Join(b.Spool, key+suffix)
}

// appear writes a file that appears whole, or not at all; one that is there stays as it is.
func appear(path string, content []byte) *Error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".") // 0600: a job holds a token
	if err == nil {
		defer os.Remove(file.Name())
		if _, err = file.Write(content); err == nil {
			err = file.Sync()
		}
		if closed := file.Close(); err == nil {
			err = closed
		}
	}
	if err == nil {
		err = os.Link(file.Name(), path)
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return &Error{codeUnavailable, "cannot write into the queue: " + err.Error(), "look at the folder `spool`"}
}

// fileName makes a file's name of a key that may hold anything.
func fileName(key string) string {
	var name strings.Builder
	for _, c := range []byte(key) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			name.WriteByte(c)
		} else {
			fmt.Fprintf(&name, "_%02x", c)
		}
	}
	return name.String()
}

func (b *Backend) submit(job []byte, key string) ([]byte, *Error) {
	name := fileName(key)
	if len(job) == 0 || name == "" {
		return nil, bad("cannot submit: the request has no job, or no idempotency key")
	}
	if failure := appear(b.path(name, ".job"), job); failure != nil {
		return nil, failure
	}
	return answer(object{"handle": name})
}

func (b *Backend) check(handle string) ([]byte, *Error) {
	text, err := os.ReadFile(b.path(handle, ".done"))
	if err != nil {
		if _, missing := os.Stat(b.path(handle, ".job")); missing != nil {
			return nil, &Error{codeNotFound, "the queue has no such job", ""}
		}
		return answer(object{"state": "JOB_PENDING", "detail": "in the queue"})
	}
	done := struct {
		Rows      *int64 `json:"rows"`
		Cancelled bool   `json:"cancelled"`
		Error     string `json:"error"`
	}{Error: "the queue left a result that cannot be read"}
	if json.Unmarshal(text, &done) == nil && done.Rows != nil && *done.Rows >= 0 {
		return answer(object{"state": "JOB_SUCCEEDED", "result": object{"rows": fmt.Sprint(*done.Rows)}})
	}
	if done.Cancelled {
		return answer(object{"state": "JOB_CANCELLED"})
	}
	return answer(object{"state": "JOB_FAILED", "findings": []object{{"severity": "ERROR", "message": done.Error}}})
}

func (b *Backend) cancel(handle string) ([]byte, *Error) {
	path := b.path(handle, ".cancel")
	if path == "" {
		return nil, bad("there is no such handle")
	}
	if failure := appear(path, nil); failure != nil {
		return nil, failure
	}
	return answer(object{})
}

func (b *Backend) logs(handle string, offset int64) ([]byte, *Error) {
	if offset < 0 {
		return nil, bad("the offset is negative")
	}
	piece := make([]byte, pieceBytes)
	size := 0
	if file, err := os.Open(b.path(handle, ".log")); err == nil { // else nothing was written yet
		defer file.Close()
		size, _ = file.ReadAt(piece, offset)
	}
	return answer(object{"data": piece[:size], "nextOffset": fmt.Sprint(offset + int64(size))})
}
