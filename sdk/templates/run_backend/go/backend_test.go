// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func call(t *testing.T, method, request string, code int, text string) {
	t.Helper()
	backend, why := NewBackend([]byte(`{"command":"exit 0"}`))
	if why != nil {
		t.Fatal(why.Message)
	}
	got, failure := backend.Call(method, []byte(request))
	said := string(got)
	gotCode := codeOK
	if failure != nil {
		said, gotCode = failure.Message+failure.Hint, failure.Code
	}
	if gotCode != code || !strings.Contains(said, text) {
		t.Errorf("%s %s: code %d, %s", method, request, gotCode, said)
	}
}

func TestConfiguration(t *testing.T) {
	for _, wrong := range []string{"", "{}", `{"command":7}`, `{"command":""}`} {
		if _, why := NewBackend([]byte(wrong)); why == nil || why.Code != codeInvalidArgument {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestSubmit(t *testing.T) {
	request := `{"job":{"table":"prod.a.b","sql":"SELECT 1"},"lease":{"directory":"/jobs/1"}}`
	call(t, "Submit", request, codeOK, `"argv":["/bin/sh","-c","exit 0"]`)
	call(t, "Submit", request, codeOK, `"JOB_FILE":"/jobs/1/job.json"`)
	call(t, "Submit", "{}", codeInvalidArgument, "no job")
}

func TestCheck(t *testing.T) {
	call(t, "Check", `{"process":{"phase":"RUNNING"}}`, codeOK, "JOB_RUNNING")
	// {"rows":3}
	call(t, "Check", `{"process":{"phase":"EXITED","result":"eyJyb3dzIjozfQ=="}}`, codeOK, `"rows":"3"`)
	call(t, "Check", `{"process":{"phase":"EXITED"}}`, codeOK, "JOB_FAILED")
	call(t, "Check", `{"process":{"phase":"EXITED","exitCode":4}}`, codeOK, "ended with 4")
	call(t, "Check", `{"process":{"phase":"EXITED","signal":15,"cancelRequested":true}}`, codeOK, "JOB_CANCELLED")
	call(t, "Check", `{"process":{"phase":"LOST"}}`, codeOK, `"retryable":true`)
	call(t, "Check", "{}", codeInvalidArgument, "process")
	call(t, "Polish", "{}", codeUnimplemented, "Submit and Check")
}
