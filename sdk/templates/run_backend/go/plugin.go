// SPDX-License-Identifier: Apache-2.0

// What stands between the host and the backend. Calls here are short, so each is answered before
// goInvoke returns: nothing is left to cancel, and no goroutine outlives an instance.
//
// Never call signal.Notify here: the process is the host's, and so are its signals.
package main

/*
#cgo pkg-config: dcp_sdk
#include "shim.h"
*/
import "C"

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime/cgo"
	"unsafe"
)

// manifest.S takes the same file; naming it here too makes a change of it rebuild the package.
//
//go:embed manifest.json
var manifest []byte

type instance struct {
	host    *C.dcp_host_api
	backend *Backend
}

// Error is why a call fails; code is one of the ABI's (dcp/plugin.h).
type Error struct {
	Code    int    `json:"-"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Codes of the ABI that are used here.
const (
	codeOK              = 0
	codeInvalidArgument = 3
	codeUnimplemented   = 12
	codeInternal        = 13
)

func view(bytes C.dcp_bytes) []byte {
	return C.GoBytes(unsafe.Pointer(bytes.data), C.int(bytes.size))
}

func pointer(bytes []byte) unsafe.Pointer {
	if len(bytes) == 0 {
		return nil
	}
	return unsafe.Pointer(&bytes[0])
}

// guard turns a panic into an error: none may leave a function that C calls.
func guard(work func() ([]byte, *Error)) (answer []byte, failure *Error) {
	defer func() {
		if reason := recover(); reason != nil {
			answer, failure = nil, &Error{codeInternal, fmt.Sprint("the plugin panicked: ", reason), ""}
		}
	}()
	return work()
}

func configure(host *C.dcp_host_api, config C.dcp_bytes) (*Backend, C.dcp_code) {
	var backend *Backend
	_, failure := guard(func() ([]byte, *Error) {
		made, why := NewBackend(view(config))
		backend = made
		return nil, why
	})
	if failure != nil {
		text := []byte(failure.Message)
		C.shim_set_error(host, C.dcp_code(failure.Code), pointer(text), C.size_t(len(text)))
		return nil, C.dcp_code(failure.Code)
	}
	return backend, codeOK
}

//export goValidate
func goValidate(host *C.dcp_host_api, config C.dcp_bytes) C.dcp_code {
	_, code := configure(host, config)
	return code
}

//export goCreate
func goCreate(host *C.dcp_host_api, config C.dcp_bytes, out *C.uintptr_t) C.dcp_code {
	backend, code := configure(host, config)
	if code == codeOK {
		*out = C.uintptr_t(cgo.NewHandle(&instance{host, backend}))
	}
	return code
}

//export goDestroy
func goDestroy(self C.uintptr_t) { cgo.Handle(self).Delete() }

//export goInvoke
func goInvoke(self C.uintptr_t, call *C.dcp_call, method, request C.dcp_bytes) C.dcp_code {
	here := cgo.Handle(self).Value().(*instance)
	answer, failure := guard(func() ([]byte, *Error) {
		return here.backend.Call(string(view(method)), view(request))
	})
	code := codeOK
	if failure != nil {
		code = failure.Code
		answer, _ = json.Marshal(failure)
	}
	C.shim_complete(here.host, call, C.dcp_code(code), pointer(answer), C.size_t(len(answer)))
	return codeOK
}

func main() {}
