// The Go toolchain that builds the tests' Go client (tests/clients/iceberg_go): Debian's is older than the client needs. As a
// module it comes through the module proxy, and go.sum holds its checksum; scripts/lib/clients.sh unpacks it.
module pretzel.stack/go

go 1.19

require golang.org/toolchain v0.0.1-go1.26.8.linux-amd64
