// SPDX-License-Identifier: Apache-2.0

// A run backend whose jobs are processes on this machine. Submit describes one, and the host
// launches it, stops it and keeps its logs: it outlives this plugin and the daemon. Check says what
// became of it. Nothing is kept here, so a restart loses nothing.
//
// The process is `/bin/sh -c COMMAND`, COMMAND from the configuration. It finds in its environment
//
//	JOB_DIRECTORY  a folder of its own
//	JOB_FILE       job.json in it: the Job message. 0600, for it holds the catalog's token
//	RESULT_FILE    where it writes {"rows": 3, "snapshotId": "17"} before it exits with 0
package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Backend holds the configuration of one instance; several calls may run at once.
type Backend struct {
	Command string `json:"command"`
}

type object = map[string]any

func bad(message string) *Error { return &Error{codeInvalidArgument, message, ""} }

// NewBackend checks a configuration and has no effect beyond its result.
func NewBackend(config []byte) (*Backend, *Error) {
	backend := &Backend{}
	if json.Unmarshal(config, backend) != nil || backend.Command == "" {
		return nil, bad("the configuration needs `command`, a shell command that runs a job")
	}
	return backend, nil
}

// Call answers one method of the contract, in its JSON form.
func (b *Backend) Call(method string, request []byte) ([]byte, *Error) {
	switch method {
	case "Submit":
		return b.submit(request)
	case "Check":
		return check(request)
	}
	return nil, &Error{codeUnimplemented, "this backend has no such method", "it has Submit and Check"}
}

func answer(body object) ([]byte, *Error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, &Error{codeInternal, "cannot write the answer: " + err.Error(), ""}
	}
	return text, nil
}

func (b *Backend) submit(request []byte) ([]byte, *Error) {
	var message struct {
		Job   json.RawMessage `json:"job"`
		Lease struct {
			Directory string `json:"directory"`
		} `json:"lease"`
	}
	folder := ""
	if json.Unmarshal(request, &message) == nil {
		folder = message.Lease.Directory
	}
	if len(message.Job) == 0 || !strings.HasPrefix(folder, "/") {
		return nil, bad("cannot submit: the request has no job, or no lease with a folder")
	}
	return answer(object{"process": object{
		"argv": []string{"/bin/sh", "-c", b.Command},
		"env": object{
			"JOB_DIRECTORY": folder,
			"JOB_FILE":      folder + "/job.json",
			"RESULT_FILE":   folder + "/result.json",
			"PATH":          "/usr/local/bin:/usr/bin:/bin",
			"LANG":          "C.UTF-8",
		},
		"files":       []object{{"path": "job.json", "content": []byte(message.Job)}},
		"stdoutFile":  "output",
		"stderrFile":  "output",
		"resultFile":  "result.json",
		"stopGraceMs": "5000",
	}})
}

func failed(message, hint string, retryable bool) ([]byte, *Error) {
	return answer(object{
		"state": "JOB_FAILED", "detail": message, "retryable": retryable,
		"findings": []object{{"severity": "ERROR", "message": message, "hint": hint}},
	})
}

// number takes what the contract and people write: 3 and "3".
func number(value any, none string) string {
	switch value.(type) {
	case json.Number, string:
		return fmt.Sprint(value)
	}
	return none
}

// A process that has ended with 0.
func succeeded(result []byte) ([]byte, *Error) {
	var found object
	decoder := json.NewDecoder(strings.NewReader(string(result)))
	decoder.UseNumber()
	if decoder.Decode(&found) != nil || number(found["rows"], "") == "" {
		return failed("the command ended well and left no result with `rows`",
			"let it write {\"rows\": N} to $RESULT_FILE", false)
	}
	return answer(object{"state": "JOB_SUCCEEDED", "result": object{
		"rows": number(found["rows"], "0"), "snapshotId": number(found["snapshotId"], "0"),
	}})
}

func check(request []byte) ([]byte, *Error) {
	var message struct {
		Process struct {
			Phase           string `json:"phase"`
			ExitCode        int    `json:"exitCode"`
			Signal          int    `json:"signal"`
			Result          []byte `json:"result"`
			CancelRequested bool   `json:"cancelRequested"`
		} `json:"process"`
	}
	if err := json.Unmarshal(request, &message); err != nil {
		return nil, bad("cannot check: " + err.Error())
	}
	process := message.Process
	switch {
	case process.Phase == "RUNNING":
		return answer(object{"state": "JOB_RUNNING", "detail": "the command runs"})
	case process.Phase == "EXITED" && process.ExitCode == 0 && process.Signal == 0:
		return succeeded(process.Result)
	case process.CancelRequested:
		return answer(object{"state": "JOB_CANCELLED", "detail": "the command was stopped"})
	case process.Phase == "LOST":
		return failed("the command is gone and left no exit status", "run it again", true)
	case process.Phase != "EXITED":
		return nil, bad("cannot check: no known process")
	}
	how := fmt.Sprint("the command ended with ", process.ExitCode)
	if process.Signal != 0 {
		how = fmt.Sprint("signal ", process.Signal, " ended the command")
	}
	return failed(how, "`pretzel run logs` shows what it wrote", false)
}
