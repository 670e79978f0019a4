// SPDX-License-Identifier: Apache-2.0
//
// The peer in Go: hashicorp/go-plugin with its gRPC protocol. The program is both sides: it starts
// itself as the plugin, which go-plugin then serves on a Unix socket.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	method = "/pretzel.bench.Echo/Echo" // of ../echo.proto
	warmUp = 100
)

var handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "PRETZEL_BENCH_PLUGIN",
	MagicCookieValue: "echo",
}

// serve is what generated code would make of echo.proto.
func serve(_ interface{}, ctx context.Context, decode func(interface{}) error,
	_ grpc.UnaryServerInterceptor) (interface{}, error) {
	request := new(wrapperspb.BytesValue)
	if err := decode(request); err != nil {
		return nil, err
	}
	return &wrapperspb.BytesValue{Value: request.Value}, nil
}

type echoPlugin struct {
	plugin.NetRPCUnsupportedPlugin
}

func (echoPlugin) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "pretzel.bench.Echo",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: serve}},
	}, struct{}{})
	return nil
}

func (echoPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker,
	connection *grpc.ClientConn) (interface{}, error) {
	return connection, nil
}

func callsOf(bytes int) int {
	switch {
	case bytes <= 1024:
		return 4000
	case bytes <= 64<<10:
		return 1500
	}
	return 200
}

func measure(connection *grpc.ClientConn, bytes int) error {
	request := &wrapperspb.BytesValue{Value: make([]byte, bytes)}
	var samples []float64
	for i := -warmUp; i < callsOf(bytes); i++ {
		response := new(wrapperspb.BytesValue)
		begin := time.Now()
		if err := connection.Invoke(context.Background(), method, request, response); err != nil {
			return err
		}
		took := time.Since(begin)
		if len(response.Value) != bytes {
			return fmt.Errorf("%d bytes came back as %d", bytes, len(response.Value))
		}
		if i >= 0 {
			samples = append(samples, float64(took.Nanoseconds())/1000)
		}
	}
	sort.Float64s(samples)
	at := func(percent int) float64 { return samples[(len(samples)-1)*percent/100] }
	fmt.Printf("{\"row\":\"go_plugin\",\"bytes\":%d,\"p50_us\":%.4f,\"p99_us\":%.4f,\"samples\":%d}\n",
		bytes, at(50), at(99), len(samples))
	return nil
}

func run() error {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          plugin.PluginSet{"echo": echoPlugin{}},
		Cmd:              exec.Command(os.Args[0]),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	made, err := protocol.Dispense("echo")
	if err != nil {
		return err
	}
	for _, bytes := range []int{100, 1 << 10, 64 << 10, 1 << 20} {
		if err := measure(made.(*grpc.ClientConn), bytes); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue {
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: handshake,
			Plugins:         plugin.PluginSet{"echo": echoPlugin{}},
			GRPCServer:      plugin.DefaultGRPCServer,
			Logger:          hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
		})
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench goplugin:", err)
		os.Exit(1)
	}
}
